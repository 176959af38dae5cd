"""Expressions: every operator and function, what they refuse, and their bounds."""

from __future__ import annotations

from typing import Any

import pytest

from archdsl.elaborate.expressions import Context, evaluate
from archdsl.elaborate.values import Scope
from archdsl.errors import SpecError
from archdsl.source import Source, Span
from archdsl.syntax import parse_value

NAMES: dict[str, Any] = {"n": 5, "half": 0.5, "yes": True, "depths": [3, 4, 6, 3], "size": (1, 7)}


def value(text: str) -> Any:
    scope = Scope()
    for name, given in NAMES.items():
        scope.define(name, given, Span(Source(""), 0, 0))
    return evaluate(parse_value(text, "test"), Context(scope, True, (64, 7, 7)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # literals
        ("64", 64),
        ("1_000", 1000),
        ("007", 7),
        ("0.5", 0.5),
        ("1e-4", 0.0001),
        ("2.5E+1", 25.0),
        ("true", True),
        ("false", False),
        ('"same"', "same"),
        (r'"a \"b\" \\ c"', 'a "b" \\ c'),
        ("3x224x224", (3, 224, 224)),
        ("[1, 2.0, [3]]", [1, 2.0, [3]]),
        ("[1, 2,]", [1, 2]),
        ("[]", []),
        ("channels", 64),
        # arithmetic
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("10 - 3 - 2", 5),
        ("7 / 2", 3.5),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("7 % 3", 1),
        ("-7 % 3", 2),
        ("2 ** 10", 1024),
        ("2 ** 3 ** 2", 512),
        ("2 ** -1", 0.5),
        ("-2 ** 2", -4),
        ("- -n", 5),
        ("2 * half", 1.0),
        ("channels//2", 32),
        ("4*n - 1", 19),
        ("[1] + [2, 3]", [1, 2, 3]),
        # comparisons and logic
        ("n == 5", True),
        ("n != 5", False),
        ("n == 5.0", True),
        ("3 < 4", True),
        ("4 <= 4", True),
        ("3 > 4", False),
        ("3 >= 4", False),
        ('"a" == "a"', True),
        ("[1, 2] == [1, 2]", True),
        ("3x3 == 3x3", True),
        ("not yes", False),
        ("not n == 4", True),
        ("yes and not yes", False),
        ("yes or 1 // 0 == 0", True),
        ("not yes and 1 // 0 == 0", False),
        ("true or false and false", True),
        ("3 if yes else 4", 3),
        ("3 if n > 9 else 4 if n > 7 else 5", 5),
        ("1 // 0 if not yes else 2", 2),
        # indexing
        ("depths[0]", 3),
        ("depths[-1]", 3),
        ("depths[n - 3]", 6),
        ("size[1]", 7),
        ("[[1, 2], [3]][0][1]", 2),
        # functions
        ("min(3, 1, 2)", 1),
        ("min(depths)", 3),
        ("max(depths)", 6),
        ("max(1, 2.5)", 2.5),
        ("round(2.6)", 3),
        ("round(2.5)", 2),
        ("round(0.125, 2)", 0.12),
        ("round(1234, -2)", 1200),
        ("floor(2.7)", 2),
        ("floor(-2.1)", -3),
        ("ceil(2.1)", 3),
        ("sum(depths)", 16),
        ("sum([])", 0),
        ("len(depths)", 4),
        ("len(size)", 2),
        ("range(3)", [0, 1, 2]),
        ("range(1, 4)", [1, 2, 3]),
        ("range(6, 0, -2)", [6, 4, 2]),
        ("len(range(10000))", 10_000),
    ],
)
def test_values(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        # no value
        ("1 // 0", "A406", "1 // 0"),
        ("1 / 0.0", "A406", "1 / 0.0"),
        ("1 % 0", "A406", "1 % 0"),
        ("0 ** -1", "A406", "0 ** -1"),
        ("(-8) ** 0.5", "A406", "(-8) ** 0.5"),
        ('"a" + "b"', "A406", '"a" + "b"'),
        ("true + 1", "A406", "true + 1"),
        ("[1] * 2", "A406", "[1] * 2"),
        ("3x3 + 1", "A406", "3x3 + 1"),
        ("-yes", "A406", "-yes"),
        ("depths < 3", "A406", "depths < 3"),
        ("n[0]", "A406", "n"),
        ("depths[4]", "A406", "4"),
        ("depths[-5]", "A406", "-5"),
        ("depths[half]", "A406", "half"),
        ("depths[yes]", "A406", "yes"),
        ("[][0]", "A406", "0"),
        ("min([])", "A406", "min([])"),
        ("min()", "A406", "min()"),
        ('max("ab")', "A406", 'max("ab")'),
        ("sum(3)", "A406", "sum(3)"),
        ("len(3)", "A406", "len(3)"),
        ("len()", "A406", "len()"),
        ("range()", "A406", "range()"),
        ("range(2.0)", "A406", "range(2.0)"),
        ("range(1, 2, 0)", "A406", "range(1, 2, 0)"),
        ("round(1.5, 0.5)", "A406", "round(1.5, 0.5)"),
        ("floor(1, 2)", "A406", "floor(1, 2)"),
        # conditions
        ("n and yes", "A403", "n"),
        ("yes and n", "A403", "n"),
        ("not n", "A403", "n"),
        ("3 if n else 4", "A403", "n"),
        # names
        ("nn", "A302", "nn"),
        ("maxx(1, 2)", "A302", "maxx(1, 2)"),
        # too large
        ("2 ** 63", "A503", "2 ** 63"),
        ("10 ** 10 ** 10", "A503", "10 ** 10 ** 10"),
        ("9 ** 9 ** 9 ** 9", "A503", "9 ** 9 ** 9"),
        ("10**17 * 10**17", "A503", "10**17 * 10**17"),
        ("1e300 * 1e300", "A503", "1e300 * 1e300"),
        ("10.0 ** 400", "A503", "10.0 ** 400"),
        ("floor(1e300)", "A503", "floor(1e300)"),
        ("range(10001)", "A504", "range(10001)"),
        ("range(10 ** 18)", "A504", "range(10 ** 18)"),
        ("range(-9 * 10**18, 9 * 10**18)", "A504", "range(-9 * 10**18, 9 * 10**18)"),
        ("range(10000) + [0]", "A504", "range(10000) + [0]"),
        ("[range(5000), range(5000)]", "A504", "[range(5000), range(5000)]"),
    ],
)  # fmt: skip
def test_what_has_no_value(text: str, code: str, at: str) -> None:
    with pytest.raises(SpecError) as caught:
        value(text)
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert (found.code, found.span.text) == (code, at)


@pytest.mark.timeout(5)
@pytest.mark.parametrize("text", ["round(25, -10**18)", "round(2.5, 10**18)", "round(25, -400)"])
def test_rounding_is_bounded(text: str) -> None:
    assert value(text) in (0, 2.5)


@pytest.mark.timeout(20)
def test_lists_of_lists_stay_small() -> None:
    """Each doubles the one before: sharing must not hide 2^60 items."""
    import archdsl
    from archdsl.errors import ArchError

    lines = ["let a0 = [1, 1]", *(f"let a{i} = [a{i - 1}, a{i - 1}]" for i in range(1, 60))]
    with pytest.raises(ArchError) as caught:
        archdsl.parse("\n".join([*lines, "param last = a59", "input 3; relu"]))
    assert caught.value.diagnostics[0].code == "A504"


def test_no_attributes_and_no_calls_of_anything_else() -> None:
    for text in ("n.real", "depths.append(1)", '__import__("os")', "eval(1)", "open(1)"):
        with pytest.raises(Exception) as caught:
            value(text)
        assert type(caught.value).__name__ in ("SpecError", "ParseError"), text
