"""The region of one position: by hand on small cases, in odd networks, and where it is asked for.

That it is the box of the gradient is in tests/properties/test_field_properties.py.
"""

from __future__ import annotations

import time

import pytest

import archdsl
from archdsl import ArchError
from archdsl.analyses.region import Region


def region(text: str, *position: int, at: str | None = None) -> Region:
    return archdsl.parse(text).receptive_field(at).region(*position)


def test_a_corner_and_the_middle() -> None:
    text = "input 1x9x9; conv 3x3; conv 3x3 stride=2"
    corner = region(text, 0, 4)
    assert corner.unclipped == ((-2, 2), (6, 10))
    assert corner.clipped == ((0, 2), (6, 8))
    assert not corner.inside
    middle = region(text, 2, 2)
    assert middle.clipped == middle.unclipped == ((2, 6), (2, 6))
    assert middle.inside
    assert str(middle) == "2..6 x 2..6 of the input's 9x9"


def test_the_middle_is_the_default() -> None:
    assert region("input 1x9x6; conv 3x3").position == (4, 2)


def test_the_gaps_of_a_dilated_kernel_stay_gaps() -> None:
    """Its taps at -2, 2 and 6: the first in the padding, so 0 and 1 are not read."""
    found = region("input 1x1x9; conv 1x3 dilation=4 pad=0x2", 0, 0)
    assert found.unclipped == ((0, 0), (-2, 6))
    assert found.clipped == ((0, 0), (2, 6))


def test_what_lies_in_padding_on_the_way_is_not_read() -> None:
    """Position 0 reads two zeros and position 0 of the crop, which is 4 of the input."""
    found = region("input 1x1x9; crop 1x1; pad 0x2 side=before; conv 1x3 pad=0", 0, 0)
    assert found.unclipped == ((0, 0), (2, 4))
    assert found.clipped == ((0, 0), (4, 4))


def test_padding_alone() -> None:
    found = region("input 1x8x8; conv 1x1 pad=2", 0, 0)
    assert found.unclipped == ((-2, -2), (-2, -2))
    assert found.clipped is None
    assert str(found) == "nothing of the input's 8x8"


def test_a_gap_between_the_windows_of_an_upconv() -> None:
    found = region("input 1x8x8; upconv 1x1 stride=2", 1, 0)
    assert found.unclipped is None
    assert found.clipped is None


def test_branches_of_other_strides_are_followed_each_by_itself() -> None:
    """The field covers all positions, the region is of one: [2i, 2i+1] and [i, i+2]."""
    text = "input 1x4x4; concat { conv 2x2 stride=2 pad=0 | conv 3x3 pad=0 }"
    assert region(text, 0, 1).unclipped == ((0, 2), (1, 3))
    assert archdsl.parse(text).receptive_field().size == (4, 4)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("gap", ((0, 19), (0, 29))),
        ("fc 4", ((0, 19), (0, 29))),
        ("tokens; attention 1; take 3", ((0, 19), (0, 29))),
        ("crop 4x6; gap", ((7, 12), (11, 18))),  # 4 rows from 8 and 6 columns from 12, and 3x3
    ],
)
def test_the_whole_input(last: str, expected: tuple[tuple[int, int], ...]) -> None:
    """The rule says everything; what is read of it may be less."""
    found = region(f"input 3x20x30; conv 3x3 4; {last}")
    assert found.unclipped == ((0, 19), (0, 29))
    assert found.clipped == expected


def test_tokens() -> None:
    assert region("input 16x8; ln; fc 4", 5).clipped == ((5, 5),)
    patches = "input 3x16x24; conv 8x8 4 stride=8 pad=0; tokens; fc 3"
    assert region(patches, 4).unclipped == ((8, 15), (8, 15))  # the second row's second
    assert region(f"{patches}; untokens; conv 3x3", 0, 0).clipped == ((0, 15), (0, 15))


def test_tokens_laid_out_otherwise_have_no_windows() -> None:
    """4x4 positions as 2x8: neighbours are no neighbours any more."""
    text = "input 1x4x4; tokens; untokens 2x8"
    assert archdsl.parse(text).receptive_field().whole
    assert region(text, 1, 3).clipped == ((2, 2), (3, 3))  # number 11 of both
    assert not archdsl.parse("input 1x4x4; tokens; untokens 4x4").receptive_field().whole


def test_a_vector_has_no_positions() -> None:
    found = region("input 10; fc 4")
    assert (found.position, found.extent, found.unclipped) == ((), (), ())
    assert str(found) == "the whole input"


def test_several_inputs_are_counted_on_common_coordinates() -> None:
    text = "input a 1x8x8; input b 1x16x12; @a; conv 3x3; concat { gap | @b; gap }; fc 3"
    assert region(text).clipped == ((0, 15), (0, 11))
    assert region(text, 0, 0, at="conv1").clipped == ((0, 1), (0, 1))
    beside = "input map 3x8x8; input tag 5; @tag; fc 3; add { | @map }"
    assert region(beside, 2, 3).clipped == ((2, 2), (3, 3))
    assert region(beside, at="fc1").clipped is None


def test_an_input_sees_itself() -> None:
    found = region("input board 1x8x8; conv 3x3", 1, 2, at="board")
    assert found.clipped == ((1, 1), (2, 2))


def test_outputs_and_branches() -> None:
    text = "input 1x9x9; conv 3x3; output side { conv 3x3; relu }; add { left: conv 5x5 | }"
    assert region(text, 4, 4, at="side").clipped == ((2, 6), (2, 6))
    assert region(text, 4, 4, at="left").clipped == ((1, 7), (1, 7))


@pytest.mark.parametrize(
    ("text", "position", "help"),
    [
        ("input 1x8x6; conv 3x3", (8, 0), "they go from 0, 0 to 7, 5"),
        ("input 1x8x6; conv 3x3", (-1, 0), "they go from 0, 0 to 7, 5"),
        ("input 1x8x6; conv 3x3", (3,), "they go from 0, 0 to 7, 5"),
        ("input 16x8; ln", (3, 4), "they go from 0 to 15"),
        ("input 1x8x6; gap", (0,), "it gives a vector, which has no positions"),
    ],
)
def test_a_position_outside(text: str, position: tuple[int, ...], help: str) -> None:
    with pytest.raises(ArchError) as caught:
        region(text, *position)
    (found,) = caught.value.diagnostics
    assert (found.code, found.help) == ("A307", help)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("input 1x2000000000x1; conv 3x1; crop 9x1", (999_999_995 + 3, 999_999_995 + 5)),
        ("input 1x999999x1; conv 3x1; subsample 7x1; upsample 3x1; gap", (0, 7 * 142_856 + 1)),
        ("input 1x9999x999; tokens; untokens 999x9999; crop 998x9999; gap", (0, 9998)),
    ],
)
def test_sides_of_any_length(text: str, expected: tuple[int, int]) -> None:
    """Neither memory nor time is used up; what is too large is covered."""
    begin = time.process_time()
    found = region(text).clipped
    assert time.process_time() - begin < 5
    assert found is not None
    assert found[0] == expected


def test_ten_thousand_layers() -> None:
    net = archdsl.parse("input 4x32x32\n" + "conv 3x3; residual\n" * 5_000)
    begin = time.process_time()
    found = net.receptive_field().region(3, 4)
    assert time.process_time() - begin < 5
    assert found.unclipped == ((-4997, 5003), (-4996, 5004))
    assert found.clipped == ((0, 31), (0, 31))
