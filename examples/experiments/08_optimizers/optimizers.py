"""What makes training fast: ReLU or tanh, momentum, Adam, and a batch with the rate that fits it.

A four-layer network with ReLUs is said to reach 25 % training error several times sooner than one
with tanh (Krizhevsky, Sutskever & Hinton 2012, section 3.1, on CIFAR-10). Momentum adds steps up,
1/(1 - 0.9) = 10 of them (Polyak 1964); Adam finds each weight's own step (Kingma & Ba 2014), AdamW
takes the decay out of it (Loshchilov & Hutter 2017). With a batch k times as large, a rate k times
as high should do the same, after a warm-up (Goyal et al. 2017). Each is tried at several rates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab import BLUE, GREEN, ORANGE, PURPLE, RED, Check, Report, Runs, Spread, panels, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OPTIMIZERS = {
    "SGD": "sgd lr={}",
    "momentum": "sgd lr={} momentum=0.9",
    "Adam": "adam lr={}",
    "AdamW": "adamw lr={} weight_decay=0.1",
}
RATES = {
    "SGD": (0.01, 0.03, 0.1, 0.3, 1),
    "momentum": (0.003, 0.01, 0.03, 0.1, 0.3),
    "Adam": (0.0003, 0.001, 0.003, 0.01, 0.03),
    "AdamW": (0.0003, 0.001, 0.003, 0.01, 0.03),
}
BATCH, RATE = 32, 0.01  # the small batch, and the rate of momentum that fits it
BATCHES = (64, 128, 256, 512)
WARMUP = 3  # epochs
LEARNED = 0.02  # the error in training below which a rate has done its work
ACTS = {"relu": "ReLU", "tanh": "tanh"}
WAYS = {"fixed": "not scaled", "scaled": "scaled", "warm": f"scaled, warm-up of {WARMUP} epochs"}


def jobs(short: bool) -> list[dict[str, Any]]:
    epochs, seeds = (3, 1) if short else (10, 3)
    wanted: list[dict[str, Any]] = []
    for optimizer, rates in RATES.items():
        if short:
            rates = (
                rates[:4] if optimizer == "SGD" else rates[1:3]
            )  # ten times as high as momentum's
        wanted += [{"act": "relu", "optimizer": optimizer, "rate": rate} for rate in rates]
    rates = RATES["momentum"][1:3] if short else RATES["momentum"]
    wanted += [{"act": "tanh", "optimizer": "momentum", "rate": rate} for rate in rates]
    for batch in BATCHES[:1] if short else BATCHES:
        scaled = RATE * batch / BATCH
        for rate, warmup in ((RATE, 0), (scaled, 0), (scaled, WARMUP)):
            more = {"act": "relu", "optimizer": "momentum", "rate": rate, "batch": batch}
            wanted.append({**more, "warmup": warmup})
    common = {"batch": BATCH, "warmup": 0, "epochs": epochs}
    return [{**common, **job, "seed": seed} for job in wanted for seed in range(seeds)]


def measure(
    act: str, optimizer: str, rate: float, batch: int, warmup: int, epochs: int, seed: int
) -> dict[str, Any]:
    changes = [f"optimizer {OPTIMIZERS[optimizer].format(rate)}", f"batch {batch}"]
    changes += [f"epochs {epochs}", *([f"schedule warmup {warmup}"] if warmup else [])]
    trained = train("optimizers.arch", act, seed=seed, changes=changes)
    errors = [1 - row.train_accuracy for row in trained.rows]
    return {
        "errors": errors,
        "error": errors[-1],
        "loss": trained.rows[-1].train_loss,
        "valid_error": 1 - trained.rows[-1].valid_accuracy,
        "quarter": epochs_to(0.25, errors),
    }


def epochs_to(goal: float, errors: list[float]) -> float:
    """How many epochs it takes to a training error, between epochs along a straight line.

    The error of an epoch is taken as that in its middle; before training it is 0.9.

    >>> epochs_to(0.25, [0.5, 0.1])
    1.125
    """
    before, when = 0.9, 0.0
    for epoch, error in enumerate(errors):
        middle = epoch + 0.5
        if error <= goal:
            return when + (before - goal) / (before - error) * (middle - when)
        before, when = error, middle
    return float("inf")


# What is told


def report(runs: Runs) -> Report:
    rows = [["", "rate", "epochs to 25 %", "loss at the end", "error in validation"]]
    small = runs.where(batch=BATCH)
    for act, optimizer in [("tanh", "momentum"), *(("relu", name) for name in OPTIMIZERS)]:
        rate = best(small, act, optimizer)
        name = f"{ACTS[act]}, {optimizer}, its best rate"
        rows.append(_row(name, small.where(act=act, optimizer=optimizer, rate=rate)))
    rows.append(_row(f"ReLU, momentum, batch {BATCH}", _base(runs)))
    for batch in runs.each("batch")[1:]:
        for way, words in WAYS.items():
            rows.append(_row(f"the same, batch {batch}, rate {words}", scaled(runs, batch, way)))
    checks = [*_activation(small), *_momentum(small), *_adam(small), *_batch(runs)]
    return Report(checks, rows, _text(runs))


def _row(name: str, runs: Runs) -> list[str]:
    quarter = runs.values("quarter")
    epochs = "not all" if None in quarter else f"{Spread.of(quarter):.2f}"
    loss, error = runs.spread("loss"), runs.spread("valid_error")
    return [name, f"{runs[0].job['rate']:g}", epochs, f"{loss:.4f}", f"{error:.1%}"]


def best(runs: Runs, act: str, optimizer: str) -> float:
    """The rate with the least loss at the end, in the mean."""
    chosen = runs.where(act=act, optimizer=optimizer)
    return min(chosen.each("rate"), key=lambda rate: chosen.spread("loss", rate=rate).mean)


def learned(runs: Runs, act: str, optimizer: str) -> list[float]:
    """The rates that leave hardly an error in training, in the mean."""
    chosen = runs.where(act=act, optimizer=optimizer)
    return [r for r in chosen.each("rate") if chosen.spread("error", rate=r).mean < LEARNED]


def scaled(runs: Runs, batch: int, way: str) -> Runs:
    """The runs of a large batch."""
    rate = RATE if way == "fixed" else RATE * batch / BATCH
    return runs.where(batch=batch, rate=rate, warmup=WARMUP if way == "warm" else 0)


def _base(runs: Runs) -> Runs:
    return runs.where(act="relu", optimizer="momentum", rate=RATE, batch=BATCH)


def _sooner(claim: str, few: list[Any], many: list[Any]) -> Check:
    """Whether an error of 25 % is reached sooner in every seed, as counted in epochs."""
    pairs = [(a or float("inf"), b or float("inf")) for a, b in zip(few, many, strict=True)]
    seeds = sum(a < b for a, b in pairs)
    found = ", ".join(f"{a:.2f} against {b:.2f}" for a, b in pairs)
    return Check(f"{claim}, in every seed", f"{found} epochs", seeds == len(pairs))


def _activation(runs: Runs) -> list[Check]:
    """ReLU against tanh, both with momentum."""

    def quarter(act: str, rate: float) -> list[Any]:
        return runs.values("quarter", act=act, optimizer="momentum", rate=rate)

    own = [quarter(act, best(runs, act, "momentum")) for act in ACTS]
    means = [Spread.of([x or float("inf") for x in values]).mean for values in own]
    claim = (
        "ReLU reaches an error of 25 % in training in less than half the epochs that tanh needs, "
    )
    claim += "each at its best rate, in the mean"
    found = f"{means[0]:.2f} against {means[1]:.2f} epochs"
    return [
        Check(claim, found, means[0] < means[1] / 2),
        _sooner(
            f"at the same rate, {RATE}, ReLU gets there sooner than tanh",
            quarter("relu", RATE), quarter("tanh", RATE),
        ),
    ]  # fmt: skip


def _momentum(runs: Runs) -> list[Check]:
    """Momentum against SGD, at the same rate and at ten times the rate."""
    with_it, without = (runs.where(act="relu", optimizer=name) for name in ("momentum", "SGD"))
    pairs = [
        (
            with_it.spread("loss", rate=rate).mean,
            without.spread("loss", rate=round(10 * rate, 6)).mean,
        )
        for rate in learned(runs, "relu", "momentum")
    ]
    checks = [
        _sooner(
            f"at the same rate, {RATE}, momentum gets there sooner than SGD",
            with_it.values("quarter", rate=RATE), without.values("quarter", rate=RATE),
        ),
    ]  # fmt: skip
    found = ", ".join(f"{a:.4f} and {b:.4f}" for a, b in pairs)
    claim = (
        "control: momentum does what SGD does at ten times the rate: at each rate with which it "
    )
    claim += "learns, losses at the end within a factor of 2"
    alike = bool(pairs) and all(0.5 < a / b < 2 for a, b in pairs)
    return [*checks, Check(claim, found, alike)]


def _adam(runs: Runs) -> list[Check]:
    """Adam: how much too high its rate may be, and AdamW's decay."""
    errors = {}
    for name in ("Adam", "momentum"):
        chosen = runs.where(act="relu", optimizer=name)
        rates = chosen.each("rate")
        place = rates.index(best(runs, "relu", name)) + 1
        high = rates[min(place, len(rates) - 1)]
        errors[name] = high, chosen.spread("error", rate=high)
    claim = (
        f"Adam forgives the next rate above its best: errors in training stay below {LEARNED:.0%} "
    )
    claim += "in the mean; with momentum they do not"
    found = ", ".join(f"{name} {rate:g}: {error:.1%}" for name, (rate, error) in errors.items())
    adam, momentum = (error.mean for _, error in errors.values())
    own = [
        runs.values("valid_error", act="relu", optimizer=name, rate=best(runs, "relu", name))
        for name in ("AdamW", "Adam")
    ]
    better = sum(a < b for a, b in zip(*own, strict=True))
    means = " against ".join(f"{Spread.of(values):.1%}" for values in own)
    return [
        Check(claim, found, adam < LEARNED <= momentum),
        Check(
            "AdamW errs less than Adam in validation, each at its best rate, in every seed",
            f"{means}; less in {better} of {len(own[0])} seeds",
            better == len(own[0]),
        ),
    ]


def _batch(runs: Runs) -> list[Check]:
    """Large batches, with and without a rate that fits them."""
    base = _base(runs).spread("loss").mean
    batches = runs.each("batch")[1:]
    loss = {
        way: {batch: scaled(runs, batch, way).spread("loss").mean for batch in batches}
        for way in WAYS
    }
    kept, most = [b for b in batches if b <= 256], batches[-1]

    def told(way: str) -> str:
        return ", ".join(f"{loss[way][b]:.4f}" for b in kept) + f" against {base:.4f}"

    upto = f"up to a batch of {kept[-1]}"
    checks = [
        Check(
            f"{upto}, {kept[-1] // BATCH} times as large, a rate scaled with it leaves at most "
            f"twice the loss of batch {BATCH}",
            told("scaled"),
            all(loss["scaled"][b] < 2 * base for b in kept),
        ),
        Check(
            f"control: {upto}, the same rate leaves more than twice the loss",
            told("fixed"),
            all(loss["fixed"][b] > 2 * base for b in kept),
        ),
    ]
    if most > 256:
        warm, cold = loss["warm"][most], loss["scaled"][most]
        claim = f"at a batch of {most} a warm-up leaves less loss than none, in the mean"
        checks.append(Check(claim, f"{warm:.4f} against {cold:.4f}", warm < cold))
    return checks


def _text(runs: Runs) -> str:
    small = runs.where(batch=BATCH)
    text = "Rates are about three times apart, and the best is the one with the least loss in the "
    text += "last epoch. Epochs to 25 % are read off lines between the means of epochs, so that "
    text += "they are rough. "
    far, near = (check.holds for check in _activation(small))
    if near and not far:
        text += (
            "At the same rate ReLU is ahead of tanh; but tanh bears a higher one, with which most "
        )
        text += "of the lead is gone. That a network with ReLUs learns several times faster is not "
        text += "seen on these digits, which are no CIFAR-10. "
    _, alike = (check.holds for check in _momentum(small))
    if alike:
        text += "What momentum gains here, a rate ten times as high gains without it. "
    most = runs.each("batch")[-1]
    if most > 256:
        cold, warm = (scaled(runs, most, way).spread("loss") for way in ("scaled", "warm"))
        text += f"At a batch of {most} the scaled rate leaves a loss of {cold:.2f}, and with a "
        text += f"warm-up {warm:.2f}. "
        if cold.mean > 2 * _base(runs).spread("loss").mean:
            text += "There the rule has come to its end. "
    return text.strip()


def draw(runs: Runs) -> Figure:
    figure, (left, middle, right) = panels(3, 1, 10, 3.2)
    small = runs.where(batch=BATCH)
    for act, color in (("relu", RED), ("tanh", BLUE)):
        own = best(small, act, "momentum")
        for rate, line in ((own, "-"), (RATE, ":")):
            every = small.values("errors", act=act, optimizer="momentum", rate=rate)
            for i, errors in enumerate(every):
                middles = [epoch + 0.5 for epoch in range(len(errors))]
                label = f"{ACTS[act]}, rate {rate:g}" if i == 0 else None
                percent = [100 * error for error in errors]
                left.plot(middles, percent, line, color=color, label=label, linewidth=1)
    left.axhline(25, color="grey", linewidth=0.8)
    left.set(title="activation", xlabel="epoch", ylabel="error in training, %", xlim=(0, 5))
    left.set(ylim=(0, 90))
    left.legend()
    for name, color, marker in zip(OPTIMIZERS, (GREEN, RED, ORANGE, PURPLE), "os^v", strict=True):
        chosen = small.where(act="relu", optimizer=name)
        _line(middle, chosen.each("rate"), [chosen.where(rate=r) for r in chosen.each("rate")],
              name, color, marker)  # fmt: skip
    middle.set(title="optimizer", xlabel="rate", xscale="log", yscale="log")
    middle.set(ylabel="loss in the last epoch")
    batches = runs.each("batch")[1:]
    for way, color, marker in zip(WAYS, (BLUE, RED, ORANGE), "os^", strict=True):
        chosen = [_base(runs), *(scaled(runs, batch, way) for batch in batches)]
        _line(right, [BATCH, *batches], chosen, WAYS[way], color, marker)
    right.set(title="batch", xlabel="examples", xscale="log", yscale="log")
    right.set_xticks([BATCH, *batches], [str(batch) for batch in (BATCH, *batches)], minor=False)
    for axis in (middle, right):
        axis.minorticks_off()
        axis.legend(fontsize="small")
    return figure


def _line(
    axis: Any, places: list[Any], chosen: list[Runs], label: str, color: str, marker: str
) -> None:
    """Means of the loss, and the least and the most of the seeds."""
    losses = [runs.spread("loss") for runs in chosen]
    means = [loss.mean for loss in losses]
    around = [[s.mean - s.least for s in losses], [s.most - s.mean for s in losses]]
    axis.errorbar(places, means, around, label=label, color=color, marker=marker, markersize=4)
