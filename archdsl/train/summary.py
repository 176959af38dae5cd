"""What a run came to, in some lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archdsl.errors import printable
from archdsl.train.watch import Row


def lines_of(path: Path) -> list[str]:
    """The lines of a file of the run; none where it is not there."""
    return path.read_text("utf-8").splitlines() if path.is_file() else []


def best_row(rows: Sequence[Row]) -> Row | None:
    """The epoch whose weights are kept: of the best validation, the last one without any."""
    valid = [row for row in rows if row.valid_loss == row.valid_loss]
    if not valid:
        return rows[-1] if rows else None

    def worth(row: Row) -> tuple[float, float, int]:
        counts = row.valid_accuracy == row.valid_accuracy
        return (row.valid_accuracy if counts else 0.0, -row.valid_loss, row.epoch)

    return max(valid, key=worth)


def summary(folder: Path, rows: Sequence[Row]) -> str:
    """Loss and accuracy of the best epoch, and how long it all took."""
    best = best_row(rows)
    if best is None:
        return f"{printable(str(folder))}: nothing was trained"
    seconds = sum(row.seconds for row in rows)
    did = f"{_count(rows[-1].epoch, 'epoch')}, {_count(rows[-1].step, 'step')}"
    lines = [f"{printable(str(folder))}: {did}, {duration(seconds)}"]
    lines.append(f"best epoch {best.epoch}")
    lines.append(_line("training", best.train_loss, best.train_accuracy))
    if best.valid_loss == best.valid_loss or best.valid_accuracy == best.valid_accuracy:
        lines.append(_line("validation", best.valid_loss, best.valid_accuracy))
    if skipped := lines_of(folder / "skipped.txt"):
        lines.append(f"skipped    {_count(len(skipped), 'image')}, named in skipped.txt")
    lines.append(f"weights    {printable(str(folder / 'best.safetensors'))}")
    return "\n".join(lines)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _line(name: str, loss: float, accuracy: float) -> str:
    found = f"{name:<10} loss {loss:.4f}"
    return found + (f"   accuracy {100 * accuracy:.2f} %" if accuracy == accuracy else "")


def duration(seconds: float) -> str:
    """A time in words.

    >>> duration(7.26), duration(75), duration(7_530)
    ('7.3 s', '1 min 15 s', '2 h 5 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
