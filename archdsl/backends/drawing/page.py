"""PDF and PNG of an SVG, by Typst.

Its wheel carries all that it needs, it takes our fonts where the system has none, and it leaves
text as text in a PDF.
"""

from __future__ import annotations

import re
from math import floor, sqrt
from pathlib import Path

from archdsl.backends.drawing.options import LEAST_DPI
from archdsl.backends.drawing.text import clip
from archdsl.backends.drawing.typeface import COVERED, FONTS
from archdsl.errors import BuildError, Diagnostic
from archdsl.files import replacing, write_text

MOST_PIXELS = 50_000_000
"""Of a PNG. Typst takes up to 21 bytes for each: 1.1 GB of memory."""

# Shares that are taken off the width and the height of a PNG. Typst rounds up the width, in single
# precision, and the height that belongs to it: of whole numbers a pixel more might come out.
LESS = 2e-6, 6e-6

# The SVG and the name come as data, so that nothing in them is read as Typst's language.
_PAGE = """\
#set document(title: sys.inputs.name, date: none)
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#image(bytes(sys.inputs.svg), format: "svg", alt: sys.inputs.name)
"""
_SIZE = re.compile(r'<svg\b[^>]*?\bwidth="([\d.]+)pt"\s+height="([\d.]+)pt"')


def write(svg: str, path: Path, form: str, dpi: int, name: str) -> None:
    """Write a picture into a file, as `svg`, `png` or `pdf`.

    Raises:
        BuildError: the PNG would have more than `MOST_PIXELS`.
        WriteError: the file cannot be written.
    """
    if form == "svg":
        write_text(path, svg)
        return
    with replacing(path) as temporary:
        temporary.write_bytes(render(svg, form == "pdf", dpi, name))


def render(svg: str, pdf: bool, dpi: int, name: str) -> bytes:
    """The picture as PDF, or as PNG of so many pixels an inch; the same bytes for the same SVG.

    Raises:
        BuildError: the PNG would have more than `MOST_PIXELS`.
    """
    import typst

    if not pdf:
        svg = _in_whole_pixels(svg, dpi)
    fonts = typst.Fonts(not COVERED.fullmatch(svg), False, [FONTS])
    found = typst.compile(
        _PAGE.encode(),
        format="pdf" if pdf else "png",
        ppi=float(dpi),
        font_paths=fonts,
        sys_inputs={"svg": svg, "name": clip(name)},
    )
    assert isinstance(found, bytes)  # one page
    return found


def _in_whole_pixels(svg: str, dpi: int) -> str:
    """The SVG, stretched to the nearest number of pixels, for a PNG.

    Typst draws an SVG with as many pixels as its size rounded up, and then takes those of the page
    out of them: of a size that is not whole, rows and columns of pixels would be missing, and
    letters cut there.

    Raises:
        BuildError: the PNG would have more than `MOST_PIXELS`.
    """
    found = _SIZE.search(svg)
    if found is None:
        return svg
    wide, high = (float(points) * dpi / 72 for points in found.groups())
    _check(wide, high, dpi)
    sides = zip((wide, high), LESS, strict=True)
    points = [max(1, round(side)) * (1 - less) * 72 / dpi for side, less in sides]
    size = 'width="{:.9f}pt" height="{:.9f}pt" preserveAspectRatio="none"'.format(*points)
    start = found.group().rindex("width=")
    return f"{svg[: found.start() + start]}{size}{svg[found.end() :]}"


def _check(wide: float, high: float, dpi: int) -> None:
    """Refuse what would take all memory, and say what does not."""
    share = MOST_PIXELS / (wide * high)
    if share >= 1:
        return
    fits = floor(dpi * sqrt(share))
    label = f"{wide:,.0f} x {high:,.0f} pixels; there may be {MOST_PIXELS:,} in all"
    way = f"--dpi {fits}" if fits >= LEAST_DPI else "a lesser --width"
    help = f"{way} fits; .pdf and .svg have no pixels"
    raise BuildError(Diagnostic("A980", None, label, help=help))
