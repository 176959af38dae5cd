"""CIFAR-10 and CIFAR-100 from their original files, the binary ones or those for Python.

Those for Python are pickles. They are held against their checksums first, and then opened by an
unpickler that knows arrays alone: a pickle can run any code, and a checksum may one day be forged.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.ir.training.data import Cifar10, Cifar100
from archdsl.train.data.examples import Arrays, Sets, divided
from archdsl.train.data.originals import AGAIN, content, found, held, missing
from archdsl.train.refuse import refusal

if TYPE_CHECKING:
    from archdsl.ir import Graph

PIXELS = 3 * 32 * 32

# By data set: the folders that the archives unpack to, the files for Python with their MD5, and
# the binary ones with how many examples each has, and how many bytes of labels before its pixels.
MD5 = {
    "cifar10": {
        "train": {
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        },
        "test": {"test_batch": "40351d587109b95175f43aff81a1287e"},
    },
    "cifar100": {
        "train": {"train": "16019d7e3df5f24257cddd939b257f8d"},
        "test": {"test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
    },
}
KNOWN = {
    md5: f"{name} of `{kind}`"
    for kind, parts in MD5.items()
    for names in parts.values()
    for name, md5 in names.items()
}
BINARY = {
    "cifar10": {
        "train": {f"data_batch_{i}.bin": 10_000 for i in range(1, 6)},
        "test": {"test_batch.bin": 10_000},
    },
    "cifar100": {"train": {"train.bin": 50_000}, "test": {"test.bin": 10_000}},
}
FOLDERS = {
    "cifar10": ("cifar-10-batches-py", "cifar-10-batches-bin"),
    "cifar100": ("cifar-100-python", "cifar-100-binary"),
}
LABELS = {"cifar10": (b"labels", 1), "cifar100": (b"fine_labels", 2)}
COUNTS = {data.name: data.distinct or 0 for data in (Cifar10, Cifar100)}
ARCHIVES = {
    "cifar10": ("cifar-10-python.tar.gz", "cifar-10-binary.tar.gz"),
    "cifar100": ("cifar-100-python.tar.gz", "cifar-100-binary.tar.gz"),
}
CLASSES = {
    "cifar10": (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ),
    "cifar100": (),
}  # fmt: skip
WHERE = (
    "fetch the python or the binary version from https://www.cs.toronto.edu/~kriz/cifar.html "
    "and unpack it"
)


def read(data: Cifar10 | Cifar100, graph: Graph) -> Sets:
    """Images (n, 3, 32, 32) in bytes; the files of tests validate, where they are there.

    Raises:
        TrainError: the files are missing, truncated, or not the originals.
    """
    folder = Path(data.folder)
    train = _part(folder, data.name, "train")
    if train is None:
        raise missing(folder, _lacking(folder, data.name), ARCHIVES[data.name], WHERE)
    test = _part(folder, data.name, "test")
    classes = CLASSES[data.name]
    if test is None:
        assert graph.training is not None
        seed = graph.training.seed.value
        return divided(train, data.validation, seed, classes=classes, workers=data.workers)
    return Sets(train, test, labels=train.targets, classes=classes, workers=data.workers)


def _part(folder: Path, kind: str, part: str) -> Arrays | None:
    import torch

    pickled, binary = FOLDERS[kind]
    paths = {name: found(folder, name, pickled) for name in MD5[kind][part]}
    if all(paths.values()):
        parts = [_pickled(path, kind, MD5[kind][part][n]) for n, path in paths.items() if path]
    else:
        paths = {name: found(folder, name, binary) for name in BINARY[kind][part]}
        if not all(paths.values()):
            return None
        parts = [_binary(path, kind, BINARY[kind][part][n]) for n, path in paths.items() if path]
    return Arrays(torch.cat([p.inputs for p in parts]), torch.cat([p.targets for p in parts]))


def _lacking(folder: Path, kind: str) -> list[str]:
    """The files to learn from that are not there, of the version of which there are more."""
    lacking = [
        [name for name in names if not found(folder, name, inner)]
        for names, inner in zip(
            (MD5[kind]["train"], BINARY[kind]["train"]), FOLDERS[kind], strict=True
        )
    ]
    return min(lacking, key=len)


def _binary(path: Path, kind: str, count: int) -> Arrays:
    """Rows of bytes: the labels, the last of which is the class, then the pixels by channel."""
    import torch

    before = LABELS[kind][1]
    data = path.read_bytes()
    if len(data) != count * (before + PIXELS):
        wanted = count * (before + PIXELS)
        raise refusal(
            "A953", f"{path}: it has {len(data):,} bytes; {wanted:,} are published", AGAIN
        )
    rows = torch.frombuffer(bytearray(data), dtype=torch.uint8).reshape(count, before + PIXELS)
    labels = held(rows[:, before - 1].long(), COUNTS[kind], path)
    return Arrays(rows[:, before:].reshape(-1, 3, 32, 32).clone(), labels)


def _pickled(path: Path, kind: str, md5: str) -> Arrays:
    import numpy as np
    import torch

    try:
        batch = unpickled(content(path, md5, KNOWN))
        pixels, labels = batch[b"data"], batch[LABELS[kind][0]]
        inputs = torch.from_numpy(np.ascontiguousarray(pixels)).reshape(-1, 3, 32, 32)
        targets = torch.tensor(labels, dtype=torch.int64)
    except (pickle.UnpicklingError, KeyError, EOFError, ValueError, TypeError) as error:
        raise refusal("A953", f"{path}: it holds no batch of CIFAR ({error})") from None
    if len(inputs) != len(targets) or inputs.dtype != torch.uint8:
        raise refusal("A953", f"{path}: {len(inputs)} images and {len(targets)} labels")
    return Arrays(inputs, targets)


class _Arrays(pickle.Unpickler):
    """An unpickler that makes arrays of NumPy and plain values; all else is refused."""

    KNOWN = frozenset(
        {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("_codecs", "encode"),
        }
    )

    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) not in self.KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        module = module.replace("numpy.core", "numpy._core")  # where NumPy 2 has it
        return super().find_class(module, name)


def unpickled(data: bytes) -> dict[bytes, Any]:
    """A pickled dictionary of arrays and plain values.

    Raises:
        pickle.UnpicklingError: it holds, or asks for, anything else.
    """
    found = _Arrays(io.BytesIO(data), encoding="bytes").load()
    if not isinstance(found, dict):
        raise pickle.UnpicklingError("it holds no dictionary")
    return found
