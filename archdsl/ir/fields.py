"""The kinds of argument that layers take, each with the words that an error uses for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Strict

MAX_SIDE = 2**31  # of a kernel, a width: what the frameworks' 32-bit integers hold


@dataclass(frozen=True)
class Wants:
    """What an argument wants, in words, and how a spec writes it where that is not as a value.

    A "word" may go without quotes, a "list" has brackets even where it could be read as a size,
    and a "multiple" is a number with an x behind it, `0.1x`.
    """

    words: str
    form: Literal["value", "word", "list", "multiple"] = "value"


def _square(value: Any) -> Any:
    """An integer where a size is expected is a square."""
    return (value, value) if isinstance(value, int) and not isinstance(value, bool) else value


def _alone(value: Any) -> Any:
    """An integer where a shape is expected is a vector's."""
    return (value,) if isinstance(value, int) and not isinstance(value, bool) else value


_Positive = Annotated[int, Strict(), Field(ge=1, lt=MAX_SIDE)]
_Natural = Annotated[int, Strict(), Field(ge=0, lt=MAX_SIDE)]

Width = Annotated[_Positive, Wants("an integer of at least 1")]
Count = Annotated[_Natural, Wants("an integer of at least 0")]
Size = Annotated[
    tuple[_Positive, _Positive],
    BeforeValidator(_square),
    Wants("a size such as 3 or 3x3, its sides at least 1"),
]
MARGIN = Wants("a size such as 1 or 0x3")
Margin = Annotated[tuple[_Natural, _Natural], BeforeValidator(_square), MARGIN]
Extent = Annotated[
    tuple[_Positive, ...],
    Field(min_length=1, max_length=3),
    BeforeValidator(_alone),
    Wants("a shape such as 64x7x7, 16x64 or 512, its sides at least 1"),
]
Flag = Annotated[bool, Strict(), Wants("true or false")]
Real = Annotated[float, Strict(), Field(allow_inf_nan=False), Wants("a number")]
Positive = Annotated[
    float, Strict(), Field(gt=0, allow_inf_nan=False), Wants("a number greater than 0")
]
Probability = Annotated[float, Strict(), Field(ge=0, lt=1), Wants("a number from 0 to below 1")]
