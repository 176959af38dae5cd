"""What a model says of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Label:
    """A class and how probable it is; `name` is None where the file does not name its classes."""

    index: int
    name: str | None
    probability: float


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says of one picture."""

    probabilities: NDArray[np.float32]
    """A value for each class. They sum to 1, but for a model whose classes are independent."""
    logits: NDArray[np.float32] | None
    """What the softmax was taken of; None where the model takes it itself, and of ten crops."""
    classes: tuple[str, ...] | None
    """The names of the classes, where the file has them."""

    def top(self, k: int = 5) -> list[Label]:
        """The k most probable classes, the most probable first; of equals the lower index."""
        import numpy as np

        order = np.argsort(-self.probabilities, kind="stable")[: max(0, k)]
        names = self.classes
        return [
            Label(int(i), names[i] if names else None, float(self.probabilities[i])) for i in order
        ]


class Predictions(Sequence[Prediction]):
    """What a model says of several pictures, in their order."""

    def __init__(self, found: Sequence[Prediction]) -> None:
        self._found = list(found)

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> Predictions: ...
    def __getitem__(self, index: int | slice) -> Prediction | Predictions:
        found = self._found[index]
        return found if isinstance(found, Prediction) else Predictions(found)

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Prediction]:
        return iter(self._found)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Pictures x classes."""
        import numpy as np

        rows = [p.probabilities for p in self._found]
        return np.stack(rows) if rows else np.zeros((0, 0), np.float32)

    @property
    def logits(self) -> NDArray[np.float32] | None:
        """Pictures x classes; None where the model gives none."""
        import numpy as np

        rows = [p.logits for p in self._found if p.logits is not None]
        return np.stack(rows) if rows and len(rows) == len(self._found) else None

    def top(self, k: int = 5) -> list[list[Label]]:
        """Of each picture the k most probable classes."""
        return [p.top(k) for p in self._found]
