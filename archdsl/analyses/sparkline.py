"""Where along a network its parameters and its MACs are: a line of bars, one height each.

A bar is a layer that has MACs with what follows it until the next such layer, so that a
normalization is with its convolution; what has parameters and stands before the first has a bar of
its own. Where the bars do not fit the line, each is of as many layers as it takes, the last of
what is left. Heights are in eighths of the highest bar, rounded up: what is there at all shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from archdsl.analyses.cost import Totals

BLOCKS = " ▁▂▃▄▅▆▇█"
ASCII = " .:-=+*%#"  # no darker, and as many, where there are no blocks
_LEAST = 16  # bars that a note may leave room for
_POOR = ("dumb", "linux")  # values of TERM without the blocks in their fonts; and the vt100s


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The bars of one quantity."""

    heights: tuple[int, ...]
    """0 to 8; 0 only where there is nothing."""
    layers: int
    """Layers a bar."""

    def draw(self, signs: str = BLOCKS) -> str:
        """The bars as text, without the empty ones at the end.

        >>> Sparkline((8, 1, 0, 4, 0), 1).draw()
        '█▁ ▄'
        """
        return "".join(signs[height] for height in self.heights).rstrip()


def places(layers: Sequence[Totals]) -> list[tuple[int, int]]:
    """The parameters and the MACs of each bar, where there is room for all."""
    found: list[tuple[int, int]] = []
    begun = False  # whether a layer with MACs was met
    for layer in layers:
        if (layer.macs or not begun) and (layer.macs or layer.params):
            found.append((layer.params, layer.macs))
        elif layer.params:
            params, macs = found[-1]
            found[-1] = (params + layer.params, macs)
        begun = begun or layer.macs > 0
    return found


def sparkline(amounts: Sequence[int], room: int) -> Sparkline | None:
    """The bars of some amounts in at most `room` columns; None where there is nothing to show."""
    if len(amounts) < 2 or not any(amounts):
        return None
    each = -(-len(amounts) // max(room, 1))
    bars = [sum(amounts[start : start + each]) for start in range(0, len(amounts), each)]
    most = max(bars)
    return Sparkline(tuple(-(-8 * bar // most) for bar in bars), each)


def beside(note: str, room: int, bars: int) -> str:
    """A note that fits the line after the bars, or nothing: the bars come first."""
    left = room - len(note)
    return note if left >= min(bars, _LEAST) else ""


def shows_blocks(stream: TextIO | None, term: str = "") -> bool:
    """Whether a stream's encoding has the blocks and, of a terminal, its type shows them."""
    if stream is None:
        return False
    try:
        BLOCKS.encode(stream.encoding or "utf-8")  # a text in memory has none
    except (LookupError, UnicodeEncodeError):
        return False
    return not (stream.isatty() and (term in _POOR or term.startswith("vt")))
