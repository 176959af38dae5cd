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


def behind_each_other(join: Node) -> bool:
    """Whether a join puts the channels of its inputs behind each other."""
    return channels(join.shape) == sum(map(channels, join.input_shapes))


def lanes_of(region: Region) -> int:
    """How many lanes its branches are: all alike, each from a share of the tensor or from all."""
    looks = [_look(b) for b in region.branches]
    n = len(region.join.inputs)
    if len(looks) != n or not 2 <= n <= MOST or not looks[0] or region.source is None:
        return 1
    return n if behind_each_other(region.join) and len(set(looks)) == 1 else 1


def _look(flow: Flow) -> tuple[object, ...]:
    nodes = [p for p in flow.parts if isinstance(p, Node)]
    if len(nodes) < len(flow.parts):
        return ()
    return tuple((n.op.name if share(n) else n.op, n.shape) for n in nodes)


def divided(series: Series) -> None:
    """Let the lanes of a network run through all of it that lies between input and output.

    There are none where not all of it can be divided, where it speaks of several numbers, or where
    most convolutions know nothing of them.
    """
    volumes = [v for v in series if isinstance(v, Volume)]
    inner = volumes[1:-1]
    found = {n for v in volumes for n in (v.lanes, v.groups) if n > 1}
    if len(found) != 1 or not _suits(n := found.pop(), inner) or len(volumes) < len(series):
        for v in volumes:
            v.lanes = 1
        return
    for v in inner:
        if v.lanes == 1:
            v.own = v.look == "pooling" or v.groups == n
            v.lanes = n
        v.call = tuple(line for line in v.call if line != f"groups {n}")


def _suits(lanes: int, inner: list[Volume]) -> bool:
    told = [v.lanes == lanes or v.groups == lanes for v in inner if v.look == "convolution"]
    whole = all(channels(v.shape) % lanes == 0 and len(v.shape) != 2 for v in inner)
    alone = not any(v.hanging for v in inner)
    return lanes <= MOST and whole and alone and 2 * sum(told) >= len(told) > 0
