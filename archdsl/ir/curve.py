"""Functions of one value, as activations are: what their shape says of a network.

A layer gives the function itself; its range, slopes and moments are computed from it here, so that
none of them can disagree with what the layer does.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import exp, inf, pi, sqrt

from archdsl.ir.signal import Signal

STANDARD = Signal(0.0, 1.0)
_STEP = 1 / 64
_GRID = [i * _STEP for i in range(-40 * 64, 40 * 64 + 1)]
_FAR = 1e4
_TOLERANCE = 1e-9

# Standard normal values with their weights: a sum over them is an expectation, good to 1e-3.
_NORMAL = [(i / 8, exp(-((i / 8) ** 2) / 2) / sqrt(2 * pi) / 8) for i in range(-64, 65)]


@dataclass(frozen=True, eq=False)
class Curve:
    """A function of one value.

    Numbers are sampled at steps of 1/64 from -40 to 40, and at ±10,000 and ±20,000 to tell a limit
    from growth; kinks and extremes of activations lie well inside.
    """

    of: Callable[[float], float]
    _known: dict[tuple[float, float], Signal] = field(
        default_factory=dict[tuple[float, float], Signal], repr=False
    )

    _kept: dict[tuple[float, float], bool] = field(
        default_factory=dict[tuple[float, float], bool], repr=False
    )

    @cached_property
    def _values(self) -> list[float]:
        return [self.of(x) for x in _GRID]

    @cached_property
    def range(self) -> tuple[float, float]:
        """The lower and the upper bound of its values, infinite where it grows without end.

        A bound reached in between is exact to 1e-4.
        """
        low, high = min(self._values), max(self._values)
        for x in (-_FAR, _FAR):
            near, far = self.of(x), self.of(2 * x)
            if abs(far - near) > 1:
                low, high = (low, inf) if far > near else (-inf, high)
            else:
                low, high = min(low, near), max(high, near)
        return low, high

    @cached_property
    def steepest(self) -> float:
        """Its largest slope, up or down."""
        pairs = zip(self._values, self._values[1:], strict=False)
        return max(abs(b - a) for a, b in pairs) / _STEP

    @cached_property
    def saturates(self) -> bool:
        """Whether it levels off on both sides, so that large inputs pass no gradient."""
        ends = (self._values[0] - self._values[64], self._values[-1] - self._values[-65])
        return all(abs(change) < 1e-3 for change in ends)

    def signal(self, x: Signal = STANDARD) -> Signal:
        """What it makes of normal values: a mean square of 1/2 for a ReLU at mean 0, variance 1.

        A layer before it keeps the variance if its weights have variance 1/(fan * mean square)
        (He et al. 2015, section 2.2).
        """
        key = (x.mean, x.variance)
        if key not in self._known:
            deviation = sqrt(x.variance)
            values = [(w, self.of(x.mean + deviation * z)) for z, w in _NORMAL]
            mean_square = sum(w * y * y for w, y in values)
            self._known[key] = Signal.of(sum(w * y for w, y in values), mean_square)
        return self._known[key]

    def mean_square_slope(self, x: Signal = STANDARD) -> float:
        """The mean square of its slope for normal values: the factor that a gradient meets."""
        deviation = sqrt(x.variance)
        h = 1e-4 * max(1.0, abs(x.mean), deviation)
        points = ((x.mean + deviation * z, w) for z, w in _NORMAL)
        return sum(w * ((self.of(p + h) - self.of(p - h)) / (2 * h)) ** 2 for p, w in points)

    def keeps(self, low: float, high: float) -> bool:
        """Whether it gives every value from `low` to `high` as it is."""
        if (low, high) not in self._kept:
            self._kept[low, high] = self._keeps(low, high)
        return self._kept[low, high]

    def _keeps(self, low: float, high: float) -> bool:
        first, last = bisect_left(_GRID, low), bisect_right(_GRID, high)
        inside = [*_GRID[first:last], *(x for x in (low, high) if abs(x) < inf)]
        inside += [x for x in (-_FAR, _FAR) if low <= x <= high]
        return all(abs(self.of(x) - x) <= _TOLERANCE * max(1.0, abs(x)) for x in inside)
