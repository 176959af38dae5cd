"""What Graphviz's SVG lacks: a title and a description for those who hear a picture."""

from __future__ import annotations

from html import escape

from archdsl.analyses.cost import of_graph
from archdsl.analyses.depth import has_kernel
from archdsl.errors import printable
from archdsl.ir import Graph
from archdsl.ir.shapes import show

LONGEST = 1000  # characters of a description


def describe(svg: str, graph: Graph) -> str:
    """The SVG with a title, a description, and the role of one picture."""
    if "<svg" not in svg:
        return svg  # an odd Graphviz; its output is kept as it is
    start = svg.index("<svg") + len("<svg")
    end = svg.index(">", start)
    words = f"<title>{_text(graph.name)}</title>\n<desc>{_text(description(graph))}</desc>"
    return f'{svg[:start]} role="img"{svg[start:end]}>\n{words}{svg[end + 1 :]}'


def description(graph: Graph) -> str:
    """A network in a few sentences: what goes in and out, how large it is, its main layers."""
    totals = of_graph(graph)
    shapes = [show(tensor.shape) for tensor in (*graph.inputs, *graph.outputs)]
    ins, outs = shapes[: len(graph.inputs)], shapes[len(graph.inputs) :]
    numbers = f"{totals.params:,} parameters, {totals.macs:,} multiply-adds"
    layers = ", ".join(n.op.brief() for n in graph.nodes[:LONGEST] if has_kernel(n))
    return (
        f"A neural network from {' and '.join(ins)} to {' and '.join(outs)}: "
        f"{len(graph.nodes):,} layers, {numbers}. Layers with weights, in order: {layers}."
    )


def _text(words: str) -> str:
    cut = words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"
    return escape(printable(cut))
