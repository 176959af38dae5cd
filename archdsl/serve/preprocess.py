"""From a picture to what a network takes: resize, crop, normalize."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.ir.preprocess import Preprocess
from archdsl.serve.pictures import pixels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

MAX_RESIZED = 64_000_000  # pixels; of a longer, thinner picture the crop alone is computed


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
