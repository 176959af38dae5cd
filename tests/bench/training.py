"""A run's steps against those of a bare loop of PyTorch, in turns: ResNet-20 on CIFAR-sized noise.

    python tests/bench/training.py STEPS

One thread, so that what else the machine does falls on both sides alike. Prints JSON: the median
seconds of a step either way, the median of the ratios of steps that followed one another, and the
seconds that it takes to gather and to augment a batch.
"""

from __future__ import annotations

import ctypes
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import torch

import archdsl
from archdsl.train import run
from archdsl.train.augment import Preparation
from archdsl.train.data import read
from archdsl.train.data.loader import Batches
from archdsl.train.watch import Step, Watch

BATCH = 128
BATCHES = 8  # of an epoch
WARM = 3  # steps that are not counted


def bare(graph: archdsl.ir.Graph) -> Iterator[None]:
    """What a person writes: arrays in a new order, forward, loss, backward, step."""
    model = archdsl.Network(graph).to_torch()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, 0.9, weight_decay=1e-4)
    loss = torch.nn.CrossEntropyLoss()
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(BATCHES * BATCH, 3, 32, 32, generator=draw)
    targets = torch.randint(10, (BATCHES * BATCH,), generator=draw)
    model.train()
    while True:
        for part in torch.randperm(len(inputs)).split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            loss(model(inputs[part]), targets[part]).backward()
            optimizer.step()
            yield


class Turns(Watch):
    """After each step of the run, a step by hand."""

    def __init__(self, hand: Iterator[None]) -> None:
        self.hand = hand
        self.times: list[tuple[float, float]] = []
        self.began = 0.0

    def step(self, at: Step) -> None:
        ours = time.perf_counter()
        next(self.hand)
        end = time.perf_counter()
        if at.step % BATCHES != 1:  # the first one of an epoch has the validation before it
            self.times.append((ours - self.began, end - ours))
        self.began = time.perf_counter()


def reading() -> float:
    """Seconds that it takes to draw, to gather and to augment a batch, as for CIFAR."""
    steps = "augment random_crop 32 pad=4; hflip; normalize imagenet"
    text = f"input 3x32x32\nconv 1x1 1; gap; fc 10\ntrain {{ data synthetic 2048; {steps} }}"
    graph = archdsl.parse(text).graph
    batches, preparation = Batches(read(graph).train, BATCH), Preparation(graph, None)
    times: list[float] = []
    for epoch in range(3):
        began = time.perf_counter()
        for batch in batches.epoch(epoch):
            preparation.learn(batch.inputs, batch.targets)  # pyright: ignore[reportArgumentType]
            times.append(time.perf_counter() - began)
            began = time.perf_counter()
    return statistics.median(times)


def keep_memory() -> None:
    """Let glibc keep what is freed: else it goes back to the kernel and is fetched again by chance.

    That took up to a tenth of a step, now on one side, now on the other.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD


def main() -> None:
    keep_memory()
    torch.set_num_threads(1)
    steps = int(sys.argv[1])
    section = f"data synthetic {BATCHES * BATCH}; optimizer sgd lr=0.1 momentum=0.9 "
    section += f"weight_decay=1e-4; batch {BATCH}; steps {steps + WARM}"
    text = f"input 3x32x32\nconv 1x1 1; gap; fc 2\ntrain {{ {section} }}"
    training = archdsl.parse(text).graph.training
    graph = archdsl.zoo("resnet20").graph.model_copy(update={"training": training})
    turns = Turns(bare(graph))
    with tempfile.TemporaryDirectory() as folder:
        run.start(graph, run.Options(Path(folder), device="cpu"), watch=turns)
    times = turns.times[WARM:]
    ours, theirs = zip(*times, strict=True)
    ratio = statistics.median(a / b for a, b in times)
    medians = {"run": statistics.median(ours), "bare": statistics.median(theirs)}
    print(json.dumps({**medians, "ratio": ratio, "reading": reading()}))


if __name__ == "__main__":
    main()
