"""Folders of images: how they are read, cut and kept, and those that are broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_data
import torch
from runs import net, sets, trained

from archdsl.errors import TrainError
from archdsl.train.data import Sets
from archdsl.train.data.loader import Batches, readers_watched
from archdsl.train.data.pictures import Broken, Pictures


def pictures(tmp_path: Path, extra: str = "", apart: bool = False) -> Sets:
    small_data.pets(tmp_path / "pets", apart=apart)
    section = f'data imagefolder "{tmp_path / "pets"}" workers=0 {extra}'
    return sets(f"{section}\naugment random_resized_crop 32\neval center_crop 32", "3x32x32")


def test_a_folder_for_each_class(tmp_path: Path) -> None:
    found = pictures(tmp_path, "validation=0.25")
    assert found.classes == ("cat", "dog", "owl")
    assert (len(found.train), len(found.valid or ())) == (9, 3)
    image, target = found.train[0]
    assert (image.dtype, image.shape[0], target) == (torch.uint8, 3, 0)
    valid, _ = found.valid[0]  # pyright: ignore
    assert valid.shape == (3, 32, 32), "cut out as `eval` says"


def test_folders_to_train_and_to_validate(tmp_path: Path) -> None:
    found = pictures(tmp_path, apart=True)
    assert (len(found.train), len(found.valid or ())) == (12, 12)


def test_what_validates_is_what_predict_would_see(tmp_path: Path) -> None:
    from PIL import Image

    from archdsl.ir.preprocess import Preprocess
    from archdsl.serve.preprocess import cut

    found = pictures(tmp_path, "size=34 validation=0.25")
    valid: Any = found.valid
    image, _ = valid[0]
    how = Preprocess(size=(32, 32), crop=32, resize=34, mean=(0,) * 3, std=(1,) * 3)
    expected = cut(Image.open(valid.source(0)).convert("RGB"), how)[0]
    assert np.array_equal(image.numpy(), expected.transpose(2, 0, 1))


def test_a_broken_image_ends_the_run_or_is_named_and_left_out(tmp_path: Path) -> None:
    folder = small_data.pets(tmp_path / "pets")
    broken = folder / "dog" / "2.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    section = f'data imagefolder "{folder}" validation=0 workers=0'
    crops = "augment random_resized_crop 16; eval center_crop 16; epochs 2; batch 4"
    with pytest.raises(TrainError, match=r"2\.jpg: it is truncated or damaged") as caught:
        trained(tmp_path, f"{section}\n{crops}", net("3x16x16"))
    assert "broken=skip" in caught.value.diagnostics[0].help
    outcome = trained(tmp_path, f"{section} broken=skip\n{crops}", net("3x16x16"), "skipped")
    assert outcome.finished
    text = (outcome.folder / "skipped.txt").read_text()
    assert text.count("\n") == 1, "named once"
    assert str(broken) in text


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("random_crop 64x64", "cuts 64x64 out of"),
        ("random_crop 16x16 pad=40 fill=reflect", "mirrors more than there is"),
    ],
)
def test_an_image_that_a_step_refuses(tmp_path: Path, workers: int, step: str, why: str) -> None:
    """Also in a process that reads ahead, from which errors do not come as they are."""
    folder = small_data.pets(tmp_path / "pets")
    section = (
        f'data imagefolder "{folder}" validation=0 workers={workers}\naugment {step}; epochs 1'
    )
    with pytest.raises(TrainError, match=why) as caught:
        trained(tmp_path, section, net("3x64x64" if "64" in step else "3x16x16"))
    assert caught.value.diagnostics[0].code == "A954"
    assert not (tmp_path / "run").exists()


def test_an_error_of_ours_in_a_process_that_reads_ahead_is_told_as_it_is(tmp_path: Path) -> None:
    folder = small_data.pets(tmp_path / "pets")
    of = sets(f'data imagefolder "{folder}" validation=0\naugment random_crop 16', "3x16x16")
    batches = Batches(of.train, 2, workers=1, each=_defective)
    with pytest.raises(RuntimeError, match="a defect"), readers_watched():
        next(batches.epoch(0))


def _defective(image: Any) -> Any:
    raise RuntimeError("a defect")


def test_a_batch_of_broken_images_alone_is_left_out(tmp_path: Path) -> None:
    folder = small_data.pets(tmp_path / "pets")
    (folder / "dog" / "2.jpg").write_bytes(b"no image")
    section = f'data imagefolder "{folder}" validation=0 workers=0 broken=skip\n'
    section += "augment random_resized_crop 16; epochs 1; batch 1; accumulate 2"
    network = "input 3x16x16\nconv 3x3 4; relu; gap; fc 3\n"
    outcome = trained(tmp_path, section, network)
    assert outcome.rows[0].train_loss == outcome.rows[0].train_loss, "a number"
    assert outcome.rows[0].step == 6


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_kept_images_are_the_images(
    tmp_path: Path, cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    plain: Any = pictures(tmp_path / "a").train
    kept: Any = pictures(tmp_path / "a2", f"cache={cache}").train
    for _ in range(2):
        kept.keep()
        assert all(torch.equal(plain[i][0], kept[i][0]) for i in range(len(plain)))
    files = list((tmp_path / "cache").rglob("*.pack"))
    assert len(files) == (1 if cache == "disk" else 0)


def test_images_of_several_sizes_need_a_crop(tmp_path: Path) -> None:
    small_data.pets(tmp_path / "pets")
    section = f'data imagefolder "{tmp_path / "pets"}" validation=0.5'
    with pytest.raises(TrainError, match=r"no crop brings them to the network's 32x32") as caught:
        sets(f"{section}; augment hflip; eval center_crop 32", "3x32x32")
    assert "`augment center_crop 32x32; eval center_crop 32x32`" in str(caught.value)
    with pytest.raises(TrainError, match="to one to validate"):
        sets(f"{section}; augment random_crop 32", "3x32x32")
    with pytest.raises(TrainError, match="takes 5x32x32"):
        sets(f"{section}; augment random_crop 32; eval center_crop 32", "5x32x32")


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for path, label in ((tmp_path / "a" / "b", "no folders"), (tmp_path / "a", "no image")):
        with pytest.raises(TrainError, match=label):
            sets(f'data imagefolder "{path}"; augment random_crop 8; eval center_crop 8', "3x8x8")


def test_an_image_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no image")
    found = Pictures(lambda i: tmp_path / "x.png", lambda i: "x.png", [0], "RGB")[0][0]
    assert isinstance(found, Broken)
    assert "no picture of a known kind" in found.why
