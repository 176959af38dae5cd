"""`data python`: datasets that a function of the user's gives. To call it is to run their code."""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.errors import TrainError
from archdsl.ir import Graph
from archdsl.ir.training.data import Python
from archdsl.train.data.examples import Arrays, Examples, Inputs, Sets, Targets, labels_of, over
from archdsl.train.refuse import refusal

if TYPE_CHECKING:
    pass


def read(data: Python, graph: Graph) -> Sets:
    """What the function gives: datasets, or pairs of tensors, to learn from and to validate with.

    Raises:
        TrainError: there is no such function, or it gives something else.
    """
    module, _, name = data.function.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        imported = importlib.import_module(module)
    except ModuleNotFoundError as error:
        help = "it is looked for in the folder where archdsl runs, and in what is installed"
        raise refusal("A952", f"{data.function}: there is no module `{error.name}`", help) from None
    except (Exception, SystemExit) as error:
        raise _failed(f"`{module}`", error) from error
    if not hasattr(imported, name):
        raise refusal("A952", f"{data.function}: `{module}` has no `{name}`")
    try:
        given = getattr(imported, name)()
    except (Exception, SystemExit) as error:
        raise _failed(data.function, error) from error
    if not isinstance(given, tuple | list) or len(given) != 2:
        label = f"{data.function}: two datasets are wanted, to learn from and to validate with"
        raise refusal("A952", label, "the second may be None")
    names = [i.name for i in graph.inputs]
    train, valid = (None if e is None else _examples(e, data.function, names) for e in given)
    if train is None:
        raise refusal("A952", f"{data.function}: there is nothing to learn from")
    labels = _labels(train) if data.balance or isinstance(train, Arrays) else None
    return Sets(train, valid, labels, workers=data.workers)


def _failed(what: str, error: BaseException) -> TrainError:
    """The error of a user's code that ends with one of its own."""
    return refusal("A953", f"{what} failed: {type(error).__name__}: {error}")


def _labels(train: Examples) -> Targets | None:
    """The class of every example; where nothing says them, all examples are read once.

    Raises:
        TrainError: one of them cannot be read.
    """
    import torch
    from torch.utils.data import default_collate

    told = getattr(getattr(train, "examples", train), "targets", None)
    if told is None:
        told = []
        for i in range(len(train)):
            try:
                told.append(train[i][1])
            except Exception as error:
                raise _failed(f"example {i}", error) from error
    try:
        if isinstance(told, list) and told and isinstance(told[0], dict):
            told = default_collate(told)
        return labels_of(told if isinstance(told, dict) else torch.as_tensor(told))
    except (KeyError, TypeError, ValueError, RuntimeError):
        return None  # they are no classes


def ordered(inputs: Any, names: Sequence[str]) -> Inputs:
    """What a network is given: for several inputs a tuple in its order, be they named or not.

    Raises:
        ValueError: they are others.
    """
    if len(names) == 1:
        return inputs
    if isinstance(inputs, Mapping):
        inputs = [inputs[name] for name in names if name in inputs]
    if not isinstance(inputs, tuple | list) or len(inputs) != len(names):
        raise ValueError(f"the inputs are not {', '.join(names)}")
    return tuple(inputs)


@dataclass(frozen=True)
class Ordered:
    """Examples of a network of several inputs, each a tuple in its order."""

    examples: Any
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[Inputs, Any]:
        inputs, target = self.examples[index]
        return ordered(inputs, self.names), target


def _pair(given: tuple[Any, Any], name: str, names: Sequence[str]) -> Arrays:
    """Arrays of inputs and of targets, which may be arrays by the names of outputs."""
    import torch

    try:
        inputs = ordered(given[0], names)
    except ValueError as error:
        help = "a tuple of tensors in this order, or a dictionary by these names"
        raise refusal("A954", f"{name}: {error}", help) from None
    try:
        inputs, targets = over(inputs, torch.as_tensor), given[1]
        several = isinstance(targets, dict) and bool(targets)
        targets = over(targets, torch.as_tensor) if several else torch.as_tensor(targets)
    except (TypeError, ValueError, RuntimeError) as error:
        label = f"{name}: a pair of arrays is wanted, or a dataset ({error})"
        raise refusal("A952", label) from None
    ones = inputs if isinstance(inputs, tuple) else (inputs,)
    others = tuple(targets.values()) if several else (targets,)
    if not all(each.ndim for each in (*ones, *others)):
        label = f"{name}: an array is a single number, not one for each example"
        raise refusal("A953", label)
    for one in ones:
        for other in others:
            if len(one) != len(other):
                raise refusal("A953", f"{name}: {len(one)} inputs and {len(other)} targets")
    return Arrays(inputs, targets)


def _examples(given: Any, name: str, names: Sequence[str]) -> Examples:
    if isinstance(given, tuple) and len(given) == 2:
        return _pair(given, name, names)
    if not (hasattr(given, "__len__") and hasattr(given, "__getitem__")):
        label = f"{name}: {type(given).__name__} has no length or no numbered examples"
        raise refusal("A952", label, "a `torch.utils.data.Dataset`, or a pair of tensors")
    return Ordered(given, names) if len(names) > 1 else given


def settle(seed: int) -> None:
    """Let what a user's dataset draws depend on its place alone, whichever process reads it."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
