"""Small data of every kind, in the form in which the real ones come."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from archdsl.train.data import cifar, idx

PER_PART = 12


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def classes(count: int) -> np.ndarray:
    return (np.arange(count) % 3).astype(np.uint8)


def pets(folder: Path, size: tuple[int, int] = (40, 36), apart: bool = False) -> Path:
    """Three classes of four images, whose sizes differ."""
    for part in ("train", "val") if apart else (".",):
        for c, name in enumerate(("cat", "dog", "owl")):
            (folder / part / name).mkdir(parents=True)
            for i in range(4):
                height, width = size[0] + 3 * i, size[1] + 2 * c
                image = Image.fromarray(draw(height, width, 3))
                image.save(folder / part / name / f"{i}.{'png' if i % 2 else 'jpg'}")
    return folder


class Evil:
    """What says so when its pickle is opened."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("this must not run",)


def idx_bytes(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


def mnist(folder: Path, kind: str, patch: pytest.MonkeyPatch, packed: bool = True) -> None:
    """Files as MNIST's, with few images; the checksums become theirs."""
    folder.mkdir(parents=True, exist_ok=True)
    checksums = dict(idx.MD5[kind])
    parts = {}
    for part, (images, labels, _) in idx.PARTS.items():
        parts[part] = (images, labels, PER_PART)
        for name, array in ((images, draw(PER_PART, 28, 28)), (labels, classes(PER_PART))):
            data = idx_bytes(array)
            data, name = (gzip.compress(data), f"{name}.gz") if packed else (data, name)
            (folder / name).write_bytes(data)
            checksums[name] = hashlib.md5(data).hexdigest()
    patch.setattr(idx, "PARTS", parts)
    patch.setitem(idx.MD5, kind, checksums)


def cifar_python(folder: Path, kind: str, patch: pytest.MonkeyPatch) -> None:
    """Pickles as CIFAR's for Python."""
    folder.mkdir(parents=True, exist_ok=True)
    checksums: dict[str, dict[str, str]] = {}
    for part, names in cifar.MD5[kind].items():
        checksums[part] = {}
        for name in names:
            batch = {
                b"data": draw(PER_PART, 3072),
                cifar.LABELS[kind][0]: classes(PER_PART).tolist(),
                b"batch_label": b"a batch",
            }
            data = pickle.dumps(batch, protocol=2)
            (folder / name).write_bytes(data)
            checksums[part][name] = hashlib.md5(data).hexdigest()
    patch.setitem(cifar.MD5, kind, checksums)


def cifar_binary(folder: Path, kind: str, patch: pytest.MonkeyPatch) -> None:
    """Rows of bytes as CIFAR's binary version."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {part: dict.fromkeys(names, PER_PART) for part, names in cifar.BINARY[kind].items()}
    labels = classes(PER_PART)[:, None]
    before = [labels] if kind == "cifar10" else [labels * 0 + 9, labels]
    for names in counts.values():
        for name in names:
            (folder / name).write_bytes(np.hstack([*before, draw(PER_PART, 3072)]).tobytes())
    patch.setitem(cifar.BINARY, kind, counts)


def boards(path: Path) -> None:
    """Arrays as `data npz` reads them, under both the names that the samples have."""
    x, y = draw(PER_PART, 3, 32, 32), classes(PER_PART)
    np.savez(path, x=x, y=y, planes=x, moves=y)


MODULE = """
import torch
class Boards(torch.utils.data.Dataset):
    def __len__(self): return 12
    def __getitem__(self, i):
        return torch.rand(3, 32, 32), {targets}
def boards():
    return Boards(), Boards()
def arrays():
    x, y = torch.randn(12, 3, 32, 32), torch.arange(12) % 3
    return (x, y), None
"""


def module(folder: Path, name: str, patch: pytest.MonkeyPatch, targets: str = "i % 3") -> None:
    """A module of the user's, `package.module`, with a function `boards`."""
    path = folder.joinpath(*name.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(MODULE.replace("{targets}", targets))
    parts = name.split(".")
    for i in range(len(parts)):
        patch.delitem(sys.modules, ".".join(parts[: i + 1]), raising=False)
    patch.syspath_prepend(str(folder))
