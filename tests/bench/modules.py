"""One process of `bench.py modules`: the compiled AlexNet and a hand-written one, taking turns.

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
from torch import Tensor, nn

import archdsl

BATCH = 4
ROUNDS = {"forward": 11, "training step": 5}
SIZE = 227


class AlexNet(nn.Module):
    """Krizhevsky, Sutskever & Hinton 2012, as a person would write it.

    torch divides alpha by the window, the paper does not: its 1e-4 is 5e-4 here.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, stride=4),
            nn.ReLU(inplace=True),
            nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(96, 256, 5, padding=2, groups=2),
            nn.ReLU(inplace=True),
            nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(256, 384, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 384, 3, padding=1, groups=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1, groups=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(4096, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.features(x), 1))


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
    models = {"compiled": archdsl.load(sys.argv[1]).to_torch(), "hand": AlexNet()}
    with torch.no_grad():
        pairs = zip(models["hand"].parameters(), models["compiled"].parameters(), strict=True)
        for ours, theirs in pairs:
            ours.copy_(theirs)
    images, labels = torch.randn(BATCH, 3, SIZE, SIZE), torch.randint(0, 1000, (BATCH,))
    outputs = [m.eval()(images) for m in models.values()]
    torch.testing.assert_close(outputs[0], outputs[1])  # else the race is void
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
