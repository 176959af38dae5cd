"""Pictures by Graphviz: DOT text, and SVG, PNG, PDF or TikZ from it."""

from __future__ import annotations

import math
import re
import warnings
from pathlib import Path

from archdsl.backends.drawing import Options
from archdsl.backends.graphviz.compose import compose
from archdsl.backends.graphviz.rendering import FORMATS, render
from archdsl.backends.graphviz.style import TINY
from archdsl.backends.graphviz.svg import describe
from archdsl.backends.graphviz.writer import write
from archdsl.errors import Diagnostic, WriteError
from archdsl.files import replacing, write_text
from archdsl.ir import Graph

TEXTS = ("gv", "dot")
LEAST = 4.5  # points of letters that can be read on paper
ENDINGS = (*FORMATS, "tex", *TEXTS)


def dot(graph: Graph, options: Options | None = None) -> str:
    """DOT text that draws the network from top to bottom; the same network gives the same text."""
    return write(compose(graph, options), options)


def draw(graph: Graph, path: str | Path, options: Options | None = None) -> None:
    """Draw the network into a file: .svg, .png, .pdf, .tex for TikZ, or .gv or .dot for DOT text.

    Raises:
        WriteError: the suffix is none of these, or the file cannot be written.
        SpecError: nothing has a path that is to stand out.
        BuildError: no Graphviz can be run.
    """
    path = Path(path)
    form = path.suffix.lower().removeprefix(".")
    if form not in ENDINGS:
        known = ", ".join(f".{f}" for f in ENDINGS)
        what = f"the suffix `{path.suffix}` is no picture" if path.suffix else "no suffix"
        raise WriteError(Diagnostic("A005", None, f"{path}: {what}", help=f"end it in {known}"))
    text = dot(graph, options)
    if form in TEXTS:
        write_text(path, text)
        return
    options = options or Options()
    with replacing(path) as temporary:
        if form == "tex":
            from archdsl.backends.graphviz.tikz import tikz

            render(text, "json", temporary)
            picture = tikz(temporary.read_text("utf-8"), options.width)
            temporary.write_text(picture, "utf-8", newline="\n")
            return
        if options.width is not None:
            render(text, "svg", temporary)
            _warn(temporary.read_text("utf-8"))
        render(text, form, temporary, options.dpi)
        if form == "svg":
            described = describe(temporary.read_text("utf-8"), graph)
            temporary.write_text(described, "utf-8", newline="\n")


def _warn(svg: str) -> None:
    """Say so if a picture was made so narrow that it cannot be read."""
    found = re.search(r"scale\(([\d.]+)", svg)
    points = TINY * float(found[1]) if found else TINY
    if points < LEAST:
        shown = math.floor(points * 10) / 10  # 4.46 is not to read as the 4.5 that would do
        text = f"at this width the smallest letters are {shown} points high; "
        help = "a lower --depth shows less, another --direction may be narrower"
        warnings.warn(text + help, stacklevel=4)
