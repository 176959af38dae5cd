"""What is told of a box beside its layer: costs, fields, paths."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, reduce
from operator import add
from typing import TYPE_CHECKING

from archdsl.analyses import cost
from archdsl.analyses.cost import NOTHING
from archdsl.backends.drawing.options import Mark, Options, Quantity
from archdsl.ir import Graph, Node
from archdsl.ir.shapes import elements
from archdsl.quantity import show_bytes, show_count

if TYPE_CHECKING:
    from archdsl.analyses.receptive_field import Field

_UNITS: dict[Quantity, str] = {"params": "parameters", "macs": "MACs", "memory": "of output"}


class Figures:
    """The figures of one network's layers, worked out when they are asked for."""

    def __init__(self, graph: Graph, options: Options) -> None:
        self._graph = graph
        self._options = options

    def marks(self, nodes: list[Node]) -> tuple[str, ...]:
        """What was asked for of the layers of a box; an empty text where there is nothing of it."""
        asked = self._options.label_with
        return tuple(self._mark(word, nodes) for word in asked if word != "path")

    def _mark(self, word: Mark, nodes: list[Node]) -> str:
        match word:
            case "field":
                from archdsl.analyses.receptive_field import reach

                return f"field {reach(self._fields[nodes[-1].path])}"
            case "path":
                raise ValueError("a path is a name, not a figure")
            case _:
                amount = self.amount(word, nodes)
                return shown(word, amount) if amount else ""

    @cached_property
    def _fields(self) -> dict[str, Field]:
        from archdsl.analyses.receptive_field import fields

        return fields(self._graph)

    def amount(self, quantity: Quantity, nodes: Iterable[Node]) -> int:
        """How much of something layers take together: numbers, multiply-adds, bytes."""
        if quantity == "memory":
            return sum(map(self._memory, nodes))
        totals = reduce(add, map(cost.of_node, nodes), NOTHING)
        return totals.params if quantity == "params" else totals.macs

    def _memory(self, node: Node) -> int:
        """Bytes of an output in 32 bits, for one example, if it takes memory of its own."""
        own = node.memory.view == "never" and node.path not in self._graph.in_place
        return 4 * elements(node.shape) if own else 0


def shown(quantity: Quantity, amount: int) -> str:
    """An amount with what it is of.

    >>> shown("params", 25_557_032), shown("memory", 4000)
    ('25.6M parameters', '4 kB of output')
    """
    text = show_bytes(amount) if quantity == "memory" else show_count(amount)
    return f"{text} {_UNITS[quantity]}"
