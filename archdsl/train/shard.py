"""`--strategy fsdp`: each process holds a part of every weight (FSDP2, Zhao et al. 2023).

A block's weights are gathered before it runs and given up behind it; its gradients are averaged
into the parts, and the optimizer's state is that of the parts. What is kept of a run is whole: it
goes on with or without this, in any number of processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.ir import Graph
from archdsl.ir.training import Training
from archdsl.ir.training.learning import Muon
from archdsl.ir.training.tuning import TuneEverything
from archdsl.train.recompute import is_called
from archdsl.train.refuse import refusal

if TYPE_CHECKING:
    from torch import Tensor, nn


def suited(training: Training, processes: int) -> None:
    """Refuse what sharded weights cannot be trained with.

    Raises:
        TrainError: it is one process, compiled, in fp16, partly frozen, or trained by muon.
    """
    if processes < 2:
        label = "`--strategy fsdp` divides the weights among processes, and there is one"
        raise refusal("A973", label, "`--devices 2`, or torchrun")
    if training.compile.on:
        raise refusal("A973", "`--strategy fsdp` does not compile", "`--set 'compile false'`")
    if training.precision.kind == "fp16":
        label = "`--strategy fsdp` scales no loss, as `precision fp16` wants it"
        raise refusal("A973", label, "`--set precision=bf16`")
    if not isinstance(training.tuning, TuneEverything):
        label = f"`--strategy fsdp` trains all weights, and there is `{training.tuning.text()}`"
        raise refusal("A973", label, "`--strategy ddp`, or `--set 'tune everything'`")
    if isinstance(training.optimizer, Muon):
        label = "muon takes whole matrices, and `--strategy fsdp` has parts of them"
        raise refusal("A973", label, "`--set 'optimizer adamw'`")


def units(graph: Graph) -> list[str]:
    """The parts that are gathered one after the other, the outermost blocks that repeat nothing.

    Where a network has no blocks, its layers with weights are. What is outside of all parts is
    gathered at the beginning and stays.
    """
    blocks = [s for s in graph.scopes if s.kind == "block" and s.path]
    above = {s.path: s.parent for s in graph.scopes}
    repeats: set[str] = set()  # blocks that have repeated ones in them
    for scope in blocks:
        parent = above[scope.path] if scope.repetitions else None
        while parent and parent not in repeats:
            repeats.add(parent)
            parent = above[parent]
    chosen: dict[str, None] = {}
    for scope in blocks:
        within, parent = False, above[scope.path]
        while parent and not within:
            within, parent = parent in chosen, above[parent]
        if not within and scope.path not in repeats and scope.shares is None:
            chosen[scope.path] = None
    if chosen:
        return list(chosen)
    return [n.path for n in graph.nodes if n.shares is None and n.weights and "" not in n.weights]


def sharded(graph: Graph, module: nn.Module, mesh: Any) -> nn.Module:
    """A module with its parameters divided over a mesh of processes."""
    from torch.distributed.fsdp import fully_shard

    for path in units(graph):
        part = module.get_submodule(path)
        if is_called(part):
            fully_shard(part, mesh=mesh)
    fully_shard(module, mesh=mesh)
    return module


def whole(value: Any) -> Any:
    """State with its divided tensors put together: all processes ask for it at once."""
    from torch.distributed.tensor import DTensor

    if isinstance(value, DTensor):
        return value.full_tensor()
    if isinstance(value, dict):
        return {key: whole(each) for key, each in value.items()}
    return [whole(each) for each in value] if isinstance(value, list) else value


def alike(value: Any, own: Tensor) -> Any:
    """A whole tensor divided as another of its shape is; as it is where that is whole."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    if not isinstance(own, DTensor) or isinstance(value, DTensor) or value.shape != own.shape:
        return value
    mesh, placements = own.device_mesh, own.placements
    # Every process has read the whole tensor, and keeps its part without being sent it.
    return distribute_tensor(value.to(own.device), mesh, placements, src_data_rank=None)


def divided(state: dict[str, Any], optimizer: Any) -> dict[str, Any]:
    """An optimizer's whole state, divided as its parameters are."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    kept = {
        number: {
            name: alike(value, parameters[number]) if hasattr(value, "shape") else value
            for name, value in values.items()
        }
        for number, values in state["state"].items()
    }
    return {**state, "state": kept}


def settle(module: nn.Module) -> None:
    """Let all processes have the first one's buffers, as DDP does: statistics are its own."""
    import torch

    for buffer in module.buffers():
        torch.distributed.broadcast(buffer, 0)
