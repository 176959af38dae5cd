"""Dropout and augmentation help where data are few and wrong, and hardly where there are plenty.

Both keep a large network from learning its examples by heart: dropout lets no unit rely on another
(Srivastava et al. 2014), augmentation shows no picture twice; AlexNet needed both (Krizhevsky,
Sutskever & Hinton 2012, section 4). The gain depends on what there is to learn by heart: here 400
digits, of which 30% have wrong labels, against all that are not held out, as they are.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import BLUE, GREY, ORANGE, PURPLE, Check, Report, Runs, panels, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DATA = {  # how many digits to learn from, and the share of wrong labels
    "few, 30% wrong": (400, 0.3),
    "few, all right": (400, 0.0),
    "plenty, all right": (1437, 0.0),
}
WAYS = {  # dropout's share, and augmentation
    "neither": (0.0, False),
    "dropout": (0.5, False),
    "augmentation": (0.0, True),
    "both": (0.5, True),
}
HELD_OUT = 360
FEW, PLENTY = "few, 30% wrong", "plenty, all right"


def jobs(short: bool) -> list[dict[str, Any]]:
    data, steps, seeds = ([FEW], 400, 1) if short else (list(DATA), 1200, 4)
    return [
        {"data": each, "way": way, "seed": seed, "steps": steps}
        for each in data
        for way in reversed(WAYS)
        for seed in range(seeds)
    ]


def measure(data: str, way: str, seed: int, steps: int) -> dict[str, Any]:
    import numpy as np
    import torch

    (x, y), (held_x, held_y) = digits(*DATA[data], seed)
    dropped, augmented = WAYS[way]
    changes = [f"steps {steps}", *(["augment random_crop 8 pad=1"] if augmented else [])]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.npz"
        np.savez(path, x=x, y=y)
        trained = train("dropout.arch", seed=seed, changes=changes, data=path, drop=dropped)
    with torch.no_grad():
        answers = trained.model(torch.from_numpy(held_x)).argmax(1).numpy()
    last = trained.rows[-1]
    return {"error": float((answers != held_y).mean()), "train_error": 1 - last.train_accuracy}


def digits(count: int, wrong: float, seed: int) -> tuple[Any, Any]:
    """Some digits to learn from, a share of them with another label, and 360 others.

    What is drawn differs from seed to seed, and is the same for all ways to learn.
    """
    import numpy as np
    from sklearn.datasets import load_digits

    draw = np.random.default_rng(seed)
    pixels, classes = load_digits(return_X_y=True)
    images = (pixels / 16).astype("float32").reshape(-1, 1, 8, 8)
    held, rest = np.split(draw.permutation(len(images)), [HELD_OUT])
    chosen = rest[:count]
    labels = classes[chosen]
    changed = draw.permutation(count)[: round(wrong * count)]
    labels[changed] = (labels[changed] + draw.integers(1, 10, len(changed))) % 10
    return (images[chosen], labels), (images[held], classes[held])


# What is told


def report(runs: Runs) -> Report:
    rows = [["error on digits held out", *WAYS]]
    for data in runs.each("data"):
        errors = (runs.spread("error", data=data, way=way) for way in WAYS)
        rows.append([data, *(f"{error:.1%}" for error in errors)])
    for data in runs.each("data"):
        errors = (runs.spread("train_error", data=data, way=way) for way in WAYS)
        rows.append([f"in training: {data}", *(f"{error:.1%}" for error in errors)])
    checks = [_helps(runs, way) for way in ("dropout", "augmentation")]
    if runs.where(data=PLENTY):
        checks += [_no_gain(runs, way) for way in ("dropout", "augmentation")]
    checks.append(_more(runs))
    return Report(checks, rows, _text(runs))


def _helps(runs: Runs, way: str) -> Check:
    before, after = (runs.values("error", data=FEW, way=each) for each in ("neither", way))
    claim = f"{FEW}: with {way} every seed errs less by a tenth or more"
    least = min(1 - b / a for a, b in zip(before, after, strict=True))
    return Check(claim, f"{least:.0%} less at least", least >= 0.1)


def _gain(runs: Runs, data: str, way: str) -> float:
    """By how much the error is less in the mean."""
    means = (runs.spread("error", data=data, way=each).mean for each in ("neither", way))
    return next(means) - next(means)


def _no_gain(runs: Runs, way: str) -> Check:
    few, plenty = (100 * _gain(runs, data, way) for data in (FEW, PLENTY))
    return Check(
        f"""{PLENTY}: {way} gains less than one point in the mean, and less than a quarter of what
        it gains with few""",
        f"{plenty:+.1f} points, against {few:+.1f}",
        plenty < min(1, few / 4),
    )


def _more(runs: Runs) -> Check:
    both, *single = (
        runs.spread("error", data=FEW, way=way).mean for way in ("both", "dropout", "augmentation")
    )
    found = f"{both:.1%}, against " + " and ".join(f"{each:.1%}" for each in single)
    return Check(f"{FEW}: both err less than either alone, in the mean", found, both < min(single))


def _text(runs: Runs) -> str:
    neither, both = (runs.spread("train_error", data=FEW, way=way) for way in ("neither", "both"))
    text = "All learn for as many steps. "
    if neither.mean < 0.05:
        text += f"""With neither the network learns the wrong labels by heart: it errs on
            {neither:.1%} of what it learns from, with both on {both:.1%}, where 30% of the labels
            are wrong. """
    if not runs.where(data=PLENTY):
        return text
    costly = [way for way in list(WAYS)[1:] if _gain(runs, PLENTY, way) < -0.005]
    if costly:
        text += f"""With plenty of digits this costs more than half a point: {", ".join(costly)}.
            What is harder to learn takes longer, and the steps are the same. """
    else:
        text += "With plenty of digits none of the three costs more than half a point. "
    return text + "One digit held out is 0.3 points, so smaller differences say nothing."


def draw(runs: Runs) -> Figure:
    data = runs.each("data")
    figure, axis = panels(1, 1, 7, 2.8)
    colors = dict(zip(WAYS, (GREY, BLUE, ORANGE, PURPLE), strict=True))
    for i, (way, color) in enumerate(colors.items()):
        places = [place + (i - 1.5) * 0.2 for place in range(len(data))]
        spreads = [runs.spread("error", data=each, way=way) for each in data]
        axis.bar(places, [100 * s.mean for s in spreads], 0.18, color=color, label=way)
        for place, each in zip(places, data, strict=True):
            found = [100 * error for error in runs.values("error", data=each, way=way)]
            axis.plot([place] * len(found), found, ".k", markersize=3)
    axis.set(xticks=range(len(data)), ylabel="error on digits held out, %")
    axis.set_xticklabels(data)
    axis.grid(visible=False, axis="x")
    axis.legend()
    return figure
