"""Fixes: what they write, and that one whose claim does not hold is not written."""

from __future__ import annotations

from pathlib import Path

import pytest

import archdsl
from archdsl.lint import Subject, all_rules
from archdsl.lint.engine import Finding
from archdsl.lint.mend import Mended, mend
from archdsl.lint.rule import Edit, FileRule, Fix, Hit
from archdsl.lint.view import FileView
from archdsl.pipeline import open_subject
from archdsl.source import Span
from archdsl.syntax.formatter import format_spec


def mended(tmp_path: Path, text: str, **options: object) -> Mended:
    path = tmp_path / "spec.arch"
    path.write_text(text)
    return mend(open_subject(str(path)), all_rules(), **options)  # pyright: ignore[reportArgumentType]


MENDS = {
    "a bias in a block that is called twice": (
        "block unit width { conv 3x3 width; bn; relu }\ninput 3x8x8\nunit 4; unit 8\n",
        "block unit width { conv 3x3 width bias=false; bn; relu }\ninput 3x8x8\nunit 4; unit 8\n",
    ),
    "a bias that is stated": (
        "input 3x8x8\nconv 3x3 4 bias=true stride=2; bn; relu\n",
        "input 3x8x8\nconv 3x3 4 bias=false stride=2; bn; relu\n",
    ),
    "an activation in a line": (
        "input 3x8x8\nconv 3x3 4; relu; relu; gap\n",
        "input 3x8x8\nconv 3x3 4; relu; gap\n",
    ),
    "an activation at the end of a line": (
        "input 3x8x8\nconv 3x3 4; relu; relu\ngap\n",
        "input 3x8x8\nconv 3x3 4; relu\ngap\n",
    ),
    "an activation on a line of its own": (
        "input 3x8x8\nconv 3x3 4; relu\nrelu\nrelu6 # why\ngap\n",
        "input 3x8x8\nconv 3x3 4; relu\nrelu6 # why\ngap\n",
    ),
    "an activation that is all of a group": (
        "input 3x8x8\nconv 3x3 4; relu; { relu }; gap\n",
        "input 3x8x8\nconv 3x3 4; relu; { }; gap\n",
    ),
    "a repetition": (
        "input 3x8x8\nrelu\nfc 8\ngelu; fc 8; gelu; fc 8; gelu\nfc 4\n",
        "input 3x8x8\nrelu\n{ fc 8; gelu } x3\nfc 4\n",
    ),
    "a `let`": (
        "let a = 3\nlet b = a\nlet c = 2\ninput 3x8x8\nfc c\n",
        "let c = 2\ninput 3x8x8\nfc c\n",
    ),
}


@pytest.mark.parametrize("what", MENDS)
def test_mends(what: str, tmp_path: Path) -> None:
    before, after = MENDS[what]
    done = mended(tmp_path, before)
    assert done.text == after
    assert not done.refused
    assert archdsl.parse(done.text).graph.main.shape == archdsl.parse(before).graph.main.shape
    assert mend(done.subject, all_rules()).text == after, "there is nothing left to mend"


UNMENDED = {
    "a comment among the copies": "input 8\nfc 8; relu\nfc 8; relu # one\nfc 8; relu\n",
    "a bias whose start is stated": "input 3x8x8\nconv 3x3 4 bias_init=1; bn; relu\n",
    "a bias that another network keeps": (
        "block unit norm { conv 3x3 4; if norm { bn }; relu }\n"
        "network a { input 3x8x8; unit true }\nnetwork b { input 3x8x8; unit false }\n"
    ),
    "a parameter": "param depth = 3\ninput 8\nfc 8; relu\n",
    "a layer that is a block's parameter": (
        "block unit layer { layer; bn }\ninput 8\nunit fc\nrelu; unit relu; fc 8\n"
    ),
    "an activation whose place numbers layers with weights": (
        "input 8\nbody: { fc 8; relu; relu; fc 8 }\n"
    ),
    "an activation with a label that is read": (
        "input 8\nfc 8; relu\na: relu\nfc 8; relu\nadd { | @a }\n"
    ),
}


@pytest.mark.parametrize("what", UNMENDED)
def test_what_is_not_certain_stays(what: str, tmp_path: Path) -> None:
    assert mended(tmp_path, UNMENDED[what]).text == UNMENDED[what]


def test_a_fix_that_would_break_an_expectation_is_refused(tmp_path: Path) -> None:
    text = "input 3x8x8\nconv 3x3 4; bn; relu\nexpect params == 120\n"
    done = mended(tmp_path, text)
    assert (done.text, [f.code for f in done.refused]) == (text, ["L201"])
    wrong = text.replace("120", "116")  # what it has without the bias
    assert mended(tmp_path, wrong).text == wrong.replace("conv 3x3 4", "conv 3x3 4 bias=false")


def test_a_fix_whose_claim_does_not_hold_is_refused_and_the_others_are_not(tmp_path: Path) -> None:
    class Liar(FileRule):
        """A width that is said to make no difference."""

        code = "L699"
        level = "warning"

        def check(self, file: FileView):
            at = file.source.text.find("fc 8")
            if at >= 0:
                fix = Fix("no difference", (Edit(at, at + 4, "fc 9"),))
                yield Hit(Span(file.source, at, at + 4), "eight", fix=fix)

    path = tmp_path / "spec.arch"
    path.write_text("let a = 1\ninput 8\nfc 8; relu; relu; fc 4\n")
    done = mend(open_subject(str(path)), [*all_rules(), Liar])
    assert done.text == "input 8\nfc 8; relu; fc 4\n"
    assert [f.code for f in done.refused] == ["L699"]
    assert sorted(f.code for f in done.applied) == ["L205", "L602"]


def test_what_was_formatted_is_formatted(tmp_path: Path) -> None:
    text = (
        "let a   = 1\nlet wide = 8\ninput 3x8x8\nconv 3x3 wide; bn;   relu\nconv 3x3 2;    relu\n"
    )
    tidy = format_spec(open_subject(str(_written(tmp_path, text))).tree.source)
    done = mended(tmp_path, tidy)
    assert done.applied
    assert format_spec(done.subject.tree.source) == done.text
    untidy = mended(tmp_path, "input   3x8x8\nconv 3x3 4; bn;  relu\n")
    assert untidy.text == "input   3x8x8\nconv 3x3 4 bias=false; bn;  relu\n"


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "spec.arch"
    path.write_text(text)
    return path


def test_fixes_only_of_the_level_that_is_told(tmp_path: Path) -> None:
    text = "input 8\nfc 8; relu\nfc 8; relu\nfc 8; relu\n"
    assert mended(tmp_path, text, level="warning").text == text
    assert mended(tmp_path, text, level="info").text != text


def test_all_networks_must_be_known(tmp_path: Path) -> None:
    subject = open_subject(str(_written(tmp_path, "input 3x8x8\nconv 3x3; bn\n")))
    with pytest.raises(ValueError, match="all networks"):
        mend(Subject(subject.tree, subject.graphs, whole=False), all_rules())


def test_a_bias_costs_its_channels(tmp_path: Path) -> None:
    done = mended(tmp_path, "input 3x8x8\nconv 3x3 40; bn; relu\nfc 10\n")
    before = archdsl.load(tmp_path / "spec.arch").summary().params
    assert archdsl.parse(done.text).summary().params == before - 40


def test_findings_say_what_is_mended(tmp_path: Path) -> None:
    done = mended(tmp_path, "input 3x8x8\nconv 3x3 40; bn; relu\nfc 10\n")
    assert [type(f) for f in done.applied] == [Finding]
    assert done.applied[0].fix is not None
    assert done.applied[0].fix.title == "leave the bias out"
