"""Nonlinearities, each value on its own; the softmaxes have a file to themselves."""

from abc import abstractmethod
from collections.abc import Mapping
from math import erf, expm1, pi, sqrt, tanh
from typing import ClassVar, Literal

from pydantic import Field

from archdsl.ir.curve import Curve
from archdsl.ir.fields import Flag, Positive, Real
from archdsl.ir.op import Op, curve_of
from archdsl.ir.records import (
    EACH,
    KEEPS_INPUT,
    KEEPS_OUTPUT,
    Cost,
    Family,
    FieldRule,
    Footprint,
    OnnxConstant,
    OnnxLowering,
    OnnxNode,
    Sample,
    TorchLowering,
    TorchModule,
    Value,
    Weight,
)
from archdsl.ir.shapes import Shape, Shapes, channels, elements
from archdsl.ir.signal import Signal


class Activation(Op):
    """Keeps every shape, has no weights, costs one operation a value."""

    family: ClassVar[Family] = "activation"
    is_affine: ClassVar[bool] = False

    def shape(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(activation=elements(output))

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        """Most have a slope that is a function of what came in."""
        return KEEPS_INPUT

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return EACH

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        curve = curve_of(self)  # pyright: ignore[reportArgumentType]  # frozen, so it has a hash
        assert curve is not None, "a layer without a curve has a rule of its own"
        return curve.signal(signals[0])

    @abstractmethod
    def curve(self) -> Curve | None: ...


class Relu(Activation):
    """max(0, x) (Nair & Hinton 2010): the gradient of what passes is 1, however deep."""

    name: ClassVar[str] = "relu"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("relu", ((3, 4, 4),)),
        Sample("relu", ((5, 6),)),
        Sample("relu", ((7,),)),
    )

    def curve(self) -> Curve:
        return Curve(lambda x: max(0.0, x))

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return KEEPS_OUTPUT

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.ReLU", overwrites=True)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("Relu", ("x0",)),))


class LeakyRelu(Activation):
    """x above 0, `slope` times x below (Maas et al. 2013)."""

    name: ClassVar[str] = "leaky_relu"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "leakyrelu",
        "leaky",
        "lrelu",
    )
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("leaky_relu", ((3, 4, 4),)),
        Sample("leaky_relu 0.2", ((9,),)),
    )

    slope: Real = Field(0.01, description="the slope below zero")

    def curve(self) -> Curve:
        return Curve(lambda x: x if x > 0 else self.slope * x)

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.LeakyReLU", {"negative_slope": self.slope}, positional=1)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("LeakyRelu", ("x0",), {"alpha": self.slope}),))


_TOKEN_PRELU = '''\
class TokenPReLU(nn.PReLU):
    """PReLU with a slope for each feature of a token."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.transpose(1, 2)).transpose(1, 2)
'''


class PRelu(Activation):
    """x above 0, a learned slope times x below (He et al. 2015, "Delving Deep", section 2.1).

    Each channel has a slope of its own, or all have one with `shared=true`. Weight decay would pull
    the slopes to zero, which is ReLU; the paper trains them without.
    """

    name: ClassVar[str] = "prelu"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("prelu", ((3, 4, 4),)),
        Sample("prelu 0.1", ((5, 6),)),
        Sample("prelu shared=true", ((5, 6),)),
        Sample("prelu", ((7,),)),
    )

    slope: Real = Field(0.25, description="the slope below zero that training starts from")
    shared: Flag = Field(False, description="one slope for all channels")

    def slopes(self, output: Shape) -> int:
        return 1 if self.shared else channels(output)

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {"weight": Weight((self.slopes(output),), "gain")}

    def curve(self) -> Curve:
        return Curve(lambda x: x if x > 0 else self.slope * x)

    def starts(self, inputs: Shapes, output: Shape) -> dict[str, Signal]:
        return {"weight": Signal(self.slope, 0.0)}

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {"num_parameters": self.slopes(output), "init": self.slope}
        defaults: dict[str, Value] = {"num_parameters": 1, "init": 0.25}
        on_tokens = len(output) == 2 and not self.shared  # PyTorch's channels are the second axis
        name, helper = ("TokenPReLU", _TOKEN_PRELU) if on_tokens else ("nn.PReLU", "")
        return TorchModule(name, arguments, positional=1, defaults=defaults, helper=helper)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        if len(output) != 3 or self.shared:
            return OnnxLowering((OnnxNode("PRelu", ("x0", "weight")),))
        nodes = (
            OnnxNode("Unsqueeze", ("weight", "axes"), output="slopes"),
            OnnxNode("PRelu", ("x0", "slopes")),
        )
        return OnnxLowering(nodes, {"axes": OnnxConstant((2,), (1, 2), "int64")})


class Elu(Activation):
    """x above 0, alpha*(exp(x) - 1) below: means nearer to zero (Clevert et al. 2015)."""

    name: ClassVar[str] = "elu"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("elu", ((3, 4, 4),)),
        Sample("elu 0.5", ((7,),)),
    )

    alpha: Real = Field(1.0, description="how far below zero it goes")

    def curve(self) -> Curve:
        return Curve(lambda x: x if x > 0 else self.alpha * expm1(x))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {"alpha": self.alpha}
        return TorchModule("nn.ELU", arguments, positional=1, defaults={"alpha": 1.0})

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("Elu", ("x0",), {"alpha": self.alpha}),))


class Gelu(Activation):
    """x times the normal distribution function at x (Hendrycks & Gimpel 2016).

    `approximate=tanh` is the tanh formula of the same paper.
    """

    name: ClassVar[str] = "gelu"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("gelu", ((3, 4, 4),)),
        Sample("gelu approximate=tanh", ((5, 6),)),
    )

    approximate: Literal["none", "tanh"] = Field("none", description="`none` is exact")

    def curve(self) -> Curve:
        if self.approximate == "none":
            return Curve(lambda x: x * (1 + erf(x / sqrt(2))) / 2)
        return Curve(lambda x: x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x))) / 2)

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments = {} if self.approximate == "none" else {"approximate": self.approximate}
        return TorchModule("nn.GELU", arguments)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        node = OnnxNode("Gelu", ("x0",), {"approximate": self.approximate})
        return OnnxLowering((node,), since=20, older=self._written_out())

    def _written_out(self) -> OnnxLowering:
        """The formula in the form that runtimes know and run as one."""
        if self.approximate == "none":
            gate = (
                OnnxNode("Div", ("x0", "root"), output="scaled"),
                OnnxNode("Erf", ("scaled",), output="curve"),
            )
            values = {"root": sqrt(2)}
        else:
            gate = (
                OnnxNode("Mul", ("x0", "x0"), output="square"),
                OnnxNode("Mul", ("square", "x0"), output="cube"),
                OnnxNode("Mul", ("cube", "share"), output="bend"),
                OnnxNode("Add", ("x0", "bend"), output="bent"),
                OnnxNode("Mul", ("bent", "root"), output="scaled"),
                OnnxNode("Tanh", ("scaled",), output="curve"),
            )
            values = {"share": 0.044715, "root": sqrt(2 / pi)}
        nodes = (
            *gate,
            OnnxNode("Add", ("curve", "one"), output="raised"),
            OnnxNode("Mul", ("x0", "raised"), output="doubled"),
            OnnxNode("Mul", ("doubled", "half")),
        )
        values |= {"one": 1.0, "half": 0.5}
        return OnnxLowering(nodes, {k: OnnxConstant((), (v,)) for k, v in values.items()})


class Silu(Activation):
    """x * sigmoid(x) (Elfwing et al. 2017; "swish" in Ramachandran et al. 2017)."""

    name: ClassVar[str] = "silu"
    aliases: ClassVar[tuple[str, ...]] = ("swish",)
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("silu", ((3, 4, 4),)),
        Sample("silu", ((5, 6),)),
    )

    def curve(self) -> Curve:
        return Curve(lambda x: x * _sigmoid(x))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.SiLU")

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        # ONNX has Swish since opset 24, but onnxruntime has no kernel for it.
        nodes = (
            OnnxNode("Sigmoid", ("x0",), output="gate"),
            OnnxNode("Mul", ("x0", "gate")),
        )
        return OnnxLowering(nodes)


def _sigmoid(x: float) -> float:
    return (1 + tanh(x / 2)) / 2  # exp(-x) would overflow


class Sigmoid(Activation):
    """1 / (1 + exp(-x)); its slope is at most 1/4, so gradients vanish through many of them."""

    name: ClassVar[str] = "sigmoid"
    samples: ClassVar[tuple[Sample, ...]] = (Sample("sigmoid", ((3, 4, 4),)),)

    def curve(self) -> Curve:
        return Curve(_sigmoid)

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return KEEPS_OUTPUT

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.Sigmoid")

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("Sigmoid", ("x0",)),))


_SCALED_TANH = '''\
class ScaledTanh(nn.Module):
    """amplitude * tanh(slope * x)."""

    def __init__(self, amplitude: float, slope: float) -> None:
        super().__init__()
        self.amplitude = amplitude
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        return self.amplitude * torch.tanh(self.slope * x)
'''


class Tanh(Activation):
    """The hyperbolic tangent, or `amplitude` times that of `slope` times x.

    `tanh amplitude=1.7159 slope=(2/3)` is LeNet-5's: it takes 1 to 1 and -1 to -1 (LeCun et al.
    1998, appendix A).
    """

    name: ClassVar[str] = "tanh"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("tanh", ((3, 4, 4),)),
        Sample("tanh amplitude=1.7159 slope=(2/3)", ((3, 4, 4),)),
        Sample("tanh slope=0.5", ((7,),)),
    )

    amplitude: Positive = Field(1.0, description="what it tends to far from zero")
    slope: Positive = Field(1.0, description="factor of the input")

    def curve(self) -> Curve:
        return Curve(lambda x: self.amplitude * tanh(self.slope * x))

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        if (self.amplitude, self.slope) == (1, 1):
            return KEEPS_OUTPUT
        return Footprint(values=elements(output), scratch=elements(output))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        if (self.amplitude, self.slope) == (1, 1):
            return TorchModule("nn.Tanh")
        arguments: dict[str, Value] = {"amplitude": self.amplitude, "slope": self.slope}
        return TorchModule("ScaledTanh", arguments, positional=2, helper=_SCALED_TANH)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        if (self.amplitude, self.slope) == (1, 1):
            return OnnxLowering((OnnxNode("Tanh", ("x0",)),))
        nodes = (
            OnnxNode("Mul", ("x0", "slope"), output="scaled"),
            OnnxNode("Tanh", ("scaled",), output="tanh"),
            OnnxNode("Mul", ("tanh", "amplitude")),
        )
        constants = {"slope": self.slope, "amplitude": self.amplitude}
        return OnnxLowering(nodes, {k: OnnxConstant((), (v,)) for k, v in constants.items()})


_ABS = '''\
class Abs(nn.Module):
    """The absolute value."""

    def forward(self, x: Tensor) -> Tensor:
        return x.abs()
'''


class Abs(Activation):
    """The absolute value."""

    name: ClassVar[str] = "abs"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("abs", ((3, 4, 4),)),
        Sample("sub { fc 5 | fc 5 }; abs", ((6,),)),
    )

    def curve(self) -> Curve:
        return Curve(abs)

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("Abs", helper=_ABS, inline="{0}.abs()")

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("Abs", ("x0",)),))
