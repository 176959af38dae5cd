"""The kinds of argument that settings of training take, beside those of layers."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, Strict

from archdsl.ir.fields import Positive, Real, Wants, Width

_Items = TypeVar("_Items", bound=tuple[float, ...])


def _rising(values: _Items) -> _Items:
    if any(a >= b for a, b in pairwise(values)):
        raise ValueError("each number is greater than the one before it")
    return values


def _in_order(values: _Items) -> _Items:
    if any(a > b for a, b in pairwise(values)):
        raise ValueError("the first number is the least")
    return values


_NAME = "[A-Za-z_][A-Za-z0-9_]*"

TEXT = Wants("a text in double quotes")
Text = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]+$"),
    TEXT,
]
EntryPoint = Annotated[
    str,
    Strict(),
    Field(max_length=200, pattern=rf"^{_NAME}(\.{_NAME})*:{_NAME}$"),
    Wants('a function of a module, "package.module:function"'),
]
Path = Annotated[
    str,
    Strict(),
    Field(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$"),
    Wants('a path such as layer3 or "layer3.0"', "word"),
]
Paths = Annotated[
    tuple[Path, ...],
    Field(max_length=100),
    Wants('up to 100 paths such as layer3 or "layer3.0"', "word"),
]
OutputName = Annotated[
    str, Strict(), Field(pattern=rf"^{_NAME}$"), Wants("the name of an output", "word")
]
Multiple = Annotated[
    float,
    Strict(),
    Field(gt=0, allow_inf_nan=False),
    Wants("a multiple greater than 0, such as 0.1x", "multiple"),
]
NotNegative = Annotated[
    float, Strict(), Field(ge=0, allow_inf_nan=False), Wants("a number of at least 0")
]
Share = Annotated[float, Strict(), Field(ge=0, le=1), Wants("a number from 0 to 1")]
Fraction = Annotated[float, Strict(), Field(gt=0, lt=1), Wants("a number between 0 and 1")]
Turn = Annotated[float, Strict(), Field(ge=0, le=0.5), Wants("turns from 0 to 0.5")]
Magnitude = Annotated[int, Strict(), Field(ge=0, le=30), Wants("an integer from 0 to 30")]
Iterations = Annotated[int, Strict(), Field(ge=1, le=20), Wants("an integer from 1 to 20")]
Interval = Annotated[
    tuple[Positive, Positive],
    AfterValidator(_in_order),
    Wants("two numbers greater than 0, the lower first, such as [0.5, 1]", "list"),
]
Betas = Annotated[
    tuple[
        Annotated[float, Strict(), Field(ge=0, lt=1)], Annotated[float, Strict(), Field(ge=0, lt=1)]
    ],
    Wants("two numbers from 0 to below 1, such as [0.9, 0.999]", "list"),
]
Milestones = Annotated[
    tuple[Width, ...],
    Field(min_length=1),
    AfterValidator(_rising),
    Wants("rising integers such as [30, 60, 80]", "list"),
]
Positives = Annotated[
    tuple[Positive, ...], Field(min_length=1), Wants("a list of numbers greater than 0", "list")
]
Reals = Annotated[tuple[Real, ...], Field(min_length=1), Wants("a list of numbers", "list")]
