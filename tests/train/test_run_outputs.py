"""Several outputs, auxiliary heads, tokens and maps: each with its loss, weighted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from runs import graph, trained
from torch.nn import functional

from archdsl.backends.torch import build
from archdsl.errors import TrainError
from archdsl.train.objective import Objective

HEADS = """\
input 3x8x8
conv 3x3 4; relu
aux early weight=0.3 { gap; fc 4 }
output side { gap; fc 2 }
conv 3x3 4; relu; gap; fc 4
"""


def given(network: str, training: bool) -> Any:
    model = build(graph("", network))
    model.train(training)
    torch.manual_seed(0)
    return model(torch.randn(5, *graph("", network).inputs[0].shape))


def test_an_auxiliary_head_has_the_main_loss_and_its_own_weight() -> None:
    """Szegedy et al. 2014, section 5: the losses of the heads are added with weight 0.3."""
    out = given(HEADS, training=True)
    target = torch.tensor([0, 1, 2, 3, 0])
    objective = Objective(graph("loss cross_entropy label_smoothing=0.1", HEADS), None)

    def loss(name: str) -> torch.Tensor:
        return functional.cross_entropy(out[name], target, label_smoothing=0.1)

    assert torch.allclose(objective(out, [(1.0, target)]), loss("out") + 0.3 * loss("early"))


def test_it_takes_no_part_in_the_validation() -> None:
    out = given(HEADS, training=False)
    target = torch.tensor([0, 1, 2, 3, 0])
    objective = Objective(graph("", HEADS), None)
    expected = functional.cross_entropy(out["out"], target)
    assert torch.allclose(objective.validation(out, target), expected)


def test_outputs_have_losses_and_targets_of_their_own() -> None:
    out = given(HEADS, training=True)
    target = {"out": torch.tensor([0, 1, 2, 3, 0]), "side": torch.rand(5, 2)}
    target["early"] = target["out"]
    section = "loss cross_entropy; loss mse output=side weight=0.5; loss bce output=early weight=2"
    with pytest.raises(TrainError, match="the targets are a number; `early` is 4"):
        Objective(graph(section, HEADS), None).check(target)
    section = "loss cross_entropy; loss mse output=side weight=0.5"
    objective = Objective(graph(section, HEADS), None)
    expected = functional.cross_entropy(out["out"], target["out"])
    expected = expected + 0.5 * functional.mse_loss(out["side"], target["side"])
    expected = expected + 0.3 * functional.cross_entropy(out["early"], target["early"])
    assert torch.allclose(objective(out, [(1.0, target)]), expected)
    with pytest.raises(TrainError, match="no target for `side`; they have out"):
        objective.check({"out": target["out"], "early": target["out"]})


def test_a_blend_is_the_blend_of_its_losses() -> None:
    """Which is the loss of blended targets: cross entropy is linear in them."""
    out = given(HEADS, training=True)
    a, b = torch.tensor([0, 1, 2, 3, 0]), torch.tensor([3, 2, 1, 0, 0])
    objective = Objective(graph("loss cross_entropy label_smoothing=0.1", HEADS), None)
    soft = 0.7 * functional.one_hot(a, 4) + 0.3 * functional.one_hot(b, 4)
    expected = sum(
        weight * functional.cross_entropy(out[name], soft, label_smoothing=0.1)
        for name, weight in (("out", 1), ("early", 0.3))
    )
    assert torch.allclose(objective(out, [(0.7, a), (0.3, b)]), torch.as_tensor(expected))


@pytest.mark.parametrize(
    ("network", "positions"),
    [("input 3x8x8\nconv 3x3 4\n", (8, 8)), ("input 6x5\nfc 4\n", (6,)), ("input 7\nfc 4\n", ())],
)
def test_maps_tokens_and_vectors(network: str, positions: tuple[int, ...]) -> None:
    out = given(network, training=True)
    target = torch.randint(4, (5, *positions))
    objective = Objective(graph("", network), None)
    objective.check(target)
    axis = 2 if len(positions) == 1 else 1
    flat = out.movedim(axis, -1).reshape(-1, 4)
    expected = functional.cross_entropy(flat, target.reshape(-1))
    assert torch.allclose(objective(out, [(1.0, target)]), expected)
    right = (flat.argmax(1) == target.reshape(-1)).float().mean()
    assert torch.allclose(objective.right(out, [(1.0, target)]), right)


def test_yes_or_no() -> None:
    network = "input 7\nfc 3\n"
    out, target = given(network, training=True), torch.randint(2, (5, 3))
    objective = Objective(graph("loss bce positive_weight=3", network), None)
    expected = functional.binary_cross_entropy_with_logits(
        out, target.float(), pos_weight=torch.tensor(3.0)
    )
    assert torch.allclose(objective(out, [(1.0, target)]), expected)
    right = ((out > 0) == (target == 1)).float().mean()
    assert torch.allclose(objective.right(out, [(1.0, target)]), right)


def test_a_network_with_heads_trains_and_hands_over_all_its_weights(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    outcome = trained(tmp_path, "data synthetic 16; epochs 2; batch 8", HEADS)
    assert set(load_file(outcome.best)) == set(graph("", HEADS).state())
