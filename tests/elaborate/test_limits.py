"""Hostile specs: every expansion has a limit, an error of its own, and is quick about it."""

from __future__ import annotations

import pytest
from texts import errors

from archdsl.elaborate import Limits, elaborate
from archdsl.errors import SpecError
from archdsl.source import Source
from archdsl.syntax import parse

IN = "input 4x8x8\n"


def codes(text: str, **limits: int) -> list[str]:
    try:
        elaborate(parse(Source(text)), limits=Limits(**limits))
    except SpecError as error:
        return [d.code for d in error.diagnostics]
    return []


def test_layers() -> None:
    assert codes(f"{IN}relu x10", layers=10) == []
    assert codes(f"{IN}relu x10; bn", layers=10) == ["A501"]
    assert codes(f"{IN}{{ relu x5 }} x3", layers=10) == ["A501"]
    assert codes(f"{IN}concat 11 {{ relu }}", layers=10) == ["A501"]


def test_statements_that_make_no_layer() -> None:
    assert codes(f"{IN}relu; {{ let n = 3 }} x2", steps=10) == []
    assert codes(f"{IN}relu; {{ let n = 3 }} x10", steps=10) == ["A501"]
    assert codes(f"{IN}relu; {{ relu x0 }} x10", steps=10) == ["A501"]


@pytest.mark.timeout(60)
def test_blocks_that_double() -> None:
    """2^30 calls, each of which does nothing."""
    blocks = "".join(f"block b{i} {{ b{i + 1}; b{i + 1} }}\n" for i in range(30))
    assert errors(f"{blocks}block b30 {{ }}\n{IN}relu; b0")[0][:4] == "A501"


@pytest.mark.timeout(60)
def test_repetitions_that_multiply() -> None:
    text = "let n = 3"
    for _ in range(10):
        text = f"{{ {text} }} x1000"
    assert errors(f"{IN}relu; {text}")[0][:4] == "A501"


LISTS = f"let a = range(10000)\n{IN}relu\n"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        f"{LISTS}block b list=range(10000) {{ }}\nb x99999",
        f"{LISTS}{{ let b = a + [] }} x99999",
        f"{LISTS}{{ let b = a == a }} x99999",
        f"{LISTS}{{ if {' + '.join(['sum(a)'] * 50)} > 3 {{ relu }} }} x99999",
        f"block b {' '.join(f'a{i}=1' for i in range(5000))} {{ }}\n{IN}relu\nb x99999",
        f"{IN}{'default conv bias=false; ' * 10000}relu x99999",
        f"{IN}a: relu\n{' '.join(f'l{i}: relu;' for i in range(5000))}\nreuse a x99999",
    ],
    ids=["arguments", "sums", "comparisons", "functions", "parameters", "defaults", "labels"],
)
def test_values_that_are_handled_again_and_again(text: str) -> None:
    """Each statement is cheap to write and dear to carry out: its values count."""
    assert [e[:4] for e in errors(text)] == ["A501"]


def test_defaults_inside_one_another() -> None:
    """Each holds the one before twice; written out the last would have 2^59."""
    text = "block u a=1 b=1 { relu }\nlet v0 = (u a=1)\n"
    text += "".join(f"let v{i} = (u a=v{i - 1} b=v{i - 1})\n" for i in range(1, 60))
    assert errors(f"{text}param p = v59\n{IN}relu")[0][:4] == "A504"


def test_depth() -> None:
    assert codes(IN + "{ " * 9 + "relu" + " }" * 9, depth=10) == []
    assert codes(IN + "{ " * 11 + "relu" + " }" * 11, depth=10) == ["A502"]
    blocks = "".join(f"block b{i} {{ b{i + 1} }}\n" for i in range(60))
    assert codes(f"{blocks}block b60 {{ relu }}\n{IN}b0") == ["A502"]


def test_errors_told_in_one_run() -> None:
    text = IN + "".join(f"relu {i}\n" for i in range(50))
    assert codes(text) == ["A404"] * 20
    assert codes(text, errors=3) == ["A404"] * 3


def test_tensors_that_fit_no_machine() -> None:
    big = 2**31 - 1
    assert errors(f"input {big}x{big}x{big}\nrelu") == ["A503 at relu"]
    assert errors(f"input 4x8x8\nfc {big}; fc {big}; fc {big}") == []  # counted, not built


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("fc " + "9" * 400, "A503"),
        ("fc 1e999", "A503"),
        ("fc 10**18 * 100", "A503"),
        ("fc 2147483648", "A403"),
        ("conv 2147483648x3 4", "A403"),
        ("fc " + "n" * 101, "A504"),
        (f'conv 3x3 pad="{"a" * 2000}"', "A504"),
        ("conv 3x3 x(10**9)", "A501"),
        ("fc (" + "1 + " * 101 + "1)", "A104"),
        ("fc (" + "1 +\n" * 101 + "1)", "A104"),
        ("fc " + "min(1, 2) + " * 101 + "1", "A104"),
        ("fc " + "-" * 101 + "1", "A104"),
        ("fc a" + "[0]" * 101, "A104"),
        ("fc " + "(" * 51 + "1" + ")" * 51, "A104"),
        ("fc " + "[" * 51 + "1" + "]" * 51, "A104"),
        ("{" * 100_000, "A104"),
        ("{" * 100_000 + "}" * 100_000, "A104"),
        ("if true { relu }" + " else if true { relu }" * 51, "A104"),
        ("if true {\nrelu }" + " else if true {\nrelu }" * 51, "A104"),
        ("if true { relu }" + "\nelse if true { relu }" * 51, "A104"),
        ("if true { relu } else { " * 51 + "relu" + " }" * 51, "A104"),
    ],
    ids=lambda text: text[:24].split("\n")[0],
)
@pytest.mark.timeout(20)
def test_what_is_too_much(text: str, code: str) -> None:
    assert [e[:4] for e in errors(f"{IN}{text}")] == [code]


def test_the_largest_that_is_allowed_compiles() -> None:
    """Every bound at once, so that no recursion is deeper than the bounds allow for."""
    deep = "residual { " * 38 + "conv 3x3 (4" + "*1" * 99 + ")" + " }" * 38
    assert errors(IN + deep) == []
    chain = "if false { relu }" + " else if false { relu }" * 48 + " else { "
    assert errors(f"{IN}relu; {'{ ' * 30}{chain}bn{' }' * 31}") == []
