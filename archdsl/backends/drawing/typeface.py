"""The letters that come with archdsl, so that a bare machine draws text, and all alike."""

from __future__ import annotations

import re
from pathlib import Path

FONTS = Path(__file__).parent / "fonts"
REGULAR, BOLD = FONTS / "Arimo-Regular.ttf", FONTS / "Arimo-Bold.ttf"
COVERED = re.compile(
    "[\t\n -~\xa0-\u024f\u038e-\u03a1\u03a3-\u045f\u2010-\u2027\u2030-\u203a\u2190-\u2195\u2212]*"
)
"""What is written in letters that these fonts have."""
