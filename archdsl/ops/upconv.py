"""Transposed convolution: a convolution's map of inputs to outputs, turned around."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, ClassVar, Self

from pydantic import Field

from archdsl.ir.fields import Flag, Margin, Size, Width
from archdsl.ir.op import Op, OpError, only_map, written
from archdsl.ir.records import (
    KEEPS_INPUT,
    Cost,
    Family,
    FieldRule,
    Footprint,
    OnnxLowering,
    OnnxNode,
    Sample,
    TorchLowering,
    TorchModule,
    Value,
    Weight,
    Window,
)
from archdsl.ir.shapes import Shape, Shapes, elements, show
from archdsl.ir.signal import ZERO, Signal, taps_inside, weighted_sum
from archdsl.ops.conv import side

_MAP_HELP = "a token sequence becomes a map again with `untokens`; a vector cannot"


class UpConv(Op):
    """Transposed convolution, which enlarges a map (Zeiler et al. 2010; Long et al. 2014).

    Every input writes a kernel's worth of outputs, `stride` apart, and what overlaps is added up:
    `upconv 2x2 64 stride=2` doubles a map, as U-Net's way up does. A side n becomes
    (n - 1)*stride - 2*pad + kernel + output_pad. Without a width the output has as many channels as
    the input. Unlike `conv` it has no padding unless told: `pad` takes rows off both sides of the
    result, `output_pad` adds some at the end. A kernel that the stride does not divide overlaps
    unevenly, which shows as a checkerboard. The weight is in x out/groups x kernel.
    """

    name: ClassVar[str] = "upconv"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "convtranspose2d",
        "conv2dtranspose",
        "convtranspose",
        "deconvolution",
        "deconv",
        "deconvolutional",
    )
    family: ClassVar[Family] = "convolution"
    is_affine: ClassVar[bool] = True
    positional: ClassVar[int] = 2
    overwritable: ClassVar[bool] = True
    has_filters: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("upconv 2x2 2 stride=2", ((4, 3, 4),)),
        Sample("upconv 4x4 stride=2 pad=1 bias=false", ((2, 4, 3),)),
        Sample("upconv 3x3 6 stride=2 pad=1 output_pad=1 groups=2", ((4, 3, 3),)),
        Sample("upconv 5x3 3 stride=3x1 pad=1x0 output_pad=2x0", ((2, 3, 4),)),
        Sample("upconv 3x3 2", ((3, 4, 4),)),
    )

    kernel: Size = Field(description="the window that each input writes, HxW")
    filters: Width | None = Field(None, description="output channels; the input's if left out")
    stride: Size = Field((1, 1), description="outputs from one input's window to the next")
    pad: Margin = Field((0, 0), description="rows and columns taken off both sides of the result")
    output_pad: Margin = Field((0, 0), description="rows and columns added at the result's end")
    groups: Width = Field(1, description="groups of channels that do not see each other")
    bias: Flag = Field(True, description="whether a bias is added per output channel")

    def resolve(self, inputs: Shapes, grid: tuple[int, int] | None = None) -> Self:
        return self if self.filters else self.model_copy(update={"filters": self.width(inputs)})

    def width(self, inputs: Shapes) -> int:
        return self.filters or only_map(inputs, self.name, _MAP_HELP)[0]

    def shape(self, inputs: Shapes) -> Shape:
        c, *sides = only_map(inputs, self.name, _MAP_HELP)
        out = self.width(inputs)
        for what, n in (("input", c), ("output", out)):
            if n % self.groups:
                label = f"groups={self.groups} does not divide the {n} {what} channels"
                raise OpError("A203", label, f"choose a divisor of {n}, or another width")
        if any(extra >= s for extra, s in zip(self.output_pad, self.stride, strict=True)):
            label = f"output_pad={written(self.output_pad, square=True)} reaches the stride"
            raise OpError("A209", label, f"it is less than stride={written(self.stride, True)}")
        axes = zip(sides, self.kernel, self.stride, self.pad, self.output_pad, strict=True)
        result = tuple((n - 1) * s - 2 * p + k + extra for n, k, s, p, extra in axes)
        if min(result) < 1:
            label = f"pad={written(self.pad, square=True)} leaves nothing of the result"
            raise OpError("A209", label, f"{show(inputs[0])} comes in; pad less")
        return out, *result

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        shape = (inputs[0][0], output[0] // self.groups, *self.kernel)
        found = {"weight": Weight(shape, "kernel")}
        if self.bias:
            found["bias"] = Weight((output[0],), "bias")
        return found

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        """Each input value times its kernel, what falls into the padding included."""
        return Cost(macs=elements(inputs[0]) * elements(self.kernel) * output[0] // self.groups)

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return KEEPS_INPUT

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        """Output i is written by the inputs j with stride*j - pad <= i < stride*j - pad + kernel.

        Exact at every position; a kernel smaller than the stride leaves some that none writes.
        """
        axes = zip(self.kernel, self.stride, self.pad, strict=True)
        return FieldRule(
            tuple(
                Window(Fraction(1, s), Fraction(p - k + 1, s), Fraction(p, s)) for k, s, p in axes
            )
        )

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        inside = taps_inside(inputs[0], output, self.kernel, self.stride, self.pad)
        terms = inputs[0][0] / self.groups * inside / elements(output[1:])
        return weighted_sum(signals[0], terms, starts["weight"], starts.get("bias", ZERO))

    def with_bias(self) -> Self:
        return self.model_copy(update={"bias": True})

    def absorb(
        self, weights: Mapping[str, Any], scale: Any, shift: Any, inputs: Shapes, output: Shape
    ) -> dict[str, Any]:
        weight = weights["weight"]
        by_group = weight.reshape(self.groups, -1, *weight.shape[1:])
        scaled = by_group * scale.reshape(self.groups, 1, -1, 1, 1)
        bias = weights.get("bias", 0.0) * scale + shift
        return {"weight": scaled.reshape(weight.shape), "bias": bias}

    def filters_of(self, weights: Mapping[str, Any], inputs: Shapes, output: Shape) -> Any:
        """What each output channel has of the windows that the inputs write."""
        weight = weights["weight"]
        by_group = weight.reshape(self.groups, -1, *weight.shape[1:]).swapaxes(1, 2)
        return by_group.reshape(output[0], -1, *self.kernel)

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {
            "in_channels": inputs[0][0],
            "out_channels": output[0],
            "kernel_size": side(self.kernel),
            "stride": side(self.stride),
            "padding": side(self.pad),
            "output_padding": side(self.output_pad),
            "groups": self.groups,
            "bias": self.bias,
        }
        return TorchModule("nn.ConvTranspose2d", arguments, positional=3, defaults=_TORCH_DEFAULTS)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        attributes: dict[str, Value] = {
            "kernel_shape": self.kernel,
            "strides": self.stride,
            "pads": (*self.pad, *self.pad),
            "output_padding": self.output_pad,
            "group": self.groups,
        }
        tensors = ("x0", *self.weights(inputs, output))
        return OnnxLowering((OnnxNode("ConvTranspose", tensors, attributes),))


_TORCH_DEFAULTS: dict[str, Value] = {
    "stride": 1,
    "padding": 0,
    "output_padding": 0,
    "groups": 1,
    "bias": True,
}
