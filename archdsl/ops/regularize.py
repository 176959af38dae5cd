"""Regularisation: layers that act in training alone."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from archdsl.ir.fields import Probability
from archdsl.ir.op import Op
from archdsl.ir.records import (
    EACH,
    FREE,
    Cost,
    Family,
    FieldRule,
    OnnxLowering,
    Sample,
    TorchLowering,
    TorchModule,
    Weight,
)
from archdsl.ir.shapes import Shape, Shapes


class Dropout(Op):
    """Sets each value to zero with probability p, in training only (Srivastava et al. 2014).

    What is left is scaled by 1/(1-p) while training, which keeps the expected value, so that at
    inference the layer is the identity and nothing is left to correct.
    """

    name: ClassVar[str] = "dropout"
    family: ClassVar[Family] = "regularization"
    positional: ClassVar[int] = 1
    # Not overwritable: at inference the output is the input itself.
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("dropout", ((7,),)),
        Sample("dropout 0.2", ((3, 4, 4),)),
        Sample("dropout 0", ((5, 6),)),
    )

    p: Probability = Field(0.5, description="the share of values set to zero")

    def shape(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return FREE

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return EACH

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.Dropout", {"p": self.p}, positional=1)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering(())
