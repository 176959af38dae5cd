"""What a rule sees: a network with its neighbours and fields, a file with its statements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import Any

from archdsl.analyses import receptive_field, signal
from archdsl.analyses.depth import fewest
from archdsl.errors import Note
from archdsl.files import source_called
from archdsl.ir.graph import Graph, Node, Place
from archdsl.ir.records import Weight
from archdsl.ir.signal import Signal
from archdsl.lint import paths
from archdsl.lint.names import head
from archdsl.lint.rule import Edit
from archdsl.source import Source, Span
from archdsl.syntax import ast


@dataclass(eq=False)
class FileView:
    """A spec: its syntax tree, its networks, and the way from a place in the IR to the text."""

    tree: ast.Spec
    graphs: tuple[Graph, ...]
    sources: dict[str, Source | None] = field(default_factory=dict[str, "Source | None"])
    """The spec and what it imports, by name; None for a file that is not there any more."""

    @property
    def source(self) -> Source:
        return self.tree.source

    def source_of(self, name: str) -> Source | None:
        """The text of the spec itself, or of a file that it imports."""
        if name not in self.sources:
            self.sources[name] = source_called(name, self.source)
        return self.sources[name]

    def span(self, place: Place) -> Span | None:
        """The text at a place, if its file is there."""
        source = self.source_of(place.file)
        return source and source.span(place.start, place.end)

    @cached_property
    def _steps(self) -> dict[tuple[int, int], ast.Step]:
        """The statement of every call, by the ends of the call."""
        steps = (node for node in walk(self.tree.flow) if isinstance(node, ast.Step))
        return {(s.item.span.start, s.item.span.end): s for s in steps}

    def step(self, node: Node) -> ast.Step | None:
        """The statement that a layer is written by, if it is in the spec itself."""
        span = self.span(node.place)
        if span is None or span.source is not self.source:
            return None
        return self._steps.get((span.start, span.end))

    def network_span(self, name: str) -> Span:
        """Where a network begins: `network NAME`, or the first input of a file's own."""
        return self._networks.get(name) or Span(self.source, 0, min(1, len(self.source.text)))

    @cached_property
    def _networks(self) -> dict[str, Span]:
        inputs = {graph.name: self.span(graph.inputs[0].place) for graph in self.graphs}
        found = {name: span for name, span in inputs.items() if span is not None}
        named = (s for s in self.tree.flow.statements if isinstance(s, ast.Network))
        return found | {network.name: head(network) for network in named}


def walk(tree: object) -> Iterator[Any]:
    """Every node of a syntax tree, parents before children, in the order of the text."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, tuple):
            left.extend(reversed(node))  # pyright: ignore[reportUnknownArgumentType]
        elif is_dataclass(node) and not isinstance(node, Span | Source | type):
            yield node
            left.extend(getattr(node, f.name) for f in reversed(fields(node)))


_HEADS = {"output", "aux"}


@dataclass(eq=False)
class NetworkView:
    """A network: its layers, who reads whom, and the fields that they see."""

    graph: Graph
    file: FileView

    @property
    def nodes(self) -> tuple[Node, ...]:
        return self.graph.nodes

    @cached_property
    def _readers(self) -> dict[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.graph.nodes:
            for path in dict.fromkeys(node.inputs):
                found.setdefault(path, []).append(node)
        return found

    @cached_property
    def outputs(self) -> frozenset[str]:
        """The paths of the layers whose tensors the network gives."""
        return frozenset(output.node for output in self.graph.outputs)

    def readers(self, path: str) -> tuple[Node, ...]:
        """The layers that read a tensor, in order."""
        return tuple(self._readers.get(path, ()))

    def sources(self, node: Node) -> tuple[Node | None, ...]:
        """The layers that a layer reads, None for an input of the network."""
        return tuple(self.graph.by_path.get(path) for path in node.inputs)

    def before(self, node: Node) -> Node | None:
        """The layer that this one reads, if it reads one tensor and that is no input."""
        return self.graph.by_path.get(node.inputs[0]) if len(node.inputs) == 1 else None

    def after(self, node: Node) -> Node | None:
        """The layer that reads this one, if exactly one does and the network does not give it."""
        readers = self._readers.get(node.path, ())
        return readers[0] if len(readers) == 1 and node.path not in self.outputs else None

    def kernel(self, node: Node) -> Weight | None:
        """The matrix of a layer that is one learned weighted sum, such as a convolution."""
        if not node.op.is_affine:
            return None
        kernels = [w for w in node.weights.values() if w.role == "kernel"]
        return kernels[0] if len(kernels) == 1 else None

    @cached_property
    def fields(self) -> Mapping[str, receptive_field.Field]:
        """The receptive field of every layer and input, by path."""
        return receptive_field.fields(self.graph)

    @cached_property
    def signals(self) -> Mapping[str, Signal]:
        """The mean and the variance of every layer and input as training starts, by path.

        What comes in has mean 0 and variance 1. Averages over positions keep the variance, as they
        do of neighbours that are alike: no rule speaks of a signal that might be there.
        """
        return signal.signals(self.graph, alike=True)

    @cached_property
    def depths(self) -> Mapping[str, int]:
        """The fewest weighted layers on a way from an input to each tensor, by path."""
        return fewest(self.graph)

    @cached_property
    def shortest(self) -> tuple[Node, ...]:
        """The way from an input to the main output through the fewest weighted layers."""
        return paths.shortest(self.graph, self.depths)

    @cached_property
    def forks(self) -> paths.Forks:
        """Where branches part."""
        return paths.Forks(self.graph)

    # The text

    @cached_property
    def _scopes(self) -> dict[str, tuple[str | None, Note | None]]:
        """The parent of every scope, and the call that it is, if it is one."""
        found: dict[str, tuple[str | None, Note | None]] = {}
        for scope in self.graph.scopes:
            span = self.file.span(scope.place) if scope.kind == "block" else None
            if span is not None and span.text.split(maxsplit=1)[0] not in _HEADS:
                note = Note(span, f"block {scope.definition}, called at")
            else:
                note = None  # a group, or the braces of an output
            found[scope.path] = (scope.parent, note)
        return found

    def calls(self, node: Node) -> tuple[Note, ...]:
        """The calls that lead to a layer, innermost first."""
        found: list[Note] = []
        path: str | None = node.scope
        while path is not None:
            path, note = self._scopes[path]
            found += [note] if note else []
        return tuple(found)

    # Edits

    def argument(self, node: Node, key: str, value: str) -> Edit | None:
        """Give a layer's statement an argument, in place of the one it has."""
        step = self.file.step(node)
        if step is None or not isinstance(step.item, ast.Call):
            return None
        call = step.item
        for argument in call.arguments:
            if argument.key == key:
                return Edit(argument.span.start, argument.span.end, f"{key}={value}")
        end = call.arguments[-1].span.end if call.arguments else call.name_span.end
        return Edit(end, end, f" {key}={value}")

    def removal(self, node: Node) -> Edit | None:
        """Take a layer's statement out, with the separator that it then does not need."""
        step = self.file.step(node)
        return None if step is None or step.label or step.repeat else removal(step.span)


def removal(span: Span) -> Edit:
    """Take a statement out: its line if it is alone there, else it and one separator."""
    text = span.source.text
    line = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    end = len(text) if end < 0 else end
    before, after = text[line : span.start], text[span.end : end]
    if not before.strip() and not after.strip(" \t\r;"):
        return Edit(line, min(end + 1, len(text)), "")
    if after.lstrip().startswith(";"):
        rest = after.lstrip()[1:]
        return Edit(span.start, end - len(rest.lstrip(" \t")), "")
    if before.rstrip().endswith(";"):
        return Edit(line + len(before.rstrip()) - 1, span.end, "")
    return Edit(span.start, span.end, "")
