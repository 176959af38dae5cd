"""A compiled network against a hand-written one in archdsl's loop on a GPU, in turns.

    python tests/bench/gpu.py NETWORK [--batch N] [--steps N] [--device cuda|cpu] [--plain]

Training in bf16 with `channels_last` and `compile` (`--plain` does not compile), SGD with momentum,
noise that is on the host. Each side has a run of its own, one after the other and then in the other
order. Prints JSON: for each side images a second (the median step, those of the warm-up left out)
and the most memory that PyTorch's allocator held on the GPU, 0 on the CPU.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from hand_written import BY_NAME, copy_weights
from torch import nn

import archdsl
from archdsl.ir import Graph
from archdsl.train.assemble import Assembly
from archdsl.train.data import read
from archdsl.train.launch import Options, launched
from archdsl.train.loop import Loop
from archdsl.train.optimize import optimizers
from archdsl.train.parts import Parts
from archdsl.train.watch import Step, Watch

WARM = 5  # steps that are not counted; the first compiles


@dataclass
class Clock(Watch):
    """The time of every step; the loop has read the loss by then, so the GPU is done."""

    times: list[float] = field(default_factory=list)
    last: float = 0.0

    def begin(self, step: int, total: int) -> None:
        self.last = time.perf_counter()

    def step(self, at: Step) -> None:
        now = time.perf_counter()
        self.times.append(now - self.last)
        self.last = now


class Hand(Assembly):
    """The parts of a training of the hand-written module."""

    def _module(self, weights: Any) -> nn.Module:
        module = BY_NAME[self.graph.name]()
        copy_weights(super()._module(weights), module)
        module = module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        return module.to(self.fabric.device)

    def _set_up(self, parts: Parts) -> Parts:
        settings = optimizers(self.graph, archdsl.Network(self.graph).to_torch())[0].param_groups[0]
        group = {"params": list(self.module.parameters()), "share": settings["share"]}
        made = torch.optim.SGD([group], lr=settings["lr"], momentum=settings["momentum"])
        runs: Any = torch.compile(self.module) if self.training.compile.on else self.module
        model, *ready = self.fabric.setup(runs, made, _reapply_compile=False)
        return replace(parts, model=model, optimizers=ready)


def graph_of(network: str, batch: int, steps: int, compiled: bool) -> Graph:
    section = f"data synthetic {2 * batch}; optimizer sgd lr=0.001 momentum=0.9; batch {batch}; "
    section += f"steps {steps}; precision bf16; channels_last" + "; compile" * compiled
    text = f"input 3x8x8\ngap; fc 2\ntrain {{ {section} }}"
    training = archdsl.parse(text).graph.training
    return archdsl.zoo(network).graph.model_copy(update={"training": training})


def once(kind: type[Assembly], graph: Graph, device: Any) -> dict[str, float]:
    """One run's figures."""
    options = Options(device=device)
    fabric = launched(graph, options)
    if fabric.device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    clock = Clock()
    parts = kind(graph, options, fabric, read(graph), None, None, print).parts(freezing=False)
    Loop(parts, clock, None, lambda _: False, lambda _: parts).run()
    assert graph.training is not None
    counted = clock.times[min(WARM, len(clock.times) - 1) :]
    held = torch.cuda.max_memory_allocated() if fabric.device.type == "cuda" else 0
    return {"rate": graph.training.batch.size / statistics.median(counted), "bytes": held}


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    parser.add_argument("network", choices=list(BY_NAME))
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--plain", action="store_true")
    asked = parser.parse_args(arguments)
    graph = graph_of(asked.network, asked.batch, asked.steps, not asked.plain)
    turns = [(Assembly, Hand), (Hand, Assembly)]
    runs = [(kind, once(kind, graph, asked.device)) for turn in turns for kind in turn]
    found: dict[str, Any] = {}
    for name, kind in (("compiled", Assembly), ("hand", Hand)):
        own = [figures for each, figures in runs if each is kind]
        found[name] = {key: statistics.mean(f[key] for f in own) for key in ("rate", "bytes")}
    print(json.dumps(found))
    return found


if __name__ == "__main__":
    main()
