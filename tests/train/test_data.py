"""Data from every source: what is read, how it is split and drawn, what is refused and why."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_data
import torch
from runs import graph, trained
from small_data import PER_PART

from archdsl.errors import TrainError
from archdsl.train.data import Sets, cifar, idx, read
from archdsl.train.data.examples import split
from archdsl.train.data.loader import Batches, order
from archdsl.train.data.pictures import Broken, Pictures


def net(shape: str, classes: int = 10) -> str:
    return f"input {shape}\nconv 3x3 4; relu; gap; fc {classes}\n"


def sets(section: str, shape: str, classes: int = 10) -> Sets:
    return read(graph(section, net(shape, classes)))


# Originals


@pytest.mark.parametrize("kind", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("packed", [True, False])
def test_idx_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, packed: bool
) -> None:
    small_data.mnist(tmp_path, kind, monkeypatch, packed)
    found = sets(f'data {kind} "{tmp_path}"', "1x28x28")
    assert found.valid is not None
    inputs, targets = found.train.inputs, found.train.targets  # pyright: ignore
    assert inputs.dtype == torch.uint8
    assert np.array_equal(inputs[:, 0].numpy(), small_data.draw(PER_PART, 28, 28))
    assert targets.tolist() == small_data.classes(PER_PART).tolist()
    assert len(found.valid) == PER_PART
    assert len(found.classes) == 10


def test_without_the_files_to_test_with_a_share_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_data.mnist(tmp_path, "mnist", monkeypatch)
    for path in tmp_path.glob("t10k*"):
        path.unlink()
    found = sets(f'data mnist "{tmp_path}" validation=0.25', "1x28x28")
    assert found.valid is not None
    assert (len(found.train), len(found.valid)) == (9, 3)


@pytest.mark.parametrize("kind", ["cifar10", "cifar100"])
@pytest.mark.parametrize("write", [small_data.cifar_python, small_data.cifar_binary])
def test_cifar_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, write: Callable[..., None]
) -> None:
    write(tmp_path, kind, monkeypatch)
    found = sets(f'data {kind} "{tmp_path}"', "3x32x32", 100)
    files = 5 if kind == "cifar10" else 1
    assert len(found.train) == files * PER_PART
    image, target = found.train[1]
    assert np.array_equal(image.numpy().reshape(-1), small_data.draw(PER_PART, 3072)[1])
    assert target == 1
    assert found.valid is not None
    assert len(found.valid) == PER_PART


def test_the_published_files_have_the_published_sizes() -> None:
    assert [count for *_, count in idx.PARTS.values()] == [60_000, 10_000]
    assert sum(cifar.BINARY["cifar10"]["train"].values()) == 50_000
    assert len(cifar.CLASSES["cifar10"]) == 10


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


def test_another_file_than_the_original_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_data.mnist(tmp_path, "mnist", monkeypatch)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TrainError, match="it is not the original: its MD5 is"):
        sets(f'data mnist "{tmp_path}"', "1x28x28")


def test_the_header_of_an_idx_file_is_held_against_its_length() -> None:
    data = small_data.idx_bytes(small_data.draw(2, 3, 3))
    assert idx.parsed(data, 3, "x").shape == (2, 3, 3)
    for wrong in (data[:-1], data + b"x", data[:3], b"\0\0\x0d\x03" + data[4:], b""):
        with pytest.raises(TrainError):
            idx.parsed(wrong, 3, "x")
    huge = bytes([0, 0, 8, 3]) + b"\xff" * 12
    with pytest.raises(TrainError, match="its header speaks of"):
        idx.parsed(huge, 3, "x")


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("this must not run",)


def test_a_pickle_that_runs_code_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even where its checksum is the right one."""
    small_data.cifar_python(tmp_path, "cifar100", monkeypatch)
    data = pickle.dumps({b"data": Evil(), b"fine_labels": [1]})
    (tmp_path / "train").write_bytes(data)
    import hashlib

    checksums = cifar.MD5["cifar100"] | {"train": {"train": hashlib.md5(data).hexdigest()}}
    monkeypatch.setitem(cifar.MD5, "cifar100", checksums)
    with pytest.raises(TrainError, match=r"asks for builtins\.print"):
        sets(f'data cifar100 "{tmp_path}"', "3x32x32", 100)
    assert capsys.readouterr().out == ""


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
        ({"x": np.zeros((3, 1, 8, 8)), "y": np.zeros(4)}, "3 inputs and 4 targets"),
        ({"x": np.zeros((0, 1, 8, 8)), "y": np.zeros(0)}, "0 inputs"),
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


# Folders of images


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
    with pytest.raises(TrainError, match="no crop brings them to one"):
        sets(f"{section}; augment hflip; eval center_crop 32", "3x32x32")
    with pytest.raises(TrainError, match="to one to validate"):
        sets(f"{section}; augment random_crop 32", "3x32x32")
    with pytest.raises(TrainError, match="takes 5x32x32"):
        sets(f"{section}; augment random_crop 32; eval center_crop 32", "5x32x32")


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for path, label in ((tmp_path / "a" / "b", "no folders"), (tmp_path / "a", "no image")):
        with pytest.raises(TrainError, match=label):
            sets(f'data imagefolder "{path}"; augment random_crop 8; eval center_crop 8', "3x8x8")


# Order and shares


def test_an_epoch_has_every_example_once_in_an_order_of_its_own() -> None:
    epochs = [order(50, 3, epoch).tolist() for epoch in range(3)]
    assert all(sorted(found) == list(range(50)) for found in epochs)
    assert epochs[0] != epochs[1]
    assert epochs[1] == order(50, 3, 1).tolist()
    assert epochs[0] != order(50, 4, 0).tolist()


def test_balance_draws_every_class_equally_often() -> None:
    labels = torch.tensor([0] * 900 + [1] * 90 + [2] * 10)
    drawn = labels[order(1000, 0, 0, labels)]
    counts = torch.bincount(drawn).tolist()
    # Each count is binomial with mean 333 and a deviation of 14.9: five of them at most.
    assert all(abs(count - 333) < 75 for count in counts)


def test_a_split_takes_its_share_of_every_class() -> None:
    labels = torch.tensor([0] * 50 + [1] * 30 + [2] * 20)
    train, valid = split(labels, 0.2, 0)
    assert torch.bincount(labels[valid]).tolist() == [10, 6, 4]
    assert sorted([*train.tolist(), *valid.tolist()]) == list(range(100))


@pytest.mark.parametrize(("size", "accumulate"), [(8, 1), (8, 2), (7, 3), (50, 2), (1, 4)])
def test_windows_cover_an_epoch(size: int, accumulate: int) -> None:
    data: Any = list(range(23))
    batches = Batches(data, size, accumulate=accumulate)
    closed = [n for n in range(len(batches)) if batches.closes(n)]
    assert len(closed) == batches.steps
    assert sum(batches.window(n) for n in closed) == 23


def test_images_are_the_same_however_many_processes_read_them(tmp_path: Path) -> None:
    small_data.pets(tmp_path / "pets")

    def drawn(workers: int, start: int) -> list[Any]:
        of = graph(
            f'data imagefolder "{tmp_path / "pets"}" validation=0\n'
            "augment random_resized_crop 16; eval center_crop 16",
            net("3x16x16"),
        )
        from archdsl.train.augment import OneByOne

        assert of.training is not None
        each = OneByOne(of.training.augment, None)
        found = Batches(read(of).train, 4, seed=1, workers=workers, each=each)
        return list(found.epoch(1, start))

    one, two, rest = drawn(0, 0), drawn(2, 0), drawn(0, 1)
    assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(one, two, strict=True))
    assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(one[1:], rest, strict=True))


def test_what_a_users_dataset_draws_depends_on_its_place_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_data.module(tmp_path, "mine", monkeypatch)
    of = graph('data python "mine:boards" workers=0', net("3x32x32"))
    train = read(of).train
    one = [b.inputs for b in Batches(train, 4, seed=1).epoch(0)]
    again = [b.inputs for b in Batches(train, 4, seed=1, workers=2).epoch(0, 1)]
    assert all(torch.equal(a, b) for a, b in zip(one[1:], again, strict=True))  # pyright: ignore
    assert not torch.equal(one[0], one[1])  # pyright: ignore


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


def test_an_image_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no image")
    found = Pictures(lambda i: tmp_path / "x.png", lambda i: "x.png", [0], "RGB")[0][0]
    assert isinstance(found, Broken)
    assert "no picture of a known kind" in found.why
