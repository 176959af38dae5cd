"""The receptive field: which positions of the input one position of a tensor reads.

On each axis it is an interval that moves with the output index i: from stride*i + first to
stride*i + last. A layer's own window is composed with the field of what it reads, so one pass over
the nodes is enough (Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural
Networks", Distill 2019, sections 2 and 3). Four things go beyond their algorithm:

- An interval has two ends, so a dilation and a padding that differs from side to side move the
  centre as they should.
- Where branches join, the field is the union. Branches whose centres or strides differ are marked
  `misaligned`. If the strides are the same the union is exact; if they differ, no interval of one
  stride is, and the one given is of the larger stride and covers every branch at every position of
  the tensor. It may then be larger than what is read.
- After a layer in which every position reads every other, the field is the whole input, whatever
  follows. A vector has one position, so the field of a vector input is whole from the start.
- Where a layer enlarges the map, the window's numbers are fractions, and a position reads the whole
  numbers between its ends. That is exact for the layer itself and for all that follows it. Where it
  enlarges what was made smaller before, neighbours read fields that differ in more than their
  place; the window given then holds for all of them, and may be larger than what one reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor

from archdsl.analyses.region import Region, axes, check_position, coordinates, extent, region
from archdsl.errors import Diagnostic, SpecError, suggestion
from archdsl.ir.graph import Graph, Node
from archdsl.ir.records import FieldRule, Window


@dataclass(frozen=True, slots=True)
class Field:
    """What one position reads of the input, one entry per axis of the input (height, width).

    The padding counts, so a field may be larger than the input. `whole` says that all of the input
    is read wherever the position is: size is then the input's own and stride 0.
    """

    windows: tuple[Window, ...]
    whole: bool = False
    misaligned: bool = False
    """Whether branches with other centres or strides joined on the way here."""

    @property
    def size(self) -> tuple[int, ...]:
        """Positions from the first to the last, at the positions that read the most."""
        return tuple(floor(w.last - w.first) + 1 for w in self.windows)

    @property
    def stride(self) -> tuple[int | Fraction, ...]:
        """Input positions from one output position to the next; on an enlarged map a fraction."""
        strides = (w.stride for w in self.windows)
        return tuple(int(s) if s.denominator == 1 else s for s in strides)

    @property
    def padding(self) -> tuple[int, ...]:
        """How far the field of position 0 reaches beyond the input's edge."""
        return tuple(-ceil(w.first) for w in self.windows)

    @property
    def center(self) -> tuple[float, ...]:
        """The middle of the window at position 0; between two input positions it ends in .5."""
        return tuple(float(w.first + w.last) / 2 for w in self.windows)


@dataclass(frozen=True, slots=True)
class Misalignment:
    """A join whose branches look at different places: their fields, in the order of the inputs."""

    path: str
    branches: tuple[Field, ...]

    def __str__(self) -> str:
        """Where position 0 of the branches is centred; what reads everything agrees with all."""
        local = [b for b in self.branches if b.windows and not b.whole]
        return " and ".join(dict.fromkeys(map(_place, local)))


def _place(field: Field) -> str:
    center = ", ".join(f"{c:g}" for c in field.center)
    return f"({center}), stride {'x'.join(f'{float(s):g}' for s in field.stride)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerField(Field):
    """The field of one layer, which can be asked what a position of it sees."""

    path: str
    sides: tuple[int, ...]
    """The layer's positions on each axis: of a map H and W, of tokens N, of a vector none."""
    graph: Graph = field(repr=False, compare=False)

    def region(self, *position: int) -> Region:
        """What one position sees of the input: first and last index per axis, edges heeded or not.

        It is found for this position by itself (`archdsl.analyses.region`), so it may be smaller
        than the window of the field, which holds for all positions.

        Args:
            position: row and column of a map, the number of a token; the middle if left out.

        Raises:
            SpecError: the layer has no such position.
        """
        place = check_position(self.path, self.sides, position)
        return region(self.graph, self.path, place, self.whole)


def receptive_field(graph: Graph, at: str | None = None) -> LayerField:
    """The field of the output, of a layer, of a scope (of its last layer), or of an input.

    Args:
        graph: the network.
        at: a path, such as `conv1` or `layer4`.

    Raises:
        SpecError: nothing has this path.
    """
    found, _ = _trace(graph)
    path = _meant(graph, at)
    own = found[path]
    return LayerField(
        own.windows,
        own.whole,
        own.misaligned,
        path=path,
        sides=axes(graph.shapes[path]),
        graph=graph,
    )


def _meant(graph: Graph, at: str | None) -> str:
    """The path of a layer or an input, from that of the scope that ends in it."""
    if at is None:
        return graph.main.node
    if at in graph.shapes:
        return at
    within = f"{at}."
    inside = [n.path for n in graph.nodes if n.path.startswith(within)]
    if not inside:
        raise _unknown(graph, at)
    return inside[-1]


def fields(graph: Graph) -> dict[str, Field]:
    """The field of every layer, by its path.

    Of several inputs those with the most axes count, on common coordinates: beside a map, a vector
    has no positions. What reads none of them has a field without windows.
    """
    found, _ = _trace(graph)
    return {node.path: found[node.path] for node in graph.nodes}


def grids(graph: Graph) -> dict[str, tuple[int, ...]]:
    """The positions of every layer on the axes that its field is on, by its path.

    They are the layer's own sides; of tokens that a map became, the map's, row by row.
    """
    _, found = _trace(graph)
    return {node.path: found[node.path] for node in graph.nodes}


def misalignments(graph: Graph) -> list[Misalignment]:
    """Every join whose branches differ in centre or stride, in the order of the network."""
    found, _ = _trace(graph)
    result: list[Misalignment] = []
    for node in graph.nodes:
        branches = _arriving(node, found)
        if branches and _disagree(branches):
            result.append(Misalignment(node.path, branches))
    return result


def reach(field: Field) -> str:
    """Size and stride in short: `195/32`, `all` for the whole input."""
    if field.whole:
        return "all"
    return f"{sides(field.size)}/{sides(field.stride)}" if field.windows else "-"


def sides(sizes: tuple[int | Fraction, ...]) -> str:
    """A square as one number."""
    texts = [str(n) if isinstance(n, int) else f"{float(n):.3g}" for n in sizes]
    return texts[0] if len(set(texts)) == 1 else "x".join(texts)


def _trace(graph: Graph) -> tuple[dict[str, Field], dict[str, tuple[int, ...]]]:
    """The field of every input, by its name, and of every layer, by its path; their positions."""
    sides = extent(graph)
    whole = Field(tuple(Window(0, 0, n - 1) for n in sides), whole=True)
    start = Field(tuple(Window(1, 0, 0) for _ in sides)) if sides else whole
    common = coordinates(graph)
    found = {i.name: start if i.name in common else Field(()) for i in graph.inputs}
    grids = {i.name: axes(i.shape) for i in graph.inputs}
    for node in graph.nodes:
        own = _through(node, found, whole)
        before, grid = grids[node.inputs[0]], axes(node.shape)
        if len(grid) != len(own.windows):
            grid = before  # tokens in the order of a map's positions
        elif len(axes(node.input_shapes[0])) != len(grid) != 0 and grid != before:
            own = whole  # and then as a map of other sides: no position has a window of the former
        found[node.path], grids[node.path] = own, grid
    return found, grids


def _through(node: Node, found: Mapping[str, Field], whole: Field) -> Field:
    """The field of a node from those of its inputs."""
    branches = _arriving(node, found)
    read = whole if branches is None else _union(branches, axes(node.shape), whole)
    rule = node.field
    if not read.windows or read.whole:
        return read
    return whole if rule.whole else _compose(read, rule, whole)


def _arriving(node: Node, found: Mapping[str, Field]) -> tuple[Field, ...] | None:
    """The fields of a node's inputs, on the positions of its output where it joins several.

    An axis of one position that is stretched stands still: its stride is 0. None if the axes of an
    input have no counterpart in the output.
    """
    branches = tuple(found[path] for path in node.inputs)
    if len(branches) < 2:
        return branches
    sides = axes(node.shape)
    arriving: list[Field] = []
    for branch, shape in zip(branches, node.input_shapes, strict=True):
        own = axes(shape)
        if own != sides and branch.windows and not branch.whole:
            if not len(own) == len(sides) == len(branch.windows):
                return None
            still = (m == 1 < n for m, n in zip(own, sides, strict=True))
            windows = zip(branch.windows, still, strict=True)
            moved = tuple(replace(w, stride=0) if s else w for w, s in windows)
            branch = replace(branch, windows=moved)
        arriving.append(branch)
    return tuple(arriving)


def _compose(read: Field, rule: FieldRule, whole: Field) -> Field:
    """A layer's windows over the field of what it reads.

    Windows on other axes than the input's (of tokens laid out as a map that came in as tokens) are
    no interval of it; the whole input is what covers them.
    """
    if not rule.windows:
        return read
    if len(rule.windows) != len(read.windows):
        return whole
    windows = tuple(_after(w, r) for w, r in zip(rule.windows, read.windows, strict=True))
    return replace(read, windows=windows)


def _after(window: Window, read: Window) -> Window:
    """A window over positions that each read a window: what it reads in all.

    Of the ends, only what lies on the grid of the stride can be reached.
    """
    stride = window.stride * read.stride
    first, last = (read.stride * end for end in (window.first, window.last))
    grid = stride.denominator
    if grid == 1:
        return Window(stride, ceil(first + read.first), floor(last + read.last))
    return Window(
        stride,
        Fraction(ceil((first + read.first) * grid), grid),
        Fraction(floor((last + read.last) * grid), grid),
    )


def _union(branches: Sequence[Field], sides: tuple[int, ...], whole: Field) -> Field:
    """The field of tensors that are joined position by position; `sides` are the result's."""
    if any(b.whole for b in branches):
        return whole
    reached = [b for b in branches if b.windows]
    if len(reached) < 2:
        return reached[0] if reached else Field(())
    by_axis = list(zip(*(b.windows for b in reached), strict=True))
    one_stride = len({b.stride for b in reached}) == 1
    if not one_stride and len(sides) != len(by_axis):
        return whole  # the positions have no index on these axes any more
    lengths = [1] * len(by_axis) if one_stride else sides
    windows = tuple(_cover(w, n) for w, n in zip(by_axis, lengths, strict=True))
    return Field(windows, misaligned=_disagree(reached) or any(b.misaligned for b in reached))


def _cover(windows: Sequence[Window], side: int) -> Window:
    """The window of the largest stride that covers all of them at the positions 0 to side - 1.

    The ends are affine, so the first and the last position decide.
    """
    stride = max(w.stride for w in windows)
    drift = [((w.stride - stride) * i, w) for w in windows for i in (0, side - 1)]
    return Window(stride, min(d + w.first for d, w in drift), max(d + w.last for d, w in drift))


def _disagree(branches: Sequence[Field]) -> bool:
    """Whether the branches look at different places. What reads everything agrees with all."""
    local = [b for b in branches if b.windows and not b.whole]
    return len({(b.center, b.stride) for b in local}) > 1


def _unknown(graph: Graph, at: str) -> SpecError:
    paths = [*graph.shapes, *(s.path for s in graph.scopes if s.path)]
    label = f"`{graph.name}` has no layer, block or sequence called `{at}`"
    return SpecError(
        Diagnostic("A305", None, label, "nothing has this path", help=suggestion(at, paths))
    )
