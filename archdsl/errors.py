"""What goes wrong, where, and the way out: diagnostics, their exceptions, their rendering.

ArchError                    every error of archdsl; `.diagnostics` holds one or more
├── ReadError      A0xx      a file cannot be read, or is no spec
├── WriteError     A0xx      an output cannot be written
├── ParseError     A1xx      the text does not parse
├── SpecError  A2xx-6xx A8xx the spec parses but describes no network
├── BuildError     A7xx      the network is sound but a backend cannot build it here
├── ModelError     A90x      an ONNX file cannot be used, or a picture that it is to classify
└── TrainError     A95x-96x  the network is sound but cannot be trained here, or not so
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from archdsl.codes import CODES
from archdsl.source import Span

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Note:
    """A second place that explains the first."""

    span: Span
    text: str


@dataclass(frozen=True)
class Diagnostic:
    """One finding: what, where, what was expected, and a fix where one is known.

    `message` says what is wrong in the catalogue's words unless a better one is given, `label` is
    written under the caret, `calls` is the way through the blocks, innermost first.
    """

    code: str
    span: Span | None
    label: str = ""
    message: str = ""
    notes: tuple[Note, ...] = ()
    help: str = ""
    calls: tuple[Note, ...] = ()
    level: Level = "error"

    @property
    def title(self) -> str:
        return self.message or CODES[self.code].title

    def render(self, color: bool = False) -> str:
        """The diagnostic as text, with the source line and a caret."""
        return "\n".join(_render(self, _Paint(color)))

    def to_json(self) -> dict[str, Any]:
        """The diagnostic as plain data, for `--json`."""
        span = self.span
        place = span and {"file": span.source.name, "line": span.line, "column": span.column}
        return {
            "code": self.code,
            "message": self.title,
            "place": place,
            "label": self.label,
            "help": self.help,
            "notes": [{"place": str(n.span), "text": n.text} for n in self.notes],
            "calls": [{"place": str(c.span), "text": c.text} for c in self.calls],
        }


class ArchError(Exception):
    """Every error that archdsl raises on purpose; `diagnostics` holds one or more."""

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        if isinstance(diagnostics, Diagnostic):
            diagnostics = [diagnostics]
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return "\n\n".join(d.render() for d in self.diagnostics)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: the diagnostics, in colour unless NO_COLOR is set."""
        color = not os.environ.get("NO_COLOR")
        return "\n\n".join(d.render(color) for d in self.diagnostics).split("\n")


class ReadError(ArchError):
    """A file cannot be read, or does not hold a spec."""


class WriteError(ArchError):
    """An output cannot be written; whatever was there before is untouched."""


class ParseError(ArchError):
    """The text of a spec does not parse."""


class SpecError(ArchError):
    """The spec parses but does not describe a network."""


class BuildError(ArchError):
    """The network is sound but cannot be built here."""


class ModelError(ArchError):
    """An ONNX file cannot be used, or a picture that it is to classify cannot be read."""


class TrainError(ArchError):
    """A training cannot begin, go on, or be resumed."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """'did you mean `conv`?' for a misspelt word, or nothing."""
    words = sorted(set(known))
    if len(words) > 5000:
        return ""  # that would take a second
    near = [k for k in words if abs(len(k) - len(word)) <= 3]  # `same` is no `upsample`
    begun = [k for k in words if len(k) > 2 and word.startswith(k)]  # `conv2d`, `padding`
    from difflib import get_close_matches

    close = get_close_matches(word, near, n=1, cutoff=0.6) or begun[-1:]
    return f"did you mean `{close[0]}`?" if close else ""


def with_calls(diagnostic: Diagnostic, calls: Sequence[Note]) -> Diagnostic:
    """The same diagnostic, with the calls that led to its place."""
    return replace(diagnostic, calls=tuple(calls))


# Rendering

WIDTH = 100  # columns of a source line that are shown; a longer one is cut around the caret

MAX_CARETS = 40
SHOWN_CALLS = 3  # at either end of a chain of calls


@dataclass(frozen=True)
class _Paint:
    on: bool

    def __call__(self, text: str, style: str) -> str:
        codes = {"error": "1;31", "warning": "1;33", "info": "1;34"}
        codes |= {"bold": "1", "frame": "34", "help": "36"}
        return f"\x1b[{codes[style]}m{text}\x1b[0m" if self.on and text else text


def _render(d: Diagnostic, paint: _Paint) -> Iterable[str]:
    yield paint(f"{d.level}[{d.code}]", d.level) + paint(f": {_inert(d.title)}", "bold")
    label, help = _inert(d.label), _inert(d.help)
    if d.span is None:
        if label:
            yield f"  {label}"
        if help:
            yield "  " + paint("= help: ", "help") + help
        return
    notes = [n for n in d.notes if n.span.source is d.span.source and n.span.line != d.span.line]
    gutter = len(str(max([d.span.line, *(n.span.line for n in notes)])))
    bar = paint(f"{'':{gutter}} |", "frame")
    yield f"{'':{gutter}}{paint('-->', 'frame')} {_inert(str(d.span))}"
    yield bar
    for note in sorted(notes, key=lambda n: n.span.line):
        if note.span.line < d.span.line:
            yield _note_line(note, gutter, paint)
    text, offset, width = _excerpt(d.span)
    yield (paint(f"{d.span.line:>{gutter}} | ", "frame") + text).rstrip()
    yield f"{bar} {'':{offset}}{paint('^' * width, d.level)} {paint(label, d.level)}".rstrip()
    for note in sorted(notes, key=lambda n: n.span.line):
        if note.span.line > d.span.line:
            yield _note_line(note, gutter, paint)
    margin = " " * gutter
    for note in d.notes:
        if note not in notes:
            yield f"{margin} {paint('= note:', 'frame')} {_inert(f'{note.text} ({note.span})')}"
    if help:
        yield f"{margin} {paint('= help:', 'help')} {help}"
    for call in _abridged(d.calls):
        found = f"… {len(d.calls) - 2 * SHOWN_CALLS} more" if call is None else _said(call)
        yield f"{margin} {paint('= in:', 'frame')}   {found}"


def _said(call: Note) -> str:
    return _inert(f"{call.text} {call.span}")


def _abridged(calls: Sequence[Note]) -> list[Note | None]:
    """The first and the last calls of a deep chain, None for those between."""
    if len(calls) <= 2 * SHOWN_CALLS + 1:
        return list(calls)
    return [*calls[:SHOWN_CALLS], None, *calls[-SHOWN_CALLS:]]


def _note_line(note: Note, gutter: int, paint: _Paint) -> str:
    text, _, _ = _excerpt(note.span)
    return f"{paint(f'{note.span.line:>{gutter}} | ', 'frame')}{text:<46}  {_inert(note.text)}"


def _excerpt(span: Span) -> tuple[str, int, int]:
    """The printable source line around a span, the caret's offset in it, the caret's width."""
    raw = span.source.line(span.line)
    column = span.column - 1
    length = max(1, min(span.end - span.start, len(raw) - column))
    start = 0 if len(raw) <= WIDTH else max(0, min(column - WIDTH // 3, len(raw) - WIDTH))
    cut = raw[start : start + WIDTH]
    prefix, suffix = ("… " if start else ""), (" …" if start + WIDTH < len(raw) else "")
    at = column - start
    carets = _columns(printable(cut[at : at + length]))
    offset = len(prefix) + _columns(printable(cut[:at]))
    return prefix + printable(cut) + suffix, offset, max(1, min(carets, MAX_CARETS))


def printable(text: str) -> str:
    """Text that a terminal shows as it is: no control characters, no bidirectional overrides."""
    return "".join(
        " " if c == "\t" else "\N{MIDDLE DOT}" if unicodedata.category(c) in _ACTING else c
        for c in text
    )


# Control, format, surrogate, private, unassigned; separators of lines and of paragraphs.
_ACTING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _inert(text: str) -> str:
    """Words of a message, which may quote the spec or name a file."""
    return "\n".join(map(printable, text.split("\n")))


def _columns(text: str) -> int:
    """Columns that a printable text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
