"""What the property tests draw: syntax trees, networks that compile, and any text at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from random_networks import networks as networks

from archdsl.analyses.expectations import QUANTITIES
from archdsl.elaborate.statements import STATEMENTS
from archdsl.ir.op import registry
from archdsl.ir.training import vocabulary
from archdsl.source import Source, Span
from archdsl.syntax import ast

SPECS = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parents[1] / "specs").glob("*.arch"))
}
SOURCE = Source("")
SPAN = Span(SOURCE, 0, 0)


def bare(node: Any) -> Any:
    """A syntax tree without its places: two texts that say the same have the same."""
    if isinstance(node, tuple):
        return tuple(bare(n) for n in node)
    if is_dataclass(node):
        kept = [f.name for f in fields(node) if f.name not in ("span", "name_span", "source")]
        return type(node).__name__, *(bare(getattr(node, name)) for name in kept)
    return type(node).__name__, node


def examples(number: int) -> settings:
    """How many examples a test looks at; the profile `search` looks at more."""
    more = 20 if settings.get_current_profile_name() == "search" else 1
    return settings(max_examples=number * more)


# Syntax trees over the whole language

KEYWORDS = ["param", "let", "block", "network", "if", "else", "expect", "true", "false", "not"]
ANYWHERE = [
    "x",
    "x3",
    "x12",
    "xy",
    "as",
    "and",
    "or",
    "a",
    "conv",
    "residual",
    "width",
    "_",
    "in_2",
]

words = st.one_of(
    st.sampled_from(ANYWHERE), st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
).filter(lambda word: word not in KEYWORDS)
any_words = words | st.sampled_from(KEYWORDS)  # where no other word can stand
formal_words = words.filter(lambda w: not re.fullmatch("x[0-9]*|as|and|or", w))

_TEXT = st.characters(exclude_characters="\n", exclude_categories=("Cs",))
literals = st.one_of(
    st.integers(0, 10**18 - 1),
    st.integers(0, 12),
    st.floats(0, allow_infinity=False, allow_nan=False),
    st.sampled_from([0.5, 1e-5, 1e16, 3.0]),
    st.booleans(),
    st.text(_TEXT, max_size=12) | st.sampled_from(['"', "\\", '\\"', "#", "; x3", "{"]),
    st.lists(st.integers(0, 999), min_size=2, max_size=4).map(tuple),
    st.builds(ast.Multiple, st.floats(0, allow_infinity=False) | st.sampled_from([1.0, 0.1, 1e-7])),
).map(lambda value: ast.Literal(value, SPAN))

_BINARY = ["+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "and", "or"]


@cache
def expressions(depth: int = 3) -> st.SearchStrategy[ast.Expr]:
    """Expressions of at most `depth` levels: few enough operators for one statement."""
    leaf = st.one_of(literals, words.map(lambda word: ast.Name(word, SPAN)))
    if depth == 0:
        return leaf
    inner = expressions(depth - 1)
    few = st.lists(inner, max_size=2).map(tuple)
    return st.one_of(
        leaf,
        st.builds(ast.List, few, st.just(SPAN)),
        st.builds(ast.Unary, st.sampled_from(["-", "not"]), inner, st.just(SPAN)),
        st.builds(ast.Binary, st.sampled_from(_BINARY), inner, inner, st.just(SPAN)),
        st.builds(ast.Index, inner, inner, st.just(SPAN)),
        st.builds(ast.Apply, words, few, st.just(()) | _named(inner), st.just(SPAN)),
        st.builds(ast.Conditional, inner, inner, inner, st.just(SPAN)),
        st.builds(ast.Partial, words, st.just(SPAN), _named(inner), st.just(SPAN)),
    )


@cache
def operations(depth: int) -> st.SearchStrategy[ast.Expr]:
    """Operators inside operators, where every pair of them can meet."""
    leaf = st.sampled_from(["a", "x", "x3"]).map(lambda word: ast.Name(word, SPAN))
    if depth == 0:
        return leaf
    inner = operations(depth - 1)
    binary = st.builds(ast.Binary, st.sampled_from(_BINARY), inner, inner, st.just(SPAN))
    unary = st.builds(ast.Unary, st.sampled_from(["-", "not"]), inner, st.just(SPAN))
    chosen = st.builds(ast.Conditional, inner, inner, inner, st.just(SPAN))
    return st.one_of(leaf, binary, binary, binary, unary, chosen)


def _named(values: st.SearchStrategy[ast.Expr]) -> st.SearchStrategy[tuple[ast.Argument, ...]]:
    """Arguments by name, as `(bottleneck groups=32)` has them."""
    one = st.builds(ast.Argument, any_words, values, st.just(SPAN))
    return st.lists(one, min_size=1, max_size=2).map(tuple)


@cache
def statements(depth: int) -> st.SearchStrategy[ast.Statement]:
    """Statements with braces up to `depth` deep."""
    value = expressions() | operations(3)
    choices: list[st.SearchStrategy[Any]] = [
        st.builds(ast.Step, labels, calls(0) | references, repeats, st.just(SPAN)),
        st.builds(ast.Param, any_words, value, st.just(SPAN)),
        st.builds(ast.Let, any_words, value, st.just(SPAN)),
        st.builds(ast.Expect, st.lists(value, min_size=1, max_size=3).map(tuple), st.just(SPAN)),
        st.builds(ast.Network, any_words, calls(depth, most=1), st.just(SPAN)),
    ]
    if depth:
        formals = st.lists(st.builds(ast.Formal, formal_words, st.none() | value, st.just(SPAN)))
        groups = st.builds(ast.Group, bodies(depth), st.just(SPAN))
        choices += [
            st.builds(ast.Step, labels, calls(depth) | groups, repeats, st.just(SPAN)),
            st.builds(ast.Block, any_words, formals.map(tuple), bodies(depth), st.just(SPAN)),
            st.builds(ast.Network, any_words, bodies(depth), st.just(SPAN)),
            conditionals(depth, 2),
        ]
    return st.one_of(choices)


labels = st.none() | any_words.map(lambda word: ast.Name(word, SPAN))
references = st.builds(ast.Reference, any_words, st.just(SPAN))
repeats = st.none() | st.builds(ast.Repeat, expressions(), st.none() | any_words, st.just(SPAN))
_arguments = st.builds(
    ast.Argument, st.none() | any_words, expressions() | operations(2), st.just(SPAN)
)


@cache
def flows(depth: int) -> st.SearchStrategy[ast.Flow]:
    inner = st.lists(statements(depth), max_size=3).map(tuple)
    return st.builds(ast.Flow, inner, st.just(SPAN))


@cache
def bodies(depth: int, most: int = 1) -> st.SearchStrategy[ast.Body]:
    """Braces with one to `most` branches."""
    inner = st.lists(flows(depth - 1), min_size=1, max_size=most).map(tuple)
    return st.builds(ast.Body, inner, st.just(SPAN))


@cache
def calls(depth: int, most: int = 3) -> st.SearchStrategy[ast.Call]:
    body = st.none() | bodies(depth, most) if depth else st.none()
    given = st.lists(_arguments, max_size=4).map(tuple)
    return st.builds(ast.Call, words, st.just(SPAN), given, body, st.just(SPAN))


@cache
def conditionals(depth: int, elses: int) -> st.SearchStrategy[ast.If]:
    otherwise = st.none() | bodies(depth)
    if elses:
        otherwise |= conditionals(depth, elses - 1)
    return st.builds(ast.If, expressions(), bodies(depth), otherwise, st.just(SPAN))


specs = st.builds(ast.Spec, flows(3), st.just(SOURCE))


# Text that may be anything

_SIGNS = ["{", "}", "(", ")", "[", "]", "|", ";", "\n", ",", "=", "==", "<=", "<", "+", "-", "*"]
_SIGNS += ["/", "//", "%", "**", "@", ":", "#", '"', "'", ".", "\\", "\t", "\r\n", "\0", "é"]
_NUMBERS = ["0", "1", "2", "3", "7", "64", "-1", "0.5", "1e-4", "9" * 25, "1_0", "3x3", "3x8x8"]
_NUMBERS += ["0x0", "1x7", "x2", "x0", "x(2)", "x 3 as i", '"text"', "[1, 2]", "true", "false"]
_WORDS = [
    *KEYWORDS,
    *ANYWHERE,
    "i",
    "channels",
    "sum",
    "len",
    "range",
    "min",
    "round",
    "he",
    "bias",
]
_WORDS += [
    "0.1x",
    "(relu",
    "(conv bias=false)",
    "if",
    "else",
    "stride=2",
    "pad=0",
    "a:",
    "b:",
    "width=",
    "init=he",
    "when=",
    "normal",
    "same",
]
_CALLS = [*registry(), *STATEMENTS]
_TRAINING = [word for setting, choices in vocabulary().items() for word in (setting, *choices)]

_EXPECTED = ["expect", "a.0.conv1", "conv1", "batch=2", *QUANTITIES, *(f"{q}(" for q in QUANTITIES)]

tokens = st.one_of(map(st.sampled_from, (_SIGNS, _NUMBERS, _WORDS, _CALLS, _TRAINING, _EXPECTED)))


TRAIN = "input 3x8x8; gap; head: fc 4\ntrain { "


@st.composite
def soups(draw: Callable[..., Any]) -> str:
    """Words of the language in any order."""
    start = draw(st.sampled_from(["", "input 3x8x8\n", "block b n=1 { ", "input 9; fc ", TRAIN]))
    found = draw(st.lists(st.tuples(tokens, st.sampled_from([" ", " ", "", "\n"])), max_size=40))
    return start + "".join(token + gap for token, gap in found)


_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


@st.composite
def mutations(draw: Callable[..., Any]) -> str:
    """A spec of the zoo with some words taken out, doubled, moved or replaced."""
    parts = _TOKEN.findall(draw(st.sampled_from(list(SPECS.values()))))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(parts) - 1))
        match draw(st.sampled_from(["drop", "double", "swap", "replace", "insert", "cut"])):
            case "drop":
                del parts[at]
            case "double":
                parts.insert(at, parts[at])
            case "swap":
                other = draw(st.integers(0, len(parts) - 1))
                parts[at], parts[other] = parts[other], parts[at]
            case "replace":
                parts[at] = draw(tokens)
            case "insert":
                parts.insert(at, draw(tokens))
            case _:
                del parts[at : at + draw(st.integers(1, 30))]
        parts = parts or [" "]
    return "".join(parts)
