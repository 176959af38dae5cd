"""What is known of an error code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What an error is called, and what to know about it; `wrong` shows it, `right` mends it."""

    title: str
    page: str
    wrong: str = ""
    right: str = ""
