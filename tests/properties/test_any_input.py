"""No input whatever escapes as a traceback: a text compiles, or its errors say where in it."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, mutations, soups

from archdsl.elaborate import Limits, elaborate, network_names
from archdsl.errors import ArchError, Diagnostic
from archdsl.source import Source
from archdsl.syntax import parse

LIMITS = Limits(
    layers=500, steps=2000
)  # what holds for a hundred layers holds for a hundred thousand


def compile_all(source: Source) -> list[Diagnostic]:
    """The errors of every network of a text."""
    try:
        spec = parse(source)
    except ArchError as error:
        assert error.diagnostics
        return list(error.diagnostics)
    found: list[Diagnostic] = []
    for name in network_names(spec) or [None]:
        try:
            elaborate(spec, name, limits=LIMITS)
        except ArchError as error:
            assert error.diagnostics
            found += error.diagnostics
    return found


def check(text: str) -> None:
    source = Source(text)
    for found in compile_all(source):
        assert found.span is not None, found
        assert found.span.source is source
        assert 0 <= found.span.start <= found.span.end <= len(text)
        for note in (*found.notes, *found.calls):
            assert 0 <= note.span.start <= note.span.end <= len(text)
        rendered = found.render()
        assert rendered.startswith(f"error[{found.code}]")
        assert not [c for c in rendered if c != "\n" and unicodedata.category(c)[0] == "C"]
        assert found.to_json()["place"]["line"] <= text.count("\n") + 1


@examples(300)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    check(text)


@examples(600)
@given(soups())
def test_words_of_the_language_in_any_order(text: str) -> None:
    check(text)


@examples(400)
@given(mutations())
def test_a_spec_that_was_damaged(text: str) -> None:
    check(text)
