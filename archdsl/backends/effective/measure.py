"""The measurement: the gradient of one position of a layer with respect to the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.analyses.receptive_field import receptive_field
from archdsl.analyses.region import axes, coordinates, extent
from archdsl.backends import torch as backend
from archdsl.backends.effective.field import EffectiveField
from archdsl.errors import BuildError, Diagnostic
from archdsl.ir.graph import Graph, Output
from archdsl.ir.shapes import elements

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

MAX_VALUES = 2**29  # of all activations: 4 GiB, and as much again on the way back


def measure(
    graph: Graph,
    at: str | None = None,
    position: tuple[int, ...] = (),
    inputs: int = 16,
    seed: int = 0,
    weights: Any = None,
) -> EffectiveField:
    """The effective field of a position; see `Network.effective_field`."""
    import numpy as np

    if inputs < 1:
        raise ValueError(f"{inputs} inputs: at least one is needed")
    field = receptive_field(graph, at)
    region = field.region(*position)
    if not region.extent:
        label = "no input has positions: the field of a vector is all of it"
        raise BuildError(Diagnostic("A705", None, label))
    energy = np.zeros(region.extent)
    if field.path not in graph.by_path:
        energy[region.position] = 1
        return EffectiveField(energy, region, inputs)
    part = up_to(graph, field.path)
    values = sum(elements(n.shape) for n in part.nodes)
    if values > MAX_VALUES:
        label = f"its layers give {values:,} values; {MAX_VALUES:,} can be kept for the gradient"
        help = "a smaller input, where the field fits into it, gives the same figures"
        raise BuildError(Diagnostic("A701", None, label, help=help))
    for found in _gradients(part, region.position, inputs, seed, own_weights(graph, part, weights)):
        energy += found / max(found.sum(), 1e-300)
    if not energy.any():
        label = f"the gradient of `{field.path}` is zero at every input"
        if region.clipped is None:
            place = ", ".join(map(str, region.position))
            label = f"`{field.path}` reads nothing" + (f" at position {place}" if place else "")
        raise BuildError(Diagnostic("A705", None, label))
    return EffectiveField(energy / energy.sum(), region, inputs)


def up_to(graph: Graph, path: str) -> Graph:
    """The network that ends in a layer: what it reads, and the layers whose weights these share.

    A module that is applied again and ends halfway has weights of its own then: it is no longer the
    module that it was.
    """
    parents = {s.path: s.parent for s in graph.scopes}
    shared = {s.path: s.shares for s in graph.scopes}
    cut = _around(graph.by_path[path].scope, parents, shared)
    wanted = {path}
    for node in reversed(graph.nodes):
        if node.path in wanted:
            wanted.update(node.inputs)
            wanted.add(node.path if _within(node.path, cut) else node.owner)
    nodes = [n for n in graph.nodes if n.path in wanted]
    scopes = {""}
    todo: list[str | None] = [n.scope for n in nodes]
    while todo:
        scope = todo.pop()
        if scope is not None and scope not in scopes:
            scopes.add(scope)
            todo += [parents[scope]] if _within(scope, cut) else [parents[scope], shared[scope]]

    def kept(record: Any, **changes: Any) -> Any:
        own = {"shares": None} if _within(record.path, cut) else {}
        return record.model_copy(update=changes | own)

    return graph.model_copy(
        update={
            "nodes": tuple(kept(n, training=False) for n in nodes),
            "scopes": tuple(kept(s) for s in graph.scopes if s.path in scopes),
            "outputs": (Output(name="out", node=path, shape=graph.by_path[path].shape),),
            "training": None,
        }
    )


def _around(
    scope: str | None, parents: dict[str, str | None], shared: dict[str, str | None]
) -> str | None:
    """The outermost scope around one that uses the weights of another."""
    found = None
    while scope is not None:
        found = scope if shared[scope] else found
        scope = parents[scope]
    return found


def _within(path: str, scope: str | None) -> bool:
    return scope is not None and (path == scope or path.startswith(f"{scope}."))


def own_weights(graph: Graph, part: Graph, weights: Any) -> dict[str, torch.Tensor] | None:
    """Of the weights of a network those of a part."""
    if weights is None:
        return None
    import torch

    state, sources = backend.arrays(graph, weights), graph.by_path
    return {
        node.key(name): torch.from_numpy(state[sources[node.path].key(name)].copy())
        for node in part.nodes
        for name in node.weights
    }


def _gradients(
    graph: Graph, position: tuple[int, ...], inputs: int, seed: int, weights: Any
) -> list[NDArray[np.float64]]:
    """The squared gradient of each random input, summed over its channels.

    Weights are drawn anew for each, unless they are given. In double precision: a hundred layers
    may shrink a gradient by a factor of 1e-40, whose square single precision has not.
    """
    import numpy as np
    import torch

    common, sides = coordinates(graph), extent(graph)
    random = torch.Generator().manual_seed(seed)
    model = None
    found: list[NDArray[np.float64]] = []
    for draw in range(inputs):
        if model is None or weights is None:
            model = backend.build(graph, weights, seed + draw).double().eval()
        given = [torch.randn(1, *i.shape, generator=random).double() for i in graph.inputs]
        read = [
            x.requires_grad_(i.name in common) for x, i in zip(given, graph.inputs, strict=True)
        ]
        result = _position(model(*read), position, len(axes(graph.main.shape)))
        signs = torch.randint(0, 2, result.shape, generator=random) * 2.0 - 1
        (result * signs).sum().backward()
        energy = np.zeros(sides)
        grads = {
            i.name: x.grad[0] for x, i in zip(read, graph.inputs, strict=True) if x.grad is not None
        }
        largest = max((float(g.abs().max()) for g in grads.values()), default=0.0) or 1.0
        for name, gradient in grads.items():  # scaled before it is squared: it may be tiny
            squares = ((gradient / largest) ** 2).sum(0 if len(sides) == 2 else 1)
            energy[tuple(map(slice, common[name]))] += squares.numpy()
        found.append(energy)
    return found


def _position(result: torch.Tensor, position: tuple[int, ...], rank: int) -> torch.Tensor:
    """All channels of one position of a batch of one."""
    if rank == 2:
        return result[0, :, position[0], position[1]]
    return result[0, position[0]] if rank == 1 else result[0]
