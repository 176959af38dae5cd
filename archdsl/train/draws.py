"""Random numbers by their place in a training: the same place gives the same numbers.

Nothing is carried from one step to the next, so that a run that begins in the middle draws what
the whole run would have drawn there, whatever was cut off and however many processes read ahead.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Generator


def mixed(*place: int | str) -> int:
    """A seed for a place, such as (seed, "order", epoch); 63 bits.

    >>> mixed(0, "order", 1) == mixed(0, "order", 1), mixed(0, "order", 1) == mixed(0, "order", 2)
    (True, False)
    """
    digest = blake2b("/".join(map(str, place)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(*place: int | str) -> Generator:
    """A source of random numbers for a place, on the CPU."""
    import torch

    return torch.Generator().manual_seed(mixed(*place))


def settle(*place: int | str) -> None:
    """Let all that draws from now on, layers and augmentation, draw from this place."""
    import torch

    torch.manual_seed(mixed(*place))
