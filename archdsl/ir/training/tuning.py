"""What is trained, what is frozen, and for how long."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import takewhile
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from archdsl.ir.fields import Width
from archdsl.ir.records import Sample
from archdsl.ir.training.kinds import Path, Paths
from archdsl.ir.training.paths import trainable, unknown, within
from archdsl.ir.training.setting import Finding, Setting

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph


class Tuning(Setting, ABC):
    """Which weights are trained; the layers of the others run as they do at inference."""

    part: ClassVar[str] = "tuning"

    @property
    def thaws(self) -> int | None:
        """After how many epochs everything trains, at the latest; None for never."""
        return None

    @property
    def waits(self) -> int | None:
        """How many epochs without a better validation let everything train; None for any."""
        return None

    @abstractmethod
    def still(self, graph: Graph) -> frozenset[str]:
        """The paths of the layers that it freezes, those without weights too.

        Layers that share weights are frozen all together or not at all.
        """

    def frozen(self, graph: Graph) -> frozenset[str]:
        """The `state_dict` keys of the trainable weights that it freezes."""
        still = self.still(graph)
        nodes = (node for node in graph.nodes if node.path in still)
        return frozenset(n.key(name) for n in nodes for name, w in n.weights.items() if w.trainable)

    def check(self, graph: Graph) -> Iterator[Finding]:
        if not trainable(graph) - self.frozen(graph):
            yield Finding("A803", "nothing is left to train")


_THAW: Any = Field(None, description="for how many epochs; until the end if left out")
_STABLE: Any = Field(
    None, description="or until the loss of the validation has got no better for so many epochs"
)


class TuneEverything(Tuning):
    """Trains all of the network."""

    slot: ClassVar[str] = "tune"
    name: ClassVar[str] = "everything"
    samples: ClassVar[tuple[Sample, ...]] = (Sample("tune everything"),)

    def still(self, graph: Graph) -> frozenset[str]:
        return frozenset()

    def check(self, graph: Graph) -> Iterator[Finding]:
        return iter(())


class _Freeze(Tuning, ABC):
    """Freezes a part of the network, for a while or until the end."""

    slot: ClassVar[str] = "freeze"

    if TYPE_CHECKING:  # behind the paths, so that these come first
        epochs: Width | None
        patience: Width | None

    @property
    def thaws(self) -> int | None:
        return self.epochs

    @property
    def waits(self) -> int | None:
        return self.patience

    @property
    @abstractmethod
    def named(self) -> tuple[str, ...]:
        """The parts of the network that the statement names."""

    def check(self, graph: Graph) -> Iterator[Finding]:
        found = [finding for path in self.named for finding in unknown(graph, path)]
        yield from found if found else super().check(graph)


class FreezeAllExcept(_Freeze):
    """Trains some parts of the network alone, often the new head.

    All else runs as at inference: normalisation by its running statistics, which stay, and nothing
    drops. A layer without weights belongs to what is trained where it is named, or is in a part
    that is: `head: { dropout 0.5; fc 10 }`.
    """

    name: ClassVar[str] = "all"
    joint: ClassVar[str] = "except"
    positional: ClassVar[int] = 1
    variadic: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("freeze all except fc"),
        Sample('freeze all except fc "layer4.0" epochs=5'),
        Sample("freeze all except fc patience=2"),
    )

    paths: Paths = Field(description="what is trained")
    epochs: Width | None = _THAW
    patience: Width | None = _STABLE

    @property
    def named(self) -> tuple[str, ...]:
        return self.paths

    def still(self, graph: Graph) -> frozenset[str]:
        tops = set(self.paths)
        trained = {node.owner for node in graph.nodes if _is_below(node.path, tops)}
        return frozenset(node.path for node in graph.nodes if node.owner not in trained)


class FreezeUntil(_Freeze):
    """Freezes what comes before a part of the network; that and what follows is trained.

    What is before it in the order of the layers runs as at inference: normalisation by its running
    statistics, which stay, and nothing drops.
    """

    name: ClassVar[str] = "until"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("freeze until layer3"),
        Sample('freeze until "layer4.0" epochs=5'),
        Sample("freeze until layer3 epochs=9 patience=2"),
    )

    path: Path = Field(description="where training begins")
    epochs: Width | None = _THAW
    patience: Width | None = _STABLE

    @property
    def named(self) -> tuple[str, ...]:
        return (self.path,)

    def still(self, graph: Graph) -> frozenset[str]:
        before = takewhile(lambda node: not within(node.path, self.path), graph.nodes)
        owners = {node.owner for node in before}
        return frozenset(node.path for node in graph.nodes if node.owner in owners)


def _is_below(path: str, tops: set[str]) -> bool:
    """Whether a path is one of these or lies below one."""
    while path:
        if path in tops:
            return True
        path = path.rpartition(".")[0]
    return False
