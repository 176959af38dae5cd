"""What a spec may ask for at most, so that one from a stranger cannot exhaust the machine."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.errors import Diagnostic, SpecError
from archdsl.source import Span


@dataclass(frozen=True, slots=True)
class Limits:
    """Each limit has an error of its own."""

    layers: int = 100_000
    """Layers of the network, written out (A501)."""
    steps: int = 300_000
    """Statements carried out, those that make no layer included (A501)."""
    depth: int = 40
    """Groups and block calls inside one another (A502)."""
    errors: int = 20
    """Errors told in one run."""


class Exhausted(SpecError):
    """A limit is passed, or enough errors are known: the walk ends here."""


@dataclass(eq=False)
class Meter:
    """What has been done for a spec: statements carried out, and values handled for them."""

    most: int
    spent: int = 0

    def step(self, span: Span, values: int = 0) -> None:
        """Count a statement; ten values weigh as much.

        Raises:
            Exhausted: that is more than a spec may ask for.
        """
        self.spent += 1
        self.handle(values, span)

    def handle(self, values: int, span: Span) -> None:
        """Count values: items of lists, parameters of blocks, defaults in force."""
        self.spent += values // 10
        if self.spent > self.most:
            label = f"more than {self.most:,} statements were carried out"
            raise Exhausted(Diagnostic("A501", span, label, help="repeat less"))


MAX_INTEGER = 2**63 - 1
MAX_ITEMS = 10_000  # of a list, with those of the lists in it
MAX_LEVELS = 50  # of lists in lists
MAX_STATED = 100  # statements of one kind in a `train`: learning rates, augmentations, losses
