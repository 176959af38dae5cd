"""Convolutions."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

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
    Slide,
    TorchLowering,
    TorchModule,
    Value,
    Weight,
    Window,
)
from archdsl.ir.shapes import Shape, Shapes, elements, show
from archdsl.ir.signal import ZERO, Signal, taps_inside, weighted_sum


class _Convolution(Op):
    """What a full and a depthwise convolution share: the kernel's geometry."""

    family: ClassVar[Family] = "convolution"
    is_affine: ClassVar[bool] = True
    overwritable: ClassVar[bool] = True
    has_filters: ClassVar[bool] = True

    kernel: Size = Field(description="the window, HxW")

    def geometry(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """Stride, padding on both sides, and dilation, per axis.

        Raises:
            OpError: `same` padding is asked for where none exists.
        """
        raise NotImplementedError

    def groups_of(self, inputs: Shapes) -> int:
        raise NotImplementedError

    def width(self, inputs: Shapes) -> int:
        raise NotImplementedError

    def has_bias(self) -> bool:
        raise NotImplementedError

    def shape(self, inputs: Shapes) -> Shape:
        c, *sides = only_map(inputs, self.name, _MAP_HELP)
        groups, out = self.groups_of(inputs), self.width(inputs)
        for what, n in (("input", c), ("output", out)):
            if n % groups:
                label = f"groups={groups} does not divide the {n} {what} channels"
                raise OpError("A203", label, f"choose a divisor of {n}, or another width")
        result = [out]
        for n, k, s, p, d in zip(sides, self.kernel, *self.geometry(), strict=True):
            extent = d * (k - 1) + 1
            if n + 2 * p < extent:
                padded = f", {n + 2 * p} padded" if p else ""
                label = (
                    f"the kernel spans {extent}, the input {n}{padded}: {show(inputs[0])} comes in"
                )
                raise OpError("A202", label, "use a smaller kernel, or pool and stride less before")
            result.append((n + 2 * p - extent) // s + 1)
        return tuple(result)

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        fan = inputs[0][0] // self.groups_of(inputs)
        found = {"weight": Weight((output[0], fan, *self.kernel), "kernel")}
        if self.has_bias():
            found["bias"] = Weight((output[0],), "bias")
        return found

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        fan = inputs[0][0] // self.groups_of(inputs)
        return Cost(macs=elements(output) * fan * elements(self.kernel))

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return KEEPS_INPUT

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        axes = zip(self.kernel, *self.geometry(), strict=True)
        return FieldRule(tuple(Window(s, -p, d * (k - 1) - p, d) for k, s, p, d in axes))

    def slides(self, inputs: Shapes, output: Shape) -> Slide:
        return Slide(self.kernel, *self.geometry())

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        inside = taps_inside(output, inputs[0], self.kernel, *self.geometry())
        terms = inputs[0][0] / self.groups_of(inputs) * inside / elements(output[1:])
        return weighted_sum(signals[0], terms, starts["weight"], starts.get("bias", ZERO))

    def with_bias(self) -> Self:
        return self.model_copy(update={"bias": True})

    def absorb(
        self, weights: Mapping[str, Any], scale: Any, shift: Any, inputs: Shapes, output: Shape
    ) -> dict[str, Any]:
        bias = weights.get("bias", 0.0) * scale + shift
        return {"weight": weights["weight"] * scale[:, None, None, None], "bias": bias}

    def filters_of(self, weights: Mapping[str, Any], inputs: Shapes, output: Shape) -> Any:
        return weights["weight"]

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        stride, padding, dilation = self.geometry()
        arguments: dict[str, Value] = {
            "in_channels": inputs[0][0],
            "out_channels": output[0],
            "kernel_size": side(self.kernel),
            "stride": side(stride),
            "padding": side(padding),
            "dilation": side(dilation),
            "groups": self.groups_of(inputs),
            "bias": self.has_bias(),
        }
        return TorchModule("nn.Conv2d", arguments, positional=3, defaults=_TORCH_DEFAULTS)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        stride, padding, dilation = self.geometry()
        attributes: dict[str, Value] = {
            "kernel_shape": self.kernel,
            "strides": stride,
            "pads": (*padding, *padding),
            "dilations": dilation,
            "group": self.groups_of(inputs),
        }
        return OnnxLowering((OnnxNode("Conv", ("x0", *self.weights(inputs, output)), attributes),))


_TORCH_DEFAULTS: dict[str, Value] = {
    "stride": 1,
    "padding": 0,
    "dilation": 1,
    "groups": 1,
    "bias": True,
}
_MAP_HELP = "a token sequence becomes a map again with `untokens`; a vector cannot"


class Conv(_Convolution):
    """2-D convolution.

    `conv 3x3 64` slides a 3x3 window over every input channel and gives 64 channels. Without a
    width the output has as many channels as the input. `groups` divides both sides into groups that
    do not see each other, as AlexNet's two GPUs did. `pad=same` pads both sides by
    max(0, ceil((dilation*(kernel-1)+1 - stride)/2)), which keeps the size at stride 1.
    """

    name: ClassVar[str] = "conv"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "conv2d",
        "convolution",
        "convolutional",
        "convolution2d",
    )
    positional: ClassVar[int] = 2
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("conv 3x3 8", ((3, 9, 9),)),
        Sample("conv 3x3", ((4, 6, 6),)),
        Sample("conv 11x11 6 stride=4 pad=0", ((3, 27, 27),)),
        Sample("conv 5x5 8 groups=2", ((4, 7, 7),)),
        Sample("conv 1x7 4 pad=0x3 bias=false", ((3, 5, 9),)),
        Sample("conv 3x3 4 dilation=2", ((3, 9, 10),)),
        Sample("conv 7x7 4 stride=2", ((3, 16, 17),)),
        Sample("conv 4x4 8 stride=4", ((3, 8, 8),)),
    )

    filters: Width | None = Field(None, description="output channels; the input's if left out")
    stride: Size = Field((1, 1), description="step of the window")
    pad: Margin | Literal["same"] = Field("same", description="zeros on both sides, or `same`")
    dilation: Size = Field((1, 1), description="distance between the window's taps")
    groups: Width = Field(1, description="groups of channels that do not see each other")
    bias: Flag = Field(True, description="whether a bias is added per output channel")

    def resolve(self, inputs: Shapes, grid: tuple[int, int] | None = None) -> Self:
        return self if self.filters else self.model_copy(update={"filters": self.width(inputs)})

    def geometry(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        pad = padding(self.pad, self.kernel, self.stride, self.dilation)
        return self.stride, pad, self.dilation

    def groups_of(self, inputs: Shapes) -> int:
        return self.groups

    def width(self, inputs: Shapes) -> int:
        return self.filters or only_map(inputs, self.name, _MAP_HELP)[0]

    def has_bias(self) -> bool:
        return self.bias


class DepthwiseConv(_Convolution):
    """Depthwise convolution: every channel is filtered by a kernel of its own.

    `dwconv 3x3` keeps the channels; `multiplier=2` gives two outputs for each (Howard et al. 2017).
    Followed by `conv 1x1` it makes a depthwise separable convolution.
    """

    name: ClassVar[str] = "dwconv"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "depthwiseconv2d",
        "depthwiseconv",
        "depthwise",
    )
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("dwconv 3x3", ((4, 7, 7),)),
        Sample("dwconv 3x3 stride=2 bias=false", ((4, 8, 8),)),
        Sample("dwconv 5x3 multiplier=2 dilation=2 pad=4x2", ((3, 9, 9),)),
    )

    stride: Size = Field((1, 1), description="step of the window")
    pad: Margin | Literal["same"] = Field("same", description="zeros on both sides, or `same`")
    dilation: Size = Field((1, 1), description="distance between the window's taps")
    multiplier: Width = Field(1, description="output channels for each input channel")
    bias: Flag = Field(True, description="whether a bias is added per output channel")

    def geometry(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        pad = padding(self.pad, self.kernel, self.stride, self.dilation)
        return self.stride, pad, self.dilation

    def groups_of(self, inputs: Shapes) -> int:
        return only_map(inputs, self.name, _MAP_HELP)[0]

    def width(self, inputs: Shapes) -> int:
        return only_map(inputs, self.name, _MAP_HELP)[0] * self.multiplier

    def has_bias(self) -> bool:
        return self.bias


def padding(
    pad: tuple[int, int] | Literal["same"],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> tuple[int, int]:
    """The zeros on both sides of each axis.

    Raises:
        OpError: `same` is asked for, and an even kernel at stride 1 has no symmetric padding.
    """
    if pad != "same":
        return pad
    found: list[int] = []
    for k, s, d in zip(kernel, stride, dilation, strict=True):
        surplus = d * (k - 1) + 1 - s
        if s == 1 and surplus % 2:
            less, more = (surplus - 1) // 2, (surplus + 1) // 2
            label = f"a {written(kernel)} kernel at stride 1 keeps no size by padding both sides"
            raise OpError("A206", label, f"write pad={less} to shrink by one, pad={more} to grow")
        found.append(max(0, -(-surplus // 2)))
    return found[0], found[1]


def side(pair: tuple[int, int]) -> Value:
    """A square as one integer, the way a person writes it for PyTorch."""
    return pair[0] if pair[0] == pair[1] else pair
