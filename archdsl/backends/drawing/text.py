"""Texts of pictures: how much of them is shown, and how wide about that is."""

from __future__ import annotations

from math import ceil

from archdsl.errors import printable

LONGEST = 40  # characters of a text in the picture


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


def sign(symbol: str) -> str:
    """The sign of a join as print has it, not as a keyboard does.

    >>> sign("+"), sign("*"), sign("-")
    ('+', '×', '−')
    """
    return symbol.translate({ord("*"): "×", ord("-"): "−"})


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
