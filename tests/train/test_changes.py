"""Settings changed from the command line: `--set`, `--data`."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl.errors import ArchError
from archdsl.ir.training import Training
from archdsl.pipeline import open_to_train

SPEC = """\
param width = 8
input 3x8x8
body: { conv 3x3 width; relu }
gap; fc 10
train {
  data imagefolder "pets" size=64
  augment random_crop 8 pad=1; hflip
  optimizer sgd lr=0.1 momentum=0.9
  lr body=0.1x
  epochs 4
}
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "s.arch"
    path.write_text(SPEC)
    return str(path)


def changed(spec: str, *changes: str, data: str | None = None) -> Training:
    found = open_to_train(spec, changes=changes, data=data).graph.training
    assert found is not None
    return found


def lines(training: Training) -> list[str]:
    return [setting.text() for _, setting in training.settings()]


CHANGES = [
    ("optimizer.lr=0.02", "optimizer sgd lr=0.02 momentum=0.9"),
    ("optimizer.nesterov = true", "optimizer sgd lr=0.1 momentum=0.9 nesterov=true"),
    ("optimizer adamw lr=3e-4", "optimizer adamw lr=0.0003"),
    ("optimizer=adam lr=3e-4", "optimizer adam lr=0.0003"),
    ("batch=32", "batch 32"),
    ("batch.size=32", "batch 32"),
    ("length.count=7", "epochs 7"),
    ("steps 100", "steps 100"),
    ("ema.decay=0.9", "ema 0.9"),
    ("data.path=other folder", 'data imagefolder "other folder" size=64'),
    ('data.path="x"', 'data imagefolder "x" size=64'),
    ("augment.1.p=0.2", "augment hflip 0.2"),
    ("rates.0.factor=0.5x", "lr body 0.5x"),
    ("loss.label_smoothing=0.1", "loss cross_entropy label_smoothing=0.1"),
    ("checkpoint body", "checkpoint body"),
    ("batch=(2*width)", "batch 16"),
]


@pytest.mark.parametrize(("change", "line"), CHANGES)
def test_a_change_is_in_force(spec: str, change: str, line: str) -> None:
    before, after = lines(changed(spec)), lines(changed(spec, change))
    assert line in after
    assert line not in before
    assert len(set(before) - set(after)) <= 1, "nothing else has changed"


def test_changes_add_up(spec: str) -> None:
    found = changed(spec, "optimizer.lr=0.5", "optimizer.momentum=0.1", "augment.0.pad=2", "ema")
    after = lines(found)
    assert {"optimizer sgd lr=0.5 momentum=0.1", "ema 0.9999"} <= set(after)
    assert after[1:3] == ["augment random_crop 8x8 pad=2", "augment hflip 0.5"]


def test_a_later_change_takes_the_place_of_an_earlier(spec: str) -> None:
    found = lines(changed(spec, "optimizer.lr=0.5", "optimizer adam", "optimizer.lr=0.25"))
    assert "optimizer adam lr=0.25" in found


def test_a_change_holds_against_the_network(spec: str) -> None:
    with pytest.raises(ArchError, match="the network has no `boddy`"):
        changed(spec, "checkpoint boddy")
    with pytest.raises(ArchError, match="the training has 4"):
        changed(spec, "schedule cosine warmup=5")


def test_data_from_another_place(spec: str) -> None:
    assert 'data imagefolder "a b" size=64' in lines(changed(spec, data="a b"))


def test_a_network_without_a_section_trains_on_digits() -> None:
    found = open_to_train("lenet", changes=["batch 7"]).graph.training
    assert found is not None
    assert {"data digits", "batch 7", "optimizer adamw"} <= set(lines(found))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("optimiser.lr=1", "did you mean `optimizer`?"),
        ("optimizer.rate=1", "`optimizer sgd` has no `rate`"),
        ("optimizer.lr=fast", "`fast` is not defined here"),
        ("optimizer.lr=0", "a number greater than 0"),
        ("augment.p=1", "`augment.0`, `augment.1`"),
        ("augment.5.p=1", "no setting in force is called `augment.5`"),
        ("from.path=x", "state it whole"),
        ("bach 3", "did you mean `batch`?"),
        ("}", "without braces"),
        ("", "no setting is named"),
    ],
)
def test_what_is_no_change(spec: str, change: str, words: str) -> None:
    with pytest.raises(ArchError) as caught:
        changed(spec, change)
    assert words in str(caught.value)
