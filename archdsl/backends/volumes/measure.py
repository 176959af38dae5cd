"""How wide a text is: by the widths of Arimo's letters, which are Helvetica's and Arial's."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from archdsl.backends.drawing.typeface import BOLD, COVERED, REGULAR

EM = 1000


@lru_cache(maxsize=4096)
def width(text: str, size: float, bold: bool = False) -> float:
    """The width of a text in points; letters that the font lacks count as wide ones."""
    return sum(_letter(c, bold) for c in text) * size / EM


@lru_cache(maxsize=4096)
def _letter(letter: str, bold: bool) -> float:
    if not COVERED.fullmatch(letter):
        return EM
    return _font(bold).getlength(letter)


@cache
def _font(bold: bool) -> Any:
    from PIL import ImageFont

    path = BOLD if bold else REGULAR
    return ImageFont.truetype(path, EM, layout_engine=ImageFont.Layout.BASIC)
