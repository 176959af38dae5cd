"""The pictures of a run: what is drawn is what was counted."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import numpy as np
import pytest

from archdsl.train import plots
from archdsl.train.watch import Row

SVG = "{http://www.w3.org/2000/svg}"
NAN = float("nan")


def row(epoch: int, train: float, valid: float, right: float = 0.5) -> Row:
    return Row(epoch, epoch, 0.1, train, right, valid, right, 1.0, 1.0)


def parts(text: str, kind: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(text).iter(f"{SVG}{kind}"))


def words(text: str) -> list[str]:
    return [element.text or "" for element in parts(text, "text")]


def points(line: ElementTree.Element) -> list[tuple[float, float]]:
    pairs = (pair.split(",") for pair in line.get("points", "").split())
    return [(float(x), float(y)) for x, y in pairs]


def test_a_curve_has_a_point_for_every_epoch_and_falls_with_the_loss() -> None:
    rows = [row(i + 1, 2 - 0.3 * i, 2.2 - 0.3 * i) for i in range(5)]
    train, valid, *_ = map(points, parts(plots.curves("net", rows), "polyline"))
    assert len(train) == len(valid) == 5
    assert all(a[1] < b[1] for a, b in pairwise(train)), "down the page"
    slope = (train[1][1] - train[0][1]) / 0.3
    assert train[0][1] - valid[0][1] == pytest.approx(0.2 * slope, abs=0.2)


def test_curves_without_validation_or_accuracy() -> None:
    text = plots.curves("net", [row(1, 1.0, NAN, NAN), row(2, NAN, NAN, NAN)])
    assert len(parts(text, "polyline")) == 1
    assert "accuracy" not in words(text)
    assert "nan" not in text
    assert parts(plots.curves("net", [row(1, NAN, NAN, NAN)]), "svg") is not None


def test_one_epoch_is_a_point_over_its_name() -> None:
    text = plots.curves("net", [row(1, 1.0, 1.2)])
    assert words(text).count("1 epoch") == 2, "of the loss and of the accuracy"
    assert "40 epochs" in words(plots.curves("net", [row(i + 1, 1.0, 1.2) for i in range(40)]))


@pytest.mark.parametrize("values", [(1.0, 1.0), (0.0, 0.0), (1e-9, 2e-9), (-5.0, 1e6), (0.1, 0.3)])
def test_ticks_hold_the_values(values: tuple[float, float]) -> None:
    ticks = plots._ticks(*values)
    assert ticks[0] <= values[0]
    assert values[1] <= ticks[-1]
    assert 2 <= len(ticks) <= 9
    assert ticks == sorted(set(ticks))


def test_confusion_shows_the_counts() -> None:
    counts = [[5, 2, 0], [0, 7, 1], [3, 0, 9]]
    text = plots.confusion("net", counts, ("cat", "<dog>", "owl\x1b"))
    assert "net: 21 of 27 right; rows are what it is, columns what it is taken for" in words(text)
    shown = sorted(int(word) for word in words(text) if word.isdigit())
    assert shown == [1, 2, 3, 5, 7, 9], "no cell where nothing was"
    assert words(text).count("<dog>") == 2
    assert "\x1b" not in text


def test_confusion_turns_names_that_are_wider_than_its_cells() -> None:
    counts = [[5, 0], [0, 7]]
    assert "rotate" not in plots.confusion("net", counts, ("0", "1"))
    assert plots.confusion("net", counts, ("a cat", "1")).count("rotate") == 2


def test_confusion_has_room_for_its_numbers() -> None:
    sides = [
        float(
            parts(plots.confusion("net", [[n, 0], [0, 7]], ("0", "1")), "rect")[1].get("width", "0")
        )
        for n in (5, 123_456)
    ]
    assert sides[0] < sides[1] and sides[1] >= 6 * 7


def test_confusion_of_many_classes_has_no_numbers() -> None:
    counts = (np.eye(200, dtype=int) * 3).tolist()
    text = plots.confusion("net", counts, ())
    assert len(parts(text, "rect")) == 201
    assert len(words(text)) == 1
