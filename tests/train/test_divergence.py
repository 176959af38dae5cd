"""A loss that is no number ends the run and says where it came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from runs import graph, trained

from archdsl.errors import Diagnostic, TrainError

NET = "input 1x4x4\nconv1: conv 3x3 4; relu; conv2: conv 3x3 4; relu; gap; fc: fc 2\n"


def diverged(tmp_path: Path, section: str, x: np.ndarray, network: str = NET) -> Diagnostic:
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(len(x)) % 2)
    text = f'data npz "{tmp_path / "a.npz"}" validation=0\n{section}'
    with pytest.raises(TrainError) as caught:
        trained(tmp_path, text, network)
    (found,) = caught.value.diagnostics
    assert found.code == "A956"
    return found


def noise(n: int = 40) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, 1, 4, 4)).astype(np.float32)


def test_in_the_data(tmp_path: Path) -> None:
    x = noise()
    x[7] = np.nan
    found = diverged(tmp_path, "batch 40; epochs 1", x)
    assert "at step 1, in epoch 1, the loss is nan: the data hold values" in found.label


def test_in_a_layer(tmp_path: Path) -> None:
    """A map of which a layer makes what 32 bits do not hold; the next step's weights would be."""
    x = noise() * 1e30
    network = NET.replace("conv2:", "mul { identity | identity }; conv2:")
    found = diverged(tmp_path, "batch 8; epochs 1", x, network)
    assert "is the first layer whose output is no number" in found.label
    assert "`conv2`" in found.label or "`mul" in found.label


def test_in_the_weights_to_begin_with(tmp_path: Path) -> None:
    from archdsl.backends.torch import build, save

    made = graph("", NET)
    state = {key: value * float("nan") for key, value in build(made).state_dict().items()}
    save(made, state, tmp_path / "w.safetensors")
    found = diverged(tmp_path, f'batch 8; epochs 1; from "{tmp_path}/w.safetensors"', noise())
    assert "at step 1" in found.label
    assert "begins with a `conv1.weight` whose values are no numbers" in found.label


def test_in_a_step(tmp_path: Path) -> None:
    """The rate is too high: weights grow until they, or what comes of them, are no numbers."""
    found = diverged(tmp_path, "batch 8; epochs 50; optimizer sgd lr=1e18 momentum=0.9", noise())
    assert "at step" in found.label
    assert "the rate is 1e+18: try a tenth of it, `--set optimizer.lr=1e+17`" in found.help
    assert "clip 1" in found.help
    assert "normalize data" in found.help
    assert "precision" not in found.help, "it is fp32 already"


def test_nothing_is_advised_that_is_in_force(tmp_path: Path) -> None:
    section = (
        "batch 8; epochs 50; optimizer sgd lr=1e22 momentum=0.9; clip 1e30; normalize data; "
        "schedule cosine warmup=2; precision bf16"
    )
    found = diverged(tmp_path, section, noise())
    assert "optimizer.lr=1e+21" in found.help
    assert "precision fp32" in found.help
    assert not any(word in found.help for word in ("clip", "normalize", "warmup"))


def test_nothing_is_advised_that_is_refused(tmp_path: Path) -> None:
    """`normalize` is about one picture."""
    network = "input left 1x4x4\ninput right 1x4x4\nadd { @left | @right }; flatten; fc 2\n"
    section = "data synthetic 8; loss mse; batch 8; epochs 50; optimizer sgd lr=1e18"
    with pytest.raises(TrainError) as caught:
        trained(tmp_path, section, network)
    (found,) = caught.value.diagnostics
    assert found.code == "A956"
    assert "clip 1" in found.help
    assert "normalize" not in found.help


def test_the_run_keeps_its_last_sound_checkpoint(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=noise(), y=np.arange(40) % 2)
    text = f'data npz "{tmp_path / "a.npz"}"\nbatch 8; epochs 50; optimizer sgd lr=1e18'
    with pytest.raises(TrainError):
        trained(tmp_path, text, NET, save_every=1)
    assert list((tmp_path / "run" / "last").glob("step-*"))
