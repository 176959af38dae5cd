"""L202."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.graph import Node
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class DropoutBeforeBatchNorm(NetworkRule):
    """Dropout in front of a batch normalisation, which remembers the wrong variance.

    Dropout at rate p keeps the mean of a value and raises its mean square to 1/(1-p) times, in
    training alone. A batch normalisation behind it averages the variances of training, and at
    inference divides by that average, where nothing is dropped and the variance is smaller: the
    variance shift (Li, Chen, Hu & Yang 2018, "Understanding the disharmony between dropout and
    batch normalization by variance shift", sections 3 and 4). It goes through linear layers,
    activations and shortcuts. The paper's ways out: drop behind the last batch normalisation, or
    not at all. A normalisation of each example by itself, such as layer normalisation, sees the
    variance that is there, and ends it; nothing is said of drops of whole branches (Huang et al.
    2016), which are made for networks with batch normalisation.

    Bad:

        input 3x32x32
        conv 3x3 64 bias=false; bn; relu; dropout 0.3
        conv 3x3 64 bias=false; bn; relu
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 64 bias=false; bn; relu
        conv 3x3 64 bias=false; bn; relu
        gap; dropout 0.3; fc 10
    """

    code: ClassVar[str] = "L202"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The dropouts whose mark a batch normalisation sees, with the first that does."""
        dropped: dict[str, Node] = {}  # by each tensor, the last dropout that it comes through
        seen: set[str] = set()
        for node in net.nodes:
            if node.op.drops() and not node.op.drops_whole:
                dropped[node.path] = node
                continue
            source = next((dropped[path] for path in node.inputs if path in dropped), None)
            if source is None:
                continue
            found = node.op.normalizes(node.input_shapes, node.shape)
            if found is None or not found.unit:
                dropped[node.path] = source
            elif found.batch and source.path not in seen:
                seen.add(source.path)
                yield Hit(source, _label(source, node), _HELP, notes=((node, _NOTE),))


_HELP = "drop behind the last batch normalisation, or not at all"
_NOTE = "the batch normalisation"


def _label(source: Node, node: Node) -> str:
    share = source.op.drops()
    return (
        f"the mean square is 1/(1 - {share:g}) = {1 / (1 - share):.2f} times as large in training, "
        f"and `{node.path}` keeps that for inference"
    )
