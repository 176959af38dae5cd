"""A run's epoch against a bare loop of PyTorch, in turns: ResNet-20 on CIFAR-sized noise.

    python tests/bench/training.py BATCHES ROUNDS

Prints JSON: the seconds of a batch either way, and the ratio of the medians over the rounds.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import archdsl
from archdsl.train import Options, run
from archdsl.train.watch import Watch

BATCH = 128


class Stop(Exception):
    """Enough was measured."""


def bare(graph: archdsl.ir.Graph, batches: int) -> Callable[[], None]:
    """What a person writes: batches of arrays, forward, loss, backward, step."""
    model = archdsl.Network(graph).to_torch()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, 0.9, weight_decay=1e-4)
    loss = torch.nn.CrossEntropyLoss()
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(batches * BATCH, 3, 32, 32, generator=draw)
    targets = torch.randint(10, (batches * BATCH,), generator=draw)

    def epoch() -> None:
        model.train()
        order = torch.randperm(len(inputs))
        for part in order.split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            loss(model(inputs[part]), targets[part]).backward()
            optimizer.step()

    return epoch


def rounds(batches: int, count: int) -> dict[str, list[float]]:
    """Seconds of an epoch either way, one after the other in every round."""
    section = f"data synthetic {batches * BATCH}; optimizer sgd lr=0.1 momentum=0.9 "
    section += f"weight_decay=1e-4; batch {BATCH}; epochs {count + 1}"
    spec = Path(archdsl.resources.folder("specs")) / "resnet_cifar.arch"
    graph = archdsl.load(spec, "resnet20").graph
    text = f"input 3x32x32\nconv 1x1 1; gap; fc 2\ntrain {{ {section} }}"
    training = archdsl.parse(text).graph.training
    graph = graph.model_copy(update={"training": training})
    hand = bare(graph, batches)
    found: dict[str, list[float]] = {"bare": [], "run": []}

    class Turns(Watch):
        """After each epoch of the run, an epoch by hand."""

        def epoch(self, rows: list[Any]) -> None:
            found["run"].append(time.perf_counter() - self.began - self.validating)
            start = time.perf_counter()
            hand()
            found["bare"].append(time.perf_counter() - start)
            self.began = time.perf_counter()

        def begin(self, step: int, total: int) -> None:
            self.began = time.perf_counter()
            self.validating = 0.0

    with tempfile.TemporaryDirectory() as folder:
        options = Options(Path(folder), device="cpu", save_every=10**9)
        run.start(graph, options, watch=Turns())
    return found


def main() -> None:
    batches, count = map(int, sys.argv[1:])
    found = {way: times[1:] for way, times in rounds(batches, count).items()}
    ratio = statistics.median(a / b for a, b in zip(found["run"], found["bare"], strict=True))
    means = {way: statistics.median(times) / batches for way, times in found.items()}
    print(json.dumps({**means, "ratio": ratio}))


if __name__ == "__main__":
    main()
