"""L602."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.lint.names import Binding, bindings
from archdsl.lint.rule import FileRule, Fix, Hit
from archdsl.lint.view import FileView, removal
from archdsl.syntax import ast


class UnusedName(FileRule):
    """A parameter, a `let` or an index that nothing uses.

    Whoever sets it, with `-p` or in a call, expects something to change. A label is another thing:
    it names a module, and with it the weights in every file, so one that no reference reads is
    fine. In a file without networks, which others import, the names of its outermost level are for
    those others.

    A `let` is mended by taking it out; a parameter is not, since calls may give it.

    Bad:

        param classes = 10
        param width = 64
        input 3x32x32
        conv 3x3 64; relu; gap; fc classes

    Good:

        param classes = 10
        param width = 64
        input 3x32x32
        conv 3x3 width; relu; gap; fc classes
    """

    code: ClassVar[str] = "L602"
    level: ClassVar[Level] = "warning"

    def check(self, file: FileView) -> Iterator[Hit]:
        """The names that do not occur where they hold."""
        for found in bindings(file.tree):
            library = found.outermost and not file.graphs
            if not found.used and not library and not isinstance(found.node, ast.Block):
                yield Hit(
                    found.span, f"nothing uses `{found.name}`", "take it out", fix=_fix(found)
                )


def _fix(found: Binding) -> Fix | None:
    if not isinstance(found.node, ast.Let):
        return None
    return Fix("take it out", (removal(found.node.span),))
