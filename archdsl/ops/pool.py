"""Pooling: a window's maximum or mean.

Shapes and divisors are PyTorch's. The ONNX lowering never uses `ceil_mode`, whose meaning has
changed between versions: it spells out the padding at the end that rounding up amounts to.
"""

from collections.abc import Mapping
from math import inf
from typing import ClassVar

from pydantic import Field

from archdsl.ir.fields import Flag, Margin, Size
from archdsl.ir.op import Op, OpError, only_map, written
from archdsl.ir.records import (
    KEEPS_INPUT,
    Cost,
    Family,
    FieldRule,
    Footprint,
    OnnxConstant,
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
from archdsl.ir.signal import Signal, largest_of, taps_inside
from archdsl.ops.conv import side

MAP_HELP = "`gap` takes the mean of tokens; a vector has nothing to pool over"


class PoolLayer(Op):
    """No weights; a fresh output, which its own gradient does not need."""

    family: ClassVar[Family] = "pooling"
    overwritable: ClassVar[bool] = True

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {}


class _WindowPool(PoolLayer):
    """What `maxpool` and `avgpool` share: a window that slides over each channel."""

    positional: ClassVar[int] = 1

    kernel: Size = Field(description="the window, HxW")
    stride: Size | None = Field(None, description="step of the window; the kernel if left out")
    pad: Margin = Field((0, 0), description="padding on both sides, at most half the kernel")
    ceil: Flag = Field(
        False, description="round the output up, not down: keep a last, partial window"
    )

    def taps(self) -> tuple[int, int]:
        """Distance between the window's taps, per axis."""
        return (1, 1)

    def steps(self) -> tuple[int, int]:
        return self.stride or self.kernel

    def shape(self, inputs: Shapes) -> Shape:
        c, *sides = only_map(inputs, self.name, MAP_HELP)
        self._check_padding()
        result = [c]
        for axis, n in enumerate(sides):
            if (count := self._count(axis, n)) < 1:
                spans = f"the window spans {self._extent(axis)}, the input has"
                label = f"{spans} {n + 2 * self.pad[axis]}: {show(inputs[0])} comes in"
                raise OpError("A202", label, "pool or stride less before it")
            result.append(count)
        return tuple(result)

    def _check_padding(self) -> None:
        most = (self.kernel[0] // 2, self.kernel[1] // 2)
        if self.pad[0] > most[0] or self.pad[1] > most[1]:
            label = f"pad={written(self.pad)} is more than half the {written(self.kernel)} kernel"
            help = f"write at most pad={written(most)}, so that no window is padding alone"
            raise OpError("A209", label, help)

    def _extent(self, axis: int) -> int:
        return self.taps()[axis] * (self.kernel[axis] - 1) + 1

    def _count(self, axis: int, n: int) -> int:
        """Windows that fit in n inputs."""
        s, p = self.steps()[axis], self.pad[axis]
        room = n + 2 * p - self._extent(axis)
        if not self.ceil:
            return room // s + 1
        count = -(-room // s) + 1
        # The last window starts inside the input or the padding before it.
        return count - 1 if (count - 1) * s >= n + p else count

    def _surplus(self, inputs: Shapes, output: Shape) -> tuple[int, int]:
        """How far the last window reaches beyond the padding at the end, per axis: ceil's doing."""

        def beyond(axis: int) -> int:
            reach = (output[axis + 1] - 1) * self.steps()[axis] + self._extent(axis)
            return max(0, reach - inputs[0][axis + 1] - 2 * self.pad[axis])

        return beyond(0), beyond(1)

    def _spare(self, inputs: Shapes, output: Shape) -> tuple[int, int]:
        """Padding at the end, per axis, that gives as many windows as rounding up does.

        One step less than a stride does so for a map of any size, as the last window cannot start
        behind the input where a stride and the padding before it fit into a window.
        """
        surplus = self._surplus(inputs, output)
        axes = (0, 1)
        steady = [self.ceil and self.steps()[a] + self.pad[a] <= self._extent(a) for a in axes]
        rows, columns = (self.steps()[a] - 1 if steady[a] else surplus[a] for a in axes)
        return rows, columns

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(pooling=elements(output) * elements(self.kernel))

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        axes = zip(
            self.steps(), self.pad, self.taps(), (self._extent(a) for a in (0, 1)), strict=True
        )
        return FieldRule(tuple(Window(s, -p, n - 1 - p, d) for s, p, d, n in axes))

    def slides(self, inputs: Shapes, output: Shape) -> Slide:
        return Slide(self.kernel, self.steps(), self.pad, self.taps())

    def _torch_arguments(self) -> dict[str, Value]:
        arguments: dict[str, Value] = {"kernel_size": side(self.kernel)}
        if self.steps() != self.kernel:
            arguments["stride"] = side(self.steps())
        if self.pad != (0, 0):
            arguments["padding"] = side(self.pad)
        if self.ceil:
            arguments["ceil_mode"] = True
        return arguments


class MaxPool(_WindowPool):
    """The largest value of each window, channel by channel; what is padded never wins.

    `maxpool 3x3 stride=2` overlaps, as AlexNet's pools do. With `ceil=true` a last window that
    hangs over the end counts too (GoogLeNet), as long as it starts inside the input.
    """

    name: ClassVar[str] = "maxpool"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "maxpool2d",
        "maxpooling2d",
        "maxpooling",
    )
    is_affine: ClassVar[bool] = False
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("maxpool 2x2", ((3, 8, 9),)),
        Sample("maxpool 3x3 stride=2", ((3, 11, 9),)),
        Sample("maxpool 3x3 stride=2 pad=1", ((3, 8, 9),)),
        Sample("maxpool 3x3 stride=2 ceil=true", ((3, 8, 10),)),
        Sample("maxpool 3x2 stride=2x1 pad=1x0 ceil=true dilation=2", ((2, 9, 8),)),
    )

    dilation: Size = Field((1, 1), description="distance between the window's taps")

    def taps(self) -> tuple[int, int]:
        return self.dilation

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        x, best = signals[0], largest_of(elements(self.kernel))
        mean = x.mean + best.mean * x.variance**0.5
        return Signal.of(mean, mean**2 + best.variance * x.variance)

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        """Beside the input the place of every maximum, in 64 bits."""
        return Footprint(inputs=(0,), bytes=8 * elements(output))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments = self._torch_arguments()
        if self.dilation != (1, 1):
            arguments["dilation"] = side(self.dilation)
        return TorchModule("nn.MaxPool2d", arguments, positional=1)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        surplus = self._spare(inputs, output)
        end = (self.pad[0] + surplus[0], self.pad[1] + surplus[1])
        attributes: dict[str, Value] = {"kernel_shape": self.kernel, "strides": self.steps()}
        if self.dilation != (1, 1):
            attributes["dilations"] = self.dilation
        if all(e < k for e, k in zip(end, self.kernel, strict=True)):
            attributes["pads"] = (*self.pad, *end)
            return OnnxLowering((OnnxNode("MaxPool", ("x0",), attributes),))
        # onnxruntime refuses a padding as long as the kernel, which a dilated window may need.
        nodes = (
            OnnxNode("Pad", ("x0", "pads", "lowest"), output="padded"),
            OnnxNode("MaxPool", ("padded",), attributes),
        )
        return OnnxLowering(nodes, _pads(self.pad, end, -inf))


class AveragePool(_WindowPool):
    """The mean of each window, channel by channel.

    `count_pad=true` divides by the window's whole size, padding included; `false` by the number of
    inputs in it. What `ceil=true` hangs over the end is never counted.
    """

    name: ClassVar[str] = "avgpool"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "avgpool2d",
        "averagepooling2d",
        "averagepooling",
        "averagepool",
    )
    is_affine: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("avgpool 2x2", ((3, 8, 9),)),
        Sample("avgpool 5x5 stride=3", ((3, 14, 14),)),
        Sample("avgpool 3x3 stride=2 pad=1", ((3, 8, 9),)),
        Sample("avgpool 3x3 stride=2 pad=1 count_pad=false", ((3, 8, 9),)),
        Sample("avgpool 3x3 stride=2 pad=1 ceil=true", ((3, 8, 10),)),
        Sample("avgpool 3x2 stride=2 pad=1x0 ceil=true count_pad=false", ((2, 8, 9),)),
    )

    count_pad: Flag = Field(True, description="whether the divisor counts the padding")

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        size = elements(self.kernel)
        inside = taps_inside(output, inputs[0], self.kernel, self.steps(), self.pad)
        share = inside / elements(output[1:]) / size  # of a window, that is not padding
        mean = signals[0].averaged(size * share)
        return mean.scaled(share) if self.count_pad else mean

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return KEEPS_INPUT

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments = self._torch_arguments()
        if not self.count_pad:
            arguments["count_include_pad"] = False
        return TorchModule("nn.AvgPool2d", arguments, positional=1)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        attributes: dict[str, Value] = {"kernel_shape": self.kernel, "strides": self.steps()}
        pad, surplus = self.pad, self._spare(inputs, output)
        counted = self.count_pad and pad != (0, 0)
        if counted and surplus != (0, 0):
            # Two kinds of padding: zeros that count, then what rounding up adds and does not count.
            attributes["pads"] = (0, 0, *surplus)
            nodes = (
                OnnxNode("Pad", ("x0", "pads"), output="padded"),
                OnnxNode("AveragePool", ("padded",), attributes),
            )
            return OnnxLowering(nodes, _pads(pad, pad))
        attributes["pads"] = (*pad, pad[0] + surplus[0], pad[1] + surplus[1])
        if counted:
            attributes["count_include_pad"] = 1
        return OnnxLowering((OnnxNode("AveragePool", ("x0",), attributes),))


def _pads(
    begin: tuple[int, int], end: tuple[int, int], lowest: float | None = None
) -> dict[str, OnnxConstant]:
    """What a Pad of a map's height and width wants, by the names that the lowerings use."""
    found = {"pads": OnnxConstant((8,), (0, 0, *begin, 0, 0, *end), "int64")}
    if lowest is not None:
        found["lowest"] = OnnxConstant((), (lowest,))
    return found
