"""The `train` section of a spec as the IR has it: every setting in force, written or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from archdsl.ir.place import Place
from archdsl.ir.shapes import channels, show
from archdsl.ir.training.data import Data, Digits
from archdsl.ir.training.images import (
    AsIs,
    Augmentation,
    Evaluation,
    Normalization,
    ShorterSide,
    TenCrop,
)
from archdsl.ir.training.learning import (
    AdamW,
    Constant,
    CrossEntropy,
    Loss,
    Optimizer,
    Schedule,
)
from archdsl.ir.training.paths import weights_at
from archdsl.ir.training.running import (
    Accumulate,
    Batch,
    ChannelsLast,
    Checkpoint,
    Clip,
    Compile,
    Deterministic,
    Ema,
    Epochs,
    From,
    Length,
    NoDecay,
    Precision,
    Rate,
    Seed,
)
from archdsl.ir.training.setting import ByWord, Finding, Setting
from archdsl.ir.training.tuning import TuneEverything, Tuning

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph


_S = TypeVar("_S", bound=Setting)


def _default(cls: type[_S], **arguments: Any) -> Callable[[], _S]:
    """A setting as it is where no statement says otherwise; made when it is first wanted."""
    return lambda: cls.model_validate(arguments)


class Training(BaseModel):
    """How a network is trained. What the spec leaves out has the default that stands here.

    Without any setting: scikit-learn's digits, which need no file, cross entropy, AdamW at 1e-3,
    ten epochs of batches of 128, in 32 bits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    data: Annotated[Data, ByWord()] = Field(default_factory=_default(Digits))
    augment: tuple[Annotated[Augmentation, ByWord()], ...] = ()
    normalize: Annotated[Normalization, ByWord()] = Field(default_factory=_default(AsIs))
    eval: Annotated[Evaluation, ByWord()] | None = None
    losses: tuple[Annotated[Loss, ByWord()], ...] = Field(
        default_factory=lambda: (CrossEntropy.model_validate({}),)
    )
    optimizer: Annotated[Optimizer, ByWord()] = Field(default_factory=_default(AdamW))
    rates: tuple[Annotated[Rate, ByWord()], ...] = ()
    no_decay: Annotated[NoDecay, ByWord()] | None = None
    clip: Annotated[Clip, ByWord()] | None = None
    ema: Annotated[Ema, ByWord()] | None = None
    schedule: Annotated[Schedule, ByWord()] = Field(default_factory=_default(Constant))
    length: Annotated[Length, ByWord()] = Field(default_factory=_default(Epochs, count=10))
    batch: Annotated[Batch, ByWord()] = Field(default_factory=_default(Batch))
    accumulate: Annotated[Accumulate, ByWord()] = Field(default_factory=_default(Accumulate))
    precision: Annotated[Precision, ByWord()] = Field(default_factory=_default(Precision))
    channels_last: Annotated[ChannelsLast, ByWord()] = Field(
        default_factory=_default(ChannelsLast, on=False)
    )
    compile: Annotated[Compile, ByWord()] = Field(default_factory=_default(Compile, on=False))
    checkpoint: Annotated[Checkpoint, ByWord()] | None = None
    seed: Annotated[Seed, ByWord()] = Field(default_factory=_default(Seed))
    deterministic: Annotated[Deterministic, ByWord()] = Field(
        default_factory=_default(Deterministic, on=False)
    )
    start: Annotated[From, ByWord()] | None = None
    tuning: Annotated[Tuning, ByWord()] = Field(default_factory=_default(TuneEverything))
    place: Place
    """The section: the network's own, or else the file's."""
    places: dict[str, Place] = {}
    """Of the settings that a spec states, by their part; of one of several, `augment.0`."""

    def settings(self) -> Iterator[tuple[str, Setting]]:
        """Every setting by its part, of several numbered: `optimizer`, `augment.0`."""
        for part in type(self).model_fields:
            value = getattr(self, part)
            if isinstance(value, Setting):
                yield part, value
            elif isinstance(value, tuple):
                yield from ((f"{part}.{i}", each) for i, each in enumerate(value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]

    def text(self) -> str:
        """The section as the language writes it, with all that is in force."""
        lines = (f"  {setting.text()}\n" for _, setting in self.settings())
        return f"train {{\n{''.join(lines)}}}\n"

    def findings(self, graph: Graph) -> Iterator[tuple[str, Finding]]:
        """What is certainly wrong with it for a network, by part as in `settings`."""
        yield from self.own_findings(graph)
        yield from self._sizes()
        yield from self._times()
        yield from self._still(graph)
        yield from self._classes(graph)
        yield from self._frozen_rates(graph)

    def own_findings(self, graph: Graph) -> Iterator[tuple[str, Finding]]:
        """What is wrong with settings one by one, whatever the others are."""
        for part, setting in self.settings():
            yield from ((part, finding) for finding in setting.check(graph))

    def _sizes(self) -> Iterator[tuple[str, Finding]]:
        """Images of several sizes make no batch."""
        for i, step in enumerate(self.augment):
            if isinstance(step, ShorterSide) and not any(s.crops for s in self.augment[i + 1 :]):
                label = "the images still differ in size, so that they make no batch"
                help = "let a crop follow: `shorter_side 256 480; random_crop 224`"
                yield f"augment.{i}", Finding("A803", label, help)

    def _times(self) -> Iterator[tuple[str, Finding]]:
        rises, count = self.schedule.rises_for, self.length.count
        if rises > count:
            unit = self.length.name
            label = f"the rate rises for {rises} {unit}, the training has {count}"
            help = f"let it rise for at most {count}, or train for more {unit}"
            yield "schedule", Finding("A803", label, help, versus="length")

    def _still(self, graph: Graph) -> Iterator[tuple[str, Finding]]:
        """A target that is a map would no longer lie over a picture that is moved."""
        shapes = {output.name: output.shape for output in graph.outputs}
        ends = [shapes.get(loss.output, ()) for loss in self.losses]
        maps = [end for end in ends if len(end) == 3 and max(end[1:]) > 1]
        if not maps:
            return
        label = f"it moves the picture and not its target, a map of {show(maps[0][1:])}"
        help = "move both in a function of your own, by `data python`"
        for i, step in enumerate(self.augment):
            if step.moves or (isinstance(step, ShorterSide) and step.draws):
                yield f"augment.{i}", Finding("A803", label, help)
        if isinstance(self.eval, TenCrop):
            label = "the mean of ten crops is one answer, and here is one for each position"
            yield "eval", Finding("A803", label, "`eval center_crop`")

    def _classes(self, graph: Graph) -> Iterator[tuple[str, Finding]]:
        """Classes without a place in the output cannot be learnt."""
        known = self.data.known_classes if "data" in self.places else None
        shape = graph.main.shape
        by_class = any(isinstance(s, CrossEntropy) and s.output == "out" for s in self.losses)
        if known is not None and by_class and len(shape) == 1 and 1 < channels(shape) < known:
            label = f"`{self.data.name}` has {known} classes, the output has {channels(shape)}"
            way = f"`-p classes={known}`" if "classes" in graph.parameters else f"`fc {known}`"
            yield "data", Finding("A805", label, f"end in {known} values: {way}")

    def _frozen_rates(self, graph: Graph) -> Iterator[tuple[str, Finding]]:
        """A rate for what is never trained."""
        ends = self.tuning.thaws is not None or self.tuning.waits is not None
        if not self.rates or ends or any(self.tuning.check(graph)):
            return
        frozen = self.tuning.frozen(graph)
        for i, rate in enumerate(self.rates):
            weights = weights_at(graph, rate.path)
            if weights and weights <= frozen:
                label = f"`{rate.path}` is frozen, so that no rate changes it"
                yield f"rates.{i}", Finding("A803", label, word=rate.path, versus="tuning")
