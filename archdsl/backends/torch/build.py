"""The module itself, from the same text that a user gets."""

from __future__ import annotations

import hashlib
import linecache
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from archdsl.backends.torch.classes import network_class
from archdsl.backends.torch.placing import Placement
from archdsl.backends.torch.source import source
from archdsl.backends.torch.weights import fitted, read, renamed
from archdsl.errors import BuildError, Diagnostic
from archdsl.ir import Graph
from archdsl.ir.shapes import elements

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

MAX_VALUES = 2**34  # 64 GiB of float32: a machine that holds more is asked for in words


def build(
    graph: Graph,
    weights: Any = None,
    seed: int = 0,
    weights_map: Mapping[str, str] | None = None,
    placement: Placement | None = None,
) -> nn.Module:
    """The module of a graph.

    Args:
        graph: the network.
        weights: a .safetensors or .pth file, a state_dict, a module, or None to draw the weights.
        seed: what they are drawn from; torch's own random state is left as it was.
        weights_map: beginnings of the keys in `weights`, and what stands there in this network.
        placement: the devices of its layers, if they are several.

    Raises:
        BuildError: the network is too large to allocate, or the weights do not fit.
        ReadError: the file of weights cannot be read.
    """
    import torch

    values = sum(elements(w.shape) for w in graph.state().values())
    if values > MAX_VALUES:
        label = f"it has {values:,} weights; {MAX_VALUES:,} can be allocated here"
        raise BuildError(Diagnostic("A701", None, label, help="`summary` needs no memory for them"))
    cls = getattr(_module(graph, placement), network_class(graph))
    # Drawn on the CPU, so that a seed gives the same weights wherever they end up, and that no
    # GPU's random state is touched.
    device = torch.get_default_device()
    with (
        torch.random.fork_rng(devices=[]),
        device if device.type == "meta" else torch.device("cpu"),
    ):
        torch.default_generator.manual_seed(seed)
        model: nn.Module = cls().to(device)
    if weights is not None:
        state = fitted(graph, renamed(_state(weights), weights_map or {}))
        model.load_state_dict(state, strict=len(state) == len(graph.state()))
    if placement is not None:
        placement.put(model)
    return model


def _state(weights: Any) -> Mapping[str, Any]:
    """A state_dict, from a file, a module, or itself."""
    if isinstance(weights, str | Path):
        return read(weights)
    return weights.state_dict() if hasattr(weights, "state_dict") else weights


def arrays(
    graph: Graph,
    weights: Any = None,
    seed: int = 0,
    weights_map: Mapping[str, str] | None = None,
) -> dict[str, NDArray[np.generic]]:
    """The weights of a network as arrays by their `state_dict` keys; see `build`."""
    if weights is None or isinstance(weights, str | Path) or weights_map:
        weights = build(graph, weights, seed, weights_map)
    state = _state(weights).items()
    tensors = {k: v.detach().cpu().contiguous() for k, v in state}
    return {k: (v.float() if v.is_floating_point() else v).numpy() for k, v in tensors.items()}


def reference(graph: Graph, weights: Any, arrays: Mapping[str, NDArray[np.generic]]) -> nn.Module:
    """A module in float32 on the CPU with these weights: `weights` itself, if that is one."""
    import torch

    cls = getattr(_module(graph), network_class(graph))
    if type(weights) is cls:
        tensors = weights.state_dict().values()
        if all(t.device.type == "cpu" and t.dtype in (torch.float32, torch.int64) for t in tensors):
            return weights
    return build(graph, {key: torch.from_numpy(array) for key, array in arrays.items()})


def _module(graph: Graph, placement: Placement | None = None) -> ModuleType:
    """The generated file as a module."""
    return _loaded(graph.name, source(graph, placement))


def _loaded(name: str, text: str) -> ModuleType:
    """A generated file as a module, its lines known to tracebacks, its classes to pickle."""
    path = f"archdsl.compiled.{name}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if path not in sys.modules:
        module = ModuleType(path)
        file = f"<{path}>"
        module.__file__ = file
        try:
            code = compile(text, file, "exec")
        except (RecursionError, MemoryError):
            label = f"Python cannot compile the {len(text.splitlines()):,} lines of it"
            raise BuildError(Diagnostic("A701", None, label)) from None
        # The text is ours: names that the IR has validated, literals, and constructor calls.
        exec(code, module.__dict__)
        _teach_to_pickle(module, name, text)
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        sys.modules[path] = module
    return sys.modules[path]


def _teach_to_pickle(module: ModuleType, name: str, text: str) -> None:
    """Let the modules of a generated file be pickled: their text goes along, once a pickle.

    Another process has no such file to import from. To open a pickle is to run what is in it, with
    this as without.
    """
    from torch import nn

    def reduce(self: nn.Module, protocol: Any) -> tuple[Any, ...]:
        state = object.__reduce_ex__(self, protocol)[2:]
        return (blank, (name, text, type(self).__name__), *state)

    for cls in vars(module).values():
        if (
            isinstance(cls, type)
            and issubclass(cls, nn.Module)
            and cls.__module__ == module.__name__
        ):
            cls.__reduce_ex__ = reduce


def blank(name: str, text: str, cls: str) -> nn.Module:
    """A module of a generated file before its state is set: what unpickling one begins with."""
    made = getattr(_loaded(name, text), cls)
    return made.__new__(made)
