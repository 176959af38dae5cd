"""L604."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.lint.names import bindings
from archdsl.lint.rule import FileRule, Hit
from archdsl.lint.view import FileView
from archdsl.syntax import ast


class ShadowedName(FileRule):
    """A name that hides one of the braces around it.

    Inside, the same word means something else than outside, and a reader who has seen the outer one
    reads it into the inner place. The parameters of a block are no finding: they are its interface,
    and `classes` is called so in the block as in the file that passes it on.

    Bad:

        let width = 16
        input 3x32x32
        conv 3x3 width; relu
        { let width = 32; conv 3x3 width; relu } x2
        gap; fc width

    Good:

        let width = 16
        input 3x32x32
        conv 3x3 width; relu
        { let wide = 32; conv 3x3 wide; relu } x2
        gap; fc width
    """

    code: ClassVar[str] = "L604"
    level: ClassVar[Level] = "warning"

    def check(self, file: FileView) -> Iterator[Hit]:
        """The inner names, with the outer one."""
        for found in bindings(file.tree):
            if found.hides is not None and not isinstance(found.node, ast.Formal):
                label = f"`{found.name}` has another meaning around these braces"
                notes = ((found.hides.span, "the other one"),)
                yield Hit(found.span, label, "give it a name of its own", notes=notes)
