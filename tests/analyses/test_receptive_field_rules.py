"""The interval arithmetic: axes, dilation, joins, the whole input, and PyTorch's gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import archdsl
from archdsl import ArchError, Network
from archdsl.analyses.receptive_field import Field, fields, misalignments

if TYPE_CHECKING:
    from torch import nn


def field(text: str, at: str | None = None) -> Field:
    return archdsl.parse(text).receptive_field(at)


def test_dilation_moves_the_centre() -> None:
    found = field("input 1x9x9; conv 3x3 dilation=2 pad=0")
    assert (found.size, found.padding, found.center) == ((5, 5), (0, 0), (2.0, 2.0))


def test_axes_are_apart() -> None:
    found = field("input 1x32x32; conv 1x7 pad=0x3; maxpool 3x1 stride=2x1")
    assert (found.size, found.stride, found.padding) == ((3, 7), (2, 1), (0, 3))
    assert found.center == (1.0, 0.0)


def test_an_even_window_has_its_centre_between_two_positions() -> None:
    assert field("input 1x8x8; maxpool 2x2").center == (0.5, 0.5)


@pytest.mark.parametrize("last", ["gap", "fc 10", "flatten", "gap; fc 10; relu"])
def test_the_whole_input_is_a_value_of_its_own(last: str) -> None:
    found = field(f"input 3x20x30; conv 3x3 4 stride=2; {last}")
    assert found.whole
    assert (found.size, found.stride, found.padding) == ((20, 30), (0, 0), (0, 0))
    assert found.center == (9.5, 14.5)


def test_the_whole_input_absorbs_what_it_joins() -> None:
    net = archdsl.parse("input 4x8x8; mul { | gap; fc 4; sigmoid }; conv 3x3")
    assert not net.summary().misaligned
    assert net.receptive_field("mul1").whole
    assert net.receptive_field().whole


def test_a_vector_has_one_position() -> None:
    found = field("input 784; relu")
    assert found.whole
    assert found.size == ()


def test_tokens_have_one_axis() -> None:
    found = field("input 16x8; ln; fc 8")
    assert not found.whole
    assert (found.size, found.stride) == ((1,), (1,))


def test_an_aligned_residual_is_not_reported() -> None:
    net = archdsl.parse("input 4x9x9; residual { conv 3x3; relu; conv 3x3 }")
    assert net.receptive_field().size == (5, 5)
    assert not net.receptive_field().misaligned
    assert misalignments(net.graph) == []


def test_branches_with_other_centres_are_joined_and_reported() -> None:
    net = archdsl.parse(
        "input 4x6x6; concat { conv 3x3 stride=2 pad=1 | maxpool 2x2 }; conv 1x1; residual"
    )
    found = net.receptive_field("concat1")
    assert (found.size, found.stride, found.padding) == ((3, 3), (2, 2), (1, 1))
    assert found.misaligned
    assert net.receptive_field().misaligned  # what follows sees through the same branches
    (join,) = misalignments(net.graph)
    assert join.path == "concat1"
    assert [b.center for b in join.branches] == [(0.0, 0.0), (0.5, 0.5)]


def test_strides_that_differ_are_covered_everywhere() -> None:
    """Position i reads [2i, 2i+1] through one branch and [i, i+2] through the other, i = 0 or 1."""
    found = field("input 1x4x4; concat { conv 2x2 stride=2 pad=0 | conv 3x3 pad=0 }")
    assert found.misaligned
    (window, _) = found.windows
    for i in (0, 1):
        low, high = window.stride * i + window.first, window.stride * i + window.last
        assert low <= min(2 * i, i)
        assert high >= max(2 * i + 1, i + 2)


def test_a_stretched_axis_stands_still() -> None:
    """A branch of one position, joined with a map, is read from everywhere."""
    found = field("input 1x5x5; add { | conv 5x5 pad=0 }")
    (window, _) = found.windows
    for i in range(5):
        assert window.stride * i + window.first <= 0
        assert window.stride * i + window.last >= 4


def test_an_unknown_path_gets_a_suggestion() -> None:
    net = archdsl.parse("input 3x9x9\nstem: { conv 3x3 8; relu }\ngap")
    with pytest.raises(ArchError) as caught:
        net.receptive_field("stme")
    assert "stme" in str(caught.value)
    assert "did you mean `stem`?" in str(caught.value)


def test_every_layer_has_a_field() -> None:
    net = archdsl.parse("input 3x9x9; conv 3x3 8; relu; gap; fc 10")
    assert list(fields(net.graph)) == [node.path for node in net.graph.nodes]


# Against PyTorch: with all weights one, the gradient is nonzero exactly where an output reads.

SIDE = 64
# On even sides these agree in shape, and not all of them have the same centre.
HALVING = [
    "conv 3x3 stride=2 pad=1",
    "conv 2x2 stride=2 pad=0",
    "conv 1x1 stride=2 pad=0",
    "avgpool 2x2",
]


@st.composite
def layers(draw: st.DrawFn) -> str:
    pair = st.sampled_from(["1x1", "3x3", "5x5", "1x3", "3x1", "2x3"])
    pad = st.sampled_from(["0", "1", "2", "0x1"])
    kind = draw(st.sampled_from(["conv", "dwconv", "avgpool", "residual", "concat"]))
    if kind == "residual":
        return f"residual {{ {draw(same_size())} }}"
    if kind == "concat":
        branches = st.lists(st.sampled_from(HALVING), min_size=2, max_size=3)
        return f"concat {{ {' | '.join(draw(branches))} }}"
    stride = draw(st.integers(1, 2))
    if kind == "avgpool":
        return f"avgpool {draw(pair)} stride={stride}"
    return f"{kind} {draw(pair)} stride={stride} pad={draw(pad)} dilation={draw(st.integers(1, 2))}"


@st.composite
def same_size(draw: st.DrawFn) -> str:
    kept = st.sampled_from(["conv 3x3", "conv 5x5", "conv 3x3 dilation=2", "conv 1x3", "relu"])
    return "; ".join(draw(st.lists(kept, min_size=1, max_size=3)))


def ones(net: Network) -> nn.Module:
    import torch

    model = net.to_torch().double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1)
    return model


def box(model: nn.Module, at: list[int]) -> list[tuple[int, int]]:
    """The first and last input index, per axis, that one output position has a gradient at."""
    import torch

    image = torch.ones(1, 2, SIDE, SIDE, dtype=torch.float64, requires_grad=True)
    model(image)[0, :, at[0], at[1]].sum().backward()
    assert image.grad is not None
    touched = image.grad[0].sum(0).abs() > 0
    found = (hits.nonzero().flatten().tolist() for hits in (touched.any(1), touched.any(0)))
    return [(hits[0], hits[-1]) for hits in found]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(layers(), min_size=1, max_size=4), st.data())
def test_the_interval_is_the_box_of_the_gradient(steps: list[str], data: st.DataObject) -> None:
    try:
        net = archdsl.parse(f"input 2x{SIDE}x{SIDE}\n" + "\n".join(steps))
    except ArchError:
        assume(False)
    windows = net.receptive_field().windows
    sides = net.graph.outputs[0].shape[1:]
    inside = [
        [i for i in range(n) if w.stride * i + w.first >= 0 and w.stride * i + w.last < SIDE]
        for w, n in zip(windows, sides, strict=True)
    ]
    assume(all(inside))  # at the rim, what is read of the padding has no gradient
    at = [data.draw(st.sampled_from(positions)) for positions in inside]
    expected = [
        (w.stride * i + w.first, w.stride * i + w.last) for w, i in zip(windows, at, strict=True)
    ]
    assert box(ones(net), at) == expected
