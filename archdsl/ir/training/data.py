"""`data`: what is learnt from."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar, Literal

from pydantic import Field

from archdsl.ir.fields import Count, Flag, Probability, Width
from archdsl.ir.records import Sample
from archdsl.ir.training.kinds import EntryPoint, Text
from archdsl.ir.training.setting import Setting

Cache = Literal["none", "memory", "disk"]


class Data(Setting, ABC):
    """Examples with their targets, and how they are split and read."""

    slot: ClassVar[str] = "data"
    part: ClassVar[str] = "data"
    distinct: ClassVar[int | None] = None
    """How many classes the data has, where its name says so."""

    @property
    def known_classes(self) -> int | None:
        """How many classes the data has, as far as the spec says."""
        return self.distinct

    @property
    def shorter_side(self) -> int | None:
        """What the shorter side of an image is brought to before all else; None if its own."""
        return None


# What several of them have; each class lists its own arguments first.
_FOLDER: Any = Field("data", description="the folder that holds the original files")
_SIZE: Any = Field(
    None, description="what the shorter side of an image is brought to; its own if left out"
)
_VALIDATION: Any = Field(
    0.1, description="the share kept for validation, where the data has no such part of its own"
)
_BALANCE: Any = Field(False, description="whether every class is drawn equally often")
_CACHE: Any = Field("none", description="where examples are kept after they are first read")
_WORKERS: Any = Field(4, description="processes that read ahead; 0 reads in the main one")
_IN_MAIN: Any = Field(0, description=_WORKERS.description)
_BROKEN: Any = Field(
    "fail", description="whether an image that cannot be read ends the run, or is named and skipped"
)


class ImageFolder(Data):
    """Images in a folder a class, inside `train` and `val` if the path has such folders."""

    name: ClassVar[str] = "imagefolder"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample('data imagefolder "pets" size=256'),
        Sample('data imagefolder "pets" validation=0.2 balance=true cache=disk workers=8'),
        Sample('data imagefolder "pets" broken=skip'),
    )

    path: Text = Field(description="the folder")
    size: Width | None = _SIZE
    validation: Probability = _VALIDATION
    balance: Flag = _BALANCE
    cache: Cache = _CACHE
    workers: Count = _WORKERS
    broken: Literal["fail", "skip"] = _BROKEN

    @property
    def shorter_side(self) -> int | None:
        return self.size


class Digits(Data):
    """1,797 handwritten digits of 8x8 that come with scikit-learn: no download, no files."""

    name: ClassVar[str] = "digits"
    distinct: ClassVar[int | None] = 10
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("data digits"),
        Sample("data digits validation=0.2 balance=true"),
    )

    validation: Probability = _VALIDATION
    balance: Flag = _BALANCE


class _OriginalFiles(Data):
    """A well-known set, read from the files that its authors publish; nothing is downloaded."""

    positional: ClassVar[int] = 1
    distinct: ClassVar[int | None] = 10

    folder: Text = _FOLDER
    validation: Probability = _VALIDATION
    balance: Flag = _BALANCE
    workers: Count = _IN_MAIN


class Mnist(_OriginalFiles):
    """70,000 handwritten digits, 1x28x28 (LeCun, Cortes & Burges 1998)."""

    name: ClassVar[str] = "mnist"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample('data mnist "files/mnist"'),
        Sample("data mnist validation=0.2 balance=true workers=2"),
    )


class FashionMnist(_OriginalFiles):
    """70,000 pictures of clothes, 1x28x28 (Xiao, Rasul & Vollgraf 2017)."""

    name: ClassVar[str] = "fashion_mnist"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample('data fashion_mnist "files/fashion"'),
        Sample("data fashion_mnist validation=0.2 balance=true workers=2"),
    )


class Cifar10(_OriginalFiles):
    """60,000 photographs in 10 classes, 3x32x32 (Krizhevsky 2009)."""

    name: ClassVar[str] = "cifar10"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample('data cifar10 "files/cifar"'),
        Sample("data cifar10 validation=0.2 balance=true workers=2"),
    )


class Cifar100(_OriginalFiles):
    """60,000 photographs in 100 classes, 3x32x32 (Krizhevsky 2009)."""

    name: ClassVar[str] = "cifar100"
    distinct: ClassVar[int | None] = 100
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample('data cifar100 "files/cifar"'),
        Sample("data cifar100 validation=0.2 balance=true workers=2"),
    )


class HuggingFace(Data):
    """A dataset of the Hugging Face hub, or a folder in its format, by way of `datasets`."""

    name: ClassVar[str] = "huggingface"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample('data huggingface "uoft-cs/cifar10" image="img"'),
        Sample('data huggingface "food101" config="default" label="label_id" size=256'),
        Sample('data huggingface "food101" validation=0.2 balance=true cache=memory'),
        Sample('data huggingface "food101" broken=skip workers=8'),
    )

    dataset: Text = Field(description="its name on the hub, or a folder")
    config: Text | None = Field(None, description="which of its configurations, if it has several")
    image: Text = Field("image", description="the column that holds the images")
    label: Text = Field("label", description="the column that holds the targets")
    size: Width | None = _SIZE
    validation: Probability = _VALIDATION
    balance: Flag = _BALANCE
    cache: Cache = _CACHE
    workers: Count = _WORKERS
    broken: Literal["fail", "skip"] = _BROKEN

    @property
    def shorter_side(self) -> int | None:
        return self.size


class Synthetic(Data):
    """Noise in the shape of the network's input, the same in every run: to measure speed by."""

    name: ClassVar[str] = "synthetic"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("data synthetic"),
        Sample("data synthetic 50000 classes=10"),
    )

    examples: Width = Field(1024, description="how many")
    classes: Width | None = Field(
        None, description="how many classes; as many as the network's output has if left out"
    )

    @property
    def known_classes(self) -> int | None:
        return self.classes


class Npz(Data):
    """Arrays of a NumPy file: examples along the first axis."""

    name: ClassVar[str] = "npz"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample('data npz "boards.npz"'),
        Sample('data npz "boards.npz" inputs="planes" targets="moves" validation=0.2'),
        Sample('data npz "boards.npz" balance=true workers=2'),
    )

    path: Text = Field(description="the file")
    inputs: Text = Field(
        "x", description="the array of the inputs; of several inputs one each, `a,b`"
    )
    targets: Text = Field(
        "y", description="the array of the targets; of several losses one each, `a,b`"
    )
    validation: Probability = _VALIDATION
    balance: Flag = _BALANCE
    workers: Count = _IN_MAIN


class Python(Data):
    """Datasets that a Python function of the user's gives: training, then validation.

    To train calls it, which is to run its code; to compile, check or draw the spec does not.
    """

    name: ClassVar[str] = "python"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample('data python "my_package.data:boards"'),
        Sample('data python "data:boards" balance=true workers=0'),
    )

    function: EntryPoint = Field(description="the function, which takes no arguments")
    balance: Flag = _BALANCE
    workers: Count = _WORKERS
