"""Text to syntax tree. The grammar is grammar/arch.lark; the errors are worded here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from lark import Lark, Token, UnexpectedInput
from lark.exceptions import UnexpectedCharacters, UnexpectedToken, VisitError

from archdsl.errors import ArchError, Diagnostic, ParseError
from archdsl.resources import folder
from archdsl.source import Source, Span
from archdsl.syntax import ast
from archdsl.syntax import cache as tables
from archdsl.syntax.build import MAX_ELSE_IF, TreeBuilder

MAX_NESTING = 50  # braces, parentheses and brackets inside one another
MAX_OPERATORS = 100  # operators in one statement
MAX_REPORTED = 10  # syntax errors told in one run


def parse(source: Source) -> ast.Spec:
    """Parse a spec.

    Raises:
        ParseError: the text is not in the language; up to ten errors are told at once.
    """
    found: list[Diagnostic] = []
    text = source.text
    while len(found) < MAX_REPORTED:
        outcome = _attempt(text, source)
        if isinstance(outcome, ast.Flow):
            if found:
                break
            return ast.Spec(outcome, source)
        found.append(outcome)
        text = _without_line(text, source, outcome)
        if text is None:
            break
    raise ParseError(sorted(found, key=lambda d: d.span.start if d.span else 0))


def parse_value(text: str, name: str) -> ast.Expr:
    """Parse one expression, such as the value of a parameter set from outside.

    Raises:
        ParseError: the text is not one expression.
    """
    source = Source(text, name)
    outcome = _attempt(text, source, start="value")
    if isinstance(outcome, Diagnostic):
        raise ParseError(outcome)
    return outcome


def _attempt(text: str, source: Source, start: str = "start") -> Any:
    """The tree, or the first thing that is wrong."""
    try:
        tree = _lark().parse(text, start=start)
        return TreeBuilder(source).transform(tree)
    except UnexpectedInput as error:
        return _diagnose(error, text, source)
    except VisitError as error:
        if isinstance(error.orig_exc, ArchError):
            return error.orig_exc.diagnostics[0]
        raise
    except _TooDeep as error:
        span = Span(source, error.token.start_pos or 0, error.token.end_pos or 0)
        return Diagnostic("A104", span, error.label, help=_TOO_DEEP)


def _without_line(text: str, source: Source, found: Diagnostic) -> str | None:
    """The text with a faulty line blanked out, brackets aside, so that the next error shows."""
    if found.span is None or found.code in ("A103", "A104") or found.span.text in "{}":
        return None
    start = source.line_starts[found.span.line - 1]
    end = text.find("\n", start)
    end = end if end >= 0 else len(text)
    line = text[start:end].split("#")[0]
    blank = "".join(c if c in "{}" else " " for c in line).ljust(end - start)
    return text[:start] + blank + text[end:] if blank != text[start:end] else None


# The lexer


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a text that parses, comments and separators included."""
    for token in _lark().lex(text, dont_ignore=True):
        if token.type == "COMMENT" or not token.type.startswith("__"):
            yield token


_TOO_DEEP = "give a part of it a name of its own, with `let` or `block`"


class _TooDeep(Exception):
    def __init__(self, token: Token, label: str) -> None:
        self.token = token
        self.label = label


_OPENING = {"LBRACE", "LPAR", "LSQB", "INDEX", "CALL"}
_CLOSING = {"RBRACE", "RPAR", "RSQB"}
_OPERATORS = {"PLUS", "MINUS", "STAR", "SLASH", "DOUBLE_SLASH", "PERCENT", "POWER", "COMPARE"}
_OPERATORS |= {"AND", "OR", "NOT", "INDEX"}


class _Layout:
    """Drops the separators inside (…) and […], and bounds the depth before anything recurses."""

    always_accept = ("_SEP",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        braces: list[bool] = []  # of each bracket that is open, whether it is a brace
        elses = [0]  # in the statement at hand, after those in the statements around it
        operators = 0  # in the statement at hand
        for token in stream:
            if token.type == "_SEP":
                if braces and not braces[-1]:
                    continue
                operators = elses[-1] = 0
            elif token.type in _OPENING:
                braces.append(token.type == "LBRACE")
                elses += [0] * braces[-1]
                operators += token.type == "INDEX"
            elif token.type in _CLOSING and braces:
                if braces.pop():
                    elses.pop()
            elif token.type == "ELSE":
                elses[-1] += 1
                if sum(elses) > MAX_ELSE_IF:
                    raise _TooDeep(token, f"more than {MAX_ELSE_IF} `else`, one after another")
            elif token.type in _OPERATORS:
                operators += 1
            if len(braces) > MAX_NESTING:
                raise _TooDeep(token, f"more than {MAX_NESTING} brackets inside one another")
            if operators > MAX_OPERATORS:
                raise _TooDeep(token, f"more than {MAX_OPERATORS} operators in one statement")
            yield token


@cache
def _lark() -> Lark:
    return tables.load(
        folder("grammar") / "arch.lark",
        start=["start", "value"],
        propagate_positions=True,
        maybe_placeholders=False,
        postlex=_Layout(),
    )


# Errors

_WORDS = {
    "NAME": "a name",
    "LABEL": "a label",
    "KEY": "an argument such as `stride=2`",
    "INT": "a number",
    "FLOAT": "a number",
    "MULTIPLE": "a number",
    "SIZE": "a size such as 3x3",
    "STRING": "a text",
    "REPEAT": "a repetition such as x3",
    "X": "a repetition such as x3",
    "_SEP": "a new line or `;`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "VBAR": "`|`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "COMMA": "`,`",
    "AT": "`@`",
}

_BRACKET = re.compile(r'"(?:\\.|[^"\\\n])*"|#[^\n]*|[][(){}]')  # texts and comments aside


def _diagnose(error: UnexpectedInput, text: str, source: Source) -> Diagnostic:
    if isinstance(error, UnexpectedCharacters):
        return _bad_character(error.pos_in_stream or 0, source)
    if not isinstance(error, UnexpectedToken):
        return Diagnostic("A103", _end(source), "the text ends here")
    token = error.token
    if token.type == "$END":
        return _unclosed(error.expected, text, source)
    start = token.start_pos or 0
    span = Span(source, start, max(token.end_pos or 0, start + 1))
    if token.type == "_SEP":
        span = Span(source, start, start + 1)
    found = {"_SEP": "the statement ends here"}.get(
        token.type, f"`{token.value}` is not expected here"
    )
    return Diagnostic("A101", span, found, help=_hint(token, source) or _expected(error.expected))


def _bad_character(position: int, source: Source) -> Diagnostic:
    char = source.text[position]
    hints = {
        "'": 'text is written in double quotes: "same"',
        ",": "arguments are separated by spaces",
    }
    hints |= {'"': "a text ends on its line, with a double quote"}
    hints |= {"/": "a comment starts with #"}
    hints |= {".": "names have no dots, and a number starts with a digit: 0.5"}
    if char.isdigit():
        return Diagnostic(
            "A102",
            Span(source, position, position + 1),
            "this is neither a number nor a size",
            help="a size is written like 3x3, a number like 64, 0.5 or 1e-4",
        )
    return Diagnostic(
        "A102",
        Span(source, position, position + 1),
        f"{char!r} has no meaning here",
        help=hints.get(char, ""),
    )


def _unclosed(expected: set[str], text: str, source: Source) -> Diagnostic:
    """The end of the text came first: point at the last bracket that is still open, if one is."""
    open_: list[int] = []
    for found in _BRACKET.finditer(text):
        if found[0] in "([{":
            open_.append(found.start())
        elif found[0] in ")]}" and open_:
            open_.pop()
    if open_:
        at = open_[-1]
        return Diagnostic("A103", Span(source, at, at + 1), f"this `{text[at]}` is never closed")
    return Diagnostic("A101", _end(source), "the text ends here", help=_expected(expected))


def _end(source: Source) -> Span:
    return Span(source, max(0, len(source.text.rstrip()) - 1), len(source.text.rstrip()))


def _hint(token: Token, source: Source) -> str:
    """What people coming from elsewhere mean by a token that is out of place."""
    before = source.text[: token.start_pos].rstrip(" ")[-12:]
    if token.type in ("LPAR", "CALL"):
        return "arguments follow a layer's name without parentheses: `conv 3x3 64 stride=2`"
    if token.type in ("COMMA",):
        return "arguments are separated by spaces"
    if token.type in ("INT", "SIZE") and before[-1:].isdigit() and " x " in f" {before} ":
        return "a size is written without spaces, `3x3`; ` x3` repeats the statement"
    if token.type == "DOUBLE_SLASH":
        return "a comment starts with #"
    if token.type == "RBRACE":
        return "there is no `{` that this closes"
    if token.type == "NAME" and before.endswith("}"):
        return "a statement ends with a new line or `;`"
    return ""


def _expected(expected: set[str]) -> str:
    words = sorted({_WORDS[t] for t in expected if t in _WORDS})
    if not words or len(words) > 6:
        return ""
    return "expected " + (
        ", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else words[0]
    )
