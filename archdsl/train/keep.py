"""Whether the features before what is trained are computed once, and why not."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from archdsl.ir import Graph
from archdsl.ir.cut import Cut, cut
from archdsl.ir.training.paths import within
from archdsl.train import features
from archdsl.train.augment import Preparation
from archdsl.train.behind import behind, shared
from archdsl.train.data import Sets
from archdsl.train.data.examples import Arrays, fingerprint, targets_of
from archdsl.train.data.loader import Batches
from archdsl.train.features import Kept, Store, Unkept, Wanted
from archdsl.train.parts import Parts
from archdsl.train.validate import laid_out

if TYPE_CHECKING:
    from torch import Tensor


def kept(parts: Parts, sets: Sets, wanted: bool, note: Callable[[str], None]) -> Parts:
    """The parts of a training from the features on, if they can be kept; otherwise as they are.

    Args:
        parts: those that run all of the network.
        sets: the examples.
        wanted: whether features are kept at all.
        note: is told whether they are, and why not.
    """
    if not wanted:
        return parts
    try:
        found = _cut(parts.graph, parts.frozen.layers, parts.fabric.world_size)
        return _from_features(parts, sets, found, note)
    except Unkept as why:
        note(f"every epoch computes what is frozen anew: {why}")
        return parts


def _cut(graph: Graph, still: frozenset[str], processes: int) -> Cut:
    """Where the network is cut.

    Raises:
        Unkept: what comes before is no function of an example alone, or does not come before.
    """
    training = graph.training
    assert training is not None
    if len(graph.inputs) > 1:
        raise Unkept("the network has several inputs")
    drawing = [step for step in training.augment if step.draws]
    if drawing:
        raise Unkept(f"`augment {drawing[0].name}` draws another image each time")
    found = cut(graph, still)
    if found is None:
        raise Unkept("no frozen weights come before all that is trained")
    behind_it = set(found.rest.paths.values())
    for path in training.checkpoint.paths if training.checkpoint is not None else ():
        if any(within(layer, path) for layer in behind_it):
            raise Unkept(f"`checkpoint {path}` computes a part behind it again")
    if int(os.environ.get("LOCAL_WORLD_SIZE", processes)) < processes:
        raise Unkept("several machines take part, which may not share a disk")
    return found


def _from_features(parts: Parts, sets: Sets, found: Cut, note: Callable[[str], None]) -> Parts:
    import torch

    training = parts.graph.training
    assert training is not None
    preparation = parts.preparation
    assert isinstance(preparation, Preparation)
    lay_out = partial(laid_out, training)
    first = shared(found.first, parts.module).eval()
    store = Store(parts.fabric, first, lay_out, note)
    learns = _wanted(parts, found, "to learn from", replace(parts.batches, labels=None), False)
    rows = store.rows(learns)
    batches = _batches(parts.batches, rows, targets_of(sets.train))
    valid = parts.valid
    if valid is not None:
        assert sets.valid is not None
        rows = store.rows(_wanted(parts, found, "to validate with", valid, True))
        valid = _batches(valid, rows, targets_of(sets.valid))
    blank = torch.zeros((1, *parts.graph.inputs[0].shape), device=parts.fabric.device)
    kinds = store.types(blank)
    runs = behind(found, parts.module, kinds, training.channels_last.on)
    note(f"the features before {_begins(parts.graph, found)} are kept in {features.folder()}")
    return replace(
        parts,
        runs=runs,
        paths={f"rest.{here}": there for here, there in found.rest.paths.items()},
        preparation=Kept(preparation.ten),
        batches=batches,
        valid=valid,
    )


def _begins(graph: Graph, found: Cut) -> str:
    """The first layer behind the cut, as it is called in an error too."""
    behind_it = set(found.rest.paths.values())
    return next(f"`{node.path}`" for node in graph.nodes if node.path in behind_it)


def _batches(of: Batches, rows: Tensor, targets: Any) -> Batches:
    """Batches of features, in the order of the examples'."""
    return replace(of, examples=Arrays(rows, targets), workers=0, each=None)


def _wanted(parts: Parts, found: Cut, what: str, batches: Batches, validating: bool) -> Wanted:
    """The features of a set.

    Raises:
        Unkept: its examples may be others each time.
    """
    training = parts.graph.training
    assert training is not None
    preparation = parts.preparation
    assert isinstance(preparation, Preparation)
    name = fingerprint(batches.examples)
    if name is None:
        raise Unkept("the data come from code of your own, which may give others each time")
    crops = 10 if validating and preparation.ten else 1
    key = features.key(found.first, parts.module, name, _about(parts, batches, validating))
    prepare = preparation.validate if validating else partial(_learnt, preparation)
    return Wanted(what, batches, prepare, crops, found.width, key)


def _learnt(preparation: Preparation, inputs: Tensor) -> Tensor:
    return preparation.learn(inputs, None)[0]


def _about(parts: Parts, batches: Batches, validating: bool) -> dict[str, Any]:
    """What features depend on beside the layers, the weights and the examples."""
    import platform

    import torch

    training = parts.graph.training
    assert training is not None
    preparation = parts.preparation
    assert isinstance(preparation, Preparation)
    device = parts.fabric.device
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    steps = [training.eval] if validating else training.augment
    return {
        "steps": [step.text() for step in steps if step is not None],
        "resize": preparation.resize,
        "normalize": [preparation.mean, preparation.std],
        "ready": preparation.evaluation is None,
        "precision": training.precision.kind,
        "channels_last": training.channels_last.on,
        "batch": min(batches.size, len(batches.examples)),
        "torch": torch.__version__,
        "device": [device.type, gpu, platform.machine(), torch.backends.cpu.get_cpu_capability()],
        "threads": torch.get_num_threads(),
    }
