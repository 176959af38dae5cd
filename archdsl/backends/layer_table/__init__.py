"""The layer table of a paper: stages as rows, networks as columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from archdsl.backends.drawing import Options, forms, page
from archdsl.backends.layer_table import texts
from archdsl.backends.layer_table.rows import LayerTable, layer_table
from archdsl.backends.layer_table.svg import svg
from archdsl.files import write_text
from archdsl.ir import Graph

_TEXTS: dict[str, Callable[[LayerTable, Options], str]] = {
    "html": texts.html,
    "md": texts.markdown,
    "tex": texts.tex,
}


def draw(graphs: Sequence[Graph], path: str | Path, options: Options | None = None) -> None:
    """Write the table of networks: .svg, .png, .pdf, .html, .md for Markdown, or .tex for LaTeX.

    Raises:
        WriteError: the ending is none of these, or the file cannot be written.
        BuildError: the PNG would have too many pixels.
    """
    path, options = Path(path), options or Options()
    form = forms.form(path, forms.TABLE)
    table = layer_table(graphs)
    if form in _TEXTS:
        write_text(path, _TEXTS[form](table, options))
    else:
        page.write(svg(table, options), path, form, options.dpi, ", ".join(table.networks))


def text(graphs: Sequence[Graph]) -> str:
    """The table for a terminal."""
    return texts.plain(layer_table(graphs))
