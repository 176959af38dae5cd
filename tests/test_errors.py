"""The errors of specs: in tests/errors each expects its own, on the line where it is.

`#! A204 the skip carries` at the end of a line is a diagnostic with this code on this line, whose
label, help or notes have these words. A line may expect several. Whatever is not expected fails.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archdsl.codes import CODES
from archdsl.errors import ArchError, Diagnostic
from archdsl.pipeline import open_spec

SPECS = sorted((Path(__file__).parent / "errors").rglob("*.arch"))
_EXPECTED = re.compile(r"#! (A\d\d\d) ?([^#]*)")

# Of files, the command line, backends and models, which have tests of their own.
NOT_OF_SPECS = {"A001", "A002", "A003", "A005", "A006", "A306", "A307"}
NOT_OF_SPECS |= {code for code in CODES if code.startswith(("A7", "A9"))}


def expected(path: Path) -> list[tuple[int, str, str]]:
    """Line, code and words of what a spec expects."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        (number, code, words.strip())
        for number, line in enumerate(lines, 1)
        for code, words in _EXPECTED.findall(line)
    ]


def told(path: Path) -> tuple[Diagnostic, ...]:
    """The errors of a spec and all its networks."""
    try:
        open_spec(str(path))
    except ArchError as error:
        return error.diagnostics
    return ()


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_each_error_is_told_where_it_is(path: Path) -> None:
    left = list(told(path))
    missing: list[str] = []
    for line, code, words in expected(path):
        fitting = [d for d in left if d.code == code and d.span and d.span.line == line]
        fitting = [d for d in fitting if words in all_words(d)]
        if fitting:
            left.remove(fitting[0])
        else:
            missing.append(f"{path.name}:{line} {code} {words}")
    unexpected = [d.render() for d in left]
    assert not missing + unexpected, "\n".join(["missing:", *missing, "unexpected:", *unexpected])


def all_words(d: Diagnostic) -> str:
    return "\n".join([d.title, d.label, d.help, *(note.text for note in d.notes)])


def test_every_code_of_a_spec_is_expected_somewhere() -> None:
    found = {code for path in SPECS for _, code, _ in expected(path)}
    assert set(CODES) - NOT_OF_SPECS <= found
    assert found <= set(CODES)
