"""From weights and activations to pixels: what black, grey, white and a colour stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BROKEN = (255, 0, 255)
"""The colour of what is no finite number; no scaled value of a grey tile has it."""


def about_mean(bank: NDArray[Any]) -> NDArray[np.uint8]:
    """Filters (n x channels x rows x columns) as pixels, each scaled to its own range.

    A filter's mean over all its weights is grey (128); what is farthest from it is black or white,
    so a pixel is 127.5 + 127.5 * (w - mean) / max |w - mean|, rounded up at halves. All channels of
    a filter share that scale: with three of them the colours are those that it looks for (as in
    Krizhevsky et al. 2012, figure 3). A filter whose weights are all alike is grey. Filters of one
    weight have no range of their own; they are scaled together, about 0.

    Returns:
        n x channels x rows x columns x 3, where nothing that is not finite has its own colour.
    """
    import numpy as np

    values = np.asarray(bank, np.float64)
    finite = np.isfinite(values)
    values = np.where(finite, values, 0.0)
    axes = tuple(range(1, values.ndim))
    least = _SMALL * np.abs(values).max(axes, keepdims=True)
    if values[0].size > 1:
        count = np.maximum(finite.sum(axes, keepdims=True), 1)
        values = np.where(finite, values - values.sum(axes, keepdims=True) / count, 0.0)
        most = np.abs(values).max(axes, keepdims=True)
    else:
        most = np.abs(values).max(keepdims=True)
    return _painted(127.5 + 127.5 * values / np.where(most > least, most, np.inf), finite)


_SMALL = 1e-7  # of a filter's largest weight: what single precision does not tell from nothing


def own_range(maps: NDArray[Any]) -> NDArray[np.uint8]:
    """Maps (n x rows x columns) as pixels: the least value of each is black, the greatest white.

    A map of one value has no range and is black.

    Returns:
        n x rows x columns x 3.
    """
    import numpy as np

    values = np.asarray(maps, np.float64)
    finite = np.isfinite(values)
    low = np.where(finite, values, np.inf).min((1, 2), keepdims=True)
    high = np.where(finite, values, -np.inf).max((1, 2), keepdims=True)
    span = np.where(high > low, high - low, np.inf)
    level = np.where(finite, values - np.where(np.isfinite(low), low, 0.0), 0.0) / span
    return _painted(255 * level, finite)


def strongest(maps: NDArray[Any], count: int) -> list[int]:
    """The channels with the greatest root mean square, the first ones first among equals.

    What is not finite counts as nothing.
    """
    import numpy as np

    values = np.asarray(maps, np.float64)
    power = (np.where(np.isfinite(values), values, 0.0) ** 2).mean((1, 2))
    return [int(i) for i in np.argsort(-power, kind="stable")[:count]]


def _painted(levels: NDArray[Any], finite: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey levels from 0 to 255 as red, green and blue."""
    import numpy as np

    grey = np.floor(np.clip(levels, 0, 255) + 0.5).astype(np.uint8)
    found = np.repeat(grey[..., None], 3, axis=-1)
    found[~finite] = BROKEN
    return found
