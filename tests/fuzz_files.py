"""The second half of `make fuzz`: damaged and hostile models and pictures, given to predict.

Of every file: predict answers or refuses it in words that name it, in at most twenty seconds; no
traceback, no dead process, and no file is opened but the model, its weights and the picture.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from classifiers import mean_colour, photo, seeing, status, with_external_data
from PIL import Image

import archdsl

SECONDS, BYTES = 20, 8 << 30
FORMATS = ("jpg", "png", "gif", "bmp", "webp", "tiff", "ppm", "avif", "jp2")
OUTSIDE = ("../secret", "/etc/passwd", "w/../../secret", "link", "a\0b", "..", "C:\\x", "")


def models(folder: Path) -> list[Path]:
    """Whole ones: by hand, with weights in another file, and from the compiler."""
    (folder / "w").write_bytes(np.array([10], np.float32).tobytes())
    net = archdsl.parse(
        "input 3x16x16\nconv 3x3 4; bn; relu; maxpool 2x2\nresidual { conv 3x3; relu }\n"
        "concat { conv 1x1 2 | avgpool 3x3 stride=1 pad=1 }\nfc 6; softmax"
    )
    net.to_onnx(folder / "net.onnx")
    return [
        mean_colour(folder / "mean.onnx"),
        seeing(folder / "seeing.onnx", 8),
        with_external_data(folder / "far.onnx", "w"),
        folder / "net.onnx",
    ]


def pictures(folder: Path) -> list[Path]:
    """Whole ones, of every kind of file, some of which have EXIF data or a palette."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    found: list[Path] = []
    for ending in FORMATS:
        path = folder / f"whole.{ending}"
        more: dict[str, Any] = {"exif": exif} if ending in ("jpg", "png", "webp") else {}
        photo(23, 17).save(path, **more)
        found.append(path)
    frames = [photo(9, 9, seed=i).convert("P") for i in range(3)]
    frames[0].save(folder / "frames.gif", save_all=True, append_images=frames[1:])
    photo().convert("CMYK").save(folder / "print.jpg")
    photo().convert("LA").save(folder / "clear.png")
    return [*found, folder / "frames.gif", folder / "print.jpg", folder / "clear.png"]


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Cut, flipped, overwritten, moved about."""
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        at = chance.randrange(len(found)) if found else 0
        span = chance.choice((1, 2, 4, 8, 64))
        match chance.randrange(7):
            case 0:
                del found[at:]
            case 1 | 2 if found:
                found[at] ^= 1 << chance.randrange(8)
            case 3 if found:
                found[at : at + span] = chance.randbytes(span)
            case 4:
                found[at : at + span] = chance.choice((b"\xff", b"\0", b"\x7f")) * span
            case 5:
                del found[at : at + span]
            case _:
                found[at:at] = found[at : at + span]
    return bytes(found)


class _Opened:
    """The files that Python opens; onnxruntime's opening is not seen, its answer is."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | Path):
            self.names.add(str(arguments[0]))


def trial(seed: int, folder: Path, whole: list[Path], shown: list[Path]) -> tuple[int, str]:
    """The exit status, and what was said on stderr."""
    chance = random.Random(seed)
    model, picture = chance.choice(whole), chance.choice(shown)
    kind = chance.randrange(5)
    if kind < 2:
        data = damaged(model.read_bytes(), chance)
        model = folder / "damaged.onnx"
        model.write_bytes(data)
    elif kind < 4:
        data = damaged(picture.read_bytes(), chance)
        picture = folder / f"damaged{picture.suffix}"
        picture.write_bytes(data)
    else:
        place = {"offset": str(chance.choice((0, 1, -1, 2**63)))} if chance.randrange(2) else {}
        model = with_external_data(folder / "hostile.onnx", chance.choice(OUTSIDE), **place)
    out, err = io.StringIO(), io.StringIO()
    more = ["--ten-crop"] if chance.randrange(4) == 0 else []
    with redirect_stdout(out), redirect_stderr(err):
        found = status(model, picture, "--device", "cpu", *more)
    told = err.getvalue()
    assert found in (0, 1), told
    assert (found == 1) == bool(told), told
    assert not told or told.startswith("error[A9"), told
    assert kind < 4 or found == 1, "weights from outside were read"
    if found:
        assert (model.name if kind < 2 or kind == 4 else picture.name) in told, told
    return found, told


def run(first: int, count: int, mark: str) -> tuple[int, int, float]:
    """Files tried, those refused, and the longest time for one; `mark` holds the seed at work."""
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    refused, longest = 0, 0.0
    opened = _Opened()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "home")
        folder.mkdir()
        Path(name, "secret").write_bytes(np.array([10], np.float32).tobytes())
        (folder / "link").symlink_to("../secret")
        whole, shown = models(folder), pictures(folder)
        status(whole[0], shown[0], "-q")  # what is loaded once is loaded
        for seed in range(first, first + count):
            Path(mark).write_text(str(seed))
            opened.names.clear()
            start = time.monotonic()
            try:
                refused += trial(seed, folder, whole, shown)[0]
            except BaseException as error:
                raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
            longest = max(longest, time.monotonic() - start)
            assert longest < SECONDS, f"seed {seed}: {longest:.1f} s"
            strange = [n for n in opened.names if "secret" in n or n.startswith("/etc")]
            assert not strange, f"seed {seed} opened {strange}"
    return count, refused, longest


def fuzz(files: int, seed: int = 0, batch: int = 500) -> str:
    """Try as many files; what to say of it.

    Raises:
        AssertionError: a promise is broken, or a process died; each names its seed.
    """
    context = multiprocessing.get_context("spawn")
    tried = refused = 0
    longest = 0.0
    with (
        tempfile.TemporaryDirectory() as marks,
        ProcessPoolExecutor(os.cpu_count(), context, max_tasks_per_child=1) as pool,
    ):
        jobs = [
            pool.submit(run, seed + i, min(batch, files - i), str(Path(marks, str(i))))
            for i in range(0, files, batch)
        ]
        try:
            for job in as_completed(jobs):
                found = job.result()
                tried, refused = tried + found[0], refused + found[1]
                longest = max(longest, found[2])
        except BrokenProcessPool:
            seeds = ", ".join(p.read_text() for p in sorted(Path(marks).iterdir()))
            raise AssertionError(f"a process died at one of the seeds {seeds}") from None
    return f"{tried:,} files, {refused:,} of which are refused; the longest took {longest:.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(fuzz(arguments.files, arguments.seed))


if __name__ == "__main__":
    main()
