"""Tiles in a grid, with a line above that says what they are: a PNG, a WebP or an SVG."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from io import BytesIO
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.backends.drawing.forms import FEATURES, form
from archdsl.backends.drawing.theme import FONT
from archdsl.backends.drawing.typeface import letters
from archdsl.errors import printable
from archdsl.files import replacing, write_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

WIDTH = 720  # pixels that a grid is about as wide as
ZOOM = 16  # pixels that a value is at most
LARGEST = 192  # pixels of a tile's longer side; a larger one is made smaller by averaging
BAND = 12  # pixels that a tile of one row is high, and one of one column wide, at least
GAP, MARGIN, TEXT = 2, 16, 14
STRIP, SMALL = 12, 9  # pixels of the strip above a tile that has its number, and of the number
ROOM = 24  # pixels across of the smallest tile that has one; four digits fit
PAPER, INK = "#ffffff", "#1c1c1c"


@dataclass(frozen=True, slots=True)
class Panel:
    """One grid: equal tiles (n x rows x columns x 3), row by row."""

    title: str
    path: str
    tiles: NDArray[np.uint8]
    across: int
    channels: tuple[int, ...]
    """The channels that it shows, in the order of the tiles, or of rows of tiles."""
    of: int
    """How many the layer has."""

    @property
    def grid(self) -> tuple[int, int]:
        """Tiles down and across."""
        return ceil(len(self.tiles) / self.across), self.across


@dataclass(frozen=True, slots=True)
class Sheet:
    """Grids one below the other, and what has to be said of them."""

    title: str
    panels: tuple[Panel, ...]
    notes: tuple[str, ...] = ()

    def save(self, path: str | Path) -> None:
        """Write it as what the ending of the path says, of `forms.FEATURES`.

        Raises:
            WriteError: the ending is another, or the file cannot be written; an earlier one is left
                as it was.
        """
        path = Path(path)
        kind = form(path, FEATURES)
        if kind == "svg":
            write_text(path, self.svg())
            return
        image = self.image()
        with replacing(path) as temporary:
            if kind == "png":
                image.save(temporary, format="PNG", optimize=True)
            else:
                image.save(temporary, format="WEBP", lossless=True)

    def image(self) -> Image.Image:
        """The sheet with its lines of text, and the channels' numbers where there is room."""
        from PIL import Image

        grids = [_grid(panel) for panel in self.panels]
        lines = [letters(printable(line), TEXT) for line in self._lines()]
        widths = [each.width for each in (*grids, *lines)]
        step = round(1.6 * TEXT)
        height = 2 * MARGIN + step * len(lines) + sum(g.height + MARGIN for g in grids) - MARGIN
        sheet = Image.new("RGB", (max(widths) + 2 * MARGIN, height), PAPER)
        y = MARGIN
        for i, line in enumerate(lines):
            sheet.paste(INK, (MARGIN, y), line)
            y += step
            if i >= len(lines) - len(grids):
                grid = grids[i - len(lines)]
                sheet.paste(grid, (MARGIN, y))
                for number, dx, dy in _numbers(self.panels[i - len(lines)]):
                    sheet.paste(INK, (MARGIN + dx, y + dy), letters(str(number), SMALL))
                y += grid.height + MARGIN
        return sheet

    def svg(self) -> str:
        """The same with text that is text; the grids are pictures inside."""
        grids = [_grid(panel) for panel in self.panels]
        lines = self._lines()
        step = round(1.6 * TEXT)
        parts: list[str] = []
        y = MARGIN
        for i, line in enumerate(lines):
            words = escape(printable(line))
            parts.append(f'<text x="{MARGIN}" y="{y + TEXT}" fill="{INK}">{words}</text>')
            y += step
            if i >= len(lines) - len(grids):
                grid = grids[i - len(lines)]
                place = f'x="{MARGIN}" y="{y}" width="{grid.width}" height="{grid.height}"'
                style = 'style="image-rendering:pixelated"'
                parts.append(f'<image {place} {style} href="{_data(grid)}"/>')
                parts += (
                    f'<text x="{MARGIN + dx}" y="{y + dy + SMALL}" font-size="{SMALL}" '
                    f'fill="{INK}">{number}</text>'
                    for number, dx, dy in _numbers(self.panels[i - len(lines)])
                )
                y += grid.height + MARGIN
        width = 2 * MARGIN + max(*(g.width for g in grids), *(8 * len(x) for x in lines))
        size = f'viewBox="0 0 {width} {y}" width="{width}" height="{y}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}"'
        title = f"<title>{escape(printable(self.title))}</title>"
        paper = f'<rect width="{width}" height="{y}" fill="{PAPER}"/>'
        body = "\n".join(parts)
        return f'{head} font-size="{TEXT}" role="img">\n{title}\n{paper}\n{body}\n</svg>\n'

    def _lines(self) -> list[str]:
        """What is written: the title, then a line above each grid."""
        return [self.title, *(panel.title for panel in self.panels)]


def square(count: int) -> int:
    """Tiles in a row, of a grid that is about as wide as high."""
    return max(1, ceil(sqrt(count)))


def _grid(panel: Panel) -> Image.Image:
    """The tiles, each value a square of pixels, with gaps between them and strips for numbers."""
    from PIL import Image

    down, across = panel.grid
    _, rows, columns, _ = panel.tiles.shape
    size = _size(rows, columns, across)
    strip = _strip(panel)
    high = size[1] + strip + GAP
    grid = Image.new("RGB", (across * (size[0] + GAP) - GAP, down * high - GAP), PAPER)
    how = Image.Resampling.NEAREST if size[0] >= columns else Image.Resampling.BOX
    for i, tile in enumerate(panel.tiles):
        picture = Image.fromarray(tile).resize(size, how)
        y, x = divmod(i, across)
        grid.paste(picture, (x * (size[0] + GAP), y * high + strip))
    return grid


def _strip(panel: Panel) -> int:
    """Pixels above each tile for its number; 0 where the tiles are too small for one."""
    _, rows, columns, _ = panel.tiles.shape
    return STRIP if _size(rows, columns, panel.across)[0] >= ROOM else 0


def _numbers(panel: Panel) -> Iterator[tuple[int, int, int]]:
    """The channels' numbers, from 0, and where in the grid: above each one's tile, or its first."""
    if not _strip(panel):
        return
    _, rows, columns, _ = panel.tiles.shape
    wide, high = _size(rows, columns, panel.across)
    each = len(panel.tiles) // len(panel.channels)  # tiles of a channel: one, or a row
    for i, number in enumerate(panel.channels):
        y, x = divmod(i * each, panel.across)
        yield number, x * (wide + GAP), y * (high + STRIP + GAP)


def _size(rows: int, columns: int, across: int) -> tuple[int, int]:
    """Pixels across and down of a tile: a whole number for each value, unless it is too large."""
    side = max(rows, columns)
    if side > LARGEST:
        wide, high = max(1, columns * LARGEST // side), max(1, rows * LARGEST // side)
    else:
        zoom = min(ZOOM, max(1, WIDTH // (across * columns)), max(1, LARGEST // side))
        wide, high = columns * zoom, rows * zoom
    return max(wide, BAND if columns == 1 else 1), max(high, BAND if rows == 1 else 1)


def _data(image: Image.Image) -> str:
    data = BytesIO()
    image.save(data, format="PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(data.getvalue()).decode()}"
