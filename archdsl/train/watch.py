"""Who looks on while a network trains: a bar on the terminal, the files of the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class Row:
    """What an epoch came to: a line of metrics.csv. What is not known is no number."""

    epoch: int
    step: int
    lr: float
    train_loss: float
    train_accuracy: float
    valid_loss: float
    valid_accuracy: float
    seconds: float
    images_per_second: float

    def to_dict(self) -> dict[str, int | float]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Step:
    """What a change of the weights came to; loss and accuracy are those of its last batch."""

    step: int
    loss: float
    accuracy: float
    """No number where answers are not right or wrong."""
    images_per_second: float


class Watch:
    """What the loop tells of; by itself nobody listens, as in all processes but the first."""

    def begin(self, step: int, total: int) -> None:
        """The training begins behind a step, of so many in all."""

    def step(self, at: Step) -> None:
        """The weights have changed."""

    def epoch(self, rows: list[Row]) -> None:
        """An epoch is over; `rows` has all of them."""

    def best(self, weights: dict[str, Tensor]) -> None:
        """These weights are the best so far."""

    def save(self, state: dict[str, Any]) -> None:
        """This is all that is needed to go on from here."""

    def skipped(self, broken: tuple[str, ...]) -> None:
        """These images could not be read and were left out."""

    def note(self, text: str) -> None:
        """Something to know of how the training is carried out."""


class Several(Watch):
    """Several that look on."""

    def __init__(self, *watches: Watch) -> None:
        self.watches = watches

    def begin(self, step: int, total: int) -> None:
        for watch in self.watches:
            watch.begin(step, total)

    def step(self, at: Step) -> None:
        for watch in self.watches:
            watch.step(at)

    def epoch(self, rows: list[Row]) -> None:
        for watch in self.watches:
            watch.epoch(rows)

    def best(self, weights: dict[str, Tensor]) -> None:
        for watch in self.watches:
            watch.best(weights)

    def save(self, state: dict[str, Any]) -> None:
        for watch in self.watches:
            watch.save(state)

    def skipped(self, broken: tuple[str, ...]) -> None:
        for watch in self.watches:
            watch.skipped(broken)

    def note(self, text: str) -> None:
        for watch in self.watches:
            watch.note(text)
