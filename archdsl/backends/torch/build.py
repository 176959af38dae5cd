"""The module itself, from the same text that a user gets."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from archdsl.backends.torch.classes import class_name
from archdsl.backends.torch.source import source
from archdsl.errors import BuildError, Diagnostic
from archdsl.ir import Graph
from archdsl.ir.shapes import elements, show

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

MAX_VALUES = 2**34  # 64 GiB of float32: a machine that holds more is asked for in words


def build(graph: Graph, weights: Any = None, seed: int = 0) -> nn.Module:
    """The module of a graph.

    Args:
        graph: the network.
        weights: a state_dict that fits it, or None to draw the weights.
        seed: what they are drawn from; torch's own random state is left as it was.

    Raises:
        BuildError: the network is too large to allocate, or the weights do not fit.
    """
    import torch

    values = sum(elements(w.shape) for w in graph.state().values())
    if values > MAX_VALUES:
        label = f"it has {values:,} weights; {MAX_VALUES:,} can be allocated here"
        raise BuildError(Diagnostic("A701", None, label, help="`summary` needs no memory for them"))
    cls = getattr(_module(graph), class_name(graph.name))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: nn.Module = cls()
    if weights is not None:
        state = weights.state_dict() if isinstance(weights, torch.nn.Module) else weights
        _check(graph, {key: tuple(value.shape) for key, value in state.items()})
        model.load_state_dict(state)
    return model


def arrays(graph: Graph, weights: Any = None, seed: int = 0) -> dict[str, np.ndarray]:
    """The weights of a network as arrays by their `state_dict` keys; see `build`."""
    import torch

    if weights is None:
        weights = build(graph, seed=seed)
    state = weights.state_dict() if isinstance(weights, torch.nn.Module) else weights
    return {key: value.detach().cpu().contiguous().numpy() for key, value in state.items()}


def _module(graph: Graph) -> ModuleType:
    """The generated file as a module, its lines known to tracebacks, its classes to pickle."""
    text = source(graph)
    name = f"archdsl.compiled.{graph.name}_{graph.origin.sha256[:12]}_{abs(hash(text)):x}"
    if name not in sys.modules:
        module = ModuleType(name)
        file = f"<archdsl {graph.name}>"
        module.__file__ = file
        # The text is ours: names that the IR has validated, literals, and constructor calls.
        exec(compile(text, file, "exec"), module.__dict__)
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        sys.modules[name] = module
    return sys.modules[name]


def _check(graph: Graph, given: Mapping[str, tuple[int, ...]]) -> None:
    """Say which weights do not fit, in full."""
    wanted = {key: w.shape for key, w in graph.state().items()}
    lines = [f"missing {k} ({show(s) or 'scalar'})" for k, s in wanted.items() if k not in given]
    lines += [f"unexpected {k} ({show(s)})" for k, s in given.items() if k not in wanted]
    lines += [
        f"{k} is {show(given[k])}, the network has {show(s)}"
        for k, s in wanted.items()
        if k in given and given[k] != s
    ]
    if lines:
        more = f"\n  and {len(lines) - 20} more" if len(lines) > 20 else ""
        raise BuildError(Diagnostic("A702", None, "\n  ".join(lines[:20]) + more))
