"""What a run learns of its data before it begins: mean, deviation, components of colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archdsl.ir import Graph
from archdsl.ir.training.images import ByValues, PcaJitter
from archdsl.train.data.loader import Batches
from archdsl.train.refuse import unread

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Components:
    """Principal components of the colours: `vectors` in columns, `values` their variances."""

    values: tuple[float, ...]
    vectors: tuple[tuple[float, ...], ...]


def wanted(graph: Graph) -> bool:
    """Whether a setting has to know the data."""
    training = graph.training
    assert training is not None
    jitters = any(isinstance(step, PcaJitter) for step in training.augment)
    return jitters or training.normalize.statistics is None


def settled(graph: Graph, batches: Batches) -> tuple[Graph, Components | None]:
    """The graph with `normalize data` as values, and the components if a setting wants them.

    One pass over the examples, before any augmentation, in double precision.
    """
    training = graph.training
    assert training is not None
    if not wanted(graph):
        return graph, None
    mean, covariance = moments(batches, len(graph.inputs[0].shape))
    # A channel that is the same everywhere is shifted alone.
    std = tuple(float(v) ** 0.5 if v > 1e-12 else 1.0 for v in covariance.diagonal())
    normalize = training.normalize
    if normalize.statistics is None:
        values = {"mean": tuple(map(float, mean)), "std": std}
        normalize = ByValues.model_validate(values)
    changed = training.model_copy(update={"normalize": normalize})
    graph = graph.model_copy(update={"training": changed})
    if not any(isinstance(step, PcaJitter) for step in training.augment):
        return graph, None
    return graph, components(covariance)


def moments(batches: Batches, axes: int) -> tuple[Tensor, Tensor]:
    """The mean of each channel (c) and their covariance (c, c), of values from 0 to 1.

    Raises:
        TrainError: none of the examples can be read.
    """
    import torch

    from archdsl.train.augment import floats

    count, total, squares = 0, torch.zeros(()), torch.zeros(())
    for batch in batches.once():
        if batch.inputs is None:
            continue
        for values in _by_channel(floats(batch.inputs), axes):
            rows = values.double()
            count += len(rows)
            total = total + rows.sum(0)
            squares = squares + rows.T @ rows
    if not count:
        raise unread()
    mean = total / count
    return mean, squares / count - torch.outer(mean, mean)


def _by_channel(inputs: Tensor, axes: int) -> list[Tensor]:
    """The values of a batch as (positions, channels)."""
    if axes == 3:
        return [inputs.movedim(1, -1).reshape(-1, inputs.shape[1])]
    return [inputs.reshape(-1, inputs.shape[-1])]


def components(covariance: Tensor) -> Components:
    """The principal components of colours, the largest last (Krizhevsky et al. 2012, 4.1)."""
    import torch

    values, vectors = torch.linalg.eigh(covariance)
    spread = tuple(float(v) for v in values.clamp(min=0))
    return Components(spread, tuple(tuple(map(float, row)) for row in vectors))
