"""Pictures of every kind, as an array of 8-bit values: rows, columns, channels.

What a file holds is brought to one form: it is turned as its EXIF data say, what is transparent
lies on white, grey of 16 bits becomes grey of 8 by rounding (colour of 16 bits loses its lower
bytes, in Pillow), palettes, grey, CMYK and YCbCr become RGB, of an animation the first frame is
taken. Colour profiles are not applied, as in the training of the usual networks.
"""

from __future__ import annotations

import stat
import threading
from contextlib import nullcontext
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.errors import Diagnostic, ModelError, printable
from archdsl.ir.preprocess import Channels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

# What Pillow decodes by itself. Others are left out: EPS, for one, is a program that it hands to
# Ghostscript.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF", "JPEG2000")
SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm",
    ".pgm", ".pbm", ".avif", ".jp2",
)  # fmt: skip
MAX_PIXELS = 80_000_000  # a few kilobytes can claim to be more; Pillow itself warns at 89 million
MAX_BYTES = 1 << 30

_lazy = threading.Lock()  # Pillow decodes at the first look, and threads may share a caller's image


def read(source: object, name: str, channels: Channels = "RGB") -> Image.Image:
    """A picture in mode RGB or L, from a path, a PIL image or a uint8 array.

    An array has rows and columns, and 1, 3 or 4 channels (the fourth is alpha) or no such axis.

    Raises:
        ModelError: it cannot be read; the message begins with `name`.
    """
    try:
        image = _opened(source)
        with _lazy if image is source else nullcontext():
            image = _loaded(image)
        return _flat(image, channels)
    except ModelError:
        raise
    except MemoryError:
        raise _refusal(name, "there is not enough memory for it") from None
    except Exception as error:  # decoders meet hostile bytes with errors of every kind
        raise _refusal(name, _reason(error)) from None


def _refusal(name: str, label: str) -> ModelError:
    return ModelError(Diagnostic("A903", None, f"{name}: {label}"))


class _Unfit(Exception):
    """Why a picture is not taken, in words."""


def _reason(error: Exception) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "it is no picture of a known kind, or its beginning is damaged"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"it claims to have more than {MAX_PIXELS:,} pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, _Unfit):
        return str(error)
    told = isinstance(error, OSError | SyntaxError | ValueError) and str(error)
    words = printable((told or type(error).__name__).partition("\n")[0])[:200]
    return f"it is truncated or damaged ({words})"


def _opened(source: object) -> Image.Image:
    """The image, its pixels not yet decoded where it comes from a file."""
    import numpy as np
    from PIL import Image

    if isinstance(source, Image.Image):
        return source
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if not isinstance(source, str | Path):
        raise _Unfit(f"a path, a PIL image or an array is wanted, not {type(source).__name__}")
    path = Path(source)
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for ever
        raise _Unfit("it is a folder" if stat.S_ISDIR(found.st_mode) else "it is no regular file")
    if found.st_size > MAX_BYTES:
        raise _Unfit(f"it is longer than {MAX_BYTES:,} bytes")
    return Image.open(BytesIO(path.read_bytes()), formats=_decoders())


@cache
def _decoders() -> tuple[str, ...]:
    """Those of the formats that this Pillow was built with."""
    from PIL import Image

    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _from_array(array: NDArray[Any]) -> Image.Image:
    import numpy as np
    from PIL import Image

    if array.dtype != np.uint8:
        raise _Unfit(f"an array must hold uint8 values from 0 to 255, not {array.dtype}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))) or not array.size:
        shape = "x".join(map(str, array.shape))
        raise _Unfit(f"an array must have rows, columns and 1, 3 or 4 channels, not {shape}")
    return Image.fromarray(np.ascontiguousarray(array))


def _loaded(image: Image.Image) -> Image.Image:
    """The first frame, decoded, turned as its EXIF data say."""
    from PIL import ImageOps

    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _Unfit(f"it has {width:,}x{height:,} pixels, more than {MAX_PIXELS:,}")
    if not width * height:
        raise _Unfit("it has no pixels")
    image.load()
    if image.getexif().get(_ORIENTATION, 1) == 1:
        return image
    return ImageOps.exif_transpose(image)


_ORIENTATION = 0x0112  # EXIF 2.32, section 4.6.4


def _flat(image: Image.Image, channels: Channels) -> Image.Image:
    """The picture in the mode that is wanted, without transparency."""
    from PIL import Image

    if image.mode.startswith("I"):
        image = _eight_bits(image)
    if image.mode == "F":
        raise _Unfit("its pixels are floating-point numbers, whose range is not known")
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image)
    if image.mode != "RGB" and not (image.mode == channels == "L"):
        image = image.convert("RGB")
    return image if image.mode == channels else image.convert(channels)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits as grey of 8: 65,535 becomes 255, halves are rounded up."""
    import numpy as np
    from PIL import Image

    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65_535:
        raise _Unfit("its pixels have more than 16 bits")
    return Image.fromarray(((values * 255 + 32_767) // 65_535).astype(np.uint8))


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    """The values: rows, columns, channels."""
    import numpy as np

    array = np.asarray(image)
    return array if array.ndim == 3 else array[:, :, None]
