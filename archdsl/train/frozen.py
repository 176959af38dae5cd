"""`freeze`, `tune`: what of a network stands still, and for how long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from archdsl.ir import Graph
from archdsl.ir.training import Training
from archdsl.train import schedule
from archdsl.train.objective import untrained
from archdsl.train.refuse import refusal

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer


@dataclass(frozen=True)
class Frozen:
    """What stands still: layers by their paths, and what of the `state_dict` never changes."""

    layers: frozenset[str] = frozenset()
    weights: frozenset[str] = frozenset()
    """The keys of what could be trained."""
    state: frozenset[str] = frozenset()
    """Those keys, and those of the statistics of these layers."""


NOTHING = Frozen()


def frozen(graph: Graph) -> Frozen:
    """What a network's training freezes until the thaw, if there is one."""
    assert graph.training is not None
    tuning = graph.training.tuning
    layers = tuning.still(graph)
    if not layers:
        return NOTHING
    nodes = (node for node in graph.nodes if node.path in layers)
    state = frozenset(node.key(name) for node in nodes for name in node.weights)
    return Frozen(layers, tuning.frozen(graph), state)


def check(graph: Graph) -> None:
    """See that something is left to learn.

    Raises:
        TrainError: no weight that is trained has a part in a loss.
    """
    assert graph.training is not None
    still = graph.training.tuning.still(graph)
    silent = set(untrained(graph))
    wanted = {output.node for output in graph.outputs if output.name not in silent}
    for node in reversed(graph.nodes):
        if node.path not in wanted:
            continue
        if node.path not in still and any(w.trainable for w in node.weights.values()):
            return
        wanted.update(node.inputs)
    text = graph.training.tuning.text()
    label = f"`{text}`: no loss depends on what is left to train"
    raise refusal("A960", label, "train a part that a `loss` is about, or one before it")


def hold(module: nn.Module, keys: Collection[str]) -> None:
    """Let these weights have no gradient, and all others have one."""
    for key, weight in module.named_parameters():
        weight.requires_grad_(key not in keys)


def standing(module: nn.Module, paths: Collection[str], still: Collection[str]) -> list[nn.Module]:
    """The modules that run as at inference while others learn.

    Args:
        module: what runs.
        paths: the paths of all its layers.
        still: those that stand still.
    """
    every, those = (
        Counter(above for path in of for above in _above(path)) for of in (paths, still)
    )
    whole = module.named_modules() if still else ()
    return [each for path, each in whole if path and 0 < those[path] == every[path]]


def _above(path: str) -> Iterator[str]:
    """A path and those of the parts that it is in."""
    while path:
        yield path
        path = path.rpartition(".")[0]


def carry(before: list[Optimizer], after: list[Optimizer]) -> None:
    """Let optimizers go on with what others know of the weights that both change."""
    known = {weight: state for each in before for weight, state in _bare(each).state.items()}
    for each in map(_bare, after):
        for group in each.param_groups:
            for weight in group["params"]:
                if weight in known:
                    each.state[weight] = known[weight]


def _bare(optimizer: Optimizer) -> Optimizer:
    """An optimizer itself, where Fabric has wrapped it."""
    return getattr(optimizer, "optimizer", optimizer)


@dataclass
class Waiting:
    """How long the validation has got no better: what `patience` counts."""

    best: float = inf
    epochs: int = 0

    def see(self, loss: float) -> None:
        """Take note of a validation; less than a ten-thousandth better is no better."""
        margin = 1e-4 * abs(self.best) if self.best != inf else 0
        if loss < self.best - margin:
            self.best, self.epochs = loss, 0
        else:
            self.epochs += 1


def is_due(training: Training, epochs: int, waiting: Waiting) -> bool:
    """Whether everything is trained behind so many epochs."""
    tuning = training.tuning
    over = tuning.thaws is not None and epochs >= tuning.thaws
    return over or (tuning.waits is not None and waiting.epochs >= tuning.waits)


def never_thaws(training: Training, an_epoch: int) -> bool:
    """Whether a training, of so many steps an epoch, is over before a thaw that is asked for.

    To wait in vain for a better loss takes an epoch more, the first, which is the best so far.
    """
    tuning = training.tuning
    waits = None if tuning.waits is None else tuning.waits + 1
    soonest = min((at for at in (tuning.thaws, waits) if at is not None), default=0)
    return soonest * an_epoch >= schedule.total_steps(training, an_epoch)
