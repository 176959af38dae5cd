"""What a layer is called in a figure, against what the language calls it."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.ir import layers


@pytest.mark.parametrize("cls", layers(), ids=lambda cls: cls.name)
def test_a_figure_tells_the_name_and_the_first_arguments(cls: type) -> None:
    for sample in cls.samples:  # type: ignore[attr-defined]
        inputs = " ".join(f"input {'x'.join(map(str, shape))}" for shape in sample.inputs)
        for node in archdsl.parse(f"{inputs}\n{sample.text}").graph.nodes:
            brief, text = node.op.brief().split(), node.op.text().split()
            assert brief[0] == node.op.name
            assert set(brief[1:]) <= set(text[len(node.op.phrase().split()) :]), "nothing is added"
            positional = [word for word in text if "=" not in word]
            assert brief[: len(positional)] == positional, "all of these stay"


@pytest.mark.parametrize(
    ("statement", "brief"),
    [
        ("conv 7x7 64 stride=2 pad=1 bias=false", "conv 7x7 64 stride=2"),
        ("conv 3x3 6 groups=3 dilation=2", "conv 3x3 6 dilation=2 groups=3"),
        ("maxpool 3x3 stride=2 pad=1 ceil=true", "maxpool 3x3 stride=2"),
        ("bn eps=0.001", "bn"),
        ("dropout 0.4", "dropout 0.4"),
    ],
)
def test_known_layers(statement: str, brief: str) -> None:
    (node,) = archdsl.parse(f"input 3x32x32; {statement}").graph.nodes
    assert node.op.brief() == brief
