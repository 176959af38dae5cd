"""`loss`, `optimizer`, `schedule`: what is minimised, and how."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from math import exp, log1p
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from archdsl.ir.fields import Count, Flag, Positive, Probability, Width
from archdsl.ir.records import Sample, Weight
from archdsl.ir.shapes import channels, show
from archdsl.ir.training.kinds import (
    Betas,
    Fraction,
    Iterations,
    Milestones,
    NotNegative,
    OutputName,
    Positives,
    Share,
)
from archdsl.ir.training.setting import Finding, Setting

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph, Output

# Losses


class Loss(Setting, ABC):
    """What is minimised for one output; what several outputs give is added up, weighted.

    An auxiliary output has the main one's loss unless it has its own. An output that `output` adds
    is trained only if a loss names it.
    """

    slot: ClassVar[str] = "loss"
    part: ClassVar[str] = "losses"
    many: ClassVar[bool] = True

    by_class: ClassVar[bool]
    """Whether a target is the number of a class; else it is values, as the output has them."""

    output: OutputName = Field("out", description="the output; the pipeline's own end is `out`")
    weight: Positive = Field(1.0, description="its weight in the sum")

    @property
    def subject(self) -> str:
        return self.output

    def check(self, graph: Graph) -> Iterator[Finding]:
        outputs = {o.name: o for o in graph.outputs}
        if self.output in outputs:
            yield from self.fits(outputs[self.output])
        else:
            name = self.output
            help = f"there are {', '.join(outputs)}" if len(outputs) > 1 else "its one is `out`"
            yield Finding("A804", f"the network has no output `{name}`", help, word=name)

    def fits(self, output: Output) -> Iterator[Finding]:
        """What is certainly wrong with it for an output of this shape."""
        return iter(())

    @abstractmethod
    def least(self, low: float, high: float, classes: int) -> float:
        """How small it can get where the network's outputs lie between two bounds.

        For the worst of the targets, each of the outputs' own kind.
        """


class CrossEntropy(Loss):
    """-log softmax(x)[target]: one of several classes, for each position of a map or sequence.

    The network gives logits, without a softmax at its end.
    """

    name: ClassVar[str] = "cross_entropy"
    by_class: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("loss cross_entropy"),
        Sample("loss cross_entropy label_smoothing=0.1 class_weights=balanced"),
        Sample("loss cross_entropy output=side class_weights=[1, 1, 2.5]"),
        Sample("loss cross_entropy; loss cross_entropy output=side weight=0.5"),
    )

    label_smoothing: Probability = Field(
        0.0, description="the share of the target that all classes divide (Szegedy et al. 2015)"
    )
    class_weights: Positives | Literal["balanced"] | None = Field(
        None, description="the weight of each class; `balanced` is the inverse of its frequency"
    )

    def fits(self, output: Output) -> Iterator[Finding]:
        classes = channels(output.shape)
        weights = self.class_weights if isinstance(self.class_weights, tuple) else None
        if classes == 1:
            label = f"`{output.name}` is {show(output.shape)}: with one class nothing can be wrong"
            yield Finding("A805", label, "`loss bce` for yes or no, `loss mse` for a number")
        elif weights is not None and len(weights) != classes:
            label = f"{len(weights)} class weights, `{output.name}` has {classes} classes"
            yield Finding("A805", label)

    def least(self, low: float, high: float, classes: int) -> float:
        return log1p((classes - 1) * exp(low - high))  # all but the right class at the lower bound


class Mse(Loss):
    """(x - target)², the mean over all values."""

    name: ClassVar[str] = "mse"
    by_class: ClassVar[bool] = False
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("loss mse"),
        Sample("loss cross_entropy; loss mse output=side weight=2"),
    )

    def least(self, low: float, high: float, classes: int) -> float:
        return 0.0  # targets beyond the bounds are not known of here


class Bce(Loss):
    """Binary cross entropy of sigmoid(x): a yes or a no for each value on its own."""

    name: ClassVar[str] = "bce"
    by_class: ClassVar[bool] = False
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("loss bce"),
        Sample("loss bce positive_weight=3"),
        Sample("loss cross_entropy; loss bce output=side weight=2"),
    )

    positive_weight: Positive = Field(1.0, description="how much more a yes counts than a no")

    def least(self, low: float, high: float, classes: int) -> float:
        return max(log1p(exp(-high)), log1p(exp(low)))  # a yes, a no


# Optimisers


class Optimizer(Setting, ABC):
    """How a gradient changes the weights."""

    slot: ClassVar[str] = "optimizer"
    part: ClassVar[str] = "optimizer"

    @abstractmethod
    def held(self, weight: Weight) -> int:
        """How many tensors of a weight's size it holds from step to step."""

    @abstractmethod
    def scratch(self) -> int:
        """How many more, of every weight at once, it makes in a step, as on a GPU (`foreach`)."""


_RATE: Any = Field(1e-3, description="the learning rate, before the schedule")
_BETAS: Any = Field((0.9, 0.999), description="how slowly the two running means forget")
_EPSILON: Any = Field(1e-8, description="what is added to the denominator")


class Sgd(Optimizer):
    """Stochastic gradient descent, with momentum if wanted (Robbins & Monro 1951, Polyak 1964)."""

    name: ClassVar[str] = "sgd"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("optimizer sgd lr=0.1 momentum=0.9 weight_decay=1e-4"),
        Sample("optimizer sgd lr=0.1 momentum=0.9 nesterov=true"),
    )

    lr: Positive = Field(0.01, description=_RATE.description)
    momentum: Probability = Field(0.0, description="the share of the last step that is kept")
    nesterov: Flag = Field(False, description="whether the gradient is taken ahead of the momentum")
    weight_decay: NotNegative = Field(0.0, description="the factor of the L2 penalty's gradient")

    @field_validator("nesterov")
    @classmethod
    def _has_momentum(cls, value: bool, info: ValidationInfo) -> bool:
        if value and not info.data.get("momentum", 1):
            raise ValueError("Nesterov's step needs `momentum`, such as momentum=0.9")
        return value

    def held(self, weight: Weight) -> int:
        return 1 if self.momentum else 0

    def scratch(self) -> int:
        return 1 if self.weight_decay else 0  # gradients with the penalty's


class Adam(Optimizer):
    """Steps scaled by running means of the gradient and its square (Kingma & Ba 2014)."""

    name: ClassVar[str] = "adam"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("optimizer adam lr=3e-4"),
        Sample("optimizer adam betas=[0.9, 0.99] eps=1e-6 weight_decay=1e-4 amsgrad=true"),
    )

    lr: Positive = _RATE
    betas: Betas = _BETAS
    eps: Positive = _EPSILON
    weight_decay: NotNegative = Field(0.0, description="the factor of the L2 penalty's gradient")
    amsgrad: Flag = Field(False, description="whether the second mean may only grow")

    def held(self, weight: Weight) -> int:
        return 3 if self.amsgrad else 2

    def scratch(self) -> int:
        return 1  # the root of the second mean


class AdamW(Optimizer):
    """Adam with the decay apart from the gradient (Loshchilov & Hutter 2017)."""

    name: ClassVar[str] = "adamw"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("optimizer adamw lr=3e-4 weight_decay=0.05"),
        Sample("optimizer adamw betas=[0.9, 0.95] eps=1e-6 amsgrad=true"),
    )

    lr: Positive = _RATE
    betas: Betas = _BETAS
    eps: Positive = _EPSILON
    weight_decay: NotNegative = Field(
        0.01, description="the share of a weight that a step takes away, times the rate"
    )
    amsgrad: Flag = Field(False, description="whether the second mean may only grow")

    def held(self, weight: Weight) -> int:
        return 3 if self.amsgrad else 2

    def scratch(self) -> int:
        return 1  # the root of the second mean


class Muon(Optimizer):
    """Momentum made orthogonal, for matrices (Jordan et al. 2024); needs PyTorch 2.9.

    PyTorch's takes matrices alone, the weights of `fc` and attention: AdamW trains the others.
    """

    name: ClassVar[str] = "muon"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("optimizer muon lr=0.02"),
        Sample("optimizer muon momentum=0.9 nesterov=false weight_decay=0.01 steps=6"),
        Sample("optimizer muon lr=1e-3 rms=adamw adamw_lr=3e-4"),
    )

    lr: Positive = Field(0.02, description="the learning rate of matrices, before the schedule")
    momentum: Probability = Field(0.95, description="the share of the last step that is kept")
    nesterov: Flag = Field(True, description="whether the gradient is taken ahead of the momentum")
    weight_decay: NotNegative = Field(
        0.1, description="the share of a weight that a step takes away, times the rate"
    )
    steps: Iterations = Field(5, description="steps of the Newton-Schulz iteration")
    rms: Literal["original", "adamw"] = Field(
        "original", description="how a step's size depends on the matrix's; `adamw` matches AdamW's"
    )
    adamw_lr: Positive = Field(1e-3, description="the learning rate of what is no matrix")

    def held(self, weight: Weight) -> int:
        return 1 if len(weight.shape) == 2 else 2

    def scratch(self) -> int:
        return 1


# Schedules


class Schedule(Setting, ABC):
    """How the rate changes. Times are in epochs, or in steps where `steps` says how long to train.

    `warmup` lets the rate rise in equal steps at the beginning (Goyal et al. 2017, section 2.2).
    """

    slot: ClassVar[str] = "schedule"
    part: ClassVar[str] = "schedule"

    @property
    def rises_for(self) -> int:
        """How long the rate rises, where that is in epochs or steps."""
        return 0


_WARMUP: Any = Field(0, description="how long the rate rises to its full value first")


class _Falling(Schedule, ABC):
    if TYPE_CHECKING:  # each class has it after its own arguments
        warmup: Count

    @property
    def rises_for(self) -> int:
        return self.warmup


class Constant(Schedule):
    """The same rate throughout."""

    name: ClassVar[str] = "constant"
    samples: ClassVar[tuple[Sample, ...]] = (Sample("schedule constant"),)


class Warmup(Schedule):
    """Rises in equal steps, then stays."""

    name: ClassVar[str] = "warmup"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (Sample("schedule warmup 5"),)

    length: Width = Field(description="how long it rises")

    @property
    def rises_for(self) -> int:
        return self.length


class Step(_Falling):
    """Multiplies the rate at regular times."""

    name: ClassVar[str] = "step"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("schedule step every=30 gamma=0.2"),
        Sample("schedule step 30 warmup=5"),
    )

    every: Width = Field(description="how long each rate holds")
    gamma: Positive = Field(0.1, description="the factor")
    warmup: Count = _WARMUP


class MultiStep(_Falling):
    """Multiplies the rate at given times."""

    name: ClassVar[str] = "multistep"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("schedule multistep [30, 60, 80]"),
        Sample("schedule multistep at=[60, 120] gamma=0.2 warmup=1"),
    )

    at: Milestones = Field(description="when")
    gamma: Positive = Field(0.1, description="the factor")
    warmup: Count = _WARMUP


class Plateau(_Falling):
    """Multiplies the rate when the validation has not improved for a while."""

    name: ClassVar[str] = "plateau"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("schedule plateau"),
        Sample("schedule plateau factor=0.5 patience=5 watch=accuracy least=1e-6 warmup=1"),
    )

    factor: Fraction = Field(0.1, description="the factor")
    patience: Count = Field(10, description="epochs without improvement that are waited for")
    watch: Literal["loss", "accuracy"] = Field("loss", description="what should improve")
    least: NotNegative = Field(0.0, description="the rate below which it does not go")
    warmup: Count = _WARMUP


class Cosine(_Falling):
    """Falls along half a cosine until the end (Loshchilov & Hutter 2016)."""

    name: ClassVar[str] = "cosine"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("schedule cosine warmup=5"),
        Sample("schedule cosine final=1e-5"),
    )

    final: NotNegative = Field(0.0, description="the rate at the end")
    warmup: Count = _WARMUP


class OneCycle(Schedule):
    """Rises to the rate and falls far below it, once (Smith & Topin 2017)."""

    name: ClassVar[str] = "onecycle"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("schedule onecycle"),
        Sample("schedule onecycle rise=0.2 start=0.1 final=1e-3 curve=linear"),
    )

    rise: Share = Field(0.3, description="the share of the time in which it rises")
    start: Fraction = Field(0.04, description="the rate at the start, as a share of the full")
    final: Fraction = Field(4e-6, description="the rate at the end, as a share of the full")
    curve: Literal["cosine", "linear"] = Field("cosine", description="how it rises and falls")
