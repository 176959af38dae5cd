"""L401."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.analyses.depth import has_kernel
from archdsl.errors import Level
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView

_MOST = 30


class DeepPlainStack(NetworkRule):
    """A deep stack without shortcuts.

    Beyond some depth more layers make even the training error worse, although the deeper network
    could do what the shallower one does: He et al. (2015), "Deep Residual Learning", see it from 18
    to 34 layers on ImageNet (section 4.1) and from 20 to 32 and on to 56 on CIFAR-10 (section 4.2),
    with batch normalisation, so that it is not gradients that vanish. The rule counts the layers
    with weights on the shortest way to the output, which shortcuts make short, and allows 30:
    MobileNet's 28 do train (Howard et al. 2017, table 1).

    Bad:

        input 3x32x32
        { conv 3x3 32 bias=false; bn; relu } x32
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 32 bias=false; bn; relu
        { residual { conv 3x3 bias=false; bn; relu; conv 3x3 bias=false; bn }; relu } x16
        gap; fc 10
    """

    code: ClassVar[str] = "L401"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The network, if even the shortest way through it is long."""
        count = sum(map(has_kernel, net.shortest))
        if count > _MOST:
            label = f"every way from the input to the output goes through {count:,} layers or more"
            yield Hit(None, label, "`residual { … }` around each two or three lets them be skipped")
