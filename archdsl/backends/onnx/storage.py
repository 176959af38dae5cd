"""Storing a model with its weights: in one file, or in two that belong together."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from archdsl.backends.onnx.weights import raw
from archdsl.errors import Diagnostic, WriteError
from archdsl.files import replacing
from archdsl.ir.records import Weight
from archdsl.ir.shapes import elements

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto, TensorProto

    Stored = dict[str, tuple[Weight, NDArray[np.generic]]]

# Up to this size one file is handier to keep and to send, and quick to parse. Beyond it protobuf's
# copies cost time and memory, and at 2 GiB it ends.
INLINE_BYTES = 32 << 20

# onnxruntime's own rule: what is large enough to be worth mapping into memory starts where every
# system can map it (Windows in steps of 64 KiB); the rest only needs to suit the processor.
LARGE_BYTES, LARGE_ALIGNMENT, SMALL_ALIGNMENT = 1 << 20, 64 << 10, 64

_WIDTHS = {"float32": 4, "int64": 8}


def save(path: Path, model: ModelProto, weights: Stored) -> None:
    """Write a model and its weights so that readers see the old files or the new ones.

    Raises:
        WriteError: a file cannot be written; the earlier ones are left as they were.
    """
    data = path.with_name(f"{path.name}.data")
    if sum(_length(weight) for weight, _ in weights.values()) <= INLINE_BYTES:
        _initialize(model, (_inline(key, *stored) for key, stored in weights.items()))
        with replacing(path) as file:
            file.write_bytes(_serialized(model))
        with suppress(OSError):  # an earlier run's; nothing reads it any more
            data.unlink()
        return
    location = _location(data)
    # Both files are complete before either takes its name; the weights take theirs first.
    with replacing(path) as file, replacing(data) as data_file:
        with data_file.open("wb") as stream:
            _initialize(model, [_append(stream, location, k, *s) for k, s in weights.items()])
        file.write_bytes(_serialized(model))


def _initialize(model: ModelProto, tensors: Iterable[TensorProto]) -> None:
    """Put the weights before the constants that the model has already."""
    constants = list(model.graph.initializer)
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensors)
    model.graph.initializer.extend(constants)


def _inline(key: str, weight: Weight, array: NDArray[np.generic]) -> TensorProto:
    tensor = _header(key, weight)
    tensor.raw_data = bytes(raw(weight, array))
    return tensor


def _append(
    stream: BinaryIO, location: str, key: str, weight: Weight, array: NDArray[np.generic]
) -> TensorProto:
    """Write one tensor at the next place that suits it, and say where that is."""
    from onnx import TensorProto

    length = _length(weight)
    step = LARGE_ALIGNMENT if length >= LARGE_BYTES else SMALL_ALIGNMENT
    offset = -(-stream.tell() // step) * step
    stream.seek(offset)
    stream.write(raw(weight, array))
    tensor = _header(key, weight)
    tensor.data_location = TensorProto.EXTERNAL
    for name, value in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=name, value=str(value))
    return tensor


def _header(key: str, weight: Weight) -> TensorProto:
    from onnx import TensorProto

    kind = TensorProto.INT64 if weight.dtype == "int64" else TensorProto.FLOAT
    return TensorProto(name=key, data_type=kind, dims=weight.shape)


def _length(weight: Weight) -> int:
    return elements(weight.shape) * _WIDTHS[weight.dtype]


def _location(data: Path) -> str:
    """The name of the file of weights, as the model refers to it.

    Raises:
        WriteError: it is no text, so the model could not.
    """
    try:
        data.name.encode("utf-8")
    except UnicodeEncodeError:
        label = f"{str(data)!a}: an ONNX model cannot refer to a name that is not UTF-8"
        raise WriteError(Diagnostic("A005", None, label, help="choose another name")) from None
    return data.name


def _serialized(model: ModelProto) -> bytes:
    return model.SerializeToString(deterministic=True)
