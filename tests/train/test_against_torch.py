"""Trainings against loops of PyTorch written by hand: the same weights, bit by bit where it says.

The hand-written loops read the starting weights and the order of the examples from archdsl, and
nothing else: the network, the loss, the optimizer and the schedule are PyTorch's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import graph, trained, weights
from torch import Tensor, nn
from torch.nn import functional

from archdsl.backends.torch import build
from archdsl.train.data.loader import order
from archdsl.train.data.memory import synthetic

NET = "param classes = 4\ninput 3x6x6\nconv1: conv 3x3 5; bn1: bn; relu; gap; fc: fc classes\n"
N, BATCH, EPOCHS = 22, 4, 3


class Hand(nn.Module):
    """NET as a person writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 5, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(5)
        self.fc = nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.fc(x.mean((2, 3)))


def begun(section: str, network: str = NET) -> tuple[nn.Module, Tensor, Tensor]:
    """A module with archdsl's starting weights, and the examples."""
    of = graph(section, network)
    model = Hand()
    model.load_state_dict(build(of, seed=0).state_dict())
    data = synthetic(of.training.data, of)  # pyright: ignore
    return model, data.train.inputs, data.train.targets  # pyright: ignore


def batches(x: Tensor, y: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
    for epoch in range(EPOCHS):
        for part in order(N, 0, epoch).split(BATCH):
            yield epoch, x[part], y[part]


Make = Callable[[nn.Module], list[torch.optim.Optimizer]]


def by_hand(
    section: str,
    make: Make,
    loss: Callable[[Tensor, Tensor], Tensor] = functional.cross_entropy,
    rate: Callable[[int], float] | None = None,
    before: Callable[[nn.Module], None] | None = None,
) -> dict[str, Tensor]:
    model, x, y = begun(section)
    optimizers = make(model)
    first = [[group["lr"] for group in o.param_groups] for o in optimizers]
    for step, (_, inputs, targets) in enumerate(batches(x, y)):
        for optimizer, rates in zip(optimizers, first, strict=True):
            for group, own in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = own * (rate(step) if rate else 1)
            optimizer.zero_grad()
        loss(model(inputs), targets).backward()
        if before is not None:
            before(model)
        for optimizer in optimizers:
            optimizer.step()
    return model.state_dict()


def ours(tmp_path: Path, section: str) -> dict[str, Tensor]:
    return weights(trained(tmp_path, section, NET))


def section(text: str) -> str:
    return f"data synthetic {N}; epochs {EPOCHS}; batch {BATCH}\n{text}"


def differing(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """The largest difference over the largest weight, of the tensors with the largest."""
    assert one.keys() == other.keys()
    pairs = ((one[k].double(), other[k].double()) for k in one)
    return max(float((a - b).abs().max() / b.abs().max().clamp(min=1e-12)) for a, b in pairs)


def sgd(**options: Any) -> Make:
    return lambda model: [torch.optim.SGD(model.parameters(), **options)]


def adam(kind: type[Any], **options: Any) -> Make:
    return lambda model: [kind(model.parameters(), **options)]


STEPS = EPOCHS * math.ceil(N / BATCH)
AN_EPOCH = math.ceil(N / BATCH)

OPTIMIZERS: list[tuple[str, Make]] = [
    ("optimizer sgd lr=0.1", sgd(lr=0.1)),
    (
        "optimizer sgd lr=0.1 momentum=0.9 nesterov=true weight_decay=1e-2",
        sgd(lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-2),
    ),
    ("optimizer adam lr=0.01", adam(torch.optim.Adam, lr=0.01)),
    (
        "optimizer adam betas=[0.8, 0.9] eps=1e-5 weight_decay=0.1 amsgrad=true",
        adam(torch.optim.Adam, lr=1e-3, betas=(0.8, 0.9), eps=1e-5, weight_decay=0.1, amsgrad=True),
    ),
    ("optimizer adamw lr=0.01", adam(torch.optim.AdamW, lr=0.01, weight_decay=0.01)),
]


@pytest.mark.parametrize(("text", "make"), OPTIMIZERS, ids=[text for text, _ in OPTIMIZERS])
def test_optimizers_bit_by_bit(tmp_path: Path, text: str, make: Make) -> None:
    found = ours(tmp_path, section(text))
    expected = by_hand(section(text), make)
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_the_comparison_sees_a_small_difference(tmp_path: Path) -> None:
    found = ours(tmp_path, section("optimizer sgd lr=0.1"))
    assert differing(found, by_hand(section(""), sgd(lr=0.1001))) > 1e-4


def test_muon_trains_matrices_and_adamw_the_rest(tmp_path: Path) -> None:
    text = section("optimizer muon lr=0.05 momentum=0.8 nesterov=false steps=4 rms=adamw")

    def make(model: nn.Module) -> list[torch.optim.Optimizer]:
        named = dict(model.named_parameters())
        rest = [p for key, p in named.items() if key != "fc.weight"]
        muon = torch.optim.Muon(
            [named["fc.weight"]], lr=0.05, momentum=0.8, nesterov=False, ns_steps=4,
            weight_decay=0.1, adjust_lr_fn="match_rms_adamw",
        )  # fmt: skip
        return [muon, torch.optim.AdamW(rest, lr=1e-3, weight_decay=0.1)]

    assert differing(ours(tmp_path, text), by_hand(text, make)) == 0


def test_rates_by_path_and_no_decay(tmp_path: Path) -> None:
    text = section("optimizer sgd lr=0.1 weight_decay=0.1; lr fc=0.1x; no_decay conv1")

    def make(model: nn.Module) -> list[torch.optim.Optimizer]:
        p = dict(model.named_parameters())
        return [
            torch.optim.SGD(
                [
                    {"params": [p["conv1.weight"], p["conv1.bias"]], "lr": 0.1},
                    {"params": [p["bn1.weight"], p["bn1.bias"]], "lr": 0.1},
                    {"params": [p["fc.weight"]], "lr": 0.01, "weight_decay": 0.1},
                    {"params": [p["fc.bias"]], "lr": 0.01},
                ],
                weight_decay=0.0,
            )
        ]

    assert differing(ours(tmp_path, text), by_hand(text, make)) == 0


def test_of_paths_inside_one_another_the_longest_holds() -> None:
    from archdsl.train.optimize import groups

    network = "input 3x6x6\nbody: { conv 3x3 4; conv 3x3 4 }\ngap; fc 2\n"
    found = groups(graph('lr "body.1" 0.5x; lr body=0.1x', network))
    assert {g.factor: keys for g, keys in found.items()} == {
        0.1: ["body.0.weight", "body.0.bias"],
        0.5: ["body.1.weight", "body.1.bias"],
        1.0: ["fc1.weight", "fc1.bias"],
    }


@pytest.mark.parametrize("by", ["norm", "value"])
def test_clipping(tmp_path: Path, by: str) -> None:
    text = section(f"optimizer sgd lr=1.0; clip 0.05 by={by}")
    clip = torch.nn.utils.clip_grad_norm_ if by == "norm" else torch.nn.utils.clip_grad_value_

    def before(model: nn.Module) -> None:
        clip(model.parameters(), 0.05)

    found = ours(tmp_path, text)
    assert differing(found, by_hand(text, sgd(lr=1.0), before=before)) == 0
    assert differing(found, by_hand(text, sgd(lr=1.0))) > 0.01


def test_label_smoothing_and_class_weights(tmp_path: Path) -> None:
    text = section(
        "loss cross_entropy label_smoothing=0.2 class_weights=[1, 2, 3, 4]; optimizer sgd lr=0.1"
    )

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return functional.cross_entropy(x, y, torch.tensor([1.0, 2, 3, 4]), label_smoothing=0.2)

    assert differing(ours(tmp_path, text), by_hand(text, sgd(lr=0.1), loss)) == 0


def test_balanced_class_weights_are_scikit_learns() -> None:
    import numpy as np
    from sklearn.utils.class_weight import compute_class_weight

    from archdsl.train.objective import Objective

    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2, 3, 3])
    of = graph("data synthetic; loss cross_entropy class_weights=balanced", NET)
    weights = Objective(of, labels).parts[0].class_weights
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels.numpy())
    assert weights is not None
    assert np.allclose(weights.numpy(), expected)


def test_accumulated_batches_are_one_batch(tmp_path: Path) -> None:
    """Without batch normalisation the mean gradient of several batches is that of all of them.

    The last one is smaller: its examples count as much as all others.
    """
    net = "input 3x6x6\nconv 3x3 5; relu; gap; fc 4\n"
    text = f"data synthetic {N}; epochs 3; optimizer sgd lr=0.1 momentum=0.9"
    whole = weights(trained(tmp_path, f"{text}; batch 8", net, "whole"))
    parts = weights(trained(tmp_path, f"{text}; batch 2; accumulate 4", net, "parts"))
    assert differing(parts, whole) < 1e-5


def test_the_running_mean(tmp_path: Path) -> None:
    text = section("optimizer sgd lr=0.1; ema 0.8")
    model, x, y = begun(text)
    mean = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _, inputs, targets in batches(x, y):
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
        for key, value in model.state_dict().items():
            mean[key] = 0.8 * mean[key] + 0.2 * value if value.is_floating_point() else value
    assert differing(ours(tmp_path, text), mean) < 1e-6


def test_recomputation_changes_nothing_and_keeps_less(tmp_path: Path) -> None:
    body = "conv 3x3 8; bn; relu; dropout 0.3; conv 3x3 8; bn; relu"
    net = f"input 3x8x8\nbody: {{ {body} }}\ngap; fc 4\n"
    text = "data synthetic 32; epochs 2; batch 8; optimizer sgd lr=0.1 momentum=0.9"
    plain = weights(trained(tmp_path, text, net, "plain"))
    again = weights(trained(tmp_path, f"{text}; checkpoint body", net, "again"))
    assert all(torch.equal(plain[key], again[key]) for key in plain)


def test_recomputation_really_runs_again() -> None:
    from archdsl.train.recompute import recompute

    net = "input 3x8x8\nbody: { conv 3x3 8; bn; relu }\ngap; fc 4\n"
    model = build(graph("data synthetic", net))
    calls: list[int] = []
    model.get_submodule("body.0").register_forward_hook(lambda *_: calls.append(1))
    recompute(model, ("body",))
    model(torch.randn(2, 3, 8, 8)).sum().backward()
    assert len(calls) == 2
    assert model.get_buffer("body.1.num_batches_tracked") == 1


def test_channels_last_is_a_matter_of_memory(tmp_path: Path) -> None:
    text = section("optimizer sgd lr=0.1")
    plain = ours(tmp_path / "plain", text)
    last = ours(tmp_path / "last", f"{text}; channels_last")
    assert differing(last, plain) < 1e-5
