"""`data imagefolder`: images in a folder for each class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archdsl.ir import Graph
from archdsl.ir.preprocess import Channels
from archdsl.ir.training.data import ImageFolder
from archdsl.serve.pictures import SUFFIXES
from archdsl.train.data.examples import Sets, split
from archdsl.train.data.pictures import Pictures, both
from archdsl.train.refuse import refusal

Found = list[tuple[Path, int]]
VALID = ("val", "valid", "validation", "test")
"""What the folder to validate with may be called, beside `train`; the first that is there."""


def read(data: ImageFolder, graph: Graph) -> Sets:
    """Images of a folder, or of `train` and `val` in it; a class for each folder there.

    Raises:
        TrainError: there is no such folder, or nothing in it.
    """
    import torch

    root = Path(data.path)
    if not root.is_dir():
        help = f"its folders are the classes: {root}/cat/1.jpg; --data PATH reads another one"
        raise refusal("A952", f"{root}: there is no such folder", help)
    inner = root / "train" if (root / "train").is_dir() else root
    classes = _classes(inner)
    train = _images(inner, classes)
    apart = next((root / name for name in VALID if (root / name).is_dir()), None)
    valid: Found | None = None
    if inner != root and apart is not None:
        unknown = sorted(set(_classes(apart)) - set(classes))
        if unknown:
            label = f"{apart}: `{unknown[0]}` is no class of {inner}"
            raise refusal("A953", label)
        valid = _images(apart, classes)
    else:
        assert graph.training is not None
        labels = torch.tensor([label for _, label in train])
        first, second = split(labels, data.validation, graph.training.seed.value)
        train, valid = [train[i] for i in first], [train[i] for i in second] or None

    def make(found: Found, kind: Channels, **others: Any) -> Pictures:
        paths = [path for path, _ in found]
        labels = [label for _, label in found]
        names = [str(path) for path in paths]
        return Pictures(
            paths.__getitem__, names.__getitem__, labels, kind, data.size, cache=data.cache,
            **others,
        )  # fmt: skip

    pictures, others = both(graph, make, train, valid)
    labels = torch.tensor(pictures.labels)
    names = tuple(classes)
    return Sets(
        pictures, others, labels, names, data.workers, varied=True, ready=others is not None
    )


def _classes(folder: Path) -> list[str]:
    """The folders of a folder, in the order of their names.

    Raises:
        TrainError: there is none.
    """
    found = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not found:
        help = f"its folders are the classes: {folder}/cat/1.jpg"
        raise refusal("A952", f"{folder}: it has no folders in it", help)
    return found


def _images(folder: Path, classes: list[str]) -> Found:
    """The images below each class's folder, in the order of their names, without hidden ones.

    Raises:
        TrainError: there is none.
    """
    found: Found = []
    for number, name in enumerate(classes):
        top = folder / name
        paths = sorted(p for p in top.rglob("*") if p.suffix.lower() in SUFFIXES)
        found += [(p, number) for p in paths if not _is_hidden(p.relative_to(top))]
    if not found:
        kinds = ", ".join(SUFFIXES[:5])
        raise refusal("A952", f"{folder}: no image is in its folders ({kinds}, …)")
    return found


def _is_hidden(path: Path) -> bool:
    """Whether it is a system's or an editor's own: `._1.jpg`, `.ipynb_checkpoints/1.jpg`."""
    return any(part.startswith(".") for part in path.parts)
