"""What a training consists of, and where it stands."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from archdsl.ir import Graph
from archdsl.train import schedule
from archdsl.train.augment import Preparation
from archdsl.train.data.loader import Batches
from archdsl.train.features import Kept
from archdsl.train.frozen import NOTHING, Frozen, Waiting
from archdsl.train.objective import Objective
from archdsl.train.watch import Row

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import nn
    from torch.optim import Optimizer


@dataclass
class Progress:
    """Where a training stands; with the weights and the optimizer's state it is all there is."""

    epoch: int = 0
    """Epochs that are done."""
    batch: int = 0
    """Batches of the present one that are done."""
    step: int = 0
    """Changes of the weights."""
    loss: float = 0.0
    """The sum of the present epoch's losses, over its examples."""
    right: float = 0.0
    seen: int = 0
    seconds: float = 0.0
    best: tuple[float, float] = (-inf, -inf)
    """The best validation: what is compared, the larger the better."""
    rows: list[Row] = field(default_factory=list)
    """An entry of metrics.csv for every epoch."""
    plateau: schedule.Plateau = field(default_factory=schedule.Plateau)
    waiting: Waiting = field(default_factory=Waiting)
    """What `freeze … patience=` looks at."""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "best": list(self.best)}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Progress:
        rows = [Row(**row) for row in state["rows"]]
        plateau = schedule.Plateau(**state["plateau"])
        best = (state["best"][0], state["best"][1])
        waiting = Waiting(**state.get("waiting", {}))
        read = {"rows": rows, "plateau": plateau, "best": best, "waiting": waiting}
        return cls(**{**state, **read})


@dataclass(frozen=True)
class Parts:
    """What a training consists of."""

    graph: Graph
    fabric: Fabric
    module: nn.Module
    """The network itself, which has all weights."""
    runs: nn.Module
    """What is run of it: all, or the rest behind kept features."""
    objective: Objective
    preparation: Preparation | Kept
    batches: Batches
    valid: Batches | None
    skip_broken: bool = False
    sharded: bool = False
    """Whether each process holds a part of every weight."""
    frozen: Frozen = NOTHING
    paths: dict[str, str] = field(default_factory=dict[str, str])
    """What the layers of `runs` are called in the network, where that is not the same."""
    still: tuple[nn.Module, ...] = ()
    """The modules of `runs` that are as at inference while the others learn."""
    model: Any = None
    """What runs, as Fabric runs it."""
    optimizers: list[Optimizer] = field(default_factory=list["Optimizer"])

    def learning(self) -> None:
        """Let all modules learn but those that stand still."""
        self.model.train()
        for module in self.still:
            module.eval()
