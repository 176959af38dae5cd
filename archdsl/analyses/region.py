"""The part of the input that one position of a layer sees, found by walking back from it.

A field is one rule for all positions of a layer; a region is what is so of one. Two things are
carried from a layer to what it reads, axis by axis:

- the interval without the edges, as if every map went on for ever (Araujo, Norris & Sim, "Computing
  Receptive Fields of Convolutional Neural Networks", Distill 2019);
- the positions that are there to be read, as the bits of an integer. What a layer reads of its
  padding ends there, the gaps of a dilated kernel stay gaps, and what a crop takes away is not
  seen. Where branches of other strides meet, each is followed by itself.

On each axis the second is exact, with four exceptions that take in more than is read: layers that
read everything by their rule, but for their sizes read less (uneven adaptive pools, transposing);
a tensor that is read at several places of which some lie in the padding on one axis alone;
channels, which are not told apart: a branch of a `split` counts as reading all that was joined; and
maps and sequences too large to be followed position by position (`LONGEST`, `MOST`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from archdsl.errors import Diagnostic, SpecError
from archdsl.ir.graph import Graph, Node
from archdsl.ir.records import Window
from archdsl.ir.shapes import Shape

Interval = tuple[int, int]
"""The first and the last index, both included."""

LONGEST = 2**22  # a side; where one is longer, the unclipped interval is cut off at the edges
MOST = 2**20  # positions that are counted out where tokens become a map; if there are more, all

_Sets = tuple[int, ...]
"""Positions of a tensor on each of its axes, as bits: bit i is index i. A vector has none."""


@dataclass(frozen=True, slots=True)
class Region:
    """What one position sees of the input: first and last index on each axis of the input."""

    path: str
    position: tuple[int, ...]
    extent: tuple[int, ...]
    """The input's sides."""
    unclipped: tuple[Interval, ...] | None
    """As far as the windows reach; the input's edges and those on the way are not heeded. None
    where nothing is: a transposed convolution whose stride exceeds its kernel leaves such gaps."""
    clipped: tuple[Interval, ...] | None
    """What is read of the input itself, or None where that is nothing: padding alone."""

    @property
    def inside(self) -> bool:
        """Whether no padding is read."""
        return self.clipped == self.unclipped

    def __str__(self) -> str:
        if not self.extent:
            return "the whole input"
        sides = "x".join(map(str, self.extent))
        if self.clipped is None:
            return f"nothing of the input's {sides}"
        return f"{' x '.join(f'{a}..{b}' for a, b in self.clipped)} of the input's {sides}"


def axes(shape: Shape) -> tuple[int, ...]:
    """The sides along which a tensor has positions: of a map height and width, of tokens N."""
    return shape[1:] if len(shape) == 3 else shape[:1] if len(shape) == 2 else ()


def coordinates(graph: Graph) -> dict[str, tuple[int, ...]]:
    """The sides of the inputs that have the most axes: what a field is counted on."""
    sides = {i.name: axes(i.shape) for i in graph.inputs}
    most = max(map(len, sides.values()), default=0)
    return {name: s for name, s in sides.items() if len(s) == most}


def extent(graph: Graph) -> tuple[int, ...]:
    """The sides of the smallest input that holds all of them."""
    return tuple(max(n) for n in zip(*coordinates(graph).values(), strict=True))


def check_position(path: str, sides: tuple[int, ...], position: tuple[int, ...]) -> tuple[int, ...]:
    """A position of a layer, the middle one if none is given.

    Raises:
        SpecError: the layer has no such position.
    """
    if not position:
        return tuple((n - 1) // 2 for n in sides)
    fits = len(position) == len(sides) and all(
        0 <= i < n for i, n in zip(position, sides, strict=True)
    )
    if fits:
        return position
    label = f"`{path}` has no position {', '.join(map(str, position))}"
    last = ", ".join(str(n - 1) for n in sides)
    help = f"they go from {', '.join('0' for _ in sides)} to {last}"
    if not sides:
        help = "it gives a vector, which has no positions"
    raise SpecError(Diagnostic("A307", None, label, help=help))


def region(graph: Graph, path: str, position: tuple[int, ...], whole: bool) -> Region:
    """What a position of a layer sees; see `check_position`.

    Args:
        graph: the network.
        path: a layer or an input.
        position: an index for each axis of its tensor.
        whole: whether the layer's field is the whole input.
    """
    limits = extent(graph)
    sides = axes(graph.shapes[path])
    unclipped: tuple[Interval, ...] | None = tuple((0, n - 1) for n in limits)
    if limits and not whole:
        box: tuple[Interval, ...] = tuple((i, i) for i in position)
        if len(sides) != len(limits):
            box = _laid_out(box, sides, _grid(graph, path, len(limits)))
        unclipped = _reached(graph, path, box)
    if any(n > LONGEST for shape in graph.shapes.values() for n in axes(shape)):
        clipped = _cut(unclipped, limits)
    else:
        clipped = _hull(_arrived(graph, path, tuple(1 << i for i in position)), len(limits))
    return Region(path, position, limits, unclipped, clipped)


def _cut(box: tuple[Interval, ...] | None, limits: tuple[int, ...]) -> tuple[Interval, ...] | None:
    """What of a box lies within the input."""
    if box is None:
        return None
    found = tuple((max(a, 0), min(b, n - 1)) for (a, b), n in zip(box, limits, strict=True))
    return found if all(a <= b for a, b in found) else None


# Without edges


def _reached(graph: Graph, path: str, box: tuple[Interval, ...]) -> tuple[Interval, ...] | None:
    """The interval on each axis, every map being endless; None if no input is read.

    Tokens that a map became have its two axes; nothing between looks at other positions, or the
    field would be the whole input.
    """
    wanted = {path: box}
    for node in _back_from(graph, path):
        reached = wanted.pop(node.path, None)
        if reached is None:
            continue
        for name, shape in zip(node.inputs, node.input_shapes, strict=True):
            arriving = _before(node, shape, reached)
            if all(first <= last for first, last in arriving):
                wanted[name] = _around(wanted.get(name), arriving)
    found: tuple[Interval, ...] | None = None
    for name in coordinates(graph):
        if name in wanted:
            found = _around(found, wanted[name])
    return found


def _before(node: Node, shape: Shape, box: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """What a box of a layer's output reads of an input of this shape; first > last is nothing."""
    sides, own, windows = axes(shape), axes(node.shape), node.field.windows
    if len(sides) == len(own) == len(box):  # an axis of one that is stretched stands still
        both = zip(sides, own, box, strict=True)
        box = tuple((0, 0) if not windows and m == 1 < n else b for m, n, b in both)
    if len(windows) != len(box):
        return box
    ends = zip(windows, box, strict=True)
    return tuple((w.span(first)[0], w.span(last)[1]) for w, (first, last) in ends)


def _around(old: tuple[Interval, ...] | None, new: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """The smallest box that holds both."""
    if not old or len(old) != len(new):
        return new
    pairs = zip(old, new, strict=True)
    return tuple((min(a, c), max(b, d)) for (a, b), (c, d) in pairs)


def _grid(graph: Graph, path: str, rank: int) -> tuple[int, ...]:
    """The sides of the map that tokens came from: of the last tensor before with so many axes."""
    while path in graph.by_path:
        node = graph.by_path[path]
        if len(axes(node.shape)) == rank:
            return axes(node.shape)
        path = node.inputs[0]
    return axes(graph.shapes[path])


def _laid_out(
    box: tuple[Interval, ...], sides: tuple[int, ...], grid: tuple[int, ...]
) -> tuple[Interval, ...]:
    """A position of tokens as one of the map that they came from, or the other way around."""
    if prod(sides) != prod(grid):
        return tuple((0, n - 1) for n in grid)
    index = 0
    for (first, _), n in zip(box, sides, strict=True):
        index = index * n + first
    found: list[Interval] = []
    for n in reversed(grid):
        index, place = divmod(index, n)
        found.append((place, place))
    return tuple(reversed(found))


# With the edges


def _arrived(graph: Graph, path: str, start: _Sets) -> list[_Sets]:
    """The positions of the inputs that are read, on common coordinates."""
    wanted = {path: start}
    for node in _back_from(graph, path):
        read = wanted.pop(node.path, None)
        if read is None:
            continue
        for name, sets in _read_by(node, read):
            if all(sets):
                old = wanted.get(name, (0,) * len(sets))
                wanted[name] = tuple(a | b for a, b in zip(old, sets, strict=True))
    return [wanted[name] for name in coordinates(graph) if name in wanted]


def _read_by(node: Node, positions: _Sets) -> Iterator[tuple[str, _Sets]]:
    """What a layer reads of each of its inputs, to give these positions of its output."""
    rule, own = node.field, axes(node.shape)
    for name, shape in zip(node.inputs, node.input_shapes, strict=True):
        sides = axes(shape)
        if rule.windows and len(rule.windows) == len(sides):
            at = positions or (1,) * len(sides)  # a vector is one position
            yield name, tuple(map(_through, rule.windows, at, sides))
        elif rule.whole or rule.windows:
            yield name, tuple((1 << n) - 1 for n in sides)
        else:
            yield name, _same(positions, own, sides)


def _same(positions: _Sets, own: tuple[int, ...], sides: tuple[int, ...]) -> _Sets:
    """The same positions of an input: those of an axis of one are all the first."""
    if len(own) == len(sides):
        return tuple(
            p if n == m else 1 if n == 1 else (1 << n) - 1
            for p, m, n in zip(positions, own, sides, strict=True)
        )
    if prod(own) != prod(sides):  # beside a map, a vector is read wherever the position is
        return tuple((1 << n) - 1 for n in sides)
    if prod(p.bit_count() for p in positions) > MOST:
        return tuple((1 << n) - 1 for n in sides)
    marks = [bytearray(b"0" * n) for n in sides]
    for index in _product(positions, own):
        for axis in reversed(range(len(sides))):
            index, place = divmod(index, sides[axis])
            marks[axis][place] = _SET
    return tuple(map(_bits, marks))


def _product(positions: _Sets, sides: tuple[int, ...]) -> Iterator[int]:
    """The numbers, row by row, of the positions that lie on these of each axis."""
    found = [0]
    for bits, n in zip(positions, sides, strict=True):
        places = list(_indices(bits))
        found = [index * n + place for index in found for place in places]
    yield from found


def _through(window: Window, positions: int, n: int) -> int:
    """The inputs, of n, that a window reads for these outputs."""
    if window.stride.denominator > 1 or window.first.denominator > 1:
        marks = bytearray(b"0" * n)
        for i in _indices(positions):
            first, last = window.span(i)
            first, last = max(first, 0), min(last, n - 1)
            marks[first : last + 1] = bytes([_SET]) * (last - first + 1)
        return _bits(marks)
    first, taps = int(window.first), len(window.reads(0))
    found, done = _spread(positions, int(window.stride)), 1
    while done < taps:  # each turn doubles the taps that are done
        more = min(done, taps - done)
        found |= found << more * window.step
        done += more
    found = found << first if first >= 0 else found >> -first
    return found & ((1 << n) - 1)


def _spread(positions: int, stride: int) -> int:
    """The positions times the stride."""
    if stride < 2:
        return positions if stride else 1
    return int(("0" * (stride - 1)).join(f"{positions:b}"), 2)


_SET = ord("1")


def _bits(marks: bytearray) -> int:
    """Marks by index, as bits."""
    return int(marks[::-1], 2)


def _indices(bits: int) -> Iterator[int]:
    """The bits that are set, in order."""
    return (i for i, bit in enumerate(reversed(f"{bits:b}")) if bit == "1")


def _hull(read: Sequence[_Sets], rank: int) -> tuple[Interval, ...] | None:
    """From the first to the last position of any input, or None if none is read."""
    if not read:
        return None
    united = [0] * rank
    for sets in read:
        united = [a | b for a, b in zip(united, sets, strict=True)]
    return tuple(((bits & -bits).bit_length() - 1, bits.bit_length() - 1) for bits in united)


def _back_from(graph: Graph, path: str) -> Iterator[Node]:
    """The layers from one back to the first."""
    found: Mapping[str, int] = {n.path: i for i, n in enumerate(graph.nodes)}
    for i in range(found.get(path, -1), -1, -1):
        yield graph.nodes[i]
