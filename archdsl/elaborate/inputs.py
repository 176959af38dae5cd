"""Shapes of a network's inputs that are set from outside, in place of the spec's."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.errors import Diagnostic, SpecError, suggestion
from archdsl.ir.fields import MAX_SIDE
from archdsl.ir.shapes import Shape, show


class Inputs:
    """Shapes by the inputs' names; under the empty name, that of a network's only input."""

    def __init__(self, shapes: Mapping[str, Shape] | None = None) -> None:
        self.left = dict(shapes or {})
        self.known: list[str] = []
        self.changed = False
        for shape in self.left.values():
            if not (1 <= len(shape) <= 3 and all(0 < n < MAX_SIDE for n in shape)):
                label = f"{show(shape)} is no shape: a map CxHxW, tokens NxD or a vector D"
                raise SpecError(Diagnostic("A403", None, label))

    def take(self, name: str, shape: Shape) -> Shape:
        """The shape of an input, which the spec says is `shape`."""
        self.known.append(name)
        given = self.left.pop("", shape) if len(self.known) == 1 else shape
        given = self.left.pop(name, given)
        self.changed |= given != shape
        return given

    def check(self, given: Mapping[str, Shape] | None) -> Diagnostic | None:
        """What is wrong with what was given, now that the inputs are known."""
        if given and "" in given and len(self.known) > 1:
            help = f"such as {self.known[0]}={show(given[''])}; it has {', '.join(self.known)}"
            label = f"the network has {len(self.known)} inputs; say which"
            return Diagnostic("A302", None, label, "which input?", help=help)
        for name in self.left:
            help = suggestion(name, self.known) or f"it has {', '.join(self.known) or 'none'}"
            label = f"the network has no input `{name}`"
            return Diagnostic("A302", None, label, "no such input", help=help)
        return None
