"""Degradation: more layers make even the training error worse, and shortcuts mend it.

A plain network of 56 layers could do what one of 20 does, its other layers doing nothing; yet it is
found to err more, on what it learns from too, so that it is not overfitting. With shortcuts, which
add no weights here, the deep network learns (He, Zhang, Ren & Sun 2015, sections 1 and 4.2). It is
not that gradients vanish, for all of them have batch normalisation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab import BLUE, RED, Check, Report, Runs, panels, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NETS = ("plain20", "plain56", "resnet20", "resnet56")


def jobs(short: bool) -> list[dict[str, Any]]:
    nets = ["resnet56", "plain56", "plain20", "resnet20"][: 3 if short else 4]
    epochs, seeds = (6, 1) if short else (60, 3)
    return [{"net": n, "seed": s, "epochs": epochs} for n in nets for s in range(seeds)]


def measure(net: str, seed: int, epochs: int) -> dict[str, Any]:
    trained = train("degradation.arch", net, seed=seed, changes=[f"epochs {epochs}"])
    train_error = [1 - row.train_accuracy for row in trained.rows]
    valid_error = [1 - row.valid_accuracy for row in trained.rows]
    return {
        "parameters": trained.network.summary().params,
        "train_error": train_error[-1],
        "valid_error": valid_error[-1],
        "train_errors": train_error,
        "gradient": first_against_last(trained.network.to_torch(seed=seed)),
    }


def first_against_last(model: Any) -> float:
    """The gradient of the first convolution's weights over the last's, root mean squares."""
    import torch
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    outputs = model(torch.from_numpy(pixels / 16).float().reshape(-1, 1, 8, 8))
    torch.nn.functional.cross_entropy(outputs, torch.from_numpy(classes)).backward()
    kernels = [w.grad.square().mean().sqrt() for w in model.parameters() if w.ndim == 4]
    return float(kernels[0] / kernels[-1])


def report(runs: Runs) -> Report:
    nets = [net for net in NETS if runs.where(net=net)]
    rows = [
        ["network", "parameters", "error in training", "in validation", "gradient at the start"]
    ]
    for net in nets:
        errors = (runs.spread(key, net=net) for key in ("train_error", "valid_error"))
        count = runs.values("parameters", net=net)[0]
        gradient = f"{runs.spread('gradient', net=net):,.0f}"
        rows.append([net, f"{count:,}", *(f"{error:.2%}" for error in errors), gradient])
    deep, shallow = (runs.values("train_error", net=net) for net in ("plain56", "plain20"))
    mended = runs.values("train_error", net="resnet56")
    gradients = runs.values("gradient", net="plain56")
    unseen, control = (runs.spread("valid_error", net=net) for net in ("plain56", "plain20"))
    checks = [
        Check(
            "in training, plain-56 errs at least 10 points more than plain-20, in every seed",
            f"{min(deep):.2%} at least, against {max(shallow):.2%} at most",
            min(deep) > max(shallow) + 0.1,
        ),
        Check(
            "so it does in validation, in the mean",
            f"{unseen:.2%} against {control:.2%}",
            unseen.mean > control.mean + 0.1,
        ),
        Check(
            "in training, ResNet-56 errs at least 10 points less than plain-56, in every seed",
            f"{max(mended):.2%} at most, against {min(deep):.2%} at least",
            max(mended) < min(deep) - 0.1,
        ),
        Check(
            """as plain-56 starts, the first layer's gradient is more than a tenth of the last's,
            in every seed""",
            f"{min(gradients):,.1f} times it at least",
            min(gradients) > 0.1,
        ),
        Check(
            "ResNet-56 has exactly the parameters of plain-56",
            " and ".join(f"{n:,}" for n in _counts(runs)),
            len(_counts(runs)) == 1,
        ),
    ]
    return Report(checks, rows, _text(runs))


def _counts(runs: Runs) -> list[int]:
    """The numbers of parameters of both networks of 56 layers: one where they are the same."""
    found = (runs.values("parameters", net=net)[0] for net in ("plain56", "resnet56"))
    return list(dict.fromkeys(found))


def _text(runs: Runs) -> str:
    text = """The error in training is that of the last epoch, counted while it learns. The gradient
        is that of the first convolution's weights over the last one's (root mean squares). """
    plain, residual = (runs.spread("gradient", net=net) for net in ("plain56", "resnet56"))
    if plain.least > 10 * residual.most:
        text += f"""It does not vanish in plain-56, it explodes: {plain:,.0f} times, in ResNet-56
            {residual:,.0f} times. Batch normalisation without shortcuts is known for that (Yang et
            al. 2019, "A mean field theory of batch normalization"). """
    seen, unseen = (runs.spread(key, net="plain56") for key in ("train_error", "valid_error"))
    if unseen.mean < 2 * seen.mean:
        text += f"""Plain-56 errs in training ({seen:.1%}) about as it does in validation
            ({unseen:.1%}): it underfits. """
    if not runs.where(net="resnet20"):
        return text
    shallow, deep = (runs.spread("valid_error", net=net) for net in ("resnet20", "resnet56"))
    text += f"In validation ResNet-56 has {deep:.1%} wrong and ResNet-20 {shallow:.1%}: "
    if deep.most < shallow.least:
        return text + "here the depth pays, too."
    return (
        text
        + """shortcuts let the deep network learn, but on 1,438 digits it gains nothing by
        its depth, and no such gain is claimed."""
    )


def draw(runs: Runs) -> Figure:
    figure, axes = panels(2, 1, 7, 3, sharey=True)
    for axis, kind, title in zip(axes, ("plain", "resnet"), ("plain", "residual"), strict=True):
        for depth, color, line in (("20", BLUE, "--"), ("56", RED, "-")):
            for i, errors in enumerate(runs.values("train_errors", net=kind + depth)):
                label = f"{depth} layers" if i == 0 else None
                epochs = range(1, len(errors) + 1)
                percent = [100 * error for error in errors]
                axis.plot(epochs, percent, line, color=color, label=label, linewidth=1)
        axis.set(title=title, xlabel="epoch")
        axis.legend()
    axes[0].set(ylabel="error in training, %", ylim=(0, None))
    return figure
