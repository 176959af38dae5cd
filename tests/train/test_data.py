"""Arrays and what a user's code gives, and what of every source is refused and why."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_data
import torch
from runs import net, sets, trained
from small_data import Evil

from archdsl.errors import TrainError

MISSING = [
    ('data mnist "nowhere"', "1x28x28", "train-images-idx3-ubyte.gz", "ossci-datasets"),
    ('data fashion_mnist "nowhere"', "1x28x28", "the folder does not exist", "zalandoresearch"),
    ('data cifar10 "nowhere"', "3x32x32", "data_batch_1", "cs.toronto.edu"),
    ('data cifar100 "nowhere"', "3x32x32", "train", "cs.toronto.edu"),
    ('data npz "nowhere.npz"', "3x32x32", "no such file", "--data"),
    ('data imagefolder "nowhere"', "3x32x32", "no such folder", "its folders are the classes"),
    ('data python "nowhere:f"', "3x32x32", "no module `nowhere`", "looked for in the folder"),
    ('data python "json:f"', "3x32x32", "`json` has no `f`", ""),
]


@pytest.mark.parametrize(("section", "shape", "label", "help"), MISSING)
def test_what_is_missing_is_told_with_the_way_to_get_it(
    section: str, shape: str, label: str, help: str
) -> None:
    with pytest.raises(TrainError) as caught:
        sets(f"{section}; eval center_crop 32; augment random_crop 32", shape, 100)
    (found,) = caught.value.diagnostics
    assert found.code == "A952"
    assert label in found.label
    assert help in found.help


# Arrays


def test_arrays_of_numpy(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=small_data.draw(20, 1, 8, 8), y=small_data.classes(20))
    found = sets(f'data npz "{path}" validation=0.3', "1x8x8")
    assert found.valid is not None
    assert (len(found.train), len(found.valid)) == (14, 6)
    assert found.labels is not None
    assert found.labels.dtype == torch.int64


def test_an_array_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.array([Evil()], dtype=object), y=np.zeros(1))
    with pytest.raises(TrainError) as caught:
        sets(f'data npz "{path}"', "1x8x8")
    assert caught.value.diagnostics[0].code == "A953"


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({"x": np.zeros((3, 1, 8, 8)), "z": np.zeros(3)}, "has no array `y`; it has x, z"),
        ({"x": np.zeros((3, 1, 8, 8)), "y": np.zeros(4)}, "there are 3 of `x` and 4 of `y`"),
        ({"x": np.zeros((0, 1, 8, 8)), "y": np.zeros(0)}, "0 of `x`"),
        ({"x": np.array(["a"]), "y": np.zeros(1)}, "numbers are wanted"),
        ({"x": np.zeros((3, 8, 8, 3)), "y": np.zeros(3)}, "rows x columns x channels"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, arrays: dict[str, np.ndarray], match: str) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **arrays)
    with pytest.raises(TrainError, match=match):
        sets(f'data npz "{path}"', "3x8x8")


def test_a_damaged_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=small_data.draw(20, 1, 8, 8), y=small_data.classes(20))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises((TrainError, zipfile.BadZipFile)) as caught:
        sets(f'data npz "{path}"', "1x8x8")
    assert isinstance(caught.value, TrainError)


@pytest.mark.parametrize(
    ("section", "shape", "match"),
    [
        ("data digits", "1x28x28", "comes as 1x8x8, and the network takes 1x28x28"),
        ("data digits; augment random_crop 9", "1x9x9", "cuts 9x9 out of 8x8"),
        ("data digits; augment hflip", "64", "is of images, and the network takes 64"),
        ("data digits; loss mse", "1x8x8", "the targets are a number; the output is 10"),
    ],
)
def test_data_that_do_not_fit_the_network(
    tmp_path: Path, section: str, shape: str, match: str
) -> None:
    network = net(shape) if "x" in shape else f"input {shape}\nfc 10\n"
    with pytest.raises(TrainError, match=match) as caught:
        trained(tmp_path, section, network)
    assert caught.value.diagnostics[0].code == "A954"


def test_more_classes_than_outputs(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=small_data.draw(20, 1, 8, 8), y=np.arange(20))
    with pytest.raises(TrainError, match=r"a target is class 1\d; the output has 10 values"):
        trained(tmp_path, f'data npz "{path}"; batch 20', net("1x8x8"))


# What a user's code gives


def test_a_function_that_gives_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_data.module(tmp_path, "mine", monkeypatch)
    found = sets('data python "mine:arrays" workers=0', "3x32x32")
    assert len(found.train) == 12
    assert found.labels is not None
    assert found.valid is None


def test_what_a_users_code_raises_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = "input 3x32x32\nconv 3x3 4; gap; fc 3\n"
    small_data.module(tmp_path, "mine", monkeypatch, "1 // (i - 7)")
    with pytest.raises(TrainError, match="example 7: ZeroDivisionError"):
        trained(tmp_path, 'data python "mine:boards" workers=0; epochs 1', network)
    (tmp_path / "worse.py").write_text("def boards():\n    return open('nowhere')\n")
    with pytest.raises(TrainError, match="worse:boards failed: FileNotFoundError"):
        trained(tmp_path, 'data python "worse:boards" workers=0; epochs 1', network)


def test_a_class_beyond_the_outputs_is_told_wherever_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = "input 3x32x32\nconv 3x3 4; gap; fc 3\n"
    small_data.module(tmp_path, "mine", monkeypatch, "5 if i == 11 else 0")
    with pytest.raises(TrainError, match="a target is class 5; the output has 3 values"):
        trained(tmp_path, 'data python "mine:boards" workers=0; epochs 1; batch 2', network)


class _Hub:
    """What `datasets` gives, as far as it is used."""

    def __init__(self, count: int) -> None:
        from PIL import Image

        self.rows = [
            {"image": Image.fromarray(small_data.draw(20, 20, 3)), "label": i % 3}
            for i in range(count)
        ]
        self.column_names = ["image", "label"]

        class Labels:
            names = ("a", "b", "c")

        self.features = {"label": Labels()}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> Any:
        return [row[key] for row in self.rows] if isinstance(key, str) else self.rows[key]


def test_a_dataset_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for the library, which the tests do not install."""
    import sys
    from types import SimpleNamespace

    def load(name: str, config: str | None) -> Any:
        return {"train": _Hub(9), "validation": _Hub(3)}

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load))
    crops = "augment random_crop 16; eval center_crop 16"
    found = sets(f'data huggingface "food" workers=0; {crops}', "3x16x16")
    assert (len(found.train), len(found.valid or ())) == (9, 3)
    assert found.classes == ("a", "b", "c")
    assert found.train[0][0].shape == (3, 20, 20)
    with pytest.raises(TrainError, match="no column `img`; it has image, label"):
        sets(f'data huggingface "food" image="img"; {crops}', "3x16x16")
