"""The files that a command wrote, and how it tells of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class File:
    """A file as it lies on the disk, with its length in bytes."""

    path: Path
    size: int

    def to_json(self) -> dict[str, Any]:
        return {"path": str(self.path), "bytes": self.size}


def written(path: Path, write: Callable[[], object]) -> list[File]:
    """Write a file; it, and those beside it if `write` gives a tuple of all of them."""
    made = write()
    return measured(made if isinstance(made, tuple) else (path,))


def measured(paths: Iterable[Path]) -> list[File]:
    """Files that were just written.

    Raises:
        WriteError: one is gone, as another command has written the same since.
    """
    from archdsl.errors import Diagnostic, WriteError

    files: list[File] = []
    for path in paths:
        try:
            files.append(File(path, path.stat().st_size))
        except OSError as error:
            label = f"{path}: it was written, and something else has removed it since"
            help = "give each command a place of its own with -o"
            raise WriteError(Diagnostic("A005", None, label, help=help)) from error
    return files


def listing(files: Iterable[File]) -> str:
    """A line per file: its name and size."""
    from archdsl.errors import printable
    from archdsl.quantity import show_bytes

    rows = [(printable(str(f.path)), show_bytes(f.size)) for f in files]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"wrote {name:<{width}}  {length:>8}" for name, length in rows)
