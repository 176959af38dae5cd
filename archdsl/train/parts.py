"""What a training consists of, and where it stands."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from archdsl.ir import Graph
from archdsl.train import schedule
from archdsl.train.augment import Preparation
from archdsl.train.data.loader import Batches
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

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "best": list(self.best)}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Progress:
        rows = [Row(**row) for row in state["rows"]]
        plateau = schedule.Plateau(**state["plateau"])
        best = (state["best"][0], state["best"][1])
        return cls(**{**state, "rows": rows, "plateau": plateau, "best": best})


@dataclass(frozen=True)
class Parts:
    """What a training consists of."""

    graph: Graph
    fabric: Fabric
    module: nn.Module
    """The network itself."""
    model: nn.Module
    """The network as Fabric runs it."""
    optimizers: list[Optimizer]
    objective: Objective
    preparation: Preparation
    batches: Batches
    valid: Batches | None
    skip_broken: bool = False
    sharded: bool = False
    """Whether each process holds a part of every weight."""
