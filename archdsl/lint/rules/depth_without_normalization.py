"""L403."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.analyses.depth import has_kernel
from archdsl.errors import Level
from archdsl.lint.paths import normalizes
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView

_MOST = 20


class DepthWithoutNormalization(NetworkRule):
    """A deep stack without normalisation.

    What each layer does to the size of the values, the next ones multiply: 5% more a layer is 2.7
    times after 20. An initialisation that fits keeps it at the start of training, and only there;
    a normalisation keeps it at every step (Ioffe & Szegedy 2015, section 3). Of the networks that
    were trained without one VGG-19 is among the deepest, and Simonyan & Zisserman (2014, section
    3.1) started the deep ones from the weights of a shallow one, lest they stall. The rule counts
    the layers with weights on the shortest way to the output, and allows 20.

    Bad:

        input 3x32x32
        { conv 3x3 32 init=he; relu } x21
        gap; fc 10

    Good:

        input 3x32x32
        { conv 3x3 32 init=he bias=false; bn; relu } x21
        gap; fc 10
    """

    code: ClassVar[str] = "L403"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The network, if no layer on the shortest way through it normalises."""
        count = sum(map(has_kernel, net.shortest))
        if count > _MOST and not any(map(normalizes, net.shortest)):
            label = f"{count:,} layers follow one another, and none normalises"
            yield Hit(None, label, "put a normalisation behind each, as `bn` or `gn`")
