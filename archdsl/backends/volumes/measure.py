"""How wide a text is: by the widths of Arimo's letters, which are Helvetica's and Arial's."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from archdsl.errors import printable

FONTS = Path(__file__).parents[1] / "graphviz" / "fonts"
LONGEST = 40  # characters of a text in the picture
EM = 1000
COVERED = re.compile("[\t\n -~\xa0-\u024f\u0370-\u045f\u2010-\u2027\u2190-\u2195\u2212]*")
"""What is written in letters that the fonts have."""


def clip(text: str, longest: int = LONGEST) -> str:
    """A text as it is shown: nothing in it acts, and a long one loses its middle.

    >>> clip("conv"), clip("a" * 50, 9)
    ('conv', 'aaaa…aaaa')
    """
    text = printable(text[: 2 * longest] + text[-longest:] if len(text) > 3 * longest else text)
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


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

    name = "Arimo-Bold.ttf" if bold else "Arimo-Regular.ttf"
    return ImageFont.truetype(FONTS / name, EM, layout_engine=ImageFont.Layout.BASIC)
