"""Where everything stands: series from left to right, the ways of a fork above each other.

Each volume stands as far left as its body and its words are clear of those before. What a shortcut
passes is below its arc; what goes through smaller maps is below the way that keeps the size, so
that an autoencoder with skips comes out as a U.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.volumes.blocks import LANES, Block, Rect, blocks
from archdsl.backends.volumes.figure import Fork, Item, Series, Volume, volumes_of
from archdsl.backends.volumes.pieces import (
    RADIUS,
    Kind,
    Link,
    Mark,
    Piece,
    Place,
    Port,
    Room,
    around,
)
from archdsl.backends.volumes.scale import LARGEST, Lengths
from archdsl.backends.volumes.solids import FEW

GAP, CLOSE = 13.0, 5.0  # points between bodies; before a pooled map
WORDS = 4.5  # points between words
AISLE = 14.0  # points in which ways part or meet
ROW = 12.0  # points between ways that run side by side
LIFT = 7.0  # points from what is passed to the arc above it
FLAT = 76.0  # points of the largest map where maps are sheets
STEP = 11.0  # points from the way down to what it leads to
RAIL = 4.0  # points between ways that turn together


def layout(series: Series, lines: int = 1) -> Piece:
    """The whole figure, in one line or in several."""
    placer = _Placer(series)
    piece = Piece()
    for group in _lines(placer, series, lines):
        line = placer.series(group, [])
        placer.hang(line)
        if piece.things:
            above, exits = piece.bounds, piece.exits
            lanes = max(len(exits), 1)
            middle = above.bottom + ROW
            line.move(-line.bounds.left, middle + ROW + RAIL * (lanes - 1) - line.bounds.top)
            ends = (line.bounds.left - 6.0, max(above.right, line.bounds.right) + 4.0)
            line.links += _turns(exits, line.heads, middle, ends)
        piece.include(line)
        piece.exits = line.exits
    return piece


def _turns(
    exits: list[Port], heads: list[Block], middle: float, ends: tuple[float, float]
) -> list[Link]:
    """The ways to the next line, one for each lane, none across another."""
    if len(exits) != len(heads):
        return [Link(p.place, h, "turn", middle, turn=ends) for p in exits for h in heads]
    found: list[Link] = []
    for i, (port, head) in enumerate(zip(exits, heads, strict=True)):
        inner = RAIL * (len(exits) - 1 - i)
        way = (ends[0] - RAIL * i, ends[1] + inner)
        found.append(Link(port.place, head, "turn", middle + inner, turn=way))
    return found


def _lines(placer: _Placer, series: Series, lines: int) -> list[Series]:
    """The series in parts of about the same width; ways that meet stay together."""
    if lines == 1:
        return [series]
    chunks: list[Series] = []
    for item in series:
        before = chunks[-1][-1] if chunks else None
        forked = isinstance(before, Fork) or isinstance(item, Fork)
        if chunks and (forked or _tied(item)):
            chunks[-1].append(item)
        else:
            chunks.append([item])
    widths = [placer.series(c, []).bounds for c in chunks]
    total = sum(r.right - r.left + GAP for r in widths)
    found: list[Series] = [[]]
    run = 0.0
    for chunk, room in zip(chunks, widths, strict=True):
        wide = room.right - room.left + GAP
        if found[-1] and run + wide / 2 > total * len(found) / lines:
            found.append([])
        found[-1].extend(chunk)
        run += wide
    return found


def _apart(tail: Block, head: Block) -> bool:
    """Whether one lane is nothing to the other."""
    lanes = tail.volume.lanes == head.volume.lanes
    return head.volume.own and lanes and tail.lane != head.lane


def _tied(item: Item) -> bool:
    """Whether it stays with what it reads: a pooled map, and what all lanes lead to."""
    if isinstance(item, Fork):
        return True
    return item.look == "pooling" or (item.lanes > 1 and not item.own)


class _Placer:
    """Places the volumes of one figure."""

    def __init__(self, series: Series) -> None:
        volumes = list(volumes_of(series))
        maps = [v.shape for v in volumes if len(v.shape) == 3 and v.shape[1:] != (1, 1)]
        self.flat = bool(maps) and all(s[0] <= FEW for s in maps)
        self.lengths = Lengths.of((v.shape for v in volumes), FLAT if self.flat else LARGEST)
        self.pitch = 0.0
        for v in volumes:
            if v.lanes > 1:
                first = blocks(v, self.lengths, self.flat)[-1]
                self.pitch = max(self.pitch, first.solid.bottom - first.solid.top + LANES)

    def series(self, series: Sequence[Item], incoming: list[Port]) -> Piece:
        """Items one after another, reading what comes in."""
        piece = Piece(exits=incoming)
        bodies = (b for v in series if isinstance(v, Volume) for b in self._blocks(v))
        floor = max((b.rect.bottom for b in bodies), default=0.0)
        for item in series:
            if isinstance(item, Volume):
                self._volume(piece, item)
            else:
                self._fork(piece, item, floor)
            if item.hanging and piece.exits:
                piece.hanging += [(piece.exits[-1].place, side) for side in item.hanging]
        return piece

    def _blocks(self, volume: Volume) -> list[Block]:
        new = blocks(volume, self.lengths, self.flat)
        for block in new:
            block.y = (block.lane - (len(new) - 1) / 2) * self.pitch
        return new

    def _volume(self, piece: Piece, volume: Volume) -> None:
        new = self._blocks(volume)
        space = CLOSE if volume.look == "pooling" and not self.flat else GAP
        if volume.lanes > 1 and not volume.own and len(piece.exits) > 1:
            space += AISLE  # ways cross
        x = self._free(piece, new, space)
        for block in new:
            block.x = x
        if not piece.things and not piece.exits:
            piece.heads = new
        for port in piece.exits:
            for block in new:
                self._link(piece, port, block)
        piece.things += new
        piece.exits = [Port(block) for block in new]
        piece.cursor = max(piece.cursor, *(b.x + b.solid.right for b in new))

    def _link(self, piece: Piece, port: Port, head: Place) -> None:
        tail = port.place
        if isinstance(tail, Block) and isinstance(head, Block) and _apart(tail, head):
            return
        piece.links.append(Link(tail, head, port.kind, port.lift, port.fans))

    def _free(self, piece: Piece, new: list[Block], space: float) -> float:
        """How far left blocks can stand, their words clear of what is there."""
        placed = [t for t in piece.things if t.rect.right > piece.cursor - 200]
        if not placed:
            return max((-b.rect.left for b in new), default=0.0) + piece.cursor
        x = piece.cursor + space
        for block in new:
            for mine in _parts(block):
                for thing in placed:
                    for theirs in _parts(thing):
                        if mine.top < theirs.bottom + 1 and theirs.top < mine.bottom + 1:
                            x = max(x, theirs.right + WORDS - mine.left)
        return x

    # Forks

    def _fork(self, piece: Piece, fork: Fork, floor: float) -> None:
        incoming = piece.exits
        start = piece.bounds.right + AISLE if piece.things else 0.0 if fork.starts else AISLE
        fans = sum(map(bool, fork.branches)) > 1 and not fork.below
        ways: list[Piece] = []
        for branch in fork.branches:
            last = fork.below and branch is fork.branches[-1]
            kind: Kind = "down" if last else "next"
            given = [] if _given(branch) else [Port(p.place, kind, fans=fans) for p in incoming]
            ways.append(self.series(branch, given))
        below = fork.below
        end = self._below(piece, ways, start, floor) if below else self._beside(ways, start)
        for way in ways:
            piece.include(way)
        piece.exits = self._exits(piece, fork, ways, (start, end))
        piece.cursor = end
        if fork.symbol:
            self._mark(piece, fork, ways[-1], end)
        elif not fork.below:
            rooms = around(r for w in ways for r in w.rects())
            piece.things.append(Room(Rect(end, rooms.top, end + 5.0, rooms.bottom)))
            piece.cursor = end + 6.0

    def _exits(
        self, piece: Piece, fork: Fork, ways: list[Piece], ends: tuple[float, float]
    ) -> list[Port]:
        """What comes out of the branches; an empty one goes straight on, or over the others."""
        incoming, exits = piece.exits, list[Port]()
        lift = LIFT - around(r for w in ways for r in w.rects()).top
        passed = False
        for branch, way in zip(fork.branches, ways, strict=True):
            if branch:
                up = fork.below and way is ways[-1]
                exits += [Port(p.place, "up") for p in way.exits] if up else way.exits
            elif fork.below or not (exits or any(fork.branches)):
                exits += incoming
            elif not passed:
                passed = True
                exits += [Port(p.place, "over", lift, p.fans) for p in incoming]
        if passed:
            arc = Rect(ends[0] - 9.0, -lift - 2, ends[1] + AISLE, -lift + 2)
            piece.things.append(Room(arc))
        return exits

    def _mark(self, piece: Piece, fork: Fork, last: Piece, end: float) -> None:
        """The circle of a sum, behind the branches, or above the end of one that comes up."""
        x = end + AISLE + RADIUS
        if fork.below and last.exits:
            place = last.exits[-1].place
            x = max(end, place.x + (place.solid.thick / 2 if isinstance(place, Block) else 0.0))
            if fork.hanging:  # which goes down from here, clear of what is below
                x = max(x, place.rect.right + AISLE)
        mark = Mark(fork, x, 0.0)
        for port in piece.exits:
            self._link(piece, port, mark)
        piece.things.append(mark)
        if fork.hanging:
            piece.things.append(Room(Rect(RADIUS, 0.0, RADIUS + 4.0, 40.0), mark.x, mark.y))
        piece.exits = [Port(mark)]
        piece.cursor = mark.x + RADIUS

    def _beside(self, ways: list[Piece], start: float) -> float:
        """Ways above each other, the middle at the height 0; the x where the longest ends."""
        drawn = [w for w in ways if w.things]
        rooms = [w.bounds for w in drawn]
        tall = sum(r.bottom - r.top for r in rooms) + ROW * (len(rooms) - 1)
        tops = [-tall / 2]
        for room in rooms:
            tops.append(tops[-1] + room.bottom - room.top + ROW)
        middle = len(drawn) // 2  # of an odd number, it goes straight on
        shift = tops[middle] - rooms[middle].top if len(drawn) % 2 else 0.0
        end = start
        for way, room, top in zip(drawn, rooms, tops, strict=False):
            way.move(start - room.left, top - room.top - shift)
            end = max(end, way.bounds.right)
        return end

    def _below(self, piece: Piece, ways: list[Piece], start: float, floor: float) -> float:
        """The last way under the tensor that it starts from, the others at the height 0.

        Returns:
            From which x on what follows may stand: it is above the end of the last way.
        """
        *kept, inner = ways
        tail = piece.exits[-1].place
        bottom, end = max(floor, tail.rect.bottom), start
        level = 0.0
        for way in kept:
            if not way.things:
                continue
            r = way.bounds
            way.move(start - r.left, level)
            bottom, end = max(bottom, way.bounds.bottom), max(end, way.bounds.right + AISLE)
            level -= r.bottom - r.top + ROW
        room = inner.bounds
        first = next((t for t in inner.things if isinstance(t, Block)), None)
        x = tail.x + (tail.solid.thick / 2 if isinstance(tail, Block) else 0.0) + STEP
        inner.move(x - (first.x if first else room.left), bottom + 1.5 * ROW - room.top)
        last = inner.exits[-1].place if inner.exits else tail
        return max(end, last.x - GAP if isinstance(last, Block) else last.x)

    # What hangs

    def hang(self, piece: Piece) -> None:
        """Put what does not lead to the main output below, as high as there is room."""
        while piece.hanging:
            place, series = piece.hanging.pop()
            side = self.series(series, [])
            if not side.things:
                continue
            room, given = side.bounds, _given(series)
            start = piece.bounds.left if given else place.rect.right + AISLE
            end = start + room.right - room.left
            rects = [r for r in piece.rects() if r.left < end + WORDS and start - AISLE < r.right]
            y = max([place.rect.bottom, *(r.bottom for r in rects)]) + ROW - room.top
            side.move(start - room.left, y)
            piece.include(side)
            if given:
                continue
            first = next(t for t in side.things if not isinstance(t, Room))
            piece.links.append(Link(place, first, "aside"))
            x, way = place.x, first.y - place.rect.bottom
            piece.things.append(Room(Rect(0.0, 0.0, 8.0, way), x, place.rect.bottom))


def _given(branch: Series) -> bool:
    """Whether a branch starts with an input of the network."""
    first = branch[0] if branch else None
    return isinstance(first, Volume) and first.look == "input"


def _parts(thing: Block | Mark | Room) -> list[Rect]:
    """The rectangles of a thing: the body and each line of text, so that they can interlock."""
    if not isinstance(thing, Block):
        return [thing.rect]
    body = Rect(0.0, thing.solid.top, thing.solid.right, thing.solid.bottom)
    rects = [body, *(label.rect for label in thing.labels)]
    if thing.arc:
        rects.append(Rect(-7.0, -thing.arc - 1.0, thing.solid.right + 7.0, 0.0))
    return [r.moved(thing.x, thing.y) for r in rects]
