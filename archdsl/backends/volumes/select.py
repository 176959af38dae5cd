"""Which tensors a figure shows, more or less folded: from flows to volumes and forks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from archdsl.backends.drawing.text import sign
from archdsl.backends.volumes import units
from archdsl.backends.volumes.calls import share, shown
from archdsl.backends.volumes.figure import Fork, Item, Series, Volume, volumes_of
from archdsl.backends.volumes.lanes import behind_each_other, divided, lanes_of
from archdsl.backends.volumes.merge import merged, without_pools
from archdsl.backends.volumes.structure import Flow, Part, Region, Structure, nodes_of
from archdsl.ir import Graph, Node
from archdsl.ir.shapes import elements

WIDEST = 8  # branches that are drawn beside each other
SMALLER = 0.6  # of the positions before and behind: a region with smaller maps is an hourglass


@dataclass(frozen=True, slots=True)
class Level:
    """How far a network is folded."""

    runs: bool = False
    """Neighbours that look alike are one volume with a number."""
    blocks: bool = False
    """Blocks and regions are a volume each."""
    pools: bool = False
    """A pooled map is drawn with what is made of it."""
    stages: int = 0
    """Scopes are a volume each, this deep: with 1, what has a name in the network itself."""


LEVELS = (
    Level(),
    Level(runs=True),
    Level(blocks=True),
    Level(runs=True, blocks=True),
    Level(runs=True, pools=True),
    Level(runs=True, blocks=True, pools=True),
    Level(runs=True, blocks=True, pools=True, stages=2),
    Level(runs=True, blocks=True, pools=True, stages=1),
)


def select(graph: Graph, found: Structure, level: Level) -> Series:
    """The volumes of a network at a level."""
    return _Selection(graph, found, level).all()


class _Selection:
    """One network at one level."""

    def __init__(self, graph: Graph, found: Structure, level: Level) -> None:
        self.graph, self.main, self.level = graph, found.main, level
        self.inputs = {i.name: i for i in graph.inputs}
        self.scopes = {s.path: s for s in graph.scopes}
        self.hanging = dict(found.hanging)

    def all(self) -> Series:
        inside = self._around(self.main.parts)
        given = self.inputs.get(self.main.source or "")
        items: Series = []
        if given:
            self._put(items, [units.of_input(given)], inside, [])
        series = self._onto(items, self.main.parts, inside)
        for source, flows in sorted(self.hanging.items()):  # of an input that nothing else reads
            start = [units.of_input(self.inputs[source])] if source in self.inputs else []
            series[-1].hanging += [self._onto([*start], f.parts, inside) for f in flows]
        last, shape = series[-1], self.graph.main.shape
        if isinstance(last, Volume) and last.shape != shape:  # the output is always shown
            output = self.graph.by_path[self.graph.main.node]
            last.paths = [p for p in last.paths if p != output.path]
            series.append(units.of_layer(output))
        if not self.level.blocks:
            divided(series)
        self._name_outputs(series)
        return series

    def _name_outputs(self, series: Series) -> None:
        """Let what another output than the main one gives have that name, if it has none."""
        names = {o.node: o.name for o in self.graph.outputs if o.kind != "main"}
        for volume in volumes_of(series):
            own = [names[path] for path in volume.paths if path in names]
            if own and not volume.name:
                volume.name = own[0]

    def _around(self, parts: Sequence[Part], inside: str = "") -> str:
        """The block that all of a series is in, if it is one: it is not worth a volume."""
        while parts and not self.level.stages:
            owners = {self._owner(p, inside) for p in parts}
            if len(owners) != 1 or (owner := owners.pop()) in ("", inside):
                break
            inside = owner
        return inside

    # Series

    def _onto(self, items: Series, parts: Sequence[Part], inside: str) -> Series:
        """Parts as volumes and forks, behind the items that there are."""
        pending: list[str] = []
        for owner, group in groupby(parts, lambda p: self._owner(p, inside)):
            members = list(group)
            if owner not in ("", inside) and not any(self._must_open(p) for p in members):
                self._put(items, self._unit(members, owner), inside, pending)
            else:
                for part in members:
                    self._put(items, self._part(part, owner or inside), inside, pending)
        if self.level.pools:
            items = without_pools(items)
        return merged(items) if self.level.runs else items

    def _put(
        self, items: Series, new: Sequence[Item | str], inside: str, pending: list[str]
    ) -> None:
        """Append items; a path is of a layer that belongs to the item before, if there is one."""
        for item in new:
            if not isinstance(item, str):
                item.paths[:0] = pending
                pending.clear()
                items.append(item)
                self._hang(item, item.paths, inside)
            elif items:
                items[-1].paths.append(item)
                self._hang(items[-1], [item], inside)
            else:
                pending.append(item)

    def _hang(self, item: Item, paths: Sequence[str], inside: str) -> None:
        for path in paths:
            for flow in self.hanging.pop(path, ()):
                if side := self._aside(flow, inside):
                    item.hanging.append(side)

    def _aside(self, flow: Flow, inside: str) -> Series:
        """What hangs; all of it as one volume where blocks are, if it is one."""
        around = [self._scopes(p, inside)[:1] for p in flow.parts]
        whole = around[0] and all(a == around[0] for a in around)
        if not self.level.blocks or not whole:
            return self._onto([], flow.parts, inside)
        items: Series = []
        self._put(items, self._unit(flow.parts, around[0][0]), inside, [])
        return items

    def _owner(self, part: Part, inside: str) -> str:
        """The scope that is drawn for a part: a block; at the last levels a stage; or nothing."""
        if not self.level.blocks:
            return ""
        below = self._scopes(part, inside)
        if deep := self.level.stages:
            return below[deep - 1] if len(below) >= deep else ""
        blocks = [s for s in below if self.scopes[s].kind == "block"]
        return blocks[-1] if blocks else ""

    def _scopes(self, part: Part, inside: str) -> list[str]:
        """The scopes that all of a part is in, outermost first, within one."""
        chains = [self._chain(scope) for scope in dict.fromkeys(n.scope for n in nodes_of(part))]
        common = chains[0]
        for chain in chains[1:]:
            common = [a for a, b in zip(common, chain, strict=False) if a == b]
        return [s for s in common if len(s) > len(inside) and s.startswith(inside)]

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
            return [units.of_layer(part)] if shown(part) else [part.path]
        if not part.branches or not self._opens(part):
            return self._closed(part)
        if (lanes := lanes_of(part)) > 1 and not self.level.blocks:
            return self._laned(part, lanes)
        return self._fork(part, inside)

    def _opens(self, region: Region) -> bool:
        few = len(region.branches) <= WIDEST
        return self._must_open(region) or (few and not self.level.blocks)

    def _must_open(self, part: Part) -> bool:
        """Whether one volume could not say it: several inputs, or an hourglass."""
        if isinstance(part, Node) or not 0 < len(part.branches) <= WIDEST:
            return False
        return part.source is None or self._hourglass(part)

    def _hourglass(self, region: Region) -> bool:
        """Whether maps inside are smaller than those before and behind."""
        before = self.graph.shapes[region.source] if region.source else ()
        after = region.join.shape
        if len(before) != 3 or len(after) != 3:
            return False
        least = SMALLER * min(elements(before[1:]), elements(after[1:]))
        return any(len(n.shape) == 3 and 1 < elements(n.shape[1:]) < least for n in region.nodes)

    def _closed(self, region: Region) -> list[Item | str]:
        """A region as one volume; of several inputs, these before it."""
        main = [n for n in region.nodes if shown(n)]
        if not main and region.join.shape in region.join.input_shapes and region.source:
            return [n.path for n in nodes_of(region)]
        found: list[Item | str] = []
        if region.source is None:
            sources = dict.fromkeys(s for n in nodes_of(region) for s in n.inputs)
            branches: list[Series] = [
                [units.of_input(self.inputs[s])] for s in sources if s in self.inputs
            ]
            found.append(Fork(branches, f"{region.join.path}/inputs", "", starts=True))
        words = units.words(main) or (region.join.op.name,)
        return [*found, units.of_unit(self.graph, [region], region.join.path, words, "")]

    def _unit(self, parts: list[Part], owner: str) -> list[Item | str]:
        """All of a scope as one volume."""
        nodes = [n for p in parts for n in nodes_of(p)]
        main = [n for n in nodes if shown(n)]
        name = owner.rpartition(".")[2]
        if len(main) < 2:
            if not main:
                return [n.path for n in nodes]
            volume = units.of_layer(main[0])
            volume.name = "" if name.isdecimal() else name
            volume.paths = [n.path for n in nodes]
            return [volume]
        text, copies = self.scopes[owner].definition, 1
        if not text:
            text, copies = self._only_blocks(owner, nodes)
        first = parts
        if not text:
            copies, first = self._only_copies(owner, parts)
        words = (
            (text,) if text else units.words([n for p in first for n in nodes_of(p) if shown(n)])
        )
        bare = name.isdecimal() or name.rstrip("0123456789") == text
        volume = units.of_unit(self.graph, parts, owner, words, "" if bare else name, first)
        if text:
            volume.key = (text, volume.training)
        volume.copies = copies
        return [volume]

    def _only_blocks(self, owner: str, nodes: Sequence[Node]) -> tuple[str, int]:
        """The block that layers in a scope are all in copies of, and how many; "" if none is."""
        chains = (self._chain(scope) for scope in dict.fromkeys(n.scope for n in nodes))
        inner = {next(iter(chain[chain.index(owner) + 1 :]), owner) for chain in chains}
        blocks = {self.scopes[scope].definition for scope in inner}  # the owner's own is ""
        return (blocks.pop(), len(inner)) if len(blocks) == 1 and "" not in blocks else ("", 1)

    def _only_copies(self, owner: str, parts: list[Part]) -> tuple[int, list[Part]]:
        """How many copies of a repetition are all that is in a scope, and the parts of the first.

        A single one, of all parts, if they are none.
        """
        around = len(self.scopes[owner].repetitions)
        copies: dict[tuple[int, int], list[Part]] = {}
        for part in parts:
            turns = {n.repetitions[around : around + 1] for n in nodes_of(part)}
            if len(turns) != 1 or not (turn := turns.pop()):
                return 1, parts
            copies.setdefault((turn[0].id, turn[0].index), []).append(part)
        looks = {tuple(n.op for p in copy for n in nodes_of(p)) for copy in copies.values()}
        if len({id for id, _ in copies}) > 1 or len(looks) > 1:
            return 1, parts
        return len(copies), next(iter(copies.values()))

    def _laned(self, region: Region, lanes: int) -> list[Item | str]:
        """Branches that are alike, as volumes in lanes."""
        found: list[Item | str] = []
        own = share(next(nodes_of(region.branches[0].parts[0])))
        for parts in zip(*(b.parts for b in region.branches), strict=True):
            copies = [n for p in parts for n in nodes_of(p)]
            if not shown(copies[0]):
                found += [n.path for n in copies]
                continue
            volume = units.of_layer(copies[0])
            volume.widen(lanes)
            volume.own, own = own, True
            volume.paths = [n.path for n in copies]
            found.append(volume)
        return [*found, region.join.path]

    def _fork(self, region: Region, inside: str) -> list[Item | str]:
        """A region with its branches, and the volume of its join if that is no sum of them."""
        join, below = region.join, self._hourglass(region)
        branches = [self._branch(b, inside) for b in region.branches]
        if below:
            branches.sort(key=len)
        sums = join.shape in join.input_shapes and not behind_each_other(join)
        symbol = sign(join.op.symbol) if sums else ""
        fork = Fork(branches, f"{join.path}/fork", symbol, below, region.source is None)
        if symbol:
            fork.paths.append(join.path)
            return [fork]
        volume = units.of_join(region)
        if below and not any(branches[:-1]):
            _enlarged(branches[-1], volume)
        return [fork, volume] if any(branches) else [volume]

    def _branch(self, flow: Flow, inside: str) -> Series:
        items: Series = []
        if flow.source in self.inputs and self.main.source is None:
            self._put(items, [units.of_input(self.inputs[flow.source])], inside, [])
        return self._onto(items, flow.parts, self._around(flow.parts, inside))


def _enlarged(branch: Series, join: Volume) -> None:
    """Draw what comes back from smaller maps as its band of the join alone."""
    last = branch[-1]
    if len(branch) > 1 and isinstance(last, Volume) and not last.hanging and join.bands:
        branch.pop()
        join.call, join.paths = last.call, [*last.paths, *join.paths]
