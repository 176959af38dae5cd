"""The records in which a layer answers: its weights, cost, receptive field, lowerings, looks.

Nothing here imports a backend's library; a backend turns records into code, nodes or boxes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Literal as OneOf

from archdsl.ir.shapes import Shape

# Weights

Role = OneOf["kernel", "bias", "gain", "shift", "embedding", "statistic"]


@dataclass(frozen=True, slots=True)
class Weight:
    """One tensor of a layer.

    The statement `init` sets `kernel` and `bias`. An `embedding`, learned values that are no
    weights of a sum, starts as its layer says or as the layer's own `init=`. A `statistic` is not
    trained.
    """

    shape: Shape
    role: Role
    dtype: OneOf["float32", "int64"] = "float32"

    @property
    def trainable(self) -> bool:
        return self.role != "statistic"


# Cost


@dataclass(frozen=True, slots=True)
class Cost:
    """Work for one example. A MAC is one multiply-add of a convolution or a matrix product.

    Everything else is on a line of its own, in values computed (pooling: in values read).
    """

    macs: int = 0
    normalization: int = 0
    activation: int = 0
    pooling: int = 0
    elementwise: int = 0

    @property
    def other(self) -> int:
        """All that is no MAC."""
        return self.normalization + self.activation + self.pooling + self.elementwise

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.macs + other.macs,
            self.normalization + other.normalization,
            self.activation + other.activation,
            self.pooling + other.pooling,
            self.elementwise + other.elementwise,
        )


FREE = Cost()  # no arithmetic: a reshape, or a layer that is gone at inference


@dataclass(frozen=True, slots=True)
class Footprint:
    """The memory that a layer takes as PyTorch runs it, for one example and beside its weights.

    A `view` is the first input's own memory in another form. Where the gradient of the output is
    handed on as it is, or in parts, it `passes`. For the backward pass PyTorch keeps the inputs
    numbered in `inputs`, the output if `output` says so, and of the layer's own making `values`, as
    wide as the activations, `bytes`, and `fixed` bytes whatever the batch: indices, masks, and
    statistics, which are float32 always. `scratch` are values that exist only while it runs.
    """

    view: OneOf["never", "inference", "always"] = "never"
    passes: bool = False
    inputs: tuple[int, ...] = ()
    output: bool = False
    values: int = 0
    bytes: int = 0
    fixed: int = 0
    scratch: int = 0


KEEPS_NOTHING = Footprint()
KEEPS_INPUT = Footprint(inputs=(0,))
KEEPS_OUTPUT = Footprint(output=True)
VIEW = Footprint(view="always", passes=True)  # of all values, in another form
VIEW_OF_PART = Footprint(view="always")  # the gradient of the rest is zeros, in new memory

# Receptive field


@dataclass(frozen=True, slots=True)
class Window:
    """On one axis, output i reads the inputs from stride*i + first to stride*i + last.

    Where a layer enlarges the map these are fractions, and the inputs are the whole numbers from
    the one to the other, both included; there may be none. So one affine rule is exact for the
    floor(i/2) of an upsampling: from (i - 1)/2 to i/2. Those of a dilated kernel are `step` apart.
    """

    stride: int | Fraction
    first: int | Fraction
    last: int | Fraction
    step: int = 1

    def span(self, i: int) -> tuple[int, int]:
        """The first and the last input that output i reads.

        >>> half = Window(Fraction(1, 2), Fraction(-1, 2), 0)
        >>> [half.span(i) for i in range(4)]
        [(0, 0), (0, 0), (1, 1), (1, 1)]
        """
        return ceil(self.stride * i + self.first), floor(self.stride * i + self.last)

    def reads(self, i: int) -> range:
        """The inputs that output i reads, those in the padding too.

        >>> list(Window(2, -2, 2, step=2).reads(3))
        [4, 6, 8]
        """
        first, last = self.span(i)
        return range(first, last + 1, self.step)


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What an output position reads of the input: a window on each axis, or all of it."""

    windows: tuple[Window, ...] = ()
    whole: bool = False


EACH = FieldRule()  # the same position alone
WHOLE = FieldRule(whole=True)  # every position

# What theory asks of a layer


@dataclass(frozen=True, slots=True)
class Slide:
    """A window that slides over a map, (height, width) each: kernel, stride, padding, dilation.

    The padding is that at the beginning of each axis.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)

    def unread(self, before: Shape, after: Shape) -> tuple[int, int]:
        """The last rows and columns of a map that no window reads, the padding aside.

        >>> Slide((3, 3), (2, 2), (0, 0)).unread((1, 8, 9), (1, 3, 4))
        (1, 0)
        """
        rows, columns = (self._unread(axis, before[axis + 1], after[axis + 1]) for axis in (0, 1))
        return rows, columns

    def _unread(self, axis: int, n: int, m: int) -> int:
        s, p = self.stride[axis], self.pad[axis]
        taps = (self.dilation[axis] * j - p for j in range(self.kernel[axis]))
        # Of each tap the last place inside: a dilated window has gaps, one may hang over the end.
        last = (min(m - 1, (n - 1 - tap) // s) * s + tap for tap in taps if tap < n)
        return n - 1 - max(last)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a normalisation takes its mean and its scale over, for the value of one channel.

    `group` channels share them, 1 if each channel has its own. `positions` and `batch` say whether
    they run over the positions of the map and, in training, over the examples. `centers` says
    whether the mean is taken off, `unit` whether what is left has mean square 1.
    """

    group: int
    positions: bool
    batch: bool
    centers: bool
    unit: bool = True


# PyTorch

Value = int | float | bool | str | None | tuple["Value", ...]


@dataclass(frozen=True, slots=True)
class TorchModule:
    """A module made in `__init__` and called in `forward`.

    `arguments` are named as the constructor names them, in its order; the first `positional` of
    them are written without their name, and those that have the value in `defaults` are left out.
    `takes` is how the input is handed over. A module with `overwrites` has an `inplace` argument
    that the backend sets where that is safe. `helper` is the source of the class where torch has
    none. `inline` is an expression that says the same, for `forward` where no `nn.Sequential` needs
    the module.
    """

    name: str
    arguments: Mapping[str, Value] = field(default_factory=dict[str, Value])
    positional: int = 0
    defaults: Mapping[str, Value] = field(default_factory=dict[str, Value])
    takes: str = "{0}"
    overwrites: bool = False
    helper: str = ""
    inline: str = ""


@dataclass(frozen=True, slots=True)
class TorchExpression:
    """An expression over the inputs `{0}`, `{1}`, …; `{inputs}` is all of them, `x, y, z`."""

    template: str


@dataclass(frozen=True, slots=True)
class TorchParameter:
    """A bare tensor, `{weight}`, in an expression with the input `{0}`.

    `start` is the function of torch.nn.init that it starts by, and that function's arguments.
    """

    shape: Shape
    template: str
    start: tuple[str, ...] = ("zeros_",)


TorchLowering = TorchModule | TorchExpression | TorchParameter

# ONNX


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """One operator.

    Inputs are `x0`, `x1`, … (the layer's inputs; all of them: `*`), names of the layer's weights
    (`weight` for a bare tensor) and constants, and outputs of earlier nodes. The layer's own output
    is `y`. An operator with several outputs has the others in `also`. One that is `wide` computes
    in 32 bits where the model is in 16: a statistic of many values, or an exponential.
    """

    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Value] = field(default_factory=dict[str, Value])
    output: str = "y"
    also: tuple[str, ...] = ()
    wide: bool = False


@dataclass(frozen=True, slots=True)
class OnnxConstant:
    """A constant tensor, its values in row-major order.

    One that is `exact` is of 32 bits in a model of 16 too: the operator takes no other.
    """

    shape: Shape
    values: tuple[float, ...]
    dtype: OneOf["float32", "int64"] = "float32"
    exact: bool = False


OLDEST_OPSET = 17  # of 2022, the first with LayerNormalization; what is older is not written


@dataclass(frozen=True, slots=True)
class OnnxLowering:
    """Operators in order; none where the layer does nothing at inference.

    They mean what they shall from the opset `since` on; `older` says the same for those before it,
    if they can. A lowering that holds the size of a map may have another, `any_size`, that reads
    the size when it runs.
    """

    nodes: tuple[OnnxNode, ...]
    constants: Mapping[str, OnnxConstant] = field(default_factory=dict[str, OnnxConstant])
    since: int = OLDEST_OPSET
    older: OnnxLowering | None = None
    any_size: OnnxLowering | None = None

    def at(self, opset: int) -> OnnxLowering | None:
        """What to write for an opset; nothing if it cannot say the layer."""
        found: OnnxLowering | None = self
        while found is not None and found.since > opset:
            found = found.older
        return found

    @property
    def lowest(self) -> int:
        """The oldest opset that can say the layer."""
        return self.since if self.older is None else self.older.lowest


# Looks

Family = OneOf[
    "convolution",
    "linear",
    "attention",
    "pooling",
    "normalization",
    "activation",
    "regularization",
    "reshape",
    "join",
]


# Samples


@dataclass(frozen=True, slots=True)
class Sample:
    """A statement that shows the word at work, a layer on inputs of these shapes; tests run it."""

    text: str
    inputs: tuple[Shape, ...] = ()
