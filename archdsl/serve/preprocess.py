"""From a picture to what a network takes: resize, crop, normalize.

The evaluation protocol of the ImageNet networks: the shorter side is resized to 256, the centre of
224x224 is cut out, values are scaled to [0, 1] and normalized per channel. The sizes and the
rounding are torchvision's (Resize and CenterCrop), so that weights trained with it see what they
saw there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from archdsl.serve.pictures import Channels, pixels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

Interpolation = Literal["nearest", "bilinear", "bicubic"]

MAX_SIDE = 8_192  # of what goes into a network
MAX_RESIZED = (
    64_000_000  # pixels; what a crop of a thin picture needs not is not computed beyond it
)
BYTE = 1 / 255
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET_RESIZE = 256 / 224  # the shorter side over that of the crop

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


def cut(picture: Image.Image, how: Preprocess, ten: bool = False) -> NDArray[np.uint8]:
    """The centre of a picture, resized; or ten crops: crops x rows x columns x channels.

    Ten crops are the four corners and the centre, then the five mirrored (Krizhevsky et al. 2012,
    section 4.1).
    """
    import numpy as np

    rows, columns = how.window
    height, width = how.resized(picture.height, picture.width)
    down, right = height - rows, width - columns
    places = [(round(down / 2), round(right / 2))]
    if ten:
        places = [(0, 0), (0, right), (down, 0), (down, right), *places]
    whole = _resized(picture, (width, height), how) if height * width <= MAX_RESIZED else None
    crops: list[Image.Image] = []
    for top, left in places:
        if whole is not None:
            crops.append(whole.crop((left, top, left + columns, top + rows)))
        else:
            crops.append(_part(picture, how, (height, width), (top, left)))
    found = np.stack([pixels(crop) for crop in crops])
    return np.concatenate([found, found[:, :, ::-1]]) if ten else found


def _resized(picture: Image.Image, size: tuple[int, int], how: Preprocess) -> Image.Image:
    return picture if picture.size == size else picture.resize(size, _filter(how))


def _part(
    picture: Image.Image, how: Preprocess, size: tuple[int, int], corner: tuple[int, int]
) -> Image.Image:
    """A crop of a picture that is too long to be resized as a whole, such as one of 1x50,000."""
    rows, columns = how.window
    down, right = picture.height / size[0], picture.width / size[1]  # source pixels a pixel
    top, left = corner[0] * down, corner[1] * right
    box = (left, top, left + columns * right, top + rows * down)
    inside = (min(box[2], picture.width), min(box[3], picture.height))
    return picture.resize((columns, rows), _filter(how), box=(*box[:2], *inside))


def _filter(how: Preprocess) -> Any:
    from PIL import Image

    return getattr(Image.Resampling, how.interpolation.upper())


def normalized(crops: NDArray[np.uint8], how: Preprocess, dtype: str) -> NDArray[Any]:
    """The input for crops (n x rows x columns x channels), in the layout and type of the model.

    A value is one of 256, so that each result is looked up: computed in double precision, rounded
    once.
    """
    import numpy as np

    values = np.arange(256)[None] * how.scale
    table = ((values - np.array(how.mean)[:, None]) / np.array(how.std)[:, None]).astype(dtype)
    first = how.layout == "NCHW"
    depth = crops.shape[3]
    n, rows, columns = crops.shape[:3]
    found = np.empty((n, depth, rows, columns) if first else crops.shape, dtype)
    for channel in range(depth):
        taken = table[channel][crops[..., channel]]
        if first:
            found[:, channel] = taken
        else:
            found[..., channel] = taken
    return found


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
