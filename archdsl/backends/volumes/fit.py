"""How far a network is folded, so that the figure fits its page and its words can be read."""

from __future__ import annotations

from archdsl.backends.drawing import Options
from archdsl.backends.drawing.text import clip
from archdsl.backends.volumes.blocks import SIZE
from archdsl.backends.volumes.compose import compose
from archdsl.backends.volumes.figure import Fork, Series, volumes_of
from archdsl.backends.volumes.layout import layout
from archdsl.backends.volumes.notes import annotate
from archdsl.backends.volumes.pieces import Piece
from archdsl.backends.volumes.scene import Scene
from archdsl.backends.volumes.select import LEVELS, Level, select
from archdsl.backends.volumes.structure import structure
from archdsl.errors import BuildError, Diagnostic
from archdsl.ir import Graph
from archdsl.ir.shapes import show

PAGE = 680.0  # points that a figure is wide at most, where no width is asked for
READABLE = 5.0  # points of the smallest letters, at the width asked for
MOST = 120  # volumes that are worth the work of placing them
ALIKE = 4  # neighbours that are drawn once

WHOLE, SHORT, PARTS, STAGES = LEVELS[:4], LEVELS[4:6], LEVELS[6:7], LEVELS[7:]
TRIES = (
    (1, WHOLE),
    (2, WHOLE),
    (1, SHORT),
    (2, SHORT),
    (1, PARTS),
    (2, PARTS),
    (3, (*WHOLE, *SHORT)),
    (1, STAGES),
    (2, STAGES),
    (3, STAGES),
)
"""In how many lines, and how far folded, in this order: two lines rather than pools left out."""


def fitted(graph: Graph, options: Options) -> tuple[Piece, Scene]:
    """The least folded figure that fits, as places and as shapes.

    Raises:
        BuildError: none does.
    """
    limit = PAGE if options.width is None else options.width * SIZE / READABLE
    found = structure(graph)
    known: dict[Level, Series] = {}
    best = 0.0
    for lines, levels in TRIES:
        for level in _asked(levels, options):
            series = known.get(level)
            if series is None:
                series = known[level] = select(graph, found, level)
                annotate(graph, series, options)
            if not _worth(series, level, lines, options):
                continue
            piece = layout(series, lines)
            words = describe(series)
            scene = compose(piece, options.look, graph.name, words, options.legend)
            if scene.width <= limit:
                return piece, scene
            best = min(best or scene.width, scene.width)
    raise _too_wide(options, best)


def _worth(series: Series, level: Level, lines: int, options: Options) -> bool:
    """Whether a figure is to be tried: it is not too long, and shows more than a number would."""
    if sum(1 for _ in volumes_of(series)) > MOST:
        return False
    if lines > 1 and any(isinstance(i, Fork) and i.below for i in series):
        return False  # a U would lose its shape
    return level.runs or options.depth == "all" or not monotonous(series)


def _asked(levels: tuple[Level, ...], options: Options) -> tuple[Level, ...]:
    """Those of some levels that `depth` allows: 1 is stages, 2 is blocks."""
    if options.depth is None:
        return levels
    asked = {"all": LEVELS[:1], 1: STAGES}.get(options.depth, LEVELS[2:4])
    return tuple(level for level in levels if level in asked)


def monotonous(series: Series) -> bool:
    """Whether many neighbours are alike, so that their number says more than their row."""
    looks = [(v.key, v.shape) for v in volumes_of(series)]
    return any(len(set(looks[i : i + ALIKE])) == 1 for i in range(len(looks) - ALIKE + 1))


def _too_wide(options: Options, best: float) -> BuildError:
    """Why none fits, and what does; `best` is the least width found, 0 if nothing was placed."""
    least = best * READABLE / SIZE / 72 * 2.54
    wider = f"from --width {least:.1f}cm on they have {READABLE:g} points"
    advice = "put what repeats into blocks, or use --style graph"
    if not best:
        label = f"more than {MOST} volumes are left where all that is alike is folded"
        return BuildError(Diagnostic("A710", None, label, help=advice))
    if options.width is None:
        label = "on a page of 17 cm its letters would be too small to read"
        return BuildError(Diagnostic("A710", None, label, help=f"{wider}; or {advice}"))
    label = f"at this width its letters would have {SIZE * options.width / best:.1f} points"
    return BuildError(Diagnostic("A710", None, label, help=wider))


def describe(series: Series) -> str:
    """The volumes in words, in order, for those who cannot see the figure."""
    words: list[str] = []
    for v in volumes_of(series):
        text = f"{clip(v.name or v.id)} {show(v.shape)}"
        words.append(text + (f" ({', '.join(v.call)})" if v.call else ""))
    shown = words if len(words) <= 40 else [*words[:39], f"and {len(words) - 39} more"]
    return "Tensors from input to output: " + "; ".join(shown) + "."
