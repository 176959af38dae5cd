"""Which pictures the arguments of a command mean: files, folders, patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archdsl.errors import ModelError


def expanded(images: Iterable[str]) -> tuple[list[str], list[tuple[str, ModelError]]]:
    """The pictures that the arguments mean, in their order, and the arguments that mean none."""
    paths: list[str] = []
    missing: list[tuple[str, ModelError]] = []
    for argument in images:
        try:
            paths += _meant(argument)
        except _Nothing as error:
            missing.append((argument, _unread(argument, str(error))))
    return paths, missing


class _Nothing(Exception):
    """An argument stands for no picture."""


def _unread(name: str, label: str) -> ModelError:
    from archdsl.errors import Diagnostic, ModelError

    return ModelError(Diagnostic("A903", None, f"{name}: {label}"))


def _meant(argument: str) -> list[str]:
    if os.path.isdir(argument):  # noqa: PTH112  # a name that no file can have is no error here
        return _below(Path(argument))
    if os.path.lexists(argument) or not glob.has_magic(argument):
        return [argument]
    found = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207  # an absolute one too
    if not found:
        raise _Nothing("no file is called so")
    return [path for name in found for path in (_meant(name) if Path(name).is_dir() else [name])]


def _below(folder: Path) -> list[str]:
    """The pictures in a folder and those below it, by their names; links to folders are left."""
    from archdsl.serve.pictures import SUFFIXES

    found = [
        Path(here, name)
        for here, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(SUFFIXES)
    ]
    if not found:
        raise _Nothing(f"the folder holds no pictures ({', '.join(SUFFIXES)})")
    return [str(path) for path in sorted(found)]
