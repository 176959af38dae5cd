"""Files that a data set's authors publish: found in a folder, held against their checksums."""

from __future__ import annotations

import hashlib
from pathlib import Path

from archdsl.errors import printable
from archdsl.train.refuse import refusal


def found(folder: Path, name: str, inner: str = "") -> Path | None:
    """A file in a folder, or in the folder that its archive unpacks to."""
    for path in (folder / name, folder / inner / name):
        if path.is_file():
            return path
    return None


def content(path: Path, md5: str) -> bytes:
    """The bytes of a file that must be the original.

    Raises:
        TrainError: it cannot be read, or is another file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise refusal("A952", f"{path}: {(error.strerror or str(error)).lower()}") from None
    own = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if own != md5:
        label = f"{path}: it is not the original: its MD5 is {own}, the published one {md5}"
        raise refusal("A953", label, "fetch it again; a download may have been cut off")
    return data


def missing(folder: Path, names: list[str], where: str) -> Exception:
    """The error that says what is missing and how to get it."""
    what = ", ".join(names)
    there = "the folder does not exist" if not folder.is_dir() else "they are not in it"
    label = f"{printable(str(folder))}: {what} are wanted, and {there}"
    return refusal("A952", label, f"{where}; then `--data {folder}`, or the folder in the spec")
