"""The ONNX writer: names, what is stored and where, and that files appear whole or not at all.

That the numbers are PyTorch's is tested layer by layer in tests/ops.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from support import assert_close, chain, check_onnx, random_arrays, random_weights, run_onnx

import archdsl
from archdsl.backends.onnx import storage, write
from archdsl.backends.onnx.weights import raw
from archdsl.errors import BuildError, WriteError
from archdsl.ir import Graph, Output
from archdsl.ir.records import Weight

Weights = dict[str, NDArray[Any]]

NETWORK = """
    input 3x8x8
    conv 3x3 4 bias=false; bn; relu
    body: sequence { conv 3x3 8; relu; dropout }
    residual { conv 3x3 }
    ln
    fc 5
    """


@pytest.fixture
def graph() -> Graph:
    return archdsl.parse(NETWORK, file="small.arch").graph


@pytest.fixture
def weights(graph: Graph) -> Weights:
    return random_weights(graph)


def loaded(path: Path) -> onnx.GraphProto:
    return onnx.load(path).graph


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def initializers(path: Path) -> Weights:
    return {t.name: numpy_helper.to_array(t, str(path.parent)) for t in loaded(path).initializer}


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
    stored = initializers(tmp_path / "a.onnx")
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
    assert names(tmp_path) == []


# Where the weights are


@pytest.fixture
def external(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every model were large."""
    monkeypatch.setattr(storage, "INLINE_BYTES", 0)


def test_small_weights_stay_inside(graph: Graph, weights: Weights, tmp_path: Path) -> None:
    write(graph, tmp_path / "a.onnx", weights)
    assert names(tmp_path) == ["a.onnx"]


def test_large_weights_go_beside_it(tmp_path: Path) -> None:
    """33.6 MB of them, past the limit as it is."""
    graph = archdsl.parse("input 2900; fc").graph
    weights = random_weights(graph)
    write(graph, tmp_path / "a.onnx", weights)
    assert names(tmp_path) == ["a.onnx", "a.onnx.data"]
    assert (tmp_path / "a.onnx").stat().st_size < 2000
    check_onnx(tmp_path / "a.onnx")
    (x,) = random_arrays(((2900,),), 1)
    expected = x @ weights["fc1.weight"].T + weights["fc1.bias"]
    assert_close(run_onnx(tmp_path / "a.onnx", [x])[0], expected)


@pytest.mark.usefixtures("external")
def test_the_file_beside_it_holds_the_same_weights(
    graph: Graph, weights: Weights, tmp_path: Path
) -> None:
    write(graph, tmp_path / "a.onnx", weights)
    check_onnx(tmp_path / "a.onnx")
    stored = initializers(tmp_path / "a.onnx")
    assert set(weights) - set(stored) == {"bn1.num_batches_tracked"}
    for key, array in stored.items():
        np.testing.assert_array_equal(array, weights[key])
    assert run_onnx(tmp_path / "a.onnx", random_arrays(((3, 8, 8),), 2))[0].shape == (2, 5)


@pytest.mark.usefixtures("external")
def test_tensors_start_where_a_loader_can_map_them(tmp_path: Path) -> None:
    """Large ones at multiples of 64 KiB, small ones at multiples of 64; none overlap."""
    graph = archdsl.parse("input 600; fc; relu; fc; relu; fc 3").graph
    write(graph, tmp_path / "a.onnx", random_weights(graph))
    model = onnx.load(tmp_path / "a.onnx", load_external_data=False)
    end = 0
    for tensor in model.graph.initializer:
        entries = {e.key: e.value for e in tensor.external_data}
        offset, length = int(entries["offset"]), int(entries["length"])
        assert entries["location"] == "a.onnx.data"
        assert length == 4 * np.prod(tensor.dims)
        assert offset >= end
        assert offset % (64 * 1024 if length >= 1 << 20 else 64) == 0
        end = offset + length
    assert (tmp_path / "a.onnx.data").stat().st_size == end


def test_weights_are_written_from_their_own_memory() -> None:
    array = np.ones((3, 4), np.float32)
    view = np.frombuffer(raw(Weight((3, 4), "kernel"), array), np.float32)
    assert np.shares_memory(view, array)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: np.asfortranarray(a) if a.ndim else a,
        lambda a: a.astype(">f4" if a.dtype == np.float32 else ">i8"),
        lambda a: a.astype(np.float64) if a.dtype == np.float32 else a.astype(np.int32),
        lambda a: np.repeat(a, 2, axis=0)[::2] if a.ndim else a,
    ],
    ids=["by columns", "big-endian", "wider", "strided"],
)
@pytest.mark.parametrize("limit", [0, 1 << 20])
def test_weights_in_another_layout_arrive_the_same(
    graph: Graph,
    weights: Weights,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Any,
    limit: int,
) -> None:
    monkeypatch.setattr(storage, "INLINE_BYTES", limit)
    write(graph, tmp_path / "a.onnx", {key: change(array) for key, array in weights.items()})
    for key, array in initializers(tmp_path / "a.onnx").items():
        np.testing.assert_array_equal(array, weights[key])


# The same bytes for the same network

PROGRAM = """
import sys
sys.path.insert(0, "tests")
from support import random_weights
import archdsl
from archdsl.backends.onnx import storage, write
storage.INLINE_BYTES = int(sys.argv[2])
graph = archdsl.parse(sys.stdin.read(), file="small.arch").graph
write(graph, sys.argv[1], random_weights(graph))
"""


@pytest.mark.parametrize("limit", [0, 1 << 20])
def test_the_bytes_do_not_depend_on_the_run(
    graph: Graph,
    weights: Weights,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
) -> None:
    """Another process, another hash seed, other files there before."""
    monkeypatch.setattr(storage, "INLINE_BYTES", limit)
    write(graph, tmp_path / "a.onnx", weights)
    write(graph, tmp_path / "a.onnx", weights)
    other = tmp_path / "other"
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(other / "a.onnx"), str(limit)],
        input=NETWORK.encode(),
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        check=True,
    )
    assert names(other) == [n for n in names(tmp_path) if n != "other"]
    for name in names(other):
        assert (other / name).read_bytes() == (tmp_path / name).read_bytes()


def test_nothing_of_onnx_is_imported_before_it_is_used() -> None:
    program = (
        "import sys, archdsl.backends.onnx; "
        "print({'onnx', 'numpy', 'torch', 'onnxruntime'} & set(sys.modules))"
    )
    cwd = Path(__file__).parents[2]
    assert subprocess.check_output([sys.executable, "-c", program], cwd=cwd) == b"set()\n"


# Whole or not at all


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file may grow beyond this: what a full disk is like."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.mark.parametrize("limit", [0, 1 << 20])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_full_disk_leaves_what_was_there(
    graph: Graph,
    weights: Weights,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
    earlier: bool,
) -> None:
    """Whether the weights or the model do not fit."""
    monkeypatch.setattr(storage, "INLINE_BYTES", limit)
    if earlier:
        write(graph, tmp_path / "a.onnx", weights)
    before = contents(tmp_path)
    changed = {key: array + 1 for key, array in weights.items()}
    for size in (0, 100, 1500):
        with disk_of(size), pytest.raises(WriteError):
            write(graph, tmp_path / "a.onnx", changed)
        assert contents(tmp_path) == before


@pytest.mark.usefixtures("external")
def test_neither_file_changes_when_the_model_alone_fails(
    graph: Graph, weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights are written by then, and must not take their name."""
    write(graph, tmp_path / "a.onnx", weights)
    before = contents(tmp_path)

    def full(model: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage, "_serialized", full)
    with pytest.raises(WriteError, match="no space left"):
        write(graph, tmp_path / "a.onnx", {key: a + 1 for key, a in weights.items()})
    assert contents(tmp_path) == before


@pytest.mark.usefixtures("external")
def test_the_weights_take_their_name_before_the_model_that_refers_to_them(
    graph: Graph, weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever finds a new model finds the weights of it; both are complete by then."""
    order: list[tuple[str, list[int]]] = []
    replace = os.replace

    def recorded(source: Path, target: Path) -> None:
        order.append((target.name, [p.stat().st_size for p in target.parent.iterdir()]))
        replace(source, target)

    monkeypatch.setattr(os, "replace", recorded)
    write(graph, tmp_path / "a.onnx", weights)
    assert [name for name, _ in order] == ["a.onnx.data", "a.onnx"]
    sizes = sorted(p.stat().st_size for p in tmp_path.iterdir())
    assert all(sorted(seen) == sizes for _, seen in order)


@pytest.mark.usefixtures("external")
@pytest.mark.parametrize("name", ["a.onnx", "a.onnx.data"])
def test_a_folder_in_the_way(graph: Graph, weights: Weights, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(WriteError, match="folder"):
        write(graph, tmp_path / "a.onnx", weights)
    assert names(tmp_path) == [name]


def test_weights_of_an_earlier_run_are_removed(
    graph: Graph, weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(storage, "INLINE_BYTES", 0)
        write(graph, tmp_path / "a.onnx", weights)
    assert names(tmp_path) == ["a.onnx", "a.onnx.data"]
    write(graph, tmp_path / "a.onnx", weights)
    assert names(tmp_path) == ["a.onnx"]
    assert run_onnx(tmp_path / "a.onnx", random_arrays(((3, 8, 8),), 1))[0].shape == (1, 5)


@pytest.mark.usefixtures("external")
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no file can have such a name")
def test_a_name_that_the_model_could_not_refer_to(
    graph: Graph, weights: Weights, tmp_path: Path
) -> None:
    with pytest.raises(WriteError, match="UTF-8"):
        write(graph, tmp_path / os.fsdecode(b"a\xff.onnx"), weights)
    assert names(tmp_path) == []


# Weights that do not fit


def refused(graph: Graph, weights: Weights, folder: Path) -> str:
    """The message, once it is sure that nothing was written."""
    with pytest.raises(BuildError) as caught:
        write(graph, folder / "a.onnx", weights)
    assert {d.code for d in caught.value.diagnostics} == {"A702"}
    assert names(folder) == []
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
