"""Every kind of picture becomes 8-bit values, or an error that names it."""

from __future__ import annotations

import io
import os
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from archdsl.errors import ModelError
from archdsl.serve.pictures import MAX_PIXELS, SUFFIXES, Channels, pixels, read

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners() -> Image.Image:
    """Red at the top left, green at the top right, blue at the bottom left, white elsewhere."""
    image = Image.new("RGB", (32, 16), "white")
    image.paste(RED, (0, 0, 8, 8))
    image.paste(GREEN, (24, 0, 32, 8))
    image.paste(BLUE, (0, 8, 8, 16))
    return image


def values(source: object, channels: Channels = "RGB") -> np.ndarray:
    return pixels(read(source, "p", channels))


def refused(source: object) -> str:
    with pytest.raises(ModelError) as error:
        read(source, "the/name.png")
    (found,) = error.value.diagnostics
    assert found.code == "A903"
    assert found.label.startswith("the/name.png: ")
    return found.label


@pytest.mark.parametrize("ending", [s for s in SUFFIXES if s not in (".pgm", ".pbm")])
def test_every_known_ending_is_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x{ending}"
    corners().save(path)
    found = values(path).astype(int)
    assert found.shape == (16, 32, 3)
    for (row, column), colour in {(2, 2): RED, (2, 29): GREEN, (13, 2): BLUE}.items():
        assert abs(found[row, column] - colour).max() < 90, "but for what compression makes of it"


@pytest.mark.parametrize("ending", ["jpg", "png", "tiff", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns(tmp_path: Path, orientation: int, ending: str) -> None:
    """Stored turned the other way and marked: all eight look as the first (EXIF 2.32, 4.6.4)."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,  # shown, it is turned clockwise
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = corners() if orientation == 1 else corners().transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"x.{ending}"
    stored.save(path, exif=exif, **({"quality": 95} if ending == "jpg" else {}))
    found = values(path).astype(int)
    assert found.shape == (16, 32, 3)
    for (row, column), colour in {(2, 2): RED, (2, 29): GREEN, (13, 2): BLUE}.items():
        assert abs(found[row, column] - colour).max() < 90


def test_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (2, 1))
    image.putpixel((0, 0), (255, 0, 0, 0))  # red that nobody sees
    image.putpixel((1, 0), (0, 0, 0, 51))  # a fifth of black
    image.save(tmp_path / "a.png")
    assert values(tmp_path / "a.png").tolist() == [[[255, 255, 255], [204, 204, 204]]]
    image.convert("LA").save(tmp_path / "la.png")
    assert values(tmp_path / "la.png").tolist() == [[[255, 255, 255], [204, 204, 204]]]
    assert values(tmp_path / "la.png", "L").tolist() == [[[255], [204]]]


def test_palettes(tmp_path: Path) -> None:
    image = corners().convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
    image.save(tmp_path / "p.png")
    assert (values(tmp_path / "p.png") == np.asarray(corners())).all()
    transparent = image.getpixel((2, 2))
    image.save(tmp_path / "t.gif", transparency=transparent)
    assert values(tmp_path / "t.gif")[2, 2].tolist() == [255, 255, 255]
    assert values(tmp_path / "t.gif")[2, 29].tolist() == list(GREEN)


def test_a_colour_that_stands_for_nothing(tmp_path: Path) -> None:
    corners().save(tmp_path / "key.png", transparency=RED)
    assert values(tmp_path / "key.png")[2, 2].tolist() == [255, 255, 255]
    assert values(tmp_path / "key.png")[13, 2].tolist() == list(BLUE)


def test_grey_and_one_bit(tmp_path: Path) -> None:
    grey = Image.fromarray(np.array([[0, 100, 255]], np.uint8))
    grey.save(tmp_path / "l.png")
    assert values(tmp_path / "l.png").tolist() == [[[0] * 3, [100] * 3, [255] * 3]]
    assert values(tmp_path / "l.png", "L").tolist() == [[[0], [100], [255]]]
    grey.convert("1", dither=Image.Dither.NONE).save(tmp_path / "b.pbm")
    assert values(tmp_path / "b.pbm").tolist() == [[[0] * 3, [0] * 3, [255] * 3]]


@pytest.mark.parametrize("ending", ["png", "tiff", "pgm"])
def test_sixteen_bits(tmp_path: Path, ending: str) -> None:
    """Divided by 257 and rounded: 65,535 / 257 = 255."""
    steps = np.array([[0, 128, 129, 257, 25_700, 65_535]], np.uint16)
    Image.fromarray(steps).save(tmp_path / f"x.{ending}")
    assert values(tmp_path / f"x.{ending}", "L")[0, :, 0].tolist() == [0, 0, 1, 1, 100, 255]


def test_cmyk(tmp_path: Path) -> None:
    corners().convert("CMYK").save(tmp_path / "c.jpg", quality=95)
    found = values(tmp_path / "c.jpg").astype(int)
    assert abs(found[2, 2] - RED).max() < 90
    assert abs(found[12, 20] - WHITE).max() < 20


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "tiff"])
def test_of_an_animation_the_first_frame(tmp_path: Path, ending: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (BLUE, RED, GREEN)]
    more = {"lossless": True} if ending == "webp" else {}
    frames[0].save(tmp_path / f"a.{ending}", save_all=True, append_images=frames[1:], **more)
    assert values(tmp_path / f"a.{ending}").reshape(-1, 3).tolist() == [list(BLUE)] * 64


def test_arrays() -> None:
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert (values(grey)[:, :, 1] == grey).all()
    assert (values(grey[:, :, None], "L")[:, :, 0] == grey).all()
    colour = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert (values(colour) == colour).all()
    assert (values(colour[:, ::-1]) == colour[:, ::-1]).all(), "as numpy strides it"
    clear = np.zeros((1, 1, 4), np.uint8)
    assert values(clear).tolist() == [[[255, 255, 255]]]


def test_an_image_of_the_caller_stays_as_it_was() -> None:
    image = corners()
    image.getexif()[0x0112] = 6
    assert values(image).shape == (32, 16, 3)
    assert image.size == (32, 16)
    assert image.getexif()[0x0112] == 6


def test_threads_may_share_an_image_that_is_not_decoded_yet() -> None:
    data = io.BytesIO()
    corners().resize((640, 320)).save(data, "PNG")
    for _ in range(5):
        shared = Image.open(io.BytesIO(data.getvalue()))
        found: list[np.ndarray] = []
        threads = [
            threading.Thread(target=lambda s=shared, f=found: f.append(values(s)))
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 16
        assert all((f == found[0]).all() for f in found)


# What is refused


@pytest.mark.parametrize("ending", ["jpg", "png", "gif", "bmp", "webp", "tiff", "ppm", "avif"])
def test_a_truncated_file_is_named(tmp_path: Path, ending: str) -> None:
    whole = tmp_path / f"x.{ending}"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)).save(whole)
    data = whole.read_bytes()
    for length in (0, 1, 10, len(data) // 3, len(data) // 2):
        whole.write_bytes(data[:length])
        refused(whole)


def test_what_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_text("hello")
    assert "no picture of a known kind" in refused(tmp_path / "x.jpg")
    assert "no such file" in refused(tmp_path / "none.jpg")
    assert "it is a folder" in refused(tmp_path)
    assert "null" in refused("a\0b.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "no regular file" in refused(tmp_path / "pipe.jpg")
    assert "not int" in refused(3)


def test_postscript_is_not_handed_to_an_interpreter(tmp_path: Path) -> None:
    (tmp_path / "x.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n")
    assert "no picture of a known kind" in refused(tmp_path / "x.eps")


@pytest.mark.parametrize(
    ("array", "label"),
    [
        (np.zeros((2, 2, 3), np.float32), "uint8 values from 0 to 255, not float32"),
        (np.zeros((3, 8, 8), np.uint8), "not 3x8x8"),
        (np.zeros((0, 8, 3), np.uint8), "not 0x8x3"),
        (np.zeros(5, np.uint8), "not 5"),
    ],
)
def test_arrays_that_are_no_pictures(array: np.ndarray, label: str) -> None:
    assert label in refused(array)


def test_numbers_without_a_known_range(tmp_path: Path) -> None:
    Image.fromarray(np.ones((2, 2), np.float32)).save(tmp_path / "f.tiff")
    assert "floating-point" in refused(tmp_path / "f.tiff")
    Image.fromarray(np.full((2, 2), 70_000, np.int32)).save(tmp_path / "i.tiff")
    assert "more than 16 bits" in refused(tmp_path / "i.tiff")


def png_that_claims(width: int, height: int) -> bytes:
    """A file of some hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [9_000, 12_000, 60_000])
def test_bombs_are_not_unpacked(tmp_path: Path, side: int) -> None:
    """Beyond our limit, beyond that of Pillow's warning, and beyond its error."""
    assert side * side > MAX_PIXELS
    (tmp_path / "x.png").write_bytes(png_that_claims(side, side))
    assert f"more than {MAX_PIXELS:,}" in refused(tmp_path / "x.png")
