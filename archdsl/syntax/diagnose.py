"""What is told of text that does not parse: the place, what stands there, what was meant."""

from __future__ import annotations

import re

from lark import Token, UnexpectedInput
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from archdsl.errors import Diagnostic, Note
from archdsl.source import Source, Span

_WORDS = {
    "NAME": "a name",
    "LABEL": "a label",
    "PATH": "a path",
    "KEY": "a name with a value, such as `n=3`",
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

_VALUES = {"INT", "FLOAT", "MULTIPLE", "SIZE", "STRING", "COMMA", "RBRACE", "RPAR", "RSQB"}
_OPENS = {"RBRACE": "{", "RPAR": "(", "RSQB": "["}
_BRACKET = re.compile(r'"(?:\\.|[^"\\\n])*"|#[^\n]*|[][(){}]')  # texts and comments aside


def diagnose(error: UnexpectedInput, text: str, source: Source) -> Diagnostic:
    """What to tell of a parser's error; `text` is the source's, earlier faults blanked out."""
    if isinstance(error, UnexpectedCharacters):
        return _character(error.pos_in_stream or 0, source)
    if not isinstance(error, UnexpectedToken) or error.token.type == "$END":
        return _early_end(error, text, source)
    token = error.token
    start = token.start_pos or 0
    before = text[:start].rstrip(" \t")
    if before.endswith("\n") and token.type not in _VALUES:
        # Line ends do not count in (…) and […], so the next statement is what seems wrong.
        for at in _open(before)[-1:]:
            if before[at] in "([":
                note = Note(Span(source, start, token.end_pos or start), "before this statement")
                span, label = Span(source, at, at + 1), f"this `{before[at]}` is not closed"
                return Diagnostic("A103", span, label, notes=(note,))
    if token.type == "_SEP":
        span, found = Span(source, start, start + 1), "the statement ends here"
    else:
        span = Span(source, start, max(token.end_pos or 0, start + 1))
        found = f"`{token.value}` is not expected here"
    help = _hint(token, before) or _expected(error.expected)
    return Diagnostic("A101", span, found, help=help)


_CHARACTERS = {
    "'": 'text is written in double quotes: "same"',
    '"': "a text ends on its line, with a double quote",
    ",": "arguments are separated by spaces",
    "/": "a comment starts with #",
    ".": 'a number starts with a digit: 0.5; a path with dots is a text: `lr "layer4.0" 0.1x`',
    ":": "a label stands at the beginning of its statement: `stem: conv 3x3`",
    "=": "`let n = 3` gives a name to a value, `stride=2` is an argument",
}


def _character(position: int, source: Source) -> Diagnostic:
    char = source.text[position]
    label, help = f"{char!r} has no meaning here", _CHARACTERS.get(char, "")
    if char.isdigit():
        label = "this is neither a number nor a size"
        help = "a size is written like 3x3, a number like 64, 0.5 or 1e-4"
    elif char == "=" and source.text[:position].rstrip().endswith('"'):
        help = 'what belongs to a text stands behind it: `lr "layer4.0" 0.1x`'
    return Diagnostic("A102", Span(source, position, position + 1), label, help=help)


def _early_end(error: UnexpectedInput, text: str, source: Source) -> Diagnostic:
    """The end of the text came first: point at the last bracket that is still open, if one is."""
    if open_ := _open(text):
        at = open_[-1]
        return Diagnostic("A103", Span(source, at, at + 1), f"this `{text[at]}` is never closed")
    end = len(source.text.rstrip())
    help = _hint(Token("$END", ""), text.rstrip())
    if not help and isinstance(error, UnexpectedToken):
        help = _expected(error.expected)
    return Diagnostic("A101", Span(source, max(0, end - 1), end), "the text ends here", help=help)


def _open(text: str) -> list[int]:
    """Where the brackets are that a text leaves open."""
    found: list[int] = []
    for match in _BRACKET.finditer(text):
        if match[0] in "([{":
            found.append(match.start())
        elif match[0] in ")]}" and found:
            found.pop()
    return found


def _hint(token: Token, before: str) -> str:
    """What people coming from elsewhere mean by a token that is out of place."""
    line = before[before.rfind("\n") + 1 :]
    if re.search(r"(?<!\w)x$", line) and token.type not in ("COMMA", "RPAR", "RSQB"):
        return (
            "`x` repeats what is before it: `x3`, `x n`; a name that is x needs parentheses: `(x)`"
        )
    match token.type:
        case "LPAR" | "CALL" | "COMMA":
            if token.type != "COMMA" or re.search(r"\w\([^()]*$", line):
                return "arguments follow a name without parentheses: `conv 3x3 64 stride=2`"
            return "arguments are separated by spaces"
        case "INT" | "SIZE" if re.search(r"\d x \d+$", line):
            return "a size is written without spaces, `3x3`; ` x3` repeats the statement"
        case "X" | "REPEAT" if re.search(r"\binput\b.* x \S+$", line):
            return "a size of values is a list: `input [3, size, size]`"
        case "DOUBLE_SLASH":
            return "a comment starts with #"
        case "KEY" if re.search(r"\bexpect\b", line):
            return "an expectation compares with `==`, `<=` or another comparison"
        case "COMPARE" | "AND" | "OR" | "NOT" | "IF":
            return "in an argument this needs parentheses: `when=(n > 1)`"
        case "RBRACE" | "RPAR" | "RSQB":
            open_ = [before[at] for at in _open(before)[-1:]]
            if open_ and open_ != [_OPENS[token.type]]:
                return f"the `{open_[0]}` before it is not closed"
            return "" if open_ else f"there is no `{_OPENS[token.type]}` that this closes"
        case "NAME" if line.endswith("}"):
            return "a statement ends with a new line or `;`"
        case _:
            return ""


def _expected(expected: set[str]) -> str:
    words = sorted({_WORDS[t] for t in expected if t in _WORDS})
    if not words or len(words) > 6:
        return ""
    *first, last = words
    return f"expected {', '.join(first)} or {last}" if first else f"expected {last}"
