"""The two parts of a network that is cut: the first gives features, the rest goes on from them.

Both are modules of the backend with the tensors of the whole network, not copies of them: what is
learnt in the one is learnt in the other.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from archdsl.backends import torch as backend
from archdsl.ir.cut import Cut, Part
from archdsl.ir.shapes import elements

if TYPE_CHECKING:
    from torch import Tensor, dtype, nn


def shared(part: Part, whole: nn.Module) -> nn.Module:
    """The module of a part, with the weights and the statistics of the whole."""
    import torch

    with torch.device("meta"):  # what would be drawn is replaced
        module = backend.build(part.graph)
    for here, there in part.keys.items():
        own, name = _owner(module, here)
        other, its = _owner(whole, there)
        kind = "_parameters" if name in own._parameters else "_buffers"
        getattr(own, kind)[name] = getattr(other, kind)[its]
    return module


def _owner(module: nn.Module, key: str) -> tuple[nn.Module, str]:
    path, _, name = key.rpartition(".")
    return module.get_submodule(path), name


def features(first: nn.Module, inputs: Tensor) -> tuple[Tensor, list[dtype]]:
    """What goes over the cut, an example a row, in 32 bits; and what types it had."""
    import torch

    given: Any = first(inputs)
    tensors: list[Tensor] = list(given.values()) if isinstance(given, dict) else [given]
    rows = torch.cat([tensor.float().flatten(1) for tensor in tensors], 1)
    return rows, [tensor.dtype for tensor in tensors]


def behind(cut: Cut, whole: nn.Module, types: list[dtype], channels_last: bool) -> nn.Module:
    """The rest of a network as a module that takes rows of features (n, width)."""
    import torch
    from torch import nn

    ends = list(accumulate((elements(shape) for shape in cut.shapes), initial=0))

    class Behind(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rest = shared(cut.rest, whole)

        def forward(self, rows: Tensor) -> Any:
            parts: list[Tensor] = []
            for i, (shape, kind) in enumerate(zip(cut.shapes, types, strict=True)):
                part = rows[:, ends[i] : ends[i + 1]].to(kind).reshape(-1, *shape)
                if channels_last and len(shape) == 3:
                    part = part.contiguous(memory_format=torch.channels_last)
                parts.append(part)
            return self.rest(*parts)

    return Behind()
