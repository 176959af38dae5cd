"""What the walk carries along: the flow's tensor, and the surroundings of a statement."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.elaborate.build import Tensor
from archdsl.elaborate.names import Namespace
from archdsl.elaborate.values import Scope
from archdsl.errors import Note
from archdsl.ir.graph import Repetition
from archdsl.syntax import ast


@dataclass(eq=False)
class Flow:
    """Where a pipeline stands: its tensor, and the tensor before the last statement."""

    tensor: Tensor | None = None
    before: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a label names: a tensor, and the module that made it, to be applied again by `reuse`."""

    tensor: Tensor | None
    path: str
    step: ast.Step | None
    frame: Frame


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds a statement: the names in scope, the paths given out, the way here."""

    scope: Scope
    space: Namespace
    labels: dict[str, Labelled | None]
    """What is labelled in this network or block; None where two have the same label."""
    calls: tuple[Note, ...] = ()
    repetitions: tuple[Repetition, ...] = ()
    depth: int = 0
    is_network: bool = False
    """Whether `input` belongs here."""

    def within(self) -> Frame:
        """The surroundings of what stands in braces here: a scope of its own."""
        return Frame(
            Scope(self.scope),
            self.space,
            self.labels,
            self.calls,
            self.repetitions,
            self.depth + 1,
            self.is_network,
        )
