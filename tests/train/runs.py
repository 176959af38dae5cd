"""Small trainings, and what tests look at of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import archdsl
from archdsl.train import Options, Outcome, resume, start
from archdsl.train.data import Sets, read

NETWORK = """\
param classes = 4
input 3x8x8
body: { conv 3x3 6 bias=false; bn; relu; dropout 0.2 }
conv 3x3 6; relu; gap
fc: fc classes
"""

# Everything that has a state: the order, dropout, blends, statistics, a mean, a plateau, moments.
EVERYTHING = """\
data synthetic 52
augment random_crop 8 pad=1; hflip; mixup 0.4
optimizer adamw lr=0.01
schedule plateau patience=0 factor=0.5 warmup=1
clip 1; ema 0.9
epochs 10; batch 8; accumulate 2; seed 3
"""


def graph(section: str, network: str = NETWORK, **parameters: Any) -> archdsl.ir.Graph:
    return archdsl.parse(f"{network}train {{\n{section}\n}}\n", file="t.arch", **parameters).graph


def net(shape: str, classes: int = 10) -> str:
    """The text of a small network of images."""
    return f"input {shape}\nconv 3x3 4; relu; gap; fc {classes}\n"


def sets(section: str, shape: str, classes: int = 10) -> Sets:
    """The data of a section, for inputs of a shape."""
    return read(graph(section, net(shape, classes)))


def trained(
    folder: Path, section: str, network: str = NETWORK, name: str = "run", **options: Any
) -> Outcome:
    """A run in a folder, on the CPU."""
    chosen = Options(runs=folder, name=name, device="cpu", **options)
    return start(graph(section, network), chosen)


def weights(outcome: Outcome | Path) -> dict[str, Any]:
    """The weights at the end of a run."""
    from safetensors.torch import load_file

    folder = outcome if isinstance(outcome, Path) else outcome.folder
    return load_file(folder / "last" / "weights.safetensors")


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two sets of weights are the same, bit by bit."""
    import torch

    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def go(folder: Path, name: str, section: str = EVERYTHING) -> None:
    """Begin a run, or go on with it: what a process does that is killed now and then."""
    import torch

    torch.set_num_threads(1)
    path = folder / name
    options = Options(runs=folder, name=name, device="cpu", save_every=1)
    if (path / "run.json").is_file():
        resume(path, options)
    else:
        if path.is_dir():  # killed before it had written what it is
            for left in sorted(path.rglob("*"), reverse=True):
                left.unlink()
            path.rmdir()
        start(graph(section), options)
