"""Activations made of straight pieces, whose values fit few bits: for phones."""

from typing import ClassVar

from archdsl.ir.curve import Curve
from archdsl.ir.records import (
    OnnxConstant,
    OnnxLowering,
    OnnxNode,
    Sample,
    TorchLowering,
    TorchModule,
    Value,
)
from archdsl.ir.shapes import Shape, Shapes
from archdsl.ops.activation import Activation


class Relu6(Activation):
    """min(max(0, x), 6): a ReLU whose values fit few bits (Krizhevsky 2010; MobileNet)."""

    name: ClassVar[str] = "relu6"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("relu6", ((3, 4, 4),)),
        Sample("conv 3x3 4; relu6", ((3, 4, 4),)),
    )

    def curve(self) -> Curve:
        return Curve(lambda x: min(max(0.0, x), 6.0))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.ReLU6", overwrites=True)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        bounds = {"least": OnnxConstant((), (0.0,)), "most": OnnxConstant((), (6.0,))}
        return OnnxLowering((OnnxNode("Clip", ("x0", *bounds)),), bounds)


class HardSwish(Activation):
    """x * min(max(0, x + 3), 6) / 6: SiLU without exponential (Howard et al. 2019, section 5.2).

    The activation of MobileNetV3.
    """

    name: ClassVar[str] = "hardswish"
    elsewhere: ClassVar[tuple[str, ...]] = ("hswish",)
    samples: ClassVar[tuple[Sample, ...]] = (Sample("hardswish", ((3, 4, 4),)),)

    def curve(self) -> Curve:
        return Curve(lambda x: x * min(max(0.0, x + 3), 6.0) / 6)

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.Hardswish")

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("HardSwish", ("x0",)),))


class HardSigmoid(Activation):
    """min(max(0, x + 3), 6) / 6: the gate of MobileNetV3 (Howard et al. 2019, section 5.2).

    Some libraries have another line by this name, such as 0.2*x + 0.5.
    """

    name: ClassVar[str] = "hardsigmoid"
    elsewhere: ClassVar[tuple[str, ...]] = ("hsigmoid",)
    samples: ClassVar[tuple[Sample, ...]] = (Sample("hardsigmoid", ((3, 4, 4),)),)

    def curve(self) -> Curve:
        return Curve(lambda x: min(max(0.0, x + 3), 6.0) / 6)

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.Hardsigmoid")

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        attributes: dict[str, Value] = {"alpha": 1 / 6, "beta": 0.5}
        return OnnxLowering((OnnxNode("HardSigmoid", ("x0",), attributes),))
