"""`param` and `let`: what can be set from Python and from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from texts import errors, graph, layers

import archdsl
from archdsl.cli import run
from archdsl.errors import ArchError

TEXT = """\
param width = 8
param wide = 2*width
param act = relu
param depths = [1, 2]
param bias = true
param pad = "same"
let k = 3
input 3x8x8
{ conv k wide bias=bias pad=pad; act } x(depths[0])
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "net.arch"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["conv 3x3 16", "relu"]),
        ({"width": 4}, ["conv 3x3 8", "relu"]),
        ({"wide": 5}, ["conv 3x3 5", "relu"]),
        ({"act": "gelu"}, ["conv 3x3 16", "gelu"]),
        ({"depths": [0, 2]}, []),
        ({"depths": [2], "width": 1, "bias": False}, ["conv 3x3 2 bias=false", "relu"] * 2),
        ({"pad": (0, 1)}, ["conv 3x3 16 pad=0x1", "relu"]),
    ],
)
def test_set_from_python(path: Path, parameters: dict[str, Any], expected: list[str]) -> None:
    text = f"{TEXT}bn"
    assert layers(text, **parameters) == [*expected, "bn"]
    if expected:
        found = archdsl.load(path, **parameters).graph
        assert [n.op.text() for n in found.nodes] == expected
        assert [found.parameters[k] for k in parameters] == [
            list(v) if isinstance(v, tuple) else v for v in parameters.values()
        ]


@pytest.mark.parametrize("act", ["(leaky_relu slope=0.2)", "( leaky_relu slope = 1/5 )", "(relu)"])
def test_a_layer_with_arguments(path: Path, act: str) -> None:
    """From Python as from the command line."""
    from archdsl.pipeline import open_one

    found = archdsl.load(path, act=act).graph
    assert found.nodes == open_one(str(path), {"act": act}).graph.nodes
    assert found.nodes[1].op.text() == ("relu" if act == "(relu)" else "leaky_relu 0.2")
    assert layers(TEXT, act=act) == [n.op.text() for n in found.nodes]


@pytest.mark.parametrize("text", ["(data)", "(relu data)/x", "(a (b)", "()", "(same)"])
def test_any_other_text_in_parentheses_stands_for_itself(text: str) -> None:
    spec = 'param place = "here"\ninput 2; identity\ntrain { data npz place }'
    found = archdsl.parse(spec, place=text).graph
    assert found.training is not None
    assert found.training.data.text().startswith(f'data npz "{text}"')


def test_a_layer_from_python_with_a_wrong_argument(path: Path) -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.load(path, act="(leaky_relu slop=0.2)")
    assert caught.value.diagnostics[0].code == "A401"


@pytest.mark.parametrize(
    ("arguments", "shape", "macs"),
    [
        ([], [16, 8, 8], 27 * 16 * 64),
        (["-p", "width=4"], [8, 8, 8], 27 * 8 * 64),
        (["-p", "wide = width_"], None, 0),
        (["-p", "wide=2 ** 3 + 1"], [9, 8, 8], 27 * 9 * 64),
        (["-p", "act=gelu", "-p", "wide=3"], [3, 8, 8], 27 * 3 * 64),
        (["-p", "depths=[2]", "-p", "wide=3", "-p", "bias=false"], [3, 8, 8], 2 * 27 * 3 * 64),
        (["-p", "pad=0x0"], [16, 6, 6], 27 * 16 * 36),
        (["-p", "pad=same"], [16, 8, 8], 27 * 16 * 64),
        (["-p", 'pad="same"'], [16, 8, 8], 27 * 16 * 64),
    ],
)
def test_set_from_the_command_line(
    path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    shape: list[int] | None,
    macs: int,
) -> None:
    status = run(["summary", "--json", str(path), *arguments])
    data = json.loads(capsys.readouterr().out)
    if shape is None:
        assert status == 1
        assert "A403" in str(data)
    else:
        assert (status, data["outputs"], data["macs"]) == (0, {"out": shape}, macs)


def test_the_parameters_in_force_are_recorded() -> None:
    found = graph(TEXT, wide=5, act="gelu").parameters
    assert found == {
        "width": 8,
        "wide": 5,
        "act": "gelu",
        "depths": [1, 2],
        "bias": True,
        "pad": "same",
    }


@pytest.mark.parametrize(
    ("parameters", "code", "told"),
    [
        ({"k": 5}, "A302", "no parameter `k`"),
        ({"widht": 5}, "A302", "did you mean `width`?"),
        ({"width": 0}, "A403", "`filters` is an integer of at least 1; this is 0"),
        ({"width": "many"}, "A406", '`*` wants numbers, this is 2 * the text "many"'),
        ({"depths": 3}, "A406", "only a list has items, this is 3"),
        ({"act": "nonsense"}, "A301", "`act` is the text"),
    ],
)
def test_what_cannot_be_set(parameters: dict[str, Any], code: str, told: str) -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(TEXT, **parameters)
    assert caught.value.diagnostics[0].code == code
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["1 +", "a b", "", "[1", "conv 3x3", "9" * 30, "(" * 99, "1\n2"])
def test_values_that_are_none(path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    status = run(["check", str(path), "-p", f"width={text}"])
    told = capsys.readouterr().err
    assert status == (1 if text else 2)
    assert "Traceback" not in told
    assert "width" in told


def test_a_let_sees_what_came_before_it() -> None:
    assert layers("param n = 2; let m = n + 1; input 3; fc m", n=5) == ["fc 6"]
    assert errors("let m = n; param n = 2; input 3; fc m") == ["A302 at n"]
