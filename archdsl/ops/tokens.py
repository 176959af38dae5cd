"""Maps as token sequences and back, and what is done to a sequence as a whole."""

from collections.abc import Mapping
from math import isqrt
from typing import Annotated, ClassVar, Self

from pydantic import Field, Strict

from archdsl.ir.fields import MAX_SIDE, Size, Wants
from archdsl.ir.initializers import TruncatedNormal
from archdsl.ir.op import Op, OpError, only_map, written
from archdsl.ir.records import (
    EACH,
    FREE,
    VIEW,
    VIEW_OF_PART,
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
    TorchParameter,
    Value,
    Weight,
    Window,
)
from archdsl.ir.shapes import Shape, Shapes, elements, kind, show
from archdsl.ir.signal import Signal, mixture, total

_START = TruncatedNormal(std=0.02).torch()  # as in BERT and after it in the vision transformer

_Index = Annotated[int, Strict(), Field(gt=-MAX_SIDE, lt=MAX_SIDE), Wants("an integer")]


def only_tokens(inputs: Shapes, layer: str) -> tuple[int, int]:
    """The one input, which must be a token sequence.

    Raises:
        OpError: it is not.
    """
    (shape,) = inputs
    if len(shape) != 2:
        label = f"`{layer}` takes tokens NxD; {kind(shape)} {show(shape)} comes in"
        help = "`tokens` makes a map a sequence" if len(shape) == 3 else ""
        raise OpError("A201", label, help)
    return shape[0], shape[1]


class _Tokens(Op):
    """No weights, no arithmetic. Not overwritable: the output may be a view of the input."""

    family: ClassVar[Family] = "reshape"
    is_affine: ClassVar[bool] = True

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return FREE

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        return signals[0]


_TOKENS = '''\
class Tokens(nn.Module):
    """The positions of a map as tokens, row by row: (N, C, H, W) to (N, H * W, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).transpose(1, 2)
'''


class Tokens(_Tokens):
    """The positions of a map as a sequence, row by row: CxHxW to HWxC.

    Each token is the channels of one position; `untokens` goes back.
    """

    name: ClassVar[str] = "tokens"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("tokens", ((3, 4, 5),)),
        Sample("conv 2x2 6 stride=2; tokens", ((3, 4, 6),)),
    )

    def shape(self, inputs: Shapes) -> Shape:
        c, h, w = only_map(inputs, self.name)
        return h * w, c

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return VIEW

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return EACH

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("Tokens", helper=_TOKENS, inline="{0}.flatten(2).transpose(1, 2)")

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        nodes = (
            OnnxNode("Reshape", ("x0", "shape"), output="positions"),
            OnnxNode("Transpose", ("positions",), {"perm": (0, 2, 1)}),
        )
        return OnnxLowering(nodes, {"shape": OnnxConstant((3,), (0, 0, -1), "int64")})


_UNTOKENS = '''\
class Untokens(nn.Module):
    """Tokens as the positions of a map, row by row: (N, H * W, C) to (N, C, H, W)."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height = height
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2).unflatten(2, (self.height, self.width))
'''


class Untokens(_Tokens):
    """A token sequence as a map, row by row: HWxC to CxHxW.

    Without a size it is the size of the map that the nearest `tokens` before it came from;
    `untokens 14x14` states one. There must be exactly H*W tokens: take a class token off first.
    """

    name: ClassVar[str] = "untokens"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("tokens; untokens", ((3, 4, 5),)),
        Sample("untokens 2x3", ((6, 4),)),
    )

    size: Size | None = Field(
        None, description="the map's size, HxW; that before the nearest `tokens` if left out"
    )

    def resolve(self, inputs: Shapes, grid: tuple[int, int] | None = None) -> Self:
        known = self.size is not None or grid is None
        return self if known else self.model_copy(update={"size": grid})

    def shape(self, inputs: Shapes) -> Shape:
        count, width = only_tokens(inputs, self.name)
        if self.size is None:
            label = f"no `tokens` comes before, so the size of the map is not known: {count} tokens"
            raise OpError("A402", label, "state it: `untokens 14x14`")
        if count != elements(self.size):
            label = f"{written(self.size)} are {elements(self.size)} positions; {count} tokens"
            side = isqrt(count)
            help = f"`untokens {side}x{side}`" if side * side == count else ""
            if count == elements(self.size) + 1:
                help = "a class token has no place on the map: `take start=1` before it"
            raise OpError("A201", f"{label} come in", help)
        return width, *self.size

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return VIEW

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return EACH

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {"height": output[1], "width": output[2]}
        return TorchModule("Untokens", arguments, positional=2, helper=_UNTOKENS)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        nodes = (
            OnnxNode("Transpose", ("x0",), {"perm": (0, 2, 1)}, output="positions"),
            OnnxNode("Reshape", ("positions", "shape")),
        )
        return OnnxLowering(nodes, {"shape": OnnxConstant((4,), (0, *output), "int64")})


_TAKE = '''\
class Take(nn.Module):
    """One token of a sequence: (N, L, D) to (N, D)."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.index]
'''

_TAKE_FROM = '''\
class TakeFrom(nn.Module):
    """The tokens of a sequence from one on."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self.start = start

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.start :]
'''


class Take(_Tokens):
    """One token as a vector, or the tokens from one on.

    `take 0` is the first token, such as the class token; `take -1` the last. `take start=1` is the
    sequence without its first token.
    """

    name: ClassVar[str] = "take"
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("take 0", ((5, 6),)),
        Sample("take -2", ((5, 6),)),
        Sample("take start=1", ((5, 6),)),
        Sample("take start=-2", ((5, 6),)),
    )

    index: _Index | None = Field(None, description="which token, from 0; from the end if negative")
    start: _Index | None = Field(None, description="the first token to keep, in place of one alone")

    def shape(self, inputs: Shapes) -> Shape:
        count, width = only_tokens(inputs, self.name)
        if (self.index is None) == (self.start is None):
            label = "`take` takes the number of a token, or `start=`, one of them"
            code = "A402" if self.index is None else "A404"
            raise OpError(code, label, "`take 0`, or `take start=1`")
        first = self.first(inputs)
        if not 0 <= first < count:
            label = f"there are {count} tokens, numbered from 0 to {count - 1}"
            raise OpError("A201", label, f"the last one is `take {count - 1}` or `take -1`")
        return (width,) if self.start is None else (count - first, width)

    def first(self, inputs: Shapes) -> int:
        """The token that is taken, or the first of them, counted from 0."""
        asked = self.index or self.start or 0
        return asked + (inputs[0][0] if asked < 0 else 0)

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return VIEW_OF_PART

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        first = self.first(inputs)
        return FieldRule((Window(0 if self.start is None else 1, first, first),))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        if self.start is None:
            one: dict[str, Value] = {"index": self.index}
            return TorchModule("Take", one, 1, helper=_TAKE, inline=f"{{0}}[:, {self.index}]")
        rest: dict[str, Value] = {"start": self.start}
        inline = f"{{0}}[:, {self.start}:]"
        return TorchModule("TakeFrom", rest, 1, helper=_TAKE_FROM, inline=inline)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        if self.index is not None:
            node = OnnxNode("Gather", ("x0", "index"), {"axis": 1})
            return OnnxLowering((node,), {"index": OnnxConstant((), (self.index,), "int64")})
        values = {"starts": self.start or 0, "ends": MAX_SIDE, "axes": 1}
        constants = {key: OnnxConstant((1,), (value,), "int64") for key, value in values.items()}
        return OnnxLowering((OnnxNode("Slice", ("x0", *constants)),), constants)


class ClassToken(Op):
    """Puts a learned token first: NxD to (N+1)xD (Devlin et al. 2018; Dosovitskiy et al. 2020).

    Attention gathers in it what the classifier reads: `take 0`. It is one bare tensor 1x1xD, whose
    key is the layer's path, and starts from a normal distribution of standard deviation 0.02, cut
    at two of them; `init=` says otherwise.
    """

    name: ClassVar[str] = "cls_token"
    elsewhere: ClassVar[tuple[str, ...]] = ("classtoken",)
    family: ClassVar[Family] = "attention"
    is_affine: ClassVar[bool] = True
    overwritable: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("cls_token", ((5, 6),)),
        Sample("tokens; cls_token", ((6, 2, 3),)),
    )

    def shape(self, inputs: Shapes) -> Shape:
        count, width = only_tokens(inputs, self.name)
        return count + 1, width

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {"": Weight((1, 1, output[1]), "embedding")}

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return FREE

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return Footprint(passes=True)

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return FieldRule((Window(1, -1, -1),))

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        return mixture(((inputs[0][0], signals[0]), (1, starts[""])))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        template = "torch.cat([{weight}.expand({0}.shape[0], -1, -1), {0}], 1)"
        return TorchParameter((1, 1, output[1]), template, _START)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        nodes = (
            OnnxNode("Shape", ("x0",), {"start": 0, "end": 1}, output="batch"),
            OnnxNode("Concat", ("batch", "one_each"), {"axis": 0}, output="copies"),
            OnnxNode("Expand", ("weight", "copies"), output="tokens"),
            OnnxNode("Concat", ("tokens", "x0"), {"axis": 1}),
        )
        return OnnxLowering(nodes, {"one_each": OnnxConstant((2,), (1, 1), "int64")})


class PositionEmbedding(Op):
    """Adds a learned vector to each token, by its place (Gehring et al. 2017; Dosovitskiy et al.).

    Without it attention sees a set, whose order means nothing. It is one bare tensor 1xNxD, whose
    key is the layer's path, and starts as `cls_token` does. It belongs to the number of tokens:
    with another picture size the weights do not fit.
    """

    name: ClassVar[str] = "pos_embed"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "positionalembedding",
        "positionembedding",
    )
    family: ClassVar[Family] = "attention"
    is_affine: ClassVar[bool] = True
    overwritable: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("pos_embed", ((5, 6),)),
        Sample("tokens; cls_token; pos_embed", ((6, 2, 3),)),
    )

    def shape(self, inputs: Shapes) -> Shape:
        return only_tokens(inputs, self.name)

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {"": Weight((1, *output), "embedding")}

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
        return total((signals[0], starts[""]))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchParameter((1, *output), "{0} + {weight}", _START)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("Add", ("x0", "weight")),))
