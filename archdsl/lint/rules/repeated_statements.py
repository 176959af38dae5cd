"""L605."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.lint.rule import Edit, FileRule, Fix, Hit
from archdsl.lint.view import FileView, walk
from archdsl.source import Span
from archdsl.syntax import ast

LONGEST = 8
"""Statements of a part that is looked for again."""
FEWEST = 3
"""Copies from which on a number says it better."""


class RepeatedStatements(FileRule):
    """The same statements several times, which `xN` says.

    `{ conv 3x3 64; relu } x4` has its number where it can be seen, changed, and made a parameter;
    of four copies the one that was forgotten in a change is hard to see. The paths stay, for copies
    are spliced in as if they had been written out. Two copies are left as they are: a table of a
    paper often has a pair of lines.

    The mend writes the number, if there is no comment among the copies.

    Bad:

        input 3x32x32
        conv 3x3 16; relu
        conv 3x3 16; relu
        conv 3x3 16; relu
        gap; fc 10

    Good:

        input 3x32x32
        { conv 3x3 16; relu } x3
        gap; fc 10
    """

    code: ClassVar[str] = "L605"
    level: ClassVar[Level] = "info"

    def check(self, file: FileView) -> Iterator[Hit]:
        """The first of the copies of each run."""
        for flow in walk(file.tree.flow):
            if isinstance(flow, ast.Flow):
                yield from _runs(flow)


def _runs(flow: ast.Flow) -> Iterator[Hit]:
    """The runs in one flow, the shortest part first that fits."""
    texts = [_text(statement) for statement in flow.statements]
    start = 0
    while start < len(texts):
        runs = [(_copies(texts, start, part), part) for part in range(1, LONGEST + 1)]
        runs = [(copies * part, -part, copies) for copies, part in runs if copies >= FEWEST]
        if not runs:
            start += 1
            continue
        length, part, copies = max(runs)
        yield _hit(flow, start, -part, copies)
        start += length


def _text(statement: ast.Statement) -> str:
    """The words of a step; nothing for what cannot be repeated, or has a name of its own."""
    if not isinstance(statement, ast.Step) or statement.label is not None:
        return ""
    item = statement.item
    if isinstance(item, ast.Reference) or (isinstance(item, ast.Call) and item.name in _ASIDE):
        return ""
    return " ".join(statement.span.text.split())


_ASIDE = {"input", "output", "aux", "default", "init", "import", "train", "reuse"}


def _copies(texts: list[str], start: int, part: int) -> int:
    """How often the `part` statements from `start` on stand there, one after another."""
    if not all(texts[start : start + part]):
        return 1
    end = start + part
    while end < len(texts) and texts[end] == texts[end - part]:
        end += 1
    return max(1, (end - start) // part)


def _hit(flow: ast.Flow, start: int, part: int, copies: int) -> Hit:
    own = flow.statements[start : start + part]
    last = flow.statements[start + part * copies - 1]
    source = own[0].span.source
    first = Span(source, own[0].span.start, own[-1].span.end)
    whole = Span(source, first.start, last.span.end)
    simple = part == 1 and isinstance(own[0], ast.Step) and own[0].repeat is None
    part_text = "; ".join(statement.span.text for statement in own)
    text = f"{part_text} x{copies}" if simple else f"{{ {part_text} }} x{copies}"
    fix = Fix(f"write x{copies}", (Edit(whole.start, whole.end, text),))
    told = f"`x{copies}`" if simple else f"`{{ … }} x{copies}`"
    certain = "#" not in whole.text
    return Hit(first, f"it stands here {copies} times", told, fix=fix if certain else None)
