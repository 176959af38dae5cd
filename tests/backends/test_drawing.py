"""What the styles of pictures share: endings, options, pages of pixels."""

from __future__ import annotations

import struct
import subprocess
import sys
from io import BytesIO
from itertools import groupby
from math import ceil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import archdsl
from archdsl.backends.drawing import Options, forms, page
from archdsl.backends.drawing.typeface import COVERED, FONTS, letters
from archdsl.errors import BuildError
from archdsl.styles import STYLES

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{}pt" height="{}pt" viewBox="0 0 1 1">'
    '<rect width="1" height="1" fill="#123456"/></svg>'
)


@pytest.mark.parametrize("style", STYLES)
def test_every_ending_that_a_style_names_is_written(style: str, tmp_path: Path) -> None:
    net = archdsl.zoo("tiny")
    for ending in STYLES[style].endings:
        net.draw(tmp_path / f"a.{ending}", style=style)
        assert (tmp_path / f"a.{ending}").stat().st_size > 200


def test_the_letters_said_to_be_covered_are_in_both_fonts() -> None:
    tables = pytest.importorskip("fontTools.ttLib", reason="comes with matplotlib")
    for name in ("Arimo-Regular.ttf", "Arimo-Bold.ttf"):
        found = tables.TTFont(FONTS / name).getBestCmap()
        covered = (c for c in range(0x20, 0x10000) if COVERED.fullmatch(chr(c)))
        assert not [hex(c) for c in covered if c not in found]


# Pixels


@pytest.mark.parametrize("style", ["graph", "volumes", "table"])
def test_pixels_are_the_size_times_the_resolution(style: str, tmp_path: Path) -> None:
    net = archdsl.zoo("tiny")
    net.draw(tmp_path / "a.png", style=style, width=144.0, dpi=100)
    net.draw(tmp_path / "a.pdf", style=style, width=144.0)
    wide, high = struct.unpack(">II", (tmp_path / "a.png").read_bytes()[16:24])
    assert abs(wide - 200) <= 1
    assert high > 10


def test_letters_that_the_fonts_lack_are_seen_to_be_missing() -> None:
    assert np.array_equal(letters("a\u65e5b", 14), letters("a?b", 14))
    assert np.asarray(letters("?", 14)).any()


@pytest.mark.parametrize(("wide", "high"), [(7200, 7200), (14400, 14400), (100, 14400), (999, 50)])
def test_a_picture_of_too_many_pixels_is_refused(wide: int, high: int) -> None:
    """And the resolution that the error names fits, while the next one does not."""
    with pytest.raises(BuildError) as caught:
        page.render(SVG.format(wide, high), False, 2400, "x")
    (found,) = caught.value.diagnostics
    assert found.code == "A980"
    fits = int(found.help.split()[1])
    assert fits >= 10
    limit = page.MOST_PIXELS
    assert wide * fits / 72 * high * fits / 72 <= limit < (fits + 1) ** 2 * wide * high / 72**2
    if ceil(wide * fits / 72) * ceil(high * fits / 72) < 60_000_000:
        data = page.render(SVG.format(wide, high), False, min(fits, 100), "x")
        assert data.startswith(b"\x89PNG")


@pytest.mark.parametrize("style", ["graph", "volumes", "table"])
def test_every_style_refuses_too_many_pixels_and_leaves_what_was_there(
    style: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"earlier")
    with pytest.raises(BuildError, match="too many pixels"):
        archdsl.zoo("tiny").draw(path, style=style, width=14_400.0, dpi=2400)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"earlier"]


def test_where_no_resolution_fits_the_error_says_so() -> None:
    with pytest.raises(BuildError, match=r"a lesser --width fits"):
        page.render(SVG.format(144_000, 144_000), False, 10, "x")


def test_a_pdf_has_no_pixels() -> None:
    assert page.render(SVG.format(14_400, 14_400), True, 2400, "x").startswith(b"%PDF-")


def test_the_largest_picture_takes_a_gigabyte() -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("Linux alone tells the most memory of a process, without that of its parent")
    code = f"""if True:
        from archdsl.backends.drawing import page
        page.render({SVG.format(7070, 7070)!r}, False, 72, "x")
        print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[1]) * 1024 < 1.4e9
    assert 7070 * 7070 <= page.MOST_PIXELS < 7072 * 7072


@pytest.mark.parametrize("wrong", [{"dpi": 9}, {"dpi": 2401}, {"width": 9.0}, {"width": 14_401.0}])
def test_options_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="is from"):
        Options(**wrong)  # type: ignore[arg-type]


def test_an_ending_is_told_without_regard_to_its_case() -> None:
    assert forms.form(Path("a.SVG"), forms.GRAPH) == "svg"
    assert forms.ending(Path("a")) == ""


@pytest.mark.parametrize(
    ("wide", "high"),
    [(99.86, 99.86), (99.95, 71.3), (100.0, 100.2), (71.0, 226.77), (226.77, 359.13), (3000, 80)],
)
def test_a_png_has_each_row_and_column_of_pixels(wide: float, high: float) -> None:
    """Bars of 2 pixels at 192 dpi stay such, whatever share of a pixel the picture ends with."""
    count = int(wide - 10) // 3 * 2, int(high - 10) // 3 * 2
    upright = (f'x="{1.5 * i + 6}" y="1" width="0.75" height="1.5"' for i in range(count[0]))
    level = (f'x="2" y="{1.5 * i + 3}" width="2" height="0.75"' for i in range(count[1]))
    bars = "".join(f"<rect {place}/>" for place in (*upright, *level))
    size = f'width="{wide}pt" height="{high}pt" viewBox="0 0 {wide} {high}"'
    paper = '<rect width="100%" height="100%" fill="white"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{paper}{bars}</svg>'
    picture = Image.open(BytesIO(page.render(svg, False, 192, "bars")))
    assert picture.size == (round(wide * 192 / 72), round(high * 192 / 72))
    assert picture.convert("RGBA").getchannel("A").getextrema() == (255, 255)
    dark = 1 - np.asarray(picture.convert("L")) / 255
    for line, bars_in in zip((dark[5], dark[8:, 8]), count, strict=True):
        runs = [sum(run) for ink, run in groupby(line, lambda share: share > 0.01) if ink]
        assert runs == pytest.approx([2] * bars_in, abs=0.3)  # edges are counted in quarters
