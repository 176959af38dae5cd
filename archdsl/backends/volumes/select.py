"""Which tensors a figure shows: from the flows of a network to volumes and forks, more or less
folded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from archdsl.analyses.depth import has_kernel
from archdsl.backends.drawing.theme import Look
from archdsl.backends.volumes.calls import call, change, groups, share, shown
from archdsl.backends.volumes.figure import Fork, Item, Series, Volume
from archdsl.backends.volumes.lanes import alike, divided, lanes_of
from archdsl.backends.volumes.structure import Flow, Part, Region, Structure, nodes_of
from archdsl.ir import Graph, Node
from archdsl.ir.records import Slide
from archdsl.ir.shapes import Shape, channels, elements

WIDEST = 8  # branches that are drawn beside each other
BANDS = 6


@dataclass(frozen=True, slots=True)
class Level:
    """How far a network is folded."""

    runs: bool = False
    """Neighbours that look alike are one volume with a number."""
    blocks: bool = False
    """Blocks and regions are a volume each."""
    pools: bool = False
    """A pooled map is drawn with what is made of it."""
    stages: bool = False
    """What has a name in the network itself is a volume."""


LEVELS = (
    Level(),
    Level(runs=True),
    Level(blocks=True),
    Level(runs=True, blocks=True),
    Level(runs=True, blocks=True, pools=True),
    Level(runs=True, blocks=True, pools=True, stages=True),
)


def select(graph: Graph, found: Structure, level: Level) -> Series:
    """The volumes of a network at a level."""
    return _Selection(graph, found, level).all()


class _Selection:
    """One network at one level."""

    def __init__(self, graph: Graph, found: Structure, level: Level) -> None:
        self.graph, self.found, self.level = graph, found, level
        self.inputs = {i.name: i for i in graph.inputs}
        self.scopes = {s.path: s for s in graph.scopes}
        self.hanging = dict(found.hanging)

    def all(self) -> Series:
        main = self.found.main
        series = self.series(main, self._around(main.parts))
        if isinstance(last := series[-1], Fork) or last.shape != self.graph.main.shape:
            node = self.graph.by_path[self.graph.main.node]
            if node.shape not in (None if isinstance(last, Fork) else last.shape, ()):
                if not (isinstance(last, Fork) and last.symbol):
                    series.append(self._volume(node))
        if not self.level.blocks:
            divided(series)
        return series

    def _around(self, parts: Sequence[Part]) -> str:
        """The block that all of the network is in, if it is one: to fold that would leave nothing."""
        inside = ""
        while parts:
            owners = {self._owner(p, inside) for p in parts}
            if len(owners) != 1 or (owner := owners.pop()) in ("", inside):
                break
            inside = owner
        return inside

    # Series

    def series(self, flow: Flow, inside: str) -> Series:
        items: Series = []
        if flow.source in self.inputs:
            first = self.inputs[flow.source]
            if flow is self.found.main:
                items.append(Volume(f"input/{first.name}", first.shape, "input", name=first.name,
                                    paths=[first.name]))  # fmt: skip
                self._hang(items[-1], inside)
        return self._onto(items, flow.parts, inside, flow.source)

    def _onto(self, items: Series, parts: Sequence[Part], inside: str, source: str | None) -> Series:
        """Parts as volumes, behind the items that there are."""
        pending: list[str] = []
        for owner, group in groupby(parts, lambda p: self._owner(p, inside)):
            members = list(group)
            if owner not in ("", inside) and not any(self._must_open(p) for p in members):
                new = self._unit(members, owner)
            else:
                new = [i for p in members for i in self._part(p, owner or inside)]
            for item in new:
                if isinstance(item, str):
                    (items[-1].paths if items else pending).append(item)
                else:
                    item.paths[:0] = pending
                    pending = []
                    items.append(item)
                    if item.paths and isinstance(item, Volume):
                        pass
            for item in items[-len(new) - 1 :]:
                self._hang(item, inside)
        return self._folded(items)

    def _hang(self, item: Item, inside: str) -> None:
        for path in item.paths:
            for flow in self.hanging.pop(path, ()):
                item.hanging.append(self.series(flow, inside))

    def _owner(self, part: Part, inside: str) -> str:
        """The scope that is drawn for a part: a block, or at the last level a stage; or nothing."""
        if not self.level.blocks:
            return ""
        chains = [self._chain(scope) for scope in dict.fromkeys(n.scope for n in nodes_of(part))]
        common = chains[0]
        for chain in chains[1:]:
            common = [a for a, b in zip(common, chain, strict=False) if a == b]
        below = [s for s in common if s and len(s) > len(inside) and s.startswith(inside)]
        if self.level.stages:
            return below[0] if below else ""
        blocks = [s for s in below if self.scopes[s].kind == "block"]
        return blocks[-1] if blocks else ""

    def _chain(self, scope: str | None) -> list[str]:
        """A scope and those around it, outermost first."""
        found: list[str] = []
        while scope is not None:
            found.append(scope)
            scope = self.scopes[scope].parent
        return found[::-1]

    # Parts

    def _part(self, part: Part, inside: str) -> list[Item | str]:
        """A part as volumes and forks; the paths of layers that belong to the volume before."""
        if isinstance(part, Node):
            return [self._volume(part)] if shown(part) else [part.path]
        if not (part.branches and self._opens(part)):
            return self._closed(part)
        if (n := lanes_of(part)) > 1 and not self.level.blocks:
            return self._laned(part, n)
        return self._fork(part, inside)

    def _opens(self, region: Region) -> bool:
        small = len(region.branches) <= WIDEST
        return self._must_open(region) or (small and not self.level.blocks)

    def _must_open(self, part: Part) -> bool:
        """Whether one volume could not say it: several inputs, or an hourglass."""
        if isinstance(part, Node) or not part.branches or len(part.branches) > WIDEST:
            return False
        if part.source is None:
            return True
        return self._hourglass(part)

    def _hourglass(self, region: Region) -> bool:
        """Whether maps inside are smaller than those before and behind."""
        before = self.graph.shapes[region.source] if region.source else ()
        after = region.join.shape
        if len(before) != 3 or len(after) != 3:
            return False
        least = 0.6 * min(elements(before[1:]), elements(after[1:]))
        return any(len(n.shape) == 3 and 1 < elements(n.shape[1:]) < least for n in region.nodes)

    def _volume(self, node: Node) -> Volume:
        """The output of one layer."""
        slide = node.op.slides(node.input_shapes, node.shape)
        bare = node.name.rstrip("0123456789") == node.op.name or node.name.isdecimal()
        return Volume(
            node.path,
            node.shape,
            node.op.family,
            call(node),
            "" if bare else node.name,
            slide,
            paths=[node.path],
            training=node.training,
            shared=node.shares is not None and bool(node.weights),
            key=(node.op.name, groups(node), node.training),
        )

    def _closed(self, region: Region) -> list[Item | str]:
        nodes = [n for n in region.nodes if shown(n)]
        if not nodes and region.join.shape in region.join.input_shapes:
            return [n.path for n in nodes_of(region)]
        found: list[Item | str] = []
        if region.source is None:
            sources = dict.fromkeys(s for n in nodes_of(region) for s in n.inputs)
            given = [self.inputs[s] for s in sources if s in self.inputs]
            branches: list[Series] = [
                [Volume(f"input/{i.name}", i.shape, "input", name=i.name, paths=[i.name])]
                for i in given
            ]
            found.append(Fork(branches, f"{region.join.path}/inputs", "", starts=True))
        words = tuple(dict.fromkeys(n.op.name for n in nodes)) or (region.join.op.name,)
        key = (words, len(region.branches), region.join.op.name)
        found.append(self._unit_volume([region], region.join.path, words[:2], "", key))
        return found

    def _unit(self, parts: list[Part], owner: str) -> list[Item | str]:
        """All of a scope as one volume."""
        nodes = [n for p in parts for n in nodes_of(p)]
        main = [n for n in nodes if shown(n)]
        scope = self.scopes[owner]
        name = owner.rpartition(".")[2]
        if not main:
            return [n.path for n in nodes]
        if len(main) == 1:
            volume = self._volume(main[0])
            volume.name, volume.paths = name, [n.path for n in nodes]
            return [volume]
        text = scope.definition or ""
        bare = text and name.rstrip("0123456789") == text or name.isdecimal()
        count = tuple(n.op.name for n in main) if not text else ()
        key = (text, count, nodes[0].training)
        words = (text,) if text else tuple(dict.fromkeys(n.op.name for n in main))[:2]
        return [self._unit_volume(parts, owner, words, "" if bare else name, key)]

    def _unit_volume(
        self, parts: list[Part], id: str, words: tuple[str, ...], name: str, key: object
    ) -> Volume:
        nodes = [n for p in parts for n in nodes_of(p)]
        before, after = nodes[0].input_shapes[0], nodes[-1].shape
        looks, shares = self._bands(parts)
        ratio = change(before, after)
        costs: dict[Look, int] = {}
        for n in nodes:
            if shown(n):
                costs[n.op.family] = costs.get(n.op.family, 0) + n.cost.macs
        return Volume(
            id,
            after,
            max(costs, key=lambda look: costs[look], default="join"),
            (*words, *([ratio] if ratio else [])),
            name,
            _window(parts),
            looks if len(looks) > 1 else (),
            shares,
            shortcut=_shortcut(parts),
            paths=[n.path for n in nodes],
            training=nodes[0].training,
            shared=any(n.shares is not None and n.weights for n in nodes),
            key=key,
        )

    def _bands(self, parts: list[Part]) -> tuple[tuple[Look, ...], tuple[int, ...]]:
        """The layers of a unit, in order; or the branches of its one concatenation."""
        heavy = [p for p in parts if isinstance(p, Region) or shown(p)]
        if len(heavy) == 1 and isinstance(region := heavy[0], Region) and not _summed(region):
            ends = [_end(b) for b in region.branches]
            shares = tuple(channels(self.graph.shapes[_exit(b)]) for b in region.branches)
            if 1 < len(shares) <= BANDS and sum(shares) == channels(region.join.shape):
                return tuple(n.op.family if n else "join" for n in ends), shares
        looks = tuple(n.op.family for n in _chain(parts))
        return (looks if len(looks) <= BANDS else ()), ()

    def _laned(self, region: Region, lanes: int) -> list[Item | str]:
        """Branches that are alike, as volumes in lanes."""
        found: list[Item | str] = []
        first = region.branches[0].parts
        own = share(next(nodes_of(first[0])))
        for i, part in enumerate(first):
            copies = [next(nodes_of(b.parts[i])) for b in region.branches]
            if not shown(copies[0]):
                found += [n.path for n in copies]
                continue
            volume = self._volume(copies[0])
            c, shape = channels(part.shape) if isinstance(part, Node) else 0, copies[0].shape
            volume.shape = _widened(shape, lanes * c)
            volume.lanes, volume.own, own = lanes, own, True
            volume.paths = [n.path for n in copies]
            found.append(volume)
        return [*found, region.join.path]

    def _fork(self, region: Region, inside: str) -> list[Item | str]:
        join = region.join
        branches = [self._branch(b, inside) for b in region.branches]
        below = self._hourglass(region)
        if below:
            branches.sort(key=len)
        symbol = _sign(join) if join.shape in join.input_shapes and not alike(join) else ""
        fork = Fork(branches, f"{join.path}/fork", symbol, below, region.source is None)
        if symbol:
            fork.paths.append(join.path)
            return [fork]
        volume = self._volume(join)
        volume.shares = tuple(map(channels, join.input_shapes))
        ends = [_end(b) for b in region.branches]
        if len(ends) == len(join.inputs):
            volume.bands = tuple(n.op.family if n else "join" for n in ends)
        if len(volume.bands) > BANDS or sum(volume.shares) != channels(join.shape):
            volume.bands = volume.shares = ()
        if below and all(not b for b in branches[:-1]) and len(branches[-1]) > 1:
            last = branches[-1][-1]
            if isinstance(last, Volume) and not last.hanging and last.shape[1:] == join.shape[1:]:
                branches[-1].pop()
                volume.call, volume.paths = last.call, [*last.paths, *volume.paths]
        if not any(branches) and not fork.starts:
            return [volume]
        return [fork, volume]

    def _branch(self, flow: Flow, inside: str) -> Series:
        items: Series = []
        if flow.source in self.inputs and self.found.main.source is None:
            given = self.inputs[flow.source]
            items.append(Volume(f"input/{given.name}", given.shape, "input", name=given.name,
                                paths=[given.name]))  # fmt: skip
        return self._onto(items, flow.parts, inside, flow.source)

    # Folding what is alike

    def _folded(self, items: Series) -> Series:
        if self.level.pools:
            items = _without_pools(items)
        return _merged(items) if self.level.runs else items


def _without_pools(items: Series) -> Series:
    found: Series = []
    for item in items:
        before = found[-1] if found else None
        if (
            isinstance(item, Volume)
            and isinstance(before, Volume)
            and before.look == "pooling"
            and len(before.shape) == len(item.shape) == 3
            and not before.hanging
            and not item.hanging
            and before.window is not None
        ):
            item.call = (*(" ".join(before.call),), *item.call)
            item.paths, item.window = [*before.paths, *item.paths], None
            found.pop()
        found.append(item)
    return found


def _merged(items: Series) -> Series:
    found: Series = []
    for item in items:
        before = found[-1] if found else None
        if (
            isinstance(item, Volume)
            and isinstance(before, Volume)
            and (item.key, item.shape, item.look) == (before.key, before.shape, before.look)
            and item.key is not None
            and not before.hanging
            and (item.shares == before.shares)
        ):
            before.call = _both(before.call, item.call)
            before.copies += item.copies
            before.paths += item.paths
            before.hanging = item.hanging
            before.shortcut = item.shortcut or before.shortcut
            before.name = _range(before, item)
            if not before.bands or set(before.bands) == {before.look} and not before.shares:
                if before.key and len(set(item.bands)) <= 1 and not item.bands:
                    before.bands = (before.look,) * min(before.copies, 4)
            continue
        found.append(item)
    return found


def _both(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """How copies are written that differ in their kernels: `conv`, `5×5, 3×3`."""
    if len(first) < 2 or len(second) < 2 or first[0] != second[0] or "×" not in second[1]:
        return first
    known = [words.split()[0] for words in first[1].split(", ")]
    kernel = second[1].split()[0]
    return first if kernel in known else (first[0], f"{first[1]}, {kernel}", *first[2:])


def _range(first: Volume, last: Volume) -> str:
    if not first.name or not last.name:
        return ""
    start = first.name.partition("…")[0]
    stem = start.rstrip("0123456789")
    end = last.name.removeprefix(stem) if last.name.startswith(stem) else last.name
    return f"{start}…{end}"


def _chain(parts: Sequence[Part]) -> Iterator[Node]:
    """The layers that are drawn as bands: of a region those of its main way."""
    for part in parts:
        if isinstance(part, Node):
            if shown(part):
                yield part
        elif part.branches:
            yield from max((list(_chain(b.parts)) for b in part.branches), key=_weight)
        else:
            yield from [n for n in part.nodes if shown(n)][:1]


def _weight(nodes: list[Node]) -> tuple[int, int]:
    """How much a way is the main one: by its layers with kernels."""
    return sum(map(has_kernel, nodes)), len(nodes)


def _end(flow: Flow) -> Node | None:
    """The last layer of a branch that is drawn."""
    nodes = [n for p in flow.parts for n in nodes_of(p) if shown(n)]
    return nodes[-1] if nodes else None


def _exit(flow: Flow) -> str:
    """The tensor that a branch gives."""
    return list(nodes_of(flow.parts[-1]))[-1].path if flow.parts else flow.source or ""


def _sign(join: Node) -> str:
    return join.op.symbol.replace("*", "×").replace("-", "−")


def _summed(region: Region) -> bool:
    return bool(region.join.op.symbol)


def _shortcut(parts: list[Part]) -> Literal["", "identity", "projection"]:
    """What runs past the layers of a unit, if they are in a residual region."""
    found = ""
    for part in parts:
        if not isinstance(part, Region) or part.join.op.symbol != "+" or len(part.branches) != 2:
            continue
        short, long = sorted((list(_chain(b.parts)) for b in part.branches), key=_weight)
        if _weight(long) > _weight(short) and len(short) <= 2:
            found = "projection" if short or found == "projection" else "identity"
    return found


def _window(parts: list[Part]) -> Slide | None:
    """The window that all ways through a region slide, if each slides one and the same."""
    region = parts[0]
    if len(parts) != 1 or not isinstance(region, Region):
        return None
    slides: set[Slide | None] = set()
    depth: dict[str, int] = {}
    for node in region.nodes:
        before = max((depth.get(s, 0) for s in node.inputs), default=0)
        counts = shown(node) and len(node.inputs) == 1
        if counts:
            slides.add(node.op.slides(node.input_shapes, node.shape))
        depth[node.path] = before + counts
    alone = len(slides) == 1 and max(depth.values(), default=0) == 1
    return slides.pop() if alone else None


def _widened(shape: Shape, c: int) -> Shape:
    return (c, *shape[1:]) if len(shape) == 3 else (*shape[:-1], c)
