"""An ONNX file from anybody, looked at before onnxruntime opens it.

A file may be truncated or damaged, or made to read other files: its weights may lie "in" any path
that it likes. What is found here is data alone; nothing outside of the file is opened.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Literal, cast

from archdsl.errors import Diagnostic, ModelError, printable

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

MAX_BYTES = (2 << 30) - 1  # of a protobuf message
SHOWN = 300  # characters of what a library says

Scale = Literal["logits", "probabilities", "log probabilities", "unknown"]
"""What the numbers of an output are."""

SELECTED = "TopK"  # the operator of outputs that have lost which class is which


@dataclass(frozen=True)
class Model:
    """What a file says of itself."""

    path: Path
    proto: ModelProto
    """The file's message, without the weights."""
    metadata: dict[str, str]

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes, if the file has them.

        Raises:
            ModelError: they are no list of texts.
        """
        text = self.metadata.get("archdsl.classes")
        if text is None:
            return None
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        names = cast(list[object], found) if isinstance(found, list) else [None]
        if not all(isinstance(name, str) for name in names):
            raise refusal(
                "A904", self.path, "`archdsl.classes` in its metadata is no list of names"
            )
        return tuple(map(str, names))


def refusal(code: str, path: Path, label: str, help: str = "") -> ModelError:
    """An error about a model; its message begins with the name of the file."""
    return ModelError(Diagnostic(code, None, f"{path}: {label}", help=help))


def said(error: Exception) -> str:
    """What a library said, in one line that a terminal can show."""
    text = " ".join(str(error).split()) or type(error).__name__
    return printable(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")


def read(path: Path) -> Model:
    """Read a model and make sure that it may be run; its weights are not kept.

    Raises:
        ModelError: it cannot be read, is no sound ONNX model, or reads what is not its own.
    """
    import onnx
    from google.protobuf.message import DecodeError

    data = _bytes(path)
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(data)
    except DecodeError:
        what = "it is empty" if not data else "it is truncated, damaged, or no ONNX model"
        raise refusal("A901", path, what) from None
    if not proto.graph.node:  # nearly any few bytes are some message
        raise refusal("A901", path, "it is truncated, damaged, or no ONNX model: it has no layers")
    _stays_at_home(path, proto)
    try:
        onnx.checker.check_model(path)
    except Exception as error:  # its own ValidationError, and what protobuf and pybind throw
        raise refusal("A901", path, f"it is damaged: {said(error)}") from None
    del proto.graph.initializer[:]  # onnxruntime is about to have them in memory too
    return Model(path, proto, {p.key: p.value for p in proto.metadata_props})


def _bytes(path: Path) -> bytes:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        label = "onnxruntime opens no file whose name is not UTF-8"
        raise refusal("A901", path, label, "rename it") from None
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise refusal("A901", path, "it is a folder", "name the .onnx file in it")
        if not stat.S_ISREG(found.st_mode):
            raise refusal("A901", path, "it is no regular file")
        if found.st_size > MAX_BYTES:
            raise refusal("A901", path, "it is longer than 2 GiB")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise refusal("A901", path, str(reason).lower()) from None


# What a model may read


def _stays_at_home(path: Path, proto: ModelProto) -> None:
    """Every file that the model names lies in its folder, links followed, and has what is wanted.

    Raises:
        ModelError: one does not.
    """
    folder = path.parent.resolve()
    known: dict[str, int] = {}
    for tensor in _tensors(path, proto):
        if tensor.data_location != tensor.EXTERNAL:
            if tensor.external_data:
                raise refusal("A902", path, "a weight lies both in the file and elsewhere")
            continue
        place = {entry.key: entry.value for entry in tensor.external_data}
        location = place.get("location", "")
        if location not in known:
            known[location] = _companion(path, folder, location)
        _lies_within(path, location, place, known[location])


def _companion(path: Path, folder: Path, location: str) -> int:
    """The length of a file of weights.

    Raises:
        ModelError: it is missing, or none that the model may read.
    """
    shown = printable(location[:SHOWN])
    windows, posix = PureWindowsPath(location), PurePosixPath(location)
    away = posix.is_absolute() or windows.drive or windows.root or "\0" in location
    size = None
    if not away:
        with suppress(OSError, RuntimeError, ValueError):  # no such name can be; links in a circle
            target = (folder / location).resolve()
            away = not target.is_relative_to(folder)
            found = target.stat()
            size = found.st_size if stat.S_ISREG(found.st_mode) else None
    if away:
        label = f"its weights are to be read from {shown!r}, which is outside of its folder"
        raise refusal("A902", path, label)
    if size is None:
        label = f"its weights are in {shown!r}, which is not beside it"
        raise refusal("A901", path, label, "move the two files together")
    return size


def _lies_within(path: Path, location: str, place: dict[str, str], size: int) -> None:
    numbers = [place.get("offset", "0"), place.get("length", "0")]
    if not all(n.isascii() and n.isdecimal() and len(n) < 20 for n in numbers):
        raise refusal("A901", path, "it is damaged: a weight's place is no number")
    if sum(map(int, numbers)) > size:
        label = f"{printable(location[:SHOWN])!r}, which holds its weights, is truncated"
        raise refusal("A901", path, label)


def _tensors(path: Path, proto: ModelProto) -> Iterator[TensorProto]:
    """Every tensor of a model: weights, attributes, those of branches, loops and functions.

    Raises:
        ModelError: a node brings compiled parts, which name files of their own.
    """
    graphs = [proto.graph]
    for training in proto.training_info:
        graphs += [training.initialization, training.algorithm]
    nodes: list[NodeProto] = [node for function in proto.functions for node in function.node]
    attributes = [a for function in proto.functions for a in function.attribute_proto]
    while graphs or nodes or attributes:
        if graphs:
            graph = graphs.pop()
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
            nodes += graph.node
        elif nodes:
            node = nodes.pop()
            if node.op_type == "EPContext":
                raise refusal("A902", path, f"its layer {node.name!a} is compiled for one device")
            attributes += node.attribute
        else:
            attribute = attributes.pop()
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            graphs += [attribute.g, *attribute.graphs]


# What comes out

# Operators that hand on what they are given, but for its shape or type.
_SAME = ("Identity", "Cast", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Dropout", "Transpose")
_ROUNDED = ("QuantizeLinear", "DequantizeLinear")
# Operators whose results are no probabilities unless somebody designed it so.
_OPEN = ("Gemm", "MatMul", "Add", "Conv", "GlobalAveragePool", "ReduceMean", "AveragePool", "Relu")


def maker(proto: ModelProto, output: str) -> str:
    """The operator whose numbers an output has, or nothing where that cannot be said."""
    graph: GraphProto = proto.graph
    functions = {(f.domain, f.name): f for f in proto.functions}
    makers = {name: node for node in graph.node for name in node.output}
    for _ in range(len(graph.node) + 100 * len(functions)):
        node = makers.get(output)
        if node is None:
            return ""
        body = functions.get((node.domain, node.op_type))
        if body is not None:
            output = dict(zip(node.output, body.output, strict=False)).get(output, "")
            makers = {name: inner for inner in body.node for name in inner.output}
        elif node.op_type in _SAME + _ROUNDED and node.input:
            output = node.input[0]
        else:
            return node.op_type
    return ""


def scale(operator: str) -> Scale:
    """What numbers are by the operator that makes them.

    Where that is none of the usual, such as the division of a softmax that is written out, it is
    not known.
    """
    match operator:
        case "Softmax" | "Sigmoid":
            return "probabilities"
        case "LogSoftmax":
            return "log probabilities"
        case kind:
            return "logits" if kind in _OPEN else "unknown"
