"""The ONNX writer: what a file says, what it calls things, which weights it refuses.

That the numbers are PyTorch's is tested layer by layer in tests/ops.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from support import (
    Weights,
    assert_close,
    chain,
    check_onnx,
    file_names,
    random_arrays,
    run_onnx,
    stored_weights,
)

import archdsl
from archdsl.backends.onnx import write
from archdsl.errors import BuildError
from archdsl.ir import Graph, Output


def loaded(path: Path) -> onnx.GraphProto:
    return onnx.load(path).graph


# What the file says


def test_the_names_are_the_networks(graph: Graph, weights: Weights, tmp_path: Path) -> None:
    write(graph, tmp_path / "a.onnx", weights)
    check_onnx(tmp_path / "a.onnx")
    body = loaded(tmp_path / "a.onnx")
    assert [(n.name, n.op_type, *n.output) for n in body.node] == [
        ("conv1", "Conv", "conv1"),
        ("bn1", "BatchNormalization", "bn1"),
        ("relu1", "Relu", "relu1"),
        ("body.0", "Conv", "body.0"),
        ("body.1", "Relu", "body.1"),
        ("conv2", "Conv", "conv2"),
        ("add1", "Add", "add1"),
        ("ln1/Transpose", "Transpose", "ln1/last"),
        ("ln1/LayerNormalization", "LayerNormalization", "ln1/normalized"),
        ("ln1", "Transpose", "ln1"),
        ("fc1/Flatten", "Flatten", "fc1/flat"),
        ("fc1", "Gemm", "out"),
    ]
    # The dropout is gone: both that read it read what it was given.
    readers = [n.name for n in body.node if "body.1" in n.input]
    assert readers == ["conv2", "add1"]
    assert [i.name for i in body.input] == ["input"]
    assert [o.name for o in body.output] == ["out"]


def test_what_it_was_made_from(graph: Graph, weights: Weights, tmp_path: Path) -> None:
    write(graph, tmp_path / "a.onnx", weights)
    model = onnx.load(tmp_path / "a.onnx")
    assert (model.producer_name, model.producer_version) == ("archdsl", graph.origin.archdsl)
    assert "small.arch" in model.doc_string
    assert graph.origin.sha256 in model.doc_string
    assert model.graph.name == "small"
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 26)]


def test_the_weights_are_called_by_their_keys(
    graph: Graph, weights: Weights, tmp_path: Path
) -> None:
    """Those that inference uses; the count of batches is not one of them."""
    write(graph, tmp_path / "a.onnx", weights)
    stored = stored_weights(tmp_path / "a.onnx")
    assert set(weights) - set(stored) == {"bn1.num_batches_tracked"}
    for key, array in stored.items():
        np.testing.assert_array_equal(array, weights[key])


def test_every_value_declares_its_shape_and_any_batch(
    graph: Graph, weights: Weights, tmp_path: Path
) -> None:
    write(graph, tmp_path / "a.onnx", weights)
    body = loaded(tmp_path / "a.onnx")
    for value in (*body.input, *body.output, *body.value_info):
        batch, *sides = value.type.tensor_type.shape.dim
        assert batch.dim_param == "batch"
        path = "fc1" if value.name == "out" else value.name
        assert tuple(s.dim_value for s in sides) == graph.shapes[path]
    made = {n.name for n in body.node if "/" not in n.name}
    assert {v.name for v in body.value_info} == made - {"fc1"}
    for batch in (1, 5):
        (y,) = run_onnx(tmp_path / "a.onnx", random_arrays(((3, 8, 8),), batch))
        assert y.shape == (batch, 5)


def test_a_dropout_at_the_end_gives_its_name_to_an_identity(tmp_path: Path) -> None:
    graph = archdsl.parse("input 4; relu; dropout").graph
    write(graph, tmp_path / "a.onnx", {})
    check_onnx(tmp_path / "a.onnx")
    nodes = [(n.name, n.op_type, *n.input, *n.output) for n in loaded(tmp_path / "a.onnx").node]
    assert nodes == [("relu1", "Relu", "input", "relu1"), ("dropout1", "Identity", "relu1", "out")]


def test_a_network_that_does_nothing(tmp_path: Path) -> None:
    graph = archdsl.parse("input 2x3x3; dropout; identity").graph
    write(graph, tmp_path / "a.onnx", {})
    check_onnx(tmp_path / "a.onnx")
    (x,) = random_arrays(((2, 3, 3),), 2)
    np.testing.assert_array_equal(run_onnx(tmp_path / "a.onnx", [x])[0], x)


def test_one_value_as_several_outputs(tmp_path: Path) -> None:
    """An output each for a layer, the dropout after it, and the network's input."""
    graph = archdsl.parse("input 4; relu; dropout").graph
    nodes = {"main": "dropout1", "again": "dropout1", "before": "relu1", "given": "input"}
    outputs = tuple(Output(name=k, node=v, shape=(4,)) for k, v in nodes.items())
    graph = graph.model_copy(update={"outputs": outputs})
    write(graph, tmp_path / "a.onnx", {})
    check_onnx(tmp_path / "a.onnx")
    body = loaded(tmp_path / "a.onnx")
    assert [o.name for o in body.output] == list(nodes)
    assert len({n.name for n in body.node}) == len(body.node)
    (x,) = random_arrays(((4,),), 2)
    expected = np.maximum(x, 0)
    found = run_onnx(tmp_path / "a.onnx", [x])
    for actual, wanted in zip(found, (expected, expected, expected, x), strict=True):
        np.testing.assert_array_equal(actual, wanted)


def test_a_layer_may_be_called_like_the_output(tmp_path: Path) -> None:
    graph = archdsl.parse("input 4; out: relu; sigmoid").graph
    write(graph, tmp_path / "a.onnx", {})
    check_onnx(tmp_path / "a.onnx")
    assert [(n.name, *n.output) for n in loaded(tmp_path / "a.onnx").node] == [
        ("out", "out/y"),
        ("sigmoid1", "out"),
    ]


def test_operators_of_one_layer_have_names_of_their_own(tmp_path: Path) -> None:
    """A map and two vectors: each vector becomes a map, then two products."""
    graph = archdsl.parse("input 4x6x6; mul { | gap | gap; sigmoid }").graph
    write(graph, tmp_path / "a.onnx", {})
    check_onnx(tmp_path / "a.onnx")
    found = [n.name for n in loaded(tmp_path / "a.onnx").node if n.name.startswith("mul1")]
    assert found == ["mul1/Unsqueeze", "mul1/Mul", "mul1/Unsqueeze_2", "mul1"]
    (x,) = random_arrays(((4, 6, 6),), 2)
    mean = x.mean((2, 3), keepdims=True)
    assert_close(run_onnx(tmp_path / "a.onnx", [x])[0], x * mean / (1 + np.exp(-mean)))


def test_an_input_cannot_be_called_like_the_output(tmp_path: Path) -> None:
    graph = chain(archdsl.parse("input 4; relu").graph.nodes[0].op, shapes=((4,),))
    outputs = (Output(name="x0", node="relu1", shape=(4,)),)
    graph = graph.model_copy(update={"outputs": outputs})
    with pytest.raises(BuildError, match="both called `x0`"):
        write(graph, tmp_path / "a.onnx", {})


def test_what_onnx_cannot_say_names_the_layer_and_its_place(tmp_path: Path) -> None:
    graph = archdsl.parse("input 1x9001x9\nadaptive_avgpool 9000x9", file="tall.arch").graph
    with pytest.raises(BuildError, match=r"adaptive_avgpool1 \(tall.arch:2:1\)") as caught:
        write(graph, tmp_path / "a.onnx", {})
    assert caught.value.diagnostics[0].code == "A701"
    assert file_names(tmp_path) == []


# Weights that do not fit


def refused(graph: Graph, weights: Weights, folder: Path) -> str:
    """The message, once it is sure that nothing was written."""
    with pytest.raises(BuildError) as caught:
        write(graph, folder / "a.onnx", weights)
    assert {d.code for d in caught.value.diagnostics} == {"A702"}
    assert file_names(folder) == []
    return str(caught.value)


def test_weights_that_are_missing(graph: Graph, weights: Weights, tmp_path: Path) -> None:
    del weights["conv1.weight"], weights["fc1.bias"]
    assert "lack `conv1.weight`, `fc1.bias`" in refused(graph, weights, tmp_path)
    assert "`bn1.weight`, `bn1.bias`" in refused(graph, {}, tmp_path)
    assert "and 9 more" in refused(graph, {}, tmp_path)


def test_weights_under_another_name(graph: Graph, weights: Weights, tmp_path: Path) -> None:
    weights["conv1.weigth"] = weights.pop("conv1.weight")
    message = refused(graph, weights, tmp_path)
    assert "lack `conv1.weight`" in message
    assert "no `conv1.weigth`" in message
    assert "did you mean `conv1.weight`?" in message


def test_weights_of_another_shape(graph: Graph, weights: Weights, tmp_path: Path) -> None:
    weights["fc1.weight"] = weights["fc1.weight"].T
    weights["bn1.bias"] = weights["bn1.bias"][0]
    message = refused(graph, weights, tmp_path)
    assert "`fc1.weight` is 512x5, the network's is 5x512" in message
    assert "`bn1.bias` is a single number, the network's is 4" in message


def test_weights_of_another_network(graph: Graph, weights: Weights, tmp_path: Path) -> None:
    """A few differences are told one by one; of many, how many there are."""
    message = refused(graph, {key: array[None] for key, array in weights.items()}, tmp_path)
    assert "`bn1.running_var` is 1x4, the network's is 4" in message
    assert "9 more differ" in message


def test_weights_that_are_no_numbers_of_this_kind(
    graph: Graph, weights: Weights, tmp_path: Path
) -> None:
    weights["fc1.bias"] = weights["fc1.bias"].astype(np.complex64)
    assert "`fc1.bias` holds complex64, not float32" in refused(graph, weights, tmp_path)
