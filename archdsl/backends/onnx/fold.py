"""What is not needed at inference, taken out: layers that do nothing, and scales after sums.

A layer that multiplies each channel by a number and adds another, as batch normalisation does at
inference, goes into the weights of the layer before it if nothing else reads that (Jacob et al.
2018, "Quantization and Training of Neural Networks", section 3.2). The sums are then rounded
otherwise, in the last digits. Which layers these are they say themselves: `scale_shift`, `absorb`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archdsl.ir import Graph, Node, OpError
from archdsl.ir.shapes import channels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Folded:
    """A network that computes the same at inference, with fewer layers."""

    graph: Graph
    weights: Arrays
    """By the keys of its `state()`; those that are new are worked out when they are asked for."""
    stands: Mapping[str, str]
    """Of layers that took others in, the last of these, whose output theirs is."""


def fold(graph: Graph, weights: Arrays) -> Folded:
    """Leave out what does nothing at inference, and take scales by channel into the sums before.

    Args:
        graph: the network; its auxiliary heads stay as they are.
        weights: an array for each key of `graph.state()`.
    """
    silent, stands = _without_silent(graph)
    return _without_scales(silent, weights, stands)


# Layers that do nothing


def _without_silent(graph: Graph) -> tuple[Graph, dict[str, str]]:
    nodes: list[Node] = []
    instead: dict[str, str] = {}
    stands: dict[str, str] = {}
    for node in graph.nodes:
        node = _reading(node, instead)
        if not node.training and _is_silent(node):
            instead[node.path] = node.inputs[0]
            stands[node.inputs[0]] = node.path
        else:
            nodes.append(node)
    return _rewritten(graph, nodes, instead), stands


def _is_silent(node: Node) -> bool:
    try:
        return not node.onnx.nodes
    except OpError:  # told when it is written
        return False


# Scales after sums


@dataclass
class _Taken:
    """What a layer takes in: its output times `gain` plus `shift`, by channel."""

    node: Node
    """The layer as it was."""
    gain: NDArray[np.float64]
    shift: NDArray[np.float64]
    _known: dict[str, NDArray[np.generic]] = field(default_factory=dict[str, Any])

    def array(self, name: str, weights: Arrays) -> NDArray[np.generic]:
        """One of its weights; all of them are worked out together, and each is handed out once."""
        if name not in self._known:
            node = self.node
            own = {each: weights[node.key(each)] for each in node.weights}
            # Products with 64 bits have 64 bits: kernels need no copy of so many before.
            self._known = node.op.absorb(own, self.gain, self.shift, node.input_shapes, node.shape)
        return self._known.pop(name).astype("float32")


class _Weights(Mapping[str, "NDArray[np.generic]"]):
    """The weights of the folded network."""

    def __init__(self, graph: Graph, weights: Arrays, taken: Mapping[str, _Taken]) -> None:
        self._keys = tuple(graph.state())
        self._weights = weights
        self._new = {
            node.key(name): (taken[node.path], name)
            for node in graph.nodes
            if node.path in taken
            for name in node.weights
        }

    def __getitem__(self, key: str) -> NDArray[np.generic]:
        if key not in self._new:
            return self._weights[key]
        taken, name = self._new[key]
        return taken.array(name, self._weights)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def _without_scales(graph: Graph, weights: Arrays, stands: dict[str, str]) -> Folded:
    nodes: dict[str, Node] = {}
    instead: dict[str, str] = {}
    taken: dict[str, _Taken] = {}
    owners = Counter(n.owner for n in graph.nodes if n.weights)
    reads = Counter(source for n in graph.at_inference for source in n.inputs)
    reads.update(o.node for o in graph.given)
    for node in graph.nodes:
        node = _reading(node, instead)
        before = nodes.get(node.inputs[0])
        larger = None
        if before is not None and not node.training and not before.training:
            alone = reads[before.path] == 1 and owners[before.owner] == 1
            larger = before.op.with_bias() if alone else None
        gain = None if larger is None else _scale(node, weights)
        if before is None or larger is None or gain is None:
            nodes[node.path] = node
            continue
        earlier = taken.get(before.path)
        if earlier is None:
            taken[before.path] = _Taken(before, *gain)
        else:
            earlier.gain = earlier.gain * gain[0]
            earlier.shift = earlier.shift * gain[0] + gain[1]
        nodes[before.path] = _changed(before, op=larger)
        instead[node.path] = before.path
        reads[before.path] = reads[node.path]
        stands[before.path] = stands.get(node.path, node.path)
    found = _rewritten(graph, list(nodes.values()), instead)
    return Folded(found, _Weights(found, weights, taken), stands)


def _scale(node: Node, weights: Arrays) -> tuple[Any, Any] | None:
    """The factor and the offset of each channel, if that is all that a layer does."""
    import numpy as np

    if not node.op.scales_channels:
        return None
    own = {name: np.asarray(weights[node.key(name)], np.float64) for name in node.weights}
    found = node.op.scale_shift(own)
    gain, shift = (np.broadcast_to(v, (channels(node.shape),)) for v in found)
    return gain, shift


# Records


def _reading(node: Node, instead: Mapping[str, str]) -> Node:
    """A node that reads what is there in place of what is gone."""
    inputs = tuple(instead.get(source, source) for source in node.inputs)
    return node if inputs == node.inputs else _changed(node, inputs=inputs)


def _rewritten(graph: Graph, nodes: list[Node], instead: Mapping[str, str]) -> Graph:
    outputs = tuple(
        o.model_copy(update={"node": instead.get(o.node, o.node)}) for o in graph.outputs
    )
    fields = {name: getattr(graph, name) for name in Graph.model_fields}
    return Graph.model_construct(**fields | {"nodes": tuple(nodes), "outputs": outputs})


def _changed(node: Node, **changes: Any) -> Node:
    """A node with other fields; a plain copy would keep what was worked out of the old ones."""
    fields = {name: getattr(node, name) for name in Node.model_fields}
    return Node.model_construct(**fields | changes)
