"""How the ONNX writer stores: in one file or two, the same bytes each time, whole or not at all."""

from __future__ import annotations

import hashlib
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
from support import (
    SMALL_NETWORK,
    assert_close,
    check_onnx,
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

Weights = dict[str, NDArray[Any]]


@pytest.fixture
def graph() -> Graph:
    return archdsl.parse(SMALL_NETWORK, file="small.arch").graph


@pytest.fixture
def weights(graph: Graph) -> Weights:
    return random_weights(graph)


def data_name(folder: Path) -> str:
    """The one file of weights of a.onnx, whose name says what it holds."""
    (path,) = folder.glob("a.onnx.*.data")
    assert path.name == f"a.onnx.{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}.data"
    return path.name


# Where the weights are


@pytest.fixture
def external(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every model were large."""
    monkeypatch.setattr(storage, "INLINE_BYTES", 0)


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
    order: list[str] = []
    replace = os.replace

    def recorded(source: Path, target: Path) -> None:
        assert {p.name for p in source.parent.iterdir()} >= {"a.onnx"} - set(order)
        order.append(target.name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", recorded)
    write(graph, tmp_path / "a.onnx", weights)
    assert order == [data_name(tmp_path), "a.onnx"]


KILLED = """
import os, signal, sys
sys.path.insert(0, "tests")
from support import random_weights
import archdsl
from archdsl.backends.onnx import storage, weights, write
storage.INLINE_BYTES = 0
calls = 0
def counted(function):
    def wrapped(*arguments, **more):
        global calls
        calls += 1
        if calls == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **more)
    return wrapped
for name in ("open", "mkdir", "rename", "replace", "unlink", "rmdir", "stat"):
    setattr(os, name, counted(getattr(os, name)))
weights.raw = counted(weights.raw)
graph = archdsl.parse(sys.stdin.read(), file="small.arch").graph
calls = 0
write(graph, sys.argv[1], {k: v + 1 for k, v in random_weights(graph).items()})
"""


@pytest.mark.usefixtures("external")
def test_killed_at_any_moment(graph: Graph, weights: Weights, tmp_path: Path) -> None:
    """At each call that touches the disk: the earlier model with its weights, or the new one."""
    path = tmp_path / "a.onnx"
    write(graph, path, weights)
    array = random_arrays(((3, 8, 8),), 1)
    (old,) = run_onnx(path, array)
    write(graph, tmp_path / "new.onnx", {k: v + 1 for k, v in weights.items()})
    (new,) = run_onnx(tmp_path / "new.onnx", array)
    seen: list[str] = []
    for moment in range(1, 100):
        result = subprocess.run(
            [sys.executable, "-c", KILLED, str(path), str(moment)],
            input=SMALL_NETWORK.encode(),
            cwd=Path(__file__).parents[2],
        )
        (found,) = run_onnx(path, array)
        seen.append("old" if np.array_equal(found, old) else "new")
        assert np.array_equal(found, old) or np.array_equal(found, new)
        if result.returncode == 0:
            break
        if seen[-1] == "new":
            write(graph, path, weights)
    assert result.returncode == 0 and seen[-1] == "new"
    assert seen.count("old") > 10, "it was killed at many moments before"


def test_what_is_not_ours_is_left(graph: Graph, weights: Weights, tmp_path: Path) -> None:
    """A file of the name that another tool gives, to which the earlier model does not refer."""
    for name in ("a.onnx.data", "a.onnx.0123456789abcdef.data"):
        (tmp_path / name).write_bytes(b"precious")
    (tmp_path / "a.onnx").write_bytes(b"no model")
    write(graph, tmp_path / "a.onnx", weights)
    assert len(file_names(tmp_path)) == 3


def test_an_earlier_model_names_no_file_elsewhere(
    graph: Graph, weights: Weights, tmp_path: Path
) -> None:
    """What a stranger's model refers to is not removed for it."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    path = tmp_path / "models" / "a.onnx"
    write(graph, path, weights)
    for place in ("../victim", str(victim), "a.onnx.data/../../victim"):
        model = onnx.load(path)
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=place)
        path.write_bytes(model.SerializeToString())
        write(graph, path, weights)
        assert victim.read_bytes() == b"precious"


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
@pytest.mark.parametrize("model", [False, True])
def test_a_folder_in_the_way(graph: Graph, weights: Weights, tmp_path: Path, model: bool) -> None:
    write(graph, tmp_path / "a.onnx", weights)
    name = "a.onnx" if model else data_name(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    before = file_names(tmp_path)
    with pytest.raises(WriteError, match="folder"):
        write(graph, tmp_path / "a.onnx", weights)
    assert file_names(tmp_path) == before


def test_weights_of_an_earlier_run_are_removed(
    graph: Graph, weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(storage, "INLINE_BYTES", 0)
        write(graph, tmp_path / "a.onnx", weights)
        first = data_name(tmp_path)
        write(graph, tmp_path / "a.onnx", {k: v + 1 for k, v in weights.items()})
        assert data_name(tmp_path) != first
    write(graph, tmp_path / "a.onnx", weights)
    assert file_names(tmp_path) == ["a.onnx"]
    assert run_onnx(tmp_path / "a.onnx", random_arrays(((3, 8, 8),), 1))[0].shape == (1, 5)


TOGETHER = """
import sys, time
from pathlib import Path
import archdsl
from support import random_weights
from archdsl.backends.onnx import storage, write

graph = archdsl.parse(sys.stdin.read(), file="small.arch").graph
weights = {k: v + int(sys.argv[2]) for k, v in random_weights(graph).items()}
storage.INLINE_BYTES = 0
found = storage._data_of

def slow(path):  # the other process has time to come between
    earlier = found(path)
    time.sleep(0.2)
    return earlier

storage._data_of = slow
for _ in range(4):
    write(graph, sys.argv[1], weights)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no locks of folders there")
def test_two_processes_that_write_the_same(tmp_path: Path) -> None:
    """Neither removes the weights that the other's model refers to."""
    path = tmp_path / "a.onnx"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", TOGETHER, str(path), str(number)],
            stdin=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for number in range(2)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write(SMALL_NETWORK.encode())
        process.stdin.close()
    assert [process.wait() for process in running] == [0, 0]
    onnx.checker.check_model(path)
    assert file_names(tmp_path) == ["a.onnx", data_name(tmp_path)]


@pytest.mark.usefixtures("external")
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no file can have such a name")
def test_a_name_that_the_model_could_not_refer_to(
    graph: Graph, weights: Weights, tmp_path: Path
) -> None:
    with pytest.raises(WriteError, match="UTF-8"):
        write(graph, tmp_path / os.fsdecode(b"a\xff.onnx"), weights)
    assert file_names(tmp_path) == []
