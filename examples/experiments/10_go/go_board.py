"""The rules of Go on 9x9, and an adviser who sees no further than captures, escapes and atari.

A set of points is the bits of an integer: bit 10*row + column. The tenth column is always empty, so
that what is shifted over an edge falls off the board.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

SIDE = 9
STRIDE = SIDE + 1
POINTS = sum(1 << (STRIDE * row + column) for row in range(SIDE) for column in range(SIDE))


def point(row: int, column: int) -> int:
    return 1 << (STRIDE * row + column)


def index(move: int) -> int:
    """The number of a point: row after row, from 0 to 80."""
    row, column = divmod(move.bit_length() - 1, STRIDE)
    return SIDE * row + column


def each(points: int) -> Iterator[int]:
    """The points one by one."""
    while points:
        yield points & -points
        points &= points - 1


def near(points: int) -> int:
    """All that is beside some of these points; some of themselves may be."""
    beside = points << 1 | points >> 1 | points << STRIDE | points >> STRIDE
    return beside & POINTS


def group(start: int, stones: int) -> int:
    """The stones that hang together with those of a start."""
    found = start
    while (more := (found | near(found)) & stones) != found:
        found = more
    return found


def groups(stones: int) -> Iterator[int]:
    """All groups of one colour."""
    while stones:
        found = group(stones & -stones, stones)
        yield found
        stones &= ~found


@dataclass(frozen=True)
class Board:
    """A position, as who is to move sees it."""

    own: int = 0
    other: int = 0
    ko: int = 0
    """The point that may not be played at, for it would repeat the position before."""

    @property
    def empty(self) -> int:
        return POINTS & ~(self.own | self.other)

    def liberties(self, stones: int) -> int:
        """The empty points beside a group."""
        return near(stones) & self.empty

    def play(self, move: int) -> Board | None:
        """The position after a move, for the other to move; nothing if it is against the rules."""
        if not move & self.empty or move == self.ko:
            return None
        own, empty = self.own | move, self.empty & ~move
        taken = 0
        for stones in {group(start, self.other) for start in each(near(move) & self.other)}:
            if not near(stones) & empty:
                taken |= stones
        other, empty = self.other & ~taken, empty | taken
        mine = group(move, own)
        if not near(mine) & empty:
            return None  # suicide
        single = mine == move and taken.bit_count() == 1 and near(mine) & empty == taken
        return Board(own=other, other=own, ko=taken if single else 0)

    def legal(self) -> int:
        """All points that may be played at."""
        return sum(move for move in each(self.empty) if self.play(move) is not None)

    def __str__(self) -> str:
        """Rows of `x` for who is to move, `o` for the other, `.` for empty points."""
        rows = ([point(row, column) for column in range(SIDE)] for row in range(SIDE))
        return "\n".join("".join(self._mark(p) for p in row) for row in rows)

    def _mark(self, at: int) -> str:
        return "x" if at & self.own else "o" if at & self.other else "."


def read(text: str) -> Board:
    """The position that rows of `x`, `o` and `.` show; missing rows and ends are empty."""
    own = other = 0
    for row, line in enumerate(text.split()):
        for column, mark in enumerate(line):
            own |= point(row, column) if mark == "x" else 0
            other |= point(row, column) if mark == "o" else 0
    return Board(own, other)


# The adviser

CAPTURE, ESCAPE, ATARI = 3, 2, 1
KINDS = {CAPTURE: "capture", ESCAPE: "escape", ATARI: "atari"}


def worth(board: Board, move: int) -> tuple[int, int]:
    """What a move does, as its kind and how many stones it is about; (0, 0) for nothing of these.

    It captures; or gets stones out of atari, to two liberties or more; or it puts stones in atari
    and has two liberties itself.
    """
    after = board.play(move)
    if after is None:
        return 0, 0
    if taken := (board.other & ~after.own).bit_count():
        return CAPTURE, taken
    mine = group(move, after.other)
    if after.liberties(mine).bit_count() < 2:
        return 0, 0
    saved = [g for g in groups(mine & board.own) if board.liberties(g) == move]
    if saved:
        return ESCAPE, sum(g.bit_count() for g in saved)
    beside = {group(start, after.own) for start in each(near(move) & after.own)}
    attacked = [g for g in beside if after.liberties(g).bit_count() == 1]
    return (ATARI, sum(g.bit_count() for g in attacked)) if attacked else (0, 0)


def advice(board: Board) -> tuple[int, int] | None:
    """The move to make and its kind: captures before escapes before atari, of a kind the largest.

    Nothing if there is no such move, or no single best one.
    """
    tight = [g for g in groups(board.other) if board.liberties(g).bit_count() <= 2]
    tight += [g for g in groups(board.own) if board.liberties(g).bit_count() == 1]
    moves = 0
    for stones in tight:
        moves |= board.liberties(stones)
    ranked = sorted(((worth(board, move), move) for move in each(moves)), reverse=True)
    if not ranked or ranked[0][0] == (0, 0) or [r[0] for r in ranked[:2]].count(ranked[0][0]) > 1:
        return None
    (kind, _), move = ranked[0]
    return move, kind


# Games


def random_game(draw: Random, length: int) -> Iterator[Board]:
    """The positions of a game of random moves, none of which fills an eye of one's own."""
    board = Board()
    for _ in range(length):
        moves = list(each(board.empty))
        draw.shuffle(moves)
        after = None
        for move in moves:
            if near(move) & ~board.own and (after := board.play(move)) is not None:
                break
        if after is None:
            return
        board = after
        yield board


def positions(count: int, seed: int) -> list[tuple[Board, int, int]]:
    """Positions of random games for which there is advice, with the move and its kind.

    Of a game of 60 moves about every fifth position is looked at.
    """
    draw = Random(seed)
    found: list[tuple[Board, int, int]] = []
    while len(found) < count:
        for board in random_game(draw, 60):
            if draw.random() < 0.2 and (best := advice(board)) is not None:
                found.append((board, *best))
    return found[:count]
