"""When each tensor of a run is in memory, step by step: at inference, and in a step of training.

A `Moment` is what is held while one layer runs, in bytes: some whatever the batch, and some for
each example of it. Weights and the optimizer's state are the caller's to add.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from archdsl.ir.graph import Graph, Node
from archdsl.ir.shapes import elements

Phase = Literal["inference", "forward", "backward", "step"]


@dataclass(frozen=True, slots=True)
class Moment:
    """What is held while a layer runs: activations and gradients of weights.

    `each` are bytes of activations for each example, `fixed` bytes of them whatever the batch;
    `gradients` are those of the weights so far.
    """

    path: str
    phase: Phase
    each: int
    fixed: int = 0
    gradients: int = 0


def at_inference(graph: Graph, width: int) -> Iterator[Moment]:
    """Every layer in order: its inputs, its output, and what later layers read.

    Args:
        graph: the network.
        width: bytes of one value.
    """
    nodes = graph.at_inference
    tensors = _Tensors(graph, nodes, training=False)
    live = width * sum(elements(i.shape) for i in graph.inputs)  # the caller has them
    for i, node in enumerate(nodes):
        live += width * tensors.made(node)
        yield Moment(node.path, "inference", live + width * node.memory.scratch)
        live -= width * sum(tensors.size[t] for t in tensors.ending[i])


def output_values(graph: Graph) -> dict[str, int]:
    """The values of the memory that each layer's output takes at inference, by path; 0 of views."""
    tensors = _Tensors(graph, graph.nodes, training=False)
    return {node.path: tensors.made(node) for node in graph.nodes}


class _Tensors:
    """Which layers' outputs share memory: a view, or what was overwritten, is its input's own."""

    def __init__(self, graph: Graph, nodes: Sequence[Node], training: bool) -> None:
        self.in_place = graph.in_place
        self.inputs = frozenset(i.name for i in graph.inputs)
        self.root = {name: name for name in self.inputs}
        self.size = {i.name: elements(i.shape) for i in graph.inputs}
        last: dict[str, int] = {}
        for i, node in enumerate(nodes):
            view = node.memory.view
            shared = view == "always" or (view == "inference" and not training)
            if shared or node.path in self.in_place:
                self.root[node.path] = self.root[node.inputs[0]]
            else:
                self.root[node.path] = node.path
                self.size[node.path] = elements(node.shape)
            for path in (*node.inputs, node.path):
                last[self.root[path]] = i
        for output in graph.outputs:
            if output.node in self.root:
                last[self.root[output.node]] = len(nodes)  # the caller's
        self.ending: dict[int, list[str]] = defaultdict(list)
        for tensor, i in last.items():
            if tensor not in self.inputs:
                self.ending[i].append(tensor)

    def made(self, node: Node) -> int:
        """The values of the memory that a layer's output takes."""
        return self.size[node.path] if self.root[node.path] == node.path else 0

    def kept(self, node: Node) -> list[str]:
        """The tensors that the layer's backward pass needs; the network's inputs stay anyway."""
        memory = node.memory
        inputs = () if node.path in self.in_place else memory.inputs
        paths = [node.inputs[i] for i in inputs] + [node.path] * memory.output
        roots = dict.fromkeys(self.root[path] for path in paths)
        return [root for root in roots if root not in self.inputs]

    def own(self, node: Node) -> int:
        """The values that a layer makes and keeps: with what it needs and overwrites, a copy."""
        copies = node.path in self.in_place and node.memory.inputs
        return node.memory.values + (elements(node.shape) if copies else 0)


@dataclass(eq=False, slots=True)
class _Gradient:
    """The memory of a tensor's gradient; several tensors may have one and the same."""

    bytes: int
    owners: int = 1


class TrainingStep:
    """One step of training, forward and backward; `moments` goes through it.

    The layers of a scope in `checkpoint` keep nothing but what comes in, and run once more before
    their backward pass (Chen et al. 2016). The loss keeps one more tensor like each output.
    """

    def __init__(
        self,
        graph: Graph,
        width: int,
        checkpoint: Mapping[str, str],
        still: Collection[str] = (),
    ) -> None:
        """Of a graph, `width` bytes a value.

        `checkpoint` has the part that a layer is in; the weights of layers in `still` are frozen.
        """
        self.still = still
        self.graph = graph
        self.width = width
        self.part = checkpoint
        self.parts: dict[str, list[Node]] = defaultdict(list)
        for node in graph.nodes:
            if node.path in checkpoint:
                self.parts[checkpoint[node.path]].append(node)
        self.tensors = _Tensors(graph, graph.nodes, training=True)
        self.trained = self._trained()
        self.keepers: dict[str, int] = defaultdict(int)
        self.held: set[str] = set()
        self.each = width * sum(elements(i.shape) for i in graph.inputs)
        self.fixed = 0
        self.gradients = 0
        self.gradient_of: dict[str, _Gradient] = {}
        self.owners: set[str] = set()
        """The layers whose weights have their gradients already."""

    def moments(self) -> Iterator[Moment]:
        """Every layer forward, then every trained one backward."""
        yield from self._forward()
        yield from self._backward()

    def _trained(self) -> frozenset[str]:
        """The tensors that a gradient flows to: there are trained weights on the way."""
        found: set[str] = set()
        for node in self.graph.nodes:
            learns = node.path not in self.still
            weights = learns and any(w.trainable for w in node.weights.values())
            if weights or any(path in found for path in node.inputs):
                found.add(node.path)
        return frozenset(found)

    def _moment(self, node: Node, phase: Phase, scratch: int = 0) -> Moment:
        each = self.each + self.width * scratch
        return Moment(node.path, phase, each, self.fixed, self.gradients)

    # Forward

    def _forward(self) -> Iterator[Moment]:
        for i, node in enumerate(self.graph.nodes):
            if self.tensors.made(node):
                self._hold(node.path)
            if node.path in self.trained:
                for tensor in self._needed(node):
                    self.keepers[tensor] += 1
            if node.path in self.trained and node.path not in self.part:
                self._keep_own(node)
                yield self._moment(node, "forward")
            else:
                yield self._moment(node, "forward", node.memory.scratch)
            for tensor in self.tensors.ending[i]:
                self._release(tensor)

    def _needed(self, node: Node) -> list[str]:
        """What is kept for a layer; in a part that runs again, what comes in from outside."""
        part = self.part.get(node.path)
        if part is None:
            return self.tensors.kept(node)
        outside = (path for path in node.inputs if self.part.get(path) != part)
        roots = dict.fromkeys(self.tensors.root[path] for path in outside)
        return [root for root in roots if root not in self.tensors.inputs]

    def _keep_own(self, node: Node, sign: int = 1) -> None:
        self.each += sign * (self.width * self.tensors.own(node) + node.memory.bytes)
        self.fixed += sign * node.memory.fixed

    def _hold(self, tensor: str) -> None:
        self.held.add(tensor)
        self.each += self.width * self.tensors.size[tensor]

    def _release(self, tensor: str) -> None:
        """A tensor that nobody reads any more goes, unless a backward pass needs it."""
        if tensor in self.held and not self.keepers[tensor]:
            self.held.remove(tensor)
            self.each -= self.width * self.tensors.size[tensor]

    # Backward

    def _backward(self) -> Iterator[Moment]:
        again: dict[str, int] = {}
        for output in self.graph.outputs:
            if output.kind != "extra" and output.node in self.trained:
                size = 2 * self.width * elements(output.shape)  # the loss keeps one more
                self._arrive(output.node, self._make(size))
        for node in reversed(self.graph.nodes):
            part = self.part.get(node.path)
            if part is not None and part not in again:
                again[part] = self._run_again(part)
                yield self._moment(node, "backward")
            incoming = self.gradient_of.pop(node.path, None)
            if incoming is not None:
                yield from self._through(node, incoming)
            if node.path in self.trained:
                for tensor in self._needed(node):
                    self.keepers[tensor] -= 1
                    self._release(tensor)
                if part is None:
                    self._keep_own(node, -1)
            if part is not None and self.parts[part][0] is node:
                self.each -= again[part]

    def _through(self, node: Node, incoming: _Gradient) -> Iterator[Moment]:
        """One layer's backward pass: gradients of its weights, and of what it read."""
        if node.owner not in self.owners and node.path not in self.still:
            self.owners.add(node.owner)
            trained = (elements(w.shape) for w in node.weights.values() if w.trainable)
            self.gradients += self.width * sum(trained)
        made: list[tuple[str, _Gradient]] = []
        for path, shape in zip(node.inputs, node.input_shapes, strict=True):
            if path in self.trained:
                if node.memory.passes:
                    incoming.owners += 1
                    made.append((path, incoming))
                else:
                    made.append((path, self._make(self.width * elements(shape))))
        yield self._moment(node, "backward", node.memory.scratch)
        for path, gradient in made:
            self._arrive(path, gradient)
        self._drop(incoming)

    def _make(self, size: int) -> _Gradient:
        self.each += size
        return _Gradient(size)

    def _arrive(self, path: str, gradient: _Gradient) -> None:
        """A gradient comes to a tensor; one that is there already is added, in place if it can."""
        there = self.gradient_of.get(path)
        if there is not None:
            if there.owners == 1:
                gradient, there = there, gradient
            elif gradient.owners > 1:
                self._drop(gradient)
                gradient = self._make(gradient.bytes)
            self._drop(there)
        self.gradient_of[path] = gradient

    def _drop(self, gradient: _Gradient) -> None:
        gradient.owners -= 1
        if not gradient.owners:
            self.each -= gradient.bytes

    # Parts that run again

    def _run_again(self, part: str) -> int:
        """Hold all that a part's own layers keep; gives the bytes for each example."""
        kept: set[str] = set()
        before = self.each
        for node in self.parts[part]:
            if node.path in self.trained:
                kept.update(t for t in self.tensors.kept(node) if self.part.get(t) == part)
                self.each += self.width * self.tensors.own(node) + node.memory.bytes
        self.each += self.width * sum(self.tensors.size[t] for t in kept)
        return self.each - before
