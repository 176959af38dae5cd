"""Layers that move values and compute nothing."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from archdsl.ir.fields import Extent
from archdsl.ir.op import Op, OpError
from archdsl.ir.records import (
    EACH,
    FREE,
    VIEW,
    WHOLE,
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
    Weight,
)
from archdsl.ir.shapes import Shape, Shapes, elements, kind, show
from archdsl.ir.signal import Signal


class _Reshape(Op):
    """No weights, no arithmetic. Not overwritable: the output may be a view of the input."""

    family: ClassVar[Family] = "reshape"
    is_affine: ClassVar[bool] = True

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return FREE

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return VIEW

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        return signals[0]


class Flatten(_Reshape):
    """A map CxHxW or tokens NxD as one vector, the last axis running fastest.

    `fc` on a map flattens by itself; a vector stays as it is.
    """

    name: ClassVar[str] = "flatten"
    elsewhere: ClassVar[tuple[str, ...]] = ("ravel",)
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("flatten", ((3, 4, 5),)),
        Sample("flatten", ((5, 6),)),
        Sample("flatten", ((7,),)),
    )

    def shape(self, inputs: Shapes) -> Shape:
        return (elements(inputs[0]),)

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        # Each value still comes from one position, but the vector has no positions to tell them
        # apart by: what can be said of all of its values at once is the whole input.
        return EACH if len(inputs[0]) == 1 else WHOLE

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.Flatten")

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        if len(inputs[0]) == 1:
            return OnnxLowering(())
        return OnnxLowering((OnnxNode("Flatten", ("x0",), {"axis": 1}),))


_RESHAPE = '''\
class Reshape(nn.Module):
    """The values of each example in another shape, in row-major order."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.shape)
'''


class Reshape(_Reshape):
    """The same values in another shape, read and written row by row, the last axis fastest.

    YOLO (Redmon et al. 2016, section 2.1) ends so: `fc 1470; reshape 30x7x7`. Maps and tokens hold
    their values in different orders: `tokens` and `untokens` keep what belongs together.
    """

    name: ClassVar[str] = "reshape"
    elsewhere: ClassVar[tuple[str, ...]] = ("view",)
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("reshape 3x4x5", ((60,),)),
        Sample("reshape 6x10", ((3, 4, 5),)),
        Sample("reshape 12", ((3, 4),)),
    )

    size: Extent = Field(description="what goes out: CxHxW, NxD or D")

    def shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        if elements(self.size) != elements(shape):
            label = (
                f"{show(self.size)} holds {elements(self.size):,} values; "
                f"{show(shape)} comes in, which holds {elements(shape):,}"
            )
            raise OpError("A201", label)
        return self.size

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return EACH if inputs[0] == output else WHOLE

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        if len(inputs[0]) == 1:
            return TorchModule("nn.Unflatten", {"dim": 1, "unflattened_size": output}, 2)
        sides = {f"side{i}": n for i, n in enumerate(output)}
        return TorchModule("Reshape", sides, positional=len(sides), helper=_RESHAPE)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        shape = OnnxConstant((len(output) + 1,), (0, *output), "int64")
        return OnnxLowering((OnnxNode("Reshape", ("x0", "shape")),), {"shape": shape})


_TRANSPOSE = '''\
class Transpose(nn.Module):
    """Tokens and features change places: (N, L, D) to (N, D, L)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)
'''


class Transpose(_Reshape):
    """Tokens and features change places: NxD to DxN.

    Between two of them `fc` mixes the tokens, each feature by itself (Tolstikhin et al. 2021).
    """

    name: ClassVar[str] = "transpose"
    elsewhere: ClassVar[tuple[str, ...]] = ("permute",)
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("transpose", ((5, 6),)),
        Sample("transpose; fc 3; transpose", ((5, 6),)),
    )

    def shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        if len(shape) != 2:
            label = f"`transpose` takes tokens NxD; {kind(shape)} {show(shape)} comes in"
            raise OpError("A201", label, "`tokens` makes a map a sequence" * (len(shape) == 3))
        return shape[1], shape[0]

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return WHOLE

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("Transpose", helper=_TRANSPOSE, inline="{0}.transpose(1, 2)")

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("Transpose", ("x0",), {"perm": (0, 2, 1)}),))


class Identity(_Reshape):
    """Gives its input as it is: a place to name, or the branch that does nothing."""

    name: ClassVar[str] = "identity"
    elsewhere: ClassVar[tuple[str, ...]] = ("noop",)
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("identity", ((3, 4, 4),)),
        Sample("identity", ((5, 6),)),
        Sample("identity", ((7,),)),
    )

    def shape(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return EACH

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.Identity")

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering(())
