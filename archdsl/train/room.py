"""Room on the disk for what is computed once: folders of files that runs share."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path

MOST = 64 << 30
"""Bytes of all files of a folder together."""
SPARE = 1 << 30
"""Bytes of the disk that are left free."""
STALE = 24 * 3600  # seconds after which what was begun is not being written any more


def spare(home: Path) -> int:
    """Bytes that may be written to the disk of a folder."""
    return max(0, shutil.disk_usage(home).free - SPARE)


def tidy(home: Path) -> None:
    """Remove what was being written when a run was killed."""
    for left in home.glob(".*.tmp"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE:
                left.unlink()


def make_room(home: Path, pattern: str, most: int) -> None:
    """Remove the files that were not used for the longest time until the others fit."""
    held = sorted((p.stat().st_mtime_ns, p.stat().st_size, p) for p in home.glob(pattern))
    total = sum(size for _, size, _ in held)
    for _, size, path in held:
        if total <= most:
            return
        with suppress(OSError):
            path.unlink()
            total -= size
