"""The effective field as a picture: a heat map on the input, its box, its circle, a caption."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.analyses.region import Interval
from archdsl.backends.drawing.typeface import letters
from archdsl.backends.effective.field import MOST, EffectiveField
from archdsl.errors import printable
from archdsl.files import replacing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image, ImageDraw

SIDE = 720  # pixels of the map's longer side
THIN = 48  # pixels of the shorter one at least, where the input is a line
MARGIN, TEXT = 24, 17
BEYOND = 3.0  # how many times as large as the input what is shown may be
OUTLIERS = 0.999  # of the values are told apart by their shade; few inputs leave some that glare
PAPER, INK, OUTSIDE, BOX, CIRCLE = "#ffffff", "#1c1c1c", "#dcdcdc", "#00a3ff", "#ffffff"
# From dark to light in even steps of lightness, so that it can be read without colours.
SHADES = ((0, 0, 4), (66, 10, 104), (147, 38, 103), (221, 81, 58), (252, 165, 10), (252, 255, 164))


def save(found: EffectiveField, path: str | Path) -> None:
    """Write the picture; see `EffectiveField.save`."""
    with replacing(path) as temporary:
        draw(found).save(temporary, format="PNG", optimize=True)


def draw(found: EffectiveField) -> Image.Image:
    """The picture: the root mean square of the gradient, lightest where it is largest."""
    from PIL import Image, ImageDraw

    values = found.values.reshape(-1, found.values.shape[-1])  # tokens are one row
    view = _view(found, values.shape)
    zoom = SIDE / max(last - first + 1 for first, last in view)
    rows, columns = (max(THIN, round(zoom * (b - a + 1))) for a, b in view)
    caption = [letters(line, TEXT) for line in _caption(found)]
    width = max(columns, *(line.width for line in caption))
    line = round(1.45 * TEXT)
    size = (width + 2 * MARGIN, rows + 2 * MARGIN + 12 + line * len(caption))
    picture = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(picture)

    left, top = (size[0] - columns) // 2, MARGIN
    stretch = rows / (view[0][1] - view[0][0] + 1)

    def corner(row: float, column: float) -> tuple[float, float]:
        return left + (column - view[1][0]) * zoom, top + (row - view[0][0]) * stretch

    pen.rectangle((left, top, left + columns - 1, top + rows - 1), fill=OUTSIDE)
    (x0, y0), (x1, y1) = corner(0, 0), corner(*values.shape)
    wide, high = max(1, round(x1 - x0)), max(1, round(y1 - y0))
    larger = wide >= values.shape[1]
    how = Image.Resampling.NEAREST if larger else Image.Resampling.BOX
    picture.paste(_heat(values).resize((wide, high), how), (round(x0), round(y0)))
    box = _rows(found.region.unclipped, view)
    if box:
        (a, b), (c, d) = corner(box[0][0], box[1][0]), corner(box[0][1] + 1, box[1][1] + 1)
        pen.rectangle((a, b, max(a, c - 1), max(b, d - 1)), outline=BOX, width=3)
    if min(values.shape) > 1:
        x, y = corner(found.center[0] + 0.5, found.center[1] + 0.5)
        r = max(found.radius(), 0.5) * zoom
        _dashed(pen, x, y, r)
    for i, words in enumerate(caption):
        picture.paste(INK, (MARGIN, top + rows + 12 + i * line), words)
    return picture


def _view(found: EffectiveField, shape: tuple[int, ...]) -> tuple[Interval, Interval]:
    """Rows and columns to show: the input, and the box as far as it is not much larger."""
    whole = tuple((0, n - 1) for n in shape)
    box = _rows(found.region.unclipped, None) or whole
    sides: list[Interval] = []
    for (first, last), n in zip(box, shape, strict=True):
        room = round((BEYOND - 1) / 2 * n)
        sides.append((max(min(first, 0), -room), min(max(last, n - 1), n - 1 + room)))
    return sides[0], sides[1]


def _rows(
    box: tuple[Interval, ...] | None, view: tuple[Interval, Interval] | None
) -> tuple[Interval, ...] | None:
    """A region as rows and columns, no farther than what is shown."""
    if not box:
        return None
    both = box if len(box) == 2 else ((0, 0), *box)
    if view is None:
        return both
    return tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(both, view, strict=True))


def _heat(values: NDArray[np.float64]) -> Image.Image:
    """Values as colours, the square root of what they are of the largest but for outliers."""
    import numpy as np
    from PIL import Image

    top = np.quantile(values[values > 0], OUTLIERS)
    level = np.sqrt(np.minimum(values / top, 1)) * (len(SHADES) - 1)
    steps = np.arange(len(SHADES))
    bands = [np.interp(level, steps, [shade[i] for shade in SHADES]) for i in range(3)]
    return Image.fromarray(np.stack(bands, axis=-1).round().astype(np.uint8), "RGB")


def _dashed(pen: ImageDraw.ImageDraw, x: float, y: float, r: float) -> None:
    """A circle that can be told from the box."""
    for start in range(0, 360, 12):
        pen.arc((x - r, y - r, x + r, y + r), start, start + 7, fill=CIRCLE, width=2)


def _caption(found: EffectiveField) -> list[str]:
    region = found.region
    place = ", ".join(map(str, region.position))
    sides = "x".join(map(str, region.extent))
    at = f"{region.path}, position {place}" if place else region.path
    lines = [f"{at}: gradient at the input, {sides}"]
    if region.unclipped:
        reach = "x".join(str(b - a + 1) for a, b in region.unclipped)
        beyond = any(
            a < 0 or b >= n for (a, b), n in zip(region.unclipped, region.extent, strict=True)
        )
        grey = "; grey: beyond the input" if beyond else ""
        lines.append(f"blue box: the receptive field, {reach}{grey}")
    sigma = " x ".join(f"{s:.1f}" for s in found.sigma)
    circle = "dashed circle: " if min(region.extent) > 1 < len(region.extent) else ""
    lines.append(f"{circle}{MOST:.0%} of the energy, diameter {found.diameter():.0f}")
    lines.append(f"sigma {sigma}; {found.inputs} random inputs")
    return [printable(line) for line in lines]
