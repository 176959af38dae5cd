"""Short versions of the experiments from locality on, and what they are made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import runner
from lab import Report, Runs

ShortRun = Callable[[str], tuple[Runs, Report]]


# Locality


def test_locality(short_run: ShortRun) -> None:
    runs, _ = short_run("locality")
    assert runs.one("error", net="cnn", order="8") > runs.one("error", net="cnn", order="kept")


@pytest.mark.parametrize("name", ["kept", "turned", "2", "4", "8"])
def test_orders_of_pixels(name: str) -> None:
    (experiment,) = runner.find(["locality"])
    order = experiment.module.order_of(name, seed=3)
    assert sorted(order) == list(range(64)), "each pixel is somewhere"
    if name.isdigit():
        side = int(name)
        for place, pixel in enumerate(order):  # no pixel leaves its square
            assert (place // 8 // side, place % 8 // side) == (
                pixel // 8 // side,
                pixel % 8 // side,
            )
        assert list(order) != list(range(64))
        assert list(order) != list(experiment.module.order_of(name, seed=4))
    if name == "turned":  # the upper right corner comes to the upper left
        assert order[0] == 7 and order[7] == 63


# Optimizers


def test_optimizers(short_run: ShortRun) -> None:
    runs, _ = short_run("optimizers")
    momentum, sgd = (
        runs.one("loss", act="relu", optimizer=name, rate=0.01, batch=32)
        for name in ("momentum", "SGD")
    )
    assert momentum < sgd, "at the same rate its steps are ten times as long"


def test_epochs_to_an_error() -> None:
    (experiment,) = runner.find(["optimizers"])
    epochs_to = experiment.module.epochs_to
    assert epochs_to(0.25, [0.5, 0.3, 0.2, 0.1]) == 2  # from 0.3 at 1.5 to 0.2 at 2.5
    assert epochs_to(0.25, [0.25]) == 0.5
    assert epochs_to(0.25, [0.9, 0.26]) == float("inf")


# The ladder


def test_ladder(short_run: ShortRun) -> None:
    runs, report = short_run("ladder")
    losses = runs.where(classes="true", blocks=1)
    assert losses.one("loss", width=16) < losses.one("loss", width=4)
    assert runs.one("loss", classes="dealt", width=16) > 2.2  # log(10) is 2.3
    assert report.checks[-1].claim.startswith("control")


def test_patches_to_validate_with_are_of_other_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a photograph whose pixels are numbered, no pixel is in both parts."""
    (experiment,) = runner.find(["ladder"])
    numbered = np.arange(256.0 * 256).reshape(256, 256)
    monkeypatch.setattr(experiment.module, "photographs", lambda: [numbered])
    monkeypatch.setattr(experiment.module, "normalized", lambda patches: patches)
    parts = [set(experiment.module.cut(100, valid)[0].ravel()) for valid in (False, True)]
    assert parts[0] and parts[1] and not parts[0] & parts[1]
