"""L306."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.graph import Node
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class SmallField(NetworkRule):
    """The last convolution sees less than the picture.

    What is larger than the receptive field of the last local layer is put together by global
    pooling or a fully connected layer alone: by how much of it there is, or by fixed places. For
    objects that fill the picture a larger field is better (Araujo, Norris & Sim 2019, "Computing
    Receptive Fields", find that accuracy grows with the logarithm of the field). Behind a gate that
    pools, as in squeeze-excitation, every position sees the picture, and nothing is said.

    Bad:

        input 3x64x64
        conv 3x3 32; relu; conv 3x3 32; relu
        gap; fc 10

    Good:

        input 3x64x64
        { conv 3x3 32 stride=2; relu } x4
        conv 3x3 32; relu; conv 3x3 32; relu
        gap; fc 10
    """

    code: ClassVar[str] = "L306"
    level: ClassVar[Level] = "info"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The convolution that sees the most, if that is less than the input on some axis."""
        sizes = [i.shape[1:] for i in net.graph.inputs if len(i.shape) == 3]
        fields = [net.fields[node.path] for node in net.graph.at_inference]
        if len(sizes) != 1 or not fields or not fields[-1].whole:
            return  # a map that goes out means each position by itself
        with_kernel = [node for node in net.graph.at_inference if net.kernel(node) is not None]
        local = [n for n in with_kernel if net.fields[n.path].windows and not _whole(net, n)]
        if not local or any(_whole(net, n) and prod(n.shape[1:]) > 1 for n in with_kernel):
            return  # a gate that pools, as in squeeze-excitation, shows the picture to the rest
        last = max(local, key=lambda node: prod(net.fields[node.path].size))
        field = net.fields[last.path]
        if any(f < side for f, side in zip(field.size, sizes[0], strict=True)):
            seen, all_of = ("x".join(map(str, s)) for s in (field.size, sizes[0]))
            yield Hit(last, f"a position sees {seen} of the input's {all_of}")


def _whole(net: NetworkView, node: Node) -> bool:
    return net.fields[node.path].whole
