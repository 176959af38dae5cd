"""`--place PATHS=DEVICES`: a network over several devices, by its paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from archdsl.backends.torch.placing import Placement
from archdsl.errors import printable
from archdsl.ir import Graph, Node
from archdsl.ir.shapes import elements
from archdsl.ir.training.paths import unknown, within
from archdsl.train.refuse import refusal

BYTES = 4  # of a weight, its gradient and each value that an optimizer holds for it


def placed(graph: Graph, places: Sequence[str], home: str) -> Placement:
    """Where every layer is computed.

    A layer that no place names is where its first input is; inputs are at home. Of paths inside one
    another the longest holds. Layers that share weights are where the first of them is.

    Args:
        graph: the network.
        places: `path,path=device`, or `join=device,device` for the branches that meet in a join.
        home: the device of the inputs and of the loss.

    Raises:
        TrainError: a place is misspelt, names what the network does not have, or is said twice.
    """
    named, branches = _read(graph, places)
    devices: dict[str, str] = {}
    for node in graph.nodes:
        above = node.path
        while above and above not in named:
            above = above.rpartition(".")[0]
        source = node.inputs[0] if node.inputs else ""
        if node.shares is not None:
            devices[node.path] = devices[node.shares]
        elif above:
            devices[node.path] = named[above]
        else:
            devices[node.path] = branches.get(node.path) or devices.get(source, home)
    found = Placement(graph, devices, home)
    _hold(graph, found)
    return found


def _read(graph: Graph, places: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The devices of the paths that are named, and of the layers in the branches of joins."""
    named: dict[str, str] = {}
    branches: dict[str, str] = {}
    for place in places:
        left, _, right = place.partition("=")
        paths, devices = ([w.strip() for w in side.split(",")] for side in (left, right))
        if not all(paths) or not all(devices):
            help = "`--place layer1,layer2=cuda:0`; a join has a device for each of its branches"
            raise refusal("A970", f"`--place {printable(place)}` is not PATHS=DEVICES", help)
        devices = [_device(name) for name in devices]
        for path in paths:
            for finding in unknown(graph, path):
                raise refusal("A970", finding.label, finding.help)
            if path in named:
                raise refusal("A970", f"`{path}` is placed twice")
            if len(devices) == 1:
                named[path] = devices[0]
                continue
            for node, number in _branches(graph, path, len(devices)):
                if branches.setdefault(node, devices[number]) != devices[number]:
                    label = f"`{node}` is in branches of two joins, and placed twice"
                    raise refusal("A970", label, f"`--place {node}=…` by its own path decides")
    return named, branches


def _device(name: str) -> str:
    """A device as torch calls it.

    Raises:
        TrainError: there is no such device here.
    """
    import torch

    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise refusal("A972", f"`{printable(name)}` is no device", "cpu, cuda:0, cuda:1, …")
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if (device.index or 0) >= count:
        label = f"`{name}`: PyTorch finds {count or 'no'} GPU{'s' * (count != 1)} here"
        raise refusal(
            "A972", label if device.type == "cuda" else f"`{name}`: the CPU is one device"
        )
    return str(torch.device("cuda", device.index or 0)) if device.type == "cuda" else "cpu"


def _branches(graph: Graph, path: str, count: int) -> Iterator[tuple[str, int]]:
    """The layers that lead to one input of a join alone, each with that input's number.

    Raises:
        TrainError: the path is no join of so many branches.
    """
    join = graph.by_path.get(path)
    if join is None or len(join.inputs) != count:
        joins = [n.path for n in graph.nodes if len(n.inputs) == count]
        help = f"a join of {count}: {', '.join(joins[:8])}" if joins else ""
        what = "no layer" if join is None else f"a join of {len(join.inputs)}"
        raise refusal("A970", f"{count} devices are given, and `{path}` is {what}", help)
    index = {n.path: i for i, n in enumerate(graph.nodes)}
    marks: dict[str, set[int]] = {}
    for number, tensor in enumerate(join.inputs):
        marks.setdefault(tensor, set()).add(number)
    # From the join back, the latest first: when a layer's turn comes, all its readers had theirs.
    waiting = [-index[t] for t in marks if t in index]
    heapify(waiting)
    while waiting:
        node = graph.nodes[-heappop(waiting)]
        own = marks[node.path]
        if len(own) > 1:
            continue  # what is above it leads to the same branches
        yield node.path, next(iter(own))
        for tensor in node.inputs:
            if tensor not in marks and tensor in index:
                heappush(waiting, -index[tensor])
            marks.setdefault(tensor, set()).update(own)


def _hold(graph: Graph, placement: Placement) -> None:
    """Refuse what a placement cannot be combined with.

    Raises:
        TrainError: it is compiled, has half the width on the CPU and a GPU at once, or a part that
            is computed again, or is an output, lies on several devices.
    """
    training = graph.training
    if training is not None and training.compile.on:
        label = "`--place` and `compile`: a compiled network is on one device"
        raise refusal("A971", label, "`--set 'compile false'`")
    kinds = {device.partition(":")[0] for device in (*placement.devices.values(), placement.home)}
    if training is not None and training.precision.kind in ("bf16", "fp16") and len(kinds) > 1:
        label = f"`{training.precision.text()}` holds on one kind of device, and these are two"
        raise refusal("A971", label, "`precision fp32`, or GPUs alone")
    for path in training.checkpoint.paths if training and training.checkpoint else ():
        parts = [n for n in graph.nodes if within(n.path, path)]
        if len({d for n in parts for d in _around(n, placement)}) > 1:
            label = f"`checkpoint {path}`: the part or its input lies on several devices"
            raise refusal("A971", label, "place all of it, and what is before it, on one")
    sequences = {s.path for s in graph.scopes if s.kind == "sequence"}
    for output in graph.outputs[1:]:
        parts = [n for n in graph.nodes if within(n.path, output.name)]
        if output.name in sequences and len({placement.devices[n.path] for n in parts}) > 1:
            label = f"the output `{output.name}` is one part, and placed on several devices"
            raise refusal("A971", label, f"`--place {output.name}=…` places all of it")


def _around(node: Node, placement: Placement) -> Iterator[str]:
    """The devices of a layer and of its inputs."""
    yield placement.devices[node.path]
    for tensor in node.inputs:
        yield placement.devices.get(tensor, placement.home)


@dataclass(frozen=True)
class Load:
    """What a device has of a network."""

    device: str
    layers: int
    parameters: int
    held: int
    """Bytes of the weights, their gradients and the optimizer's state, in 32 bits."""
    macs: int
    """Of one example's forward pass."""


def loads(placement: Placement) -> list[Load]:
    """What each device has, in the order of the layers."""
    graph = placement.graph
    assert graph.training is not None
    optimizer = graph.training.optimizer
    layers, parameters, held, macs = (Counter[str]() for _ in range(4))
    for node in graph.nodes:
        device = placement.devices[node.path]
        layers[device] += 1
        macs[device] += node.cost.macs
        for weight in node.weights.values() if node.shares is None else ():
            count = elements(weight.shape)
            times = 2 + optimizer.held(weight) if weight.trainable else 1
            parameters[device] += count if weight.trainable else 0
            held[device] += int(BYTES * times * count)
    return [Load(d, layers[d], parameters[d], held[d], macs[d]) for d in layers]


def table(placement: Placement) -> str:
    """What goes where, a line for each device."""
    lines = [f"{'device':<10}{'layers':>8}{'params':>16}{'held':>14}{'MACs':>18}"]
    lines += [
        f"{load.device:<10}{load.layers:>8,}{load.parameters:>16,}"
        f"{f'{load.held / 1e6:,.1f} MB':>14}{load.macs:>18,}"
        for load in loads(placement)
    ]
    return "\n".join(lines)


def alone(processes: int) -> None:
    """Refuse a placement in several processes.

    Raises:
        TrainError: there are several.
    """
    if processes > 1:
        label = f"`--place` is for one process, and there are {processes}"
        raise refusal("A971", label, "leave out `--devices`, or torchrun")
