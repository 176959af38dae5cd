"""Layers that make a map larger or smaller without weights."""

import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import ClassVar, Literal

from pydantic import Field

from archdsl.ir.fields import MAX_SIDE, Flag, Size
from archdsl.ir.op import Op, OpError, only_map
from archdsl.ir.records import (
    FREE,
    KEEPS_NOTHING,
    VIEW_OF_PART,
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
from archdsl.ir.shapes import Shape, Shapes, elements
from archdsl.ir.signal import Signal
from archdsl.ops.conv import side

MAX_INDICES = 1 << 22  # of the tables that an uneven enlargement takes in ONNX
MAX_FACTOR = 40  # in float32, 41 is the first k for which k times 1/k is not 1
MAP_HELP = "tokens become a map again with `untokens`"


class Resize(Op):
    """No weights. Not overwritable: the output may be a view of the input."""

    family: ClassVar[Family] = "reshape"
    is_affine: ClassVar[bool] = True

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {}


class Upsample(Resize):
    """Enlarges a map by repeating values or by interpolating between them.

    `upsample 2` doubles both sides, `upsample 2x1` the rows, `upsample size=28x28` goes to a size.
    `mode=nearest`: output i is the input floor(i*n/m), n and m being the sides before and after.
    `mode=bilinear` weighs the two nearest inputs of each axis, with the edges of the pixels kept
    in place (output i stands at (i + 1/2)*n/m - 1/2), or with `align_corners=true` the centres of
    the outermost ones (at i*(n-1)/(m-1)).
    """

    name: ClassVar[str] = "upsample"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "upsampling2d",
        "interpolate",
        "resize",
    )
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("upsample 2", ((2, 3, 4),)),
        Sample("upsample 3x2", ((2, 4, 3),)),
        Sample("upsample size=7x6", ((2, 4, 4),)),
        Sample("upsample 2 mode=bilinear", ((2, 4, 5),)),
        Sample("upsample size=7x9 mode=bilinear align_corners=true", ((2, 4, 5),)),
    )

    factor: Size | None = Field(None, description="how many times as many rows and columns")
    size: Size | None = Field(None, description="the output's size, HxW, in place of a factor")
    mode: Literal["nearest", "bilinear"] = Field("nearest", description="how values are found")
    align_corners: Flag = Field(False, description="keep the corners' centres; bilinear alone")

    def shape(self, inputs: Shapes) -> Shape:
        c, *sides = only_map(inputs, self.name, MAP_HELP)
        if (self.factor is None) == (self.size is None):
            label = "`upsample` takes a factor or a size, one of them"
            code = "A402" if self.factor is None else "A404"
            raise OpError(code, label, "`upsample 2`, or `upsample size=28x28`")
        if self.align_corners and self.mode == "nearest":
            raise OpError("A403", "nearest values have no corners to align", "`mode=bilinear`")
        if self.size is not None:
            return c, *self.size
        return c, *(n * k for n, k in zip(sides, self.factor or (), strict=True))

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return FREE if self.mode == "nearest" else Cost(elementwise=elements(output))

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return KEEPS_NOTHING

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        axes = zip(inputs[0][1:], output[1:], strict=True)
        return FieldRule(tuple(self._window(n, m) for n, m in axes))

    def _window(self, n: int, m: int) -> Window:
        """What the outputs of an axis read, which is n long before and m after; exact."""
        stride = Fraction(n, m)
        if self.mode == "nearest":
            return Window(stride, Fraction(1 - stride.denominator, stride.denominator), 0)
        middle = (stride - 1) / 2
        if self.align_corners:
            stride, middle = Fraction(n - 1, max(m - 1, 1)), Fraction(0)
        # Inputs less than 1 away count. The middles lie on a grid of 1/q (and an offset), which
        # turns the open ends into closed ones.
        q = stride.denominator
        return Window(
            stride,
            Fraction(floor((middle - 1) * q) + 1, q),
            Fraction(ceil((middle + 1) * q) - 1, q),
        )

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        if self.mode == "nearest":
            return signals[0]
        shares = [self._evenness(n, m) for n, m in zip(inputs[0][1:], output[1:], strict=True)]
        return signals[0].averaged(1 / (shares[0] * shares[1]))

    def _evenness(self, n: int, m: int) -> float:
        """The mean of the sum of the squared weights by which an output of an axis is made."""
        squares = 0.0
        for i in range(m):
            at = i * (n - 1) / max(m - 1, 1) if self.align_corners else (i + 0.5) * n / m - 0.5
            part = min(max(at, 0.0), n - 1) % 1
            squares += part**2 + (1 - part) ** 2
        return squares / m

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {}
        if self.factor is not None:
            arguments["scale_factor"] = side(self.factor)
        else:
            arguments["size"] = self.size
        if self.mode != "nearest":
            arguments["mode"] = self.mode
        if self.align_corners:
            arguments["align_corners"] = True
        return TorchModule("nn.Upsample", arguments)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        """How ONNX says it, at inference.

        Raises:
            OpError: the sides do not divide and are too long to be written as a table.
        """
        attributes: dict[str, Value] = {"mode": "linear"}
        attributes["coordinate_transformation_mode"] = "half_pixel"
        if self.align_corners:
            attributes["coordinate_transformation_mode"] = "align_corners"
        if self.mode == "nearest":
            axes = zip(inputs[0][1:], output[1:], strict=True)
            if any(m % n or m // n > MAX_FACTOR for n, m in axes):
                return self._table(inputs, output)
            attributes["mode"], attributes["nearest_mode"] = "nearest", "floor"
            attributes["coordinate_transformation_mode"] = "asymmetric"
        if self.factor is not None:
            scales = OnnxConstant((4,), (1.0, 1.0, *map(float, self.factor)), exact=True)
            node = OnnxNode("Resize", ("x0", "", "scales"), attributes)
            return OnnxLowering((node,), {"scales": scales})
        return self._to_size(attributes, OnnxConstant((2,), output[1:], "int64"))

    def _to_size(self, attributes: dict[str, Value], size: OnnxConstant) -> OnnxLowering:
        """Before opset 18 the size has all axes, the batch too, which is read from the input."""
        older = (
            OnnxNode("Shape", ("x0",), {"start": 0, "end": 2}, output="kept"),
            OnnxNode("Concat", ("kept", "size"), {"axis": 0}, output="whole"),
            OnnxNode("Resize", ("x0", "", "", "whole"), attributes),
        )
        node = OnnxNode("Resize", ("x0", "", "", "size"), {"axes": (2, 3), **attributes})
        constants = {"size": size}
        return OnnxLowering((node,), constants, 18, OnnxLowering(older, constants))

    def _table(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        """Rows and columns picked by number, so that no rounding of a runtime's decides."""
        if max(output[1:]) > MAX_INDICES:
            label = f"a side of {max(output[1:])} is too long for ONNX to be enlarged unevenly"
            raise OpError("A701", label, "choose a multiple of the map's sides")
        axes = zip(("rows", "columns"), inputs[0][1:], output[1:], strict=True)
        indices = {name: OnnxConstant((m,), tuple(_nearest(n, m)), "int64") for name, n, m in axes}
        nodes = (
            OnnxNode("Gather", ("x0", "rows"), {"axis": 2}, output="high"),
            OnnxNode("Gather", ("high", "columns"), {"axis": 3}),
        )
        return OnnxLowering(nodes, indices)


def _nearest(n: int, m: int) -> Sequence[int]:
    """The inputs that PyTorch picks: floor(i*n/m) computed in float32, now and then one lower."""
    scale = _float32(n / m)
    return [min(int(_float32(i * scale)), n - 1) for i in range(m)]


def _float32(value: float) -> float:
    return struct.unpack("f", struct.pack("f", value))[0]


_SUBSAMPLE = '''\
class Subsample(nn.Module):
    """Every few rows and columns of a map, from the first on."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.rows = rows
        self.columns = columns

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.rows, :: self.columns]
'''


class Subsample(Resize):
    """Takes every n-th row and column, from the first on, and drops the others.

    `subsample 2; pad channels=64` is the shortcut without weights of the first residual networks
    (He et al. 2015, section 3.3, option A).
    """

    name: ClassVar[str] = "subsample"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("subsample 2", ((3, 5, 6),)),
        Sample("subsample 3x1", ((2, 7, 4),)),
    )

    step: Size = Field(description="rows and columns from one that is kept to the next")

    def shape(self, inputs: Shapes) -> Shape:
        c, *sides = only_map(inputs, self.name, MAP_HELP)
        return c, *(-(-n // s) for n, s in zip(sides, self.step, strict=True))

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return FREE

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return VIEW_OF_PART

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return FieldRule(tuple(Window(s, 0, 0) for s in self.step))

    def slides(self, inputs: Shapes, output: Shape) -> Slide:
        return Slide((1, 1), self.step, (0, 0))

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        return signals[0]

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {"rows": self.step[0], "columns": self.step[1]}
        return TorchModule("Subsample", arguments, positional=2, helper=_SUBSAMPLE)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return slice_map((0, 0), (MAX_SIDE, MAX_SIDE), self.step)


def slice_map(starts: Sequence[int], ends: Sequence[int], steps: Sequence[int]) -> OnnxLowering:
    """A Slice of a map's rows and columns."""
    values = {"starts": starts, "ends": ends, "axes": (2, 3), "steps": steps}
    constants = {name: OnnxConstant((2,), tuple(v), "int64") for name, v in values.items()}
    return OnnxLowering((OnnxNode("Slice", ("x0", *constants)),), constants)
