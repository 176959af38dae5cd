"""Decoded images of a set in one file on the disk, which is read through a map of the memory.

The file holds the images one after the other, in bytes as they are decoded, and then an index: for
each image where it begins and its size (zeros up to four axes), as 64-bit integers; as JSON, why
some could not be read; and at the end the lengths of both, and a SHA-256 over them. Its name is
made of all that it depends on. It is written beside its place and renamed when it is whole, so that
a run that is killed leaves no half of one; of several runs that want the same, one writes it, and
the others wait. Where there are too many, those not used for the longest time are removed.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from archdsl.errors import printable
from archdsl.quantity import show_bytes
from archdsl.resources import cache_folder
from archdsl.train import room

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 1
AXES = 4
TAIL = struct.Struct("<QQ32s")  # images, bytes of the JSON, the SHA-256 of the index
CHUNK = 64  # images that are decoded between two writes


class Unpacked(Exception):
    """Why images are not kept on the disk, in words."""


@dataclass(frozen=True)
class Pack:
    """Images by their numbers, as views of the file."""

    path: Path
    data: NDArray[np.uint8]
    index: NDArray[np.int64]
    """A row an image: where it begins, and its size."""
    broken: dict[int, str]
    """Why an image could not be read, by its number."""

    def __getitem__(self, number: int) -> NDArray[np.uint8] | str:
        """An image (channels, rows, columns), perhaps ten of them, or why there is none."""
        why = self.broken.get(number)
        if why is not None:
            return why
        start, *sides = self.index[number].tolist()
        shape = tuple(side for side in sides if side)
        return self.data[start : start + prod(shape)].reshape(shape)


Decode = Callable[[int], Any]
"""An image by its number, or why it cannot be read."""


def packed(name: str, count: int, decode: Decode, note: Callable[[str], None]) -> Pack:
    """The file of these images; it is written if it is not there.

    Args:
        name: of the images by their content and of how they are decoded.
        count: how many there are.
        decode: gives one.
        note: is told of what takes its time.

    Raises:
        Unpacked: there is no room for them, or they cannot be written.
    """
    import PIL
    from filelock import FileLock

    key = sha256(f"{VERSION} {PIL.__version__} {name}".encode()).hexdigest()[:32]
    home = cache_folder() / "images"
    path = home / f"{key}.pack"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / f".{key}.lock"):
            found = opened(path, count)
            if found is None:
                note(f"decoding once {count:,} images, to be kept in {printable(str(home))}")
                _write(path, count, decode)
                found = opened(path, count)
    except OSError as error:
        raise Unpacked(f"{home}: {(error.strerror or str(error)).lower()}") from None
    if found is None:
        raise Unpacked(f"{path}: it cannot be read back")
    with suppress(OSError):
        os.utime(path)  # it was used
    return found


def opened(path: Path, count: int) -> Pack | None:
    """The images of a file, if it is there and whole."""
    import numpy as np

    try:
        # Copied where it is written to, which nobody does: torch warns of what may not be.
        data = np.memmap(path, np.uint8, "c").view(np.ndarray)
    except (OSError, ValueError):
        return None
    if len(data) < TAIL.size:
        return None
    images, told, digest = TAIL.unpack(data[-TAIL.size :].tobytes())
    start = len(data) - TAIL.size - told - images * 8 * (AXES + 1)
    if images != count or start < 0:
        return None
    about = data[start : -TAIL.size].tobytes()
    if sha256(about).digest() != digest:
        return None
    numbers = about[: len(about) - told]
    index = np.frombuffer(numbers, np.dtype("<i8")).reshape(count, AXES + 1)
    broken = {int(number): why for number, why in json.loads(about[len(numbers) :]).items()}
    return Pack(path, data, index, broken)


def _write(path: Path, count: int, decode: Decode) -> None:
    """Decode all images into a file.

    Raises:
        Unpacked: there is no room for them.
    """
    import numpy as np

    room.tidy(path.parent)
    temporary = path.with_name(f".{path.stem}.tmp")  # the lock's: no other run writes it
    index = np.zeros((count, AXES + 1), np.dtype("<i8"))
    broken: dict[int, str] = {}
    try:
        with temporary.open("wb") as file:
            for number, image in enumerate(_decoded(count, decode)):
                if number and number % CHUNK == 0:
                    _see_room(path, file, file.tell() * count // number)
                if isinstance(image, str):
                    broken[number] = image
                else:
                    index[number, : image.ndim + 1] = file.tell(), *image.shape
                    file.write(image.data)
            about = index.tobytes() + (told := json.dumps(broken).encode())
            file.write(about + TAIL.pack(count, len(told), sha256(about).digest()))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _decoded(count: int, decode: Decode) -> Iterator[Any]:
    """All images in order; some are decoded ahead, and no more wait than fit in memory."""
    with ThreadPoolExecutor() as pool:  # Pillow decodes without holding Python's lock
        for start in range(0, count, CHUNK):
            yield from pool.map(decode, range(start, min(count, start + CHUNK)))


def _see_room(path: Path, file: BinaryIO, expected: int) -> None:
    """Go on if there is room for so many bytes, by what is written so far.

    Raises:
        Unpacked: there is none.
    """
    if why := room.lacking(path.parent, "*.pack", expected, file.tell()):
        raise Unpacked(f"the images would take {show_bytes(expected)}; {why}")
