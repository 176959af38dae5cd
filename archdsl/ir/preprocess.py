"""How a picture becomes what a network takes, as plain data.

The evaluation protocol of the ImageNet networks: the shorter side is resized to 256, the centre of
224x224 is cut out, values are scaled to [0, 1] and normalized per channel. The sizes and the
rounding are torchvision's (Resize and CenterCrop), so that weights trained with it see what they
saw there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from archdsl.ir.shapes import channels

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph

Channels = Literal["RGB", "L"]
KINDS: dict[int, Channels] = {1: "L", 3: "RGB"}
"""Pictures by their number of channels: grey, or red, green and blue."""

Statistics = tuple[tuple[float, ...], tuple[float, ...]]
"""A mean and a standard deviation for each channel, of values from 0 to 1."""

# Of ImageNet's training images, as torchvision's and timm's weights expect.
IMAGENET: Statistics = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

Interpolation = Literal["nearest", "bilinear", "bicubic"]

MAX_SIDE = 8_192  # of what goes into a network
BYTE = 1 / 255

_Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
_Number = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
_Positive = Annotated[float, Field(ge=1e-6, le=1e6, allow_inf_nan=False)]


class Preprocess(BaseModel):
    """How a picture becomes an input, as the metadata of a file state it.

    A picture is resized so that its shorter side is `resize` (both sides, where that is a pair),
    and the centre of the size `crop` is cut out; it is resized further where it would be smaller
    than that. Without `crop` that is `size`, without `resize` the picture is just made to cover the
    crop.
    Each value v from 0 to 255 of channel c becomes (v * scale - mean[c]) / std[c].

    With `in_graph` the model does all that: it takes uint8 pictures, rows x columns x channels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: tuple[_Side, _Side]
    """Rows and columns of the network's input."""
    resize: _Side | tuple[_Side, _Side] | None = None
    crop: _Side | tuple[_Side, _Side] | None = None
    interpolation: Interpolation = "bilinear"
    channels: Channels = "RGB"
    scale: _Number = BYTE
    mean: tuple[_Number, ...]
    std: tuple[_Positive, ...]
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    in_graph: bool = False

    @model_validator(mode="after")
    def _agrees(self) -> Preprocess:
        depth = len(self.channels)
        if not len(self.mean) == len(self.std) == depth:
            raise ValueError(f"mean and std must have {depth} values, one for each channel")
        if not self.in_graph and self.window != self.size:
            raise ValueError(f"the crop is {_by(self.window)}, the input {_by(self.size)}")
        return self

    @property
    def window(self) -> tuple[int, int]:
        """Rows and columns of the crop."""
        crop = self.crop if self.crop is not None else self.size
        return (crop, crop) if isinstance(crop, int) else crop

    def resized(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns that a picture has before it is cropped."""
        rows, columns = self.window
        if isinstance(self.resize, tuple):
            return max(rows, self.resize[0]), max(columns, self.resize[1])
        short = min(height, width)
        covering = max(-(-rows * short // height), -(-columns * short // width))
        side = max(self.resize or 1, covering)
        return side * height // short, side * width // short

    def affine(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """By channel, what a value from 0 to 255 is multiplied by, and what is added then."""
        factors = tuple(self.scale / s for s in self.std)
        return factors, tuple(-m / s for m, s in zip(self.mean, self.std, strict=True))


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def usual_resize(size: tuple[int, int]) -> int:
    """What the shorter side is brought to, where 256 is for a crop of 224x224."""
    return round(min(size) * 256 / 224)


def of(graph: Graph) -> Preprocess | None:
    """How a network's pictures are prepared: as its `train` section says, else as for ImageNet.

    None if it takes no pictures, or if the section normalizes by data that only a run has seen.
    """
    if len(graph.inputs) != 1 or len(shape := graph.inputs[0].shape) != 3:
        return None
    width, size = channels(shape), (shape[1], shape[2])
    if width not in KINDS:
        return None
    kind: dict[str, Any] = {"size": size, "crop": size, "channels": KINDS[width]}
    plain = (0.0,) * width, (1.0,) * width
    if graph.training is None:
        mean, std = IMAGENET if width == len(IMAGENET[0]) else plain
        return _stated(kind | {"resize": usual_resize(size), "mean": mean, "std": std})
    found = graph.training.normalize.statistics
    if found is None:
        return None
    mean, std = found if found[0] else plain
    evaluation = graph.training.eval
    resize = graph.training.data.shorter_side
    if evaluation is not None and evaluation.resize is not None:
        resize = evaluation.resize
    return _stated(kind | {"resize": resize, "mean": mean, "std": std})


def _stated(values: dict[str, Any]) -> Preprocess | None:
    """None if it is out of all proportion, such as maps of 10,000 rows: no file would be read."""
    try:
        return Preprocess.model_validate(values)
    except ValidationError:
        return None
