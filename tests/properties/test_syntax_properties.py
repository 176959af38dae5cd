"""Text and syntax tree: printing and parsing undo each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from strategies import (
    SPECS,
    bare,
    examples,
    expressions,
    mutations,
    networks,
    operations,
    soups,
    specs,
)

import archdsl
from archdsl.errors import ParseError
from archdsl.ir import Graph
from archdsl.source import Source
from archdsl.syntax import ast, parse, parse_value
from archdsl.syntax.formatter import format_spec
from archdsl.syntax.printer import print_expr, print_spec


@examples(300)
@given(specs)
def test_print_then_parse_gives_the_tree(spec: ast.Spec) -> None:
    text = print_spec(spec)
    assert bare(parse(Source(text))) == bare(spec)


@examples(1000)
@given(expressions(4) | operations(3))
def test_print_then_parse_gives_the_expression(expr: ast.Expr) -> None:
    assert bare(parse_value(print_expr(expr), "test")) == bare(expr)


@examples(500)
@given(soups() | mutations())
def test_whatever_parses_can_be_printed(text: str) -> None:
    """Words in places where only the parser would let them stand."""
    try:
        spec = parse(Source(text))
    except ParseError:
        return
    assert bare(parse(Source(print_spec(spec)))) == bare(spec)


@pytest.mark.parametrize("name", SPECS)
def test_the_zoo_can_be_printed(name: str) -> None:
    spec = parse(Source(SPECS[name]))
    text = print_spec(spec)
    assert bare(parse(Source(text))) == bare(spec)
    assert print_spec(parse(Source(text))) == text


@examples(50)
@given(networks())
def test_the_printed_text_means_the_same(text: str) -> None:
    printed = print_spec(parse(Source(text)))
    assert meaning(archdsl.parse(printed).graph) == meaning(archdsl.parse(text).graph)


def meaning(graph: Graph) -> list[object]:
    """What a graph computes, and what it calls things; not where they were written."""
    kept = {"path", "op", "inputs", "shape", "scope", "init", "shares"}
    return [node.model_dump(include=kept) for node in graph.nodes]


@examples(300)
@given(soups() | mutations() | networks())
def test_formatting_keeps_the_meaning_and_settles(text: str) -> None:
    try:
        tree = parse(Source(text))
    except ParseError:
        return
    once = format_spec(Source(text))
    assert bare(parse(Source(once))) == bare(tree)
    assert format_spec(Source(once)) == once
