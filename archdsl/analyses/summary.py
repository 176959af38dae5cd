"""The table of a network: a row a layer, and the totals; as objects, text, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from archdsl.analyses import cost, memory, receptive_field, roofline
from archdsl.analyses.cost import Totals
from archdsl.analyses.memory import Course, Memory
from archdsl.analyses.outline import Row, outline
from archdsl.analyses.receptive_field import Field, Misalignment
from archdsl.analyses.roofline import Device, Estimate
from archdsl.ir.graph import Graph
from archdsl.ir.records import Cost
from archdsl.ir.shapes import Shape, show

if TYPE_CHECKING:
    from archdsl.ir.training.learning import Optimizer


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
class Plan:
    """How a network is run: what its memory is worked out for."""

    batch: int = 1
    dtype: str = "float32"
    optimizer: Optimizer | None = None
    """What the weights are changed by; otherwise the spec's own, or AdamW."""
    checkpoint: tuple[str, ...] = ()
    """Blocks and sequences that run again in the backward pass; otherwise the spec's own."""
    limit: int | None = None
    """The bytes that the largest batch is wanted for."""
    device: Device | None = None
    """What the time is estimated on."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The memory and the bandwidth that a batch takes, with numbers of one type."""

    batch: int
    dtype: str
    inference: Course
    training: Course
    optimizer: str
    """The word for what the weights are changed by in training."""
    traffic: int
    """Bytes moved at inference; see `archdsl.analyses.cost`."""
    intensity: float
    """Operations for each byte moved."""
    limit: int | None
    """The bytes that the largest batch is wanted for."""
    estimate: Estimate | None
    """The time at inference, where a device was named."""

    @property
    def peak(self) -> Memory:
        """The most that is held at inference."""
        return self.inference.peak(self.batch)

    @property
    def training_peak(self) -> Memory:
        """The most that is held in a step of training."""
        return self.training.peak(self.batch)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, in bytes."""
        found = {
            "batch": self.batch,
            "dtype": self.dtype,
            "optimizer": self.optimizer,
            "inference": self.peak.to_dict(),
            "training": self.training_peak.to_dict(),
            "moved": self.traffic,
            "intensity": round(self.intensity, 3),
        }
        if self.limit is not None:
            courses = {"inference": self.inference, "training": self.training}
            batches = {name: c.largest_batch(self.limit) for name, c in courses.items()}
            found["largest_batch"] = {"bytes": self.limit, **batches}
        if self.estimate is not None:
            found["time"] = self.estimate.to_dict()
        return found


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
    rows: tuple[Row, ...]
    """The layers under the scopes that they are in, repetitions folded."""
    usage: Usage
    """What memory and bandwidth it takes."""

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
            "usage": self.usage.to_dict(),
            "misaligned": [
                {"path": m.path, "branches": [_field(b) for b in m.branches]}
                for m in self.misaligned
            ],
            "rows": [_row(row) for row in self.rows],
            "layers": [layer.to_dict() for layer in self.layers],
        }

    def to_json(self) -> str:
        """The table as JSON, a line for each row and layer."""
        parts = self.to_dict()
        lists = {key: parts.pop(key) for key in ("rows", "layers")}
        lines = [f' "{key}": {json.dumps(value)}' for key, value in parts.items()]
        for key, items in lists.items():
            inner = ",\n".join(f"  {json.dumps(item)}" for item in items)
            lines.append(f' "{key}": [\n{inner}\n ]')
        return "{\n" + ",\n".join(lines) + "\n}\n"

    def to_csv(self) -> str:
        """The rows as CSV with a header; sizes as the language writes them, no totals."""
        text = io.StringIO()
        work = list(asdict(Cost()))
        columns = ["path", "layer", "shape", "params", "buffers", *work, "moved", "weights_read"]
        columns += ["field", "stride", "padding", "center", "whole", "misaligned"]
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*columns, "shares", "training"])
        for row in self.layers:
            field = row.field
            geometry = (field.size, field.stride, field.padding, field.center)
            writer.writerow(
                [row.path, row.layer, show(row.shape), row.params, row.buffers]
                + [*asdict(row.cost).values(), row.totals.moved, row.totals.read]
                + ["x".join(f"{float(n):g}" for n in axis) for axis in geometry]
                + [str(field.whole).lower(), str(field.misaligned).lower()]
                + [row.shares or "", str(row.training).lower()]
            )
        return text.getvalue()

    def __str__(self) -> str:
        """The table as plain text, at most 100 columns wide where the names allow it.

        The bars are of block characters where stdout has them, so that it can be printed.
        """
        from archdsl.analyses.sparkline import shows_blocks
        from archdsl.analyses.table import plain

        return plain(self, blocks=shows_blocks(sys.stdout))


def summarize(graph: Graph, plan: Plan | None = None) -> Summary:
    """The table of a network.

    Raises:
        SpecError: a path of the plan is none of the network's.
        ValueError: the plan's type is none.
    """
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
    totals = cost.of_graph(graph)
    return Summary(
        name=graph.name,
        inputs={i.name: i.shape for i in graph.inputs},
        outputs={o.name: o.shape for o in graph.given},
        layers=tuple(rows),
        totals=totals,
        misaligned=tuple(receptive_field.misalignments(graph)),
        rows=tuple(outline(graph)),
        usage=_usage(graph, totals, plan or Plan()),
    )


def _usage(graph: Graph, totals: Totals, plan: Plan) -> Usage:
    optimizer = plan.optimizer or memory.optimizer_of(graph)
    width = memory.width_of(plan.dtype)
    return Usage(
        plan.batch,
        plan.dtype,
        memory.inference(graph, plan.dtype),
        memory.training(graph, plan.dtype, optimizer, plan.checkpoint),
        optimizer.name,
        totals.traffic(plan.batch, width),
        totals.intensity(plan.batch, width),
        plan.limit,
        plan.device and roofline.estimate(graph, plan.device, plan.batch, plan.dtype),
    )


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "text": row.text,
        "depth": row.depth,
        "copies": row.copies,
        **_totals(row.totals),
        "layers": list(row.paths),
    }


def _totals(totals: Totals) -> dict[str, Any]:
    other = asdict(totals.cost)
    macs = other.pop("macs")
    return {
        "params": totals.params,
        "buffers": totals.buffers,
        "macs": macs,
        "flops": totals.flops,
        "other": other,
        "moved": {"activations": totals.moved, "weights": totals.read},
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
