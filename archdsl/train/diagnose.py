"""Where a training that diverged went wrong first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.ir.training.images import AsIs
from archdsl.ir.training.learning import OneCycle
from archdsl.train.parts import Parts

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archdsl.ir import Graph
    from archdsl.train.blends import Terms


def remedies(graph: Graph, rate: float) -> str:
    """What to try where it diverges at this rate: what is possible, and not in force already."""
    training = graph.training
    assert training is not None
    named = f"the rate is {rate:.3g}: try a tenth of it"
    peak = getattr(training.optimizer, "lr", None)
    if peak is not None:
        named += f", `--set optimizer.lr={peak / 10:.3g}`"
    rises = training.schedule.rises_for or isinstance(training.schedule, OneCycle)
    others = {
        "`schedule … warmup=`": not rises,
        "`clip 1`": training.clip is None,
        "`normalize data`": isinstance(training.normalize, AsIs) and len(graph.inputs) == 1,
        "`precision fp32`": training.precision.kind in ("bf16", "fp16"),
    }
    return ", or ".join([named, *(text for text, open in others.items() if open)])


def _sound(value: Any) -> bool:
    import torch

    if isinstance(value, torch.Tensor):
        return not value.is_floating_point() or bool(value.isfinite().all())
    if isinstance(value, dict):
        return all(_sound(v) for v in value.values())
    return all(_sound(v) for v in value) if isinstance(value, tuple | list) else True


def unsound(inputs: Any, terms: Terms) -> str:
    """Whether it comes from the data that a loss is no number, in words; nothing if it does not."""
    if not _sound(inputs):
        return "the data hold values that are no numbers"
    return "" if _sound(terms) else "the targets hold values that are no numbers"


def culprit(parts: Parts, inputs: tuple[Tensor, ...], step: int) -> str:
    """What is the first that is no number, in words: a weight, a layer, or the loss.

    The weights come before the layers: where the step before left one that is no number, that is
    the last in the network's order, which the gradient reached first. `step` counts from 0; before
    that one the weights are those that the training began with.
    """
    import torch

    state = parts.module.state_dict()
    bad = [key for key in parts.graph.state() if key in state and not _sound(state[key])]
    if bad and not step:
        return f"the training begins with a `{bad[0]}` whose values are no numbers"
    if bad:
        return f"the step before left `{bad[-1]}` with values that are no numbers"
    first: list[str] = []
    hooks = [
        module.register_forward_hook(_watch(parts.paths.get(path, path), first))
        for path, module in parts.runs.named_modules()
        if path and (not parts.paths or path in parts.paths)
    ]
    try:
        with torch.no_grad():
            given = parts.runs(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    if first:
        return f"`{first[0]}` is the first layer whose output is no number"
    if not _sound(given):
        return "the output is no number, and no module by itself"
    return "the outputs are numbers, and their loss is not"


def _watch(path: str, first: list[str]) -> Any:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        if not first and not _sound(output):
            first.append(path)

    return hook
