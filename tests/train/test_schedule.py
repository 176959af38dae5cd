"""Schedules against PyTorch's own and against the formulas of the papers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from runs import graph
from torch.optim import lr_scheduler

from archdsl.ir.training import Training
from archdsl.train.schedule import Plateau, share, total_steps

AN_EPOCH = 7


def rates(section: str, an_epoch: int = AN_EPOCH, lr: float = 0.1) -> list[float]:
    found = training(section)
    at = share(found, lr, an_epoch)
    return [lr * at(step) for step in range(total_steps(found, an_epoch))]


def training(section: str) -> Training:
    found = graph(section).training
    assert found is not None
    return found


def torchs(
    make: Callable[[torch.optim.Optimizer], Any], steps: int, lr: float = 0.1
) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = make(optimizer)
    found: list[float] = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


CASES: list[tuple[str, Callable[[torch.optim.Optimizer], Any]]] = [
    ("steps 30; schedule constant", lambda o: lr_scheduler.ConstantLR(o, factor=1.0)),
    ("steps 30; schedule step 8 gamma=0.3", lambda o: lr_scheduler.StepLR(o, 8, 0.3)),
    (
        "steps 30; schedule multistep [4, 9, 20] gamma=0.5",
        lambda o: lr_scheduler.MultiStepLR(o, [4, 9, 20], 0.5),
    ),
    ("steps 30; schedule cosine", lambda o: lr_scheduler.CosineAnnealingLR(o, 30)),
    (
        "steps 30; schedule cosine final=0.01",
        lambda o: lr_scheduler.CosineAnnealingLR(o, 30, eta_min=0.01),
    ),
    (
        "epochs 6; schedule step 2 gamma=0.3",
        lambda o: lr_scheduler.StepLR(o, 2 * AN_EPOCH, 0.3),
    ),
    (
        "epochs 6; schedule onecycle",
        lambda o: lr_scheduler.OneCycleLR(o, 0.1, 6 * AN_EPOCH, cycle_momentum=False),
    ),
    (
        "epochs 6; schedule onecycle rise=0.2 start=0.1 final=1e-3 curve=linear",
        lambda o: lr_scheduler.OneCycleLR(
            o, 0.1, 6 * AN_EPOCH, pct_start=0.2, anneal_strategy="linear", cycle_momentum=False,
            div_factor=10, final_div_factor=100,
        ),
    ),
    (
        "steps 30; schedule warmup 5",
        lambda o: lr_scheduler.LinearLR(o, start_factor=1 / 5, total_iters=4),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("section", "make"), CASES, ids=[text for text, _ in CASES])
def test_schedules_are_pytorchs(section: str, make: Any) -> None:
    found = rates(section)
    assert found == pytest.approx(torchs(make, len(found)), rel=1e-9, abs=1e-12)


def test_cosine_is_the_papers_formula() -> None:
    """Loshchilov & Hutter 2016, equation 5, the rate changed after every batch."""
    found = rates("epochs 4; schedule cosine final=0.02")
    steps = 4 * AN_EPOCH
    expected = [
        0.02 + 0.5 * (0.1 - 0.02) * (1 + math.cos(math.pi * t / steps)) for t in range(steps)
    ]
    assert found == pytest.approx(expected)


def test_warm_up_rises_in_equal_steps_and_then_the_schedule_holds() -> None:
    """Goyal et al. 2017: the times of the decay count from the beginning."""
    found = rates("epochs 6; schedule step 3 gamma=0.1 warmup=2")
    rising = 2 * AN_EPOCH
    assert found[:rising] == pytest.approx([0.1 * (i + 1) / rising for i in range(rising)])
    assert found[rising : 3 * AN_EPOCH] == pytest.approx([0.1] * AN_EPOCH)
    assert found[3 * AN_EPOCH :] == pytest.approx([0.01] * 3 * AN_EPOCH)


def test_warm_up_into_a_cosine_meets_the_full_rate_once() -> None:
    found = rates("epochs 6; schedule cosine warmup=1")
    assert found[AN_EPOCH - 1] == found[AN_EPOCH] == pytest.approx(0.1)
    assert all(a > b for a, b in zip(found[AN_EPOCH:], found[AN_EPOCH + 1 :], strict=False))


@pytest.mark.parametrize("watch", ["loss", "accuracy"])
def test_plateau_is_pytorchs(watch: str) -> None:
    section = f"schedule plateau factor=0.5 patience=2 watch={watch} least=0.005; epochs 1"
    found = training(section)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    mode: Any = "min" if watch == "loss" else "max"
    theirs = lr_scheduler.ReduceLROnPlateau(
        optimizer, mode, factor=0.5, patience=2, min_lr=0.005, eps=0
    )
    plateau = Plateau()
    draw = torch.Generator().manual_seed(0)
    for i in range(60):
        value = 1 + float(torch.rand((), generator=draw)) / (1 + i / 10)
        value = value if watch == "loss" else 1 / value
        plateau.see(found.schedule, 0.1, value, value)
        theirs.step(value)
        assert 0.1 * plateau.factor == pytest.approx(optimizer.param_groups[0]["lr"])
    assert plateau.factor == pytest.approx(0.05), "it came down to the least"
