"""What a model gives: its probabilities, whatever its last layers are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from classifiers import (
    MEAN,
    OLIVE,
    RED,
    Array,
    mean_colour,
    node,
    preprocess,
    refused,
    save,
    softmax,
)
from onnx import helper

import archdsl
from archdsl.errors import ModelError


def two(path: Path, *tail: tuple[str, list[str], str], **weights: Array) -> Path:
    """From the mean colour, whatever follows."""
    nodes = [*MEAN, *(node(*each) for each in tail)]
    return save(path, nodes, ["N", 3, 8, 8], weights=weights, preprocess=preprocess(8))


TEN = np.array(10, np.float32)
TAILS = {
    "logits": [("Mul", ["flat", "ten"], "out")],
    "softmax": [("Mul", ["flat", "ten"], "m"), ("Softmax", ["m"], "out")],
    "behind a cast": [
        ("Mul", ["flat", "ten"], "m"),
        ("Softmax", ["m"], "s"),
        ("Identity", ["s"], "out"),
    ],
    "log softmax": [("Mul", ["flat", "ten"], "m"), ("LogSoftmax", ["m"], "out")],
    "written out": [
        ("Mul", ["flat", "ten"], "m"),
        ("Exp", ["m"], "e"),
        ("ReduceSum", ["e", "axes"], "s"),
        ("Div", ["e", "s"], "out"),
    ],
}


@pytest.mark.parametrize("tail", TAILS)
def test_probabilities_whatever_the_last_layer_is(tmp_path: Path, tail: str) -> None:
    more = {"axes": np.array([1])} if tail == "written out" else {}
    session = archdsl.Session(two(tmp_path / "m.onnx", *TAILS[tail], ten=TEN, **more))
    wanted = softmax(np.array([[10, 0, 0], [8, 6, 0]]))
    found = session([RED, OLIVE])
    np.testing.assert_allclose(found.probabilities, wanted, rtol=1e-5)
    assert (found.logits is not None) == (tail == "logits")


def test_logits_that_happen_to_sum_to_one_are_logits(tmp_path: Path) -> None:
    """What a picture of pure red gives here is 1, 0, 0; noise tells it from probabilities."""
    session = archdsl.Session(
        two(tmp_path / "m.onnx", ("Mul", ["flat", "one"], "out"), one=TEN / 10)
    )
    wanted = softmax(np.array([1.0, 0, 0]))
    np.testing.assert_allclose(session(RED)[0].probabilities, wanted, rtol=1e-5)


def test_a_softmax_in_a_function(tmp_path: Path) -> None:
    import onnx

    path = two(tmp_path / "m.onnx", ("Mul", ["flat", "ten"], "m"), ("head", ["m"], "out"), ten=TEN)
    model = onnx.load(path)
    model.graph.node[-1].domain = "net"
    model.opset_import.append(onnx.helper.make_opsetid("net", 1))
    body = [onnx.helper.make_node("Softmax", ["x"], ["y"])]
    opsets = [onnx.helper.make_opsetid("", 20)]
    model.functions.append(onnx.helper.make_function("net", "head", ["x"], ["y"], body, opsets))
    onnx.save(model, path)
    wanted = softmax(np.array([10.0, 0, 0]))
    np.testing.assert_allclose(archdsl.Session(path)(RED)[0].probabilities, wanted, rtol=1e-5)


def test_classes_that_are_independent_stay_as_they_are(tmp_path: Path) -> None:
    path = two(
        tmp_path / "m.onnx", ("Mul", ["flat", "ten"], "m"), ("Sigmoid", ["m"], "out"), ten=TEN
    )
    found = archdsl.Session(path)(RED)[0].probabilities
    np.testing.assert_allclose(found, [1 / (1 + np.exp(-10)), 0.5, 0.5], rtol=1e-5)


def test_maps_of_one_pixel_are_classes(tmp_path: Path) -> None:
    import onnx

    path = save(tmp_path / "m.onnx", [node("GlobalAveragePool", ["x"], "out")], ["N", 3, 8, 8])
    model = onnx.load(path)
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("out", 1, ["N", 3, 1, 1]))
    onnx.save(model, path)
    assert archdsl.Session(path)(RED).probabilities.shape == (1, 3)


def test_of_several_outputs_the_one_with_the_classes(tmp_path: Path) -> None:
    import onnx

    path = mean_colour(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.node.append(node("Concat", ["flat", "flat"], "features", axis=1))
    features = onnx.helper.make_tensor_value_info("features", 1, ["N", 6])
    model.graph.output.insert(0, features)
    onnx.save(model, path)
    assert archdsl.Session(path)(RED)[0].top(1)[0].name == "red"


def test_the_best_alone_are_no_classes(tmp_path: Path) -> None:
    """Values sorted by themselves, with their places: of which classes they are is elsewhere."""
    path = tmp_path / "m.onnx"
    best = helper.make_node("TopK", ["flat", "k"], ["out", "places"], "best")
    weights = {"k": np.array([2])}
    save(path, [*MEAN, best], ["N", 3, 8, 8], 2, weights=weights, preprocess=preprocess(8))
    assert "no output has a value for each class" in refused("A905", path)


def test_what_is_no_number_is_told(tmp_path: Path) -> None:
    path = two(tmp_path / "m.onnx", ("Log", ["flat"], "l"), ("Sqrt", ["l"], "out"))
    (found,) = archdsl.Session(path).stream([OLIVE])
    assert isinstance(found, ModelError)
    assert found.diagnostics[0].code == "A907"
