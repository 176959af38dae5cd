"""Small classifiers whose answers can be worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from PIL import Image

import archdsl
from archdsl.cli import run
from archdsl.errors import ModelError

Array = NDArray[Any]

NAMES = ["red", "green", "blue"]
RED = Image.new("RGB", (20, 10), (255, 0, 0))
OLIVE = Image.new("RGB", (10, 20), (204, 153, 0))  # 0.8, 0.6, 0
PLAIN = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}


def preprocess(size: int = 8, /, **changes: object) -> dict[str, Any]:
    """Metadata that leave a picture's values as they are, from 0 to 1."""
    stated = {"size": [size, size], "resize": size, "crop": size, "interpolation": "bilinear"}
    return stated | {"channels": "RGB", "scale": 1 / 255, "layout": "NCHW"} | PLAIN | changes


def node(op: str, inputs: list[str], output: str, **attributes: Any) -> NodeProto:
    return helper.make_node(op, inputs, [output], f"{op}/{output}", **attributes)


def save(
    path: Path,
    nodes: list[NodeProto],
    shape: list[int | str],
    count: int = 3,
    *,
    dtype: int = TensorProto.FLOAT,
    weights: dict[str, Array] | None = None,
    **metadata: object,
) -> Path:
    """Write a model from `x` to `out`; metadata are `archdsl.KEY`, as JSON but for texts."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", dtype, shape)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [shape[0], count])],
        [numpy_helper.from_array(value, key) for key, value in (weights or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    stated = {
        f"archdsl.{k}": v if isinstance(v, str) else json.dumps(v) for k, v in metadata.items()
    }
    helper.set_model_props(model, stated)
    path.write_bytes(model.SerializeToString())
    return path


MEAN = [node("GlobalAveragePool", ["x"], "mean"), node("Flatten", ["mean"], "flat")]


def mean_colour(path: Path, size: int = 8, batch: int | str = "N", **metadata: object) -> Path:
    """The logits are the mean of each channel, times 10."""
    nodes = [*MEAN, node("Mul", ["flat", "ten"], "out")]
    stated = {"classes": NAMES, "preprocess": preprocess(size)} | metadata
    weights = {"ten": np.array(10, np.float32)}
    kept = {k: v for k, v in stated.items() if v is not None}
    return save(path, nodes, [batch, 3, size, size], weights=weights, **kept)


def seeing(path: Path, size: int, seed: int = 0, **metadata: object) -> Path:
    """A random linear map of every pixel: two inputs that differ at all have other logits."""
    generator = np.random.default_rng(seed)
    weight = generator.normal(0, 0.3, (3 * size * size, 5)).astype(np.float32)
    nodes = [node("Flatten", ["x"], "flat"), node("MatMul", ["flat", "w"], "out")]
    return save(path, nodes, ["N", 3, size, size], 5, weights={"w": weight}, **metadata)


def softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def photo(width: int = 40, height: int = 30, seed: int = 0) -> Image.Image:
    """Smooth noise, which no two crops have alike."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def with_external_data(path: Path, location: str, **place: str) -> Path:
    """The mean-colour classifier with its factor in another file."""
    mean_colour(path)
    model = onnx.load(path, load_external_data=False)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in ({"location": location} | place).items():
        tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


def refused(code: str, path: Path, **options: Any) -> str:
    """Why there is no session of a model: the label of the one error, which names the file."""
    with pytest.raises(ModelError) as error:
        archdsl.Session(path, **options)
    (found,) = error.value.diagnostics
    assert found.code == code, found
    assert found.label.startswith(f"{path}: ")
    return found.label


def status(*arguments: object) -> int:
    """Run `archdsl predict` in this process."""
    return run(["predict", *map(str, arguments)])
