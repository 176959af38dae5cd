"""Long lines of Python, broken as ruff and black break them.

A line that fits is printed as it is. One that does not is parsed, and its brackets are opened from
the left as far as needed: what is inside goes on one line of its own, else on a line for each item.
Only what the generated files hold is known here: calls, indices, lists, sums and products.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from archdsl.errors import BuildError, Diagnostic

WIDTH = 88  # ruff's and black's line length


def statement(text: str, indent: int = 8, comment: str = "") -> list[str]:
    """A statement over as many lines as it needs; the comment is dropped where it makes more.

    >>> statement("x = self.fc1(x)", comment="84")
    ['        x = self.fc1(x)  # 84']
    """
    pad = " " * indent
    one = pad + text
    if comment and len(one) + len(comment) + 4 <= WIDTH:
        return [f"{one}  # {comment}"]
    return [one] if len(one) <= WIDTH else _broken(text, indent)


def element(text: str, indent: int) -> list[str]:
    """An expression, perhaps with `"key": ` before it, as one of the items in open brackets."""
    one = f"{' ' * indent}{text},"
    if len(one) <= WIDTH:
        return [one]
    braced = f"{{{text}}}"  # a dict or a set, whatever its item is
    found = ast.parse(braced, mode="eval").body
    value = found.values[0] if isinstance(found, ast.Dict) else found.elts[0]  # pyright: ignore
    head = braced[1 : value.col_offset]
    return _print([head, _document(value, braced), ","], indent)


def _broken(text: str, indent: int) -> list[str]:
    node = _parsed(text).body[0]
    column = node.value.col_offset  # pyright: ignore[reportAttributeAccessIssue]
    head, tail = text[:column], text[column:]
    expression: ast.expr = _parsed(tail).body[0].value  # pyright: ignore[reportAttributeAccessIssue]
    document = _document(expression, tail)
    if isinstance(expression, ast.BinOp):
        return _parenthesized(head, document, indent)
    plain = _print([head, document], indent)
    if len(plain[0]) <= WIDTH or not head:
        return plain
    wrapped = _parenthesized(head, document, indent)
    return wrapped if max(map(len, wrapped)) <= WIDTH else plain


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (RecursionError, MemoryError):
        label = f"a line of {len(text):,} characters is more than Python can parse"
        help = "join fewer branches at once"
        raise BuildError(Diagnostic("A701", None, label, help=help)) from None


def _parenthesized(head: str, document: _Doc, indent: int) -> list[str]:
    pad = " " * indent
    return [f"{pad}{head}(", *_print([document], indent + 4), f"{pad})"]


# A document: texts, with places where a line may break


@dataclass(frozen=True, slots=True)
class _Line:
    """A place for a break; where none is needed, `flat` is printed."""

    flat: str = ""


@dataclass(frozen=True, slots=True)
class _Comma:
    """A comma after the last item, where the items stand on lines of their own."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Parts whose lines all break, or none does."""

    parts: tuple[_Doc, ...]
    deeper: bool = False
    """Whether its lines are indented, but for the last."""


_Doc = str | _Line | _Comma | _Group


def _document(node: ast.expr, text: str) -> _Doc:
    """An expression with its places for breaks."""
    match node:
        case ast.Call(func=func):
            arguments = [
                f"{k.arg}=" if k.arg else "**" for k in node.keywords
            ]  # what stands before the value
            values = [_document(a, text) for a in node.args]
            values += [
                _Group((key, _document(k.value, text)))
                for key, k in zip(arguments, node.keywords, strict=True)
            ]
            return _Group((_document(func, text), _bracket("(", values, ")")))
        case ast.Subscript(value=value, slice=index):
            inner = text[index.col_offset : index.end_col_offset]
            return _Group((_document(value, text), _bracket("[", [inner], "]", comma=False)))
        case ast.Attribute(value=value, attr=name):
            return _Group((_document(value, text), f".{name}"))
        case ast.List(elts=items):
            return _bracket("[", [_document(i, text) for i in items], "]", together=False)
        case ast.BinOp():
            terms = list(_terms(node, text))
            rest = chain.from_iterable((_Line(" "), f"{sign} ", term) for sign, term in terms[1:])
            return _Group((terms[0][1], *rest))
        case _:
            return text[node.col_offset : node.end_col_offset]


def _bracket(
    opening: str, items: list[_Doc], closing: str, comma: bool = True, together: bool = True
) -> _Doc:
    """Items in brackets; where they are `together`, one line may hold all of them.

    A comma closes several items on lines of their own.
    """
    if not items:
        return opening + closing
    parts: list[_Doc] = [items[0]]
    for each in items[1:]:
        parts += [",", _Line(" "), each]
    if comma and len(items) > 1:
        parts.append(_Comma())
    inner = (_Group(tuple(parts)),) if together else tuple(parts)
    return _Group((opening, _Line(), *inner, _Line(), closing), deeper=True)


def _terms(node: ast.BinOp, text: str) -> Iterator[tuple[str, _Doc]]:
    """The operands of a chain of one operator, each with the operator before it."""
    sign = {"Add": "+", "Sub": "-", "Mult": "*", "FloorDiv": "//"}.get(type(node.op).__name__, "")
    stack: list[ast.expr] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and type(left.op) is type(node.op):
        stack.append(left.right)
        left = left.left
    for operand in [left, *reversed(stack)]:
        yield sign, _document(operand, text)


# Printing, as Wadler's "A prettier printer" (2003) does it


@dataclass(frozen=True, slots=True)
class _Task:
    indent: int
    flat: bool
    part: _Doc


def _print(parts: list[_Doc], indent: int) -> list[str]:
    """The lines of a document that starts at an indentation."""
    lines: list[str] = []
    line = " " * indent
    tasks = [_Task(indent, False, part) for part in reversed(parts)]
    while tasks:
        task = tasks.pop()
        match task.part:
            case str(text):
                line += text
            case _Comma():
                line += "" if task.flat else ","
            case _Line(flat):
                if task.flat:
                    line += flat
                else:
                    lines.append(line)
                    line = " " * task.indent
            case _Group() as group:
                flat = task.flat or _fits(WIDTH - len(line), group, tasks)
                tasks += reversed(list(_inside(group, task.indent, flat)))
    return [*lines, line]


def _inside(group: _Group, indent: int, flat: bool) -> Iterator[_Task]:
    """The parts of a group, those between its first and its last line deeper."""
    last = len(group.parts) - 2
    for i, part in enumerate(group.parts):
        inner = indent + 4 if group.deeper and 0 < i < last else indent
        yield _Task(inner, flat, part)


def _fits(room: int, group: _Group, rest: list[_Task]) -> bool:
    """Whether a group fits on the line, with what follows up to the next break."""
    tasks = list(_inside(group, 0, True))[::-1]
    following = len(rest)
    while room >= 0:
        if not tasks:
            if not following:
                return True
            following -= 1
            tasks.append(rest[following])
        task = tasks.pop()
        match task.part:
            case str(text):
                room -= len(text)
            case _Comma():
                room -= 0 if task.flat else 1
            case _Line(flat):
                if not task.flat:
                    return True
                room -= len(flat)
            case _Group() as inner:
                tasks += reversed(list(_inside(inner, 0, task.flat)))
    return False
