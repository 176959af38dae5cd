"""Bigger is better: along a ladder of networks the loss falls as a power of the multiply-adds.

Networks that did better mostly did more work, and where data do not run out the loss is often found
to be a power of the network's size (Hestness et al. 2017) or of the compute (Kaplan et al. 2020).
Here residual networks are widened and deepened. Which photograph a patch comes from is what they
learn, and the multiply-adds (MACs) of each are counted from the spec. The control deals the classes
at random: there is nothing to be learnt then, and size should not help.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from math import exp, log
from statistics import correlation, linear_regression
from typing import TYPE_CHECKING, Any

from lab import BLUE, GREY, RED, Check, Report, Runs, Spread, panels, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Array = NDArray[Any]

WIDTHS = (2, 4, 8, 16, 24)
BLOCKS = (1, 2, 4, 8)
WIDTH = 8  # of the ladder of depths
CLASSES = {"true": "ladder:patches", "dealt": "ladder:dealt"}

PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee", "rocket", "brick", "grass", "gravel")
SAMPLES = ("china.jpg", "flower.jpg")
SIDE, TILE = 10, 32  # pixels


def jobs(short: bool) -> list[dict[str, Any]]:
    sizes = [(width, 1) for width in (WIDTHS[1:4] if short else WIDTHS)]
    sizes += [(WIDTH, blocks) for blocks in (BLOCKS[1:2] if short else BLOCKS[1:])]
    wanted = [{"width": width, "blocks": blocks, "classes": "true"} for width, blocks in sizes]
    wanted += [{"width": w, "blocks": 1, "classes": "dealt"} for w in (sizes[0][0], 16)]
    epochs, seeds = (1, 1) if short else (4, 3)
    ordered = sorted(wanted, key=lambda job: -job["blocks"] * job["width"])
    return [{**job, "seed": seed, "epochs": epochs} for job in ordered for seed in range(seeds)]


def measure(width: int, blocks: int, classes: str, seed: int, epochs: int) -> dict[str, Any]:
    changes = [f'data python "{CLASSES[classes]}" workers=0', f"epochs {epochs}"]
    trained = train("ladder.arch", seed=seed, changes=changes, width=width, blocks=blocks)
    counts = trained.network.summary()
    return {
        "macs": counts.macs,
        "parameters": counts.params,
        "loss": trained.rows[-1].valid_loss,
        "train_loss": trained.rows[-1].train_loss,
        "error": 1 - trained.rows[-1].valid_accuracy,
    }


# The patches


@cache
def patches() -> tuple[Any, Any]:
    """Patches and the numbers of their photographs: to learn from, and from other places."""
    return cut(800), cut(200, valid=True)


@cache
def dealt() -> tuple[Any, Any]:
    """The same patches with their classes dealt anew, at random."""
    from numpy.random import default_rng

    (x, y), (x_valid, y_valid) = patches()
    draw = default_rng(0)
    return (x, draw.permutation(y)), (x_valid, draw.permutation(y_valid))


def cut(count: int, valid: bool = False) -> tuple[Array, Array]:
    """Patches of equal mean and contrast, so many of each photograph, and their classes.

    A photograph is divided into tiles, and a patch lies within one: those to validate with in every
    fourth tile, the others elsewhere.
    """
    import numpy as np

    draw, found = np.random.default_rng(int(valid)), []
    for photo in photographs():
        windows = np.lib.stride_tricks.sliding_window_view(photo, (SIDE, SIDE))
        row, column = (draw.integers(0, n, 40 * count) for n in windows.shape[:2])
        inside = (row % TILE <= TILE - SIDE) & (column % TILE <= TILE - SIDE)
        fourth = (row // TILE + 2 * (column // TILE)) % 4 == 0
        taken = windows[row[inside & (fourth == valid)], column[inside & (fourth == valid)]]
        taken = taken[taken.std((1, 2)) > 0.02][:count]  # flat ones left out
        found.append(normalized(taken))
    classes = np.repeat(np.arange(len(found)), [len(each) for each in found])
    return np.concatenate(found).astype(np.float32)[:, None], classes


def normalized(patches: Array) -> Array:
    """Patches with a mean of 0 and a deviation of 1 each."""
    centred = patches - patches.mean((1, 2), keepdims=True)
    return centred / centred.std((1, 2), keepdims=True)


@cache
def photographs() -> list[Array]:
    """Ten photographs in grey, from 0 to 1, that come with scikit-image and scikit-learn."""
    from skimage import color, data
    from sklearn.datasets import load_sample_image

    found = [getattr(data, name)() for name in PHOTOGRAPHS]
    found += [load_sample_image(name) for name in SAMPLES]
    return [color.rgb2gray(each) if each.ndim == 3 else each / 255 for each in found]


# What is told


def report(runs: Runs) -> Report:
    rows = [["width", "layers", "parameters", "MACs", "loss in validation", "error"]]
    true = runs.where(classes="true")
    sizes = sorted({(run.found["macs"], run.job["width"], run.job["blocks"]) for run in true})
    for macs, width, blocks in sizes:
        chosen = true.where(width=width, blocks=blocks)
        count = chosen.values("parameters")[0]
        figures = f"{chosen.spread('loss'):.3f}", f"{chosen.spread('error'):.1%}"
        rows.append([f"{width}", f"{4 * blocks + 2}", f"{count:,}", f"{macs:,}", *figures])
    checks = [
        _falls("wider", wider(runs)),
        _power(wider(runs)),
        _falls("deeper", deeper(runs)),
        _control(runs),
    ]
    return Report(checks, rows, _text(runs))


def wider(runs: Runs) -> Runs:
    """The ladder of widths, from narrow to wide."""
    return _ladder(runs.where(classes="true", blocks=1))


def deeper(runs: Runs) -> Runs:
    """The ladder of depths, from shallow to deep."""
    return _ladder(runs.where(classes="true", width=WIDTH))


def _ladder(runs: Runs) -> Runs:
    return Runs(sorted(runs, key=lambda run: run.found["macs"]))


def fits(ladder: Runs) -> list[tuple[float, float]]:
    """Of each seed the slope of log(loss) over log(MACs), and the share of variance it explains."""
    found = []
    for seed in ladder.each("seed"):
        macs, losses = ([log(x) for x in ladder.values(k, seed=seed)] for k in ("macs", "loss"))
        slope = linear_regression(macs, losses).slope
        found.append((slope, correlation(macs, losses) ** 2))
    return found


def slope(ladder: Runs) -> Spread:
    return Spread.of([slope for slope, _ in fits(ladder)])


def _falls(word: str, ladder: Runs) -> Check:
    """Whether each step of a ladder pays in every seed."""
    steps = held = 0
    for seed in ladder.each("seed"):
        losses = ladder.values("loss", seed=seed)
        steps += len(losses) - 1
        held += sum(b < a for a, b in pairwise(losses))
    claim = f"{word}: each step lowers the loss in validation, in every seed"
    return Check(claim, f"{held} of {steps} steps", held == steps)


def _power(ladder: Runs) -> Check:
    least = min(r2 for _, r2 in fits(ladder))
    claim = (
        "wider: a power of the MACs explains more than 95% of the variance of log(loss), in every "
    )
    claim += "seed"
    return Check(claim, f"{least:.1%} at least", least > 0.95)


def _control(runs: Runs) -> Check:
    dealt = _ladder(runs.where(classes="dealt"))
    small, large = (dealt.spread("loss", width=width) for width in dealt.each("width"))
    claim = "control: with classes dealt at random the larger network has no less loss, in the mean"
    return Check(claim, f"{large:.3f} against {small:.3f}", large.mean >= small.mean)


def _text(runs: Runs) -> str:
    wide, deep = slope(wider(runs)), slope(deeper(runs))
    text = "Along the widths the loss goes with the power "
    text += f"{wide:z.3f} of the MACs: twice the MACs take {1 - 2**wide.mean:.1%} off it. "
    text += f"Along the depths, of width {WIDTH}, the power is {deep:z.3f}. "
    first, *_, last = BLOCKS
    ends = [runs.where(classes="true", width=WIDTH, blocks=blocks) for blocks in (first, last)]
    if all(ends):
        fitted, deepest = (chosen.spread("train_loss") for chosen in ends)
        text += (
            f"In training the network of {4 * last + 2} layers has a loss of {deepest:.3f}, and "
        )
        text += f"that of {4 * first + 2} layers {fitted:.3f}"
        text += (
            ": it fits no better what it learns from, either. "
            if deepest.mean > fitted.mean
            else ". "
        )
    pair = [runs.where(classes="true", width=w, blocks=b) for w, b in ((16, 1), (WIDTH, 4))]
    if all(pair):
        macs = [f"{chosen.values('macs')[0]:,}" for chosen in pair]
        losses = [f"{chosen.spread('loss'):.3f}" for chosen in pair]
        text += (
            f"With about as many MACs, {macs[0]} and {macs[1]}, the network twice as wide has a "
        )
        text += f"loss of {losses[0]} and that three times as deep {losses[1]}. "
    epochs = runs[0].job["epochs"]
    text += "The powers are fitted to the logarithms, for each seed by itself, and hold for these "
    text += (
        f"sizes, trained alike: {epochs} epochs, and one rate for all. Longer training, or a rate "
    )
    text += "for each, was not tried, and nothing is said of larger networks."
    return text


def draw(runs: Runs) -> Figure:
    figure, (left, right) = panels(2, 1, 7.5, 3.2, sharex=True, sharey=True)
    for axis, ladder, color in ((left, wider(runs), BLUE), (right, deeper(runs), RED)):
        macs, losses = ladder.values("macs"), ladder.values("loss")
        axis.scatter(macs, losses, s=12, color=color)
        line = linear_regression([log(x) for x in macs], [log(y) for y in losses])
        ends = [min(macs), max(macs)]
        fitted = [exp(line.intercept) * x**line.slope for x in ends]
        axis.plot(ends, fitted, color=color, linewidth=1, label=f"power {slope(ladder):z.3f}")
        axis.set(xscale="log", yscale="log", xlabel="MACs")
        axis.legend()
    dealt = runs.where(classes="dealt")
    left.scatter(dealt.values("macs"), dealt.values("loss"), s=12, color=GREY, marker="x")
    left.annotate("classes dealt at random", (2e4, log(10)), color=GREY, va="bottom")
    left.set(title="wider, 6 layers", ylabel="loss in validation")
    right.set(title=f"deeper, width {WIDTH}")
    ticks = [1.2, 1.4, 1.6, 1.8, 2, 2.4]
    left.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    left.minorticks_off()
    right.minorticks_off()
    return figure
