"""How to step: ReLU or tanh; SGD, momentum, Adam or AdamW; the rate of a batch.

AlexNet's paper has a network learn six times faster with ReLU than with tanh, counted in epochs
until a quarter of CIFAR-10's training errors is left (Krizhevsky, Sutskever & Hinton 2012, figure
1). Momentum and Adam are to need fewer steps than plain descent (Sutskever et al. 2013; Kingma & Ba
2015), AdamW is to generalize better (Loshchilov & Hutter 2019). A batch k times larger is to learn
as fast by epochs if its rate is k times higher (Krizhevsky 2014; Goyal et al. 2017). Each is tried
at several rates and judged at its own best, for a wrong rate would decide anything.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from lab import BLUE, GREEN, ORANGE, RED, Check, Report, Runs, Spread, panels, train

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

WORDS = {  # what stands behind the rate
    "sgd": "sgd lr={}",
    "momentum": "sgd lr={} momentum=0.9",
    "adam": "adam lr={}",
    "adamw": "adamw lr={} weight_decay=0.1",
}
RATES = {
    "sgd": (0.03, 0.1, 0.3, 1.0),
    "momentum": (0.01, 0.03, 0.1, 0.3),
    "adam": (0.001, 0.003, 0.01, 0.03),
    "adamw": (0.001, 0.003, 0.01, 0.03),
}
BATCH, RATE = 32, 0.03
"""Where the scaling of batches starts from, with plain SGD."""
LARGER = (128, 512)
LEVELS = (0.25, 0.02)
"""Errors in training that are waited for."""


def jobs(short: bool) -> list[dict[str, Any]]:
    seeds, epochs = (1, 3) if short else (4, 10)
    tried = [("relu", word, rate, BATCH) for word, rates in RATES.items() for rate in rates]
    tried += [("tanh", "momentum", rate, BATCH) for rate in RATES["momentum"]]
    if short:
        tried = [each for each in tried if each[2] in (0.03, 0.003)]
    for batch in LARGER:
        tried += [("relu", "sgd", rate, batch) for rate in (RATE, scaled(batch))]
    return [
        {"act": act, "by": by, "rate": rate, "batch": batch, "epochs": epochs, "seed": seed}
        for act, by, rate, batch in tried
        for seed in range(seeds)
    ]


def scaled(batch: int) -> float:
    """The rate that grows with the batch."""
    return RATE * batch / BATCH


def measure(act: str, by: str, rate: float, batch: int, epochs: int, seed: int) -> dict[str, Any]:
    changes = [f"optimizer {WORDS[by].format(rate)}", f"batch {batch}", f"epochs {epochs}"]
    trained = train("steps.arch", act, seed=seed, changes=changes)
    return {
        "losses": [row.train_loss for row in trained.rows],
        "errors": [1 - row.train_accuracy for row in trained.rows],
        "loss": trained.rows[-1].train_loss,
        "valid_error": 1 - trained.rows[-1].valid_accuracy,
    }


# What is told


def best(runs: Runs, by: str, act: str = "relu") -> Runs:
    """The runs of the rate that leaves the least loss in training in the mean."""
    same = runs.where(by=by, act=act, batch=BATCH)
    rates = [same.where(rate=rate) for rate in same.each("rate")]
    return min(rates, key=lambda each: each.spread("loss").mean)


def epochs_to(level: float, errors: Sequence[float]) -> float:
    """When so small an error is first met, between two epochs in proportion; infinity if never.

    The error of an epoch is counted while it learns, so before the first one all is guessed.
    """
    before = 0.9
    for epoch, error in enumerate(errors):
        if error <= level:
            return epoch + (before - level) / (before - error)
        before = error
    return inf


def times(runs: Runs, level: float) -> list[float]:
    """Of each seed, the epochs until this error."""
    return [epochs_to(level, errors) for errors in runs.values("errors")]


def told(values: Sequence[float]) -> str:
    """A mean and its deviation, where all seeds arrived."""
    return f"{Spread.of(values):.1f}" if max(values) < inf else "not in every seed"


def report(runs: Runs) -> Report:
    head = ["", "best rate", *(f"epochs to {level:.0%} in training" for level in LEVELS)]
    rows = [[*head, "error in validation"]]
    for act, by in [*(("relu", by) for by in RATES), ("tanh", "momentum")]:
        found = best(runs, by, act)
        cells = [f"{act}, {by}", f"{found[0].job['rate']:g}"]
        cells += [told(times(found, level)) for level in LEVELS]
        rows.append([*cells, f"{found.spread('valid_error'):.1%}"])
    checks = [_activation(runs, level) for level in LEVELS]
    checks += [_sooner(runs, "momentum"), _sooner(runs, "adam"), _decay(runs)]
    checks += [_scaling(runs, batch) for batch in LARGER]
    return Report(checks, rows, _text(runs, checks))


def _activation(runs: Runs, level: float) -> Check:
    relu, tanh = (times(best(runs, "momentum", act), level) for act in ("relu", "tanh"))
    wins = sum(a < b for a, b in zip(relu, tanh, strict=True))
    claim = f"ReLU meets {level:.0%} of error in training sooner than tanh, in every seed"
    found = f"in {wins} of {len(relu)}; epochs {told(relu)} against {told(tanh)}"
    return Check(claim, found, wins == len(relu))


def _sooner(runs: Runs, by: str) -> Check:
    fast, plain = (times(best(runs, each), LEVELS[-1]) for each in (by, "sgd"))
    wins = sum(a < b for a, b in zip(fast, plain, strict=True))
    claim = f"{by} meets {LEVELS[-1]:.0%} sooner than plain SGD, in every seed"
    found = f"in {wins} of {len(fast)}; epochs {told(fast)} against {told(plain)}"
    return Check(claim, found, wins == len(fast))


def _decay(runs: Runs) -> Check:
    adamw, adam = (best(runs, by).spread("valid_error") for by in ("adamw", "adam"))
    claim = "AdamW with its decay errs less in validation than Adam without, by more than a "
    claim += "standard deviation of either"
    holds = adam.mean - adamw.mean > max(adam.deviation, adamw.deviation)
    return Check(claim, f"{adamw:.1%} against {adam:.1%}", holds)


def gaps(runs: Runs, batch: int, rate: float) -> list[float]:
    """By which factor the last loss in training is another than with the small batch."""
    found = runs.where(by="sgd", act="relu", batch=batch, rate=rate).values("loss")
    base = runs.where(by="sgd", act="relu", batch=BATCH, rate=RATE).values("loss")
    return [max(a / b, b / a) for a, b in zip(found, base, strict=True)]


def _scaling(runs: Runs, batch: int) -> Check:
    grown, same = (gaps(runs, batch, rate) for rate in (scaled(batch), RATE))
    claim = f"batch {batch}: with the rate scaled the last loss is within a factor of 1.5 of batch "
    claim += f"{BATCH}'s in every seed, with the same rate in none"
    found = f"{max(grown):.2f} at most, against {min(same):.2f} at least"
    return Check(claim, found, max(grown) < 1.5 < min(same))


def _text(runs: Runs, checks: list[Check]) -> str:
    text = (
        f"All of it is a network of 4,218 weights and 1,438 digits, with batches of {BATCH}; the "
    )
    text += "best rate is that of the least loss in training. "
    relu, tanh = (best(runs, "momentum", act) for act in ("relu", "tanh"))
    ratios = [
        Spread.of(times(tanh, level)).mean / Spread.of(times(relu, level)).mean
        for level in LEVELS
        if max(times(tanh, level) + times(relu, level)) < inf
    ]
    if ratios:
        shown = " and ".join(f"{ratio:.2f}" for ratio in ratios)
        text += f"Tanh needs {shown} times the epochs of ReLU"
        text += "" if checks[0].holds and checks[1].holds else ": no sixfold gain shows here"
        text += ". "
    worst, least = (
        " and ".join(f"{choose(gaps(runs, batch, rate(batch))):.1f}" for batch in LARGER)
        for choose, rate in ((max, scaled), (min, lambda _: RATE))
    )
    sizes = " and ".join(map(str, LARGER))
    text += f"With rates in proportion, batches of {sizes} end within factors of {worst} of the "
    text += f"small batch's loss, with the same rate no nearer than {least}; no warm-up is used."
    return text


def draw(runs: Runs) -> Figure:
    figure, axes = panels(3, 1, 9, 3.2)
    for act, color in (("relu", RED), ("tanh", BLUE)):
        for i, errors in enumerate(best(runs, "momentum", act).values("errors")):
            label = f"{act}, rate {best(runs, 'momentum', act)[0].job['rate']:g}" if not i else None
            percent = [100 * error for error in errors]
            axes[0].plot(range(1, len(errors) + 1), percent, color=color, label=label, linewidth=1)
    axes[0].set(title="ReLU and tanh, momentum", xlabel="epoch", ylabel="error in training, %")
    axes[0].set(ylim=(0, None))
    for by, color in zip(RATES, (GREEN, RED, BLUE, ORANGE), strict=True):
        same = runs.where(by=by, act="relu", batch=BATCH)
        rates = same.each("rate")
        spreads = [same.spread("loss", rate=rate) for rate in rates]
        bars = [[s.mean - s.least for s in spreads], [s.most - s.mean for s in spreads]]
        means = [s.mean for s in spreads]
        axes[1].errorbar(rates, means, bars, color=color, label=by, marker="o", markersize=3)
    axes[1].set(title="optimizers", xlabel="rate", ylabel="last loss in training")
    axes[1].set(xscale="log", yscale="log")
    for batch, color in zip((BATCH, *LARGER), (RED, GREEN, BLUE), strict=True):
        for rate in dict.fromkeys((scaled(batch), RATE)):
            same = runs.where(by="sgd", act="relu", batch=batch, rate=rate)
            means = [sum(each) / len(each) for each in zip(*same.values("losses"), strict=True)]
            line = "-" if rate == scaled(batch) else "--"
            label = f"batch {batch}, rate {rate:g}"
            axes[2].plot(range(1, len(means) + 1), means, line, color=color, label=label)
    axes[2].set(title="batches, plain SGD", xlabel="epoch", ylabel="loss in training, mean")
    axes[2].set(yscale="log", ylim=(0.02, 3))
    axes[2].minorticks_off()
    for axis in axes:
        axis.legend(fontsize="small")
    return figure
