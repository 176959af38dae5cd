"""Numbers as people write them, and back: bytes and times."""

from __future__ import annotations

import re

_PREFIXES = ("", "k", "M", "G", "T", "P", "E")
_BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def show_bytes(count: float) -> str:
    """Three digits and a decimal unit.

    >>> show_bytes(61_100_840 * 4), show_bytes(8), show_bytes(999_999)
    ('244 MB', '8 B', '1 MB')
    """
    return _scaled(count, "B")


def show_count(count: float) -> str:
    """Three digits and a decimal prefix.

    >>> show_count(25_557_032), show_count(128)
    ('25.6M', '128')
    """
    return _scaled(count, "").replace(" ", "")


def show_time(seconds: float) -> str:
    """Three digits and a unit.

    >>> show_time(0.00123), show_time(4.2e-6), show_time(86_400)
    ('1.23 ms', '4.2 us', '86,400 s')
    """
    if seconds >= 999.5:
        return f"{seconds:,.0f} s"
    for unit in ("s", "ms", "us"):
        if seconds >= 0.9995 or unit == "us":
            return f"{seconds:.3g} {unit}"
        seconds *= 1000
    raise AssertionError


def _scaled(count: float, unit: str) -> str:
    step = 0
    while count >= 999.5 and step < len(_PREFIXES) - 1:
        count /= 1000
        step += 1
    text = f"{count:.0f}" if count >= 100 or step == 0 else f"{count:.3g}"
    return f"{text} {_PREFIXES[step]}{unit}"


def read_bytes(text: str) -> int:
    """The bytes of a text such as `8GB`, `80 GiB` or `500e6`.

    Raises:
        ValueError: it is no such text.

    >>> read_bytes("8GB"), read_bytes("16 GiB"), read_bytes("1.5e6")
    (8000000000, 17179869184, 1500000)
    """
    number = r"[0-9]+(?:\.[0-9]+)?(?:e[0-9]+)?"
    found = re.fullmatch(rf"\s*({number})\s*(?:([kmgt]i?)?b?)\s*", text, re.IGNORECASE)
    if found is None or not 0 <= float(found[1]) < 1e30:
        raise ValueError(f"{text!r} is no size in bytes, such as 8GB or 16GiB")
    count, unit = float(found[1]), (found[2] or "").lower()
    if unit in _BINARY:
        return int(count * _BINARY[unit])
    return int(count * 1000 ** ("", "k", "m", "g", "t").index(unit))
