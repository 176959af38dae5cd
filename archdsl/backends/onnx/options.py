"""What can be asked of an ONNX file, and what is told of one that was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from archdsl.errors import BuildError, Diagnostic
from archdsl.ir.preprocess import Preprocess
from archdsl.ir.records import OLDEST_OPSET

OLDEST_BFLOAT16 = 22  # the first opset whose convolutions and pools take it
OPSET = 26  # known to onnx from 1.21 and to onnxruntime from 1.26 on


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How an ONNX file is written. As it stands: layer for layer, for any batch, not verified.

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
    precision: Literal["float32", "float16", "bfloat16"] = "float32"
    """What weights are stored and sums are computed in."""
    preprocess: bool = False
    """Whether it takes pictures as they are, uint8, and prepares them itself."""
    probabilities: bool = False
    """Whether it gives these too, as an output of that name."""
    top: int = 0
    """Of how many classes, the likeliest, it gives `top_values` and `top_indices` too."""
    classes: tuple[str, ...] = ()
    """The names of the classes, for the metadata."""
    pictures: Preprocess | None = None
    """How they are prepared, where that is not as the network's own settings say."""
    license: str = ""
    """The licence of the weights, for the metadata."""
    fold: bool = False
    """Whether batch normalisation goes into the layer before, and what does nothing goes."""
    functions: bool = False
    """Whether the blocks of the spec are functions of the file."""
    verify: bool = False
    """Whether it is held against PyTorch before it takes its name."""
    bisect: bool = False
    """Whether each layer is, too."""

    def __post_init__(self) -> None:
        if not OLDEST_OPSET <= self.opset <= OPSET:
            label = f"opset {self.opset} cannot be written; {OLDEST_OPSET} to {OPSET} can"
            raise BuildError(Diagnostic("A707", None, label))
        if self.precision == "bfloat16" and self.opset < OLDEST_BFLOAT16:
            label = f"opset {self.opset} has no convolutions in bfloat16"
            help = f"the lowest for it is --opset {OLDEST_BFLOAT16}"
            raise BuildError(Diagnostic("A707", None, label, help=help))
        if self.batch is not None and not 1 <= self.batch < 1 << 31:
            raise BuildError(Diagnostic("A708", None, f"{self.batch} is no size of a batch"))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the outputs of onnxruntime are from PyTorch's, over all outputs and runs."""

    absolute: float
    """The largest difference."""
    relative: float
    """The largest difference over the largest output."""
    tolerance: float
    """What `relative` may be."""
    batches: tuple[int, ...]
    """The sizes of the batches that were run."""
    runs: int
    device: str
    """What onnxruntime ran on, in words."""
    blind: bool = False
    """Whether the outputs are the same whatever comes in, so that all layers were compared too."""
    finite: bool = True
    """Whether all outputs of PyTorch are numbers."""

    def __str__(self) -> str:
        batches = " and ".join(map(str, self.batches))
        verb = "equals" if self.tolerance < 1e-3 else "agrees with"
        return (
            "gives values that are infinite or no number, as PyTorch does; beside them it "
            * (not self.finite)
            + f"{verb} PyTorch: largest difference {self.absolute:.1e}, {self.relative:.1e} of the "
            f"largest output (at most {self.tolerance:.0e}; {self.runs} runs, batch {batches}, "
            f"onnxruntime on {self.device})"
            + ("; as it gives the same for all inputs, each layer was compared" * self.blind)
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """How far what a layer gives in the file is from what it gives in PyTorch."""

    path: str
    relative: float
    """The largest difference over its largest value."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    files: tuple[Path, ...]
    """The model, and the file of its weights where they are apart."""
    step: int | None = None
    """Where maps of any size come in: their sides differ from the spec's by multiples of it."""
    agreement: Agreement | None = None
    """How well it agrees with PyTorch, where that was measured."""
    differences: tuple[Difference, ...] = ()
    """And each of its layers, where that was asked for."""
