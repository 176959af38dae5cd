"""As what pictures can be written: the ending of a file's name says it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archdsl.errors import Diagnostic, WriteError

# The first of each is meant where no file is named.
GRAPH = ("svg", "png", "pdf", "tex", "gv", "dot")
VOLUMES = ("svg", "png", "pdf", "tex")
TABLE = ("svg", "png", "pdf", "html", "md", "tex")
FEATURES = ("png", "webp", "svg")
REPORT = ("html", "htm")


def ending(path: Path) -> str:
    """The ending of a file's name, in small letters and without its dot."""
    return path.suffix.lower().removeprefix(".")


def listed(known: Sequence[str]) -> str:
    """Endings as a user writes them.

    >>> listed(VOLUMES)
    '.svg, .png, .pdf, .tex'
    """
    return ", ".join(f".{form}" for form in known)


def form(path: Path, known: Sequence[str]) -> str:
    """What a picture is to be written as.

    Raises:
        WriteError: the file's ending is none of those known.
    """
    if (found := ending(path)) in known:
        return found
    what = f"`{path.suffix}` is no ending of this style" if path.suffix else "it has no ending"
    help = f"end it in one of {listed(known)}"
    raise WriteError(Diagnostic("A005", None, f"{path}: {what}", help=help))
