"""The intermediate representation: the contract of a layer, and the graph of a network."""

from archdsl.ir.graph import Graph, Input, Node, Origin, Output, Place, Repetition, Scope
from archdsl.ir.op import Op, OpError, layers, registry

__all__ = [
    "Graph",
    "Input",
    "Node",
    "Op",
    "OpError",
    "Origin",
    "Output",
    "Place",
    "Repetition",
    "Scope",
    "layers",
    "registry",
]
