"""The letters that come with archdsl, so that a bare machine draws text, and all alike."""

from __future__ import annotations

import re
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

FONTS = Path(__file__).parent / "fonts"
REGULAR, BOLD = FONTS / "Arimo-Regular.ttf", FONTS / "Arimo-Bold.ttf"
COVERED = re.compile(
    "[\t\n -~\xa0-\u024f\u038e-\u03a1\u03a3-\u045f\u2010-\u2027\u2030-\u203a\u2190-\u2195\u2212]*"
)
"""What is written in letters that these fonts have."""
_FINER = 4  # times as large as they will be, letters are drawn


def letters(text: str, size: int) -> Image.Image:
    """Where there is ink, for letters of so many pixels.

    They are drawn larger and made smaller: as they are, each would be moved to a whole pixel, and
    the gaps between them differ. A character that the font lacks is a question mark.
    """
    from PIL import Image, ImageDraw, ImageFont

    text = "".join(sign if COVERED.fullmatch(sign) else "?" for sign in text)
    font = ImageFont.truetype(REGULAR, _FINER * size, layout_engine=ImageFont.Layout.BASIC)
    _, _, right, bottom = font.getbbox(text)
    width, height = ceil(right / _FINER), ceil(bottom / _FINER)
    mask = Image.new("L", (_FINER * max(1, width), _FINER * max(1, height)))
    ImageDraw.Draw(mask).text((0, 0), text, 255, font)
    return mask.reduce(_FINER)
