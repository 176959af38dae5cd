"""Where a `train { … }` may stand, and for what it holds there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sections import NETWORK, errors

import archdsl


def test_a_spec_without_one_has_none_and_loads_no_vocabulary() -> None:
    code = (
        "import sys, archdsl; g = archdsl.parse('input 3x8x8; conv 3x3').graph\n"
        "assert g.training is None and archdsl.ir.Graph.from_json(g.to_json()) == g\n"
        "print([m for m in sys.modules if m.startswith('archdsl.ir.training')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


TWO = """\
train { epochs 5; batch 32; augment hflip; erasing; lr fc=2x }
block head n { gap; fc: fc n }
block net n { input 3x8x8; head n; train { steps 9; seed n } }
network a { input 3x8x8; head 4 }
network b { input 3x8x8; head 4; train { epochs 7; augment cutmix } }
network c = net 6
"""


def test_a_files_section_holds_for_its_networks() -> None:
    two = TWO.replace("head n; ", "gap; fc: fc n; ").replace("head 4", "gap; fc: fc 4")
    found = {name: archdsl.parse(two, name).graph.training for name in "abc"}
    a, b, c = (found[name] for name in "abc")
    assert a and b and c
    assert [(t.length.name, t.length.count) for t in (a, b, c)] == [
        ("epochs", 5),
        ("epochs", 7),
        ("steps", 9),
    ]
    assert [[s.name for s in t.augment] for t in (a, b, c)] == [
        ["hflip", "erasing"],
        ["cutmix"],
        ["hflip", "erasing"],
    ]
    assert [t.batch.size for t in (a, b, c)] == [32, 32, 32]
    assert [t.seed.value for t in (a, b, c)] == [0, 0, 6]
    assert [t.place.line for t in (a, b, c)] == [1, 5, 3]
    assert b.places["batch"].line == 1
    assert b.places["length"].line == 5


def test_bare_statements_are_a_network_of_the_file() -> None:
    text = "train { seed 3 }\ninput 3x8x8; conv 3x3\nnetwork b { input 3x8x8; conv 1x1 }\n"
    assert [archdsl.parse(text, n).graph.training.seed.value for n in ("spec", "b")] == [3, 3]  # pyright: ignore


def test_only_one_on_each_level() -> None:
    (found,) = errors("train { seed 3 }\ninput 3x8x8; conv 3x3\ntrain { epochs 3 }\n")
    assert (found.code, found.span and found.span.line) == ("A802", 3)
    assert found.notes[0].span.line == 1
    (found,) = errors("network b { input 3x8x8; conv 1x1; train { }; train { } }\n")
    assert found.code == "A802"


@pytest.mark.parametrize(
    "text",
    [
        "block b { conv 3x3; train { seed 3 } }\ninput 3x8x8; b",
        "input 3x8x8\na: { conv 3x3; train { seed 3 } }",
        "input 3x8x8\n{ conv 3x3; train { seed 3 } } x2",
        "input 3x8x8; conv 3x3\na: train { seed 3 }",
    ],
)
def test_it_belongs_to_a_file_or_a_network(text: str) -> None:
    assert {d.code for d in errors(text)} == {"A601"}


def test_it_has_braces_and_nothing_else() -> None:
    for text in ("train", "train 3 { }", "train { seed 1 | seed 2 }"):
        (found,) = errors(f"input 3x8x8; conv 3x3\n{text}")
        assert found.code in ("A404", "A407")


def test_an_import_keeps_its_own(tmp_path: Path) -> None:
    (tmp_path / "blocks.arch").write_text(
        "block b { conv 3x3 }\ntrain { seed 3; freeze until y }\n"
    )
    (tmp_path / "net.arch").write_text('import "blocks.arch"\ninput 3x8x8; b\n')
    assert archdsl.load(tmp_path / "net.arch").graph.training is None


def test_a_section_changes_nothing_in_the_network() -> None:
    with_one = archdsl.parse(f"{NETWORK}train {{ epochs 3; freeze all except fc }}")
    without = archdsl.parse(NETWORK)
    code = [net.torch_source().partition('"""\n')[2] for net in (with_one, without)]
    assert code[0] == code[1], "but for the head, which has the file's hash"
    assert with_one.graph.nodes == without.graph.nodes
    assert with_one.graph.outputs == without.graph.outputs
