"""The layer table of a paper: stages as rows, networks as columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from archdsl.backends.drawing import Options
from archdsl.backends.layer_table import texts
from archdsl.backends.layer_table.rows import LayerTable, layer_table
from archdsl.backends.layer_table.svg import svg
from archdsl.errors import Diagnostic, WriteError
from archdsl.files import write_text
from archdsl.ir import Graph

WRITERS: dict[str, Callable[[LayerTable, Options], str]] = {
    "svg": svg,
    "html": texts.html,
    "md": texts.markdown,
    "tex": texts.tex,
}


def draw(graphs: Sequence[Graph], path: str | Path, options: Options | None = None) -> None:
    """Write the table of networks: .svg, .html, .md for Markdown, or .tex for LaTeX.

    Raises:
        WriteError: the suffix is none of these, or the file cannot be written.
    """
    path = Path(path)
    writer = WRITERS.get(path.suffix.lower().removeprefix("."))
    if writer is None:
        known = ", ".join(f".{form}" for form in WRITERS)
        label = f"{path}: the suffix `{path.suffix}` is no table"
        raise WriteError(Diagnostic("A005", None, label, help=f"end it in {known}"))
    write_text(path, writer(layer_table(graphs), options or Options()))


def text(graphs: Sequence[Graph]) -> str:
    """The table for a terminal."""
    return texts.plain(layer_table(graphs))
