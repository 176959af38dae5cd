"""Augmentation, normalisation, evaluation: against hand arithmetic and the papers' formulas."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from runs import graph
from torch import Tensor

from archdsl.errors import TrainError
from archdsl.ir.training import images as settings
from archdsl.ir.training import vocabulary
from archdsl.train import augment, blends
from archdsl.train.augment import OneByOne, Preparation
from archdsl.train.data.examples import Arrays
from archdsl.train.data.loader import Batches
from archdsl.train.statistics import Components, components, moments, settled


def net(shape: str) -> str:
    return f"input {shape}\nflatten; fc 4\n"


def prepared(section: str, shape: str = "3x8x8", found: Components | None = None) -> Preparation:
    return Preparation(graph(section, net(shape)), found)


def images(n: int = 64, c: int = 3, side: int = 8) -> Tensor:
    return torch.rand(n, c, side, side, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def test_bytes_become_values_from_0_to_1() -> None:
    values = torch.tensor([0, 51, 255], dtype=torch.uint8)
    assert torch.allclose(augment.floats(values), torch.tensor([0, 0.2, 1]))


def test_hflip_mirrors_so_many() -> None:
    run = augment.hflip(settings.HFlip(p=0.3))
    given = images(4000)
    found = run(given)
    turned = (found == given.flip(3)).flatten(1).all(1)
    same = (found == given).flatten(1).all(1)
    assert torch.all(turned ^ same)
    assert abs(float(turned.float().mean()) - 0.3) < 5 * math.sqrt(0.21 / 4000)


@pytest.mark.parametrize("fill", ["zeros", "reflect"])
def test_random_crop_cuts_windows_at_every_place(fill: Any) -> None:
    run = augment.random_crop(settings.RandomCrop(size=(6, 6), pad=1, fill=fill))
    given = images(1).expand(2000, -1, -1, -1)
    mode = "constant" if fill == "zeros" else "reflect"
    padded = torch.nn.functional.pad(given[:1], (1,) * 4, mode=mode)[0]
    windows = {(y, x): padded[:, y : y + 6, x : x + 6] for y in range(5) for x in range(5)}
    places = [
        next(place for place, w in windows.items() if torch.equal(w, cut)) for cut in run(given)
    ]
    counts = [places.count(place) for place in windows]
    assert min(counts) > 80 - 5 * math.sqrt(80), "each of 25 places some 80 times"


def test_random_resized_crop_takes_shares_in_the_bounds() -> None:
    """A ramp tells where the crop was: its slope is the crop's height over the size."""
    step = settings.RandomResizedCrop(size=(16, 16), scale=(0.25, 0.5), ratio=(0.8, 1.25))
    run = augment.random_resized_crop(step)
    side = 64
    ramp = torch.arange(side).float()
    given = torch.stack([ramp[:, None].expand(side, side), ramp[None].expand(side, side)])
    found = run(given.expand(300, -1, -1, -1))
    assert found.shape == (300, 2, 16, 16)
    height = (found[:, 0, 12] - found[:, 0, 4]).mean(1) * 16 / 8
    width = (found[:, 1, :, 12] - found[:, 1, :, 4]).mean(1) * 16 / 8
    area = height * width / side**2
    assert 0.23 < float(area.min()) < 0.3
    assert 0.45 < float(area.max()) < 0.52
    assert float((width / height).min()) > 0.75
    assert float((width / height).max()) < 1.33


def test_a_box_that_never_fits_is_the_largest_in_the_middle() -> None:
    step = settings.RandomResizedCrop(size=(4, 4), scale=(1.0, 1.0), ratio=(3.0, 3.0))
    found = augment.random_resized_crop(step)(images(1, 1, 12))
    middle = images(1, 1, 12)[:, :, 4:8, :]
    expected = torch.nn.functional.interpolate(
        middle, (4, 4), mode="bilinear", antialias=True, align_corners=False
    )
    assert torch.equal(found, expected)


def test_shorter_side_is_drawn_from_the_range() -> None:
    run = augment.shorter_side(settings.ShorterSide(least=10, most=14))
    sides = {tuple(run(torch.rand(1, 3, 20, 30)).shape[2:]) for _ in range(200)}
    assert sides == {(n, round(n * 1.5)) for n in range(10, 15)}


def test_pca_jitter_moves_along_the_components() -> None:
    """Krizhevsky et al. 2012, section 4.1, its draws in each component's own deviation."""
    found = Components((0.04, 0.09), ((0.6, -0.8), (0.8, 0.6)))
    step = settings.PcaJitter(std=0.5)
    given = torch.zeros(20_000, 2, 1, 1)
    moved = augment.pca_jitter(step, found)(given)[:, :, 0, 0]
    vectors = torch.tensor(found.vectors)
    along = moved @ vectors
    assert torch.allclose(along.std(0), torch.tensor([0.1, 0.15]), rtol=0.03)
    assert abs(float(torch.corrcoef(along.T)[0, 1])) < 0.05


def test_components_are_those_of_the_colours() -> None:
    draw = torch.Generator().manual_seed(1)
    values = torch.randn(4000, 3, generator=draw) @ torch.diag(torch.tensor([0.1, 0.3, 0.02]))
    data = Arrays(values.reshape(40, 10, 10, 3).permute(0, 3, 1, 2), torch.zeros(40))
    mean, covariance = moments(Batches(data, 7), 3)
    expected = np.cov(values.numpy().T.astype(np.float64), bias=True)
    assert np.allclose(covariance.numpy(), expected, atol=1e-12)
    assert np.allclose(mean.numpy(), values.double().mean(0).numpy(), atol=1e-9)
    assert components(covariance).values == pytest.approx(np.linalg.eigvalsh(expected))


@pytest.mark.parametrize(("shape", "axes"), [("3x8x8", (0, 2, 3)), ("5x8", (0, 1)), ("6", (0,))])
def test_normalized_data_have_mean_0_and_deviation_1(shape: str, axes: tuple[int, ...]) -> None:
    of = graph("normalize data", f"input {shape}\nfc 4\n")
    given = 3 + 2 * torch.randn(50, *of.inputs[0].shape)
    of, _ = settled(of, Batches(Arrays(given, torch.zeros(50)), 8))
    found, _ = Preparation(of, None).learn(given, torch.zeros(50))
    assert torch.allclose(found.mean(axes), torch.zeros(()), atol=1e-5)
    assert torch.allclose(found.std(axes, correction=0), torch.ones(()), atol=1e-5)
    assert of.training is not None
    assert isinstance(of.training.normalize, settings.ByValues), "kept as numbers"


def test_a_channel_that_is_the_same_everywhere_is_shifted_alone() -> None:
    of = graph("normalize data", "input 2\nfc 4\n")
    given = torch.stack([torch.full((9,), 0.3), torch.arange(9.0)], 1)
    of, _ = settled(of, Batches(Arrays(given, torch.zeros(9)), 4))
    assert of.training is not None
    assert of.training.normalize.statistics == (
        pytest.approx((0.3, 4.0)),
        pytest.approx((1.0, math.sqrt(60 / 9))),
    )


def test_normalisation_is_the_same_in_evaluation() -> None:
    ready = prepared("normalize values [0.1, 0.2, 0.3] [1, 2, 4]")
    given = images(4)
    expected = (given - torch.tensor([0.1, 0.2, 0.3])[:, None, None]) / torch.tensor([1.0, 2, 4])[
        :, None, None
    ]
    assert torch.allclose(ready.validate(given), expected)
    assert torch.allclose(ready.learn(given, None)[0], expected)


def test_mixup_blends_examples_and_targets_alike() -> None:
    """Zhang et al. 2017, equation 1."""
    given, targets = images(6), torch.arange(6)
    found, terms = prepared("augment mixup 1").learn(given, targets)
    (share, first), (rest, second) = terms
    assert share + rest == pytest.approx(1)
    assert torch.equal(first, targets)
    expected = share * given + rest * given[second]
    assert torch.allclose(found, expected, atol=1e-6)


def test_the_share_of_mixup_is_drawn_from_its_beta() -> None:
    draws = np.array([blends._beta(0.4) for _ in range(4000)])
    variance = 1 / (4 * (2 * 0.4 + 1))  # of Beta(a, a)
    assert abs(draws.mean() - 0.5) < 5 * math.sqrt(variance / 4000)
    assert draws.var() == pytest.approx(variance, rel=0.1)


def test_cutmix_weighs_targets_by_area() -> None:
    """Yun et al. 2019: the share is what is left of the example itself."""
    run = prepared("augment cutmix", "1x16x16")
    given = torch.arange(6.0)[:, None, None, None].expand(-1, 1, 16, 16)
    boxes = 0
    for _ in range(50):
        found, terms = run.learn(given, torch.arange(6))
        (share, _), (rest, other) = terms
        assert share + rest == pytest.approx(1)
        for i in range(6):
            own = float((found[i] == i).float().mean())
            assert own == pytest.approx(share if other[i] != i else 1)
        boxes += share < 1
    assert boxes > 40


def test_blends_follow_one_another() -> None:
    _, terms = prepared("augment mixup; cutmix").learn(images(6), torch.arange(6))
    assert len(terms) == 4
    assert sum(share for share, _ in terms) == pytest.approx(1)


def test_erasing_blanks_boxes_of_so_many() -> None:
    run = prepared("augment erasing 0.5 scale=[0.1, 0.2] ratio=[0.5, 2]")
    found, _ = run.learn(images(400) + 0.01, None)
    blank = (found == 0).flatten(1).float().mean(1)
    assert abs(float((blank > 0).float().mean()) - 0.5) < 5 * math.sqrt(0.25 / 400)
    assert 0.05 < float(blank[blank > 0].mean()) < 0.25


@pytest.mark.parametrize("text", ["color_jitter 0.4 0.4 0.4 0.1", "randaugment 2 9"])
@pytest.mark.parametrize("channels", [1, 3])
def test_colours_change_and_stay_in_their_bounds(text: str, channels: int) -> None:
    given = images(16, channels)
    found, _ = prepared(f"augment {text}", f"{channels}x8x8").learn(given, None)
    assert found.shape == given.shape
    assert not torch.equal(found, given)
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1


GREY = (0.299, 0.587, 0.114)  # of a colour, ITU-R BT.601


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("text", "towards"),
    [
        ("color_jitter 0.4 0 0", lambda x: torch.zeros_like(x)),
        ("color_jitter 0 0.4 0", lambda x: _grey(x).mean((1, 2, 3), keepdim=True)),
        ("color_jitter 0 0 0.4", lambda x: _grey(x)),
    ],
)
def test_colours_are_blended_by_a_factor(
    text: str, towards: Callable[[torch.Tensor], torch.Tensor], channels: int
) -> None:
    """As torchvision's: with black, with the mean of the grey picture, with the grey picture."""
    given = 0.4 + 0.2 * images(64, channels)  # so that nothing is cut off at 0 and 1
    found, _ = prepared(f"augment {text}", f"{channels}x8x8").learn(given, None)
    end = towards(given)
    away, moved = (given - end).flatten(1), (found - end).flatten(1)
    factor = (moved * away).sum(1) / (away**2).sum(1).clamp(min=1e-9)
    if text.endswith("0 0 0.4") and channels == 1:
        factor = torch.linspace(0.6, 1.4, 64)  # grey is grey
    assert torch.allclose(moved, factor[:, None] * away, atol=1e-3)
    assert 0.6 <= float(factor.min()) < 0.7
    assert 1.3 < float(factor.max()) <= 1.4


def _grey(given: torch.Tensor) -> torch.Tensor:
    if given.shape[1] == 1:
        return given
    return (given * torch.tensor(GREY)[:, None, None]).sum(1, keepdim=True)


@pytest.mark.parametrize("text", ["2 0 0", "0 3 0", "0 0 4", "5 5 5 0.5"])
def test_factors_end_at_none(text: str) -> None:
    """1 - 2 is below 0, where a factor has no meaning."""
    given = images(16, 3)
    found, _ = prepared(f"augment color_jitter {text}", "3x8x8").learn(given, None)
    assert bool(found.isfinite().all())


def test_other_channels_have_no_colours() -> None:
    with pytest.raises(TrainError, match="takes 1 or 3 channels, not 5"):
        prepared("augment color_jitter", "5x8x8").learn(images(4, 5), None)


def test_the_centre_and_ten_crops() -> None:
    """AlexNet's section 4.1: corners and middle, then their mirror images."""
    given = images(2, 3, 10)
    one = prepared("eval center_crop 8").validate(given)
    assert torch.equal(one, given[:, :, 1:9, 1:9])
    ten = prepared("eval ten_crop 8").validate(given).unflatten(0, (2, 10))
    corners = [(0, 0), (0, 2), (2, 0), (2, 2), (1, 1)]
    for i, (y, x) in enumerate(corners):
        crop = given[:, :, y : y + 8, x : x + 8]
        assert torch.equal(ten[:, i], crop)
        assert torch.equal(ten[:, i + 5], crop.flip(3))


def test_evaluation_brings_images_to_size_first() -> None:
    given = images(2, 3, 20)
    found = prepared("eval center_crop 8 resize=10").validate(given)
    resized = torch.nn.functional.interpolate(given, (10, 10), mode="bilinear", antialias=True)
    assert torch.allclose(found, resized[:, :, 1:9, 1:9])


def test_one_by_one_gives_bytes_again() -> None:
    of = graph("augment hflip 1; color_jitter; random_resized_crop 8", net("3x8x8"))
    assert of.training is not None
    image = (images(1, 3, 20)[0] * 255).to(torch.uint8)
    found = OneByOne(of.training.augment, None)(image)
    assert (found.dtype, found.shape) == (torch.uint8, (3, 8, 8))


def test_blends_come_behind_the_crop() -> None:
    of = graph("augment mixup; random_crop 8", net("3x8x8"))
    assert of.training is not None
    with pytest.raises(TrainError, match="write it behind the crop"):
        OneByOne(of.training.augment, None)


def test_steps_are_carried_out_in_their_order() -> None:
    """Blank boxes of an image that is cut afterwards may hang over its edge; otherwise never."""
    given = torch.ones(2000, 1, 8, 8)
    first, _ = prepared("augment random_crop 8 pad=4; erasing 1", "1x8x8").learn(given, None)
    assert float((first == 0).float().mean()) > 0.3, "padding, and the boxes"


STEPS = (
    "random_resized_crop 8 scale=[0.3, 0.9]",
    "random_crop 8 pad=2",
    "center_crop 8",
    "shorter_side 8; center_crop 8",
    "hflip",
    "pca_jitter",
    "color_jitter 0.4 0.4 0.4",
    "randaugment 3 15",
    "erasing 0.5",
)
BLENDS = {"mixup", "cutmix"}  # of several images


def test_whether_each_step_moves_what_an_image_shows() -> None:
    """A light spot on a dark ground stays where it is, or does not in some images."""
    spot = torch.full((256, 3, 8, 8), 0.2)
    spot[:, :, 2, 1] = 0.6
    tested: set[str] = set()
    for text in STEPS:
        name = text.split()[0]
        tested.add(name)
        found = Components((0.01,) * 3, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
        (out, _) = prepared(f"augment {text}", found=found).learn(spot, torch.zeros(256).long())
        grey = out.mean(1).flatten(1)
        seen = grey.amax(1) > 1.3 * grey.median(1).values  # not cut off, not erased
        moved = bool((grey.argmax(1) != 2 * 8 + 1)[seen].any())
        assert moved == vocabulary()["augment"][name].moves, text
    assert tested | BLENDS == set(vocabulary()["augment"])
