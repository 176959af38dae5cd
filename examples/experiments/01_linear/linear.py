"""Two linear layers are one; a ReLU between them lifts the limit.

W2(W1 x + b1) + b2 is (W2 W1) x + (W2 b1 + b2): a layer again, however wide the hidden one is. So it
errs where one layer does, on every XOR and spiral, whose classes no line separates (Minsky & Papert
1969). With a ReLU in between the same weights bend the border (Rumelhart, Hinton & Williams 1986).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab import COLORS, Check, Report, Runs, panels, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.random import Generator
    from torch import nn

Points = tuple[Any, Any]
"""Points (n, 2) and their classes (n)."""

NETS = {"one": "one layer", "two": "two layers", "relu": "two layers, a ReLU between"}
TASKS = {
    "xor": ('data python "linear:xor" workers=0', {"size": 2, "classes": 2}),
    "spirals": ('data python "linear:spirals" workers=0', {"size": 2, "classes": 2}),
    "digits": ("data digits validation=0.3", {"size": "1x8x8", "classes": 10}),
}
SIDE = 60  # of the grid on which the regions are drawn
LIMIT = 1.5  # how far it reaches


def jobs(short: bool) -> list[dict[str, Any]]:
    seeds = range(1 if short else 5)
    tasks = ["xor", "digits"] if short else list(TASKS)
    epochs = 30 if short else 100
    lines = [{"task": task, "net": "line"} for task in tasks if task in POINTS]
    return [
        {"task": task, "net": net, "seed": seed, "epochs": epochs}
        for task in reversed(tasks)
        for net in NETS
        for seed in seeds
    ] + lines


def measure(task: str, net: str, seed: int = 0, epochs: int = 0) -> dict[str, Any]:
    if net == "line":
        return {"error": best_line(*POINTS[task]()[1])}
    data, parameters = TASKS[task]
    changes = [data, f"epochs {epochs}"]
    trained = train("linear.arch", net, seed=seed, changes=changes, **parameters)
    found: dict[str, Any] = {"error": 1 - trained.rows[-1].valid_accuracy}
    if net == "two":
        found |= product(trained.model, parameters["size"])
    if seed == 0 and task != "digits":
        found["regions"] = regions(trained.model)
    return found


def product(model: nn.Module, size: int | str) -> dict[str, float]:
    """How far the outputs of two layers are from those of the one that their product is."""
    import torch

    model = model.double()
    first, second = (m for m in model.modules() if isinstance(m, torch.nn.Linear))
    weight = second.weight @ first.weight
    bias = second.weight @ first.bias + second.bias
    shape = (size,) if isinstance(size, int) else map(int, size.split("x"))
    x = torch.randn(1000, *shape, dtype=torch.float64)
    with torch.no_grad():
        both, single = model(x), x.flatten(1) @ weight.T + bias
    return {"difference": float((both - single).abs().max() / both.abs().max())}


# The points


def xor() -> tuple[Points, Points]:
    """Points of a square, whose class is whether the signs of x and y differ."""

    def make(draw: Generator, count: int = 1000) -> Points:
        points = draw.uniform(-1, 1, (count, 2))
        return points.astype("float32"), (points.prod(1) < 0).astype("int64")

    return drawn(make)


def spirals() -> tuple[Points, Points]:
    """Points of two arms of one and a half turns each, with some noise."""

    def make(draw: Generator, count: int = 1000) -> Points:
        import numpy as np

        arm = np.arange(count) % 2
        along = np.sqrt(draw.uniform(size=count))  # as dense outside as inside
        angle = 3 * np.pi * along + np.pi * arm
        points = along[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
        return (points + draw.normal(0, 0.03, (count, 2))).astype("float32"), arm

    return drawn(make)


def drawn(make: Callable[[Generator], Points]) -> tuple[Points, Points]:
    """Points to learn from and points to validate with, the same in every run."""
    from numpy.random import default_rng

    return make(default_rng(1)), make(default_rng(2))


POINTS = {"xor": xor, "spirals": spirals}


def best_line(points: Any, classes: Any, angles: int = 720) -> float:
    """The share of points on the wrong side of the best line, of all places and many directions."""
    import numpy as np

    least = 1.0
    for angle in np.linspace(0, np.pi, angles, endpoint=False):
        along = points @ np.array([np.cos(angle), np.sin(angle)])
        ordered = classes[np.argsort(along)]
        before = np.concatenate([[0], np.cumsum(ordered)])  # of class 1, up to the line
        wrong = before + np.arange(len(before))[::-1] - (before[-1] - before)
        least = min(least, wrong.min() / len(classes), 1 - wrong.max() / len(classes))
    return float(least)


def regions(model: nn.Module) -> list[str]:
    """The class at each point of a grid, rows from top to bottom."""
    import torch

    line = torch.linspace(-LIMIT, LIMIT, SIDE)
    y, x = torch.meshgrid(line.flip(0), line, indexing="ij")
    with torch.no_grad():
        classes = model.float()(torch.stack([x, y], -1).reshape(-1, 2)).argmax(1)
    return ["".join(map(str, row)) for row in classes.reshape(SIDE, SIDE).tolist()]


# What is told


def report(runs: Runs) -> Report:
    tasks = list(reversed(runs.each("task")))
    rows = [["error in validation", "best line of all", *NETS.values()]]
    for task in tasks:
        line = runs.spread("error", task=task, net="line") if task in POINTS else None
        nets = (runs.spread("error", task=task, net=net) for net in NETS)
        rows.append([task, f"{line:.1%}" if line else "", *(f"{each:.1%}" for each in nets)])
    checks = [_exact(runs), *(_no_better(runs, task) for task in tasks)]
    checks += [_bends(runs, task) for task in tasks if task in POINTS]
    if "digits" in tasks:
        checks.append(_digits(runs))
    return Report(checks, rows, _text(runs, checks))


def _exact(runs: Runs) -> Check:
    most = max(runs.values("difference", net="two"))
    return Check(
        """two layers give what the product of their matrices gives: in double precision outputs
        differ by less than 1e-12 of the largest""",
        f"{most:.1g} at most",
        most < 1e-12,
    )


def _no_better(runs: Runs, task: str) -> Check:
    one, two = (runs.spread("error", task=task, net=net).mean for net in ("one", "two"))
    claim = f"{task}: two layers err as often as one, within 3 points in the mean"
    return Check(claim, f"{two:.1%} against {one:.1%}", abs(two - one) < 0.03)


def _bends(runs: Runs, task: str) -> Check:
    line = runs.one("error", task=task, net="line")
    worst = max(runs.values("error", task=task, net="relu"))
    claim = (
        f"{task}: with a ReLU every seed errs less than a fifth as often as the best line of all"
    )
    return Check(claim, f"{worst:.1%} at most, against {line:.1%}", worst < line / 5)


def _digits(runs: Runs) -> Check:
    two, relu = (runs.values("error", task="digits", net=net) for net in ("two", "relu"))
    better = sum(b < a for a, b in zip(two, relu, strict=True))
    claim = "digits: with a ReLU every seed errs less often than two layers on the same digits"
    return Check(claim, f"{better} of {len(two)} seeds", better == len(two))


def _text(runs: Runs, checks: list[Check]) -> str:
    text = """One layer and two are trained to the least cross entropy, which is not the fewest
        errors: where no line helps, as with XOR, they may do worse than the best line does. """
    if "digits" not in runs.each("task"):
        return text
    two, relu = (runs.spread("error", task="digits", net=net) for net in ("two", "relu"))
    text += f"""On digits, points of 64 dimensions, planes separate almost everything: {two:.1%}
        wrong without a ReLU, {relu:.1%} with one. """
    if checks[-1].holds:
        return text + "The ReLU is better in every seed, but the limit is hardly felt there."
    return text + "There the limit is hardly felt, and not every seed gains by lifting it."


def draw(runs: Runs) -> Figure:
    from matplotlib.colors import ListedColormap, to_rgb

    tasks = [task for task in POINTS if runs.where(task=task)]
    figure, axes = panels(len(NETS), len(tasks), 7, 2.5 * len(tasks), squeeze=False)
    pale = ListedColormap([tuple(0.5 + 0.5 * c for c in to_rgb(color)) for color in COLORS[:2]])
    for row, task in zip(axes, tasks, strict=True):
        points, classes = POINTS[task]()[1]
        for axis, net in zip(row, NETS, strict=True):
            lines = runs.one("regions", task=task, net=net, seed=0)
            grid = [[int(c) for c in line] for line in lines]
            axis.imshow(grid, cmap=pale, vmin=0, vmax=1, extent=[-LIMIT, LIMIT] * 2)
            for number, marker in enumerate("o^"):
                chosen = points[classes == number][:100]
                axis.scatter(*chosen.T, s=4, color=COLORS[number], marker=marker, rasterized=True)
            error = runs.one("error", task=task, net=net, seed=0)
            axis.set(xticks=[], yticks=[], title=f"{NETS[net]}\n{task}: {error:.1%} wrong")
            axis.grid(False)
    return figure
