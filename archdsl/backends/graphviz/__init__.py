"""Pictures by Graphviz: DOT text, SVG or TikZ of it, and PNG or PDF of the SVG."""

from __future__ import annotations

import math
import re
import warnings
from pathlib import Path

from archdsl.backends.drawing import Options, forms, page
from archdsl.backends.graphviz.compose import compose
from archdsl.backends.graphviz.rendering import render
from archdsl.backends.graphviz.style import TINY
from archdsl.backends.graphviz.svg import describe
from archdsl.backends.graphviz.writer import write
from archdsl.files import write_text
from archdsl.ir import Graph

LEAST = 4.5  # points of letters that can be read on paper


def dot(graph: Graph, options: Options | None = None) -> str:
    """DOT text that draws the network from top to bottom; the same network gives the same text."""
    return write(compose(graph, options), options)


def draw(graph: Graph, path: str | Path, options: Options | None = None) -> None:
    """Draw the network into a file: .svg, .png, .pdf, .tex for TikZ, or .gv or .dot for DOT text.

    Raises:
        WriteError: the ending is none of these, or the file cannot be written.
        SpecError: nothing has a path that is to stand out.
        BuildError: no Graphviz can be run, or the PNG would have too many pixels.
    """
    path, options = Path(path), options or Options()
    form = forms.form(path, forms.GRAPH)
    text = dot(graph, options)
    match form:
        case "gv" | "dot":
            write_text(path, text)
        case "tex":
            from archdsl.backends.graphviz.tikz import tikz

            write_text(path, tikz(render(text, "json"), options.width))
        case _:
            svg = render(text)
            if options.width is not None:
                _warn(svg)
            page.write(describe(svg, graph), path, form, options.dpi, graph.name)


def _warn(svg: str) -> None:
    """Say so if a picture was made so narrow that it cannot be read."""
    found = re.search(r"scale\(([\d.]+)", svg)
    points = TINY * float(found[1]) if found else TINY
    if points < LEAST:
        shown = math.floor(points * 10) / 10  # 4.46 is not to read as the 4.5 that would do
        text = f"at this width the smallest letters are {shown} points high; "
        help = "a lower --depth shows less, another --direction may be narrower"
        warnings.warn(text + help, stacklevel=4)
