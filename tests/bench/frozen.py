"""Epochs of a linear classifier on a frozen ResNet-20: with kept features, without, and unfrozen.

    python tests/bench/frozen.py

The second epoch of each of three runs that take turns, on CIFAR-sized noise, one thread, with its
validation. Prints a line of JSON for each figure of `bench.py`.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from pathlib import Path

import torch

import archdsl
from archdsl.train import Options, run

EXAMPLES = 1024
TURNS = 3
SECTION = f"data synthetic {EXAMPLES}; optimizer sgd lr=0.1 momentum=0.9; batch 128; epochs 2"
WAYS = {
    "kept": ("freeze all except fc", True),
    "frozen": ("freeze all except fc", False),
    "whole": ("tune everything", False),
}


def second_epoch(folder: Path, tuning: str, features: bool) -> float:
    """Its seconds."""
    text = f"input 3x32x32\nfc: fc 2\ntrain {{ {SECTION}; {tuning} }}"
    training = archdsl.parse(text).graph.training
    graph = archdsl.zoo("resnet20").graph.model_copy(update={"training": training})
    return run.start(graph, Options(folder, device="cpu", features=features)).rows[1].seconds


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = name
        turns = [
            {way: second_epoch(Path(name), *how) for way, how in WAYS.items()} for _ in range(TURNS)
        ]
    medians = {way: statistics.median(turn[way] for turn in turns) for way in WAYS}
    said = {way: f"{way} {value:.3g} s an epoch" for way, value in medians.items()}
    faster = statistics.median(turn["frozen"] / turn["kept"] for turn in turns)
    share = statistics.median(turn["frozen"] / turn["whole"] for turn in turns)
    detail = f"{said['frozen']}, {said['kept']}"
    print(
        json.dumps(
            ["train: frozen ResNet-20, without / with features", faster, 20, "x", True, detail]
        )
    )
    detail = f"{said['frozen']}, {said['whole']}"
    print(
        json.dumps(["train: ResNet-20 frozen, no features / whole", share, 0.6, "x", False, detail])
    )


if __name__ == "__main__":
    main()
