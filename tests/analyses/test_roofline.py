"""Bytes moved, operations for each, and the least time on a device."""

from __future__ import annotations

from pathlib import Path

import pytest

import archdsl
from archdsl import devices
from archdsl.analyses import cost
from archdsl.analyses.roofline import Device, estimate

SIMPLE = Device("a device", 10**9, 1e9, 1e-6, {"float32": 1e12}, {"float32": 1e10})


def test_what_is_moved() -> None:
    net = archdsl.parse("input 3x8x8; conv 3x3 4; relu; flatten; dropout; fc 10")
    moved = {n.path: cost.of_node(n) for n in net.graph.nodes}
    assert (moved["conv1"].moved, moved["conv1"].read) == (3 * 64 + 4 * 64, 4 * 27 + 4)
    assert (moved["relu1"].moved, moved["relu1"].read) == (2 * 256, 0)
    assert moved["flatten1"].traffic() == moved["dropout1"].traffic() == 0
    assert moved["fc1"].traffic(batch=10, width=2) == 2 * (10 * (256 + 10) + 2570)


def test_intensity_grows_with_the_batch_towards_a_limit() -> None:
    (node,) = archdsl.parse("input 1000; fc 1000").graph.nodes
    totals = cost.of_node(node)
    assert totals.intensity(1, 4) == pytest.approx(0.5, rel=0.01)  # 2 operations for each weight
    assert totals.intensity(1000, 4) == pytest.approx(2e9 / (4 * 3.001e6), rel=0.001)


def test_a_layer_takes_the_longer_of_its_two_times() -> None:
    graph = archdsl.parse("input 64x32x32; conv 3x3 64; relu; flatten").graph
    found = estimate(graph, SIMPLE)
    arithmetic = 2 * 64 * 64 * 9 * 1024 / 1e12
    bandwidth = 4 * 2 * 65536 / 1e9
    weights = 4 * (2 * 65536 + 64 * 64 * 9 + 64) / 1e9
    assert found.layers["conv1"] == pytest.approx(max(arithmetic, weights) + 1e-6)
    assert found.layers["relu1"] == pytest.approx(bandwidth + 1e-6)
    assert "flatten1" not in found.layers
    assert found.total == pytest.approx(sum(found.layers.values()))


def test_arithmetic_decides_where_there_is_much_of_it() -> None:
    graph = archdsl.parse("input 512x32x32; conv 3x3 512").graph
    found = estimate(graph, SIMPLE, batch=16)
    assert found.arithmetic == pytest.approx(16 * 2 * 512 * 512 * 9 * 1024 / 1e12)
    assert found.bandwidth == 0


@pytest.mark.parametrize("name", devices.names())
def test_the_devices_that_come_along(name: str) -> None:
    found = devices.device(name)
    assert found.memory > 1e9
    assert found.matrix.keys() == found.vector.keys()
    times = [estimate(archdsl.zoo("resnet50").graph, found, 32, t).total for t in found.matrix]
    assert all(1e-4 < t < 10 for t in times)


def test_a_device_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\nmemory = "2GB"\nbandwidth = 1e9\n'
        "[matrix]\nfloat32 = 1e12\n[vector]\nfloat32 = 1e11\n"
    )
    found = devices.device(str(path))
    assert (found.name, found.memory, found.launch) == ("mine", 2 * 10**9, 0.0)
    with pytest.raises(ValueError, match="no rate for float16; it has float32"):
        estimate(archdsl.zoo("lenet").graph, found, dtype="float16")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 1 = 2", "line 1"),
        ('name = "x"\nmemory = "2 apples"\nbandwidth = 1\n[matrix]\n[vector]\n', "apples"),
        ('name = "x"\nmemory = 1\nbandwidth = -1\n[matrix]\n[vector]\n', "bandwidth"),
        ('name = "x"\nmemory = 1\nbandwidth = inf\n[matrix]\n[vector]\n', "bandwidth"),
        ("", "name"),
    ],
)
def test_a_file_that_is_no_device(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(archdsl.ArchError, match=message):
        devices.device(str(path))


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(archdsl.ArchError, match="h100"):
        devices.device("h10")
    with pytest.raises(archdsl.ArchError, match="no such file"):
        devices.device("missing.toml")
