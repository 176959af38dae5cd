"""`fmt`: one layout, the same meaning, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from archdsl.elaborate import elaborate, network_names
from archdsl.resources import folder
from archdsl.source import Source
from archdsl.syntax import parse
from archdsl.syntax.formatter import format_spec
from tests.strategies import networks

SPECS = sorted(folder("specs").glob("*.arch"))


def formatted(text: str) -> str:
    return format_spec(Source(text), {"linear": "fc"})


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_the_zoo_is_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_spec(Source(text, path.name)) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "input   3x8x8 ;relu;\n\n\n\nconv 3x3   stride = 2",
            "input 3x8x8; relu\n\nconv 3x3 stride=2\n",
        ),
        ("param a=1\nlet bcd   =   2", "param a = 1\nlet bcd = 2\n"),
        ("param a   =1\nparam bcd=2", "param a   = 1\nparam bcd = 2\n"),
        ("residual{conv 3x3|  a:relu}x 2", "residual { conv 3x3 | a: relu } x 2\n"),
        ("concat {|relu}", "concat { | relu }\n"),
        ("if a==1{\nrelu\n}\nelse{gelu}", "if a==1 {\n  relu\n}\nelse { gelu }\n"),
        ("conv 3x3;   relu\nfc 10;relu", "conv 3x3; relu\nfc 10;    relu\n"),
        ("conv 3x3; relu\nfc 10;relu", "conv 3x3; relu\nfc 10; relu\n"),
        ("relu #a\ngap   # b", "relu  # a\ngap   # b\n"),
        ("#! A204 kept", "#! A204 kept\n"),
        ("linear 10", "fc 10\n"),
        ("expect f(a.0 ,b = 1)==2,g<3", "expect f(a.0, b=1)==2, g<3\n"),
        ("network  n=b 2{expect params==1}", "network n = b 2 { expect params==1 }\n"),
        ("block linear w { fc w }\nlinear 10", "block linear w { fc w }\nlinear 10\n"),
        ("f depths[0] [1,\n2] (a -1) -1", "f depths[0] [1,\n  2] (a -1) -1\n"),
        ("f [1, # one\n2]", "f [1,  # one\n  2]\n"),
        ("relu\r\n# c\r\ngap\r\n", "relu\n# c\ngap\n"),
        ("", ""),
    ],
)
def test_layout(before: str, after: str) -> None:
    assert formatted(before) == after
    assert formatted(after) == after


@given(networks())
def test_formatting_changes_no_graph(text: str) -> None:
    after = formatted(text)
    assert formatted(after) == after
    spec, again = parse(Source(text)), parse(Source(after))
    for name in network_names(spec):
        before, now = elaborate(spec, name), elaborate(again, name)
        shown = [(n.path, n.op, n.inputs, n.shape) for n in before.nodes]
        assert [(n.path, n.op, n.inputs, n.shape) for n in now.nodes] == shown


def test_comments_survive() -> None:
    text = "# one\ninput 3x8x8  # two\n# three\n\n# four\nrelu\n# five\n"
    assert formatted(text) == text
