"""`last/`: what a run goes on from, written so that a cut at any moment leaves a whole one.

A checkpoint is written beside its place, brought to the disk and renamed. Its name holds the step
and the first digits of its SHA-256, so that one that was cut off or damaged later is known. The two
newest are kept: where the last one is not whole, the one before it is used.
"""

from __future__ import annotations

import os
import re
from hashlib import file_digest
from pathlib import Path
from typing import Any

from archdsl.files import assembling
from archdsl.train.refuse import refusal

KEPT = 2
VERSION = 1
_NAME = re.compile(r"step-(\d{10})-([0-9a-f]{16})\.pt")


def save(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write a checkpoint: tensors, numbers, texts, lists and dictionaries of them.

    Raises:
        WriteError: it cannot be written; those before it are as they were.
    """
    import torch

    with assembling(folder / "checkpoint") as (beside, keep):
        written = beside / "state"
        with written.open("wb") as file:
            try:
                torch.save({"version": VERSION, **state}, file)
            except RuntimeError as error:  # its writer hides what the disk said
                if isinstance(error.__context__, OSError):
                    raise error.__context__ from None
                raise
        with written.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()[:16]
            os.fsync(file.fileno())
        name = f"step-{step:010}-{digest}.pt"
        written.rename(beside / name)
        keep(name)
    for old in _all(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    return folder / name


def _all(folder: Path) -> list[Path]:
    """The checkpoints of a folder, the newest first."""
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    return sorted(found, key=lambda path: (path.name[:15], path.stat().st_mtime_ns), reverse=True)


def load(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """The newest whole checkpoint, None if there is none yet; and what was wrong with others.

    Raises:
        TrainError: there are some, and none of them is whole.
    """
    import torch

    wrong: list[str] = []
    for path in _all(folder):
        found = _NAME.fullmatch(path.name)
        assert found is not None
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()[:16]
        if digest != found[2]:
            wrong.append(f"{path}: it is truncated or damaged; the one before it is used")
            continue
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state.get("version") != VERSION:
            label = f"{path}: it is of version {state.get('version')}, here it is {VERSION}"
            raise refusal("A957", label, "go on with the archdsl that began the run")
        return state, wrong
    if wrong:
        help = f"begin anew; `--from {folder.parent}` begins with its best weights, if it has any"
        raise refusal("A957", f"{folder}: none of its checkpoints is whole", help)
    return None, wrong
