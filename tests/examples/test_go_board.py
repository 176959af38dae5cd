"""The Go engine of the experiment: the rules by positions that anybody can check, and in games."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from random import Random

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "experiments" / "10_go"
sys.path.insert(0, str(FOLDER))

from go_board import (  # noqa: E402
    ATARI,
    CAPTURE,
    ESCAPE,
    POINTS,
    SIDE,
    Board,
    advice,
    each,
    group,
    groups,
    index,
    near,
    point,
    positions,
    random_game,
    read,
    worth,
)


def rows(board: Board | None, count: int) -> list[str]:
    assert board is not None
    return str(board).split()[:count]


# The board


@pytest.mark.parametrize(
    ("at", "beside"),
    [
        ((0, 0), {(0, 1), (1, 0)}),
        ((0, 8), {(0, 7), (1, 8)}),
        ((8, 0), {(7, 0), (8, 1)}),
        ((8, 8), {(7, 8), (8, 7)}),
        ((4, 8), {(3, 8), (5, 8), (4, 7)}),
        ((4, 0), {(3, 0), (5, 0), (4, 1)}),
        ((4, 4), {(3, 4), (5, 4), (4, 3), (4, 5)}),
    ],
)
def test_neighbours_end_at_the_edges(at: tuple[int, int], beside: set[tuple[int, int]]) -> None:
    assert near(point(*at)) == sum(point(*each) for each in beside)


def test_points_are_numbered_row_by_row() -> None:
    assert [index(p) for p in each(POINTS)] == list(range(81))


def test_a_position_reads_as_it_is_shown() -> None:
    text = "x.o......\n.x.......\n" + "\n".join(["." * 9] * 7)
    assert str(read(text)) == text


def test_groups_hang_together_along_lines_alone() -> None:
    board = read("xx.x\n..x.")
    assert sorted(g.bit_count() for g in groups(board.own)) == [1, 1, 2]
    assert board.liberties(group(point(0, 0), board.own)).bit_count() == 3
    assert board.liberties(point(1, 2)).bit_count() == 4


# Moves


def test_a_stone_without_liberties_is_taken() -> None:
    after = read(".x.\nxo.\n.x.").play(point(1, 2))
    assert rows(after, 3) == [".o.......", "o.o......", ".o......."]  # as the other one sees it


def test_a_whole_group_is_taken() -> None:
    after = read("oo.\nxx.").play(point(0, 2))
    assert rows(after, 2) == ["..o......", "oo......."]


def test_two_groups_are_taken_at_once_and_only_those_without_liberties() -> None:
    assert rows(read("o.ox\nx.x.").play(point(0, 1)), 1) == [".o.o....."]
    assert rows(read("o.o\nxxx").play(point(0, 1)), 1) == [".ox......"]


def test_suicide_is_against_the_rules_unless_it_takes() -> None:
    assert read(".o.\no..").play(point(0, 0)) is None
    assert read("xo.\n.o.\noo.").play(point(1, 0)) is None  # of two stones
    assert read("x.o\noo.").play(point(0, 1)) is None
    taking = read(".ox\nox.\nx..").play(point(0, 0))
    assert taking is not None and taking.own == 0


def test_ko_forbids_to_take_back_at_once_but_not_later() -> None:
    taken = read(".xo.\nxo.o\n.xo.").play(point(1, 2))
    assert taken is not None and taken.ko == point(1, 1)
    assert taken.play(point(1, 1)) is None
    elsewhere = taken.play(point(8, 8))
    assert elsewhere is not None and elsewhere.ko == 0
    answer = elsewhere.play(point(8, 0))
    assert answer is not None and answer.play(point(1, 1)) is not None


def test_what_could_not_be_taken_back_is_no_ko() -> None:
    two = read("oo.x\nxxo.").play(point(0, 2))
    free = read(".x.\nxo.\n.x.").play(point(1, 2))
    assert two is not None and two.ko == 0
    assert free is not None and free.ko == 0


def test_no_point_is_played_twice() -> None:
    assert read("x").play(point(0, 0)) is None
    assert read("o").play(point(0, 0)) is None


# Against a slow engine that shares nothing with it


def slow_play(
    stones: dict[tuple[int, int], str], at: tuple[int, int]
) -> dict[tuple[int, int], str] | None:
    """The position after a move of `x`, ko aside, by search over a dictionary."""

    def beside(p: tuple[int, int]) -> list[tuple[int, int]]:
        found = [(p[0] + a, p[1] + b) for a, b in ((0, 1), (1, 0), (0, -1), (-1, 0))]
        return [q for q in found if 0 <= q[0] < SIDE and 0 <= q[1] < SIDE]

    def whole(
        p: tuple[int, int], after: dict[tuple[int, int], str]
    ) -> tuple[set[tuple[int, int]], bool]:
        seen, queue, free = {p}, deque([p]), False
        while queue:
            for q in beside(queue.popleft()):
                free |= q not in after
                if after.get(q) == after[p] and q not in seen:
                    seen.add(q)
                    queue.append(q)
        return seen, free

    if at in stones:
        return None
    after = stones | {at: "x"}
    for q in beside(at):
        if after.get(q) == "o":
            chain, free = whole(q, after)
            if not free:
                after = {p: c for p, c in after.items() if p not in chain}
    return after if whole(at, after)[1] else None


def as_stones(board: Board) -> dict[tuple[int, int], str]:
    marks = enumerate(str(board).split())
    return {(r, c): m for r, row in marks for c, m in enumerate(row) if m != "."}


def test_random_games_agree_with_a_slow_engine() -> None:
    draw, tried, taken = Random(0), 0, 0
    for _ in range(8):
        for board in random_game(draw, 90):
            move = draw.choice(list(each(POINTS)))
            at = divmod(index(move), SIDE)
            expected, found = slow_play(as_stones(board), at), board.play(move)
            if move == board.ko:
                assert found is None
                continue
            assert (found is None) == (expected is None)
            if found is not None and expected is not None:
                swapped = {p: "x" if c == "o" else "o" for p, c in expected.items()}
                assert as_stones(found) == swapped
                tried += 1
                taken += found.own != board.other
    assert tried > 200 and taken > 5


def test_what_always_holds_in_games() -> None:
    for board in random_game(Random(1), 200):
        assert not board.own & board.other and not (board.own | board.other) & ~POINTS
        assert all(board.liberties(g) for side in (board.own, board.other) for g in groups(side))


# The adviser


@pytest.mark.parametrize(
    ("text", "move", "kind"),
    [
        (".x.\nxo.\n.x.", (1, 2), CAPTURE),
        (".o.\nox.\n.o.", (1, 2), ESCAPE),
        ("oo.x.....\nxx.......\n.........\n.........\n.........\n.......x.\n......xo.\n.......x.",
         (0, 2), CAPTURE),  # two stones before one
        ("x.......\no.......\n........\n.....x..\n....xo..\n.....x..", (4, 6), CAPTURE),
    ],
)  # fmt: skip
def test_captures_come_before_escapes_and_the_largest_first(
    text: str, move: tuple[int, int], kind: int
) -> None:
    best = advice(read(text))
    assert best is not None
    assert (divmod(index(best[0]), SIDE), best[1]) == (move, kind)


def test_atari_needs_two_liberties_of_ones_own() -> None:
    board = read("o..\n...\no..")
    assert worth(board, point(0, 1)) == (ATARI, 1)
    assert worth(board, point(1, 0)) == (0, 0)  # it would have one
    assert advice(board) == (point(0, 1), ATARI)


def test_two_moves_as_good_are_no_advice() -> None:
    assert worth(read("o"), point(0, 1)) == worth(read("o"), point(1, 0)) == (ATARI, 1)
    assert advice(read("o")) is None


def test_an_escape_that_does_not_get_away_is_none() -> None:
    caught = read("x..\noo.")
    assert worth(caught, point(0, 1)) == (0, 0)
    assert advice(caught) is None
    assert worth(read("x..\no..."), point(0, 1)) == (ESCAPE, 1)


def test_nothing_is_said_of_quiet_boards() -> None:
    assert advice(Board()) is None
    assert advice(read("x........\n.........\n....o....")) is None


def test_labels_are_legal_and_positions_differ_between_the_parts() -> None:
    learnt, kept = positions(300, seed=1), positions(300, seed=2)
    for board, move, _ in learnt + kept:
        assert board.play(move) is not None
    assert not {b for b, _, _ in learnt} & {b for b, _, _ in kept}
    assert positions(300, seed=1) == learnt
