"""Rows and columns put around a map, or cut off it."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from archdsl.ir.fields import Margin, Size, Width
from archdsl.ir.op import OpError, only_map, written
from archdsl.ir.records import (
    FREE,
    KEEPS_NOTHING,
    VIEW_OF_PART,
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
from archdsl.ir.shapes import Shape, Shapes, elements, show
from archdsl.ir.signal import ZERO, Signal, mixture
from archdsl.ops.resize import MAP_HELP, Resize, slice_map


class Pad(Resize):
    """Puts zeros around a map, or adds channels of zeros.

    `pad 1` puts a row or column of zeros on every side, `pad 1x0` above and below alone.
    `pad channels=64` adds channels of zeros until there are 64. `side` says where: `both` shares
    the channels out evenly (an odd one comes last), `after` appends them and puts the rows and
    columns at the end, `before` at the beginning.
    """

    name: ClassVar[str] = "pad"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "zeropadding2d",
        "zeropad2d",
    )
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("pad 1", ((2, 3, 4),)),
        Sample("pad 2x1 side=after", ((2, 3, 4),)),
        Sample("pad 0x3 side=before", ((2, 3, 4),)),
        Sample("pad channels=5", ((2, 3, 4),)),
        Sample("subsample 2; pad channels=2*channels side=after", ((3, 5, 6),)),
    )

    margin: Margin = Field((0, 0), description="rows and columns of zeros on each side")
    channels: Width | None = Field(None, description="output channels, the added ones zero")
    side: Literal["both", "before", "after"] = Field("both", description="where the zeros go")

    def shape(self, inputs: Shapes) -> Shape:
        c, *sides = only_map(inputs, self.name, MAP_HELP)
        if self.channels is None and self.margin == (0, 0):
            label = "`pad` needs a margin, or the channels to reach"
            raise OpError("A402", label, "`pad 1`, or `pad channels=64`")
        if self.channels is not None and self.channels < c:
            label = f"padding to {self.channels} channels takes none away: {show(inputs[0])}"
            raise OpError("A201", label, f"`conv 1x1 {self.channels}` mixes them into fewer")
        times = 2 if self.side == "both" else 1
        return self.channels or c, *(n + times * p for n, p in zip(sides, self.margin, strict=True))

    def zeros(self, inputs: Shapes) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """The zeros before and after, per axis: channels, rows, columns."""
        extra = (self.channels or inputs[0][0]) - inputs[0][0]
        if self.side == "both":
            return (extra // 2, *self.margin), (extra - extra // 2, *self.margin)
        all_of_them = (extra, *self.margin)
        return ((0, 0, 0), all_of_them) if self.side == "after" else (all_of_them, (0, 0, 0))

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return FREE

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return KEEPS_NOTHING

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        before, _ = self.zeros(inputs)
        return FieldRule(tuple(Window(1, -p, -p) for p in before[1:]))

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        kept = elements(inputs[0])
        return mixture(((kept, signals[0]), (elements(output) - kept, ZERO)))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        (front, top, left), (back, bottom, right) = self.zeros(inputs)
        around = (left, right, top, bottom)
        if (front, back) != (0, 0):  # the channels of a batch are the depth of a volume
            return TorchModule("nn.ZeroPad3d", {"padding": (*around, front, back)}, positional=1)
        padding = left if len(set(around)) == 1 else around
        return TorchModule("nn.ZeroPad2d", {"padding": padding}, positional=1)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        before, after = self.zeros(inputs)
        pads = OnnxConstant((8,), (0, *before, 0, *after), "int64")
        return OnnxLowering((OnnxNode("Pad", ("x0", "pads")),), {"pads": pads})


_CENTER_CROP = '''\
class CenterCrop(nn.Module):
    """The middle of a map."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height = height
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        top = (x.shape[2] - self.height) // 2
        left = (x.shape[3] - self.width) // 2
        return x[:, :, top : top + self.height, left : left + self.width]
'''


class Crop(Resize):
    """The middle of a map, in the size asked for.

    Of an odd surplus the smaller half goes at the top and the left. U-Net's skips are cropped so
    (Ronneberger et al. 2015, figure 1).
    """

    name: ClassVar[str] = "crop"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "cropping2d",
        "centercrop",
    )
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("crop 3x4", ((2, 6, 7),)),
        Sample("crop 2", ((2, 2, 5),)),
    )

    size: Size = Field(description="the output's size, HxW")

    def shape(self, inputs: Shapes) -> Shape:
        c, *sides = only_map(inputs, self.name, MAP_HELP)
        if any(m > n for n, m in zip(sides, self.size, strict=True)):
            label = f"{written(self.size)} does not fit into {show(inputs[0])}"
            raise OpError("A201", label, "`pad` puts zeros around a map")
        return c, *self.size

    def start(self, inputs: Shapes) -> tuple[int, int]:
        """The first row and column that are kept."""
        height, width = inputs[0][1:]
        return (height - self.size[0]) // 2, (width - self.size[1]) // 2

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return FREE

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return VIEW_OF_PART

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return FieldRule(tuple(Window(1, n, n) for n in self.start(inputs)))

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        return signals[0]

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {"height": self.size[0], "width": self.size[1]}
        return TorchModule("CenterCrop", arguments, positional=2, helper=_CENTER_CROP)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        start = self.start(inputs)
        ends = (start[0] + self.size[0], start[1] + self.size[1])
        return slice_map(start, ends, (1, 1))
