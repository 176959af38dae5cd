"""Whether weights fit a network, and the bytes that ONNX stores of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from archdsl.backends.onnx.half import narrowed
from archdsl.backends.onnx.storage import Tensor
from archdsl.errors import BuildError, Diagnostic, suggestion
from archdsl.ir import Graph
from archdsl.ir.records import Weight
from archdsl.ir.shapes import Shape, show

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from archdsl.backends.onnx.translate import Translation

SHOWN = 5  # names that one message lists


def check(graph: Graph, weights: Mapping[str, NDArray[np.generic]]) -> None:
    """Whether the weights are the network's: every name, every shape, numbers.

    Raises:
        BuildError: they are not; each kind of difference is told.
    """
    state = graph.state()
    found: list[Diagnostic] = []
    missing = [key for key in state if key not in weights]
    unknown = [key for key in weights if key not in state]
    if missing:
        found.append(_diagnostic(f"the weights lack {_listed(missing)}", _near(missing, unknown)))
    if unknown:
        found.append(_diagnostic(f"the network has no {_listed(unknown)}", _near(unknown, missing)))
    misfits = [m for key, weight in state.items() if (m := _misfit(key, weight, weights))]
    found += [_diagnostic(label) for label in misfits[:SHOWN]]
    if len(misfits) > SHOWN:
        found.append(_diagnostic(f"{len(misfits) - SHOWN:,} more differ"))
    if found:
        raise BuildError(found)


def _misfit(key: str, weight: Weight, weights: Mapping[str, NDArray[np.generic]]) -> str:
    """How the array of a key differs from what the network has; empty where it does not."""
    import numpy as np

    if key not in weights:
        return ""
    array = np.asarray(weights[key])
    if array.shape != weight.shape:
        return f"`{key}` is {_size(array.shape)}, the network's is {_size(weight.shape)}"
    if not np.can_cast(array.dtype, weight.dtype, "same_kind"):
        return f"`{key}` holds {array.dtype}, not {weight.dtype}"
    return ""


def weights_of(
    found: Translation, weights: Mapping[str, NDArray[np.generic]], precision: str
) -> list[Tensor]:
    """The weights that a model wants as they are stored; an array is asked for when it is."""

    def stored(key: str, weight: Weight) -> Tensor:
        if key not in found.half:
            return Tensor(key, weight.shape, weight.dtype, lambda: raw(weight, weights[key]))
        return Tensor(
            key,
            weight.shape,
            precision,
            lambda: _bytes(narrowed(_float32(weights[key]), key, precision)),
        )

    return [stored(key, weight) for key, weight in found.wanted.items()]


def raw(weight: Weight, array: NDArray[np.generic]) -> memoryview:
    """The array's own memory; a copy where it is not contiguous, little-endian or of this type."""
    import numpy as np

    dtype = np.dtype(weight.dtype).newbyteorder("<")
    return _bytes(np.ascontiguousarray(array, dtype=dtype))


def _float32(array: NDArray[np.generic]) -> NDArray[np.generic]:
    import numpy as np

    return np.asarray(array, dtype=np.float32)


def _bytes(array: NDArray[np.generic]) -> memoryview:
    import numpy as np

    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _diagnostic(label: str, help: str = "") -> Diagnostic:
    return Diagnostic("A702", None, label, help=help)


def _listed(keys: list[str]) -> str:
    names = ", ".join(f"`{key}`" for key in keys[:SHOWN])
    return names + (f" and {len(keys) - SHOWN:,} more" if len(keys) > SHOWN else "")


def _near(keys: list[str], others: list[str]) -> str:
    return suggestion(keys[0], others[:1000])


def _size(shape: Shape) -> str:
    return show(shape) if shape else "a single number"
