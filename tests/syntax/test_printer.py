"""The canonical text: one layout, and no parentheses that change nothing."""

from __future__ import annotations

import pytest

from archdsl.source import Source
from archdsl.syntax import parse, parse_value
from archdsl.syntax.printer import print_expr, print_spec


def printed(text: str) -> str:
    return print_spec(parse(Source(text)))


def test_statements() -> None:
    text = (
        'param n=2*3; let w = [ 1,2 ];block unit width stride=1{conv 3x3   width\n'
        "residual{a|b;c}}\n"
        "network big=unit 3 stride = n - 1;network small { input 3 }\n"
        "stem : unit 64 x3; { relu } x n as i\n@stem;concat { |a| }; {}\n"
        "if n>1{a}else if not n == 0 or n<2{b}\nelse{c}\n"
        "expect n>=2 and n != 3,m(a.0.b , k = 1)==1 # why"
    )  # fmt: skip
    assert printed(text) == (
        "param n = 2*3\n"
        "let w = [1, 2]\n"
        "block unit width stride=1 {\n"
        "  conv 3x3 width\n"
        "  residual {\n"
        "    a\n"
        "  | b\n"
        "    c\n"
        "  }\n"
        "}\n"
        "network big = unit 3 stride=n-1\n"
        "network small {\n"
        "  input 3\n"
        "}\n"
        "stem: unit 64 x3\n"
        "{\n"
        "  relu\n"
        "} x n as i\n"
        "@stem\n"
        "concat {\n"
        "| a\n"
        "|\n"
        "}\n"
        "{\n"
        "}\n"
        "if n > 1 {\n"
        "  a\n"
        "} else if not n == 0 or n < 2 {\n"
        "  b\n"
        "} else {\n"
        "  c\n"
        "}\n"
        'expect n >= 2 and n != 3, m("a.0.b", k=1) == 1\n'
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("((a)) + (b * c)", "a + b*c"),
        ("(a + b) * c", "(a + b)*c"),
        ("a - (b - c)", "a - (b - c)"),
        ("(a - b) - c", "a - b - c"),
        ("a ** (b ** c)", "a**b**c"),
        ("(a ** b) ** c", "(a**b)**c"),
        ("-(a ** b)", "-a**b"),
        ("(-a) ** b", "(-a)**b"),
        ("a ** (-b)", "a**-b"),
        ("-(a + b)", "-(a + b)"),
        ("not (a and b)", "not (a and b)"),
        ("(not a) and b", "not a and b"),
        ("a and (b and c)", "a and (b and c)"),
        ("(a == b) == c", "(a == b) == c"),
        ("(a + b)[0]", "(a + b)[0]"),
        ('("ab")[0]', '("ab")[0]'),
        ("(min(a, (b)))", "min(a, b)"),
        ("[(a), ((b))]", "[a, b]"),
        ("a if (b) else (c if d else e)", "a if b else c if d else e"),
        ("(a if b else c) + 1", "(a if b else c) + 1"),
        ("(unit width=(3) stride=(a + b))", "(unit width=3 stride=a+b)"),
        ('"a \\"b\\" \\\\"', '"a \\"b\\" \\\\"'),
        ("1_000", "1000"),
        ("1.50", "1.5"),
        ("1e-05", "1e-5"),
        ("1e+16", "1e16"),
        ("100.0", "100.0"),
        ("0.1x", "0.1x"),
        ("3x224x224", "3x224x224"),
        ("true", "true"),
    ],
)
def test_expressions(text: str, expected: str) -> None:
    assert print_expr(parse_value(text, "test")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f (a + b) (c*d)", "f a+b c*d"),
        ("f (8 - 1)", "f 8-1"),
        ("f 8 (-1)", "f 8 (-1)"),
        ("f (-1) 8", "f -1 8"),
        ("f n=(-1) (-1)", "f n=-1 (-1)"),
        ("f 8 (-1 + n)", "f 8 (-1 + n)"),
        ("f (a == b) n=(a and b)", "f (a == b) n=(a and b)"),
        ("f (x3) (x) n=x3", "f (x3) (x) n=x3"),
        ("f (x + 1) (1 + x)", "f (x + 1) 1+x"),
        ("f (xy)", "f xy"),
        ("f a[0] [0]", "f a[0] [0]"),
        ("f x (n)", "f x n"),
        ("f x (n + 1)", "f x (n + 1)"),
        ("f x 3", "f x3"),
        ("f x (x3) as x", "f x x3 as x"),
    ],
)
def test_arguments(text: str, expected: str) -> None:
    assert printed(text) == f"{expected}\n"
