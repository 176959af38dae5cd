"""The rules: in tests/lint each spec expects its findings, and each rule's page does what it says.

`#! L101 together they are` at the end of a line is a finding with this code on this line, whose
label, help or notes have these words. A line may expect several. Whatever is not expected fails.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import archdsl
from archdsl.lint import Finding, Rule, Subject, all_rules, lint
from archdsl.lint.rule import GROUPS
from archdsl.pipeline import open_subject
from archdsl.resources import folder

FOLDER = Path(__file__).parent
SPECS = sorted(FOLDER.glob("*.arch"))
CLEAN = [*sorted(folder("specs").glob("*.arch")), *sorted((FOLDER / "clean").glob("*.arch"))]
_EXPECTED = re.compile(r"#! (L\d\d\d) ?([^#]*)")

each_rule = pytest.mark.parametrize("rule", all_rules(), ids=lambda r: r.code)


def expected(path: Path) -> list[tuple[int, str, str]]:
    """Line, code and words of what a spec expects."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        (number, code, words.strip())
        for number, line in enumerate(lines, 1)
        for code, words in _EXPECTED.findall(line)
    ]


def words_of(finding: Finding) -> str:
    d = finding.diagnostic
    return "\n".join([d.title, d.label, d.help, *(note.text for note in d.notes)])


def found(text: str) -> list[Finding]:
    """What all rules find in a spec given as text."""
    net = archdsl.parse(text)
    assert net.tree is not None
    return lint(Subject(net.tree, (net.graph,)), all_rules())


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.relative_to(FOLDER).as_posix())
def test_each_finding_is_told_where_it_is(path: Path) -> None:
    left = lint(open_subject(str(path)), all_rules())
    missing: list[str] = []
    for line, code, words in expected(path):
        fitting = [f for f in left if (f.code, f.span.line) == (code, line)]
        fitting = [f for f in fitting if words in words_of(f)]
        if fitting:
            left.remove(fitting[0])
        else:
            missing.append(f"{path.name}:{line} {code} {words}")
    # A hint is held against a file only if the file is about it.
    about = {code for _, code, _ in expected(path)}
    unexpected = [str(f) for f in left if f.level != "info" or f.code in about]
    assert not missing + unexpected, "\n".join(["missing:", *missing, "unexpected:", *unexpected])


def test_every_rule_is_expected_somewhere() -> None:
    codes = {code for path in SPECS for _, code, _ in expected(path)}
    assert codes == {rule.code for rule in all_rules()}


@each_rule
def test_the_bad_example_is_found_and_the_good_one_is_clean(rule: type[Rule]) -> None:
    assert rule.code in {f.code for f in found(rule.bad())}
    assert [str(f) for f in found(rule.good()) if f.level != "info" or f.code == rule.code] == []


@each_rule
def test_the_page_says_what_and_why(rule: type[Rule]) -> None:
    assert re.fullmatch(r"L\d\d\d", rule.code)
    assert rule.code[:2] in GROUPS
    assert not rule.title().endswith(".")
    assert len(rule.why().split()) >= 15, "why, with the paper or the arithmetic"
    assert rule.why().endswith(".")


@pytest.mark.parametrize("path", CLEAN, ids=lambda p: p.stem)
def test_the_zoo_and_other_known_networks_are_clean(path: Path) -> None:
    findings = lint(open_subject(str(path)), all_rules())
    assert [str(f) for f in findings if f.level != "info"] == []
