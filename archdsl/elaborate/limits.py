"""What a spec may ask for at most, so that one from a stranger cannot exhaust the machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Each limit has an error of its own."""

    layers: int = 100_000
    """Layers of the network, written out (A501)."""
    steps: int = 300_000
    """Statements carried out, those that make no layer included (A501)."""
    depth: int = 40
    """Groups and block calls inside one another (A502)."""
    errors: int = 20
    """Errors told in one run."""


MAX_INTEGER = 2**63 - 1
MAX_ITEMS = 10_000  # of a list
