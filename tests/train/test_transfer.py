"""Frozen parts stay, and a thaw changes only what learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from freezing import FROZEN, NETWORK, begun, kept, merged, trained
from runs import graph, same, weights
from test_resume import StopAt

import archdsl
from archdsl.backends.torch import build, save
from archdsl.errors import TrainError
from archdsl.train import Options, resume, start


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with starting weights whose statistics are not those of fresh ones."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    begun()


@pytest.mark.parametrize("features", [True, False])
@pytest.mark.parametrize("setting", FROZEN)
def test_what_is_frozen_is_the_same_bit_by_bit(setting: str, features: bool) -> None:
    """Weights and statistics, whatever decays or is averaged; all else changes."""
    before, outcome = begun(), trained(setting, features=features)
    after = weights(outcome)
    stays = {key for key in after if key.startswith(FROZEN[setting])}
    assert {key for key in after if torch.equal(after[key], before[key])} == stays


THAWS = {
    "epochs": "freeze all except head epochs=2; lr one=0.1x two=0.3x",
    "patience": "freeze until two patience=1; optimizer sgd lr=30; epochs 6",
}


@pytest.mark.parametrize("setting", THAWS.values(), ids=THAWS)
def test_everything_is_trained_behind_the_thaw(setting: str) -> None:
    before, outcome = begun(), trained(setting)
    assert any("all of the network is trained" in note for note in outcome.notes)
    after = weights(outcome)
    assert not [key for key in after if torch.equal(after[key], before[key])]


@pytest.mark.parametrize("features", [True, False])
@pytest.mark.parametrize("step", [1, 5, 8, 9, 14])  # an epoch has 4: before, at, behind the thaw
def test_going_on_across_the_thaw(step: int, features: bool) -> None:
    expected = weights(trained(THAWS["epochs"], features=features))
    stopped = trained(THAWS["epochs"], "stopped", StopAt(step), features=features)
    assert not stopped.finished
    Path("start.safetensors").unlink()  # the checkpoint has all weights
    outcome = resume(stopped.folder, Options(features=features))
    assert same(weights(outcome), expected)


@pytest.mark.parametrize(
    "optimizer",
    ["sgd lr=0.1 momentum=0.9 nesterov=true", "adam lr=0.01", "adamw lr=0.01", "muon lr=0.02"],
)
def test_a_thaw_against_a_loop_by_hand(optimizer: str) -> None:
    """Moments of the head go on, those of the others begin; their rate is a tenth."""
    network = "input 3x8x8\nbody: { conv 3x3 4; relu; conv 3x3 4; relu }\nhead: { flatten; fc 4 }\n"
    section = f"data synthetic 32; optimizer {optimizer}; epochs 4; batch 8; seed 3\n"
    section += "freeze all except head epochs=2; lr body=0.1x"
    made = graph(section, network)
    outcome = start(made, Options(Path(), "run", "cpu"))

    from archdsl.train.data import read
    from archdsl.train.data.loader import Batches
    from archdsl.train.optimize import optimizers

    model = build(made, None, 3)
    head = {key for key, _ in model.named_parameters() if key.startswith("head")}
    whole = optimizers(made, model)
    batches = Batches(read(made).train, 8, seed=3)
    for epoch in range(4):
        for batch in batches.epoch(epoch):
            loss = torch.nn.functional.cross_entropy(model(batch.inputs), batch.targets)
            loss.backward()
            for key, weight in model.named_parameters():
                if epoch < 2 and key not in head:
                    weight.grad = None  # an optimizer passes over what has no gradient
            for each in whole:
                each.step()
                each.zero_grad()
    assert same(weights(outcome), {k: v.detach() for k, v in model.state_dict().items()})


@pytest.mark.parametrize(
    ("section", "never"),
    [
        ("freeze all except head epochs=4; epochs 4", True),
        ("freeze all except head epochs=3; epochs 4", False),
        ("freeze all except head epochs=3; steps 12", True),  # 4 an epoch
        ("freeze all except head epochs=3; steps 13", False),
        ("freeze all except head patience=2; epochs 3", True),
        ("freeze all except head patience=2; epochs 4", False),
        ("freeze all except head epochs=9 patience=2; epochs 4", False),
        ("freeze all except head; epochs 4", False),
    ],
)
def test_a_thaw_that_never_comes_is_told(section: str, never: bool) -> None:
    said = merged(section)
    said = said.replace(" epochs 4\n", "") if "steps" in section else said
    notes = start(graph(said, NETWORK), Options(Path(), "run", "cpu")).notes
    assert any("never thaws: the training is over by then" in note for note in notes) == never
    if never:
        assert not any("all of the network is trained" in note for note in notes)


def test_frozen_weights_have_no_gradient_and_no_moments() -> None:
    """They take part in no optimizer, and dropout and normalisation of theirs are at rest."""
    from archdsl.train import checkpoint

    stopped = trained("freeze all except head", watch=StopAt(3))
    state, _ = checkpoint.load(stopped.folder / "last")
    assert state is not None
    (optimizer,) = state["optimizers"]
    assert state["frozen"] is True
    assert sum(len(group["params"]) for group in optimizer["param_groups"]) == 6
    assert len(optimizer["state"]) == 6


def test_nothing_that_is_trained_has_a_loss() -> None:
    network = "input 3x8x8\nconv 3x3 4; relu\noutput side { gap; fc 4 }\ngap; fc 4\n"
    made = graph("data synthetic 8; loss cross_entropy; freeze all except side", network)
    with pytest.raises(TrainError, match=r"A960.*\n.*no loss depends"):
        start(made, Options(Path(), "run", "cpu"))


@pytest.mark.parametrize("extra", ["compile", "precision bf16", "channels_last", "checkpoint one"])
def test_other_settings_go_with_it(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import functools

    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    setting = f"{THAWS['epochs']}; {extra}"
    one, other = trained(setting), trained(setting, "other", features=False)
    assert len(kept()) == 2
    assert same(weights(one), weights(other))


def test_a_fresh_head() -> None:
    """Weights of a network with another number of classes: the last layer begins anew."""
    small = graph("", NETWORK.replace("fc 4 }", "fc 9 }"))
    save(small, build(small, None, 5).state_dict(), "start.safetensors")
    outcome = trained('freeze all except "head.4"')
    assert outcome.notes[0].endswith("9 outputs in the weights, 4 here; these start fresh")
    after, before = weights(outcome), build(small, None, 5).state_dict()
    assert after["head.4.weight"].shape == (4, 12)
    assert torch.equal(after["head.1.weight"], before["head.1.weight"])


def test_sections_text_survives() -> None:
    made = graph("freeze all except head patience=2", NETWORK)
    again = archdsl.ir.Graph.from_json(made.to_json())
    assert again.training == made.training


def test_what_freezes_nothing_is_told() -> None:
    assert "freezes nothing" in trained("freeze until one").notes[0]
