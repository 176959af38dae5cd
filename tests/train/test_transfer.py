"""Frozen parts stay, their features are computed once, and a thaw changes only what learns."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runs import graph, same, weights
from test_resume import StopAt

import archdsl
from archdsl.backends.torch import build, save
from archdsl.errors import TrainError
from archdsl.train import Options, Outcome, resume, room, start
from archdsl.train.assemble import Assembly
from archdsl.train.watch import Watch

# A branch goes around the second block, so that two tensors cross a cut in it; dropout and
# normalisation are in what is frozen and in what is not.
NETWORK = """\
input 3x8x8
block unit c { conv 3x3 c bias=false; bn; relu; dropout 0.2 }
one: unit 6
two: { residual { conv 3x3 6; bn; relu; conv 3x3 6 }; relu }
head: { gap; fc 12; bn; dropout 0.3; fc 4 }
"""

SECTION = """\
data synthetic 52
from "start.safetensors"
optimizer adamw lr=0.01 weight_decay=0.1
clip 1; ema 0.9; epochs 4; batch 8; accumulate 2; seed 3
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with starting weights whose statistics are not those of fresh ones."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    begun()


def begun() -> dict[str, Any]:
    made = graph("", NETWORK)
    module = build(made, None, 7)
    module.train()
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(2)  # of its dropout
        module(torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 + 1)
    state = module.state_dict()
    save(made, state, "start.safetensors")
    return state


def trained(section: str, name: str = "run", watch: Watch | None = None, **options: Any) -> Outcome:
    chosen = Options(Path(), name, device="cpu", **options)
    return start(graph(merged(section), NETWORK), chosen, watch=watch)


def merged(section: str) -> str:
    """The section above with these statements, which take the place of its own."""
    lines = [line.strip() for line in section.replace("\n", ";").split(";") if line.strip()]
    own = [line for line in SECTION.replace("\n", ";").split(";") if line.strip()]
    words = {line.split()[0] for line in lines}
    return "\n".join([*(line for line in own if line.split()[0] not in words), *lines])


def kept() -> list[Path]:
    return sorted(Path("cache/archdsl/features").glob("*.npy"))


FROZEN = {
    "freeze all except head": ("one.", "two."),
    'freeze all except "head.4"': ("one.", "two.", "head.1", "head.2"),
    "freeze until two": ("one.",),
    'freeze until "two.3"': ("one.", "two.0", "two.1"),
    "freeze all except one": ("two.", "head."),
}


@pytest.mark.parametrize("features", [True, False])
@pytest.mark.parametrize("setting", FROZEN)
def test_what_is_frozen_is_the_same_bit_by_bit(setting: str, features: bool) -> None:
    """Weights and statistics, whatever decays or is averaged; all else changes."""
    before, outcome = begun(), trained(setting, features=features)
    after = weights(outcome)
    stays = {key for key in after if key.startswith(FROZEN[setting])}
    assert {key for key in after if torch.equal(after[key], before[key])} == stays


@pytest.mark.parametrize("setting", [*FROZEN][:4])
def test_kept_features_change_nothing(setting: str) -> None:
    """Bit by bit: layers here give an example the same in every batch of a size.

    52 examples make batches of 8 and one of 4, so that the order comes in too.
    """
    one, other = trained(setting), trained(setting, "other", features=False)
    assert len(kept()) == 2, "of the training set and of the validation"
    assert same(weights(one), weights(other))
    rows = [[r.train_loss, r.valid_loss, r.valid_accuracy] for r in one.rows]
    assert rows == [[r.train_loss, r.valid_loss, r.valid_accuracy] for r in other.rows]


def test_a_smaller_last_batch_is_rounded_otherwise_and_that_is_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a batch of one some processors sum a convolution in another order.

    Features are computed in full batches. Where the frozen layers of a run without them are given
    full batches too, the last one filled up, it comes out the same bit by bit.
    """
    network = "input 3x8x8\nbody: { conv 3x3 16; bn; relu; conv 1x1 32; relu }\n"
    network += "head: { gap; fc 16; relu; dropout 0.5; fc 4 }\n"
    section = "data synthetic 53; batch 13; epochs 3; freeze all except head epochs=2"
    one = start(graph(section, network), Options(Path(), "one", "cpu"))
    plain = Assembly._module

    def filled(self: Assembly, start: Any) -> torch.nn.Module:
        module = plain(self, start)
        body = module.get_submodule("body")
        forward = body.forward

        def run(x: torch.Tensor) -> torch.Tensor:
            if body.training:
                return forward(x)
            return forward(torch.cat([x, x[:1].expand(13 - len(x), 3, 8, 8)]))[: len(x)]

        body.forward = run
        return module

    monkeypatch.setattr(Assembly, "_module", filled)
    other = start(graph(section, network), Options(Path(), "other", "cpu", features=False))
    assert same(weights(one), weights(other))


def test_a_branch_around_the_cut_is_kept_too() -> None:
    trained('freeze until "two.3"')
    shapes = sorted(np.load(path).shape for path in kept())
    assert shapes == [(5, 2 * 6 * 8 * 8), (52, 2 * 6 * 8 * 8)]


def test_nothing_before_what_is_trained() -> None:
    outcome = trained("freeze all except one")
    assert outcome.notes == (
        "every epoch computes what is frozen anew: no frozen weights come before all that is "
        "trained",
    )
    assert not kept()


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ("augment hflip", "`augment hflip` draws another image each time"),
        ("checkpoint head", "`checkpoint head` computes a part behind it again"),
        ('data python "of_my_own:data" workers=0', "the data come from code of your own"),
    ],
)
def test_why_features_are_not_kept(section: str, why: str) -> None:
    Path("of_my_own.py").write_text(
        "import torch\n"
        "class Mine:\n"
        "    def __len__(self): return 8\n"
        "    def __getitem__(self, i): return torch.rand(3, 8, 8), i % 4\n"
        "def data(): return Mine(), None\n"
    )
    outcome = trained(f"{section}; freeze all except head")
    assert why in outcome.notes[0]
    assert not kept()


def test_features_are_found_again_and_what_they_depend_on_is_heeded() -> None:
    def computed(section: str = "", setting: str = "freeze all except head") -> int:
        """How many sets are computed anew."""
        computed.number += 1  # pyright: ignore[reportFunctionMemberAccess]
        name = f"run{computed.number}"  # pyright: ignore[reportFunctionMemberAccess]
        notes = trained(f"{section}\n{setting}", name).notes
        return sum("once" in note for note in notes)

    computed.number = 0  # pyright: ignore[reportFunctionMemberAccess]
    assert computed() == 2
    assert computed() == 0
    assert computed("optimizer sgd lr=0.3; seed 9; epochs 1") == 0, "the rest may change"
    assert computed("normalize values mean=[0.5, 0, 0] std=[1, 1, 1]") == 2
    assert computed("precision bf16") == 2
    assert computed(setting="freeze until two") == 2
    assert computed("data synthetic 53") == 1, "the validation is the same"
    state = begun()
    state["head.4.bias"] += 1
    save(graph("", NETWORK), state, "start.safetensors")
    assert computed() == 0, "the head does not come before"
    state["one.bn1.running_mean"] += 1
    save(graph("", NETWORK), state, "start.safetensors")
    assert computed() == 2


def test_damaged_features_are_computed_anew() -> None:
    expected = weights(trained("freeze all except head"))
    for path in kept():
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    outcome = trained("freeze all except head", "other")
    assert sum("once" in note for note in outcome.notes) == 2
    assert same(weights(outcome), expected)
    assert len(kept()) == 2


def test_features_stay_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = weights(trained("freeze all except head"))
    for path in kept():
        path.unlink()
    monkeypatch.setattr(room, "MOST", 1000)
    outcome = trained("freeze all except head", "small")
    assert "would take" in outcome.notes[0]
    assert same(weights(outcome), expected)
    monkeypatch.setattr(room, "MOST", 64 << 30)
    monkeypatch.setattr(room, "SPARE", 1 << 60)
    outcome = trained("freeze all except head", "full")
    assert "0 bytes to spare" in outcome.notes[0]
    assert not list(Path("cache").rglob("*.*"))


def test_the_oldest_features_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    trained("freeze all except head")
    first = set(kept())
    most = sum(path.stat().st_size for path in first)
    monkeypatch.setattr(room, "MOST", most + 200)
    trained("freeze all except head; precision bf16", "other")
    assert not first & set(kept())
    assert sum(path.stat().st_size for path in kept()) <= most + 200


def test_a_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path("file").absolute()))
    outcome = trained("freeze all except head")
    assert "every epoch computes what is frozen anew" in outcome.notes[0]
    assert outcome.finished


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


def test_ten_crops_to_validate_with() -> None:
    setting = "augment center_crop 8\neval ten_crop 8; freeze all except head"
    section = merged('data npz "boards.npz"; ' + setting)
    import numpy as np

    draw = np.random.default_rng(0)
    x = draw.integers(0, 256, (30, 3, 10, 12), dtype=np.uint8)
    np.savez("boards.npz", x=x, y=np.arange(30) % 4)
    made = graph(section, NETWORK)
    one = start(made, Options(Path(), "one", "cpu"))
    other = start(made, Options(Path(), "other", "cpu", features=False))
    assert len(kept()) == 2
    assert one.rows[-1].valid_loss == other.rows[-1].valid_loss
    assert same(weights(one), weights(other))


def test_folders_of_images_have_features_too() -> None:
    """A crop in the middle is the same each time; another file under the name is not."""
    import small_data

    small_data.pets(Path("pets"))
    section = 'data imagefolder "pets" workers=0; eval center_crop 8; freeze all except head'
    made = graph(merged(section) + "\naugment shorter_side 12; center_crop 8", NETWORK)
    one = start(made, Options(Path(), "one", "cpu"))
    other = start(made, Options(Path(), "other", "cpu", features=False))
    assert len(kept()) == 1, "a tenth of each class is none to validate with"
    assert same(weights(one), weights(other))
    path = next(Path("pets").rglob("*.png"))
    path.write_bytes(path.read_bytes() + b" ")
    start(made, Options(Path(), "again", "cpu"))
    assert len(kept()) == 2


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


def test_a_file_that_holds_something_else_is_made_anew() -> None:
    first = trained("freeze all except head")
    for path in kept():
        np.save(path, np.zeros((3, 2), np.float32))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        path.replace(path.with_stem(f"{path.stem.rpartition('-')[0]}-{digest}"))
    os.mkfifo(kept()[0].with_stem(kept()[0].stem + "0"))
    assert same(weights(first), weights(trained("freeze all except head", "again")))


def test_what_freezes_nothing_is_told() -> None:
    assert "freezes nothing" in trained("freeze until one").notes[0]
