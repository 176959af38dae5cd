"""The mean and the variance of values at the start of training, and how sums change them.

They are over examples, channels, positions and the draw of the weights, the values taken as
independent of one another (Glorot & Bengio 2010, section 4.2.1; He et al. 2015, section 2.2).
Neighbours in a picture are not, so an average of them varies more than is said here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import erf, exp, pi, prod, sqrt

from archdsl.ir.shapes import Shape

_MOST = 1e300  # beyond it numbers are not told apart; their squares would be infinite


@dataclass(frozen=True, slots=True)
class Signal:
    """The mean and the variance of a tensor's values, or of a weight's."""

    mean: float = 0.0
    variance: float = 1.0

    @property
    def mean_square(self) -> float:
        return self.mean**2 + self.variance

    @classmethod
    def of(cls, mean: float, mean_square: float) -> Signal:
        """The signal with a mean and a mean square, kept where numbers can be squared."""
        most = sqrt(_MOST)
        mean = max(-most, min(mean, most))
        return cls(mean, max(0.0, min(mean_square, _MOST) - mean**2))

    def scaled(self, factor: float) -> Signal:
        """All values times a number."""
        return Signal.of(self.mean * factor, self.mean_square * factor**2)

    def averaged(self, count: float) -> Signal:
        """Means of so many values."""
        return Signal(self.mean, self.variance / count)


ZERO = Signal(0.0, 0.0)
CUT_AT_TWO = 0.7737413  # the variance of a standard normal value that is drawn again beyond 2


def total(signals: Iterable[Signal]) -> Signal:
    """The sum of tensors."""
    found = list(signals)
    mean = sum(s.mean for s in found)
    return Signal.of(mean, mean**2 + sum(s.variance for s in found))


def product(signals: Iterable[Signal]) -> Signal:
    """The product of tensors."""
    found = list(signals)
    return Signal.of(prod(s.mean for s in found), prod(s.mean_square for s in found))


def mixture(parts: Iterable[tuple[float, Signal]]) -> Signal:
    """Tensors beside one another, each so many values of the whole."""
    found = list(parts)
    whole = sum(n for n, _ in found)
    mean = sum(n * s.mean for n, s in found) / whole
    return Signal.of(mean, sum(n * s.mean_square for n, s in found) / whole)


def weighted_sum(x: Signal, terms: float, weight: Signal, bias: Signal = ZERO) -> Signal:
    """Sums of so many products of a value and a weight, and a bias."""
    mean = terms * x.mean * weight.mean
    spread = weight.variance * x.mean_square + weight.mean**2 * x.variance
    return total((Signal.of(mean, mean**2 + terms * spread), bias))


def meetings(
    count: int, places: int, kernel: int, stride: int, pad: int, dilation: int = 1
) -> float:
    """Pairs of one of `count` windows and one of its taps that is not in the padding.

    Window i has tap j at i*stride + j*dilation - pad, which lies inside from 0 to `places` - 1.
    """
    pairs = 0
    for tap in range(kernel):
        offset = tap * dilation - pad
        first = max(0, -(offset // stride))
        last = min(count - 1, (places - 1 - offset) // stride)
        pairs += max(0, last - first + 1)
    return pairs


def taps_inside(
    count: Shape,
    places: Shape,
    kernel: Sequence[int],
    stride: Sequence[int],
    pad: Sequence[int],
    dilation: Sequence[int] = (1, 1),
) -> float:
    """As `meetings`, over both axes of maps whose shapes are `count` and `places`."""
    axes = zip(count[1:], places[1:], kernel, stride, pad, dilation, strict=True)
    return prod(meetings(*axis) for axis in axes)


@cache
def largest_of(count: int) -> Signal:
    """The largest of so many independent standard normal values, by its density."""
    steps = [i / 32 for i in range(-256, 257)]
    below = ((1 + erf(z / sqrt(2))) / 2 for z in steps)
    weights = [
        count * exp(-(z**2) / 2) / sqrt(2 * pi) / 32 * f ** (count - 1)
        for z, f in zip(steps, below, strict=True)
    ]
    mean = sum(w * z for w, z in zip(weights, steps, strict=True))
    return Signal.of(mean, sum(w * z**2 for w, z in zip(weights, steps, strict=True)))
