"""`schedule`: the learning rate at every step, as a formula of the step.

A step is a change of the weights, counted from 0. What the spec says in epochs is turned into steps
first; where it says `steps`, times are in steps as they stand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, inf, pi

from archdsl.ir.training import Training
from archdsl.ir.training import learning as settings
from archdsl.ir.training.running import Epochs

Rate = Callable[[int], float]
"""The rate at a step, as a share of the optimizer's own."""


def total_steps(training: Training, an_epoch: int) -> int:
    """How many times the weights change, if they change so often in an epoch."""
    length = training.length
    return length.count * an_epoch if isinstance(length, Epochs) else length.count


def share(training: Training, lr: float, an_epoch: int) -> Rate:
    """The schedule without what depends on the validation (see `Plateau`)."""
    unit = an_epoch if isinstance(training.length, Epochs) else 1
    total = total_steps(training, an_epoch)
    schedule = training.schedule
    rises = schedule.rises_for * unit
    falls = _falling(schedule, lr, unit, total, rises)

    def at(step: int) -> float:
        return (step + 1) / rises * falls(rises) if step < rises else falls(step)

    return at


def _falling(schedule: settings.Schedule, lr: float, unit: int, total: int, rises: int) -> Rate:
    """The schedule behind its warm-up."""
    match schedule:
        case settings.Step(every=every, gamma=gamma):
            return lambda step: gamma ** (step // (every * unit))
        case settings.MultiStep(at=at, gamma=gamma):
            return lambda step: gamma ** sum(step >= time * unit for time in at)
        case settings.Cosine(final=final):
            low, span = final / lr, max(1, total - rises)
            return lambda step: low + (1 - low) * (1 + cos(pi * (step - rises) / span)) / 2
        case settings.OneCycle():
            return _one_cycle(schedule, total)
        case _:  # constant, warmup, plateau
            return lambda step: 1.0


def _one_cycle(schedule: settings.OneCycle, total: int) -> Rate:
    """Up to the rate at `rise`, then down to `final` at the last step."""
    peak, last = schedule.rise * total - 1, total - 1

    def between(low: float, high: float, part: float) -> float:
        if schedule.curve == "linear":
            return low + (high - low) * part
        return high + (low - high) * (1 + cos(pi * part)) / 2

    def at(step: int) -> float:
        if step <= peak:
            return between(schedule.start, 1, step / peak if peak > 0 else 1)
        return between(1, schedule.final, (step - peak) / max(last - peak, 1e-9))

    return at


@dataclass
class Plateau:
    """The factor that `schedule plateau` has reached; one of 1 for any other schedule."""

    factor: float = 1.0
    best: float = inf
    waited: int = 0

    def see(self, schedule: settings.Schedule, lr: float, loss: float, accuracy: float) -> None:
        """Take note of a validation.

        What is better by less than a ten-thousandth is no improvement, as in PyTorch.
        """
        if not isinstance(schedule, settings.Plateau):
            return
        value = loss if schedule.watch == "loss" else -accuracy
        margin = 1e-4 * abs(self.best) if self.best != inf else 0
        if value < self.best - margin:
            self.best, self.waited = value, 0
            return
        self.waited += 1
        if self.waited > schedule.patience:
            self.factor = max(self.factor * schedule.factor, schedule.least / lr)
            self.waited = 0
