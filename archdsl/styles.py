"""The styles of pictures: what each can be written as, and which options it heeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archdsl.backends.drawing import Options, forms
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
    prints: Callable[[], Callable[[Sequence[Graph]], str]] | None = None
    """Gives the function that draws them in letters, for a terminal, where there is one."""


def _graph() -> Draw:
    from archdsl.backends import graphviz

    return lambda graphs, path, options: graphviz.draw(graphs[0], path, options)


def _volumes() -> Draw:
    from archdsl.backends import volumes

    return lambda graphs, path, options: volumes.draw(graphs[0], path, options)


def _table() -> Draw:
    from archdsl.backends import layer_table

    return layer_table.draw


def _table_text() -> Callable[[Sequence[Graph]], str]:
    from archdsl.backends import layer_table

    return layer_table.text


_PICTURE = frozenset({"theme", "width", "dpi", "legend", "highlight"})

STYLES = {
    "graph": Style(
        "boxes for layers, arrows for tensors",
        forms.GRAPH,
        _PICTURE | {"direction", "depth", "label_with", "heat"},
        _graph,
    ),
    "volumes": Style(
        "tensors as boxes in perspective",
        forms.VOLUMES,
        _PICTURE | {"depth", "label_with"},
        _volumes,
    ),
    "table": Style(
        "stages as rows, networks as columns",
        forms.TABLE,
        frozenset({"theme", "width", "dpi"}),
        _table,
        several=True,
        prints=_table_text,
    ),
}


def takers(option: str) -> list[str]:
    """The styles that heed an option."""
    return [name for name, style in STYLES.items() if option in style.takes]


def complaint(name: str, given: Iterable[str]) -> str:
    """What is wrong with giving these options to a style; nothing if it heeds them all."""
    for option in given:
        if option not in STYLES[name].takes:
            flag = option.replace("_", "-")
            return f"--{flag} is not for --style {name}; it is for {', '.join(takers(option))}"
    return ""


def draw(graphs: Sequence[Graph], path: Path, name: str = "graph", **given: Any) -> None:
    """Draw networks into a file, in one of `STYLES`; `given` are fields of Options.

    Raises:
        ValueError: there is no such style, or it does not heed an option, or an option has no such
            value, or the style shows one network alone.
        ArchError: the picture cannot be made or written.
    """
    if name not in STYLES:
        raise ValueError(f"{name!r} is no style; there are {', '.join(STYLES)}")
    if wrong := complaint(name, given):
        raise ValueError(wrong)
    style = STYLES[name]
    if len(graphs) != 1 and not style.several:
        raise ValueError(f"the style `{name}` draws one network; here are {len(graphs)}")
    style.load()(graphs, path, Options(**given))
