"""L001."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.lint.ignores import Ignores
from archdsl.lint.rule import Hit, IgnoreRule


class IgnoreWithoutReason(IgnoreRule):
    """A finding is ignored, and nobody says why.

    The next reader cannot tell a decision from an accident. The reason stands behind the codes.

    Bad:

        input 3x32x32
        conv 3x3 64; bn; relu  # lint: ignore=L201
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 64; bn; relu  # lint: ignore=L201 the weights that are loaded have it
        gap; fc 10
    """

    code: ClassVar[str] = "L001"
    level: ClassVar[Level] = "warning"

    def check(self, ignores: Ignores) -> Iterator[Hit]:
        """The comments that end behind their codes."""
        for ignore in ignores.found:
            if not ignore.reason:
                help = f"`# lint: ignore={','.join(ignore.codes)} the reason`"
                yield Hit(ignore.span, "no reason is given", help)
