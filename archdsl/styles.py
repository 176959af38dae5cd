"""The styles of pictures: what each can be written as, and which options it heeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from archdsl.backends.drawing.options import Options
from archdsl.ir import Graph

Draw = Callable[[Sequence[Graph], Path, Options], None]


@dataclass(frozen=True, slots=True)
class Style:
    """One way to draw networks."""

    about: str
    endings: tuple[str, ...]
    """Of files, the one that is meant if none is named first."""
    takes: frozenset[str]
    """The fields of Options that it heeds."""
    load: Callable[[], Draw]
    """Gives the function that draws networks into a file, importing it only now."""
    several: bool = False
    """Whether it shows several networks side by side."""


def _graph() -> Draw:
    from archdsl.backends import graphviz

    return lambda graphs, path, options: graphviz.draw(graphs[0], path, options)


def _volumes() -> Draw:
    if find_spec("archdsl.backends.volumes") is None:
        raise ValueError("the style `volumes` is not there yet")
    from archdsl.backends import volumes  # pyright: ignore

    drawn: Any = volumes.draw
    return lambda graphs, path, options: drawn(graphs[0], path, options)


_PICTURE = frozenset({"theme", "width", "dpi", "legend", "highlight"})

STYLES = {
    "graph": Style(
        "boxes for layers, arrows for tensors",
        ("svg", "png", "pdf", "gv", "dot"),
        _PICTURE | {"direction", "depth", "layers", "label_with", "heat"},
        _graph,
    ),
    "volumes": Style(
        "tensors as boxes in perspective",
        ("svg", "png", "pdf", "tex"),
        _PICTURE | {"label_with"},
        _volumes,
    ),
}


def takers(option: str) -> list[str]:
    """The styles that heed an option."""
    return [name for name, style in STYLES.items() if option in style.takes]
