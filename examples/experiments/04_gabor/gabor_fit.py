"""How much of a filter is a Gabor: a wave under a Gaussian (Gabor 1946, Daugman 1985)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Array = NDArray[Any]


def gabor_r2(filters: Array, starts: int = 4) -> tuple[Array, Array]:
    """The share of each filter's variance that the best Gabor explains, and those Gabors.

    A constant may be added to a Gabor, for the variance is about the mean.

    Args:
        filters: (n, k, k).
        starts: how many places the search begins from.
    """
    filters = filters - filters.mean((1, 2), keepdims=True)
    fits = [_best(each, starts) for each in filters]
    left = np.array(
        [((f - g) ** 2).sum() / (f**2).sum() for f, g in zip(filters, fits, strict=True)]
    )
    return 1 - left, np.stack(fits)


def _best(target: Array, starts: int) -> Array:
    """The Gabor with the least squared distance of those that the searches end at."""
    found = []
    for start in _starts(target, starts):
        low, high = _bounds(len(target))
        start = np.clip(start, low + 1e-6, high - 1e-6)
        done = least_squares(_residual, start, args=(target,), bounds=(low, high), max_nfev=60)
        found.append((done.cost, done.x))
    _, best = min(found, key=lambda each: each[0])
    return _fitted(best, target)


def _bounds(side: int) -> tuple[Array, Array]:
    """Of place (x, y), widths along the wave and across, direction, cycles a pixel."""
    low = np.array([0, 0, 0.6, 0.6, -np.inf, 0.0])
    return low, np.array([side - 1, side - 1, side, side, np.inf, 0.5])


def _starts(target: Array, count: int) -> list[Array]:
    """Where the energy is, with the strongest waves of the spectrum and two widths."""
    side = len(target)
    energy = target**2 / (target**2).sum()
    y, x = (float((energy * grid).sum()) for grid in np.mgrid[:side, :side])
    size = 4 * side
    spectrum = np.abs(np.fft.fft2(target, (size, size)))[:, : size // 2]
    found = []
    for peak in _peaks(spectrum, (count + 1) // 2):
        fy, fx = np.fft.fftfreq(size)[peak[0]], peak[1] / size
        for width in (side / 8, side / 4):
            found.append(np.array([x, y, width, width, np.arctan2(fy, fx), np.hypot(fy, fx)]))
    return found[:count]


def _peaks(spectrum: Array, count: int) -> list[tuple[int, int]]:
    """The highest places of a spectrum, not next to one another."""
    left, found = spectrum.copy(), []
    for _ in range(count):
        i, j = np.unravel_index(left.argmax(), left.shape)
        found.append((int(i), int(j)))
        rows = np.arange(i - 4, i + 5) % len(left)
        left[rows, max(0, j - 4) : j + 5] = 0
    return found


def _waves(parameters: Array, side: int) -> Array:
    """Two waves a quarter apart, whose sums have every phase, and ones: (k*k, 3)."""
    x0, y0, along, across, angle, frequency = parameters
    y, x = np.mgrid[:side, :side]
    u = (x - x0) * np.cos(angle) + (y - y0) * np.sin(angle)
    v = (y - y0) * np.cos(angle) - (x - x0) * np.sin(angle)
    window = np.exp(-(u**2) / (2 * along**2) - v**2 / (2 * across**2))
    phase = 2 * np.pi * frequency * u
    parts = window * np.cos(phase), window * np.sin(phase), np.ones_like(window)
    return np.stack([part.ravel() for part in parts], 1)


def _fitted(parameters: Array, target: Array) -> Array:
    """The nearest with these parameters: amplitude, phase and the constant are a linear matter."""
    waves = _waves(parameters, len(target))
    gram = waves.T @ waves + 1e-9 * np.eye(3)
    return (waves @ np.linalg.solve(gram, waves.T @ target.ravel())).reshape(target.shape)


def _residual(parameters: Array, target: Array) -> Array:
    return (_fitted(parameters, target) - target).ravel()
