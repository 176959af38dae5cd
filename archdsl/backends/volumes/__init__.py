"""The figure of the papers: tensors as boxes in perspective.

SVG and TikZ are written here; PDF and PNG are made of the SVG by Typst. The way from a graph:

graph → structure (flows and regions) → select (which tensors, how far folded) → layout (places)
→ compose (shapes) → svg, tikz
"""

from __future__ import annotations

from pathlib import Path

from archdsl.backends.drawing import Options, forms, page
from archdsl.backends.volumes import svg as svg_writer
from archdsl.backends.volumes.fit import fitted
from archdsl.backends.volumes.scene import Scene
from archdsl.files import write_text
from archdsl.ir import Graph


def scene(graph: Graph, options: Options | None = None) -> Scene:
    """The figure of a network, before it is written as anything.

    Raises:
        BuildError: it cannot be folded so far that its words can be read at the width asked for.
        SpecError: the network has no path that is to stand out.
    """
    return fitted(graph, options or Options())[1]


def svg(graph: Graph, options: Options | None = None) -> str:
    """The figure as SVG; the same network gives the same text."""
    options = options or Options()
    return svg_writer.write(scene(graph, options), options.width)


def tex(graph: Graph, options: Options | None = None) -> str:
    """The figure as a LaTeX document of one TikZ picture."""
    from archdsl.backends.volumes import tikz

    options = options or Options()
    return tikz.write(scene(graph, options), options.width)


def draw(graph: Graph, path: str | Path, options: Options | None = None) -> None:
    """Draw the network into a file: .svg, .png, .pdf or .tex.

    Raises:
        WriteError: the ending is none of these, or the file cannot be written.
        BuildError: the figure does not fit the width asked for, or has too many pixels.
        SpecError: the network has no path that is to stand out.
    """
    path, options = Path(path), options or Options()
    form = forms.form(path, forms.VOLUMES)
    if form == "tex":
        write_text(path, tex(graph, options))
    else:
        page.write(svg(graph, options), path, form, options.dpi, graph.name)
