"""The features of frozen layers: computed once, found again, and never the wrong ones."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from freezing import FROZEN, NETWORK, begun, kept, merged, trained
from runs import graph, same, weights

from archdsl.backends.torch import save
from archdsl.train import Options, room, start
from archdsl.train.assemble import Assembly


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with starting weights whose statistics are not those of fresh ones."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    begun()


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
    assert "0 B to spare" in outcome.notes[0]
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


def test_a_file_that_holds_something_else_is_made_anew() -> None:
    first = trained("freeze all except head")
    for path in kept():
        np.save(path, np.zeros((3, 2), np.float32))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        path.replace(path.with_stem(f"{path.stem.rpartition('-')[0]}-{digest}"))
    os.mkfifo(kept()[0].with_stem(kept()[0].stem + "0"))
    assert same(weights(first), weights(trained("freeze all except head", "again")))
