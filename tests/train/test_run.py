"""A run as a whole: which weights are kept, what they are worth, what is left of a failed one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from runs import graph, trained
from torch.nn import functional

import archdsl
from archdsl.backends.torch import build, read
from archdsl.errors import TrainError
from archdsl.train.data.examples import Arrays
from archdsl.train.data.memory import digits
from archdsl.train.summary import best_row, summary
from archdsl.train.watch import Row

DIGITS = "input 1x8x8\nconv 3x3 8; bn; relu; gap; fc 10\n"


@pytest.mark.parametrize("more", ["", "ema 0.9", "eval center_crop 8", "eval ten_crop 8"])
def test_the_kept_weights_are_worth_what_their_epoch_says(tmp_path: Path, more: str) -> None:
    section = f"data digits validation=0.3; optimizer sgd lr=0.5; epochs 4; batch 64\n{more}"
    outcome = trained(tmp_path, section, DIGITS)
    best = best_row(outcome.rows)
    assert best is not None
    assert best.valid_accuracy == max(row.valid_accuracy for row in outcome.rows)
    of = graph(section, DIGITS)
    model = build(of, read(outcome.best)).eval()
    valid: Any = digits(of.training.data, of).valid  # pyright: ignore
    with torch.no_grad():
        given = model(valid.inputs)
        if "ten" in more:  # of 8x8 all crops are the whole, half of them mirrored
            given = (given + model(valid.inputs.flip(3))) / 2
    loss = float(functional.cross_entropy(given, valid.targets))
    right = float((given.argmax(1) == valid.targets).float().mean())
    assert best.valid_loss == pytest.approx(loss, rel=1e-5)
    assert best.valid_accuracy == pytest.approx(right, abs=1e-6)


def test_without_validation_the_last_weights_are_kept(tmp_path: Path) -> None:
    section = "data digits validation=0; epochs 2; batch 256"
    outcome = trained(tmp_path, section, DIGITS)
    last = read(outcome.folder / "last" / "weights.safetensors")
    assert all(torch.equal(value, last[key]) for key, value in read(outcome.best).items())
    assert ",,," not in (outcome.folder / "metrics.csv").read_text().splitlines()[0]
    assert not (outcome.folder / "confusion.svg").exists()


def test_bf16_computes_in_16_bits_and_keeps_32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds: set[torch.dtype] = set()
    from archdsl.train import loop

    seen = loop.Loop._step

    def step(self: Any) -> None:
        kinds.update(p.grad.dtype for p in self.parts.module.parameters())
        seen(self)

    monkeypatch.setattr(loop.Loop, "_step", step)
    hook = torch.nn.modules.module.register_module_forward_hook(
        lambda module, _, out: kinds.add(out.dtype) if isinstance(module, torch.nn.Conv2d) else None
    )
    try:
        outcome = trained(tmp_path, "data synthetic 16; epochs 1; batch 8; precision bf16")
    finally:
        hook.remove()
    assert kinds == {torch.bfloat16, torch.float32}
    assert all(v.dtype != torch.bfloat16 for v in read(outcome.best).values())


def test_deterministic_is_asked_of_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    real = torch.use_deterministic_algorithms
    monkeypatch.setattr(
        torch, "use_deterministic_algorithms", lambda on: (asked.append(on), real(on))
    )
    trained(tmp_path, "data synthetic 16; epochs 1; batch 8; deterministic")
    assert asked == [True, False]


@pytest.mark.parametrize(
    "section",
    [
        "data digits",  # 1x8x8 for a network that takes 3x8x8
        'data npz "nowhere"',
        "data synthetic; precision fp16",
        "data synthetic; loss mse output=out; loss cross_entropy output=out weight=2",
    ],
)
def test_a_run_that_cannot_begin_leaves_nothing(tmp_path: Path, section: str) -> None:
    with pytest.raises(archdsl.ArchError):
        trained(tmp_path / "runs", section)
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize("kind", ["tf32", "fp32"])
def test_a_precision_that_only_gpus_have_is_told(tmp_path: Path, kind: str) -> None:
    notes = trained(tmp_path, f"data synthetic 8; epochs 1; precision {kind}").notes
    assert ("`precision tf32` is for GPUs: this is fp32" in notes) == (kind == "tf32")


def test_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blocks.arch").write_text("block unit { conv 3x3 4; relu }\n")
    spec = (
        'import "blocks.arch"\ninput 3x6x6\nunit; gap; fc 3\ntrain { data synthetic 8; epochs 1 }\n'
    )
    (tmp_path / "mine.arch").write_text(spec)
    outcome = archdsl.load("mine.arch").train()
    assert outcome.folder == Path("runs/mine")
    assert (outcome.folder / "imports" / "blocks.arch").is_file()
    with pytest.raises(TrainError, match="has no `train` section"):
        archdsl.zoo("lenet").train()


def test_the_starting_weights_are_those_of_the_seed(tmp_path: Path) -> None:
    """The same as `to_torch(seed=…)` gives, moved by next to nothing."""
    section = "data synthetic 8; epochs 1; batch 8; seed 5; optimizer sgd lr=1e-30"
    outcome = trained(tmp_path, section)
    model = build(graph(section), seed=5)
    found = read(outcome.folder / "last" / "weights.safetensors")
    for key, value in model.named_parameters():
        assert torch.allclose(found[key], value, rtol=0, atol=1e-20), key


def row(epoch: int, loss: float, accuracy: float) -> Row:
    return Row(epoch, epoch, 0.1, 1.0, 0.5, loss, accuracy, 1.0, 1.0)


def test_the_best_row() -> None:
    nan = float("nan")
    assert best_row([row(1, 0.5, 0.9), row(2, 0.4, 0.9), row(3, 0.3, 0.8)]).epoch == 2  # pyright: ignore
    assert best_row([row(1, 0.5, nan), row(2, 0.4, nan)]).epoch == 2  # pyright: ignore
    assert best_row([row(1, nan, nan), row(2, nan, nan)]).epoch == 2  # pyright: ignore
    assert best_row([]) is None
    assert "nothing was trained" in summary(Path("x"), [])


def test_examples_that_are_balanced_are_all_read_once(tmp_path: Path) -> None:
    from archdsl.train.data.user import _labels

    class Data:
        def __len__(self) -> int:
            return 4

        def __getitem__(self, i: int) -> Any:
            return torch.zeros(3), i % 2

    assert _labels(Data()).tolist() == [0, 1, 0, 1]  # pyright: ignore
    told = Arrays(torch.zeros(3, 1), torch.zeros(3, 2))
    assert _labels(told) is None
