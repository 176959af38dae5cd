"""Text to syntax tree. The grammar is grammar/arch.lark; diagnose.py words the errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from lark import Lark, Token, UnexpectedInput

from archdsl.errors import Diagnostic, ParseError
from archdsl.resources import folder
from archdsl.source import Source
from archdsl.syntax import ast
from archdsl.syntax import cache as tables
from archdsl.syntax.build import MAX_ELSE_IF, TreeBuilder
from archdsl.syntax.diagnose import diagnose

MAX_NESTING = 50  # braces, parentheses and brackets inside one another
MAX_OPERATORS = 100  # operators in one statement
MAX_REPORTED = 10  # syntax errors told in one run


def parse(source: Source) -> ast.Spec:
    """Parse a spec.

    Raises:
        ParseError: the text is not in the language; up to ten errors are told at once.
    """
    found: list[Diagnostic] = []
    text: str | None = source.text
    while text is not None and len(found) < MAX_REPORTED:
        errors: list[Diagnostic] = []
        outcome = _attempt(text, source, errors)
        if not isinstance(outcome, Diagnostic):
            # Lines that were blanked out may have left a `|` or an `else` without what it needs.
            found += [d for d in errors if not found or d.code not in ("A407", "A601")]
            if not found:
                return ast.Spec(outcome, source)
            break
        if outcome.span in [d.span for d in found]:
            break  # blanking the line out did not help
        found.append(outcome)
        text = _without_line(text, source, outcome)
    raise ParseError(sorted(found[:MAX_REPORTED], key=lambda d: d.span.start if d.span else 0))


def parse_value(text: str, name: str) -> ast.Expr:
    """Parse one expression, such as the value of a parameter set from outside.

    Raises:
        ParseError: the text is not one expression.
    """
    errors: list[Diagnostic] = []
    outcome = _attempt(text, Source(text, name), errors, start="value")
    if isinstance(outcome, Diagnostic):
        raise ParseError(outcome)
    if errors:
        raise ParseError(errors)
    return outcome


def _attempt(text: str, source: Source, errors: list[Diagnostic], start: str = "start") -> Any:
    """The tree, or the first thing that does not parse; `errors` gets what the grammar allows."""
    builder = TreeBuilder(source, errors)
    try:
        return builder.transform(_lark().parse(text, start=start))
    except UnexpectedInput as error:
        return diagnose(error, text, source)
    except _TooDeep as error:
        return Diagnostic("A104", builder.span(error.token), error.label, help=_TOO_DEEP)


_BLANKED = re.compile(r'"(?:\\.|[^"\\])*"|#.*|[^{}]')


def _without_line(text: str, source: Source, found: Diagnostic) -> str | None:
    """The text with a faulty line blanked out, braces aside, so that the next error shows."""
    if found.span is None or found.code in ("A103", "A104"):
        return None
    start = source.line_starts[found.span.line - 1]
    end = text.find("\n", start)
    end = end if end >= 0 else len(text)
    blank = _BLANKED.sub(lambda match: " " * len(match[0]), text[start:end])
    return text[:start] + blank.replace("} ", "};") + text[end:]


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
