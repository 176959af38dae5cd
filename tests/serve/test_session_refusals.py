"""Models, metadata and devices with which there is no session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from classifiers import MEAN, RED, mean_colour, node, preprocess, refused, save

import archdsl
from archdsl.errors import ModelError


def test_models_that_do_not_classify_pictures(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    flat = [node("Identity", ["x"], "out")]
    assert "not a batch of pictures" in refused("A905", save(path, flat, ["N", 3]))
    nodes = [*MEAN, node("Identity", ["flat"], "out")]
    assert "no axis has 1 or 3" in refused("A905", save(path, nodes, ["N", 7, 8, 8], 7))
    nodes = [*MEAN, node("ReduceSum", ["flat", "axes"], "s"), node("Add", ["s", "s"], "out")]
    save(path, nodes, ["N", 3, 8, 8], 1, weights={"axes": np.array([1])})
    assert "one number" in refused("A905", path)
    net = archdsl.parse("input a 3x8x8\ninput b 3x8x8\nadd { @a | @b }; gap; fc 4")
    net.to_onnx(path)
    assert "2 inputs" in refused("A905", path)
    archdsl.parse("input 3x8x8\nconv 3x3 4").to_onnx(path)
    assert "no output has a value for each class" in refused("A905", path)


@pytest.mark.parametrize(
    ("metadata", "label"),
    [
        ({"classes": ["a", "b"]}, "name 2 classes, and it has 3"),
        ({"classes": {"a": 1}}, "no list of names"),
        ({"classes": [1, 2, 3]}, "no list of names"),
        ({"classes": "[" * 100_000}, "no list of names"),
        ({"preprocess": "{"}, "no JSON"),
        ({"preprocess": "[" * 100_000}, "no JSON"),
        ({"preprocess": [1]}, "preprocess"),
        ({"preprocess": preprocess(8, std=[1, 1, 0])}, "std"),
        ({"preprocess": preprocess(9)}, "8x8"),
        ({"preprocess": preprocess(8, layout="NHWC")}, "NHWC"),
        ({"preprocess": preprocess(8, channels="L", mean=[0], std=[1])}, "3 channels"),
        ({"preprocess": preprocess(8, in_graph=True)}, "float32"),
    ],
)
def test_metadata_that_cannot_be(tmp_path: Path, metadata: dict[str, object], label: str) -> None:
    assert label in refused("A904", mean_colour(tmp_path / "m.onnx", **metadata))


def test_a_size_that_nobody_knows(tmp_path: Path) -> None:
    nodes = [*MEAN, node("Identity", ["flat"], "out")]
    path = save(tmp_path / "m.onnx", nodes, ["N", 3, "H", "W"])
    assert "of any size" in refused("A904", path)
    assert archdsl.Session(path, size=20)(RED).probabilities.shape == (1, 3)
    assert "8x8" in refused("A904", mean_colour(path), size=20)


# Devices


@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_a_device_that_is_not_there(
    tmp_path: Path, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archdsl.serve import devices

    monkeypatch.setattr(devices, "_has_driver", lambda: False)
    with pytest.raises(ModelError) as error:
        archdsl.Session(mean_colour(tmp_path / "m.onnx"), device=device)  # pyright: ignore[reportArgumentType]
    assert error.value.diagnostics[0].code == "A906"
    assert archdsl.Session(mean_colour(tmp_path / "m.onnx")).device == "cpu"


def test_a_driver_without_its_libraries_is_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """onnxruntime-gpu where CUDA does not load: `auto` runs on the CPU and prints nothing."""
    from archdsl.serve import devices

    if devices._has_driver():
        pytest.skip("there is a GPU")
    monkeypatch.setattr(devices, "_has_driver", lambda: True)
    path = mean_colour(tmp_path / "m.onnx")
    assert archdsl.Session(path).device == "cpu"
    with pytest.raises(ModelError, match="A906"):
        archdsl.Session(path, device="cuda")
    found = capfd.readouterr()
    assert (found.out, found.err) == ("", "")
