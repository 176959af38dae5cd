"""Room on the disk for what is computed once: folders of files that runs share."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path

from archdsl.errors import printable
from archdsl.quantity import show_bytes

MOST = 64 << 30
"""Bytes of all files of a folder together."""
SPARE = 1 << 30
"""Bytes of the disk that are left free."""
STALE = 24 * 3600  # seconds after which what was begun is not being written any more


def lacking(home: Path, pattern: str, size: int, written: int = 0) -> str:
    """Why files of so many bytes have no room in a folder, in words; nothing where they have.

    The files there that were not used for the longest time make room. `written` bytes of the new
    ones are on the disk already.
    """
    if size > MOST:
        return f"{show_bytes(MOST)} are kept in all"
    _make_room(home, pattern, MOST - size)
    free = max(0, shutil.disk_usage(home).free - SPARE)
    if free < size - written:
        return f"the disk of {printable(str(home))} has {show_bytes(free)} to spare"
    return ""


def tidy(home: Path) -> None:
    """Remove what was being written when a run was killed."""
    for left in home.glob(".*.tmp"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE:
                left.unlink()


def _make_room(home: Path, pattern: str, most: int) -> None:
    """Remove the files that were not used for the longest time until the others fit."""
    held = sorted((p.stat().st_mtime_ns, p.stat().st_size, p) for p in home.glob(pattern))
    total = sum(size for _, size, _ in held)
    for _, size, path in held:
        if total <= most:
            return
        with suppress(OSError):
            path.unlink()
            total -= size
