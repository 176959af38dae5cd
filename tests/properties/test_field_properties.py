"""The computed region is the box of the gradient: any graph, any position, edges and all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples
from torch import nn

import archdsl
from archdsl import ArchError, Network

HEIGHT, WIDTH = 13, 12
Box = tuple[tuple[int, int], ...]


class _Writer:
    """Writes affine networks, a statement at a time; what does not fit is left out."""

    def __init__(self, draw: Callable[..., Any], start: str) -> None:
        self.draw = draw
        self.lines = [start]
        self.labels = 0

    def one(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def add(self, statement: str) -> None:
        try:
            archdsl.parse("\n".join([*self.lines, statement]))
        except ArchError:
            return
        self.lines.append(statement)

    def convolution(self) -> str:
        kernel = self.one("1x1", "3x3", "5x5", "2x2", "1x3", "3x2", "4x1")
        options = self.one("", " stride=2", " stride=1x2", " stride=3") + self.one(
            "", " pad=0", " pad=1", " pad=0x2", " pad=3x1"
        )
        return f"{self.one('conv', 'dwconv')} {kernel}{options}{self.one('', ' dilation=2x3')}"

    def layer(self) -> str:
        kind = self.one("convolution", "pool", "up", "upconv", "edge", "same")
        match kind:
            case "convolution":
                return self.convolution()
            case "pool":
                stride = self.one("", " stride=1", " stride=2", " stride=3x2")
                pad, rounding = self.one("", " pad=1"), self.one("", " ceil=true")
                return f"avgpool {self.one('2x2', '3x3', '2x3')}{stride}{pad}{rounding}"
            case "up":
                how = self.one("2", "3x1", "size=17x14", "size=20x25")
                return f"upsample {how} {self.one('mode=nearest', 'mode=bilinear')}"
            case "upconv":
                kernel, stride = self.one("2x2", "3x3", "4x4", "1x2"), self.one("2", "1", "3x2")
                return f"upconv {kernel} stride={stride}{self.one('', ' pad=1', ' pad=0x1')}"
            case "edge":
                side = self.one("both", "before", "after")
                return self.one(f"pad 1x2 side={side}", "crop 7x6", "crop 10x9", "subsample 2x1")
            case _:
                return self.one("identity", "conv 3x3", "scale 2", "{ tokens; fc; untokens }")

    def keeping(self) -> str:
        return self.one(
            "conv 3x3", "conv 5x3", "conv 3x3 dilation=3", "conv 2x2 pad=0; pad 1 side=after",
            "pad 2x0 side=before; conv 3x1 pad=0", "upsample 2; avgpool 2", "identity",
            "upconv 2x2 stride=2; conv 2x2 stride=2", "upconv 3x3 pad=1",
            "{ tokens; fc; untokens }",
        )  # fmt: skip

    def halving(self) -> str:
        return self.one(
            "conv 3x3 stride=2 pad=1", "pad 1 side=after; conv 3x3 stride=2 pad=0",
            "avgpool 2 ceil=true", "subsample 2", "conv 5x5 stride=2", "conv 3x3; subsample 2",
            "crop 7x6", "conv 7x7 pad=0",
        )  # fmt: skip

    def join(self) -> str:
        self.labels += 1
        label = f"part_{self.labels}"
        pair = f"{self.keeping()} | {self.keeping()}"
        return self.one(
            f"residual {{ {self.keeping()}; {self.keeping()} }}",
            f"concat {{ {pair} | }}",
            f"add {{ {pair} }}",
            f"concat {{ {self.halving()} | {self.halving()} | {self.halving()} }}",
            f"add {{ {self.halving()} | {self.halving()} }}",
            f"add 2 {{ {self.keeping()} }}",
            f"{label}: {self.keeping()}\navgpool 2 ceil=true; conv 3x3\n"
            f"concat {{ upconv 2x2 stride=2 | @{label} }}",
            f"{label}: {self.keeping()}\nmaxpool 2; upsample 2\nadd {{ | @{label} }}",
            "add { | gap }",
        )


@st.composite
def affine(draw: Callable[..., Any]) -> str:
    """A network in which no gradient vanishes: all weights one, nothing cuts off."""
    writer = _Writer(draw, f"input 2x{HEIGHT}x{WIDTH}")
    for _ in range(draw(st.integers(1, 5))):
        writer.add(draw(st.sampled_from([writer.layer, writer.layer, writer.join]))())
    writer.add("identity")
    return "\n".join(writer.lines)


def ones(network: Network) -> nn.Module:
    model = network.to_torch().double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1)
    return model


def gradient_box(model: nn.Module, shape: tuple[int, ...], place: tuple[int, ...]) -> Box | None:
    """The first and last index on each axis at which one position has a gradient."""
    image = torch.ones(1, *shape, dtype=torch.float64, requires_grad=True)
    model(image)[(0, slice(None), *place)].sum().backward()
    assert image.grad is not None
    hits = image.grad[0].sum(0).nonzero()
    if not len(hits):
        return None
    return tuple(zip(hits.amin(0).tolist(), hits.amax(0).tolist(), strict=True))


def within(inner: Box, outer: Box) -> bool:
    return all(a <= c and d <= b for (a, b), (c, d) in zip(outer, inner, strict=True))


@examples(150)
@given(affine(), st.data())
def test_the_region_is_the_box_of_the_gradient(text: str, data: st.DataObject) -> None:
    network = archdsl.parse(text)
    shape, field = network.graph.main.shape, network.receptive_field()
    place = tuple(data.draw(st.integers(0, n - 1)) for n in shape[1:])
    region = field.region(*place)
    assert region.clipped == gradient_box(ones(network), network.graph.inputs[0].shape, place)
    if region.clipped:
        assert region.unclipped
        assert within(region.clipped, region.unclipped)
    if region.unclipped and not field.whole:
        spans = tuple(w.span(i) for w, i in zip(field.windows, place, strict=True))
        assert within(region.unclipped, spans), "the field holds for every position"


UNEVEN = [
    "adaptive_avgpool 7x5; conv 3x3",
    "tokens; transpose; fc 6; transpose; untokens 2x3",
    "reshape 4x39x2",
    "concat { conv 5x5 | }; split { conv 1x1 | conv 3x3 }",
]


@pytest.mark.parametrize("text", UNEVEN)
def test_where_a_rule_says_everything_the_region_covers(text: str) -> None:
    """The exceptions: they take in more than is read, and never less."""
    network = archdsl.parse(f"input 2x{HEIGHT}x{WIDTH}; {text}")
    model, shape = ones(network), network.graph.inputs[0].shape
    found = network.receptive_field().region().clipped
    assert found is not None
    read = gradient_box(model, shape, network.receptive_field().region().position)
    assert read is not None
    assert within(read, found)


EQUAL = [
    "conv 3x3; conv 5x5 dilation=2; avgpool 2",
    "concat { conv 3x3 stride=2 | conv 5x5 stride=2 }; residual { conv 3x3; conv 3x3 }",
    "conv 3x3; upsample 3; conv 3x3",
    "pad 1x2 side=after; conv 3x2 pad=0; crop 9x8; upconv 4x4 stride=2 pad=1",
]


@pytest.mark.parametrize("text", EQUAL)
def test_with_one_stride_the_field_is_the_region_of_every_position(text: str) -> None:
    """The affine rule itself, not only the walk back from one position."""
    network = archdsl.parse(f"input 2x{HEIGHT}x{WIDTH}; {text}")
    field = network.receptive_field()
    _, rows, columns = network.graph.main.shape
    for i in range(rows):
        for j in range(columns):
            spans = tuple(w.span(k) for w, k in zip(field.windows, (i, j), strict=True))
            assert field.region(i, j).unclipped == spans
