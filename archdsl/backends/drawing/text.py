"""How wide letters are, where nothing that draws them can be asked."""

from __future__ import annotations

from math import ceil


def width(text: str, size: int) -> int:
    """About how wide a text is in points, rather more than less (Helvetica's widths in classes)."""
    ems = 0.0
    for c in text:
        if c in " !',.:;I[]fijlt|()-r/":
            ems += 0.34
        elif c in "MW@%mw…" or ord(c) > 0x2FF:
            ems += 1.0
        else:
            ems += 0.74 if c.isupper() else 0.56
    return ceil(ems * size) + 2
