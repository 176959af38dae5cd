"""What a rule is: a class whose docstring is its page, and what it hands back."""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archdsl.errors import Level
from archdsl.ir.graph import Node
from archdsl.ir.op import Op
from archdsl.source import Span

if TYPE_CHECKING:
    from archdsl.lint.ignores import Ignores
    from archdsl.lint.view import FileView, NetworkView

GROUPS = {
    "L0": "The linter itself",
    "L1": "Capacity",
    "L2": "Normalisation, bias, activation, dropout",
    "L3": "Geometry",
    "L4": "Depth, initialisation and signal",
    "L5": "Economy",
    "L6": "Dead code",
}
"""What the codes of a hundred are about."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters of the spec, from `start` to before `end`, and the text in their place."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A mend that is certain: edits, and what they make of the layers at the place.

    `becomes` gives the layer that each layer at the place is afterwards, None if it is gone and its
    readers read what it read. Without it nothing changes but the text. The claim is checked: the
    mended spec must compile to exactly that network, or it stays as it is.
    """

    title: str
    edits: tuple[Edit, ...]
    becomes: Callable[[Op], Op | None] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A finding of a rule: at a layer, at a place in the text, or of the network as a whole.

    `label` stands under the caret and has the numbers, `help` says what to do instead, `notes` are
    other layers with what to say of them.
    """

    at: Node | Span | None
    label: str
    help: str = ""
    notes: tuple[tuple[Node | Span, str], ...] = ()
    fix: Fix | None = None


class Rule(ABC):
    """What all rules have. The docstring: a title, why, then `Bad:` and `Good:` specs, indented.

    The first line of the docstring is the title that every finding starts with, as a phrase: what
    is found. The specs of the page are tested: the rule finds the bad one and not the good one.
    """

    code: ClassVar[str]
    """L and three digits; the first says the group."""
    level: ClassVar[Level]
    """`warning` for what is almost surely not meant, `info` for a hint to weigh."""

    @classmethod
    def name(cls) -> str:
        """The name of its file, as a word: `linear-after-linear`."""
        return cls.__module__.rpartition(".")[2].replace("_", "-")

    @classmethod
    def title(cls) -> str:
        """The docstring's first line, as it stands behind a code and a colon."""
        line = cls._page().partition("\n")[0].rstrip(".")
        return line[0].lower() + line[1:] if line[1:2].islower() or line[1:2] == " " else line

    @classmethod
    def why(cls) -> str:
        """The docstring without its title and its examples."""
        return re.split(r"\n(?:Bad|Good):\n", cls._page().partition("\n")[2])[0].strip()

    @classmethod
    def bad(cls) -> str:
        """The spec of its page in which it finds something."""
        return cls._example("Bad")

    @classmethod
    def good(cls) -> str:
        """The spec of its page in which it finds nothing."""
        return cls._example("Good")

    @classmethod
    def _page(cls) -> str:
        return inspect.cleandoc(cls.__doc__ or "")

    @classmethod
    def _example(cls, which: str) -> str:
        found = re.search(rf"^{which}:\n\n((?:    .*\n?|\n)+)", cls._page(), re.M)
        return inspect.cleandoc(found[1]).strip() + "\n" if found else ""


class NetworkRule(Rule):
    """A rule about a network, written out: it sees each layer wherever it came from."""

    @abstractmethod
    def check(self, net: NetworkView) -> Iterator[Hit]:
        """What it finds in one network; one pass over the layers."""


class FileRule(Rule):
    """A rule about the text of a spec: what is defined in it, and what is used."""

    @abstractmethod
    def check(self, file: FileView) -> Iterator[Hit]:
        """What it finds in one file; every place a span."""


class IgnoreRule(Rule):
    """A rule about the comments that ignore findings."""

    @abstractmethod
    def check(self, ignores: Ignores) -> Iterator[Hit]:
        """What it finds in one file's comments, after all other rules have run."""
