"""The parse tables of the grammar, kept in a folder that only its owner can write.

Lark caches tables as a pickle, and to open a pickle is to run it: so the folder must belong to the
user and be closed to others, or nothing is cached and the tables are built again (some 40 ms).
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from pathlib import Path

from lark import Lark, __version__


def load(grammar: Path, **options: object) -> Lark:
    """The parser of a grammar file, from the cache where that is safe."""
    text = grammar.read_text(encoding="utf-8")
    folder = _private_folder()
    if folder is None:
        return Lark(text, parser="lalr", **options)  # pyright: ignore[reportArgumentType]
    key = hashlib.sha256(f"{__version__} {sys.version} {text}".encode()).hexdigest()[:16]
    path = folder / f"grammar-{key}.lark"
    if path.exists() and _is_private(path):
        return Lark(text, parser="lalr", cache=str(path), **options)  # pyright: ignore[reportArgumentType]
    # Built under a name of this process's own: a reader never sees half a table.
    temporary = folder / f"grammar-{key}.{os.getpid()}.tmp"
    try:
        temporary.unlink(missing_ok=True)
        parser = Lark(text, parser="lalr", cache=str(temporary), **options)  # pyright: ignore[reportArgumentType]
        temporary.replace(path)
        path.chmod(0o600)
        return parser
    except OSError:
        return Lark(text, parser="lalr", **options)  # pyright: ignore[reportArgumentType]


def _private_folder() -> Path | None:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "archdsl"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder if _is_private(folder) else None
    except OSError:
        return None


def _is_private(path: Path) -> bool:
    """Whether only this user can have written it; away from POSIX the profile folder is that."""
    if not hasattr(os, "getuid"):
        return True
    found = path.lstat()
    writable_by_others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return found.st_uid == os.getuid() and not writable_by_others and not path.is_symlink()
