"""Lanes: channels in equal shares that do not see each other, as on AlexNet's two GPUs.

A network says so in two ways: with branches that are alike, joined by their channels, or with
groups. Either is drawn as rows, one for each share; what reads all shares crosses over.
"""

from __future__ import annotations

from archdsl.backends.volumes.calls import share
from archdsl.backends.volumes.figure import Series, Volume
from archdsl.backends.volumes.structure import Flow, Region
from archdsl.ir import Node
from archdsl.ir.shapes import channels

MOST = 4  # lanes that are drawn; more are groups


def alike(join: Node) -> bool:
    """Whether a join puts equal shapes behind each other."""
    return channels(join.shape) == sum(map(channels, join.input_shapes)) and len(join.inputs) > 1


def lanes_of(region: Region) -> int:
    """How many lanes its branches are: all alike, each from a share of the tensor or from all."""
    looks = [_look(b) for b in region.branches]
    n = len(region.join.inputs)
    if len(looks) != n or not 2 <= n <= MOST or not looks[0] or not alike(region.join):
        return 1
    return n if all(look == looks[0] for look in looks) else 1


def _look(flow: Flow) -> tuple[object, ...]:
    if not all(isinstance(p, Node) for p in flow.parts):
        return ()
    nodes = [p for p in flow.parts if isinstance(p, Node)]
    return tuple((n.op.name if share(n) else n.op, n.shape) for n in nodes)


def divided(series: Series) -> None:
    """Let the lanes of a network run through all of it that lies between input and output."""
    volumes = [v for v in series if isinstance(v, Volume)]
    if len(volumes) != len(series) or any(v.hanging for v in volumes):
        return
    found = {n for v in volumes for n in (v.lanes, _groups(v)) if n > 1}
    if len(found) != 1 or (n := found.pop()) > MOST:
        for v in volumes:
            if v.lanes > 1 and len(found):
                v.lanes = 1
        return
    for v in volumes[1:-1]:
        if channels(v.shape) % n:
            continue
        if v.lanes == 1:
            v.own = v.look == "pooling" or _groups(v) == n
            v.lanes = n
        v.call = tuple(line for line in v.call if line != f"groups {n}")


def _groups(volume: Volume) -> int:
    key = volume.key
    return key[1] if isinstance(key, tuple) and len(key) == 3 and isinstance(key[1], int) else 1
