"""L601."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.lint.names import head, reached
from archdsl.lint.rule import FileRule, Hit
from archdsl.lint.view import FileView, walk
from archdsl.syntax import ast


class UnusedBlock(FileRule):
    """A block that nothing calls.

    No network of the file has it, and no expression passes it on. A file without networks is a
    library, whose blocks are for the files that import it: nothing is said of those.

    Bad:

        block unit width { conv 3x3 width; relu }
        block old_unit width { conv 5x5 width; relu }
        input 3x32x32
        unit 64; gap; fc 10

    Good:

        block unit width { conv 3x3 width; relu }
        input 3x32x32
        unit 64; gap; fc 10
    """

    code: ClassVar[str] = "L601"
    level: ClassVar[Level] = "warning"

    def check(self, file: FileView) -> Iterator[Hit]:
        """The blocks that no network reaches, through other blocks or at once."""
        if not file.graphs:
            return
        called = reached(file.tree)
        for block in walk(file.tree.flow):
            if isinstance(block, ast.Block) and block.name not in called:
                yield Hit(head(block), f"nothing calls `{block.name}`", "take it out")
