"""Networks side by side: what each weighs, computes, holds and sees, and where two of them differ.

All figures are those of the other analyses: parameters and MACs as in `archdsl summary`, memory as
in `archdsl.analyses.memory`, the field at the last layer that does not see the whole input.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from archdsl.analyses import memory
from archdsl.analyses.depth import depth
from archdsl.analyses.difference import Difference, difference
from archdsl.analyses.receptive_field import Field
from archdsl.analyses.summary import summarize
from archdsl.ir.graph import Graph


@dataclass(frozen=True, slots=True)
class Figures:
    """What one network comes to."""

    name: str
    params: int
    buffers: int
    macs: int
    """Of one example."""
    inference: int
    """Bytes at the peak of a forward pass without gradients."""
    training: int
    """Bytes at the peak of a step of training, with the spec's own optimizer or AdamW."""
    field: Field | None
    """What one position of the last local layer reads of the input, if any layer is local."""
    field_at: str | None
    """The path of that layer."""
    depth: int
    """See `archdsl.analyses.depth`."""

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain data."""
        field = self.field and {
            "at": self.field_at,
            "size": list(self.field.size),
            "stride": [float(s) if s != int(s) else int(s) for s in self.field.stride],
            "padding": list(self.field.padding),
        }
        return {
            "network": self.name,
            "params": self.params,
            "buffers": self.buffers,
            "macs": self.macs,
            "memory": {"inference": self.inference, "training": self.training},
            "field": field,
            "depth": self.depth,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Networks side by side; of two, also their layers."""

    networks: tuple[Figures, ...]
    batch: int
    """How many examples the figures of memory are for."""
    difference: Difference | None
    """Where two networks differ in structure; None of more than two."""

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain data."""
        return {
            "batch": self.batch,
            "networks": [figures.to_dict() for figures in self.networks],
            "difference": self.difference and self.difference.to_dict(),
        }

    def to_json(self) -> str:
        """The comparison as JSON."""
        return json.dumps(self.to_dict(), indent=1) + "\n"

    def to_markdown(self) -> str:
        """The comparison as a table of Markdown, and the differences as text below it."""
        from archdsl.analyses.side_by_side import markdown

        return markdown(self)

    def __str__(self) -> str:
        """The comparison as plain text."""
        from archdsl.analyses.side_by_side import plain

        return plain(self)


def compare(
    *graphs: Graph, names: Sequence[str] | None = None, batch: int = 1, aligned: bool = True
) -> Comparison:
    """Put networks side by side.

    Args:
        graphs: the networks, at least one.
        names: what they are called, if not as they call themselves.
        batch: how many examples the figures of memory are for.
        aligned: whether two networks are aligned layer by layer.

    Raises:
        ValueError: there is no network, or no example.
    """
    if not graphs:
        raise ValueError("there is no network to compare")
    if batch < 1:
        raise ValueError(f"a batch has at least one example, not {batch}")
    called = _names(graphs) if names is None else tuple(names)
    found = tuple(_figures(g, n, batch) for g, n in zip(graphs, called, strict=True))
    pair = aligned and len(graphs) == 2
    apart = difference(*graphs, names=(called[0], called[1])) if pair else None
    return Comparison(found, batch, apart)


def _figures(graph: Graph, name: str, batch: int) -> Figures:
    summary = summarize(graph)
    local = summary.last_local
    return Figures(
        name=name,
        params=summary.params,
        buffers=summary.buffers,
        macs=summary.macs,
        inference=memory.inference(graph).peak(batch).total,
        training=memory.training(graph).peak(batch).total,
        field=local and local.field,
        field_at=local and local.path,
        depth=depth(graph),
    )


def _names(graphs: Sequence[Graph]) -> tuple[str, ...]:
    """The networks' own names; those that several have, with their files or numbers."""
    own = Counter(g.name for g in graphs)
    full = [g.name if own[g.name] == 1 else f"{g.origin.file}:{g.name}" for g in graphs]
    often = Counter(full)
    seen: Counter[str] = Counter()
    found: list[str] = []
    for name in full:
        seen[name] += 1
        found.append(f"{name} ({seen[name]})" if often[name] > 1 else name)
    return tuple(found)
