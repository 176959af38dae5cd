"""Timing several runs against one another, so that the noise of the machine falls on all alike.

The runs take turns. In each round every run is timed for about as long as the others; so a ratio of
two runs is taken within a round, and whether it differs from 1 is seen in how it varies from round
to round.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

ROUNDS = 15
WARM_UP = 0.2  # seconds, and three calls at least
_DRAWS = 1000  # of a bootstrap

Run = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of one run, in seconds a call, in the order of the rounds."""

    rounds: tuple[tuple[float, ...], ...]

    @property
    def calls(self) -> list[float]:
        return [t for one in self.rounds for t in one]

    @property
    def median(self) -> float:
        return statistics.median(self.calls)

    def percentile(self, percent: float) -> float:
        """The time that so many of 100 calls stay below, between two calls by proportion.

        >>> Timing(((1.0, 2.0), (3.0,))).percentile(75)
        2.5
        """
        found = sorted(self.calls)
        place = (len(found) - 1) * percent / 100
        low = int(place)
        high = min(low + 1, len(found) - 1)
        return found[low] + (found[high] - found[low]) * (place - low)

    @property
    def by_round(self) -> list[float]:
        return [statistics.median(one) for one in self.rounds]


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times faster a run is than another, with a 95% interval of the median."""

    value: float
    low: float
    high: float

    @property
    def is_noise(self) -> bool:
        """Whether the difference is no larger than the noise."""
        return self.low <= 1 <= self.high


def race(runs: Mapping[str, Run], seconds: float, rounds: int = ROUNDS) -> dict[str, Timing]:
    """Time all runs, each for about so many seconds in all, and in each round at least once.

    Args:
        runs: what is called, by name; a call ends when its work is done.
        seconds: for each run, the warm-up aside.
        rounds: how often the turn goes round.
    """
    calls = {name: max(1, round(seconds / rounds / _warm(run))) for name, run in runs.items()}
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in runs}
    order = list(runs)
    for _ in range(rounds):
        for name in order:
            found[name].append(tuple(_time(runs[name]) for _ in range(calls[name])))
        order.reverse()  # so that no run always follows the same one
    return {name: Timing(tuple(times)) for name, times in found.items()}


def ratio(timing: Timing, to: Timing) -> Ratio:
    """How many times faster a run is than another: the median of the rounds' ratios.

    The interval is a bootstrap's (Efron 1979) with a fixed seed, so the same times give the same.
    """
    pairs = [b / a for a, b in zip(timing.by_round, to.by_round, strict=True)]
    draw = random.Random(0)
    medians = sorted(_median_of(draw.choices(pairs, k=len(pairs))) for _ in range(_DRAWS))
    ends = medians[int(0.025 * _DRAWS)], medians[int(0.975 * _DRAWS) - 1]
    return Ratio(_median_of(pairs), *ends)


def _median_of(values: Sequence[float]) -> float:
    return statistics.median(values)


def _warm(run: Run) -> float:
    """Call it until it has settled; the seconds of a call then."""
    start = time.perf_counter()
    times: list[float] = []
    while len(times) < 3 or time.perf_counter() - start < WARM_UP:
        times.append(_time(run))
    return max(1e-9, statistics.median(times[len(times) // 2 :]))


def _time(run: Run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
