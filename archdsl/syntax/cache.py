"""The parse tables of the grammar, kept in a folder that only its owner can write.

The tables are a pickle, and to open a pickle is to run it: so the folder must belong to the user
and be closed to others, or nothing is kept and the tables are built each time (some 100 ms).
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from lark import Lark, __version__

from archdsl.resources import cache_folder


def load(grammar: Path, **options: Any) -> Lark:
    """The parser of a grammar file, from kept tables where that is safe."""
    text = grammar.read_text(encoding="utf-8")
    folder = _private_folder()
    if folder is None:
        return Lark(text, parser="lalr", **options)
    plain = sorted((k, v) for k, v in options.items() if k != "postlex")
    key = hashlib.sha256(f"{__version__} {sys.version} {plain} {text}".encode()).hexdigest()[:16]
    path = folder / f"grammar-{key}.lark"
    with suppress(Exception):  # there are none yet, or they are damaged
        if _is_private(path):
            with path.open("rb") as file:
                return Lark.load(file)
    parser = Lark(text, parser="lalr", **options)
    with suppress(OSError):
        _keep(parser, path)
    return parser


def _keep(parser: Lark, path: Path) -> None:
    """Write the tables under a name of their own first: a reader never sees half of them."""
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile(prefix=f"{path.stem}.", dir=path.parent, delete=False) as file:
        temporary = Path(file.name)
        try:
            parser.save(file)
            file.close()
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _private_folder() -> Path | None:
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder if _is_private(folder) else None
    except (OSError, RuntimeError, ValueError):  # no home, or no name that a folder can have
        return None


def _is_private(path: Path) -> bool:
    """Whether only this user can have written it; away from POSIX the profile folder is that."""
    if not hasattr(os, "getuid"):
        return True
    found = path.lstat()
    writable_by_others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return found.st_uid == os.getuid() and not writable_by_others and not path.is_symlink()
