"""The table of a network: a row a layer, and the totals; as objects, text, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from typing import Any

from archdsl.analyses import cost, receptive_field
from archdsl.analyses.cost import Totals
from archdsl.analyses.receptive_field import Field, Misalignment
from archdsl.ir.graph import Graph
from archdsl.ir.records import Cost
from archdsl.ir.shapes import Shape, show


@dataclass(frozen=True, slots=True)
class Layer:
    """One row of the table."""

    path: str
    layer: str
    """The layer as the language writes it."""
    shape: Shape
    """What goes out, without the batch."""
    totals: Totals
    field: Field
    """What one position of the output reads of the network's input."""
    shares: str | None = None
    """The layer whose weights it uses; they are counted there."""
    training: bool = False
    """Whether it exists in training only; its work is not counted."""

    @property
    def params(self) -> int:
        return self.totals.params

    @property
    def buffers(self) -> int:
        return self.totals.buffers

    @property
    def macs(self) -> int:
        return self.totals.macs

    @property
    def cost(self) -> Cost:
        return self.totals.cost

    def to_dict(self) -> dict[str, Any]:
        """The row as plain data."""
        return {
            "path": self.path,
            "layer": self.layer,
            "shape": list(self.shape),
            **_totals(self.totals),
            "field": _field(self.field),
            "shares": self.shares,
            "training": self.training,
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """A network's layers in order, and their totals.

    Work is that of one example at inference; a MAC is one multiply-add; FLOPs are 2 x MACs; work
    that is neither a convolution nor a matrix product is in `cost`, by its kind.
    """

    name: str
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]
    layers: tuple[Layer, ...]
    totals: Totals
    """Of all layers: a weight that several share counts once, the work is that of inference."""
    misaligned: tuple[Misalignment, ...]
    """The joins whose branches differ in centre or stride, with the branches' fields."""

    @property
    def params(self) -> int:
        return self.totals.params

    @property
    def buffers(self) -> int:
        return self.totals.buffers

    @property
    def macs(self) -> int:
        return self.totals.macs

    @property
    def flops(self) -> int:
        return self.totals.flops

    @property
    def cost(self) -> Cost:
        return self.totals.cost

    @property
    def last_local(self) -> Layer | None:
        """The last layer whose positions do not read the whole input."""
        rows = (row for row in reversed(self.layers) if not row.training)
        return next((row for row in rows if row.field.windows and not row.field.whole), None)

    def to_dict(self) -> dict[str, Any]:
        """The table as plain data."""
        return {
            "network": self.name,
            "inputs": {name: list(shape) for name, shape in self.inputs.items()},
            "outputs": {name: list(shape) for name, shape in self.outputs.items()},
            **_totals(self.totals),
            "misaligned": [
                {"path": m.path, "branches": [_field(b) for b in m.branches]}
                for m in self.misaligned
            ],
            "layers": [layer.to_dict() for layer in self.layers],
        }

    def to_json(self) -> str:
        """The table as JSON, a line per layer."""
        parts = self.to_dict()
        rows = ",\n".join(f"  {json.dumps(row)}" for row in parts.pop("layers"))
        head = "".join(f' "{key}": {json.dumps(value)},\n' for key, value in parts.items())
        return f'{{\n{head} "layers": [\n{rows}\n ]\n}}\n'

    def to_csv(self) -> str:
        """The rows as CSV with a header; sizes as the language writes them, no totals."""
        text = io.StringIO()
        work = list(asdict(Cost()))
        columns = ["path", "layer", "shape", "params", "buffers", *work]
        columns += ["field", "stride", "padding", "center", "whole", "misaligned"]
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*columns, "shares", "training"])
        for row in self.layers:
            field = row.field
            geometry = (field.size, field.stride, field.padding, field.center)
            writer.writerow(
                [row.path, row.layer, show(row.shape), row.params, row.buffers]
                + list(asdict(row.cost).values())
                + ["x".join(f"{float(n):g}" for n in axis) for axis in geometry]
                + [str(field.whole).lower(), str(field.misaligned).lower()]
                + [row.shares or "", str(row.training).lower()]
            )
        return text.getvalue()

    def __str__(self) -> str:
        """The table as plain text, at most 100 columns wide where the names allow it."""
        from archdsl.analyses.table import plain

        return plain(self)


def summarize(graph: Graph) -> Summary:
    """The table of a network."""
    fields = receptive_field.fields(graph)
    rows = (
        Layer(
            path=n.path,
            layer=n.op.text(),
            shape=n.shape,
            totals=cost.of_node(n),
            field=fields[n.path],
            shares=n.shares if n.weights else None,
            training=n.training,
        )
        for n in graph.nodes
    )
    return Summary(
        name=graph.name,
        inputs={i.name: i.shape for i in graph.inputs},
        outputs={o.name: o.shape for o in graph.given},
        layers=tuple(rows),
        totals=cost.of_graph(graph),
        misaligned=tuple(receptive_field.misalignments(graph)),
    )


def _totals(totals: Totals) -> dict[str, Any]:
    other = asdict(totals.cost)
    macs = other.pop("macs")
    return {
        "params": totals.params,
        "buffers": totals.buffers,
        "macs": macs,
        "flops": totals.flops,
        "other": other,
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "size": list(field.size),
        "stride": [s if isinstance(s, int) else float(s) for s in field.stride],
        "padding": list(field.padding),
        "center": list(field.center),
        "whole": field.whole,
        "misaligned": field.misaligned,
    }
