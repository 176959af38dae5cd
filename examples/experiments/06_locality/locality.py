"""Locality is a prior: where pixels have changed places, convolutions lose and dense layers do not.

A convolution takes it that neighbours belong together, and that a pattern means the same everywhere
(LeCun et al. 1989). That is knowledge of pictures, put into the network beforehand. The control is
to take it away: the pixels of all digits are brought into another order, the same for all of them,
so that as much can be learnt as before, but neighbours are none any more. A fully connected network
knows of no neighbours and cannot notice. Both networks have as many parameters.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import BLUE, RED, Check, Report, Runs, panels, pictures, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

NETS = ("cnn", "mlp")
ORDERS = ("as they are", "another order")
SHOWN = 4  # digits in the plot


def jobs(short: bool) -> list[dict[str, Any]]:
    return [
        {"net": net, "order": order, "seed": seed, "epochs": 5 if short else 20}
        for net in NETS
        for order in ORDERS
        for seed in range(1 if short else 6)
    ]


def measure(net: str, order: str, seed: int, epochs: int) -> dict[str, Any]:
    import numpy as np
    from sklearn.datasets import load_digits

    places = np.arange(64)
    if order == ORDERS[1]:
        places = np.random.default_rng(seed).permutation(64)
    digits, classes = load_digits(return_X_y=True)
    digits = digits[:, places].reshape(-1, 1, 8, 8).astype("float32")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "digits.npz")
        np.savez(file, x=digits, y=classes)
        changes = [f'data npz "{file}" validation=0.3', f"epochs {epochs}"]
        trained = train("locality.arch", net, seed=seed, changes=changes)
    found: dict[str, Any] = {
        "error": 1 - trained.rows[-1].valid_accuracy,
        "parameters": trained.network.summary().params,
    }
    if net == "mlp":
        found["difference"] = undone(trained.model, digits)
    if (net, seed) == ("cnn", 0):
        found["digits"] = ["".join(f"{min(15, int(v)):x}" for v in d.flat) for d in digits[:SHOWN]]
    return found


def undone(model: nn.Module, digits: Any) -> float:
    """How far a fully connected network's outputs move if pixels and columns change places alike.

    An order of the pixels is an order of the first matrix's columns, which are drawn at random.
    """
    import torch

    x = torch.from_numpy(digits).flatten(1)
    places = torch.randperm(64)
    with torch.no_grad():
        before = model(x.reshape(-1, 1, 8, 8))
        first = next(m for m in model.modules() if isinstance(m, torch.nn.Linear))
        first.weight.copy_(first.weight[:, places])
        after = model(x[:, places].reshape(-1, 1, 8, 8))
    return float((after - before).abs().max() / before.abs().max())


# What is told


def losses(runs: Runs, net: str) -> list[float]:
    """By how much more each seed errs with the pixels in another order."""
    before, after = (runs.values("error", net=net, order=order) for order in ORDERS)
    return [b - a for a, b in zip(before, after, strict=True)]


def report(runs: Runs) -> Report:
    rows = [["network", "parameters", *(f"error, pixels {order}" for order in ORDERS)]]
    for net in NETS:
        errors = (runs.spread("error", net=net, order=order) for order in ORDERS)
        rows.append(
            [
                net.upper(),
                f"{runs.values('parameters', net=net)[0]:,}",
                *(f"{e:.1%}" for e in errors),
            ]
        )
    return Report(_checks(runs), rows, _text(runs))


def _checks(runs: Runs) -> list[Check]:
    most = max(runs.values("difference", net="mlp"))
    cnn, mlp = (losses(runs, net) for net in NETS)
    mean = sum(mlp) / len(mlp)
    errors = [[runs.spread("error", net=net, order=order) for net in NETS] for order in ORDERS]
    ahead, behind = ((a.mean, b.mean) for a, b in errors)
    return [
        Check(
            "an MLP whose first matrix has its columns in the pixels' order says the same, to "
            "rounding",
            f"{most:.1g} of the largest output at most",
            most < 1e-5,
        ),
        Check(
            "in another order the CNN errs more often, in every seed",
            f"by {100 * min(cnn):.1f} to {100 * max(cnn):.1f} points",
            min(cnn) > 0,
        ),
        Check(
            "the MLP errs as often as before, within a point in the mean",
            f"by {100 * mean:+.1f} points",
            abs(mean) < 0.01,
        ),
        Check(
            "the CNN errs less often than the MLP as they are, and more often in another order, in "
            "the mean",
            f"{ahead[0]:.1%} against {ahead[1]:.1%}; {behind[0]:.1%} against {behind[1]:.1%}",
            ahead[0] < ahead[1] and behind[0] > behind[1],
        ),
    ]


def _text(runs: Runs) -> str:
    cnn, mlp = ([runs.spread("error", net=net, order=o) for o in ORDERS] for net in NETS)
    text = f"The CNN has {cnn[0]:.1%} wrong with the pixels as they are and {cnn[1]:.1%} in "
    text += f"another order, the MLP {mlp[0]:.1%} and {mlp[1]:.1%}. Each seed has an order of its "
    text += "own, and divides the digits its own way, the same for all four. No information is "
    text += "lost in another order, and the CNN still sees every pixel by its fully connected "
    return text + "layers: what it loses is what it was told beforehand of neighbours."


def draw(runs: Runs) -> Figure:
    figure, axes = panels(2, 1, 6, 2.8)
    pictures(axes[:1], lambda axis, _: _digits(axis, runs))
    for net, color in zip(NETS, (RED, BLUE), strict=True):
        both = [runs.values("error", net=net, order=order) for order in ORDERS]
        for i, pair in enumerate(zip(*both, strict=True)):
            percent = [100 * error for error in pair]
            label = net.upper() if i == 0 else None
            axes[1].plot(ORDERS, percent, "o-", color=color, label=label, linewidth=1, markersize=4)
    axes[1].set(title="a line for each seed", ylabel="error in validation, %")
    axes[1].set(xlim=(-0.3, 1.3), ylim=(0, None))
    axes[1].legend()
    return figure


def _digits(axis: Any, runs: Runs) -> None:
    """Some digits in a row, and below them the same in another order."""
    lines: list[list[int]] = []
    for order in ORDERS:
        texts = runs.where(net="cnn", order=order, seed=0)[0].found["digits"]
        lines += [[v for text in texts for v in _row(text, r)] for r in range(8)]
        lines += [[0] * len(lines[0])] * 2
    axis.imshow(lines[:-2], cmap="gray_r", vmin=0, vmax=15)
    axis.set(title="as they are, and in another order")
    axis.spines[:].set_visible(False)


def _row(text: str, row: int) -> list[int]:
    """A row of pixels, and two empty ones behind it."""
    return [*(int(v, 16) for v in text[8 * row : 8 * row + 8]), 0, 0]
