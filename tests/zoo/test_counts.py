"""Parameters and MACs, added up here from the tables of the papers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

import archdsl


def params(name: str, **parameters: object) -> int:
    return archdsl.zoo(name, **parameters).summary().params


def macs(name: str, **parameters: object) -> int:
    return archdsl.zoo(name, **parameters).summary().macs


def bn(width: int) -> int:
    """A gain and a shift for each channel."""
    return 2 * width


# CIFAR


def cifar(depth: int) -> int:
    """He et al. 2015, section 4.2: 6n+2 layers; option A adds nothing to the plain network."""
    n = (depth - 2) // 6
    total = 3 * 16 * 9 + bn(16)
    width = 16
    for stage in (16, 32, 64):
        for _ in range(n):
            total += width * stage * 9 + bn(stage) + stage * stage * 9 + bn(stage)
            width = stage
    return total + 64 * 10 + 10


def preact(depth: int) -> int:
    """He et al. 2016: 9n+2 layers, a projection where the width changes."""
    n = (depth - 2) // 9
    total, width = 3 * 16 * 9, 16
    for stage in (16, 32, 64):
        for unit in range(n):
            total += bn(width) + width * stage + bn(stage) + stage * stage * 9 + bn(stage)
            total += stage * 4 * stage
            if unit == 0:
                total += width * 4 * stage
            width = 4 * stage
    return total + bn(256) + 256 * 10 + 10


def wide(depth: int, k: int) -> int:
    """Zagoruyko & Komodakis 2016, table 1: 6n+4 layers, two 3x3 a unit."""
    n = (depth - 4) // 6
    total, width = 3 * 16 * 9, 16
    for stage in (16 * k, 32 * k, 64 * k):
        for _ in range(n):
            total += bn(width) + width * stage * 9 + bn(stage) + stage * stage * 9
            total += width * stage if width != stage else 0
            width = stage
    return total + bn(width) + width * 10 + 10


@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110, 1202])
def test_resnets_and_plain_networks_on_cifar(depth: int) -> None:
    known = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962, 1202: 19_421_274}
    assert params(f"resnet{depth}") == cifar(depth) == known[depth]
    if depth < 1202:
        assert params(f"plain{depth}") == cifar(depth)


@pytest.mark.parametrize("depth", [110, 164, 1001])
def test_preactivation_networks_on_cifar(depth: int) -> None:
    assert params(f"preact{depth}") == preact(depth)
    if depth == 164:
        assert f"{preact(depth) / 1e6:.1f}" == "1.7"  # the paper's table 4, in millions


def test_depths_are_those_of_the_names() -> None:
    """Layers with weights, shortcuts aside."""
    for name, depth in {"resnet20": 20, "plain56": 56, "preact110": 110, "preact164": 164}.items():
        kinds = [n for n in archdsl.zoo(name).graph.nodes if n.op.name in ("conv", "fc")]
        assert len([n for n in kinds if "downsample" not in n.path]) == depth


@pytest.mark.parametrize(
    ("name", "depth", "k", "millions"),
    [("wrn_16_8", 16, 8, "11.0"), ("wrn_28_10", 28, 10, "36.5"), ("wrn_40_4", 40, 4, "8.9")],
)
def test_wide_resnets(name: str, depth: int, k: int, millions: str) -> None:
    assert params(name) == wide(depth, k)
    assert f"{params(name) / 1e6:.1f}" == millions  # their table 4


# Go


@pytest.mark.parametrize(
    ("k", "known"), [(128, 1_777_641), (192, 3_882_793), (256, 6_798_953), (384, 15_064_297)]
)
def test_alphago_policy(k: int, known: int) -> None:
    counted = (48 * 25 + 1) * k + 11 * (k * 9 + 1) * k + k + 361
    assert params("alphago_policy", k=k) == counted == known


def test_alphago_value() -> None:
    trunk = (49 * 25 + 1) * 192 + 11 * (192 * 9 + 1) * 192
    counted = trunk + 192 + 1 + (361 + 1) * 256 + 256 + 1
    assert params("alphago_value") == counted == 3_980_162


# Maps in, maps out


def test_unet() -> None:
    """Figure 1: two 3x3 a level, 2x2 up-convolutions, a 1x1 at the end, all with biases."""
    levels = [64, 128, 256, 512, 1024]
    down = sum((a * 9 + 1) * b + (b * 9 + 1) * b for a, b in pairwise([1, *levels]))
    up = sum((2 * w * 4 + 1) * w + (2 * w * 9 + 1) * w + (w * 9 + 1) * w for w in levels[:-1])
    assert params("unet") == down + up + (64 + 1) * 2 == 31_030_658


def test_unet_has_the_sizes_of_its_figure() -> None:
    shapes = {n.path: n.shape for n in archdsl.zoo("unet").graph.nodes}
    found = [shapes[f"enc{i}.relu2"] for i in (1, 2, 3, 4)] + [shapes["double5.relu2"]]
    assert found == [
        (64, 568, 568), (128, 280, 280), (256, 136, 136), (512, 64, 64), (1024, 28, 28)
    ]  # fmt: skip
    found = [shapes[f"dec{i}.relu2"] for i in (4, 3, 2, 1)]
    assert found == [(512, 52, 52), (256, 100, 100), (128, 196, 196), (64, 388, 388)]
    assert archdsl.zoo("unet").graph.outputs[0].shape == (2, 388, 388)


def test_lenet5_has_60000_parameters_where_the_paper_puts_them() -> None:
    net = archdsl.zoo("lenet5_original")
    rows = {row.path: row.params for row in net.summary().layers}
    assert rows["conv1"] == 156  # C1
    assert rows["dwconv1"] == 12  # S2
    assert sum(rows[f"c3.conv{i}"] for i in range(1, 17)) == 1_516  # C3
    assert rows["dwconv2"] == 32  # S4
    assert rows["conv2"] == 48_120  # C5
    assert rows["fc1"] == 10_164  # F6
    assert net.summary().params == 60_000


# Small networks for photographs


def mobilenet(alpha: float, size: int) -> tuple[int, int]:
    """Howard et al. 2017, table 1, each width times alpha."""
    strides = {128: 2, 256: 2, 512: 2, 1024: 2}
    widths = [64, 128, 128, 256, 256, 512, *[512] * 5, 1024, 1024]
    width, side = int(32 * alpha), size // 2
    weights, work = 3 * width * 9 + bn(width), 3 * width * 9 * side**2
    last = 64
    for named in [64, *widths[1:]]:
        out = int(named * alpha)
        side //= strides[named] if named != last else 1
        last = named
        weights += width * 9 + bn(width) + width * out + bn(out)
        work += (width * 9 + width * out) * side**2
        width = out
    return weights + width * 1000 + 1000, work + width * 1000


@pytest.mark.parametrize(
    ("alpha", "size", "million_params", "million_macs"),
    [  # tables 6 and 7 of the paper
        (1.0, 224, "4.2", 569), (0.75, 224, "2.6", 325), (0.5, 224, "1.3", 149),
        (0.25, 224, "0.5", 41), (1.0, 192, "4.2", 418), (1.0, 160, "4.2", 290),
        (1.0, 128, "4.2", 186),
    ],
)  # fmt: skip
def test_mobilenet_v1(alpha: float, size: int, million_params: str, million_macs: int) -> None:
    found = archdsl.zoo("mobilenet_v1", alpha=alpha, size=size).summary()
    assert (found.params, found.macs) == mobilenet(alpha, size)
    assert f"{found.params / 1e6:.1f}" == million_params
    assert found.macs / 1e6 == pytest.approx(million_macs, abs=1)


def test_the_field_of_mobilenet_v1() -> None:
    field = archdsl.zoo("mobilenet_v1").receptive_field("separable13")
    assert (field.size, field.stride) == ((315, 315), (32, 32))


@pytest.mark.parametrize(
    ("name", "known", "gigamacs"),
    [  # torchvision 0.29.2 and its table of weights
        ("regnet_x_400mf", 5_495_976, "0.41"),
        ("regnet_x_800mf", 7_259_656, "0.80"),
        ("regnet_x_1_6gf", 9_190_136, "1.60"),
        ("regnet_y_400mf", 4_344_144, "0.40"),
        ("regnet_y_800mf", 6_432_512, "0.83"),
    ],
)
def test_regnets(name: str, known: int, gigamacs: str) -> None:
    assert params(name) == known
    assert f"{macs(name) / 1e9:.2f}" == gigamacs


# Receptive fields


@pytest.mark.parametrize(
    ("stage", "size", "stride"),
    [("layer1", 35, 4), ("layer2", 99, 8), ("layer3", 291, 16), ("layer4", 483, 32)],
)
def test_the_field_of_resnet50_v1_after_each_stage(stage: str, size: int, stride: int) -> None:
    """Araujo, Norris & Sim, Distill 2019."""
    field = archdsl.zoo("resnet50_v1").receptive_field(stage)
    assert (field.size, field.stride) == ((size, size), (stride, stride))


@pytest.mark.parametrize(
    ("name", "size", "padding"),
    [("googlenet", 715, None), ("googlenet_torchvision", 379, 167)],
)
def test_the_fields_of_googlenet(name: str, size: int, padding: int | None) -> None:
    """The paper's computed, torchvision's measured by gradient."""
    field = archdsl.zoo(name).receptive_field("inception5b")
    assert (field.size, field.stride) == ((size, size), (32, 32))
    assert padding is None or field.padding == (padding, padding)


# The rest


def _dense(*widths: int) -> int:
    return sum((a + 1) * b for a, b in pairwise(widths))


def _siamese() -> int:
    convolutions = [(1, 64, 10), (64, 128, 7), (128, 128, 4), (128, 256, 4)]
    tower = sum((a * k * k + 1) * b for a, b, k in convolutions) + _dense(6 * 6 * 256, 4096)
    return tower + _dense(4096, 1)  # the tower once, though it is applied twice


def _wavenet() -> int:
    layer = 2 * (32 * 2 + 1) * 32 + (32 + 1) * 32
    return _dense(256, 32) + 10 * layer + _dense(32, 256, 256)


def _feature_pyramid() -> int:
    backbone = 25_557_032 - _dense(2048, 1000)  # ResNet-50 without its classifier
    lateral = sum(_dense(c, 256) for c in (256, 512, 1024, 2048))
    return backbone + lateral + 4 * (256 * 9 + 1) * 256


def _detector() -> int:
    backbone = 11_689_512 - _dense(512, 1000)  # ResNet-18
    head = 4 * (256 * 9 + 1) * 256
    return backbone + _dense(512, 256) + 2 * head + (256 * 9 + 1) * (4 * 9 + 80 * 9)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("siamese", _siamese),
        ("autoencoder", lambda: _dense(784, 1000, 500, 250, 30, 250, 500, 1000, 784)),
        ("wavenet", _wavenet),
        ("feature_pyramid", _feature_pyramid),
        ("detector", _detector),
    ],
)
def test_others(name: str, count: Callable[[], int]) -> None:
    assert params(name) == count()


def test_options_of_the_residual_family() -> None:
    """Squeeze-and-excitation adds two linear layers a unit; the stride's place adds nothing."""
    units = [(256, 3), (512, 4), (1024, 6), (2048, 3)]
    gates = sum(n * (_dense(c, c // 16) + _dense(c // 16, c)) for c, n in units)
    assert params("se_resnet50") == params("resnet50") + gates
    for depth in (50, 101, 152):
        assert params(f"resnet{depth}_v1") == params(f"resnet{depth}")
        assert macs(f"resnet{depth}_v1") < macs(f"resnet{depth}")
    for depth in (18, 34):
        assert params(f"resnet{depth}_a") == params(f"plain{depth}")
