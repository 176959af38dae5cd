"""A network in a cell of a notebook: its picture, its figures, its rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path

from archdsl.analyses.cost import of_graph
from archdsl.analyses.outline import outline
from archdsl.backends import graphviz
from archdsl.backends.graphviz.compose import compose
from archdsl.errors import BuildError, printable
from archdsl.ir import Graph
from archdsl.ir.shapes import show
from archdsl.quantity import show_count

MOST_BOXES = 500  # a picture that a page of a notebook holds
MOST_ROWS = 200


def svg(graph: Graph) -> str | None:
    """The picture that `archdsl draw` makes; None if it is too large, or there is no Graphviz."""
    if sum(1 for _ in compose(graph).boxes) > MOST_BOXES:
        return None
    with tempfile.TemporaryDirectory(prefix="archdsl-") as folder:
        path = Path(folder, "picture.svg")
        try:
            graphviz.draw(graph, path)
        except BuildError:
            return None
        text = path.read_text("utf-8")
    return text[text.index("<svg") :]


def html(graph: Graph) -> str:
    """The figures, the picture where there is one, and the rows, to be opened."""
    totals = of_graph(graph)
    shapes = [", ".join(show(t.shape) for t in side) for side in (graph.inputs, graph.given)]
    words = (
        f"{' → '.join(shapes)} · {totals.params:,} parameters · {totals.macs:,} MACs · "
        f"{len(graph.nodes):,} layers"
    )
    rows = "".join(_rows(graph))
    picture = svg(graph)
    shown = f'<div style="max-width: 60em; overflow: auto">{picture}</div>' if picture else ""
    return (
        f"<p><b>{escape(printable(graph.name))}</b> {escape(words)}</p>{shown}"
        "<details><summary>layers</summary><table><thead><tr><th>layer</th><th>statement</th>"
        "<th>output</th><th>params</th><th>MACs</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></details>"
    )


def _rows(graph: Graph) -> Iterator[str]:
    rows = outline(graph)
    for row in rows[:MOST_ROWS]:
        copies = f" ×{row.copies}" if row.copies > 1 else ""
        name = "\N{NO-BREAK SPACE}" * 3 * row.depth + printable(row.name) + copies
        cells = [
            name,
            printable(row.text),
            show(graph.shapes[row.last]),
            show_count(row.totals.params) if row.totals.params else "",
            show_count(row.totals.macs) if row.totals.macs else "",
        ]
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
    if len(rows) > MOST_ROWS:
        yield f'<tr><td colspan="5">… {len(rows) - MOST_ROWS:,} more</td></tr>'
