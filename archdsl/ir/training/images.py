"""`augment`, `normalize`, `eval`: what happens to images before the network sees them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from archdsl.ir.fields import Count, Positive, Size, Width
from archdsl.ir.preprocess import IMAGENET, Statistics
from archdsl.ir.records import Sample
from archdsl.ir.shapes import channels
from archdsl.ir.training.kinds import (
    Interval,
    Magnitude,
    NotNegative,
    Positives,
    Reals,
    Share,
    Turn,
)
from archdsl.ir.training.setting import Finding, Setting

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph


class Augmentation(Setting, ABC):
    """One step that makes a new training image of another, most of them at random each time.

    Steps are carried out in the order in which they are written. Each is a statement that follows
    `augment` or another step: `augment random_crop 32 pad=4; hflip`.
    """

    slot: ClassVar[str] = "augment"
    part: ClassVar[str] = "augment"
    many: ClassVar[bool] = True
    crops: ClassVar[bool] = False
    """Whether every image that it gives has one size."""
    moves: ClassVar[bool]
    """Whether what an image shows comes to stand elsewhere by chance, as its target does not."""

    @property
    def subject(self) -> str:
        return self.name

    @property
    def draws(self) -> bool:
        """Whether something of it is drawn, so that an image comes out otherwise each time."""
        return True


class RandomResizedCrop(Augmentation):
    """A part of random area and shape, brought to one size (Szegedy et al. 2014, section 6)."""

    name: ClassVar[str] = "random_resized_crop"
    positional: ClassVar[int] = 1
    crops: ClassVar[bool] = True
    moves: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("augment random_resized_crop 224"),
        Sample("augment random_resized_crop 192x256 scale=[0.35, 1] ratio=[0.9, 1.1]"),
    )

    size: Size = Field(description="the size that comes out, HxW")
    scale: Interval = Field((0.08, 1.0), description="bounds of the part's share of the area")
    ratio: Interval = Field((3 / 4, 4 / 3), description="bounds of its width over its height")

    @field_validator("scale")
    @classmethod
    def _within_the_image(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[1] > 1:
            raise ValueError("no part is larger than the whole, which is 1")
        return value


class RandomCrop(Augmentation):
    """A window of one size at a random place (Krizhevsky et al. 2012, section 4.1)."""

    name: ClassVar[str] = "random_crop"
    positional: ClassVar[int] = 1
    crops: ClassVar[bool] = True
    moves: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("augment random_crop 32 pad=4"),
        Sample("augment random_crop 32 pad=4 fill=reflect"),
    )

    size: Size = Field(description="the window, HxW")
    pad: Count = Field(0, description="pixels added on every side before")
    fill: Literal["zeros", "reflect"] = Field("zeros", description="what the padding holds")


class MiddleCrop(Augmentation):
    """The window in the middle, the same each time, which features can be kept of."""

    name: ClassVar[str] = "center_crop"
    positional: ClassVar[int] = 1
    crops: ClassVar[bool] = True
    moves: ClassVar[bool] = False
    samples: ClassVar[tuple[Sample, ...]] = (Sample("augment shorter_side 256; center_crop 224"),)

    size: Size = Field(description="the window, HxW")

    @property
    def draws(self) -> bool:
        return False


class ShorterSide(Augmentation):
    """Brings the shorter side to a length drawn from a range (Simonyan & Zisserman 2014, 3.1).

    The images then differ in size: a crop must follow.
    """

    name: ClassVar[str] = "shorter_side"
    positional: ClassVar[int] = 2
    moves: ClassVar[bool] = False
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("augment shorter_side 256 480; random_crop 224"),
        Sample("augment shorter_side 256; random_crop 224"),
    )

    least: Width = Field(description="the least length, in pixels")
    most: Width | None = Field(None, description="the greatest; the same if left out")

    @property
    def draws(self) -> bool:
        return self.most not in (None, self.least)

    @field_validator("most")
    @classmethod
    def _after_the_least(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and value < info.data.get("least", 0):
            raise ValueError("the least length comes first")
        return value


class HFlip(Augmentation):
    """Mirrors left and right."""

    name: ClassVar[str] = "hflip"
    positional: ClassVar[int] = 1
    moves: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (Sample("augment hflip"), Sample("augment hflip 0.3"))

    p: Share = Field(0.5, description="how probable it is")


class PcaJitter(Augmentation):
    """Noise along the principal components of the data's colours (Krizhevsky et al. 2012, 4.1).

    The components are computed from the training images and kept with the run.
    """

    name: ClassVar[str] = "pca_jitter"
    positional: ClassVar[int] = 1
    moves: ClassVar[bool] = False
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("augment pca_jitter"),
        Sample("augment pca_jitter 0.2"),
    )

    std: Positive = Field(
        0.1, description="the noise's standard deviation, in each component's own"
    )


class ColorJitter(Augmentation):
    """Changes brightness, contrast and saturation by random factors, and turns the hue.

    A factor blends with black, with the mean of the grey picture, or with the grey picture.
    """

    name: ClassVar[str] = "color_jitter"
    positional: ClassVar[int] = 4
    moves: ClassVar[bool] = False
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("augment color_jitter 0.4 0.4 0.4"),
        Sample("augment color_jitter 0.2 0.3 0.5 0.1"),
    )

    brightness: NotNegative = Field(
        0.4, description="factors from 1 - this, at least 0, to 1 + this"
    )
    contrast: NotNegative = Field(0.4, description="the same for the contrast")
    saturation: NotNegative = Field(0.4, description="the same for the saturation")
    hue: Turn = Field(0.0, description="how far it turns either way")


class RandAugment(Augmentation):
    """Some operations drawn from a fixed list, at one strength (Cubuk et al. 2019)."""

    name: ClassVar[str] = "randaugment"
    positional: ClassVar[int] = 2
    moves: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("augment randaugment"),
        Sample("augment randaugment 3 15"),
    )

    operations: Width = Field(2, description="how many are applied to an image")
    magnitude: Magnitude = Field(9, description="how strong they are")


class MixUp(Augmentation):
    """Blends two examples of a batch and their targets (Zhang et al. 2017)."""

    name: ClassVar[str] = "mixup"
    positional: ClassVar[int] = 1
    moves: ClassVar[bool] = False
    samples: ClassVar[tuple[Sample, ...]] = (Sample("augment mixup 0.2"), Sample("augment mixup 1"))

    alpha: Positive = Field(0.2, description="the share is drawn from Beta(alpha, alpha)")


class CutMix(Augmentation):
    """Puts a box of one example into another, and their targets in proportion (Yun et al. 2019)."""

    name: ClassVar[str] = "cutmix"
    positional: ClassVar[int] = 1
    moves: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("augment cutmix"),
        Sample("augment mixup; cutmix 0.5"),
    )

    alpha: Positive = Field(1.0, description="the box's share is drawn from Beta(alpha, alpha)")


class Erasing(Augmentation):
    """Blanks a random box (Zhong et al. 2017)."""

    name: ClassVar[str] = "erasing"
    positional: ClassVar[int] = 1
    moves: ClassVar[bool] = False
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("augment erasing 0.25"),
        Sample("augment erasing 0.5 scale=[0.02, 0.2] ratio=[0.5, 2]"),
    )

    p: Share = Field(0.25, description="how probable it is")
    scale: Interval = Field((0.02, 0.33), description="bounds of the box's share of the area")
    ratio: Interval = Field((0.3, 3.3), description="bounds of its width over its height")


class Normalization(Setting, ABC):
    """Shifts and scales each channel, at training and at evaluation alike: (x - mean) / std.

    It comes last, on values from 0 to 1.
    """

    slot: ClassVar[str] = "normalize"
    part: ClassVar[str] = "normalize"

    @property
    def width(self) -> int | None:
        """How many channels it fits; None for any number."""
        return None

    @property
    @abstractmethod
    def statistics(self) -> Statistics | None:
        """The mean and the deviation of each channel; both empty if nothing is done.

        None if the data decide, so that a run alone knows.
        """

    def check(self, graph: Graph) -> Iterator[Finding]:
        shape = graph.inputs[0].shape
        if self.width is not None and len(shape) == 3 and channels(shape) != self.width:
            label = f"values for {self.width} channels, and the input has {channels(shape)}"
            yield Finding("A803", label, "`normalize data` fits every input")


class ByData(Normalization):
    """By the mean and standard deviation of the training data, kept with the run."""

    name: ClassVar[str] = "data"
    samples: ClassVar[tuple[Sample, ...]] = (Sample("normalize data"),)

    @property
    def statistics(self) -> Statistics | None:
        return None


class ByImageNet(Normalization):
    """By ImageNet's mean and standard deviation, as most published weights expect."""

    name: ClassVar[str] = "imagenet"
    samples: ClassVar[tuple[Sample, ...]] = (Sample("normalize imagenet"),)

    @property
    def statistics(self) -> Statistics:
        return IMAGENET

    @property
    def width(self) -> int | None:
        return 3


class ByValues(Normalization):
    """By numbers that the spec gives, one for each channel."""

    name: ClassVar[str] = "values"
    positional: ClassVar[int] = 2
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("normalize values mean=[0.5, 0.5, 0.5] std=[0.25, 0.25, 0.25]"),
        Sample("normalize values [0.5, 0.5, 0.5] [0.25, 0.25, 0.25]"),
    )

    mean: Reals = Field(description="the mean of each channel")
    std: Positives = Field(description="the standard deviation of each channel")

    @property
    def width(self) -> int | None:
        return len(self.mean)

    @property
    def statistics(self) -> Statistics:
        return self.mean, self.std

    @field_validator("std")
    @classmethod
    def _as_many(cls, value: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        mean = info.data.get("mean")
        if mean is not None and len(mean) != len(value):
            raise ValueError(f"the mean has {len(mean)} numbers, the deviation {len(value)}")
        return value


class AsIs(Normalization):
    """Not at all."""

    name: ClassVar[str] = "none"
    samples: ClassVar[tuple[Sample, ...]] = (Sample("normalize none"),)

    @property
    def statistics(self) -> Statistics:
        return (), ()


class Evaluation(Setting, ABC):
    """What is cut out of an image to evaluate it; without this statement it is used whole."""

    slot: ClassVar[str] = "eval"
    part: ClassVar[str] = "eval"
    positional: ClassVar[int] = 1

    size: Size = Field(description="the window, HxW")
    resize: Width | None = Field(
        None, description="what the shorter side is brought to before; the data's if left out"
    )

    @field_validator("resize")
    @classmethod
    def _holds_the_window(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and value < min(info.data.get("size", (0,))):
            raise ValueError("the image would be smaller than the window")
        return value


class CenterCrop(Evaluation):
    """The window in the middle."""

    name: ClassVar[str] = "center_crop"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("eval center_crop 224"),
        Sample("eval center_crop 224 resize=256"),
    )


class TenCrop(Evaluation):
    """Corners and middle, and their mirror images; the mean of ten predictions (AlexNet, 4.1)."""

    name: ClassVar[str] = "ten_crop"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("eval ten_crop 224"),
        Sample("eval ten_crop 224 resize=256"),
    )
