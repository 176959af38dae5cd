"""What all styles of pictures share: how they look, and what a user may ask of them."""

from __future__ import annotations

from archdsl.backends.drawing.options import Options
from archdsl.backends.drawing.paths import check_paths
from archdsl.backends.drawing.theme import THEMES, Theme

__all__ = ["THEMES", "Options", "Theme", "check_paths"]
