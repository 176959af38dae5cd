"""Several outputs, auxiliary heads, tokens and maps: each with its loss, weighted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runs import graph, trained, weights
from torch.nn import functional

from archdsl.backends.torch import build
from archdsl.errors import TrainError
from archdsl.train.data import read
from archdsl.train.data.examples import Arrays
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


TWO = "loss cross_entropy; loss mse output=side weight=0.5"
MODULE = """
import numpy as np, torch
from torch.utils.data import Dataset
with np.load({path!r}) as file:
    x, y, s = (torch.from_numpy(file[k]) for k in ("x", "y", "s"))
class Named(Dataset):
    def __len__(self): return len(y)
    def __getitem__(self, i): return x[i], {{"side": s[i], "out": y[i]}}
def pair(): return (x, {{"out": y, "side": s}}), None
def dataset(): return Named(), None
def empty(): return (x, {{}}), None
def few(): return (x, {{"out": y, "side": s[1:]}}), None
"""


@pytest.fixture
def arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of pictures, classes and two values for each; a module that gives the same."""
    path = tmp_path / "a.npz"
    draw = np.random.default_rng(0)
    x, s = draw.normal(size=(24, 3, 8, 8)), draw.normal(size=(24, 2))
    np.savez(path, x=x.astype(np.float32), y=np.arange(24) % 4, s=s.astype(np.float32))
    (tmp_path / "two_of.py").write_text(MODULE.format(path=str(path)))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "two_of", raising=False)
    return path


def test_arrays_are_the_targets_of_several_outputs(arrays: Path) -> None:
    """One step of all examples, as in a loop of PyTorch, from each kind of data."""
    section = f"{TWO}; optimizer sgd lr=0.1; batch 24; epochs 1"
    with np.load(arrays) as file:
        x, y, s = (torch.from_numpy(file[name]) for name in ("x", "y", "s"))
    model = build(graph(section, HEADS))
    out = model.train()(x)
    loss = functional.cross_entropy(out["out"], y) + 0.5 * functional.mse_loss(out["side"], s)
    (loss + 0.3 * functional.cross_entropy(out["early"], y)).backward()
    torch.optim.SGD(model.parameters(), 0.1).step()
    for i, data in enumerate(
        (
            f'npz "{arrays}" targets="y, s" validation=0',
            'python "two_of:pair" workers=0',
            'python "two_of:dataset" workers=0',
        )
    ):
        found = weights(trained(arrays.parent, f"data {data}; {section}", HEADS, f"run{i}"))
        for name, weight in model.state_dict().items():
            assert torch.allclose(found[name], weight, atol=1e-6), (data, name)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            'npz "a.npz" targets="y,s,y"',
            "names 3 arrays, and the outputs with a loss are out, side",
        ),
        ('npz "a.npz" targets="y,t"', "it has no array `t`; it has x, y, s"),
        ('npz "a.npz" targets="s,y"', "the targets are 2 of float32; the output"),
        ('python "two_of:empty" workers=0', "a pair of arrays is wanted, or a dataset"),
        ('python "two_of:few" workers=0', "24 inputs and 23 targets"),
    ],
)
def test_targets_that_are_not_of_the_outputs(arrays: Path, data: str, said: str) -> None:
    section = f"data {data.replace('a.npz', str(arrays))}; {TWO}; epochs 1"
    with pytest.raises(TrainError, match=said):
        trained(arrays.parent, section, HEADS)


def test_each_output_has_the_balance_of_its_own_classes(arrays: Path) -> None:
    """And examples are divided, and drawn, by the classes of the main one."""
    many = torch.tensor([0, 0, 0, 1, 2, 2, 3, 3]).repeat(3)
    few = torch.tensor([0, 0, 0, 1]).repeat(6)
    np.savez(arrays, x=torch.zeros(24, 3, 8, 8).numpy(), y=many.numpy(), s=few.numpy())
    weighted = "loss cross_entropy class_weights=balanced"
    losses = f"{weighted}; {weighted} output=side"
    data = f'data npz "{arrays}" targets="y,s" validation=0.34 balance=true'
    wanted = {"out": [24 / (4 * n) for n in (9, 3, 6, 6)], "side": [24 / (2 * n) for n in (18, 6)]}
    wanted["early"] = wanted["out"]  # an auxiliary head is about the main one's classes
    for source in (data.replace("0.34", "0"), 'data python "two_of:dataset" balance=true'):
        of = graph(f"{source}; {losses}", HEADS)
        for part in Objective(of, read(of).labels).parts:
            assert part.class_weights is not None
            assert part.class_weights.tolist() == pytest.approx(wanted[part.output]), source
    sets = read(graph(f"{data}; {losses}", HEADS))
    assert isinstance(sets.valid, Arrays)
    assert sets.valid.targets["out"].bincount().tolist() == [3, 1, 2, 2]
    trained(arrays.parent, f"{data}; {losses}; epochs 1; batch 8", HEADS)
    section = f'data python "two_of:dataset" workers=0 balance=true; {losses}; epochs 1'
    trained(arrays.parent, section, HEADS, "dataset")
