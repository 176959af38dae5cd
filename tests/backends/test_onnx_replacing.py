"""ONNX files appear whole or not at all, in the place of earlier ones and of nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from support import SMALL_NETWORK, Weights, data_name, disk_of, file_names, random_arrays, run_onnx

from archdsl.backends.onnx import storage, write
from archdsl.errors import WriteError
from archdsl.ir import Graph


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
