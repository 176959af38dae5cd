"""How long, on what, from where: the settings of a run, one word each."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from archdsl.ir.fields import Count, Flag, Positive, Probability, Width
from archdsl.ir.records import Sample
from archdsl.ir.training.kinds import Multiple, Path, Paths, Text
from archdsl.ir.training.paths import unknown, untrained
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
