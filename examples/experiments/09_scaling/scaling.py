"""Bigger is better: the loss falls with the MACs, wider and deeper, as a power of them.

From AlexNet to the networks that followed, what was larger was better, and where nothing else runs
short the loss falls with computation as a straight line on logarithmic axes (Hestness et al. 2017;
Kaplan et al. 2020). Here one network is made wider, and one deeper with shortcuts; the MACs are
archdsl's own count. The control has no ReLU: as many weights and MACs, whose sum is one linear
function before the mean is taken, however wide and deep. What it gains is not for being larger in
the sense that is meant.
"""

from __future__ import annotations

from itertools import pairwise
from math import exp, log
from statistics import fmean, linear_regression
from typing import TYPE_CHECKING, Any

from lab import GREY, RED, Check, Report, Runs, Spread, panels, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACTS = {"relu": "with ReLU", "identity": "without"}
LADDERS = {"width": (1, 2, 4, 8, 16, 32), "depth": (2, 3, 5, 9, 17)}
START = {"width": 8, "depth": 3}
"""What the other one of the two is kept at."""
NEAR = 1.25
"""What a straight line may be off by."""


def jobs(short: bool) -> list[dict[str, Any]]:
    return [
        {"act": act, "ladder": ladder, "rung": rung, "seed": seed, "epochs": 8 if short else 18}
        for ladder, rungs in reversed(LADDERS.items())
        for rung in reversed(rungs if not short else rungs[1:4:2])
        for act in ACTS
        for seed in range(1 if short else 4)
    ]


def measure(act: str, ladder: str, rung: int, seed: int, epochs: int) -> dict[str, Any]:
    sizes: dict[str, Any] = START | {ladder: rung}
    trained = train("scaling.arch", seed=seed, changes=[f"epochs {epochs}"], act=act, **sizes)
    summary = trained.network.summary()
    return {
        "macs": summary.macs,
        "parameters": summary.params,
        "loss": trained.rows[-1].valid_loss,
        "error": 1 - trained.rows[-1].valid_accuracy,
    }


# What is told


def fits(runs: Runs, act: str, ladder: str) -> list[tuple[float, float]]:
    """Of each seed, slope and height of the line through the logarithms of MACs and loss."""
    found: list[tuple[float, float]] = []
    for seed in runs.each("seed"):
        same = runs.where(act=act, ladder=ladder, seed=seed)
        logarithms = ([log(v) for v in same.values(key)] for key in ("macs", "loss"))
        line = linear_regression(*logarithms)
        found.append((line.slope, line.intercept))
    return found


def slopes(runs: Runs, act: str, ladder: str) -> list[float]:
    return [slope for slope, _ in fits(runs, act, ladder)]


def report(runs: Runs) -> Report:
    rows = [["ladder", "", "MACs", "parameters", *(f"loss {word}" for word in ACTS.values())]]
    rows[0] += [f"error {word}" for word in ACTS.values()]
    for ladder in LADDERS:
        for rung in sorted(runs.where(ladder=ladder).each("rung")):
            same = runs.where(ladder=ladder, rung=rung)
            first = same[0].found
            cells = [ladder, str(rung), f"{first['macs']:,}", f"{first['parameters']:,}"]
            cells += [f"{same.spread('loss', act=act):.2f}" for act in ACTS]
            rows.append([*cells, *(f"{same.spread('error', act=act):.1%}" for act in ACTS)])
    checks = [check for ladder in LADDERS for check in _checks(runs, ladder)]
    return Report(checks, rows, _text(runs))


def _checks(runs: Runs, ladder: str) -> list[Check]:
    relu, linear = (slopes(runs, act, ladder) for act in ACTS)
    steeper = sum(a < b for a, b in zip(relu, linear, strict=True))
    means = rungs(runs, ladder)
    worst = max((b / a, rung) for (_, a), (rung, b) in pairwise(means))
    factor = off(runs, ladder)
    return [
        Check(
            f"{ladder}: in every seed the fitted line falls with the MACs, by a slope below -0.1",
            f"{max(relu):.2f} at most",
            max(relu) < -0.1,
        ),
        Check(
            f"{ladder}: in every seed it falls more steeply than without ReLU",
            f"in {steeper} of {len(relu)}; {Spread.of(relu):.2f} against {Spread.of(linear):.2f}",
            steeper == len(relu),
        ),
        Check(
            f"{ladder}: each step up leaves less loss, in the mean",
            f"{worst[0]:.2f} times at most, at {ladder} {worst[1]}",
            worst[0] < 1,
        ),
        Check(
            f"{ladder}: it is a power: the line is within a factor of {NEAR} of every mean",
            f"off by {factor:.2f} at most",
            factor < NEAR,
        ),
    ]


def rungs(runs: Runs, ladder: str) -> list[tuple[int, float]]:
    """The mean losses with ReLU, up the ladder."""
    same = runs.where(act="relu", ladder=ladder)
    return [(rung, same.spread("loss", rung=rung).mean) for rung in sorted(same.each("rung"))]


def off(runs: Runs, ladder: str) -> float:
    """The largest factor between a mean loss and the mean line, with ReLU."""
    slope, height = (fmean(each) for each in zip(*fits(runs, "relu", ladder), strict=True))
    worst = 0.0
    for rung in runs.where(ladder=ladder).each("rung"):
        same = runs.where(act="relu", ladder=ladder, rung=rung)
        line = height + slope * log(same[0].found["macs"])
        worst = max(worst, abs(fmean(log(loss) for loss in same.values("loss")) - line))
    return exp(worst)


def _text(runs: Runs) -> str:
    text = "The slope is that of the logarithm of the loss in validation over that of the MACs, "
    text += "fitted to each seed: "
    parts = [f"{Spread.of(slopes(runs, 'relu', ladder)):.2f} by {ladder}" for ladder in LADDERS]
    text += " and ".join(parts) + ". "
    if bent := [f"by {ladder}" for ladder in LADDERS if off(runs, ladder) >= NEAR]:
        text += f"The points {' and '.join(bent)} do not lie on a line. "
    for ladder in LADDERS:
        stalls = [rung for (_, a), (rung, b) in pairwise(rungs(runs, ladder)) if b > 0.95 * a]
        text += "".join(f"The step to {ladder} {rung} gains less than 5%. " for rung in stalls)
    wide = sorted(runs.where(ladder="width").each("rung"))
    ends = (runs.spread("error", act="relu", ladder="width", rung=wide[i]) for i in (0, -1))
    text += "From the narrowest to the widest the error goes from {:.1%} to {:.1%}. ".format(*ends)
    text += (
        "All train for as many epochs at the same rate, on 898 digits; nothing is said of other "
    )
    return text + "data or of larger networks."


def draw(runs: Runs) -> Figure:
    figure, axes = panels(2, 1, 8, 3.2, sharex=True, sharey=True)
    for axis, ladder in zip(axes, LADDERS, strict=True):
        for act, color in zip(ACTS, (RED, GREY), strict=True):
            same = runs.where(act=act, ladder=ladder)
            axis.plot(same.values("macs"), same.values("loss"), "o", color=color, markersize=3)
            slope, height = (fmean(each) for each in zip(*fits(runs, act, ladder), strict=True))
            ends = [min(same.values("macs")), max(same.values("macs"))]
            line = [exp(height) * macs**slope for macs in ends]
            label = f"{ACTS[act]}: {Spread.of(slopes(runs, act, ladder)):.2f}"
            axis.plot(ends, line, color=color, linewidth=1, label=label)
        rungs = sorted(runs.where(ladder=ladder).each("rung"))
        axis.set(title=f"{ladder} {', '.join(map(str, rungs))}", xlabel="MACs")
        axis.set(xscale="log", yscale="log")
        axis.minorticks_off()
        axis.legend(title="slope", fontsize="small")
    axes[0].set(ylabel="loss in validation")
    return figure
