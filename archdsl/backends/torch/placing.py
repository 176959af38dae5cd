"""A network over several devices: which tensors move where, and where the weights live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archdsl.ir import Graph, Node

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Placement:
    """On which device every layer of a graph is computed.

    Layers that share weights are all on one device.
    """

    graph: Graph
    devices: Mapping[str, str]
    """As torch calls them, by the path of every layer."""
    home: str
    """Where the inputs are, and where the outputs are wanted."""

    def move(self, node: Node, tensor: str) -> str:
        """What is appended to an input of a layer: nothing where it is on the layer's device."""
        own = self.devices[node.path]
        if self.devices.get(tensor, self.home) == own and (node.path, tensor) not in self._shared:
            return ""
        return f".to({own!r})".replace("'", '"')

    def back(self, tensor: str) -> str:
        """What is appended to an output of the network."""
        here = self.devices.get(tensor, self.home)
        return "" if here == self.home else f'.to("{self.home}")'

    @cached_property
    def _shared(self) -> frozenset[tuple[str, str]]:
        """The edges into parts that are applied again: there the input may come from elsewhere."""
        tops = {s.shares for s in self.graph.scopes if s.shares is not None}
        if not tops:
            return frozenset()
        above = {s.path: s.parent for s in self.graph.scopes}
        inside: dict[str, tuple[str, ...]] = {}
        for path, parent in above.items():
            outer = inside.get(parent, ()) if parent is not None else ()
            inside[path] = (*outer, path) if path in tops else outer
        scope = {n.path: n.scope for n in self.graph.nodes}
        return frozenset(
            (node.path, tensor)
            for node in self.graph.nodes
            for tensor in node.inputs
            if inside[node.scope] and inside[node.scope] != inside[scope.get(tensor, "")]
        )

    def put(self, module: nn.Module) -> None:
        """Bring the weights of a network's module to their devices; its keys stay.

        Parameters are made anew, so this comes before an optimizer. One that several modules hold
        stays one.
        """
        from torch.nn import Parameter

        moved: dict[int, Any] = {}
        for path, part in module.named_modules():
            for name, value in part._parameters.items():
                if value is not None:
                    device = self._of(f"{path}.{name}".lstrip("."))
                    made = moved.get(id(value))
                    if made is None:
                        made = Parameter(value.detach().to(device), value.requires_grad)
                        moved[id(value)] = made
                    part._parameters[name] = made
            for name, value in part._buffers.items():
                if value is not None:
                    part._buffers[name] = value.to(self._of(f"{path}.{name}".lstrip(".")))

    def _of(self, key: str) -> str:
        """The device of a tensor by its key: that of the layer that it is at or below."""
        while key and key not in self.devices:
            key = key.rpartition(".")[0]
        return self.devices.get(key, self.home)
