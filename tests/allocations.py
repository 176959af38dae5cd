"""What PyTorch's allocator gives out on the CPU while a compiled network runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

import archdsl
from archdsl.analyses import memory
from archdsl.ir.training.learning import Sgd


def peak(run: Callable[[], object]) -> int:
    """The most that was allocated at once while something ran, above what there was before."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        run()
    held = most = 0
    for event in record.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most


def size(tensors: list[torch.Tensor]) -> int:
    return sum(t.numel() * t.element_size() for t in tensors)


class Run:
    """A compiled network with a batch, and what they weigh."""

    def __init__(self, net: archdsl.Network, batch: int) -> None:
        self.model = net.to_torch()
        self.x = torch.randn(batch, *net.graph.inputs[0].shape)
        self.before = size([self.x, *self.model.parameters(), *self.model.buffers()])

    def inference(self) -> int:
        self.model.eval()
        with torch.no_grad():
            self.model(self.x)
            return self.before + peak(lambda: self.model(self.x))

    def training(self, optimizer: torch.optim.Optimizer) -> int:
        """The second step: the first makes the optimizer's state."""
        self.model.train()

        def step() -> None:
            target = torch.zeros(len(self.x), dtype=torch.long)
            nn.functional.cross_entropy(self.model(self.x), target).backward()
            optimizer.step()
            optimizer.zero_grad()

        step()
        state = [t for s in optimizer.state.values() for t in s.values() if torch.is_tensor(t)]
        return self.before + size(state) + peak(step)


def compare(name: str, batch: int) -> dict[str, tuple[int, int]]:
    """Bytes measured and predicted, at inference and in a step of SGD with momentum."""
    net = archdsl.zoo(name)
    run = Run(net, batch)
    inference = memory.inference(net.graph).peak(batch).total
    training = memory.training(net.graph, optimizer=Sgd(momentum=0.9)).peak(batch).total
    sgd = torch.optim.SGD(run.model.parameters(), lr=0.0, momentum=0.9, foreach=True)
    return {
        "inference": (run.inference(), inference),
        "training": (run.training(sgd), training),
    }


if __name__ == "__main__":
    print(json.dumps(compare(sys.argv[1], int(sys.argv[2]))))
