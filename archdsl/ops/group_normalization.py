"""Normalisation over the map: of groups of channels, of each channel."""

from typing import ClassVar

from pydantic import Field

from archdsl.ir.fields import Flag, Positive, Width
from archdsl.ir.op import OpError, only_map
from archdsl.ir.records import (
    EACH,
    WHOLE,
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
from archdsl.ops.normalization import (
    NormalizationLayer,
    gain_and_shift,
    or_constant,
    unless_default,
)


class GroupNorm(NormalizationLayer):
    """Each group of channels to mean 0 and variance 1 over the whole map (Wu & He 2018).

    Of one example by itself, so that small batches do no harm. `groups=1` takes all channels
    together, as many groups as channels each by itself. A position depends on the mean and the
    variance of the map, so the receptive field is the whole input.
    """

    name: ClassVar[str] = "gn"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "groupnorm",
        "groupnormalization",
    )
    is_affine: ClassVar[bool] = False
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("gn", ((64, 3, 4),)),
        Sample("gn 2", ((4, 5, 6),)),
        Sample("gn groups=1 eps=0.01 affine=false", ((3, 4, 4),)),
        Sample("gn 4", ((8,),)),
    )

    groups: Width = Field(32, description="groups of channels, each normalised by itself")
    eps: Positive = Field(1e-5, description="added to the variance")
    affine: Flag = Field(True, description="whether each channel has a gain and a shift")

    def shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        if len(shape) not in (1, 3):
            label = f"`gn` takes a map CxHxW or a vector; {show(shape)} comes in"
            raise OpError("A201", label, "`ln` normalises each token" if len(shape) == 2 else "")
        width = channels(shape)
        if width % self.groups:
            label = f"groups={self.groups} does not divide the {width} channels"
            raise OpError("A203", label, f"choose a divisor of {width}")
        if elements(shape) == self.groups:
            label = f"one value in a group has no variance: {show(shape)} comes in"
            raise OpError("A201", label, "take fewer groups")
        return shape

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return gain_and_shift(output) if self.affine else {}

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return Footprint(inputs=(0,), bytes=8 * self.groups)

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return WHOLE if len(output) == 3 else EACH

    def normalizes(self, inputs: Shapes, output: Shape) -> Statistics:
        return Statistics(
            channels(output) // self.groups,
            positions=len(output) == 3,
            batch=False,
            centers=True,
        )

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {
            "num_groups": self.groups,
            "num_channels": channels(output),
        }
        arguments |= unless_default(self, "eps", "affine")
        return TorchModule("nn.GroupNorm", arguments, positional=2)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        attributes: dict[str, Value] = {"num_groups": self.groups, "epsilon": self.eps}
        width = channels(output)
        tensors, constants = or_constant(self.affine, weight=1.0, bias=0.0, width=width)
        node = OnnxNode("GroupNormalization", ("x0", *tensors), attributes, wide=True)
        # Of a map of unknown size onnx does not follow the operator's shape.
        plain = self._written_out(output)
        return OnnxLowering((node,), constants, since=21, older=plain, any_size=plain)

    def _written_out(self, output: Shape) -> OnnxLowering:
        """Each group as a channel of an instance normalisation; opsets 18 to 20 scale by group."""
        on_map = len(output) == 3
        nodes = [
            OnnxNode("Reshape", ("x0", "by_group"), output="groups"),
            OnnxNode(
                "InstanceNormalization",
                ("groups", "ones", "zeros"),
                {"epsilon": self.eps},
                output="normal",
                wide=True,
            ),
            OnnxNode("Shape", ("x0",), output="size"),
            OnnxNode("Reshape", ("normal", "size"), output="y" if not self.affine else "unit"),
        ]
        constants = {
            "by_group": OnnxConstant((3,), (0, self.groups, -1), "int64"),
            "ones": OnnxConstant((self.groups,), (1.0,) * self.groups),
            "zeros": OnnxConstant((self.groups,), (0.0,) * self.groups),
        }
        if self.affine:
            gain, shift = ("gain", "shift") if on_map else ("weight", "bias")
            if on_map:
                constants["axes"] = OnnxConstant((2,), (1, 2), "int64")
                nodes.append(OnnxNode("Unsqueeze", ("weight", "axes"), output=gain))
                nodes.append(OnnxNode("Unsqueeze", ("bias", "axes"), output=shift))
            nodes.append(OnnxNode("Mul", ("unit", gain), output="scaled"))
            nodes.append(OnnxNode("Add", ("scaled", shift)))
        return OnnxLowering(tuple(nodes), constants)


class InstanceNorm(NormalizationLayer):
    """Each channel of each example to mean 0 and variance 1 over its map (Ulyanov et al. 2016).

    It takes the contrast out of a picture, for style transfer. With `affine=true` each channel has
    a gain and a shift; PyTorch's default is none. A position depends on the mean and the variance
    of its map, so the receptive field is the whole input.
    """

    name: ClassVar[str] = "instancenorm"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "instancenorm2d",
        "instancenormalization",
    )
    is_affine: ClassVar[bool] = False
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("instancenorm", ((3, 4, 5),)),
        Sample("instancenorm affine=true eps=0.01", ((4, 5, 6),)),
    )

    eps: Positive = Field(1e-5, description="added to the variance")
    affine: Flag = Field(False, description="whether each channel has a gain and a shift")

    def shape(self, inputs: Shapes) -> Shape:
        shape = only_map(inputs, self.name)
        if shape[1:] == (1, 1):
            label = f"one position has no variance: {show(shape)} comes in"
            raise OpError("A201", label, "normalise before the map shrinks to one position")
        return shape

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return gain_and_shift(output) if self.affine else {}

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return Footprint(inputs=(0,), bytes=(12 if self.affine else 8) * channels(output))

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return WHOLE

    def normalizes(self, inputs: Shapes, output: Shape) -> Statistics:
        return Statistics(1, positions=True, batch=False, centers=True)

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {"num_features": channels(output)}
        arguments |= unless_default(self, "eps", "affine")
        return TorchModule("nn.InstanceNorm2d", arguments, positional=1)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        width = channels(output)
        tensors, constants = or_constant(self.affine, weight=1.0, bias=0.0, width=width)
        node = OnnxNode("InstanceNormalization", ("x0", *tensors), {"epsilon": self.eps}, wide=True)
        return OnnxLowering((node,), constants)
