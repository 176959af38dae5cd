"""Where archdsl's own files lie: the grammar and the zoo, and what it keeps between runs."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """The folder `grammar` or `specs` that came with this archdsl.

    It is inside an installed package, or beside it in a checkout.
    """
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def cache_folder() -> Path:
    """Where what was computed is kept for the next run, as the XDG Base Directory spec says.

    Raises:
        RuntimeError: the user has no home.
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "archdsl"
