"""Polynomials in one variable with exact coefficients, found from values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

VERIFYING = 3  # values beyond those that determine a polynomial, with which it must agree


@dataclass(frozen=True, slots=True)
class Polynomial:
    """A sum of powers of a variable.

    >>> str(Polynomial("C", (Fraction(0), Fraction(-3), Fraction(17, 16))))
    '17/16*C**2 - 3*C'
    """

    variable: str
    coefficients: tuple[Fraction, ...]
    """Of the powers 0, 1, 2, …; the last is not 0."""

    @property
    def degree(self) -> int:
        return max(0, len(self.coefficients) - 1)

    def __call__(self, x: int) -> Fraction:
        found = Fraction(0)
        for coefficient in reversed(self.coefficients):
            found = found * x + coefficient
        return found

    def __str__(self) -> str:
        """The highest power first, as Python writes it."""
        text = ""
        for power in range(self.degree, -1, -1):
            coefficient = self.coefficients[power] if self.coefficients else Fraction(0)
            if not coefficient:
                continue
            sign = "-" if coefficient < 0 else "+"
            text += f" {sign} {self._term(abs(coefficient), power)}"
        text = text.removeprefix(" + ") or "0"
        return f"-{text[3:]}" if text.startswith(" - ") else text

    def _term(self, coefficient: Fraction, power: int) -> str:
        factor = {0: "", 1: self.variable}.get(power, f"{self.variable}**{power}")
        if not factor:
            return str(coefficient)
        return factor if coefficient == 1 else f"{coefficient}*{factor}"


def through(variable: str, values: Mapping[int, int]) -> Polynomial | None:
    """The polynomial through all values, if fewer of them determine it.

    It agrees with `VERIFYING` values more than it has coefficients; None if there is none such.
    (Newton's divided differences.)

    >>> str(through("n", {n: n * (n + 1) // 2 for n in range(7)}))
    '1/2*n**2 + 1/2*n'
    >>> through("n", {n: n // 2 for n in range(7)})
    """
    places = sorted(values)
    row = [Fraction(values[x]) for x in places]
    newton: list[Fraction] = []
    while row:
        newton.append(row[0])
        order = len(newton)
        row = [(b - a) / (places[i + order] - places[i]) for i, (a, b) in enumerate(pairwise(row))]
    while newton and not newton[-1]:
        newton.pop()
    if len(newton) + VERIFYING > len(places):
        return None
    found: list[Fraction] = []
    for x, coefficient in zip(reversed(places[: len(newton)]), reversed(newton), strict=True):
        found = [  # found * (variable - x) + coefficient
            a - x * b for a, b in zip([Fraction(0), *found], [*found, Fraction(0)], strict=True)
        ]
        found[0] += coefficient
    while found and not found[-1]:
        found.pop()
    return Polynomial(variable, tuple(found))
