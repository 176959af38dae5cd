"""How long, on what, from where: the settings of a run, one word each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from archdsl.ir.fields import Count, Flag, Positive, Probability, Width
from archdsl.ir.records import Sample
from archdsl.ir.training.kinds import Multiple, Path, Paths, Text
from archdsl.ir.training.paths import trainable, unknown, untrained, weights_at, within
from archdsl.ir.training.setting import Finding, Setting

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph

# How long


class Length(Setting, ABC):
    """How long to train: `epochs` or `steps`."""

    part: ClassVar[str] = "length"
    positional: ClassVar[int] = 1

    count: Width = Field(description="how many")


class Epochs(Length):
    """Passes over the training data."""

    slot: ClassVar[str] = "epochs"
    name: ClassVar[str] = "epochs"
    samples: ClassVar[tuple[Sample, ...]] = (Sample("epochs 90"),)


class Steps(Length):
    """Changes of the weights; the times of a schedule are then in steps, too."""

    slot: ClassVar[str] = "steps"
    name: ClassVar[str] = "steps"
    samples: ClassVar[tuple[Sample, ...]] = (Sample("steps 20000"),)


# On what


class Batch(Setting):
    """Examples whose gradients are taken together, over all devices."""

    slot: ClassVar[str] = "batch"
    part: ClassVar[str] = "batch"
    name: ClassVar[str] = "batch"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (Sample("batch 256"),)

    size: Width = Field(128, description="how many")


class Accumulate(Setting):
    """Adds up the gradients of several batches before the weights change."""

    slot: ClassVar[str] = "accumulate"
    part: ClassVar[str] = "accumulate"
    name: ClassVar[str] = "accumulate"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (Sample("accumulate 4"),)

    batches: Width = Field(1, description="how many batches")


class Precision(Setting):
    """The numbers of the arithmetic; weights and optimiser keep 32 bits in all of them.

    tf32 multiplies 32-bit numbers with 10 bits of fraction, on GPUs that can; bf16 and fp16 are
    autocast, fp16 with a scaled loss.
    """

    slot: ClassVar[str] = "precision"
    part: ClassVar[str] = "precision"
    name: ClassVar[str] = "precision"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (Sample("precision bf16"), Sample("precision tf32"))

    kind: Literal["fp32", "tf32", "bf16", "fp16"] = Field("fp32", description="which")


class Seed(Setting):
    """What the starting weights, the order of the examples and the augmentation are drawn from."""

    slot: ClassVar[str] = "seed"
    part: ClassVar[str] = "seed"
    name: ClassVar[str] = "seed"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (Sample("seed 42"),)

    value: Count = Field(0, description="any integer of at least 0")


_ON: Any = Field(True, description="whether it is so")


class Deterministic(Setting):
    """Refuses operations whose result varies from run to run on the same device."""

    slot: ClassVar[str] = "deterministic"
    part: ClassVar[str] = "deterministic"
    name: ClassVar[str] = "deterministic"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (Sample("deterministic"), Sample("deterministic false"))

    on: Flag = _ON


class ChannelsLast(Setting):
    """Keeps maps as HxWxC in memory, which convolutions on GPUs prefer."""

    slot: ClassVar[str] = "channels_last"
    part: ClassVar[str] = "channels_last"
    name: ClassVar[str] = "channels_last"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (Sample("channels_last"), Sample("channels_last false"))

    on: Flag = _ON


class Compile(Setting):
    """Runs the network through torch.compile."""

    slot: ClassVar[str] = "compile"
    part: ClassVar[str] = "compile"
    name: ClassVar[str] = "compile"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("compile"),
        Sample("compile false"),
        Sample("compile mode=reduce_overhead"),
    )

    on: Flag = _ON
    mode: Literal["default", "reduce_overhead", "max_autotune"] = Field(
        "default", description="what it spends its time on"
    )


class Checkpoint(Setting):
    """Computes parts of the network again in the backward pass, to save their memory."""

    slot: ClassVar[str] = "checkpoint"
    part: ClassVar[str] = "checkpoint"
    name: ClassVar[str] = "checkpoint"
    positional: ClassVar[int] = 1
    variadic: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("checkpoint layer3"),
        Sample('checkpoint layer3 "layer4.0"'),
    )

    paths: Paths = Field(description="blocks, sequences or labelled groups")

    def check(self, graph: Graph) -> Iterator[Finding]:
        for path in self.paths:
            yield from unknown(graph, path, scope=True)


# The weights


class Ema(Setting):
    """Keeps a running mean of the weights, which is evaluated and handed over."""

    slot: ClassVar[str] = "ema"
    part: ClassVar[str] = "ema"
    name: ClassVar[str] = "ema"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (Sample("ema"), Sample("ema 0.999"))

    decay: Probability = Field(0.9999, description="how slowly it forgets, a step")


class Clip(Setting):
    """Bounds the gradient."""

    slot: ClassVar[str] = "clip"
    part: ClassVar[str] = "clip"
    name: ClassVar[str] = "clip"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (Sample("clip 1"), Sample("clip 0.5 by=value"))

    most: Positive = Field(1.0, description="the bound")
    by: Literal["norm", "value"] = Field(
        "norm", description="the norm of all of it, or each value on its own"
    )


class Rate(Setting):
    """Another learning rate for a part of the network: `lr layer4=0.1x`, or a path in quotes.

    The multiple holds throughout the schedule. Of paths inside one another the longest holds.
    """

    slot: ClassVar[str] = "lr"
    part: ClassVar[str] = "rates"
    name: ClassVar[str] = "lr"
    positional: ClassVar[int] = 2
    many: ClassVar[bool] = True
    by_path: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("lr layer4=0.1x"),
        Sample("lr layer3=0.1x layer4=0.3x fc=2x"),
        Sample('lr "layer4.0" 0.1x'),
    )

    path: Path = Field(description="a layer, a block or a labelled group")
    factor: Multiple = Field(
        description="so many times the optimizer's rate, which is `lr=` of `optimizer`"
    )

    @property
    def subject(self) -> str:
        return self.path

    def check(self, graph: Graph) -> Iterator[Finding]:
        yield from untrained(graph, self.path)


class NoDecay(Setting):
    """Keeps the weight decay from biases, and from the gains and shifts of normalisation."""

    slot: ClassVar[str] = "no_decay"
    part: ClassVar[str] = "no_decay"
    name: ClassVar[str] = "no_decay"
    positional: ClassVar[int] = 1
    variadic: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (Sample("no_decay"), Sample('no_decay fc "layer4.0"'))

    paths: Paths = Field((), description="what else, by path")

    def check(self, graph: Graph) -> Iterator[Finding]:
        for path in self.paths:
            yield from untrained(graph, path)


# From where


class From(Setting):
    """Weights to begin with, from a .safetensors or a .pth file."""

    slot: ClassVar[str] = "from"
    part: ClassVar[str] = "start"
    name: ClassVar[str] = "from"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (Sample('from "resnet50.safetensors"'),)

    path: Text = Field(description="the file")


class Tuning(Setting, ABC):
    """Which weights are trained; what is frozen keeps its statistics of normalisation, too."""

    part: ClassVar[str] = "tuning"

    @property
    def thaws(self) -> int | None:
        """After how many epochs everything trains; None for never."""
        return None

    @abstractmethod
    def frozen(self, graph: Graph) -> frozenset[str]:
        """The `state_dict` keys of the trainable weights that it freezes."""

    def check(self, graph: Graph) -> Iterator[Finding]:
        if not trainable(graph) - self.frozen(graph):
            yield Finding("A803", "nothing is left to train")


_THAW: Any = Field(None, description="for how many epochs; until the end if left out")


class TuneEverything(Tuning):
    """Trains all of the network."""

    slot: ClassVar[str] = "tune"
    name: ClassVar[str] = "everything"
    samples: ClassVar[tuple[Sample, ...]] = (Sample("tune everything"),)

    def frozen(self, graph: Graph) -> frozenset[str]:
        return frozenset()

    def check(self, graph: Graph) -> Iterator[Finding]:
        return iter(())


class FreezeAllExcept(Tuning):
    """Trains some parts of the network alone, often the new head."""

    slot: ClassVar[str] = "freeze"
    name: ClassVar[str] = "all"
    joint: ClassVar[str] = "except"
    positional: ClassVar[int] = 1
    variadic: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("freeze all except fc"),
        Sample('freeze all except fc "layer4.0" epochs=5'),
    )

    paths: Paths = Field(description="what is trained")
    epochs: Width | None = _THAW

    @property
    def thaws(self) -> int | None:
        return self.epochs

    def frozen(self, graph: Graph) -> frozenset[str]:
        kept = (weights_at(graph, path) for path in self.paths)
        return trainable(graph).difference(*kept)

    def check(self, graph: Graph) -> Iterator[Finding]:
        for path in self.paths:
            yield from untrained(graph, path)


class FreezeUntil(Tuning):
    """Freezes what comes before a part of the network; that and what follows is trained."""

    slot: ClassVar[str] = "freeze"
    name: ClassVar[str] = "until"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("freeze until layer3"),
        Sample('freeze until "layer4.0" epochs=5'),
    )

    path: Path = Field(description="where training begins")
    epochs: Width | None = _THAW

    @property
    def thaws(self) -> int | None:
        return self.epochs

    def frozen(self, graph: Graph) -> frozenset[str]:
        before: set[str] = set()
        for node in graph.nodes:
            if within(node.path, self.path):
                break
            before.update(node.key(name) for name, w in node.weights.items() if w.trainable)
        return frozenset(before)

    def check(self, graph: Graph) -> Iterator[Finding]:
        found = list(unknown(graph, self.path))
        yield from found if found else super().check(graph)
