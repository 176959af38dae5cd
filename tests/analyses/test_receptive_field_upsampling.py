"""Receptive fields through layers that enlarge the map: fractions that are exact, by gradient."""

from __future__ import annotations

import json
from collections.abc import Iterable
from fractions import Fraction

import pytest
import torch

import archdsl
from archdsl import Network
from archdsl.ir.records import Window

SIDE = 40


def spans(network: Network) -> dict[int, tuple[int, int]]:
    """The first and last column that the outputs of the middle row read, by column."""
    model = network.to_torch().double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1)
    image = torch.rand(1, 1, 4, SIDE, dtype=torch.float64, requires_grad=True)
    y = model(image)
    found: dict[int, tuple[int, int]] = {}
    for i in range(y.shape[3]):
        (gradient,) = torch.autograd.grad(
            y[0, :, y.shape[2] // 2, i].sum(), image, retain_graph=True
        )
        read = gradient[0].abs().sum((0, 1)).nonzero().flatten().tolist()
        if read:  # not of the padding alone
            found[i] = (read[0], read[-1])
    return found


def inside(window: Window, found: Iterable[int]) -> list[int]:
    """The positions whose span lies within the input."""
    return [i for i in found if window.span(i)[0] >= 0 and window.span(i)[1] < SIDE]


EXACT = [
    "upsample 1x2",
    "upsample 1x2 mode=bilinear",
    "upsample size=4x100",
    "upconv 1x2 stride=1x2",
    "upconv 1x4 stride=1x2 pad=0x1",
    "conv 1x3; upconv 1x3 stride=1x2; conv 1x3",
    "upsample 1x3; conv 1x3; conv 1x5 dilation=2; upconv 1x2 stride=1x2",
    "upconv 1x2 stride=1x2; avgpool 1x2",
    "conv 1x3; crop 4x20; conv 1x3 pad=0",
    "pad 0x3 side=before",
]


@pytest.mark.parametrize("text", EXACT)
def test_on_the_way_up_every_span_is_exact(text: str) -> None:
    network = archdsl.parse(f"input 1x4x{SIDE}; {text}")
    window = network.receptive_field().windows[1]
    found = spans(network)
    positions = inside(window, found)
    assert len(positions) > 10
    for i in positions:
        assert found[i] == window.span(i), i
    widths = {last - first + 1 for first, last in (found[i] for i in positions)}
    assert network.receptive_field().size[1] == max(widths)


COVERED = [
    "avgpool 1x2; upconv 1x2 stride=1x2",
    "conv 1x3; avgpool 1x2; conv 1x3; upsample 1x2; conv 1x3",
    "conv 1x3 stride=1x2; conv 1x3 stride=1x2; upconv 1x2 stride=1x2; upconv 1x2 stride=1x2",
    "avgpool 1x4; upsample 1x2 mode=bilinear",
]


@pytest.mark.parametrize("text", COVERED)
def test_down_and_up_again_the_window_is_the_smallest_that_covers(text: str) -> None:
    """No position reads beyond it, and each end is reached by some position."""
    network = archdsl.parse(f"input 1x4x{SIDE}; {text}")
    window = network.receptive_field().windows[1]
    found = spans(network)
    positions = inside(window, found)
    assert len(positions) > 10
    lows = [found[i][0] - window.span(i)[0] for i in positions]
    highs = [window.span(i)[1] - found[i][1] for i in positions]
    assert min(lows) == min(highs) == 0
    assert max(lows) > 0 or max(highs) > 0, "then it would belong above"


def test_the_numbers_of_an_upsampling() -> None:
    network = archdsl.parse("input 1x8x8; conv 3x3; upsample 2")
    found = network.receptive_field()
    assert found.stride == (Fraction(1, 2), Fraction(1, 2))
    assert found.size == (3, 3)
    assert found.padding == (1, 1)
    assert found.center == (-0.25, -0.25)  # half an output position before the input's


def test_a_stride_that_is_whole_again_is_an_integer() -> None:
    found = archdsl.parse("input 1x8x8; maxpool 2; upsample 2").receptive_field()
    assert found.stride == (1, 1)
    assert all(type(s) is int for s in found.stride)
    assert found.center == (0, 0)


def test_a_u_nets_skip_is_aligned() -> None:
    text = """
    input 1x32x32
    enc: conv 3x3 4
    maxpool 2; conv 3x3 8
    concat { upconv 2x2 4 stride=2 | @enc }
    conv 3x3 1
    """
    network = archdsl.parse(text)
    assert not network.summary().misaligned
    assert network.receptive_field().stride == (1, 1)


def test_fractions_reach_the_reports_as_numbers() -> None:
    summary = archdsl.parse("input 1x8x8; upsample 2; conv 3x3").summary()
    rows = json.loads(summary.to_json())["layers"]
    assert [row["field"]["stride"] for row in rows] == [[0.5, 0.5], [0.5, 0.5]]
    assert "0.5x0.5" in summary.to_csv()
    assert "3/0.5" in str(summary) or "2/0.5" in str(summary)


def test_tokens_keep_the_field_of_their_position() -> None:
    network = archdsl.parse(
        "input 3x32x32; conv 8x8 4 stride=8; tokens; ln; fc 6; untokens; conv 3x3"
    )
    assert network.receptive_field("tokens1").size == (8, 8)
    assert network.receptive_field("fc1").stride == (8, 8)
    assert network.receptive_field().size == (24, 24)


def test_attention_reads_everything() -> None:
    network = archdsl.parse("input 3x32x32; conv 8x8 4 stride=8; tokens; attention 1; untokens")
    assert network.receptive_field().whole
