"""How long a network takes on a device at best: the roofline (Williams, Waterman & Patterson 2009).

Each layer takes the longer of two times, its operations at the device's peak rate and its bytes at
the device's bandwidth, and one launch. So it is taken for granted that every kernel reaches a peak,
that a layer is one kernel, that none are fused, and that nothing stays in a cache. Only the last
two make a real run faster than is said here; the others make it slower.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archdsl.analyses import cost
from archdsl.analyses.memory import WIDTHS, width_of
from archdsl.ir.graph import Graph, Node


@dataclass(frozen=True, slots=True)
class Device:
    """What a device can do at most."""

    name: str
    memory: int
    """Bytes."""
    bandwidth: float
    """Bytes a second between the memory and the arithmetic."""
    launch: float
    """Seconds that starting a kernel takes."""
    matrix: Mapping[str, float]
    """Operations a second of convolutions and matrix products, by type; two to a MAC."""
    vector: Mapping[str, float]
    """Operations a second of all other work, by type."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The least time that a batch takes on a device, in seconds."""

    device: Device
    layers: Mapping[str, float]
    """By path; a view takes none."""
    arithmetic: float
    """The time of the layers whose operations take longer than their bytes."""
    bandwidth: float
    """The time of the others."""
    launches: float

    @property
    def total(self) -> float:
        return self.arithmetic + self.bandwidth + self.launches

    def to_dict(self) -> dict[str, Any]:
        """The totals as plain data."""
        parts = {k: getattr(self, k) for k in ("total", "arithmetic", "bandwidth", "launches")}
        return {"device": self.device.name, **parts}


def estimate(graph: Graph, device: Device, batch: int = 1, dtype: str = "float32") -> Estimate:
    """The least time that inference takes.

    Raises:
        ValueError: no type has this name, or the device has no rate for it.
    """
    width = width_of(dtype)
    if dtype not in device.matrix or dtype not in device.vector:
        known = ", ".join(t for t in WIDTHS if t in device.matrix and t in device.vector)
        raise ValueError(f"{device.name} has no rate for {dtype}; it has {known or 'none'}")
    layers: dict[str, float] = {}
    arithmetic = bandwidth = 0.0
    for node in graph.at_inference:
        operations, moved = _times(node, device, batch, dtype, width)
        if not moved:
            continue
        if operations > moved:
            arithmetic += operations
        else:
            bandwidth += moved
        layers[node.path] = max(operations, moved) + device.launch
    return Estimate(device, layers, arithmetic, bandwidth, len(layers) * device.launch)


def _times(node: Node, device: Device, batch: int, dtype: str, width: int) -> tuple[float, float]:
    """Seconds for a layer's operations and for its bytes."""
    totals = cost.of_node(node)
    operations = totals.flops / device.matrix[dtype] + totals.cost.other / device.vector[dtype]
    return batch * operations, totals.traffic(batch, width) / device.bandwidth
