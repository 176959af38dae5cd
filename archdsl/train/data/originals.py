"""Files that a data set's authors publish: found in a folder, held against their checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.errors import TrainError, printable
from archdsl.train.refuse import refusal

if TYPE_CHECKING:
    from torch import Tensor

AGAIN = (
    "fetch it again, a download may have been cut off; data of your own go by `data npz`, "
    "`data imagefolder` or `data python`"
)


def found(folder: Path, name: str, inner: str = "") -> Path | None:
    """A file in a folder, or in the folder that its archive unpacks to."""
    for path in (folder / name, folder / inner / name):
        if path.is_file():
            return path
    return None


def content(path: Path, md5: str, known: Mapping[str, str]) -> bytes:
    """The bytes of a file that must be the original.

    Args:
        path: the file.
        md5: the published checksum.
        known: what other originals are, by their checksums.

    Raises:
        TrainError: it cannot be read, or is another file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise refusal("A952", f"{path}: {(error.strerror or str(error)).lower()}") from None
    own = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if own == md5:
        return data
    if own in known:
        label = f"{path}: it is {known[own]}"
        help = "name the folder that holds the right files, or that set in `data`"
        raise refusal("A953", label, help)
    label = f"{path}: it is not the original: its MD5 is {own}, the published one {md5}"
    raise refusal("A953", label, AGAIN)


def held(labels: Tensor, classes: int, path: Path) -> Tensor:
    """Labels of a file without a published checksum.

    Raises:
        TrainError: one is of no class.
    """
    if len(labels) and int(labels.max()) >= classes:
        label = f"{path}: a label is {int(labels.max())}, and there are {classes} classes"
        raise refusal("A953", label, AGAIN)
    return labels


def missing(folder: Path, names: Sequence[str], archives: Sequence[str], where: str) -> TrainError:
    """The error that says what is missing and how to get it.

    Args:
        folder: where they were looked for.
        names: the files that are not there.
        archives: how they may lie there as they were downloaded, to be unpacked.
        where: how to get them.
    """
    here, one = printable(str(folder)), len(names) == 1
    what = f"{here}: {', '.join(names)} {'is' if one else 'are'} wanted, and"
    packed = next((name for name in archives if (folder / name).is_file()), None)
    if packed is not None:
        return refusal("A952", f"{what} {packed} is not unpacked", f"unpack {packed} there")
    if folder.is_file():
        label = f"{what} this is a file, not a folder"
        return refusal(
            "A952", label, "name the folder that holds them, unpacked if they came packed"
        )
    there = "the folder does not exist"
    if folder.is_dir():
        there = "it is not there" if one else "they are not there"
    return refusal(
        "A952", f"{what} {there}", f"{where}; then `--data {here}`, or the folder in the spec"
    )
