"""`data`: examples with their targets, read from where the setting says.

Each source is a file here. It gives a `Sets`: what to learn from and what to validate with, as
`Arrays` where everything is in memory, else as a dataset of torch's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archdsl.ir.training import data as settings
from archdsl.train.data.examples import Arrays, Examples, Sets

if TYPE_CHECKING:
    from archdsl.ir import Graph

__all__ = ["Arrays", "Examples", "Sets", "read"]


def read(graph: Graph) -> Sets:
    """The data that a network's training names.

    Raises:
        TrainError: they are missing, damaged, or need a package that is not installed.
    """
    from archdsl.train.data import cifar, folder, hub, idx, memory, user

    readers: dict[type[settings.Data], Callable[[Any, Graph], Sets]] = {
        settings.Digits: memory.digits,
        settings.Synthetic: memory.synthetic,
        settings.Npz: memory.npz,
        settings.Mnist: idx.read,
        settings.FashionMnist: idx.read,
        settings.Cifar10: cifar.read,
        settings.Cifar100: cifar.read,
        settings.ImageFolder: folder.read,
        settings.HuggingFace: hub.read,
        settings.Python: user.read,
    }
    assert graph.training is not None
    data = graph.training.data
    return readers[type(data)](data, graph)
