"""Fields that others published or measured.

Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill 2019),
and the table beside its code; torchvision's networks, measured by gradient.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

import archdsl
from archdsl.analyses.receptive_field import Field


def field(layers: str, at: str | None = None, size: int = 224) -> Field:
    return archdsl.parse(f"input 3x{size}x{size}\n{layers}").receptive_field(at)


def square(found: Field) -> tuple[int, int, int]:
    """Size, stride and padding, which must be the same on both axes."""
    assert not found.whole
    triples = set(zip(found.size, found.stride, found.padding, strict=True))
    assert len(triples) == 1
    return triples.pop()


def alexnet(first_pad: int) -> str:
    return f"""
        conv 11x11 64 stride=4 pad={first_pad}; relu; maxpool 3x3 stride=2
        conv 5x5 192; relu; maxpool 3x3 stride=2
        conv 3x3 384; relu; conv 3x3 256; relu; conv 3x3 256; relu; maxpool 3x3 stride=2
    """


@pytest.mark.parametrize(("first_pad", "padding"), [(0, 64), (2, 66)])
def test_alexnet(first_pad: int, padding: int) -> None:
    assert square(field(alexnet(first_pad))) == (195, 32, padding)


VGG = {
    (1, 1, 2, 2, 2): (150, 32, 59),
    (2, 2, 2, 2, 2): (156, 32, 62),
    (2, 2, 3, 3, 3): (212, 32, 90),
    (2, 2, 4, 4, 4): (268, 32, 118),
}


def vgg(depths: tuple[int, ...]) -> str:
    widths = (64, 128, 256, 512, 512)
    return "\n".join(
        f"{{ conv 3x3 {width}; relu }} x{depth}; maxpool 2x2"
        for width, depth in zip(widths, depths, strict=True)
    )


@pytest.mark.parametrize(("depths", "expected"), VGG.items())
def test_vgg(depths: tuple[int, ...], expected: tuple[int, int, int]) -> None:
    assert square(field(vgg(depths))) == expected


def test_vgg16_before_its_last_pool() -> None:
    assert square(field(vgg((2, 2, 3, 3, 3)), "conv13"))[0] == 196


Unit = Callable[[int, int, bool], str]


def basic(width: int, stride: int, project: bool) -> str:
    shortcut = f"| conv 1x1 {width} stride={stride}; bn" if project else ""
    return f"""residual {{
        conv 3x3 {width} stride={stride}; bn; relu; conv 3x3 {width}; bn {shortcut} }}; relu"""


def bottleneck(width: int, stride: int, project: bool, early: bool = False) -> str:
    """The stride sits in the 3x3, or in the first 1x1 as in the paper."""
    first, second = (stride, 1) if early else (1, stride)
    shortcut = f"| conv 1x1 {4 * width} stride={stride}; bn" if project else ""
    return f"""residual {{ conv 1x1 {width} stride={first}; bn; relu
        conv 3x3 {width} stride={second}; bn; relu
        conv 1x1 {4 * width}; bn {shortcut} }}; relu"""


def early_bottleneck(width: int, stride: int, project: bool) -> str:
    return bottleneck(width, stride, project, early=True)


def resnet(unit: Unit, depths: tuple[int, ...]) -> str:
    """The stages are labelled, so that their fields can be asked for."""
    lines = ["conv 7x7 64 stride=2; bn; relu; maxpool 3x3 stride=2 pad=1"]
    for stage, depth in enumerate(depths):
        widens = stage > 0 or unit is not basic
        units = [unit(64 << stage, 2 if stage else 1, widens)]
        units += [unit(64 << stage, 1, False)] * (depth - 1)
        lines.append(f"layer{stage + 1}: {{ {'; '.join(units)} }}")
    return "\n".join(lines)


RESNET = [
    (basic, (2, 2, 2, 2), (435, 32, 217)),
    (basic, (3, 4, 6, 3), (899, 32, 449)),
    (bottleneck, (3, 4, 6, 3), (427, 32, 213)),
    (early_bottleneck, (3, 4, 6, 3), (483, 32, 241)),
    (early_bottleneck, (3, 4, 23, 3), (1027, 32, 513)),
    (early_bottleneck, (3, 8, 36, 3), (1507, 32, 753)),
]


@pytest.mark.parametrize(("unit", "depths", "expected"), RESNET)
def test_resnet(unit: Unit, depths: tuple[int, ...], expected: tuple[int, int, int]) -> None:
    found = field(resnet(unit, depths))
    assert square(found) == expected
    assert not found.misaligned


@pytest.mark.parametrize(("depths", "size"), [((3, 4, 23, 3), 971), ((3, 8, 36, 3), 1451)])
def test_deeper_resnets_with_the_stride_in_the_3x3(depths: tuple[int, ...], size: int) -> None:
    assert square(field(resnet(bottleneck, depths)))[0] == size


def test_a_scope_stands_for_its_last_layer() -> None:
    net = archdsl.parse(f"input 3x224x224\n{resnet(early_bottleneck, (3, 4, 6, 3))}; gap; fc 1000")
    stages = [square(net.receptive_field(f"layer{i}"))[:2] for i in (1, 2, 3, 4)]
    assert stages == [(35, 4), (99, 8), (291, 16), (483, 32)]


INCEPTION = """
    64 96 128 16 32 32 | 128 128 192 32 96 64 | 3x3
    192 96 208 16 48 64 | 160 112 224 24 64 64 | 128 128 256 24 64 64 | 112 144 288 32 64 64
    256 160 320 32 128 128 | 3x3 | 256 160 320 32 128 128 | 384 192 384 48 128 128
"""


def googlenet(modules: str, largest: str) -> str:
    """The network of Szegedy et al. 2014, table 1, up to the last module."""
    lines = ["conv 7x7 64 stride=2; maxpool 3x3 stride=2 ceil=true"]
    lines += ["conv 1x1 64; conv 3x3 192; maxpool 3x3 stride=2 ceil=true"]
    for module in filter(None, map(str.split, modules.replace("\n", "|").split("|"))):
        if len(module) == 1:
            lines.append(f"maxpool {module[0]} stride=2 ceil=true")
            continue
        a, b, c, d, e, f = module
        lines.append(
            f"concat {{ conv 1x1 {a} | conv 1x1 {b}; conv 3x3 {c} "
            f"| conv 1x1 {d}; conv {largest} {e} | maxpool 3x3 stride=1 pad=1; conv 1x1 {f} }}"
        )
    return "\n".join(lines)


def test_googlenet_of_torchvision() -> None:
    """It has 3x3 where the paper has 5x5, and its last pool is 2x2."""
    head, _, tail = INCEPTION.rpartition("3x3")
    assert square(field(googlenet(f"{head}2x2{tail}", "3x3"))) == (379, 32, 167)


def test_googlenet_of_the_paper() -> None:
    assert square(field(googlenet(INCEPTION, "5x5")))[:2] == (715, 32)


def test_the_size_of_mobilenet() -> None:
    strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
    layers = "; ".join(f"dwconv 3x3 stride={s}; conv 1x1" for s in strides)
    assert square(field(f"conv 3x3 32 stride=2; {layers}"))[:2] == (315, 32)


ZOO = [
    ("alexnet", "maxpool3", (195, 32, 64)),
    ("alexnet_torchvision", "features", (195, 32, 66)),
    ("vgg11", "features", (150, 32, 59)),
    ("vgg13_bn", "features", (156, 32, 62)),
    ("vgg16", "features", (212, 32, 90)),
    ("vgg19_bn", "features", (268, 32, 118)),
]


@pytest.mark.parametrize(("name", "at", "expected"), ZOO)
def test_the_zoo(name: str, at: str, expected: tuple[int, int, int]) -> None:
    net = archdsl.zoo(name)
    assert square(net.receptive_field(at)) == expected
    assert net.receptive_field().whole
