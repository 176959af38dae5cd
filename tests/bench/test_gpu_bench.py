"""What `make bench ARGS=gpu` runs, tried on the CPU with small batches."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))


def test_both_sides_train() -> None:
    import gpu

    found = gpu.main(["resnet50", "--device", "cpu", "--batch", "1", "--steps", "2", "--plain"])
    assert all(found[side]["rate"] > 0 for side in ("compiled", "hand"))


def test_without_a_gpu_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    import bench

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert list(bench.gpu(1)) == []
    assert "no GPU here" in capsys.readouterr().out


def test_the_loader_is_measured() -> None:
    import bench

    figures = list(bench.loader(1, images=8))
    assert len(figures) == 3 and all(figure.value > 0 for figure in figures)
