"""`checkpoint SCOPE`: parts of a network computed again in the backward pass.

Their inner tensors are not kept (Chen et al. 2016, "Training Deep Nets with Sublinear Memory
Cost"). Dropout draws the same again, and the second pass leaves the running statistics of
normalisation alone, so that the training is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from archdsl.train.refuse import refusal

if TYPE_CHECKING:
    from torch import nn


def recompute(model: nn.Module, paths: tuple[str, ...]) -> None:
    """Let the modules at these paths be computed again.

    Raises:
        TrainError: a path is no module that is called as one.
    """
    for path in paths:
        module = model.get_submodule(path)
        if not is_called(module):
            label = f"`checkpoint {path}`: its layers are called one by one, not as a part"
            help = "name the blocks in it, or let the label gather a plain chain"
            raise refusal("A955", label, help)
        _wrap(module)


def is_called(module: nn.Module) -> bool:
    """Whether a module has a forward of its own, or torch's `Sequential` has it."""
    from torch import nn

    return type(module).forward is not nn.Module.forward and not isinstance(
        module, nn.ModuleList | nn.ModuleDict
    )


def _wrap(module: nn.Module) -> None:
    from torch.utils.checkpoint import checkpoint

    forward = module.forward

    def again(*inputs: Any) -> Any:
        if not module.training:
            return forward(*inputs)
        return checkpoint(
            forward, *inputs, use_reentrant=False, context_fn=lambda: _contexts(module)
        )

    module.forward = again  # pyright: ignore[reportAttributeAccessIssue]


def _contexts(module: nn.Module) -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    return nullcontext(), _untouched(module)


@contextmanager
def _untouched(module: nn.Module) -> Iterator[None]:
    """Let what is written to a module's buffers in the meantime be lost."""
    kept = [(each, dict(each._buffers)) for each in module.modules() if each._buffers]
    for each, buffers in kept:
        for name, buffer in buffers.items():
            each._buffers[name] = None if buffer is None else buffer.clone()
    try:
        yield
    finally:
        for each, buffers in kept:
            each._buffers.update(buffers)
