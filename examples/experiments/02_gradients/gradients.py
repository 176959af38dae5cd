"""Gradients vanish through deep sigmoids; ReLU, initialisation, normalisation, shortcuts keep them.

On its way back a gradient meets each activation's slope, 0.25 at most for a sigmoid, and each
layer's weights. Through twenty layers the product vanishes or explodes unless each factor is about
one (Hochreiter 1991; Glorot & Bengio 2010). Glorot's start does that for tanh, He's for ReLU (He et
al. 2015); batch normalisation (Ioffe & Szegedy 2015) and shortcuts (He et al. 2016) help the rest.
How large the gradient is at each layer can be computed from the spec, before there is any weight.
"""

from __future__ import annotations

from collections import defaultdict
from math import inf, sqrt
from statistics import fmean
from typing import TYPE_CHECKING, Any

from lab import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    Check,
    Report,
    Runs,
    Spread,
    load,
    panels,
    train,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from archdsl.ir.graph import Graph, Node
    from archdsl.ir.signal import Signal

SPEC = "gradients.arch"
ACTS = ("sigmoid", "tanh", "relu")
INITS = {  # what stands in the place of `layer` in the spec
    "PyTorch's own": "fc",
    "normal 0.01": "(fc init=normal(0.01))",
    "orthogonal": "(fc init=orthogonal)",
    "glorot": "(fc init=glorot)",
    "he": "(fc init=he)",
}
FITTING = {"sigmoid": "glorot", "tanh": "glorot", "relu": "he"}
TRAINED = [("plain", "sigmoid"), ("shortcuts", "sigmoid"), ("normalized", "sigmoid")]
TRAINED += [("plain", "tanh"), ("plain", "relu")]
RATES = (0.003, 0.01, 0.03)


def jobs(short: bool) -> list[dict[str, Any]]:
    trained = [
        {"net": net, "act": act, "init": FITTING[act], "rate": rate, "epochs": 4 if short else 15}
        for net, act in (TRAINED[:2] if short else TRAINED)
        for rate in (RATES[-1:] if short else RATES)
    ]
    looked_at = [
        {"net": net, "act": act, "init": init}
        for net in ("plain", "normalized", "shortcuts")
        for act in ACTS
        for init in (INITS if net == "plain" else [FITTING[act]])
    ]
    counts = ((trained, 1 if short else 3), (looked_at, 1 if short else 5))
    return [{**job, "seed": seed} for jobs, n in counts for job in jobs for seed in range(n)]


def measure(
    net: str, act: str, init: str, seed: int, rate: float = 0, epochs: int = 0
) -> dict[str, Any]:
    if epochs:
        changes = [f"optimizer sgd lr={rate} momentum=0.9", f"epochs {epochs}"]
        trained = train(SPEC, net, seed=seed, changes=changes, layer=INITS[init], act=act)
        errors = [1 - row.train_accuracy for row in trained.rows]
        return {"errors": errors, "error": errors[-1]}
    network = load(SPEC, net, layer=INITS[init], act=act)
    found = {"measured": relative(gradients(network.to_torch(seed=seed)))}
    if net != "normalized":  # whose statistics `signals` does not know channel by channel
        found["predicted"] = relative(predicted(network.graph))
    return found


def relative(values: list[float]) -> list[float]:
    """In units of the last one."""
    return [value / values[-1] for value in values]


def gradients(model: Any) -> list[float]:
    """The root mean square of the loss's gradient at the input of each unit, for all digits."""
    import torch
    from sklearn.datasets import load_digits

    digits, classes = load_digits(return_X_y=True)
    digits = (digits - digits.mean()) / digits.std()
    found: list[float] = []

    def before(unit: Any, inputs: Any) -> None:
        # The gradient arrives at the last unit first.
        inputs[0].register_hook(lambda g: found.insert(0, float(g.square().mean().sqrt())))

    model = model.double()  # squares of what vanishes are too small for 32 bits
    for unit in model.children():
        if list(unit.children()):
            unit.register_forward_pre_hook(before)
    outputs = model(torch.from_numpy(digits).reshape(-1, 1, 8, 8))
    loss = torch.nn.functional.cross_entropy
    loss(outputs, torch.from_numpy(classes), reduction="sum").backward()
    return found


def predicted(graph: Graph) -> list[float]:
    """The same, but for a common factor, from what each layer says of itself.

    `signals` gives mean and variance of what goes in; a gradient's mean square meets a factor at
    each layer on its way back, and adds up where ways meet.
    """
    from archdsl.analyses.signal import signals

    found, back = signals(graph), defaultdict[str, float](float)
    back[graph.main.node] = 1
    for node in reversed(graph.nodes):
        for path in node.inputs:
            back[path] += back[node.path] * factor(node, found[path])
    firsts: dict[str, str] = {}  # of each unit, the tensor that it reads
    for node in graph.nodes:
        if node.scope:
            firsts.setdefault(node.scope, node.inputs[0])
    return [sqrt(back[path]) for path in firsts.values()]


def factor(node: Node, x: Signal) -> float:
    """What a layer makes of the mean square of a gradient that comes back to its input `x`."""
    from archdsl.ir.curve import STANDARD
    from archdsl.ir.op import curve_of
    from archdsl.ir.shapes import elements
    from archdsl.ir.signal import ZERO

    if (curve := curve_of(node.op)) is not None:
        return curve.mean_square_slope(x)
    if len(node.inputs) > 1:
        return 1.0  # a sum
    # What weights make of a difference on its way forwards; backwards the fans change places.
    one, none = (
        node.op.signal((s,), node.starts, node.input_shapes, node.shape) for s in (STANDARD, ZERO)
    )
    widths = elements(node.shape), elements(node.input_shapes[0])
    return (one.mean_square - none.mean_square) * widths[0] / widths[1]


# What is told


def left(runs: Runs, **job: Any) -> list[float]:
    """The share of the gradient that is left at the first unit, of each seed."""
    return [kept[0] for kept in runs.values("measured", **job)]


def best_rate(runs: Runs, net: str, act: str) -> Runs:
    """The runs with the rate that leaves the least error in the mean; none where none learns."""
    trained = [runs.where(net=net, act=act, rate=rate) for rate in runs.each("rate")]
    return min(trained, key=lambda each: each.spread("error").mean if each else inf)


def report(runs: Runs) -> Report:
    rows = [["network", "activation", "init", "gradient left, predicted", "measured", "error"]]
    looked_at = Runs([run for run in runs if "measured" in run.found])
    for net in looked_at.each("net"):
        for act in ACTS:
            for init in looked_at.where(net=net, act=act).each("init"):
                rows.append(_row(runs, looked_at.where(net=net, act=act, init=init)))
    return Report(_checks(runs, looked_at), rows, _text(runs))


def _row(runs: Runs, same: Runs) -> list[str]:
    """A line of the table, of the runs that differ in the seed alone."""
    job = same[0].job
    known = same[0].found.get("predicted")
    best = best_rate(runs, job["net"], job["act"])
    error = f"{best.spread('error'):.1%}" if best and best[0].job["init"] == job["init"] else ""
    kept = f"{Spread.of(left(same)):.1e}"
    return [job["net"], job["act"], job["init"], f"{known[0]:.1e}" if known else "", kept, error]


def _checks(runs: Runs, looked_at: Runs) -> list[Check]:
    most = max(left(looked_at, net="plain", act="sigmoid"))
    claim = "plain sigmoids, whatever their init: in every seed less than a millionth is left"
    checks = [Check(claim, f"{most:.1e} at most", most < 1e-6)]
    checks += [_fitting_init(looked_at, act) for act in ("tanh", "relu")]
    checks += [_mended(looked_at, net) for net in ("normalized", "shortcuts")]
    return [*checks, _prediction(looked_at), _learning(runs)]


def _fitting_init(looked_at: Runs, act: str) -> Check:
    kept = left(looked_at, net="plain", act=act, init=FITTING[act])
    other = left(looked_at, net="plain", act=act, init="PyTorch's own")
    return Check(
        f"""plain {act} with {FITTING[act]}: between a tenth and ten times is left in every seed,
        with PyTorch's own init less than a thousandth""",
        f"{min(kept):.1e} to {max(kept):.1e}; {max(other):.1e} at most",
        min(kept) > 0.1 and max(kept) < 10 and max(other) < 1e-3,
    )


def _mended(looked_at: Runs, net: str) -> Check:
    kept = left(looked_at, net=net, act="sigmoid")
    without = left(looked_at, net="plain", act="sigmoid", init=FITTING["sigmoid"])
    return Check(
        f"""{net} sigmoids: between a tenth and ten times is left in every seed, of plain ones
        with the same init less than a millionth""",
        f"{min(kept):.1e} to {max(kept):.1e}; {max(without):.1e} at most",
        min(kept) > 0.1 and max(kept) < 10 and max(without) < 1e-6,
    )


def _prediction(looked_at: Runs) -> Check:
    worst, least = 1.0, 1.0
    known = Runs([run for run in looked_at if "predicted" in run.found])
    for net, act, init in dict.fromkeys((r.job["net"], r.job["act"], r.job["init"]) for r in known):
        same = known.where(net=net, act=act, init=init)
        by_unit = zip(*same.values("measured"), strict=True)
        for found, said in zip(by_unit, same[0].found["predicted"], strict=True):
            is_ = sqrt(fmean(each**2 for each in found))
            worst, least = max(worst, is_ / said, said / is_), min(least, is_)
    return Check(
        """what the spec predicts, at every unit of every network without normalisation, is right
        within a factor of 2 (root mean square over the seeds)""",
        f"{worst:.2f} at most, down to {least:.0e}",
        worst < 2,
    )


def _learning(runs: Runs) -> Check:
    stuck = min(best_rate(runs, "plain", "sigmoid").values("error"))
    rest = (best_rate(runs, *key).values("error") for key in TRAINED[1:])
    others = max(error for errors in rest for error in errors)
    return Check(
        """each at its best of the rates tried, in every seed: the plain sigmoids err more than
        twice as often in training as any of the others""",
        f"{stuck:.0%} at least, against {others:.0%} at most",
        stuck > 2 * others,
    )


def _text(runs: Runs) -> str:
    rates = ", ".join(f"{rate:g}" for rate in sorted(runs.each("rate")))
    return f"""
        A gradient is that of the loss, taken by what a unit reads: its root mean square over all
        digits, in the first of 19 units against the last. The prediction takes values as
        independent, as Glorot & Bengio do, and so does the rule L402 of the linter. For batch
        normalisation there is none: it works with the statistics of each channel, and the
        prediction has those of all together. The error is that of training in its last epoch, with
        the best of the rates {rates}."""


def draw(runs: Runs) -> Figure:
    figure, axes = panels(3, 1, 9, 3.2)
    lines = [("sigmoid", "glorot", BLUE), ("tanh", "glorot", GREEN)]
    lines += [("relu", "he", RED), ("relu", "glorot", ORANGE)]
    for act, init, color in lines:
        same = runs.where(net="plain", act=act, init=init, seed=0)
        _by_layer(axes[0], same, f"{act}, {init}", color)
    kinds = (("plain", BLUE), ("normalized", PURPLE), ("shortcuts", BLACK))
    for net, color in kinds:
        same = runs.where(net=net, act="sigmoid", init="glorot", seed=0)
        _by_layer(axes[1], same, net, color)
    axes[0].set(title="plain", ylabel="gradient, of the last unit's")
    axes[1].set(title="sigmoid")
    for axis in axes[:2]:
        axis.set(xlabel="unit (line: predicted)", yscale="log", ylim=(1e-13, 1e3))
        axis.minorticks_off()
    colors = dict(kinds) | {"tanh": GREEN, "relu": RED}
    for net, act in TRAINED:
        color = colors[net if act == "sigmoid" else act]
        for i, errors in enumerate(best_rate(runs, net, act).values("errors")):
            label = f"{act}, {net}" if i == 0 else None
            axes[2].plot([100 * e for e in errors], color=color, label=label, linewidth=1)
    axes[2].set(title="learning", xlabel="epoch", ylabel="error in training, %", ylim=(0, 100))
    for axis in axes[:2]:
        axis.legend(fontsize="small")
    axes[2].legend(fontsize="small", loc="upper right", bbox_to_anchor=(1, 0.9))
    return figure


def _by_layer(axis: Any, runs: Runs, label: str, color: str) -> None:
    """What was measured as points, what was predicted as a line."""
    for run in runs:
        if "measured" not in run.found:
            continue
        units = range(1, len(run.found["measured"]) + 1)
        axis.plot(units, run.found["measured"], "o", color=color, markersize=3, label=label)
        if "predicted" in run.found:
            axis.plot(units, run.found["predicted"], color=color, linewidth=1)
