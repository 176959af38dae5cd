"""Several processes share every batch, and come to the weights of one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from runs import weights

from archdsl.pipeline import open_to_train
from archdsl.train import Options, start
from archdsl.train.data.loader import Batches, Share
from archdsl.train.data.memory import Arrays

# No batch normalisation, whose statistics are those of each process, and no dropout. The last
# batch of an epoch has 5 examples, one more for the first process than for the second.
SPEC = """\
input 3x6x6
conv 3x3 5; relu; gap; fc 4
train {
  data synthetic 45; optimizer sgd lr=0.1 momentum=0.9; ema 0.9; clip 0.5
  epochs 3; batch 8; accumulate 2
}
"""

TOLERANCE = 1e-6
"""Of the largest weight: the same sums in another order."""


def torchrun(*arguments: object) -> str:
    """What two processes print, on both streams."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m"]
    command += ["archdsl", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.timeout(600)
def test_two_processes_come_to_the_weights_of_one(tmp_path: Path) -> None:
    spec = tmp_path / "two.arch"
    spec.write_text(SPEC)
    single = start(open_to_train(str(spec)).graph, Options(tmp_path, "one", "cpu"))
    told = torchrun("train", spec, "--runs", tmp_path, "--name", "two", "--device", "cpu")
    assert told.count("epochs") == 1, "one process tells of it"
    one, two = weights(single), weights(tmp_path / "two")
    for key, value in one.items():
        difference = float((two[key] - value).abs().max() / value.abs().max())
        assert difference <= TOLERANCE, key
    first = (single.folder / "metrics.csv").read_text().splitlines()
    second = (tmp_path / "two" / "metrics.csv").read_text().splitlines()
    for a, b in zip(first[1:], second[1:], strict=True):
        figures = zip(a.split(",")[:7], b.split(",")[:7], strict=True)
        assert all(float(x) == pytest.approx(float(y), rel=1e-4) for x, y in figures)


@pytest.mark.timeout(600)
def test_two_processes_thaw_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They compute the features together, and average gradients of what they train then."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    spec = tmp_path / "two.arch"
    spec.write_text(SPEC.replace("epochs 3", "freeze all except fc1 epochs=2; epochs 4"))
    single = start(open_to_train(str(spec)).graph, Options(tmp_path, "one", "cpu"))
    assert any("are kept in" in note for note in single.notes)
    torchrun("train", spec, "--runs", tmp_path, "--name", "two", "--device", "cpu")
    one, two = weights(single), weights(tmp_path / "two")
    for key, value in one.items():
        difference = float((two[key] - value).abs().max() / value.abs().max())
        assert difference <= TOLERANCE, key


@pytest.mark.timeout(600)
def test_the_second_process_meets_a_broken_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of 4 go to the two in turns, so that the seventh image is the second process's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pets = [tmp_path / "pets" / "ab"[i // 4] / f"{i}.png" for i in range(8)]
    for place in pets:
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 6)).save(place)
    pets[6].write_bytes(b"no image")
    spec = tmp_path / "two.arch"
    section = f"""data imagefolder "{tmp_path}/pets" validation=0 broken=skip workers=0
  augment center_crop 6; freeze all except fc1; epochs 1; batch 4"""
    spec.write_text(f"input 3x6x6; conv 3x3 2; relu; gap; fc 2; train {{ {section} }}")
    told = torchrun("train", spec, "--runs", tmp_path, "--name", "two", "--device", "cpu")
    (why,) = [line for line in told.splitlines() if "anew" in line]
    assert "an image cannot be read" in why and str(pets[6]) in why


@pytest.mark.parametrize("world", [2, 3])
def test_the_shares_make_up_the_batches(world: int) -> None:
    data = Arrays(torch.arange(23.0)[:, None], torch.arange(23))
    whole = [b.targets for b in Batches(data, 8, seed=5).epoch(2)]
    shares = [
        [b.targets for b in Batches(data, 8, Share(r, world), seed=5).epoch(2)]
        for r in range(world)
    ]
    for i, batch in enumerate(whole):
        assert torch.equal(torch.cat([share[i] for share in shares]), batch)


def test_a_process_without_examples_is_refused(tmp_path: Path) -> None:
    from archdsl.errors import TrainError

    spec = tmp_path / "two.arch"
    spec.write_text(SPEC.replace("batch 8", "batch 1"))
    with pytest.raises(TrainError, match="every process needs an example"):
        start(open_to_train(str(spec)).graph, Options(tmp_path, "one", "cpu", devices=2))
