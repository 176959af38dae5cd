"""The comments that ignore findings: `# lint: ignore=L101 reason`, `# lint: ignore-file=L5 …`."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from lark.exceptions import LarkError

from archdsl.source import Source, Span
from archdsl.syntax.parser import tokens

_COMMENT = re.compile(r"#\s*lint:(?P<rest>[^#]*)")
_IGNORE = re.compile(
    r"\s*ignore(?P<file>-file)?\s*=\s*(?P<codes>L\d{0,3}(?:\s*,\s*L\d{0,3})*)(?:\s+(?P<reason>.*))?$"
)


@dataclass(eq=False)
class Ignore:
    """One such comment; `line` is the one that it holds for, None for the whole file."""

    span: Span
    line: int | None
    codes: tuple[str, ...]
    reason: str
    used: set[str] = field(default_factory=set[str])
    """Those of its codes that a finding had."""


@dataclass(eq=False)
class Ignores:
    """Those of one file."""

    source: Source
    found: list[Ignore] = field(default_factory=list[Ignore])
    misread: list[Span] = field(default_factory=list[Span])
    """Comments that begin like one and are none."""
    judged: frozenset[str] = frozenset()
    """The codes of the rules that ran on all of the file, so that one without a finding is idle."""

    @cached_property
    def _by_line(self) -> dict[int | None, list[Ignore]]:
        found: dict[int | None, list[Ignore]] = {}
        for ignore in self.found:
            found.setdefault(ignore.line, []).append(ignore)
        return found

    @classmethod
    def of(cls, source: Source) -> Ignores:
        """The ignoring comments of a source."""
        self = cls(source)
        if "lint:" not in source.text:
            return self
        with suppress(LarkError):  # it was parsed before, but may have changed since
            for token in tokens(source.text):
                if token.type == "COMMENT" and "lint:" in token:
                    self._read(str(token), token.start_pos or 0)
        return self

    def _read(self, comment: str, start: int) -> None:
        for match in _COMMENT.finditer(comment):
            end = start + match.start() + len(match[0].rstrip())
            span = Span(self.source, start + match.start(), end)
            parts = _IGNORE.match(match["rest"].rstrip())
            if parts is None:
                self.misread.append(span)
                continue
            codes = tuple(code.strip() for code in parts["codes"].split(","))
            line = None if parts["file"] else self._line(start)
            self.found.append(Ignore(span, line, codes, (parts["reason"] or "").strip()))

    def _line(self, comment: int) -> int:
        """The line that a comment is about: its own, or the next statement's if it is alone."""
        number, column = self.source.position(comment)
        if self.source.line(number)[: column - 1].strip():
            return number
        last = len(self.source.line_starts)
        while number < last and self.source.line(number).strip()[:1] in ("", "#"):
            number += 1
        return number

    def covers(self, code: str, line: int) -> bool:
        """Whether a finding on a line is ignored; that ignore is then of use."""
        covered = False
        for ignore in (*self._by_line.get(None, ()), *self._by_line.get(line, ())):
            fitting = [c for c in ignore.codes if code.startswith(c)]
            ignore.used.update(fitting)
            covered = covered or bool(fitting)
        return covered
