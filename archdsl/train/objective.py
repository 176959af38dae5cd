"""`loss`: what is minimised, over all outputs, and what counts as right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archdsl.ir import Graph
from archdsl.ir.shapes import Shape, channels, show
from archdsl.ir.training.learning import Bce, CrossEntropy, Loss, Mse
from archdsl.train.data.examples import MAIN, Targets, classes_of
from archdsl.train.refuse import refusal

if TYPE_CHECKING:
    from torch import Tensor

    from archdsl.train.blends import Terms


@dataclass(frozen=True)
class Part:
    """The loss of one output."""

    output: str
    weight: float
    loss: Loss
    shape: Shape
    class_weights: Tensor | None = None
    auxiliary: bool = False


def untrained(graph: Graph) -> list[str]:
    """The outputs that no loss is about, so that what is theirs alone has no gradient."""
    assert graph.training is not None
    stated = {loss.output for loss in graph.training.losses}
    follows = {"auxiliary"} if MAIN in stated else set[str]()
    return [o.name for o in graph.outputs if o.name not in stated and o.kind not in follows]


class Objective:
    """The sum of the outputs' losses, each weighted.

    An auxiliary output without a loss of its own has the main one's, with its own weight
    (Szegedy et al. 2014, section 5); it takes part in training alone.
    """

    def __init__(self, graph: Graph, labels: Targets | None, device: Any = None) -> None:
        training = graph.training
        assert training is not None
        stated = {loss.output: loss for loss in training.losses}
        main = stated.get(MAIN)
        self.parts: list[Part] = []
        for output in graph.outputs:
            auxiliary = output.kind == "auxiliary"
            loss = stated.get(output.name, main if auxiliary else None)
            if loss is None:
                continue
            weight = output.weight if output.name not in stated else loss.weight
            part = Part(output.name, weight, loss, output.shape, None, auxiliary)
            weights = _class_weights(part, labels)
            weights = weights.to(device) if weights is not None else None
            self.parts.append(replace(part, class_weights=weights))
        self.main = next((p for p in self.parts if p.output == MAIN), self.parts[0])

    @property
    def counts(self) -> bool:
        """Whether answers are right or wrong, so that there is an accuracy."""
        return not isinstance(self.main.loss, Mse)

    def __call__(self, given: Any, terms: Terms) -> Tensor:
        """The loss of a batch in training."""
        total: Tensor | None = None
        for part in self.parts:
            logits = _output(given, part.output)
            for share, target in terms:
                value = part.weight * share * _loss(part, logits, _target(target, part))
                total = value if total is None else total + value
        assert total is not None
        return total

    def validation(self, given: Any, target: Any) -> Tensor:
        """The loss of a batch in evaluation, for the outputs that are there then."""
        values = [
            part.weight * _loss(part, _output(given, part.output), _target(target, part))
            for part in self.parts
            if not part.auxiliary
        ]
        return sum(values[1:], start=values[0])

    def right(self, given: Any, terms: Terms) -> Tensor:
        """The share of the main output's answers that are right, each example counting alike."""
        import torch

        logits = _output(given, self.main.output)
        found = [share * _right(self.main, logits, _target(t, self.main)) for share, t in terms]
        return torch.stack(found).sum()

    def main_output(self, given: Any) -> Tensor:
        """The output that an accuracy is of."""
        return _output(given, self.main.output)

    def main_target(self, target: Any) -> Tensor:
        """The target of that output."""
        return _target(target, self.main)

    def check(self, target: Any, validating: bool = False) -> None:
        """Hold the targets of a batch against what the losses want, as far as they take part.

        Raises:
            TrainError: they are of another kind, shape or range.
        """
        for part in self.parts:
            if not (validating and part.auxiliary):
                _check(part, _target(target, part))


def _output(given: Any, name: str) -> Tensor:
    return given[name] if isinstance(given, Mapping) else given


def _target(target: Any, part: Part) -> Tensor:
    """The target of an output: its own, or the one that all share; an auxiliary one's is MAIN's."""
    if not isinstance(target, Mapping):
        return target
    if part.output in target:
        return target[part.output]
    if part.auxiliary and MAIN in target:
        return target[MAIN]
    known = ", ".join(map(str, target))
    raise refusal("A954", f"the data have no target for `{part.output}`; they have {known}")


def _loss(part: Part, logits: Tensor, target: Tensor) -> Tensor:
    from torch.nn import functional

    loss = part.loss
    if isinstance(loss, CrossEntropy):
        scores = logits.transpose(1, 2) if len(part.shape) == 2 else logits
        smoothing = loss.label_smoothing
        return functional.cross_entropy(
            scores, target, part.class_weights, label_smoothing=smoothing
        )
    values = target.to(logits.dtype).reshape(logits.shape)
    if isinstance(loss, Bce):
        positive = logits.new_tensor(loss.positive_weight) if loss.positive_weight != 1 else None
        return functional.binary_cross_entropy_with_logits(logits, values, pos_weight=positive)
    return functional.mse_loss(logits, values)


def _right(part: Part, logits: Tensor, target: Tensor) -> Tensor:
    if isinstance(part.loss, CrossEntropy):
        axis = 2 if len(part.shape) == 2 else 1
        return (logits.argmax(axis) == target).float().mean()
    if isinstance(part.loss, Bce):
        return ((logits > 0) == (target.reshape(logits.shape) > 0.5)).float().mean()
    return logits.new_zeros(())


def _class_weights(part: Part, labels: Targets | None) -> Tensor | None:
    """The weight of each class.

    `balanced` is n / (classes x count), as scikit-learn has it: all 1 where classes are equal.

    Raises:
        TrainError: they are to be balanced, and the data do not say their classes, or others.
    """
    import torch

    loss = part.loss
    if not isinstance(loss, CrossEntropy) or loss.class_weights is None:
        return None
    if loss.class_weights != "balanced":
        return torch.tensor(loss.class_weights)
    if isinstance(labels, Mapping):
        labels = classes_of(_target(labels, part))
    if labels is None:
        label = "`class_weights=balanced` needs the class of every example, and these have none"
        raise refusal("A954", label, "give the weights: `class_weights=[1, 2, 1]`")
    _check_classes(part, labels)
    classes = channels(part.shape)
    counts = torch.bincount(labels, minlength=classes)
    return len(labels) / (classes * counts.clamp(min=1).float())


def _check(part: Part, target: Tensor) -> None:
    import torch

    name, wanted = _named(part), show(part.shape)
    if part.loss.by_class:
        positions = part.shape[:1] if len(part.shape) == 2 else part.shape[1:]
        if target.dtype != torch.int64 or tuple(target.shape[1:]) != positions:
            kind = str(target.dtype).removeprefix("torch.")
            given = f"{show(tuple(target.shape[1:])) or 'a number'} of {kind}"
            label = f"the targets are {given}; {name}, {wanted}, wants the number of a class"
            where = f" at each of {show(positions)} positions" if positions else ""
            raise refusal("A954", label + where, "`loss mse` and `loss bce` want values")
        _check_classes(part, target)
    elif target[0].numel() != torch.Size(part.shape).numel():
        given = show(tuple(target.shape[1:])) or "a number"
        label = f"the targets are {given}; {name} is {wanted}"
        help = "`loss cross_entropy` wants the numbers of classes" if target.ndim == 1 else ""
        raise refusal("A954", label, help)
    elif not _alike(tuple(target.shape[1:]), part.shape):
        label = f"the targets are {show(tuple(target.shape[1:]))}; {name} is {wanted}"
        raise refusal("A954", label, "its axes in the same order: a picture is CxHxW")
    elif isinstance(part.loss, Bce) and bool(((target < 0) | (target > 1)).any()):
        low, high = float(target.min()), float(target.max())
        label = f"the targets are from {low:g} to {high:g}; `loss bce` wants them from 0 to 1"
        raise refusal("A954", label, "`loss cross_entropy` wants the numbers of classes")


def _alike(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether shapes of as many values differ by axes of length 1, or by being flat, alone."""
    long = [[n for n in shape if n != 1] for shape in (one, other)]
    return min(map(len, long)) <= 1 or long[0] == long[1]


def _check_classes(part: Part, target: Tensor) -> None:
    """Hold numbers of classes against how many an output has."""
    low, high = int(target.min()), int(target.max())
    if low < 0 or high >= channels(part.shape):
        wrong = low if low < 0 else high
        label = f"a target is class {wrong}; {_named(part)} has {show(part.shape)} values"
        help = "classes are numbered from 0"
        if low >= 0:
            help = f"`-p classes={high + 1}`, if the spec has it; they are numbered from 0"
        raise refusal("A954", label, help)


def _named(part: Part) -> str:
    return f"`{part.output}`" if part.output != MAIN else "the output"
