"""One process of `bench.py modules NAME`: a compiled network and a hand-written one, taking turns.

Prints, as JSON, the median seconds of a forward pass and of a training step of each, and the median
over the turns of the hand-written one's time by the compiled one's.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

import torch
from hand_written import BY_NAME, copy_weights
from torch import Tensor, nn

import archdsl

BATCH = 4
ROUNDS = {"forward": 9, "training step": 5}


def forward(model: nn.Module, images: Tensor, labels: Tensor) -> Callable[[], None]:
    def step() -> None:
        model.eval()
        with torch.inference_mode():
            model(images)

    return step


def training_step(model: nn.Module, images: Tensor, labels: Tensor) -> Callable[[], None]:
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)
    loss_of = nn.CrossEntropyLoss()

    def step() -> None:
        model.train()
        optimizer.zero_grad(set_to_none=True)
        loss_of(model(images), labels).backward()
        optimizer.step()

    return step


def main() -> None:
    torch.manual_seed(0)
    net = archdsl.zoo(sys.argv[1])
    models = {"compiled": net.to_torch(), "hand": BY_NAME[net.name]()}
    copy_weights(models["compiled"], models["hand"])
    (given,) = net.graph.inputs
    images, labels = torch.randn(BATCH, *given.shape), torch.randint(0, 1000, (BATCH,))
    outputs = [m.eval()(images) for m in models.values()]
    torch.testing.assert_close(*outputs, rtol=1e-3, atol=1e-4)  # else the race is void
    found: dict[str, dict[str, float]] = {}
    for what, make in {"forward": forward, "training step": training_step}.items():
        steps = {name: make(model, images, labels) for name, model in models.items()}
        times: dict[str, list[float]] = {name: [] for name in steps}
        for turn in range(ROUNDS[what] + 1):
            # Who goes first changes, so that what the one leaves in the caches favours neither.
            for name in sorted(steps, reverse=bool(turn % 2)):
                start = time.perf_counter()
                steps[name]()
                if turn:  # the first turn warms up
                    times[name].append(time.perf_counter() - start)
        found[what] = {name: statistics.median(t) for name, t in times.items()}
        turns = zip(times["hand"], times["compiled"], strict=True)
        found[what]["ratio"] = statistics.median(hand / compiled for hand, compiled in turns)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
