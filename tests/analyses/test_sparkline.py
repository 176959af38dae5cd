"""Where the parameters and the MACs are: bars worked out by hand."""

from __future__ import annotations

import io

import pytest

import archdsl
from archdsl.analyses.cost import Totals
from archdsl.analyses.sparkline import ASCII, BLOCKS, beside, places, shows_blocks, sparkline
from archdsl.analyses.table import markdown, plain
from archdsl.ir.records import Cost


def layers(*amounts: tuple[int, int]) -> list[Totals]:
    return [Totals(params, 0, Cost(macs=macs)) for params, macs in amounts]


def test_a_bar_is_a_layer_with_macs_and_what_follows_it() -> None:
    conv, norm, relu = (100, 900), (8, 0), (0, 0)
    assert places(layers(conv, norm, relu, conv, norm)) == [(108, 900), (108, 900)]
    assert places(layers(relu, norm, relu, conv)) == [(8, 0), conv]
    assert places(layers(norm, norm)) == [norm, norm]
    assert places(layers(relu, relu)) == []


def test_heights_are_eighths_of_the_highest_rounded_up() -> None:
    found = sparkline([80, 10, 11, 1, 0, 40], 10)
    assert found is not None
    assert found.heights == (8, 1, 2, 1, 0, 4)
    assert found.draw() == "█▁▂▁ ▄"
    assert found.draw(ASCII) == "#.:. -".replace("-", ASCII[4])
    assert len(ASCII) == len(BLOCKS) == 9


def test_bars_that_do_not_fit_are_of_as_many_layers_each() -> None:
    found = sparkline([1, 1, 1, 1, 1, 1, 1], 3)  # 3 + 3 + 1
    assert found is not None
    assert (found.layers, found.heights) == (3, (8, 8, 3))
    exact = sparkline([4, 4, 1, 1], 2)
    assert exact is not None
    assert (exact.layers, exact.heights) == (2, (8, 2))


@pytest.mark.parametrize("amounts", [[], [5], [0, 0]])
def test_nothing_to_compare_has_no_bars(amounts: list[int]) -> None:
    assert sparkline(amounts, 10) is None


def test_large_numbers_are_not_rounded() -> None:
    most = 2**80
    found = sparkline([most, most - 1, most // 8, most // 8 + 1], 4)
    assert found is not None
    assert found.heights == (8, 8, 1, 2)


def test_the_note_gives_way_to_the_bars() -> None:
    assert beside("  60% in fc1", 28, 100) == "  60% in fc1"
    assert beside("  60% in fc1", 27, 100) == ""
    assert beside("  60% in fc1", 15, 3) == "  60% in fc1"


@pytest.mark.parametrize("encoding, shown", [("utf-8", True), ("cp437", False), ("ascii", False)])
def test_the_encoding_says_whether_there_are_blocks(encoding: str, shown: bool) -> None:
    assert shows_blocks(io.TextIOWrapper(io.BytesIO(), encoding)) is shown
    assert not shows_blocks(None)


@pytest.mark.parametrize(
    "term, shown", [("xterm-256color", True), ("dumb", False), ("vt220", False)]
)
def test_a_terminals_type_says_whether_it_shows_them(term: str, shown: bool) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    assert shows_blocks(Terminal(io.BytesIO(), "utf-8"), term) is shown
    assert shows_blocks(io.TextIOWrapper(io.BytesIO(), "utf-8"), term)


def test_vgg16_computes_early_and_weighs_late() -> None:
    text = plain(archdsl.zoo("vgg16").summary())
    # 25088 x 4096 of 138.4M parameters in the first of three fc; 13 convolutions before them.
    assert "by layer    ▁▁▁▁▁▁▁▁▁▁▁▁▁█▂▁  89% in classifier\n" in text
    # 1.85 GMACs where channels stay, half where they double, a quarter after the last pool.
    assert "by layer    ▁█▄█▄██▄██▂▂▂▁▁▁  99% in features\n" in text


def test_none_of_many_equal_layers_has_the_most() -> None:
    net = archdsl.parse("input 4x8x8\nconcat 200 { conv 1x1 2; relu }")
    assert "% in" not in plain(net.summary())


@pytest.mark.parametrize("width", [40, 60, 99, 200])
@pytest.mark.parametrize("name", ["resnet152", "densenet201"])
def test_the_bars_fit_the_width(name: str, width: int) -> None:
    lines = plain(archdsl.zoo(name).summary(), 1, width).splitlines()
    assert max(map(len, lines)) <= width
    bars = [line for line in lines if line.startswith("by ")]
    assert len(bars) == 2
    assert all(len(line) > width / 2 for line in bars)


def test_ten_thousand_layers_fit_too() -> None:
    net = archdsl.parse("input 3\n{ fc 5; relu; tanh } x5000\nfc 2\n", file="deep.arch")
    lines = plain(net.summary(), 1, 40).splitlines()
    assert max(map(len, lines)) <= 40
    assert sum(line.startswith("by ") for line in lines) == 2


def test_one_layer_has_no_bars_and_markdown_has_none() -> None:
    assert "by layer" not in plain(archdsl.parse("input 3\nfc 2\n", file="one.arch").summary())
    assert "by layer" not in markdown(archdsl.zoo("alexnet").summary())


def test_without_blocks_the_table_is_ascii() -> None:
    text = plain(archdsl.zoo("alexnet").summary(), blocks=False)
    assert text.isascii()
    assert "by layer    .....#=.  61% in fc1" in text
