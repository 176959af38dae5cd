"""L101."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.lint.chains import Pair, pairs
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class LinearAfterLinear(NetworkRule):
    """Two linear layers with nothing nonlinear between them.

    A linear function of a linear function is linear: `fc 512; fc 10` computes nothing that `fc 10`
    could not, and costs more. Two convolutions are one whose kernel is k1 + (k2 - 1)*s1 wide, s1
    being the first one's stride: two 3x3 are a 5x5 (away from the border, where each pads by
    itself). What is between may be anything affine at inference: normalisation with running
    statistics, average pooling, dropout, a change of layout. Usually an activation was forgotten.

    Some pairs are meant, and are no finding here:

    - Where the pair is a factorisation, it is fewer numbers on purpose. With groups on one side, as
      in a depthwise separable convolution, nothing is said (Chollet 2017, section 4.7, found an
      activation between the two to do harm). These are the hint L102: a middle narrower than both
      sides, such as the linear bottleneck of MobileNetV2 (Sandler et al. 2018, section 3.2); a
      k x 1 with a 1 x k; a layer over the tokens with one over the features; a convolution before a
      fully connected layer that would be larger without it.
    - Where the tensor between has a second reader, such as a shortcut that starts or ends there.
    - Inside of a layer: attention's own projections are softened by its softmax.

    Bad:

        input 3x32x32
        conv 3x3 64; conv 3x3 64; relu
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 64; relu; conv 3x3 64; relu
        gap; fc 10
    """

    code: ClassVar[str] = "L101"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The second layer of each pair."""
        for pair in pairs(net):
            if pair.grouped or pair.factored:
                continue
            note = ((pair.first, "the linear layer before it"),)
            yield Hit(pair.second, _label(pair), _HELP, notes=note)


_HELP = "put an activation between them, or write the one layer"


def _label(pair: Pair) -> str:
    """What one layer would do, with its size."""
    single = pair.single
    if single is None:
        return f"`{pair.second.path}` is linear, as is all since `{pair.first.path}`"
    saving = f": {single.parameters:,} weights in place of {pair.parameters:,}"
    return f"together they are one {single.words}" + saving * (single.parameters < pair.parameters)
