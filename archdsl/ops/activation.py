"""Nonlinearities: each value on its own, but for softmax, which shares out over the channels."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from archdsl.ir.fields import Real
from archdsl.ir.op import Op
from archdsl.ir.records import (
    EACH,
    Cost,
    Family,
    FieldRule,
    OnnxLowering,
    OnnxNode,
    Sample,
    TorchLowering,
    TorchModule,
    Weight,
)
from archdsl.ir.shapes import Shape, Shapes, elements


class _Activation(Op):
    """Keeps every shape, has no weights, costs one operation a value."""

    family: ClassVar[Family] = "activation"

    def shape(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(activation=elements(output))

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return EACH


class Relu(_Activation):
    """max(0, x) (Nair & Hinton 2010): the gradient of what passes is 1, however deep."""

    name: ClassVar[str] = "relu"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("relu", ((3, 4, 4),)),
        Sample("relu", ((5, 6),)),
        Sample("relu", ((7,),)),
    )

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.ReLU", overwrites=True)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("Relu", ("x0",)),))


class LeakyRelu(_Activation):
    """x above 0, `slope` times x below (Maas et al. 2013)."""

    name: ClassVar[str] = "leaky_relu"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("leaky_relu", ((3, 4, 4),)),
        Sample("leaky_relu 0.2", ((9,),)),
    )

    slope: Real = Field(0.01, description="the slope below zero")

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.LeakyReLU", {"negative_slope": self.slope}, positional=1)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("LeakyRelu", ("x0",), {"alpha": self.slope}),))


class Gelu(_Activation):
    """x times the normal distribution function at x (Hendrycks & Gimpel 2016).

    `approximate=tanh` is the tanh formula of the same paper.
    """

    name: ClassVar[str] = "gelu"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("gelu", ((3, 4, 4),)),
        Sample("gelu approximate=tanh", ((5, 6),)),
    )

    approximate: Literal["none", "tanh"] = Field("none", description="`none` is exact")

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments = {} if self.approximate == "none" else {"approximate": self.approximate}
        return TorchModule("nn.GELU", arguments)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("Gelu", ("x0",), {"approximate": self.approximate}),))


class Sigmoid(_Activation):
    """1 / (1 + exp(-x)); its slope is at most 1/4, so gradients vanish through many of them."""

    name: ClassVar[str] = "sigmoid"
    samples: ClassVar[tuple[Sample, ...]] = (Sample("sigmoid", ((3, 4, 4),)),)

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.Sigmoid")

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("Sigmoid", ("x0",)),))


class Tanh(_Activation):
    """The hyperbolic tangent."""

    name: ClassVar[str] = "tanh"
    samples: ClassVar[tuple[Sample, ...]] = (Sample("tanh", ((3, 4, 4),)),)

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.Tanh")

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("Tanh", ("x0",)),))


class Softmax(_Activation):
    """exp(x) over its sum, across the channels of each position."""

    name: ClassVar[str] = "softmax"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("softmax", ((7,),)),
        Sample("softmax", ((5, 6),)),
        Sample("softmax", ((3, 4, 4),)),
    )

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.Softmax", {"dim": self.axis(output)})

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("Softmax", ("x0",), {"axis": self.axis(output)}),))

    @staticmethod
    def axis(shape: Shape) -> int:
        """The channels' axis, the batch counted."""
        return 1 if len(shape) == 3 else -1
