"""What can be asked of an ONNX file, and what is told of one that was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from archdsl.errors import BuildError, Diagnostic
from archdsl.ir.records import OLDEST_OPSET

OPSET = 26  # known to onnx from 1.21 and to onnxruntime from 1.26 on


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How an ONNX file is written. As it stands: layer for layer, for any batch, unchecked.

    Raises:
        BuildError: the opset is too old or not known yet, or the batch is no batch.
    """

    batch: int | None = None
    """The only batch that it takes; any if left out."""
    dynamic_size: bool = False
    """Whether maps of other sizes may come in than the spec's."""
    opset: int = OPSET
    """The version of ONNX's operators."""
    inline: bool = False
    """Whether large weights are in the same file too."""

    def __post_init__(self) -> None:
        if not OLDEST_OPSET <= self.opset <= OPSET:
            label = f"opset {self.opset} cannot be written; {OLDEST_OPSET} to {OPSET} can"
            raise BuildError(Diagnostic("A707", None, label))
        if self.batch is not None and not 1 <= self.batch < 1 << 31:
            raise BuildError(Diagnostic("A708", None, f"{self.batch} is no size of a batch"))


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    files: tuple[Path, ...]
    """The model, and the file of its weights where they are apart."""
    step: int | None = None
    """Where maps of any size come in: their sides differ from the spec's by multiples of it."""
