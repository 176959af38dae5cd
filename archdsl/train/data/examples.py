"""What every source of data gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from archdsl.train.draws import generator
from archdsl.train.refuse import refusal

if TYPE_CHECKING:
    from torch import Tensor

Targets = Any
"""A tensor, or tensors by the names of the outputs that they are for."""

MAIN = "out"
"""The output whose classes those of an example are."""


Inputs = Any
"""A tensor, or of a network of several inputs a tuple of them, in the network's order."""


def over(value: Any, function: Callable[[Any], Any]) -> Any:
    """What a function makes of a tensor, or of each of several: a tuple, or by names."""
    if isinstance(value, dict):
        return {key: function(each) for key, each in value.items()}
    return tuple(map(function, value)) if isinstance(value, tuple) else function(value)


def length(inputs: Inputs) -> int:
    """How many examples there are."""
    return len(inputs[0] if isinstance(inputs, tuple) else inputs)


class Examples(Protocol):
    """Examples by their number: an input and a target each, as tensors or what makes tensors."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> tuple[Any, Any]: ...


@dataclass(frozen=True)
class Arrays:
    """Examples in memory: inputs (n, …), bytes or floats, and targets (n, …)."""

    inputs: Inputs
    targets: Targets

    def __len__(self) -> int:
        return length(self.inputs)

    def __getitem__(self, index: int) -> tuple[Inputs, Targets]:
        return over(self.inputs, lambda x: x[index]), over(self.targets, lambda y: y[index])

    def batch(self, numbers: Tensor) -> tuple[Inputs, Targets]:
        """Many examples at once."""
        return over(self.inputs, lambda x: x[numbers]), over(self.targets, lambda y: y[numbers])

    def part(self, numbers: Tensor) -> Arrays:
        """Some of the examples, as a set of their own."""
        return Arrays(*self.batch(numbers))


@dataclass(frozen=True)
class Sets:
    """What is learnt from and what is validated with.

    Images are bytes from 0 to 255, rows and columns last, where they are not floats. `ready` says
    that those of `valid` are cut out and brought to size already, as `eval` says.
    """

    train: Examples
    valid: Examples | None = None
    labels: Targets | None = None
    """The class of each example of `train`, where that is known without reading it; of several
    outputs all their targets, for classes of each."""
    classes: tuple[str, ...] = ()
    """Their names, where the data have names."""
    workers: int = 0
    """Processes that read ahead."""
    varied: bool = False
    """Whether images differ in size, so that they are cut one by one as they are read."""
    ready: bool = False


def fingerprint(examples: Examples) -> str | None:
    """A name for the inputs of examples by their content; None where they may change unseen."""
    from archdsl.train.data.pictures import Pictures

    if isinstance(examples, Pictures):
        return examples.fingerprint()
    if not isinstance(examples, Arrays):
        return None
    digest = sha256()
    given = examples.inputs
    for inputs in given if isinstance(given, tuple) else (given,):
        digest.update(f"{inputs.dtype} {tuple(inputs.shape)}".encode())
        digest.update(inputs.contiguous().reshape(-1).numpy().data)
    return digest.hexdigest()


def targets_of(examples: Examples) -> Any:
    """The targets of examples that `fingerprint` names."""
    import torch

    from archdsl.train.data.pictures import Pictures

    if isinstance(examples, Pictures):
        return torch.tensor(examples.labels)
    assert isinstance(examples, Arrays)
    return examples.targets


def split(targets: Targets, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Numbers of examples to learn from and to validate with: that share of every class.

    Examples without classes are split without looking at them.
    """
    import torch

    draw = generator(seed, "split")
    labels = classes_of(targets)
    if labels is None:
        count = length(tuple(targets.values()) if isinstance(targets, dict) else targets)
        order = torch.randperm(count, generator=draw)
        kept = round(count * share)
        return order[kept:].sort().values, order[:kept].sort().values
    train, valid = [], []
    for label in labels.unique():
        of = (labels == label).nonzero()[:, 0]
        of = of[torch.randperm(len(of), generator=draw)]
        kept = round(len(of) * share)
        train.append(of[kept:])
        valid.append(of[:kept])
    return torch.cat(train).sort().values, torch.cat(valid).sort().values


def divided(whole: Arrays, share: float, seed: int, **others: Any) -> Sets:
    """Arrays without a part for validation of their own, divided.

    Raises:
        TrainError: nothing is left to learn from.
    """
    first, second = split(whole.targets, share, seed)
    if not len(first):
        raise refusal("A954", f"of {len(whole)} examples none is left to learn from")
    train = whole.part(first)
    valid = whole.part(second) if len(second) else None
    return Sets(train, valid, labels=labels_of(train.targets), **others)


def labels_of(targets: Any) -> Targets | None:
    """What `Sets` has of targets as labels."""
    return targets if isinstance(targets, Mapping) else classes_of(targets)


def classes_of(targets: Any) -> Tensor | None:
    """Targets that are one class for each example, of several outputs those of the main one."""
    import torch

    targets = targets.get(MAIN) if isinstance(targets, Mapping) else targets
    found = isinstance(targets, torch.Tensor) and targets.ndim == 1
    return targets if found and not targets.dtype.is_floating_point else None


def lacking(sets: Sets) -> str:
    """Which classes have no example to learn from, in words; nothing where all have some."""
    labels = classes_of(sets.labels)
    if labels is None:
        return ""
    there = set(labels.unique().tolist())
    missing = [name for number, name in enumerate(sets.classes) if number not in there]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        return f"no example to learn from is of class {', '.join(missing[:5])}{more}"
    return "all examples to learn from are of one class" if len(there) == 1 else ""


def named(names: Sequence[str] | Mapping[int, str]) -> tuple[str, ...]:
    """Names of classes, in order."""
    if isinstance(names, Mapping):
        return tuple(str(names[key]) for key in sorted(names))
    return tuple(map(str, names))
