"""`archdsl fmt`: one way to lay a spec out, which keeps the writer's lines, comments and columns.

Only white space changes, and aliases become the layer's one name. A line keeps what is on it; its
indentation follows the braces; inside a statement there is one space or none. Consecutive lines are
aligned like a table where the writer has begun to: after their first `;`, at the `=` of `param` and
`let`, and at comments behind statements.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace

from lark import Token

from archdsl.source import Source
from archdsl.syntax.parser import parse, tokens

INDENT = "  "
_OPENING = {"LBRACE", "LPAR", "LSQB", "INDEX", "CALL"}
_CLOSING = {"RBRACE", "RPAR", "RSQB"}


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of output before alignment: its depth, its two cells, its comment."""

    depth: int
    head: str
    rest: str = ""
    comment: str = ""
    wide: bool = False
    """Whether the writer left more than one space between the cells."""
    assigns: bool = False
    """Whether the cells are the two sides of a `param`, a `let` or a `network`."""

    @property
    def blank(self) -> bool:
        return not (self.head or self.comment)


def format_spec(source: Source, names: Mapping[str, str] | None = None) -> str:
    """The text of a spec, laid out; formatting it again changes nothing.

    Args:
        source: the spec.
        names: what a layer's aliases are to be called.

    Raises:
        ParseError: the text does not parse.
    """
    tree = parse(source)
    aliases = {k: v for k, v in (names or {}).items() if k not in _defined(source.text)}
    lines = [_line(row, depth, aliases, source.text) for row, depth in _rows(source)]
    lines = _aligned(_cells, _aligned(_assignments, _squeezed(lines)))
    text = "".join(f"{line}\n" for line in _printed(lines))
    again = parse(Source(text, source.name))
    if _shape(again, aliases) != _shape(tree, aliases):
        raise AssertionError(f"formatting would change the meaning of {source.name}")
    return text


def _defined(text: str) -> set[str]:
    """The names that a file may define, which are no layer's then."""
    return set(re.findall(r"\b(?:block|param|let)\s+(\w+)", text)) | set(
        re.findall(r"(\w+)\s*=(?!=)", text)
    )


def _rows(source: Source) -> Iterator[tuple[list[Token], int]]:
    """The tokens of each line, and how many brackets are open where it begins."""
    row: list[Token] = []
    depth = start = 0
    for token in tokens(source.text):
        if token.type == "_SEP" and "\n" in token:
            if token.startswith(";"):
                row.append(Token.new_borrow_pos("_SEP", ";", token))
            yield row, start
            for _ in range(min(token.count("\n") - 1, 1)):
                yield [], depth
            row, start = [], depth
            continue
        if row and "\n" in source.text[row[-1].end_pos : token.start_pos]:
            yield row, start  # a line that breaks inside of brackets
            row, start = [], depth
        depth += (token.type in _OPENING) - (token.type in _CLOSING)
        row.append(token)
    if row:
        yield row, start


def _line(row: list[Token], depth: int, aliases: Mapping[str, str], text: str) -> _Line:
    comment = ""
    if row and row[-1].type == "COMMENT":
        comment = re.sub(r"^#(?=[^\s#!])", "# ", row.pop().rstrip())
    while row and row[-1].type == "_SEP":
        row.pop()  # a `;` that ends its line says nothing
    if not row:
        return _Line(depth, "", comment=comment)
    if row[0].type in _CLOSING or row[0].type == "VBAR":
        closed = sum(1 for _ in _leading(row))
        depth = max(0, depth - max(closed, 1))
    cut = _cut(row)
    head = _joined(row[:cut], aliases, text)
    rest = _joined(row[cut:], aliases, text)
    wide = bool(rest) and len(row[cut - 1].lstrip(";")) > 1
    assigns = row[0] in ("param", "let", "network") and row[1].type == "KEY"
    if assigns:
        wide = (row[1].end_pos or 0) - (row[1].start_pos or 0) > len(row[1].rstrip(" =\t")) + 2
    return _Line(depth, head, rest, comment, wide, assigns)


def _leading(row: list[Token]) -> Iterator[Token]:
    for token in row:
        if token.type not in _CLOSING:
            return
        yield token


def _cut(row: list[Token]) -> int:
    """Where the second cell of a line begins: behind its first `;`, or behind a `name =`."""
    if row[0] in ("param", "let", "network") and len(row) > 1 and row[1].type == "KEY":
        return 2
    depth = 0
    for i, token in enumerate(row):
        depth += (token.type in _OPENING) - (token.type in _CLOSING)
        if token.type == "_SEP" and depth == 0:
            return i + 1
    return len(row)


def _joined(row: list[Token], aliases: Mapping[str, str], text: str) -> str:
    """Tokens on a line, with one space or none between them."""
    out = ""
    for i, token in enumerate(row):
        before = row[i - 1] if i else None
        word = _word(token, before, aliases)
        if before is not None and _spaced(before, token, text):
            out += " "
        out += word
    return out


def _word(token: Token, before: Token | None, aliases: Mapping[str, str]) -> str:
    if token.type == "KEY":
        name = token.rstrip("= \t")
        return f"{name} =" if before in ("param", "let", "network") else f"{name}="
    if token.type == "LABEL":
        return token.rstrip(": \t") + ":"
    if token.type == "_SEP":
        return ";"
    starts = before is None or before.type in ("_SEP", "LBRACE", "VBAR", "LABEL")
    if token.type == "NAME" and (starts or before == "default"):
        return aliases.get(token, str(token))
    return str(token)


def _spaced(before: Token, token: Token, text: str) -> bool:
    """Whether a space stands between two tokens."""
    if token.type in ("_SEP", "COMMA", "RPAR", "RSQB", "INDEX", "CALL"):
        return False
    if before.type in ("LPAR", "LSQB", "INDEX", "CALL", "AT"):
        return False
    if before.type == "KEY":
        return before.end_pos != token.start_pos and _is_definition(before, text)
    if "LBRACE" in (before.type, token.type) or "RBRACE" in (before.type, token.type):
        return True
    if {before.type, token.type} & {"VBAR", "LABEL", "_SEP", "COMMA"}:
        return True
    return before.end_pos != token.start_pos


def _is_definition(key: Token, text: str) -> bool:
    line = text[text.rfind("\n", 0, key.start_pos) + 1 : key.start_pos]
    return bool(re.search(r"(^|[;{|])\s*(param|let|network)\s+$", line))


def _squeezed(lines: list[_Line]) -> list[_Line]:
    """At most one blank line in a row, none at the ends or inside of the braces' edges."""
    out: list[_Line] = []
    for line in lines:
        if line.blank and (not out or out[-1].blank):
            continue
        out.append(line)
    while out and out[-1].blank:
        out.pop()
    return out


# Alignment


def _assignments(line: _Line) -> bool:
    return line.assigns


def _cells(line: _Line) -> bool:
    return bool(line.rest) and not line.assigns


def _aligned(member: Callable[[_Line], bool], lines: list[_Line]) -> list[_Line]:
    """Runs of lines whose cells the writer has begun to align, aligned."""
    out: list[_Line] = []
    run: list[_Line] = []

    def flush() -> None:
        if any(line.wide for line in run):
            width = max(len(line.head) for line in run)
            out.extend(replace(line, head=_padded(line, width)) for line in run)
        else:
            out.extend(run)
        run.clear()

    for line in lines:
        if run and (line.blank or line.depth != run[-1].depth or not member(line)):
            flush()
        if member(line):
            run.append(line)
        else:
            out.append(line)
    flush()
    return out


def _padded(line: _Line, width: int) -> str:
    if not line.assigns:
        return line.head.ljust(width)
    name = line.head.removesuffix(" =")
    return f"{name.ljust(width - 2)} ="


def _printed(lines: list[_Line]) -> Iterator[str]:
    """The lines as text, the comments of consecutive ones in one column."""
    run: list[tuple[str, str]] = []

    def flush() -> Iterator[str]:
        width = max((len(text) for text, comment in run if comment), default=0)
        for text, comment in run:
            yield f"{text.ljust(width)}  {comment}" if comment else text
        run.clear()

    for line in lines:
        body = " ".join(part for part in (line.head, line.rest) if part)
        text = (INDENT * line.depth + body).rstrip() if body else ""
        if body and line.comment:
            run.append((text, line.comment))
            continue
        yield from flush()
        yield text if body else (INDENT * line.depth + line.comment if line.comment else "")
    yield from flush()


def _shape(tree: object, aliases: Mapping[str, str]) -> object:
    """A syntax tree without its places, to compare."""
    if is_dataclass(tree):
        kept = [f.name for f in fields(tree) if f.name not in ("span", "name_span", "source")]
        return type(tree).__name__, [_shape(getattr(tree, name), aliases) for name in kept]
    if isinstance(tree, tuple):
        return [_shape(item, aliases) for item in tree]
    return aliases.get(tree, tree) if isinstance(tree, str) else tree
