"""TF-Slim's networks against the table of Araujo, Norris & Sim (Distill 2019) and its code.

Size, stride and padding at the last convolutional endpoint. TensorFlow's `SAME` puts the odd zero
of a stride at the end, so the padding at the beginning is less than with PyTorch's symmetric one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import archdsl
from archdsl import Network

SLIM = Path(__file__).parent / "slim"


def triple(network: Network, at: str) -> tuple[int, int, int]:
    """Size, stride and padding, the same on both axes."""
    found = network.receptive_field(at)
    assert not found.whole
    (only,) = set(zip(found.size, found.stride, found.padding, strict=True))
    return only


@pytest.mark.parametrize(
    ("depth", "expected"), [(50, (483, 32, 239)), (101, (1027, 32, 511)), (152, (1507, 32, 751))]
)
def test_resnet_v1(depth: int, expected: tuple[int, int, int]) -> None:
    network = archdsl.load(SLIM / "resnet_v1.arch", f"resnet_v1_{depth}")
    assert triple(network, "block4") == expected
    assert not network.receptive_field("block4").misaligned


def test_resnet_v1_50_after_each_stage() -> None:
    network = archdsl.load(SLIM / "resnet_v1.arch", "resnet_v1_50")
    found = [triple(network, f"block{i}")[:2] for i in (1, 2, 3, 4)]
    assert found == [(35, 4), (99, 8), (291, 16), (483, 32)]


def test_mobilenet_v1() -> None:
    network = archdsl.load(SLIM / "mobilenet_v1.arch")
    assert triple(network, "features") == (315, 32, 126)
    assert network.summary().params == archdsl.zoo("mobilenet_v1").summary().params


def test_mobilenet_v1_with_symmetric_padding() -> None:
    """As PyTorch writes it, and the zoo: five strides with a zero before, at 1, 2, 4, 8 and 16."""
    network = archdsl.zoo("mobilenet_v1")
    last = network.graph.by_path["gap1"].inputs[0]
    assert triple(network, last) == (315, 32, 126 + 31)


def test_inception_v3() -> None:
    network = archdsl.load(SLIM / "inception_v3.arch")
    assert triple(network, "last") == (1311, 32, 618)
    assert not network.receptive_field("last").misaligned
    assert network.summary().params == 23_834_568  # torchvision 0.28, without the auxiliary head


@pytest.mark.parametrize(("times", "size"), [(1, 3), (2, 5), (3, 7)])
def test_small_kernels_in_a_row_see_as_far_as_a_large_one(times: int, size: int) -> None:
    """Simonyan & Zisserman 2014, section 2.3: 27 C^2 weights against 49 C^2 for 7x7."""
    row = archdsl.parse(f"input 8x32x32; default conv bias=false; conv 3x3 x{times}")
    one = archdsl.parse(f"input 8x32x32; conv {size}x{size} bias=false")
    assert row.receptive_field().windows == one.receptive_field().windows
    assert row.receptive_field().size == (size, size)
    if times == 3:
        assert (row.summary().params, one.summary().params) == (27 * 64, 49 * 64)
