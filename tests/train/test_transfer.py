"""Frozen parts stay, their features are computed once, and a thaw changes nothing but what learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from runs import graph, same, weights
from test_resume import StopAt

import archdsl
from archdsl.backends.torch import build, save
from archdsl.errors import TrainError
from archdsl.train import Options, Outcome, resume, start
from archdsl.train.watch import Step, Watch

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
    with torch.no_grad():
        module(torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 + 1)
    state = module.state_dict()
    save(made, state, "start.safetensors")
    return state


def trained(section: str, name: str = "run", watch: Watch | None = None, **options: Any) -> Outcome:
    chosen = Options(Path(), name, device="cpu", **options)
    return start(graph(SECTION + section, NETWORK), chosen, watch=watch)


def kept() -> list[Path]:
    return sorted(Path("cache/archdsl/features").glob("*.npy"))


FROZEN = {
    "freeze all except head": ("one.", "two."),
    'freeze all except "head.fc2"': ("one.", "two.", "head.fc1", "head.bn1"),
    "freeze until two": ("one.",),
    "freeze until two.conv2": ("one.", "two.conv1", "two.bn1"),
    "freeze all except one": ("two.", "head."),
}


def quoted(setting: str) -> str:
    word, _, path = setting.rpartition(" ")
    return f'{word} "{path}"' if "." in path and '"' not in path else setting


@pytest.mark.parametrize("features", [True, False])
@pytest.mark.parametrize("setting", FROZEN)
def test_what_is_frozen_is_the_same_bit_by_bit(setting: str, features: bool) -> None:
    before, outcome = begun(), trained(quoted(setting), features=features)
    after = weights(outcome)
    stays = tuple(f"{part}" for part in FROZEN[setting])
    assert {k for k in after if torch.equal(after[k], before[k])} == {
        k for k in after if k.startswith(stays)
    }
