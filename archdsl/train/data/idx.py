"""MNIST and Fashion-MNIST from their IDX files, packed or not (LeCun's format description)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.errors import TrainError
from archdsl.ir.training.data import FashionMnist, Mnist
from archdsl.train.data.examples import Arrays, Sets, divided
from archdsl.train.data.originals import AGAIN, content, found, held, missing
from archdsl.train.refuse import refusal

if TYPE_CHECKING:
    from torch import Tensor

    from archdsl.ir import Graph

PARTS = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 60_000),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 10_000),
}
# The published MD5 of the packed files; in the same order those of MNIST's unpacked ones.
MD5 = {
    "mnist": {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    "fashion_mnist": {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
}
KNOWN = {md5: f"{name} of `{kind}`" for kind, names in MD5.items() for name, md5 in names.items()}
WHERE = {
    "mnist": "fetch the four .gz files from https://ossci-datasets.s3.amazonaws.com/mnist/",
    "fashion_mnist": "fetch the four .gz files from https://github.com/zalandoresearch/"
    "fashion-mnist/tree/master/data/fashion",
}
CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
        "Ankle boot",
    ),
}  # fmt: skip


def read(data: Mnist | FashionMnist, graph: Graph) -> Sets:
    """Images (n, 1, 28, 28) in bytes; the files of tests validate, where they are there.

    Raises:
        TrainError: the files are missing, truncated, or not the originals.
    """
    folder = Path(data.folder)
    train = _part(folder, data.name, "train")
    if train is None:
        raise _missing(folder, data.name, PARTS["train"][:2])
    test = _part(folder, data.name, "test")
    classes = CLASSES[data.name]
    if test is None:
        assert graph.training is not None
        seed = graph.training.seed.value
        return divided(train, data.validation, seed, classes=classes, workers=data.workers)
    return Sets(train, test, labels=train.targets, classes=classes, workers=data.workers)


def _part(folder: Path, kind: str, part: str) -> Arrays | None:
    images, labels, count = PARTS[part]
    pixels, classes = _file(folder, kind, images), _file(folder, kind, labels)
    if pixels is None and classes is None:
        return None
    if pixels is None or classes is None:  # to leave the other aside would be unseen
        raise _missing(folder, kind, [images if pixels is None else labels])
    where = folder / images
    inputs = parsed(pixels, 3, f"{where}")
    targets = parsed(classes, 1, f"{folder / labels}")
    if len(inputs) != count or len(targets) != count:
        label = f"{where}: {len(inputs)} images and {len(targets)} labels; {count} are published"
        raise refusal("A953", label, AGAIN)
    return Arrays(inputs.unsqueeze(1), held(targets, len(CLASSES[kind]), folder / labels).long())


def _missing(folder: Path, kind: str, names: Sequence[str]) -> TrainError:
    return missing(folder, [f"{name}.gz" for name in names], (), WHERE[kind])


def _file(folder: Path, kind: str, name: str) -> bytes | None:
    """The bytes of a file, unpacked; None if it is not there in any form."""
    checksums = MD5[kind]
    for form in (f"{name}.gz", name):
        path = found(folder, form, "raw")
        if path is None:
            continue
        try:
            # Of Fashion-MNIST's unpacked files none is published: header and length are held.
            data = content(path, checksums[form], KNOWN) if form in checksums else path.read_bytes()
            return gzip.decompress(data) if form.endswith(".gz") else data
        except (OSError, EOFError, zlib.error) as error:
            raise refusal("A953", f"{path}: it is truncated or damaged ({error})", AGAIN) from None
    return None


def parsed(data: bytes, axes: int, name: str) -> Tensor:
    """An IDX file of bytes: 0, 0, 8 for bytes, the number of axes, a length each, the values.

    Raises:
        TrainError: it is none, or its length is not what its header says.
    """
    import torch

    header = 4 + 4 * axes
    if len(data) < header or data[:4] != bytes([0, 0, 8, axes]):
        raise refusal("A953", f"{name}: it is no IDX file of bytes with {axes} axes", AGAIN)
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    wanted = header
    size = 1
    for n in shape:
        size *= n
    wanted += size
    if len(data) != wanted:
        label = f"{name}: it has {len(data):,} bytes, and its header speaks of {wanted:,}"
        raise refusal("A953", label, AGAIN)
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=header).reshape(shape)
