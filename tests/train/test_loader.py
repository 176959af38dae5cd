"""The order of the examples, their shares and their batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import small_data
import torch
from runs import graph, net

from archdsl.train.data import read
from archdsl.train.data.examples import split
from archdsl.train.data.loader import Batches, order


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
