"""Layers that treat each channel, or each place, by a number or an order of its own."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from archdsl.ir.fields import Real, Width
from archdsl.ir.op import Op, OpError, only_map
from archdsl.ir.records import (
    EACH,
    FREE,
    KEEPS_INPUT,
    KEEPS_NOTHING,
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
from archdsl.ir.signal import Signal, total


class ChannelShuffle(Op):
    """Mixes the channels of groups, so that the next grouped layer sees all of them.

    The channels are written down as `groups` rows and read off by columns (Zhang et al. 2017,
    "ShuffleNet", section 3.1).
    """

    name: ClassVar[str] = "shuffle"
    elsewhere: ClassVar[tuple[str, ...]] = ("channelshuffle",)
    family: ClassVar[Family] = "reshape"
    is_affine: ClassVar[bool] = True
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("shuffle groups=2", ((6, 3, 4),)),
        Sample("shuffle 3", ((6, 2, 2),)),
    )

    groups: Width = Field(description="rows that the channels are written down in")

    def shape(self, inputs: Shapes) -> Shape:
        shape = only_map(inputs, self.name)
        if shape[0] % self.groups:
            label = f"groups={self.groups} does not divide the {shape[0]} channels"
            raise OpError("A203", label, f"choose a divisor of {shape[0]}")
        return shape

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return FREE

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return KEEPS_NOTHING

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return EACH

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        return signals[0]

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.ChannelShuffle", {"groups": self.groups}, positional=1)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        written_down = (
            OnnxNode("Reshape", ("x0", "rows"), output="grouped"),
            OnnxNode("Transpose", ("grouped",), {"perm": (0, 2, 1, 3)}, output="shuffled"),
        )
        sides = (0, self.groups, output[0] // self.groups, -1)
        constants = {"rows": OnnxConstant((4,), sides, "int64")}
        nodes = (*written_down, OnnxNode("Reshape", ("shuffled", "joined")))
        size = OnnxNode("Shape", ("x0",), output="size")
        asking = (*written_down, size, OnnxNode("Reshape", ("shuffled", "size")))
        joined = OnnxConstant((4,), (0, *output), "int64")
        any_size = OnnxLowering(asking, constants)
        return OnnxLowering(nodes, constants | {"joined": joined}, any_size=any_size)


_LAYER_SCALE = '''\
class LayerScale(nn.Module):
    """A learned factor for each feature."""

    def __init__(self, channels: int, initial: float = 1.0) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels,), initial))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma
'''

_LAYER_SCALE_2D = '''\
class LayerScale2d(nn.Module):
    """A learned factor for each channel of a map."""

    def __init__(self, channels: int, initial: float = 1.0) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels,), initial))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma[:, None, None]
'''


class Scale(Op):
    """A learned factor per channel (Touvron et al. 2021, "Going deeper", section 2: LayerScale).

    `residual { …; scale 1e-5 }` starts a deep network near the identity. The factors are called
    `gamma`, as in timm.
    """

    name: ClassVar[str] = "scale"
    elsewhere: ClassVar[tuple[str, ...]] = ("layerscale",)
    family: ClassVar[Family] = "normalization"
    is_affine: ClassVar[bool] = True
    scales_channels: ClassVar[bool] = True
    positional: ClassVar[int] = 1
    overwritable: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("scale", ((3, 4, 5),)),
        Sample("scale 1e-5", ((5, 6),)),
        Sample("scale 0.1", ((7,),)),
    )

    initial: Real = Field(1.0, description="the factor that training starts from")

    def shape(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {"gamma": Weight((channels(output),), "gain")}

    def starts(self, inputs: Shapes, output: Shape) -> dict[str, Signal]:
        return {"gamma": Signal(self.initial, 0.0)}

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(elementwise=elements(output))

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
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
        return signals[0].scaled(self.initial)

    def scale_shift(self, weights: Mapping[str, Any]) -> tuple[Any, Any]:
        return weights["gamma"], 0.0

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {"channels": channels(output), "initial": self.initial}
        on_map = len(output) == 3
        name, helper = ("LayerScale2d", _LAYER_SCALE_2D) if on_map else ("LayerScale", _LAYER_SCALE)
        return TorchModule(name, arguments, 2, {"initial": 1.0}, helper=helper)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        if len(output) != 3:
            return OnnxLowering((OnnxNode("Mul", ("x0", "gamma")),))
        nodes = (
            OnnxNode("Unsqueeze", ("gamma", "axes"), output="factors"),
            OnnxNode("Mul", ("x0", "factors")),
        )
        return OnnxLowering(nodes, {"axes": OnnxConstant((2,), (1, 2), "int64")})


_POSITION_BIAS = '''\
class PositionBias(nn.Module):
    """A learned bias for each channel and position of a map."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, height, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias
'''


class PositionBias(Op):
    """A different learned bias for each position of a map (Silver et al. 2016, Methods).

    AlphaGo's policy ends so: `conv 1x1 1 bias=false; position_bias; flatten; softmax`, one bias for
    each of the 361 points. The tensor CxHxW is called `bias` and starts at zero; `init … bias=`
    sets it as it sets every bias.
    """

    name: ClassVar[str] = "position_bias"
    family: ClassVar[Family] = "linear"
    is_affine: ClassVar[bool] = True
    overwritable: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("position_bias", ((2, 3, 4),)),
        Sample("conv 1x1 1 bias=false; position_bias", ((3, 4, 4),)),
    )

    def shape(self, inputs: Shapes) -> Shape:
        return only_map(inputs, self.name, "`pos_embed` adds a learned vector to each token")

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {"bias": Weight(output, "bias")}

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(elementwise=elements(output))

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return Footprint(passes=True)

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return EACH

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        return total((signals[0], starts["bias"]))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        sides = zip(("channels", "height", "width"), output, strict=True)
        return TorchModule("PositionBias", dict(sides), positional=3, helper=_POSITION_BIAS)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("Add", ("x0", "bias")),))


_RESCALE = '''\
class Rescale(nn.Module):
    """factor * x + offset, both fixed."""

    def __init__(self, factor: float, offset: float = 0.0) -> None:
        super().__init__()
        self.factor = factor
        self.offset = offset

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x + self.offset
'''


class Rescale(Op):
    """factor * x + offset, the same two fixed numbers for every value; nothing is learned.

    `rescale -1 1` is the 1 - t of a highway network's carry gate (Srivastava et al. 2015, section
    2); `rescale (1/127.5) offset=-1` brings a picture's 0 to 255 to -1 to 1.
    """

    is_affine: ClassVar[bool] = True
    scales_channels: ClassVar[bool] = True
    name: ClassVar[str] = "rescale"
    elsewhere: ClassVar[tuple[str, ...]] = ("rescaling",)
    family: ClassVar[Family] = "normalization"
    positional: ClassVar[int] = 2
    overwritable: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("rescale -1 1", ((7,),)),
        Sample("rescale 0.5", ((3, 4, 5),)),
        Sample("rescale 2 offset=-0.25", ((5, 6),)),
    )

    factor: Real = Field(description="what every value is multiplied by")
    offset: Real = Field(0.0, description="what is added then")

    def shape(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(elementwise=elements(output))

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return Footprint(scratch=elements(output))

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return EACH

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        return total((signals[0].scaled(self.factor), Signal(self.offset, 0.0)))

    def scale_shift(self, weights: Mapping[str, Any]) -> tuple[Any, Any]:
        return self.factor, self.offset

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {"factor": self.factor, "offset": self.offset}
        return TorchModule("Rescale", arguments, 2, {"offset": 0.0}, helper=_RESCALE)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        constants = {
            "factor": OnnxConstant((), (self.factor,)),
            "offset": OnnxConstant((), (self.offset,)),
        }
        nodes = (
            OnnxNode("Mul", ("x0", "factor"), output="scaled"),
            OnnxNode("Add", ("scaled", "offset")),
        )
        return OnnxLowering(nodes, constants)
