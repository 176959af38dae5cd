"""Joins: what stands where branches meet, `residual`, `add`, `sub`, `mul` or `concat`."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from archdsl.ir.fields import Count, Width
from archdsl.ir.op import Op, OpError
from archdsl.ir.records import (
    EACH,
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
    TorchExpression,
    TorchLowering,
    Weight,
)
from archdsl.ir.shapes import Shape, Shapes, channels, elements, show
from archdsl.ir.signal import Signal, mixture, product, total

_AXES = {"axes": OnnxConstant((2,), (2, 3), "int64")}  # a vector to a map of one position


class _Join(Op):
    """Several tensors in, one out; no weights, position by position."""

    family: ClassVar[Family] = "join"
    arity: ClassVar[int | None] = None

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {}

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return EACH


class _Elementwise(_Join):
    """Value by value; axes of one element stretch, and a vector acts on a map's channels."""

    overwritable: ClassVar[bool] = True
    operator: ClassVar[str]

    def shape(self, inputs: Shapes) -> Shape:
        rank = max(map(len, inputs))
        aligned = [_align(s, rank) for s in inputs]
        result = (
            tuple(max(axis) for axis in zip(*aligned, strict=True)) if _same_rank(aligned) else ()
        )
        fits = result and all(n in (1, m) for s in aligned for n, m in zip(s, result, strict=True))
        if not fits:
            shapes = ", ".join(map(show, inputs))
            raise OpError(
                "A205", f"`{self.name}` cannot join {shapes}", "give the branches one shape"
            )
        return result

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(elementwise=elements(output) * (len(inputs) - 1))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        terms = [
            f"{{{i}}}[..., None, None]" if len(s) == 1 < len(output) else f"{{{i}}}"
            for i, s in enumerate(inputs)
        ]
        return TorchExpression(f" {self.symbol} ".join(terms))

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        nodes: list[OnnxNode] = []
        total = ""
        for i, shape in enumerate(inputs):
            term = f"x{i}"
            if len(shape) == 1 < len(output):
                nodes.append(OnnxNode("Unsqueeze", (term, "axes"), output=f"map{i}"))
                term = f"map{i}"
            if total:
                last = "y" if i == len(inputs) - 1 else f"sum{i}"
                nodes.append(OnnxNode(self.operator, (total, term), output=last))
                term = last
            total = term
        return OnnxLowering(tuple(nodes), _AXES if any(n.op == "Unsqueeze" for n in nodes) else {})


class Add(_Elementwise):
    """The sum of the branches (He et al. 2015)."""

    name: ClassVar[str] = "add"
    is_affine: ClassVar[bool] = True
    symbol: ClassVar[str] = "+"
    operator: ClassVar[str] = "Add"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("residual { conv 3x3 }", ((4, 6, 6),)),
        Sample("residual { conv 3x3 8 stride=2 | conv 1x1 8 stride=2 }", ((4, 6, 6),)),
        Sample("residual { fc }", ((6,),)),
    )

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return Footprint(passes=True)

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        return total(signals)


class Sub(_Elementwise):
    """The first branch minus the others: `sub { a | b }; abs` is a distance, value by value."""

    name: ClassVar[str] = "sub"
    elsewhere: ClassVar[tuple[str, ...]] = ("subtract",)
    is_affine: ClassVar[bool] = True
    symbol: ClassVar[str] = "-"
    operator: ClassVar[str] = "Sub"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("sub { conv 3x3 | conv 1x1 4 }", ((4, 6, 6),)),
        Sample("sub { | gap }", ((4, 6, 6),)),
        Sample("sub { fc 5 | fc 5 | fc 5 }", ((6,),)),
    )

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return KEEPS_NOTHING

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        first, *others = signals
        return total((first, *(s.scaled(-1) for s in others)))


class Mul(_Elementwise):
    """The product of the branches; with a gate on one of them, attention over channels."""

    name: ClassVar[str] = "mul"
    elsewhere: ClassVar[tuple[str, ...]] = ("multiply",)
    is_affine: ClassVar[bool] = False
    symbol: ClassVar[str] = "*"
    operator: ClassVar[str] = "Mul"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("mul { | gap; fc 2; relu; fc 4; sigmoid }", ((4, 6, 6),)),
        Sample("mul { conv 3x3 5 | conv 3x3 5; sigmoid }", ((4, 6, 6),)),
    )

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return Footprint(inputs=tuple(range(len(inputs))))

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        return product(signals)


_ODD = "choose an input that the strides divide, or `pad` the one, `crop` the other"


def _off_by_one(a: Shape, b: Shape) -> bool:
    """Whether two maps differ by one row or column, as they do after halving an odd side."""
    return len(a) == len(b) == 3 and 1 in {abs(m - n) for m, n in zip(a[1:], b[1:], strict=True)}


class Concat(_Join):
    """The branches' channels, one branch after another (Szegedy et al. 2014)."""

    name: ClassVar[str] = "concat"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "concatenate",
        "cat",
        "route",
    )
    is_affine: ClassVar[bool] = True
    overwritable: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("concat { conv 1x1 2 | conv 3x3 3 | maxpool 3x3 stride=1 pad=1 }", ((4, 6, 6),)),
        Sample("concat { fc 3 | fc 2 }", ((6,),)),
        Sample("concat { fc 3 | fc 2 }", ((5, 6),)),
    )

    def shape(self, inputs: Shapes) -> Shape:
        first = inputs[0]
        width = sum(map(channels, inputs))
        joined = {(width, *s[1:]) if len(s) == 3 else (*s[:-1], width) for s in inputs}
        if len(joined) > 1:
            shapes = ", ".join(map(show, inputs))
            help = "all but the channels must agree: check the strides and pads of the branches"
            if any(_off_by_one(first, s) for s in inputs):
                help = "a stride of 2 loses the last of an odd side: " + _ODD
            raise OpError("A205", f"`concat` cannot join {shapes}", help)
        return (width, *first[1:]) if len(first) == 3 else (*first[:-1], width)

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return FREE

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        return mixture(zip(map(channels, inputs), signals, strict=True))

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return Footprint(passes=True)

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        axis = 1 if len(output) == 3 else -1
        return TorchExpression(f"torch.cat([{{inputs}}], {axis})")

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        axis = 1 if len(output) == 3 else -1
        return OnnxLowering((OnnxNode("Concat", ("*",), {"axis": axis}),))


class Part(_Join):
    """One of the equal shares of the channels that `split` gives to its branches."""

    name: ClassVar[str] = "part"
    is_affine: ClassVar[bool] = True
    arity: ClassVar[int | None] = None
    positional: ClassVar[int] = 2
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("split { conv 3x3 4 | conv 3x3 2 }", ((6, 5, 5),)),
        Sample("split { fc 3 | relu }", ((5, 6),)),
        Sample("split 3 { fc 2 }", ((6,),)),
    )

    index: Count = Field(description="which share, from 0")
    of: Width = Field(description="how many shares")

    def shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        width = channels(shape) // self.of
        return (width, *shape[1:]) if len(shape) == 3 else (*shape[:-1], width)

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

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return VIEW_OF_PART

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        axis = 1 if len(output) == 3 else -1
        return TorchExpression(f"{{0}}.chunk({self.of}, {axis})[{self.index}]")

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        start, end = self.ends(output)
        axis = 1 if len(output) == 3 else len(output)
        constants = {
            "starts": OnnxConstant((1,), (start,), "int64"),
            "ends": OnnxConstant((1,), (end,), "int64"),
            "axes": OnnxConstant((1,), (axis,), "int64"),
        }
        return OnnxLowering((OnnxNode("Slice", ("x0", *constants)),), constants)

    def ends(self, output: Shape) -> tuple[int, int]:
        width = channels(output)
        return self.index * width, (self.index + 1) * width


def _align(shape: Shape, rank: int) -> Shape:
    """A vector beside maps stands for a map of one position."""
    return (shape[0], *[1] * (rank - 1)) if len(shape) == 1 and rank == 3 else shape


def _same_rank(shapes: list[Shape]) -> bool:
    return len(set(map(len, shapes))) == 1
