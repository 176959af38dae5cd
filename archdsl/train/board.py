"""TensorBoard's file of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archdsl.train.refuse import needed
from archdsl.train.watch import Row, Watch


class Board(Watch):
    """Writes every epoch's figures for `tensorboard --logdir runs`."""

    def __init__(self, folder: Path) -> None:
        needed("tensorboard")
        self.folder = folder
        self.writer: Any = None

    def epoch(self, rows: list[Row]) -> None:
        if self.writer is None:
            from torch.utils.tensorboard import SummaryWriter

            # What a run that was killed had written behind this step is not shown.
            self.writer = SummaryWriter(str(self.folder), purge_step=rows[-1].step)
        row = rows[-1]
        for key, value in row.to_dict().items():
            if key not in ("epoch", "step") and value == value:
                self.writer.add_scalar(key.replace("_", "/", 1), value, row.step)
        self.writer.flush()
