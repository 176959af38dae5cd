"""How a training shows on a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import click

from archdsl.errors import printable
from archdsl.train.watch import Row, Step, Watch


class Notes(Watch):
    """What is to know of how a training is carried out, a line each."""

    def note(self, text: str) -> None:
        click.echo(text, err=True)


class Bar(Watch):
    """A bar with loss, accuracy, images a second and the time that is left; a line an epoch."""

    def __init__(self, color: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True, no_color=not color, highlight=False)
        columns = ("{task.description}", BarColumn(), "{task.completed}/{task.total}")
        self.progress = Progress(
            *columns, TextColumn("{task.fields[said]}"), TimeRemainingColumn(), console=console,
            transient=True,
        )  # fmt: skip
        self.task: Any = None
        self.seen: set[str] = set()

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.progress.stop()

    def begin(self, step: int, total: int) -> None:
        self.task = self.progress.add_task("train", total=total, completed=step, said="")

    def step(self, at: Step) -> None:
        said = f"loss {at.loss:.4f}  "
        if at.accuracy == at.accuracy:
            said += f"accuracy {100 * at.accuracy:.1f} %  "
        said += f"{at.images_per_second:,.0f} images/s"
        self.progress.update(self.task, completed=at.step, said=said)

    def epoch(self, rows: list[Row]) -> None:
        row = rows[-1]
        said = f"epoch {row.epoch:>3}  loss {row.train_loss:.4f}"
        if row.train_accuracy == row.train_accuracy:
            said += f"  accuracy {100 * row.train_accuracy:.2f} %"
        if row.valid_loss == row.valid_loss:
            said += f"   validation loss {row.valid_loss:.4f}"
        if row.valid_accuracy == row.valid_accuracy:
            said += f"  accuracy {100 * row.valid_accuracy:.2f} %"
        self.progress.console.print(f"{said}   {row.images_per_second:,.0f} images/s")

    def note(self, text: str) -> None:
        self.progress.console.print(text, markup=False)

    def skipped(self, broken: tuple[str, ...]) -> None:
        for each in broken:
            if each not in self.seen:
                self.seen.add(each)
                self.progress.console.print(f"skipped {printable(each)}", markup=False)
