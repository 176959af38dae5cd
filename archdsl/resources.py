"""Where the grammar and the zoo lie: inside an installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """The folder `grammar` or `specs` that came with this archdsl."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name
