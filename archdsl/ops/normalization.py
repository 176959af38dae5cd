"""Normalisation over the batch and over the channels of a position."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import Field, Strict

from archdsl.ir.fields import Flag, Positive, Wants
from archdsl.ir.op import Op, OpError
from archdsl.ir.records import (
    EACH,
    Cost,
    Family,
    FieldRule,
    Footprint,
    OnnxConstant,
    OnnxLowering,
    OnnxNode,
    Sample,
    Statistics,
    TorchLowering,
    TorchModule,
    Value,
    Weight,
)
from archdsl.ir.shapes import Shape, Shapes, channels, elements, show
from archdsl.ir.signal import ZERO, Signal


class NormalizationLayer(Op):
    """Keeps the shape; counts one normalised value for each value; positions do not mix."""

    family: ClassVar[Family] = "normalization"
    overwritable: ClassVar[bool] = True

    def shape(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(normalization=elements(output))

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return EACH

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        """Mean square 1, and mean 0 where it is taken off; gain and shift change nothing yet."""
        x = signals[0]
        if not x.mean_square:
            return x
        if self.normalizes(inputs, output).centers:
            return Signal(0.0, 1.0) if x.variance else ZERO
        return x.scaled(x.mean_square**-0.5)

    @abstractmethod
    def normalizes(self, inputs: Shapes, output: Shape) -> Statistics: ...


_Share = Annotated[
    float, Strict(), Field(ge=0, le=1, allow_inf_nan=False), Wants("a number from 0 to 1")
]


class BatchNorm(NormalizationLayer):
    """Batch normalisation: each channel to mean 0 and variance 1, then a gain and a shift.

    Ioffe & Szegedy 2015. In training the mean and the variance are the batch's, and running
    averages of them are kept, each step moving them by `momentum` of the way; at inference the
    running ones are used, so one example does not change another's output. On a map a channel's
    mean is over all positions, on a vector each feature is normalised by itself.
    """

    name: ClassVar[str] = "bn"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "batchnorm",
        "batchnorm2d",
        "batchnormalization",
        "batchnorm1d",
    )
    is_affine: ClassVar[bool] = True
    scales_channels: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("bn", ((4, 5, 6),)),
        Sample("bn eps=0.001 momentum=0.01", ((3, 4, 4),)),
        Sample("bn", ((7,),)),
    )

    eps: Positive = Field(1e-5, description="added to the variance")
    momentum: _Share = Field(0.1, description="weight of the newest batch in the running averages")

    def shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        if len(shape) not in (1, 3):
            label = f"`bn` takes a map CxHxW or a vector; {show(shape)} comes in"
            raise OpError("A201", label, "`ln` normalises each token" if len(shape) == 2 else "")
        return shape

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        width = (channels(output),)
        return {
            "weight": Weight(width, "gain"),
            "bias": Weight(width, "shift"),
            "running_mean": Weight(width, "statistic"),
            "running_var": Weight(width, "statistic"),
            "num_batches_tracked": Weight((), "statistic", "int64"),
        }

    def normalizes(self, inputs: Shapes, output: Shape) -> Statistics:
        return Statistics(1, positions=len(output) == 3, batch=True, centers=True)

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        """Beside the input the mean and the scale of each channel."""
        return Footprint(inputs=(0,), fixed=8 * channels(output))

    def scale_shift(self, weights: Mapping[str, Any]) -> tuple[Any, Any]:
        scale = weights["weight"] / (weights["running_var"] + self.eps) ** 0.5
        return scale, weights["bias"] - weights["running_mean"] * scale

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {"num_features": channels(output)}
        arguments |= unless_default(self, "eps", "momentum")
        name = "nn.BatchNorm2d" if len(output) == 3 else "nn.BatchNorm1d"
        return TorchModule(name, arguments, positional=1)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        tensors = ("x0", "weight", "bias", "running_mean", "running_var")
        return OnnxLowering(
            (OnnxNode("BatchNormalization", tensors, {"epsilon": self.eps}, wide=True),)
        )


_LAYER_NORM_2D = '''\
class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels of each position of a map."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
'''


class LayerNorm(NormalizationLayer):
    """Layer normalisation: the channels of each position to mean 0 and variance 1 (Ba et al. 2016).

    It acts alike on a map, on tokens and on a vector: on each position of each example by itself,
    in training and at inference. `affine` gives each channel a gain and a shift; `bias=false`
    leaves the shift out.
    """

    name: ClassVar[str] = "ln"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "layernorm",
        "layernormalization",
    )
    is_affine: ClassVar[bool] = False
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("ln", ((5, 6),)),
        Sample("ln", ((4, 5, 6),)),
        Sample("ln eps=1e-6", ((7,),)),
        Sample("ln bias=false", ((3, 4, 4),)),
        Sample("ln affine=false", ((5, 6),)),
    )

    eps: Positive = Field(1e-5, description="added to the variance")
    affine: Flag = Field(True, description="whether each channel has a gain and a shift")
    bias: Flag = Field(True, description="whether there is a shift beside the gain")

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        width = (channels(output),)
        found = {"weight": Weight(width, "gain")} if self.affine else {}
        if self.affine and self.bias:
            found["bias"] = Weight(width, "shift")
        return found

    def normalizes(self, inputs: Shapes, output: Shape) -> Statistics:
        return Statistics(channels(output), positions=False, batch=False, centers=True)

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        positions = elements(output) // channels(output)
        return Footprint(inputs=(0,), bytes=8 * positions)

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {"normalized_shape": channels(output)}
        arguments |= unless_default(self, "eps")
        if not self.affine:
            arguments["elementwise_affine"] = False
        elif not self.bias:
            arguments["bias"] = False
        if len(output) != 3:
            return TorchModule("nn.LayerNorm", arguments, positional=1)
        return TorchModule("LayerNorm2d", arguments, positional=1, helper=_LAYER_NORM_2D)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        attributes: dict[str, Value] = {"axis": -1, "epsilon": self.eps}
        tensors = tuple(self.weights(inputs, output))
        constants: dict[str, OnnxConstant] = {}
        if not tensors:  # the operator wants a gain in any case
            width = channels(output)
            constants["ones"] = OnnxConstant((width,), (1.0,) * width)
            tensors = ("ones",)
        if len(output) != 3:
            node = OnnxNode("LayerNormalization", ("x0", *tensors), attributes, wide=True)
            return OnnxLowering((node,), constants)
        nodes = (
            OnnxNode("Transpose", ("x0",), {"perm": (0, 2, 3, 1)}, output="last"),
            OnnxNode(
                "LayerNormalization", ("last", *tensors), attributes, output="normalized", wide=True
            ),
            OnnxNode("Transpose", ("normalized",), {"perm": (0, 3, 1, 2)}),
        )
        return OnnxLowering(nodes, constants)


_RMS_NORM_2D = '''\
class RMSNorm2d(nn.RMSNorm):
    """Division by the root mean square over the channels of each position of a map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
'''


class RMSNorm(NormalizationLayer):
    """The channels of each position divided by their root mean square (Zhang & Sennrich 2019).

    Layer normalisation without taking off the mean, and without a shift. It acts on maps, tokens
    and vectors alike. `affine` gives each channel a gain.
    """

    name: ClassVar[str] = "rmsnorm"
    is_affine: ClassVar[bool] = False
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("rmsnorm", ((5, 6),)),
        Sample("rmsnorm eps=0.01", ((4, 5, 6),)),
        Sample("rmsnorm affine=false", ((7,),)),
    )

    eps: Positive = Field(1e-6, description="added to the mean square")
    affine: Flag = Field(True, description="whether each channel has a gain")

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {"weight": Weight((channels(output),), "gain")} if self.affine else {}

    def normalizes(self, inputs: Shapes, output: Shape) -> Statistics:
        return Statistics(channels(output), positions=False, batch=False, centers=False)

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        positions = elements(output) // channels(output)
        values = elements(output) if self.affine else 0
        return Footprint(inputs=(0,), values=values, bytes=4 * positions, scratch=values)

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {"normalized_shape": channels(output), "eps": self.eps}
        if not self.affine:
            arguments["elementwise_affine"] = False
        name, helper = ("nn.RMSNorm", "") if len(output) != 3 else ("RMSNorm2d", _RMS_NORM_2D)
        return TorchModule(name, arguments, positional=1, helper=helper)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        attributes: dict[str, Value] = {"axis": -1, "epsilon": self.eps}
        gain, constants = or_constant(self.affine, weight=1.0, width=channels(output))
        older = self._written_out(output)
        if len(output) != 3:
            node = OnnxNode("RMSNormalization", ("x0", *gain), attributes, wide=True)
            return OnnxLowering((node,), constants, since=23, older=older)
        nodes = (
            OnnxNode("Transpose", ("x0",), {"perm": (0, 2, 3, 1)}, output="last"),
            OnnxNode(
                "RMSNormalization", ("last", *gain), attributes, output="normalized", wide=True
            ),
            OnnxNode("Transpose", ("normalized",), {"perm": (0, 3, 1, 2)}),
        )
        return OnnxLowering(nodes, constants, since=23, older=older)

    def _written_out(self, output: Shape) -> OnnxLowering:
        """The mean with its axes as an attribute, which it has up to opset 17, or as an input."""
        axis = 1 if len(output) == 3 else -1
        attribute = OnnxNode(
            "ReduceMean", ("squares",), {"axes": (axis,)}, output="mean", wide=True
        )
        argument = OnnxNode("ReduceMean", ("squares", "axis"), output="mean", wide=True)
        axes = {"axis": OnnxConstant((1,), (axis,), "int64")}
        oldest = self._by_mean(output, attribute, {})
        return replace(self._by_mean(output, argument, axes), since=18, older=oldest)

    def _by_mean(
        self, output: Shape, mean: OnnxNode, constants: dict[str, OnnxConstant]
    ) -> OnnxLowering:
        nodes = [
            OnnxNode("Mul", ("x0", "x0"), output="squares", wide=True),
            mean,
            OnnxNode("Add", ("mean", "eps"), output="raised", wide=True),
            OnnxNode("Sqrt", ("raised",), output="root", wide=True),
            OnnxNode("Div", ("x0", "root"), output="unit" if self.affine else "y", wide=True),
        ]
        constants = constants | {"eps": OnnxConstant((), (self.eps,))}
        gain = "weight"
        if self.affine and len(output) == 3:
            gain, constants["axes"] = "gain", OnnxConstant((2,), (1, 2), "int64")
            nodes.append(OnnxNode("Unsqueeze", ("weight", "axes"), output=gain))
        if self.affine:
            nodes.append(OnnxNode("Mul", ("unit", gain)))
        return OnnxLowering(tuple(nodes), constants)


def gain_and_shift(output: Shape) -> dict[str, Weight]:
    width = (channels(output),)
    return {"weight": Weight(width, "gain"), "bias": Weight(width, "shift")}


def or_constant(
    trained: bool, *, width: int, **neutral: float
) -> tuple[tuple[str, ...], dict[str, OnnxConstant]]:
    """The names of the gain and the shift: the weights, or constants that change nothing."""
    if trained:
        return tuple(neutral), {}
    constants = {
        f"neutral_{name}": OnnxConstant((width,), (value,) * width)
        for name, value in neutral.items()
    }
    return tuple(constants), constants


def unless_default(op: Op, *names: str) -> dict[str, Any]:
    """The arguments that differ from their defaults, which are PyTorch's too."""
    fields = op.arguments()
    return {n: getattr(op, n) for n in names if getattr(op, n) != fields[n].default}
