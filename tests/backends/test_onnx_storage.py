"""How the ONNX writer stores: in one file or two, the same bytes each time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support import (
    SMALL_NETWORK,
    Weights,
    assert_close,
    check_onnx,
    data_name,
    file_names,
    random_arrays,
    random_weights,
    run_onnx,
    stored_weights,
)

import archdsl
from archdsl.backends.onnx import ExportOptions, storage, write
from archdsl.backends.onnx.weights import raw
from archdsl.errors import BuildError, WriteError
from archdsl.ir import Graph
from archdsl.ir.records import Weight

# Where the weights are


def test_small_weights_stay_inside(graph: Graph, weights: Weights, tmp_path: Path) -> None:
    write(graph, tmp_path / "a.onnx", weights)
    assert file_names(tmp_path) == ["a.onnx"]


def test_large_weights_go_beside_it(tmp_path: Path) -> None:
    """33.6 MB of them, past the limit as it is."""
    graph = archdsl.parse("input 2900; fc").graph
    weights = random_weights(graph)
    write(graph, tmp_path / "a.onnx", weights)
    assert file_names(tmp_path) == ["a.onnx", data_name(tmp_path)]
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
    stored = stored_weights(tmp_path / "a.onnx")
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
        assert entries["location"] == data_name(tmp_path)
        assert length == 4 * np.prod(tensor.dims)
        assert offset >= end
        assert offset % (64 * 1024 if length >= 1 << 20 else 64) == 0
        end = offset + length
    assert (tmp_path / data_name(tmp_path)).stat().st_size == end


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
    for key, array in stored_weights(tmp_path / "a.onnx").items():
        np.testing.assert_array_equal(array, weights[key])


def test_one_file_on_demand(
    graph: Graph, weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "INLINE_BYTES", 0)
    exported = write(graph, tmp_path / "a.onnx", weights, ExportOptions(inline=True))
    assert exported.files == (tmp_path / "a.onnx",)
    assert file_names(tmp_path) == ["a.onnx"]
    monkeypatch.setattr(storage, "MOST_INLINE", 100)
    with pytest.raises(BuildError, match="less than 2 GiB"):
        write(graph, tmp_path / "b.onnx", weights, ExportOptions(inline=True))
    assert file_names(tmp_path) == ["a.onnx"]


@pytest.mark.usefixtures("external")
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no file can have such a name")
def test_a_name_that_the_model_could_not_refer_to(
    graph: Graph, weights: Weights, tmp_path: Path
) -> None:
    with pytest.raises(WriteError, match="UTF-8"):
        write(graph, tmp_path / os.fsdecode(b"a\xff.onnx"), weights)
    assert file_names(tmp_path) == []


# The same bytes for the same network

PROGRAM = """
import sys
sys.path.insert(0, "tests")
from support import random_weights
import archdsl
from archdsl.backends.onnx import storage, weights, write
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
        input=SMALL_NETWORK.encode(),
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        check=True,
    )
    assert file_names(other) == [n for n in file_names(tmp_path) if n != "other"]
    for name in file_names(other):
        assert (other / name).read_bytes() == (tmp_path / name).read_bytes()


def test_nothing_of_onnx_is_imported_before_it_is_used() -> None:
    program = (
        "import sys, archdsl.backends.onnx; "
        "print({'onnx', 'numpy', 'torch', 'onnxruntime'} & set(sys.modules))"
    )
    cwd = Path(__file__).parents[2]
    assert subprocess.check_output([sys.executable, "-c", program], cwd=cwd) == b"set()\n"
