"""Storing a model with its weights: in one file, or in two that belong together.

Two files cannot take their names at one moment, and a process may be killed between the two. So the
file of weights is named after what it holds, `NAME.onnx.<first digits of its SHA-256>.data`, and
takes its name first. Nothing refers to it until the model takes its own, which is the one moment at
which all changes: before it readers find the earlier model with the earlier weights, after it the
new with the new. The earlier weights are removed last; until then no other process may begin, as
each would remove what the other has just written. A process that is killed may leave a file of
weights that no model refers to, or a hidden folder of unfinished files; neither harms.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from archdsl.errors import BuildError, Diagnostic, WriteError
from archdsl.files import assembling, one_at_a_time
from archdsl.ir.shapes import Shape, elements

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

Stored = Sequence["Tensor"]

# Up to this size one file is handier to keep and to send, and quick to parse. Beyond it protobuf's
# copies cost time and memory, and at 2 GiB it ends.
INLINE_BYTES = 32 << 20
MOST_INLINE = (2 << 30) - (16 << 20)  # what protobuf holds, less room for the graph

MOST_PARSED = 64 << 20  # an earlier model that is larger has its weights inside

# onnxruntime's own rule: what is large enough to be worth mapping into memory starts where every
# system can map it (Windows in steps of 64 KiB); the rest only needs to suit the processor.
LARGE_BYTES, LARGE_ALIGNMENT, SMALL_ALIGNMENT = 1 << 20, 64 << 10, 64

_DIGITS = 16
_TYPES = {  # ONNX's names, and the bytes of a value
    "float32": ("FLOAT", 4),
    "float16": ("FLOAT16", 2),
    "bfloat16": ("BFLOAT16", 2),
    "int64": ("INT64", 8),
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One weight as it is stored."""

    key: str
    shape: Shape
    dtype: str
    raw: Callable[[], memoryview]
    """Gives its bytes."""

    @property
    def length(self) -> int:
        return elements(self.shape) * _TYPES[self.dtype][1]


def save(
    path: Path,
    model: ModelProto,
    weights: Stored,
    inline: bool = False,
    check: Callable[[Path], None] | None = None,
) -> tuple[Path, ...]:
    """Write a model and its weights so that readers see the old files or the new ones.

    Args:
        path: where to.
        model: the model, without its weights.
        weights: these, in that order; the array of each is asked for once, and not kept.
        inline: whether they are in the model's own file however large they are.
        check: is given the finished model before it takes its name; what it raises stops all.

    Returns:
        The model, and the file of weights where there is one.

    Raises:
        BuildError: one file cannot hold them.
        WriteError: a file cannot be written; the earlier ones are left as they were.
    """
    size = sum(tensor.length for tensor in weights)
    if inline and size > MOST_INLINE:
        label = f"one ONNX file holds less than 2 GiB; the weights are {size / 2**30:.1f} GiB"
        raise BuildError(Diagnostic("A708", None, label, help="leave `--inline` out"))
    with assembling(path) as (folder, keep):
        made = folder / path.name
        names: list[str] = []
        if inline or size <= INLINE_BYTES:
            _initialize(model, map(_inline, weights))
        else:
            names.append(_beside(folder, path, model, weights))
        made.write_bytes(_serialized(model))
        if check is not None:
            check(made)
        with one_at_a_time(path.parent):
            earlier = _data_of(path)
            for name in (*names, path.name):
                keep(name)
            for name in earlier - set(names):
                with suppress(OSError):
                    path.with_name(name).unlink()
    return path, *(path.with_name(name) for name in names)


def _beside(folder: Path, path: Path, model: ModelProto, weights: Stored) -> str:
    """Write the file of weights; its name."""
    _referable(path)
    unnamed = folder / "weights"
    with unnamed.open("wb") as stream, _Digest() as digest:
        tensors = [_append(stream, digest.update, tensor) for tensor in weights]
    name = f"{path.name}.{digest.text}.data"
    unnamed.rename(folder / name)
    for tensor in tensors:
        tensor.external_data[0].value = name
    _initialize(model, tensors)
    return name


class _Digest:
    """A digest that is computed while the next weights are made and written.

    It holds at most the part that it works on and the one after it.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._worker = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None

    def __enter__(self) -> _Digest:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.shutdown()

    def update(self, part: memoryview | bytes) -> None:
        """Take in the next part, whose bytes must not change afterwards."""
        if self._last is not None:
            self._last.result()
        self._last = self._worker.submit(self._hash.update, part)

    @property
    def text(self) -> str:
        """The first digits, once the block is left."""
        return self._hash.hexdigest()[:_DIGITS]


def _data_of(path: Path) -> set[str]:
    """The files of weights of ours that an earlier model of this name refers to."""
    import onnx

    ours = re.compile(rf"{re.escape(path.name)}(\.[0-9a-f]{{{_DIGITS}}})?\.data")
    try:
        if not path.is_file() or path.stat().st_size > MOST_PARSED:
            return set()
        model = onnx.load(path, load_external_data=False)
    except Exception:  # whatever onnx makes of a file that is no model
        return set()
    entries = (e for t in model.graph.initializer for e in t.external_data)
    return {e.value for e in entries if e.key == "location" and ours.fullmatch(e.value)}


def _initialize(model: ModelProto, tensors: Iterable[TensorProto]) -> None:
    """Put the weights before the constants that the model has already."""
    constants = list(model.graph.initializer)
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensors)
    model.graph.initializer.extend(constants)


def _inline(stored: Tensor) -> TensorProto:
    tensor = _header(stored)
    tensor.raw_data = bytes(stored.raw())
    return tensor


def _append(
    stream: BinaryIO, digest: Callable[[memoryview | bytes], None], stored: Tensor
) -> TensorProto:
    """Write one tensor at the next place that suits it, and say where that is."""
    from onnx import TensorProto

    step = LARGE_ALIGNMENT if stored.length >= LARGE_BYTES else SMALL_ALIGNMENT
    offset = -(-stream.tell() // step) * step
    for part in (b"\0" * (offset - stream.tell()), stored.raw()):
        stream.write(part)
        digest(part)
    tensor = _header(stored)
    tensor.data_location = TensorProto.EXTERNAL
    for name, value in (("location", ""), ("offset", offset), ("length", stored.length)):
        tensor.external_data.add(key=name, value=str(value))
    return tensor


def _header(stored: Tensor) -> TensorProto:
    from onnx import TensorProto

    kind = TensorProto.DataType.Value(_TYPES[stored.dtype][0])
    return TensorProto(name=stored.key, data_type=kind, dims=stored.shape)


def _referable(path: Path) -> None:
    """Make sure that a model can refer to a file of this name.

    Raises:
        WriteError: the name is no text.
    """
    try:
        path.name.encode("utf-8")
    except UnicodeEncodeError:
        label = f"{str(path)!a}: an ONNX model cannot refer to a name that is not UTF-8"
        raise WriteError(Diagnostic("A005", None, label, help="choose another name")) from None


def _serialized(model: ModelProto) -> bytes:
    return model.SerializeToString(deterministic=True)
