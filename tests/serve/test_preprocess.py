"""Preparing a picture, against PyTorch and Pillow used as torchvision uses them, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from classifiers import photo, preprocess
from PIL import Image
from pydantic import ValidationError

from archdsl.serve import Preprocess
from archdsl.serve import preprocess as module
from archdsl.serve.preprocess import cut, normalized

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
SIZES = [(503, 375), (375, 503), (640, 427), (333, 333), (224, 224), (100, 80), (1024, 257)]


def reference(image: Image.Image, resize: int, crop: int, how: Image.Resampling) -> torch.Tensor:
    """Resize, CenterCrop, ToTensor and Normalize, as torchvision documents them."""
    width, height = image.size
    short, long = min(width, height), max(width, height)
    other = int(resize * long / short)
    size = (resize, other) if width <= height else (other, resize)
    array = np.asarray(image.resize(size, how))
    top = int(round((array.shape[0] - crop) / 2.0))  # noqa: RUF046
    left = int(round((array.shape[1] - crop) / 2.0))  # noqa: RUF046
    x = torch.from_numpy(array[top : top + crop, left : left + crop].copy())
    x = x.permute(2, 0, 1).to(torch.float32).div(255)
    return (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def stated(**changes: object) -> Preprocess:
    return Preprocess.model_validate(preprocess(224, mean=MEAN, std=STD, resize=256) | changes)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_it_is_what_torchvision_computes(size: tuple[int, int], interpolation: str) -> None:
    image = photo(*size)
    how = stated(interpolation=interpolation)
    found = normalized(cut(image, how), how, "float32")
    wanted = reference(image, 256, 224, getattr(Image.Resampling, interpolation.upper()))
    assert found.shape == (1, 3, 224, 224)
    np.testing.assert_allclose(found[0], wanted.numpy(), rtol=0, atol=1e-6)


def test_layouts_and_types_hold_the_same_values() -> None:
    crops = cut(photo(300, 300), stated())
    first = normalized(crops, stated(), "float32")
    last = normalized(crops, stated(layout="NHWC"), "float32")
    assert (last.transpose(0, 3, 1, 2) == first).all()
    half = normalized(crops, stated(), "float16")
    assert half.dtype == np.float16
    assert (half == first.astype(np.float16)).mean() > 0.999, "but for what is rounded twice"


def test_what_is_smaller_than_the_crop_is_made_to_cover_it() -> None:
    """Nothing is ever filled in: a 4:1 picture whose shorter side would be 8 has 12 for 12x20."""
    how = Preprocess.model_validate(preprocess(size=[12, 20], crop=[12, 20], resize=8))
    assert how.resized(height=10, width=40) == (12, 48)
    assert how.resized(height=40, width=10) == (80, 20)
    assert cut(photo(40, 10), how).shape == (1, 12, 20, 3)


def test_without_a_size_to_resize_to_the_picture_just_covers_the_crop() -> None:
    how = Preprocess.model_validate({"size": [8, 8], "mean": [0] * 3, "std": [1] * 3})
    assert how.resized(height=16, width=32) == (8, 16)
    both = Preprocess.model_validate(preprocess(size=[8, 6], crop=[8, 6], resize=[10, 12]))
    assert both.resized(height=100, width=9) == (10, 12)


def test_ten_crops_are_corners_centre_and_mirror_images() -> None:
    how = Preprocess.model_validate(preprocess(size=[6, 6], crop=6, resize=10))
    image = photo(14, 10)
    array = np.asarray(image)
    corners = [array[:6, :6], array[:6, 8:], array[4:, :6], array[4:, 8:], array[2:8, 4:10]]
    wanted = [*corners, *(np.fliplr(c) for c in corners)]
    assert (cut(image, how, ten=True) == np.stack(wanted)).all()


@pytest.mark.parametrize("size", [(500, 375), (90, 1000), (3000, 41)])
def test_a_part_is_the_same_as_that_part_of_the_whole(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within one step of 255, where Pillow rounds."""
    image = photo(*size)
    whole = cut(image, stated(), ten=True).astype(int)
    monkeypatch.setattr(module, "MAX_RESIZED", 0)
    assert abs(cut(image, stated(), ten=True).astype(int) - whole).max() <= 1


def test_a_picture_of_one_row_takes_no_memory() -> None:
    """256 rows of 15 million columns would be 11 gigabytes."""
    assert cut(Image.new("RGB", (60_000, 1), "red"), stated(), ten=True).shape[0] == 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": [0.5]},
        {"std": [1, 1, 0]},
        {"std": [1, 1, float("nan")]},
        {"size": [0, 8]},
        {"size": [10**9, 10**9]},
        {"size": [8]},
        {"crop": 7},
        {"resize": -1},
        {"interpolation": "lanczos"},
        {"channels": "BGR"},
        {"scale": "a"},
        {"gamma": 2},
    ],
)
def test_metadata_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Preprocess.model_validate(preprocess(8) | wrong)
