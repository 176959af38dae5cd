"""`optimizer`, `lr`, `no_decay`, `clip`, `ema`: how a gradient changes the weights."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archdsl.ir import Graph
from archdsl.ir.training import Training
from archdsl.ir.training import learning as settings
from archdsl.ir.training.paths import weights_at
from archdsl.train.refuse import refusal

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer


@dataclass(frozen=True)
class Group:
    """What parameters of one kind have in common."""

    factor: float
    """Of the learning rate."""
    decays: bool
    matrix: bool
    """Whether Muon trains them."""


def groups(graph: Graph, frozen: Collection[str] = ()) -> dict[Group, list[str]]:
    """The `state_dict` keys of the trained weights by what they have in common, in order."""
    training = graph.training
    assert training is not None
    factors = _factors(graph, training)
    spared = _spared(graph, training)
    muon = isinstance(training.optimizer, settings.Muon)
    found: dict[Group, list[str]] = {}
    for key, weight in graph.state().items():
        if not weight.trainable or key in frozen:
            continue
        matrix = muon and weight.role == "kernel" and len(weight.shape) == 2
        group = Group(factors.get(key, 1.0), key not in spared, matrix)
        found.setdefault(group, []).append(key)
    return found


def _factors(graph: Graph, training: Training) -> dict[str, float]:
    """The factors of `lr`; of paths inside one another the longest holds."""
    found: dict[str, float] = {}
    for rate in sorted(training.rates, key=lambda rate: rate.path.count(".")):
        found |= dict.fromkeys(weights_at(graph, rate.path), rate.factor)
    return found


def _spared(graph: Graph, training: Training) -> set[str]:
    """The keys that the weight decay leaves alone: biases, gains and shifts, and named parts."""
    if training.no_decay is None:
        return set()
    roles = {"bias", "gain", "shift"}
    found = {key for key, weight in graph.state().items() if weight.role in roles}
    for path in training.no_decay.paths:
        found |= weights_at(graph, path)
    return found


def optimizers(graph: Graph, model: nn.Module, frozen: Collection[str] = ()) -> list[Optimizer]:
    """The optimizers of a network's parameters; one, or two where Muon leaves some to AdamW.

    None of them knows the weights that are frozen.

    Each group of parameters has its `share` of the rate: its factor times the optimizer's own.

    Raises:
        TrainError: this PyTorch has no such optimizer.
    """
    training = graph.training
    assert training is not None
    parameters = dict(model.named_parameters())
    main: list[dict[str, Any]] = []
    other: list[dict[str, Any]] = []
    optimizer: Any = training.optimizer
    muon = isinstance(optimizer, settings.Muon)
    for group, keys in groups(graph, frozen).items():
        rate = optimizer.adamw_lr if muon and not group.matrix else optimizer.lr
        decay = optimizer.weight_decay if group.decays else 0.0
        made = {"params": [parameters[key] for key in keys], "lr": rate * group.factor}
        made |= {"weight_decay": decay, "share": rate * group.factor}
        (other if muon and not group.matrix else main).append(made)
    found = [_main(optimizer, main)] if main else []
    if other:
        import torch

        found.append(torch.optim.AdamW(other))
    return found


def _main(optimizer: settings.Optimizer, parameters: list[dict[str, Any]]) -> Optimizer:
    import torch

    match optimizer:
        case settings.Sgd(momentum=momentum, nesterov=nesterov):
            return torch.optim.SGD(parameters, momentum=momentum, nesterov=nesterov)
        case settings.Adam():
            adam = torch.optim.Adam
        case settings.AdamW():
            adam = torch.optim.AdamW
        case settings.Muon():
            return _muon(optimizer, parameters)
        case _:
            raise TypeError(f"no optimizer carries out {optimizer!r}")
    return adam(parameters, betas=optimizer.betas, eps=optimizer.eps, amsgrad=optimizer.amsgrad)


def _muon(optimizer: settings.Muon, parameters: list[dict[str, Any]]) -> Optimizer:
    import torch

    if not hasattr(torch.optim, "Muon"):
        label = f"PyTorch {torch.__version__} has no Muon; 2.9 is the first that has"
        raise refusal("A955", label)
    size = "original" if optimizer.rms == "original" else "match_rms_adamw"
    return torch.optim.Muon(
        parameters, momentum=optimizer.momentum, nesterov=optimizer.nesterov,
        ns_steps=optimizer.steps, adjust_lr_fn=size,
    )  # fmt: skip


def set_rate(found: list[Optimizer], share: float) -> None:
    """Let every group have this share of its own rate."""
    for optimizer in found:
        for group in optimizer.param_groups:
            group["lr"] = group["share"] * share


class Ema:
    """A running mean of the weights: mean = decay x mean + (1 - decay) x weight, after each step.

    It begins with the starting weights. Statistics of normalisation are averaged alike; counters
    are those of the network.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        own = model.state_dict()
        self.state = {key: value.detach().clone() for key, value in own.items()}
        self.follow(model)

    def follow(self, model: nn.Module, constant: Collection[str] = ()) -> None:
        """Take in these weights from now on, without what is constant: its mean is itself."""
        own = model.state_dict()
        changing = [key for key in own if key not in constant]
        self._pairs = [(self.state[key], own[key].detach()) for key in changing]

    def update(self) -> None:
        """Take in the weights as they are now."""
        from torch import _foreach_lerp_  # pyright: ignore[reportPrivateImportUsage]

        # Divided weights and whole statistics are not taken together.
        alike: dict[type, list[tuple[Tensor, Tensor]]] = {}
        for mean, value in self._pairs:
            if value.is_floating_point():
                alike.setdefault(type(value), []).append((mean, value))
        for pairs in alike.values():
            means, values = map(list, zip(*pairs, strict=True))
            _foreach_lerp_(means, values, 1 - self.decay)
        for mean, value in self._pairs:
            if not value.is_floating_point():
                mean.copy_(value)

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from a mean that was kept."""
        for key, value in state.items():
            self.state[key].copy_(value)
