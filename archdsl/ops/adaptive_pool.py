"""Pooling whose windows follow from the size of the output, down to the mean of a whole map."""

from collections.abc import Mapping
from math import gcd
from typing import ClassVar

from pydantic import Field

from archdsl.ir.fields import Size
from archdsl.ir.op import OpError, only_map
from archdsl.ir.records import (
    EACH,
    KEEPS_INPUT,
    KEEPS_NOTHING,
    WHOLE,
    Cost,
    FieldRule,
    Footprint,
    OnnxConstant,
    OnnxLowering,
    OnnxNode,
    Sample,
    TorchLowering,
    TorchModule,
    Value,
    Window,
)
from archdsl.ir.shapes import Shape, Shapes, channels, elements, show
from archdsl.ir.signal import Signal
from archdsl.ops.conv import side
from archdsl.ops.pool import MAP_HELP, PoolLayer

MAX_MATRIX = 1 << 22  # entries of the averaging matrices that uneven windows take in ONNX


class AdaptiveAveragePool(PoolLayer):
    """Means over windows chosen so that the output has the size asked for.

    Output i of n reads the inputs from floor(i*N/n) to ceil((i+1)*N/n) - 1 of N, as PyTorch does:
    equal windows where n divides N, elsewhere windows of two sizes, some of which overlap by one.
    """

    name: ClassVar[str] = "adaptive_avgpool"
    elsewhere: ClassVar[tuple[str, ...]] = ("adaptiveavgpool2d",)
    is_affine: ClassVar[bool] = True
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("adaptive_avgpool 2x3", ((3, 8, 9),)),
        Sample("adaptive_avgpool 1", ((3, 8, 9),)),
        Sample("adaptive_avgpool 4x5", ((3, 4, 5),)),
        Sample("adaptive_avgpool 3x4", ((3, 8, 9),)),
        Sample("adaptive_avgpool 6x1", ((3, 4, 9),)),
    )

    size: Size = Field(description="the output's size, HxW")

    def shape(self, inputs: Shapes) -> Shape:
        return (only_map(inputs, self.name, MAP_HELP)[0], *self.size)

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        # The spans cover every input, and twice those that a bound between two spans falls inside.
        reads = [n + m - gcd(n, m) for n, m in zip(inputs[0][1:], output[1:], strict=True)]
        return Cost(pooling=output[0] * reads[0] * reads[1])

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        """A mean over all of the map needs no more than its size."""
        return KEEPS_NOTHING if output[1:] == (1, 1) else KEEPS_INPUT

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        if inputs[0][1:] == output[1:]:
            return EACH
        if output[1:] == (1, 1) or not _even(inputs[0], output):
            # Uneven windows start at no fixed step, so no affine rule holds; the whole input does.
            return WHOLE
        steps = (inputs[0][i] // output[i] for i in (1, 2))
        return FieldRule(tuple(Window(s, 0, s - 1) for s in steps))

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        reads = self.cost(inputs, output).pooling / elements(output)
        return signals[0].averaged(reads)

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.AdaptiveAvgPool2d", {"output_size": side(self.size)}, positional=1)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        """How ONNX says it, at inference.

        Raises:
            OpError: the windows are uneven and too many to be written as a matrix.
        """
        if inputs[0][1:] == output[1:]:
            return OnnxLowering(())
        if output[1:] == (1, 1):
            return OnnxLowering((OnnxNode("GlobalAveragePool", ("x0",), wide=True),))
        if _even(inputs[0], output):
            step = (inputs[0][1] // output[1], inputs[0][2] // output[2])
            attributes: dict[str, Value] = {"kernel_shape": step, "strides": step}
            return OnnxLowering((OnnxNode("AveragePool", ("x0",), attributes),))
        (h, w), (rows, columns) = inputs[0][1:], output[1:]
        if h * rows + w * columns > MAX_MATRIX:
            label = f"uneven windows from {h}x{w} to {rows}x{columns} are too many for ONNX"
            raise OpError("A701", label, "choose a size that divides the map's")
        nodes = (
            OnnxNode("MatMul", ("row_means", "x0"), output="pooled"),
            OnnxNode("MatMul", ("pooled", "column_means")),
        )
        means = {
            "row_means": OnnxConstant((rows, h), _means(h, rows)),
            "column_means": OnnxConstant((w, columns), _transposed(_means(w, columns), w)),
        }
        return OnnxLowering(nodes, means)


_GLOBAL_AVG_POOL = '''\
class GlobalAvgPool(nn.Module):
    """The mean of each channel: (N, C, H, W) to (N, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))
'''

_TOKEN_MEAN = '''\
class TokenMean(nn.Module):
    """The mean of the tokens: (N, L, D) to (N, D)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1)
'''


class GlobalAveragePool(PoolLayer):
    """Global average pooling: the mean of each channel (Lin et al. 2013, section 3.2).

    A map CxHxW becomes the vector C; tokens NxD become the vector D, their mean.
    """

    name: ClassVar[str] = "gap"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "globalavgpool",
        "globalaveragepool",
        "globalaveragepooling2d",
        "globalaveragepooling",
        "globalpool",
    )
    is_affine: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("gap", ((3, 5, 4),)),
        Sample("gap", ((5, 6),)),
    )

    def shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        if len(shape) not in (2, 3):
            raise OpError("A201", f"`gap` takes a map or tokens; {show(shape)} comes in")
        return (channels(shape),)

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(pooling=elements(inputs[0]))

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return KEEPS_NOTHING

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return WHOLE

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        return signals[0].averaged(elements(inputs[0]) / elements(output))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        if len(inputs[0]) == 3:
            return TorchModule("GlobalAvgPool", helper=_GLOBAL_AVG_POOL)
        return TorchModule("TokenMean", helper=_TOKEN_MEAN)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        if len(inputs[0]) == 2:
            node = OnnxNode("ReduceMean", ("x0", "tokens"), {"keepdims": 0}, wide=True)
            older = OnnxNode("ReduceMean", ("x0",), {"axes": (1,), "keepdims": 0}, wide=True)
            return OnnxLowering(
                (node,),
                {"tokens": OnnxConstant((1,), (1,), "int64")},
                since=18,
                older=OnnxLowering((older,)),
            )
        nodes = (
            OnnxNode("GlobalAveragePool", ("x0",), output="mean", wide=True),
            OnnxNode("Flatten", ("mean",), {"axis": 1}),
        )
        return OnnxLowering(nodes)


def _spans(n: int, count: int) -> list[tuple[int, int]]:
    """The half-open ranges that adaptive pooling of n inputs to `count` outputs reads."""
    return [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]


def _even(before: Shape, after: Shape) -> bool:
    return before[1] % after[1] == 0 and before[2] % after[2] == 0


def _means(n: int, count: int) -> tuple[float, ...]:
    """The matrix, row by row, that takes n inputs to the means of `count` spans."""
    rows: list[float] = []
    for start, stop in _spans(n, count):
        rows += [0.0] * start + [1 / (stop - start)] * (stop - start) + [0.0] * (n - stop)
    return tuple(rows)


def _transposed(matrix: tuple[float, ...], columns: int) -> tuple[float, ...]:
    return tuple(v for c in range(columns) for v in matrix[c::columns])
