"""The effective field: against theory where there is one, and in odd networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import archdsl
from archdsl import ArchError
from archdsl.backends.effective.measure import up_to
from archdsl.backends.torch import build


@pytest.mark.parametrize(("kernel", "layers"), [(3, 4), (3, 10), (5, 4)])
def test_random_linear_convolutions_spread_as_theory_says(kernel: int, layers: int) -> None:
    """Luo et al. 2016, section 2.2: a variance of (k^2 - 1)/12 a layer, on each axis."""
    text = f"input 16x41x41; conv {kernel}x{kernel} bias=false x{layers}"
    found = archdsl.parse(text).effective_field(inputs=30)
    assert found.values.sum() == pytest.approx(1)
    assert found.center == pytest.approx((20, 20), abs=0.2)
    expected = (layers * (kernel**2 - 1) / 12) ** 0.5
    assert found.sigma == pytest.approx((expected, expected), rel=0.05)


def test_with_depth_less_of_the_field_is_used() -> None:
    """Luo et al. 2016: the used part shrinks as 1/sqrt(layers)."""
    used: list[float] = []
    for layers in (2, 6, 14):
        net = archdsl.parse(f"input 8x33x33; {{ conv 3x3; relu }} x{layers}")
        used.append(net.effective_field(inputs=12).diameter() / net.receptive_field().size[0])
    assert used == sorted(used, reverse=True)


def test_even_weights_are_known_exactly() -> None:
    """A sum over 3x3: nine equal shares; the circle through the corners holds them all."""
    net = archdsl.parse("input 1x9x9; conv 3x3 bias=false")
    ones = {"conv1.weight": torch.ones(1, 1, 3, 3)}
    found = net.effective_field(position=(4, 5), inputs=2, weights=ones)
    assert found.values[3:6, 4:7] == pytest.approx(np.full((3, 3), 1 / 9))
    assert found.center == pytest.approx((4, 5))
    assert found.sigma == pytest.approx(((2 / 3) ** 0.5,) * 2)
    assert found.share(0) == pytest.approx(1 / 9)
    assert found.share(1) == pytest.approx(5 / 9)
    assert found.radius(5 / 9) == pytest.approx(1)
    assert found.diameter() == pytest.approx(2 * 2**0.5)
    with pytest.raises(ValueError, match="above 0"):
        found.radius(0)


def test_nothing_lies_outside_of_the_region() -> None:
    text = "input 3x24x24; conv 3x3 4; relu; maxpool 2; concat { conv 3x3 | conv 5x5 }; gap; fc 3"
    found = archdsl.parse(text).effective_field("concat1", (0, 7), inputs=6)
    assert found.region.clipped is not None
    (top, bottom), (left, right) = found.region.clipped
    outside = found.values.copy()
    outside[top : bottom + 1, left : right + 1] = 0
    assert not outside.any()


def test_the_same_seed_gives_the_same_values() -> None:
    net = archdsl.parse("input 3x16x16; conv 3x3 4; relu; conv 3x3")
    state = torch.random.get_rng_state()
    one, two, other = (net.effective_field(inputs=2, seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.values, two.values)
    assert not np.array_equal(one.values, other.values)
    assert torch.equal(state, torch.random.get_rng_state())


def test_tokens_inputs_and_vectors() -> None:
    assert archdsl.parse("input 20x8; ln; fc 4").effective_field(inputs=2).values[9] == 1
    patches = archdsl.parse("input 3x16x16; conv 8x8 4 stride=8 pad=0; tokens; fc 3")
    assert not patches.effective_field(position=(1,), inputs=2).values[:, :8].any()
    two = archdsl.parse("input a 1x8x8; input b 4; @b; fc 8; add { | @a; conv 3x3 8 }; conv 3x3")
    assert two.effective_field(inputs=2).values.shape == (8, 8)
    assert two.effective_field("a", (2, 3)).values[2, 3] == 1
    flat = archdsl.parse("input 3x8x8; conv 3x3; gap; fc 2").effective_field(inputs=2)
    assert flat.values.shape == (8, 8)


@pytest.mark.parametrize(
    ("text", "position", "code"),
    [
        ("input 10; fc 3", None, "A705"),
        ("input 1x8x8; conv 1x1 pad=2", (0, 0), "A705"),
        ("input a 3x8x8; input b 5; @b; fc 3", None, "A705"),
        ("input 3x8x8; conv 3x3 1500", (8, 8), "A307"),
        ("input 3x30000x30000; conv 3x3", None, "A701"),
    ],
)
def test_what_cannot_be_measured(text: str, position: tuple[int, ...] | None, code: str) -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(text).effective_field(position=position, inputs=1)
    assert caught.value.diagnostics[0].code == code


def test_a_number_of_inputs() -> None:
    with pytest.raises(ValueError, match="at least one"):
        archdsl.parse("input 3x8x8; conv 3x3").effective_field(inputs=0)


CUT = ["resnet18", "googlenet", "unet", "siamese", "shufflenet_v2_x0_5", "vit_tiny_patch16_224"]


@pytest.mark.parametrize("name", CUT)
def test_a_network_can_end_anywhere(name: str) -> None:
    """In a branch, a block, an auxiliary head, a module that is applied again."""
    graph = archdsl.zoo(name).graph
    for node in graph.nodes[:: max(1, len(graph.nodes) // 12)]:
        part = up_to(graph, node.path)
        with torch.device("meta"):
            result = build(part).eval()(*(torch.zeros(1, *i.shape) for i in part.inputs))
        assert tuple(result.shape[1:]) == node.shape, node.path


def test_weights_that_are_shared_are_found_where_they_are() -> None:
    net = archdsl.zoo("siamese")
    weights = net.to_torch(seed=3)
    with torch.no_grad():
        weights.get_parameter("tower.conv1.weight")[:, :, 0] = 0  # the first row of every kernel
    for at in ("tower.conv1", "reuse1.conv1"):
        found = net.effective_field(at, (9, 9), inputs=1, weights=weights)
        assert np.flatnonzero(found.values.any(1)).tolist() == list(range(10, 19)), at


@pytest.mark.parametrize(
    "text",
    [
        "input 3x40x60; conv 3x3 4; relu; conv 5x5 stride=2; maxpool 2",
        "input 3x8x8; conv 7x7 4; conv 7x7; conv 7x7; conv 7x7; conv 7x7",
        "input 2x1x300; conv 1x9 4; conv 1x9",
        "input 30x8; ln; fc 4",
        "input 1x1x1; conv 1x1",
        "input 1x900x700; conv 3x3; gap",
    ],
)
def test_the_picture(text: str, tmp_path: Path) -> None:
    """It is of a size to look at, with shades, a box and a caption under the map."""
    archdsl.parse(text).effective_field(inputs=1).save(tmp_path / "field.png")
    with Image.open(tmp_path / "field.png") as picture:
        assert picture.format == "PNG"
        assert 500 < picture.width < 900
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert (pixels == (0, 163, 255)).all(1).any(), "no box"
    assert (pixels == (28, 28, 28)).all(1).any(), "no text"


def test_a_picture_that_cannot_be_written(tmp_path: Path) -> None:
    found = archdsl.parse("input 1x8x8; conv 3x3").effective_field(inputs=1)
    with pytest.raises(ArchError):
        found.save(tmp_path)
