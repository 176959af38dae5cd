"""What was measured, and the figures that are read off it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.analyses.region import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 0.95  # of the energy: what a diameter is given for


@dataclass(frozen=True, slots=True, eq=False)
class EffectiveField:
    """How much each position of the input moves one position of a layer.

    Luo, Li, Urtasun & Zemel, "Understanding the Effective Receptive Field in Deep Convolutional
    Neural Networks" (2016), sections 2 and 3. Distances are in positions of the input.
    """

    values: NDArray[np.float64]
    """The share of the gradient's energy, its mean square, at each position of the input: H x W,
    or N for tokens; 1 in all."""
    region: Region
    """What the position can see at most."""
    inputs: int
    """The random inputs that it is averaged over."""

    @property
    def center(self) -> tuple[float, ...]:
        """The mean place of the energy."""
        return tuple(self._moments((0.0,) * self.values.ndim, power=1))

    @property
    def sigma(self) -> tuple[float, ...]:
        """On each axis the standard deviation of a Gaussian that is spread as the energy is."""
        return tuple(v**0.5 for v in self._moments(self.center, power=2))

    def _moments(self, around: tuple[float, ...], power: int) -> list[float]:
        import numpy as np

        found: list[float] = []
        for axis, middle in enumerate(around):
            others = tuple(a for a in range(self.values.ndim) if a != axis)
            line = self.values.sum(axis=others)
            found.append(float((line * (np.arange(len(line)) - middle) ** power).sum()))
        return found

    def share(self, radius: float) -> float:
        """The part of the energy, 0 to 1, that lies no farther than `radius` from the centre."""
        return float(self.values[self._distances() <= radius].sum())

    def radius(self, share: float = MOST) -> float:
        """The least distance from the centre within which this part of the energy lies.

        Raises:
            ValueError: `share` is not above 0 and at most 1.
        """
        import numpy as np

        if not 0 < share <= 1:
            raise ValueError(f"a share of {share} is not above 0 and at most 1")
        distances = self._distances().ravel()
        order = np.argsort(distances, kind="stable")
        sums = np.cumsum(self.values.ravel()[order])
        first = int(np.searchsorted(sums, share * sums[-1] * (1 - 1e-12)))
        return float(distances[order][first])

    def diameter(self, share: float = MOST) -> float:
        """The diameter of the circle around the centre that holds this part of the energy."""
        return 2 * self.radius(share)

    def _distances(self) -> NDArray[np.float64]:
        import numpy as np

        axes = np.indices(self.values.shape, dtype=np.float64)
        squares = ((axis - middle) ** 2 for axis, middle in zip(axes, self.center, strict=True))
        return np.sqrt(sum(squares, np.zeros(self.values.shape)))

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain data, without the values."""
        return {
            "inputs": self.inputs,
            "center": [round(c, 3) for c in self.center],
            "sigma": [round(s, 3) for s in self.sigma],
            "share": MOST,
            "diameter": round(self.diameter(), 3),
        }

    def __str__(self) -> str:
        sigma = " x ".join(f"{s:.1f}" for s in self.sigma)
        return (
            f"{MOST:.0%} of the energy within a diameter of {self.diameter():.0f}, "
            f"sigma {sigma}; {self.inputs} random inputs"
        )

    def save(self, path: str | Path) -> None:
        """Write a heat map with the region's box and the diameter's circle, as a PNG.

        Raises:
            WriteError: the file cannot be written; an earlier one is left as it was.
        """
        from archdsl.backends.effective.picture import save

        save(self, path)
