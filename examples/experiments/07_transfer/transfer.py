"""Transfer: what was learnt on the digits 0 to 4 serves the digits 5 to 9, if few have a label.

Features that were learnt for one task are a start for another; how many layers to keep and how many
to tune is a matter of how alike the tasks are and how many examples there are (Yosinski et al.
2014). Three ways to go on are compared: the body frozen and its features computed once; the head
first, then everything at a tenth of the rate; everything from the start. The controls learn from
scratch, or freeze a body with random weights.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import BLUE, GREEN, GREY, ORANGE, PURPLE, Check, Report, Runs, panels, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WAYS = {  # what is said beside the spec, and whether it begins with what was learnt
    "scratch": ((), False),
    "random, frozen": (("freeze all except fc", "optimizer adam lr=1e-2"), False),
    "frozen": (("freeze all except fc", "optimizer adam lr=1e-2"), True),
    "gradual": (("freeze all except fc epochs={head}", "lr body=0.1x"), True),
    "everything": (("tune everything",), True),
}
LEARNT = tuple(way for way, (_, learnt) in WAYS.items() if learnt)
HELD_OUT = 60  # digits of each class
EPOCH = 300  # examples of an epoch, each digit as often as any other: the counts divide 60


def jobs(short: bool) -> list[dict[str, Any]]:
    counts, seeds, epochs = ((5,), 1, 4) if short else ((3, 10, 60), 5, 24)
    return [
        {"count": count, "seed": seed, "epochs": epochs}
        for count in counts
        for seed in range(seeds)
    ]


def measure(count: int, seed: int, epochs: int) -> dict[str, Any]:
    """The error of each way on digits held out, with so many of each class to learn from.

    All ways take as many steps: what is few comes several times in an epoch.
    """
    import numpy as np
    import torch

    known, few, held = digits(count, seed)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = name  # features are kept there
        np.savez(folder / "known.npz", x=known[0], y=known[1])
        np.savez(folder / "few.npz", x=few[0], y=few[1])
        first = train(
            "transfer.arch", seed=seed, changes=[f"epochs {epochs // 2}"],
            data=folder / "known.npz",
        )  # fmt: skip
        torch.save(first.model.state_dict(), folder / "known.pth")
        found["known"] = first.rows[-1].train_accuracy
        for way, (changes, learnt) in WAYS.items():
            said = [change.format(head=epochs // 3) for change in changes]
            said += [f"epochs {epochs}"]
            said += [f'from "{folder / "known.pth"}"'] if learnt else []
            # Ten outputs, of which 0 to 4 are never right: so the head is fresh.
            trained = train(
                "transfer.arch", seed=seed, changes=said, data=folder / "few.npz", classes=10
            )
            with torch.no_grad():
                answers = trained.model(torch.from_numpy(held[0])).argmax(1).numpy()
            found[way] = float((answers != held[1]).mean())
            found[f"{way}: body"] = same_body(first.model, trained.model)
    return found


def digits(count: int, seed: int) -> tuple[Any, Any, Any]:
    """All digits from 0 to 4; some of each from 5 to 9 to learn from; others to be held out."""
    import numpy as np
    from sklearn.datasets import load_digits

    draw = np.random.default_rng(seed)
    found = load_digits()
    x, y = (found.images[:, None] / 16).astype("float32"), found.target
    by_class = [draw.permutation(np.flatnonzero(y == label)) for label in range(5, 10)]
    held = np.concatenate([numbers[:HELD_OUT] for numbers in by_class])
    few = np.concatenate([numbers[HELD_OUT : HELD_OUT + count] for numbers in by_class])
    few = np.resize(few, EPOCH)
    known = np.flatnonzero(y < 5)
    parts = [(x[numbers], y[numbers]) for numbers in (known, few, held)]
    return parts[0], parts[1], parts[2]


def same_body(one: Any, other: Any) -> bool:
    """Whether two networks have the same weights but for the head, bit by bit."""
    import torch

    first, second = one.state_dict(), other.state_dict()
    return all(torch.equal(first[key], second[key]) for key in first if key.startswith("body"))


# What is told


def report(runs: Runs) -> Report:
    rows = [["error on digits held out", *WAYS]]
    for count in runs.each("count"):
        spreads = (runs.spread(way, count=count) for way in WAYS)
        rows.append([f"{count} of each class", *(f"{spread:.1%}" for spread in spreads)])
    checks = [_mechanics(runs)]
    for count in runs.each("count"):
        checks += [_beats(runs, count, "frozen", "random, frozen")]
        checks += [_beats(runs, count, way, "scratch") for way in LEARNT]
    return Report(checks, rows, _text(runs))


def _mechanics(runs: Runs) -> Check:
    kept = runs.values("frozen: body")
    moved = [not same for way in ("gradual", "everything") for same in runs.values(f"{way}: body")]
    claim = "a frozen body is that of the first task, bit by bit; one that is tuned is not"
    found = f"{sum(kept)} of {len(kept)}, {sum(moved)} of {len(moved)}"
    return Check(claim, found, all(kept) and all(moved))


def _beats(runs: Runs, count: int, way: str, control: str) -> Check:
    errors, others = (runs.values(each, count=count) for each in (way, control))
    better = sum(a < b for a, b in zip(errors, others, strict=True))
    means = (runs.spread(each, count=count).mean for each in (way, control))
    found = "{:.1%} against {:.1%} in the mean; better in ".format(*means)
    found += f"{better} of {len(errors)}"
    claim = f"{count} of each class: {way} errs less than {control} in every seed"
    return Check(claim, found, better == len(errors))


def _text(runs: Runs) -> str:
    text = f"The first task is learnt to {runs.spread('known'):.1%} of its own digits. "
    for count in runs.each("count"):
        means = {way: runs.spread(way, count=count).mean for way in WAYS}
        best = min(LEARNT, key=means.__getitem__)
        gain = 100 * (means["scratch"] - means[best])
        if gain > 0:
            text += f"With {count} of each class the best of the three ways, {best}, errs "
            text += f"{gain:.1f} points less than from scratch in the mean. "
        else:
            text += f"With {count} of each class none of the three ways errs less than from "
            text += "scratch in the mean. "
    one = 100 / (5 * HELD_OUT)
    return text + f"One digit held out is {one:.1f} points."


def draw(runs: Runs) -> Figure:
    counts = runs.each("count")
    figure, axis = panels(1, 1, 7, 3.0)
    colors = dict(zip(WAYS, (GREY, PURPLE, BLUE, ORANGE, GREEN), strict=True))
    for i, (way, color) in enumerate(colors.items()):
        places = [place + (i - 2) * 0.16 for place in range(len(counts))]
        spreads = [runs.spread(way, count=count) for count in counts]
        axis.bar(places, [100 * s.mean for s in spreads], 0.14, color=color, label=way)
        for place, count in zip(places, counts, strict=True):
            found = [100 * error for error in runs.values(way, count=count)]
            axis.plot([place] * len(found), found, ".k", markersize=3)
    axis.set(xticks=range(len(counts)), ylabel="error on digits held out, %")
    axis.set_xticklabels([f"{count} of each class" for count in counts])
    axis.grid(visible=False, axis="x")
    figure.legend(loc="outside upper center", ncols=len(colors))
    return figure
