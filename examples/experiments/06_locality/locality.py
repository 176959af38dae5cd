"""Locality is a prior: with its pixels shuffled, a convolutional network loses what it gained.

Convolutions with shared weights take it for granted that near pixels belong together and that a
pattern means the same wherever it is (LeCun et al. 1989). A fully connected network takes nothing
for granted: its first weights are as good in any order. So one order of the pixels, the same for
all images, keeps all that is in them, yet should harm the one and not the other.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import BLUE, RED, Check, Report, Runs, pictures, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

SIDE = 8
NETS = {"cnn": "convolutions", "mlp": "fully connected layers"}
ORDERS = {  # how far pixels are thrown: within squares of this side
    "kept": "as they are",
    "turned": "turned by 90°",
    "2": "shuffled in 2x2",
    "4": "shuffled in 4x4",
    "8": "shuffled in 8x8",
}


def jobs(short: bool) -> list[dict[str, Any]]:
    orders = ("kept", "8") if short else ORDERS
    epochs, seeds = (10, 1) if short else (30, 5)
    return [
        {"net": net, "order": order, "seed": seed, "epochs": epochs}
        for net in NETS
        for order in orders
        for seed in range(seeds)
    ]


def measure(net: str, order: str, seed: int, epochs: int) -> dict[str, Any]:
    import numpy as np
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.npz"
        x = (pixels[:, order_of(order, seed)] / 16).astype(np.float32)
        np.savez(path, x=x.reshape(-1, 1, SIDE, SIDE), y=classes)
        changes = [f"epochs {epochs}"]
        trained = train("locality.arch", net, seed=seed, changes=changes, data=path)
    return {
        "parameters": trained.network.summary().params,
        "error": 1 - trained.rows[-1].valid_accuracy,
    }


def order_of(name: str, seed: int) -> NDArray[Any]:
    """Which pixel goes to each place, 64 numbers; what is shuffled depends on the seed."""
    import numpy as np

    places = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    if name == "turned":
        places = np.rot90(places)
    elif name != "kept":
        side, draw = int(name), np.random.default_rng(seed)
        squares = places.reshape(SIDE // side, side, SIDE // side, side).swapaxes(1, 2)
        mixed = draw.permuted(squares.reshape(-1, side * side), axis=1)
        places = mixed.reshape(squares.shape).swapaxes(1, 2)
    return places.reshape(-1)


# What is told


def report(runs: Runs) -> Report:
    orders = runs.each("order")
    rows = [["error in validation", *(ORDERS[order] for order in orders)]]
    for net, title in NETS.items():
        count = runs.values("parameters", net=net)[0]
        errors = (runs.spread("error", net=net, order=order) for order in orders)
        rows.append([f"{title}, {count:,} parameters", *(f"{error:.1%}" for error in errors)])
    checks = [
        _fewer(runs, ("cnn", "kept"), ("mlp", "kept")),
        _fewer(runs, ("cnn", "kept"), ("cnn", "8")),
        _fewer(runs, ("mlp", "8"), ("cnn", "8")),
        _alike(runs, "mlp", "8"),
    ]
    if "turned" in orders:
        checks.append(_alike(runs, "cnn", "turned"))
    return Report(checks, rows, _text(runs))


def _fewer(runs: Runs, one: tuple[str, str], other: tuple[str, str]) -> Check:
    """Whether one network errs less often than another, each with an order of its pixels."""
    few, many = (runs.values("error", net=net, order=order) for net, order in (one, other))
    seeds = sum(a < b for a, b in zip(few, many, strict=True))
    means = [runs.spread("error", net=net, order=order).mean for net, order in (one, other)]
    names = [f"{NETS[net]}, pixels {ORDERS[order]}" for net, order in (one, other)]
    claim = f"{names[0]}: in the mean less than nine tenths of the errors of {names[1]}"
    found = f"{means[0]:.1%} against {means[1]:.1%}; fewer in {seeds} of {len(few)} seeds"
    return Check(claim, found, means[0] < 0.9 * means[1])


def _alike(runs: Runs, net: str, order: str) -> Check:
    """A control: whether it makes no difference to a network."""
    kept, other = (runs.spread("error", net=net, order=name) for name in ("kept", order))
    claim = f"control: {NETS[net]}, pixels {ORDERS[order]}: within 1 point of the error with them "
    claim += "as they are"
    found = f"{other.mean:.1%} against {kept.mean:.1%}"
    return Check(claim, found, abs(other.mean - kept.mean) < 0.01)


def _text(runs: Runs) -> str:
    kept, shuffled = (
        [runs.spread("error", net=net, order=order) for net in NETS] for order in ("kept", "8")
    )
    text = "A fifth of the 1,797 digits is learned from: a prior should count the most where "
    text += f"examples are few. As the pixels are, convolutions have {kept[0]:.1%} wrong and fully "
    text += f"connected layers {kept[1]:.1%}; with all pixels shuffled, {shuffled[0]:.1%} and "
    text += f"{shuffled[1]:.1%}. "
    if kept[0].mean < kept[1].mean and shuffled[0].mean > shuffled[1].mean:
        text += "So what convolutions assume is worth having where it is true, and costs where it "
        text += "is not. "
    if "2" in runs.each("order"):
        near, middle = (runs.spread("error", net="cnn", order=order) for order in ("2", "4"))
        text += f"Shuffled within squares of 2x2 alone they have {near:.1%} wrong, of 4x4 "
        text += f"{middle:.1%}. "
    return text + "Locality, shared weights and pooling were not tried apart."


def draw(runs: Runs) -> Figure:
    from matplotlib.figure import Figure
    from sklearn.datasets import load_digits

    orders = runs.each("order")
    digit = load_digits(return_X_y=True)[0][5]
    figure = Figure(figsize=(7, 3.4), layout="constrained")
    parts = figure.subplot_mosaic([orders, ["errors"] * len(orders)], height_ratios=[1, 2.6])

    def show(axis: Any, i: int) -> None:
        pixels = digit[order_of(orders[i], seed=0)].reshape(SIDE, SIDE)
        axis.imshow(pixels, cmap="gray_r")

    pictures([parts[order] for order in orders], show)
    axis = parts["errors"]
    for net, color, marker, shift in (("cnn", RED, "o", -0.1), ("mlp", BLUE, "s", 0.1)):
        for place, order in enumerate(orders):
            errors = [100 * error for error in runs.values("error", net=net, order=order)]
            mean = sum(errors) / len(errors)
            axis.scatter([place + shift] * len(errors), errors, s=12, color=color, marker=marker)
            label = NETS[net] if place == 0 else None
            axis.plot(
                [place + shift - 0.08, place + shift + 0.08], [mean] * 2, color=color, label=label
            )
    axis.set_xticks(range(len(orders)), [ORDERS[order] for order in orders])
    axis.set(ylabel="error in validation, %", ylim=(0, None), xlim=(-0.5, len(orders) - 0.5))
    axis.grid(False, axis="x")
    axis.legend()
    return figure
