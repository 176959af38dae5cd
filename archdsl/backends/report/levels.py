"""A network at its levels of detail: a small SVG each, and the layers that its elements stand for.

Level 1 has the outermost scopes as boxes, the last one every layer. A level that shows what the one
before it shows is left out, and so is one that has more boxes than can be looked at.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from archdsl.backends.drawing import Options
from archdsl.backends.graphviz import compose, write
from archdsl.backends.graphviz.compose import fitting
from archdsl.backends.graphviz.fold import Fold
from archdsl.backends.graphviz.markup import identifier
from archdsl.backends.graphviz.rendering import render
from archdsl.backends.graphviz.units import deepest
from archdsl.backends.report.runs import Runs, runs
from archdsl.backends.report.shrink import shrink
from archdsl.ir import Graph

MOST = 1_500  # boxes of a picture: dot draws them in some seconds, a browser moves them at once
MOST_IN_ALL = 3_000


@dataclass(frozen=True, slots=True)
class Level:
    """One picture."""

    name: str
    svg: str
    standing: dict[str, Runs]
    """The layers, by their numbers, that a box or a frame stands for, by its path."""
    closed: list[str]
    """The boxes that are scopes; a finer level shows what is in them."""


@dataclass(slots=True)
class Levels:
    """The pictures of a network, the coarsest first."""

    levels: list[Level] = field(default_factory=list[Level])
    start: int = 0
    """The one that is shown first: the one with the most detail that fits a page."""
    omitted: int = 0
    """The boxes of the picture that was too large to be drawn; 0 if all were drawn."""


def levels(graph: Graph, draw: Callable[[str], str] = render) -> Levels:
    """The pictures of a network.

    Args:
        graph: the network.
        draw: makes an SVG of DOT text; called in several threads.

    Raises:
        BuildError: no Graphviz can be run.
    """
    found = Levels()
    start = _text(graph, fitting(graph, _options(None)))
    planned: list[tuple[int | None, Fold, str]] = []
    total = 0
    for depth in _depths(graph):
        fold = Fold(graph, depth)
        count = sum(fold.drawn(path) == path for path in fold.units)
        if count > MOST or total + count > MOST_IN_ALL:
            found.omitted = count
            break
        text = _text(graph, depth)
        if planned and text == planned[-1][2]:
            continue
        total += count
        if text == start:
            found.start = len(planned)
        planned.append((depth, fold, text))
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        drawing = [pool.submit(draw, text) for _, _, text in reversed(planned)]  # longest first
        svgs = [one.result() for one in reversed(drawing)]
    for (depth, fold, _), svg in zip(planned, svgs, strict=True):
        found.levels.append(_level(graph, fold, depth, shrink(svg)))
    return found


def first_level(graph: Graph, draw: Callable[[str], str] = render) -> Callable[[], Levels]:
    """Begin to draw the picture that is shown first; what is returned waits for it.

    The picture has no levels beside it, and may be missing where `levels` leaves it out.
    """
    depth = fitting(graph, _options(None))
    fold = Fold(graph, depth)
    count = sum(fold.drawn(path) == path for path in fold.units)
    if count > MOST:
        return lambda: Levels(omitted=count)
    pool = ThreadPoolExecutor(1)
    drawing = pool.submit(draw, _text(graph, depth))
    pool.shutdown(wait=False)
    return lambda: Levels([_level(graph, fold, depth, shrink(drawing.result()))])


def _depths(graph: Graph) -> Iterator[int | None]:
    yield from range(1, deepest(graph) + 2)
    yield None


def _options(depth: int | None) -> Options:
    return Options(legend=False, depth="all" if depth is None else depth)


def _text(graph: Graph, depth: int | None) -> str:
    return write(compose(graph, _options(depth)), _options(depth))


def _level(graph: Graph, fold: Fold, depth: int | None, svg: str) -> Level:
    standing: dict[str, list[int]] = defaultdict(list)
    numbers = {node.path: i for i, node in enumerate(graph.nodes)}
    for path, unit in fold.units.items():
        standing[fold.drawn(path)] += (numbers[node.path] for node in unit.nodes)
    hidden = _hidden(graph, fold)
    for path, layers in _inside(graph).items():
        if path not in hidden:
            standing[f"cluster/{fold.drawn(path)}"] += layers
    return Level(
        "layers" if depth is None else str(depth),
        svg,
        {identifier(path): runs(layers) for path, layers in standing.items()},
        [identifier(p) for p, u in fold.units.items() if u.scope and fold.drawn(p) == p],
    )


def _hidden(graph: Graph, fold: Fold) -> set[str]:
    """The scopes that are no frames: boxes, and what is in them."""
    found: set[str] = set()
    for scope in graph.scopes:  # outermost first
        unit = fold.units.get(scope.path)
        if (unit is not None and unit.scope is not None) or scope.parent in found:
            found.add(scope.path)
    return found


def _inside(graph: Graph) -> dict[str, list[int]]:
    """The layers in every scope but the network's own, by their numbers."""
    found: dict[str, list[int]] = {scope.path: [] for scope in graph.scopes if scope.path}
    parents = {scope.path: scope.parent or "" for scope in graph.scopes}
    for i, node in enumerate(graph.nodes):
        scope = node.scope
        while scope:
            found[scope].append(i)
            scope = parents[scope]
    return found
