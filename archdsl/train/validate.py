"""How good the weights are: the network on examples that it does not learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archdsl.ir.training import Training
from archdsl.train import shard
from archdsl.train.data.examples import Inputs, over
from archdsl.train.data.loader import Batch, Share
from archdsl.train.optimize import Ema
from archdsl.train.parts import Parts

if TYPE_CHECKING:
    from torch import Tensor


def validated(
    parts: Parts, broken: Callable[[tuple[str, ...]], None], go_on: Callable[[], None]
) -> list[float]:
    """The sums of the losses and of the right answers, and of how many examples, in this process.

    Args:
        parts: the training.
        broken: what is done about images that cannot be read.
        go_on: is called behind each batch, and may raise an error to end it.
    """
    import torch

    assert parts.valid is not None
    parts.model.eval()
    sums = [0.0, 0.0, 0.0]
    turns = 0
    if parts.sharded:
        shard.settle(parts.module)
    with torch.no_grad():
        for batch in parts.valid.once():
            if batch.broken:
                broken(batch.broken)
            if batch.inputs is None:
                continue
            given, targets = answer(parts, batch)
            turns += 1
            loss = float(parts.objective.validation(given, targets))
            right = float(parts.objective.right(given, [(1.0, targets)]))
            for i, each in enumerate((loss, right, 1.0)):
                sums[i] += each * batch.count
            go_on()
        if parts.sharded:
            _wait(parts, turns)
    return sums


def _wait(parts: Parts, turns: int) -> None:
    """Take part in what other processes still look at: all of them gather the weights together."""
    import torch

    assert parts.valid is not None
    most = -(-len(parts.valid) // parts.valid.share.world)
    for _ in range(most - turns):
        blank = [torch.zeros(1, *i.shape, device=parts.fabric.device) for i in parts.graph.inputs]
        with parts.fabric.autocast():
            parts.runs(*blank)


MAX_CLASSES = 1000  # of a picture of what is taken for what


def confused(parts: Parts, weights: dict[str, Tensor]) -> list[list[int]] | None:
    """How often each class of the validation is taken for which, by these weights.

    None where there is no validation, or the main output is no single class. All examples are
    looked at in this process.
    """
    import torch

    shape = parts.objective.main.shape
    if parts.valid is None or len(shape) != 1 or not 2 <= shape[0] <= MAX_CLASSES:
        return None
    if not parts.objective.main.loss.by_class:
        return None
    parts.module.load_state_dict(weights)
    parts.runs.eval()
    counts = torch.zeros(shape[0] ** 2, dtype=torch.int64)
    with torch.no_grad():
        for batch in replace(parts.valid, share=Share()).once():
            if batch.inputs is None:
                continue
            given, targets = answer(parts, batch)
            found = parts.objective.main_output(given).argmax(1).cpu()
            wanted = parts.objective.main_target(targets).cpu()
            counts += torch.bincount(wanted * shape[0] + found, minlength=len(counts))
    return counts.reshape(shape[0], shape[0]).tolist()


def answer(parts: Parts, batch: Batch) -> tuple[Any, Any]:
    """What the network says of a batch to validate with, in 32 bits, and the targets."""
    training = parts.graph.training
    assert training is not None
    parts.objective.check(batch.targets, validating=True)
    inputs, targets = parts.fabric.to_device((batch.inputs, batch.targets))
    inputs = laid_out(training, parts.preparation.validate(inputs))
    with parts.fabric.autocast():
        given = parts.runs(*one_or_more(inputs))
    return _averaged(given, 10 if parts.preparation.ten else 1), targets


def _averaged(given: Any, crops: int) -> Any:
    """Outputs in 32 bits, the mean over the crops of each image."""
    if isinstance(given, dict):
        return {key: _averaged(value, crops) for key, value in given.items()}
    given = given.float()
    return given if crops == 1 else given.unflatten(0, (-1, crops)).mean(1)


def laid_out(training: Training, inputs: Inputs) -> Inputs:
    """A batch in the order of memory that `channels_last` says."""
    import torch

    def one(tensor: Tensor) -> Tensor:
        last = training.channels_last.on and tensor.ndim == 4
        return tensor.contiguous(memory_format=torch.channels_last) if last else tensor

    return over(inputs, one)


def one_or_more(inputs: Inputs) -> tuple[Tensor, ...]:
    """What a network is called with."""
    return inputs if isinstance(inputs, tuple) else (inputs,)


@contextmanager
def handed_over(parts: Parts, ema: Ema | None) -> Iterator[None]:
    """Let the network have the weights that are handed over: their mean, if there is one."""
    if ema is None:
        yield
        return
    own = {key: value.detach().clone() for key, value in parts.module.state_dict().items()}
    parts.module.load_state_dict(ema.state)
    try:
        yield
    finally:
        parts.module.load_state_dict(own)
