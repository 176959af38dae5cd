"""MNIST and CIFAR in the files that were published: they are read, and others are refused."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import small_data
import torch
from runs import sets
from small_data import PER_PART, Evil

from archdsl.errors import TrainError
from archdsl.train.data import cifar, idx


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


def test_a_folder_of_another_set_is_called_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_data.mnist(tmp_path, "mnist", monkeypatch)
    known = {idx.MD5["mnist"]["train-images-idx3-ubyte.gz"]: "train-images of `mnist`"}
    monkeypatch.setattr(idx, "KNOWN", known)
    with pytest.raises(TrainError, match="it is train-images of `mnist`"):
        sets(f'data fashion_mnist "{tmp_path}"', "1x28x28")


def test_half_of_the_files_to_test_with_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To leave the images aside, and to validate with others, would be unseen."""
    small_data.mnist(tmp_path, "mnist", monkeypatch)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(TrainError, match=r"t10k-labels-idx1-ubyte\.gz is wanted"):
        sets(f'data mnist "{tmp_path}"', "1x28x28")


def test_what_is_missing_is_named_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_data.cifar_binary(tmp_path, "cifar10", monkeypatch)
    (tmp_path / "data_batch_3.bin").unlink()
    with pytest.raises(TrainError, match=r": data_batch_3\.bin is wanted, and it is not there"):
        sets(f'data cifar10 "{tmp_path}"', "3x32x32")


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "cifar-100-python.tar.gz"
    archive.write_bytes(b"")
    with pytest.raises(TrainError, match=r"cifar-100-python\.tar\.gz is not unpacked"):
        sets(f'data cifar100 "{tmp_path}"', "3x32x32", 100)
    with pytest.raises(TrainError, match="this is a file, not a folder"):
        sets(f'data cifar100 "{archive}"', "3x32x32", 100)


def test_a_label_of_no_class_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_data.cifar_binary(tmp_path, "cifar10", monkeypatch)
    path = tmp_path / "data_batch_2.bin"
    path.write_bytes(b"\xc8" + path.read_bytes()[1:])
    with pytest.raises(TrainError, match=r"data_batch_2\.bin: a label is 200, and there are 10"):
        sets(f'data cifar10 "{tmp_path}"', "3x32x32")
