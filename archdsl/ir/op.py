"""The contract of a layer, and the registry of layers.

A layer is one class: a pydantic model whose fields are its arguments, and whose methods answer
every question that the rest of the compiler asks. All methods are given the shapes that come in
and, but for `shape` itself, the shape that goes out. No analysis and no backend names a layer.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from math import inf, prod
from typing import Any, ClassVar, Self, cast

from archdsl.ir.curve import Curve
from archdsl.ir.fields import MARGIN
from archdsl.ir.records import (
    Cost,
    Family,
    FieldRule,
    Footprint,
    OnnxLowering,
    Slide,
    Statistics,
    TorchLowering,
    Weight,
)
from archdsl.ir.shapes import Shape, Shapes, kind, show
from archdsl.ir.signal import CUT_AT_TWO, ZERO, Signal
from archdsl.ir.word import Word
from archdsl.ir.word import written as written


class OpError(Exception):
    """A layer cannot take its inputs. The elaborator adds the place."""

    def __init__(self, code: str, label: str, help: str = "") -> None:
        super().__init__(label)
        self.code = code
        self.label = label
        self.help = help


class Op(Word, ABC):
    """A layer with its arguments; its docstring is its page in the reference."""

    aliases: ClassVar[tuple[str, ...]] = ()
    """Other words that the field uses for it."""
    elsewhere: ClassVar[tuple[str, ...]] = ()
    """What other tools call it, in small letters without `_`; errors point from there to here."""
    family: ClassVar[Family]
    """What it is drawn as."""
    symbol: ClassVar[str] = ""
    """The sign of a join that is an operator, such as `+`."""
    arity: ClassVar[int | None] = 1
    """How many tensors it takes; None for any number."""
    overwritable: ClassVar[bool] = False
    """Whether the next layer may overwrite its output: freshly made, its gradient does without."""
    drops_whole: ClassVar[bool] = False
    """Whether what it drops in training is all of an example at once, not each value by itself."""
    is_affine: ClassVar[bool]
    """Whether, at inference, it is an affine function of all its inputs together."""
    scales_channels: ClassVar[bool] = False
    """Whether, at inference, all it does is to scale and shift each channel: `scale_shift`."""
    has_filters: ClassVar[bool] = False
    """Whether each output channel has a window of weights of its own: `filters_of`."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            for word in (cls.name, *cls.aliases):
                if word in _REGISTRY:
                    raise TypeError(f"two layers are called {word!r}")
                _REGISTRY[word] = cls

    def brief(self) -> str:
        """The layer as a figure has it: its sizes and counts; no pads, and nothing but these.

        Positional arguments all stay: they are what the layer is mostly told by.
        """
        words = [self.name]
        for i, (name, info) in enumerate(self.arguments().items()):
            value = getattr(self, name)
            if value is None or (i >= self.positional and value == info.default):
                continue
            if i < self.positional:
                words.append(self.show(name, value))
            elif _counts(value) and MARGIN not in self.wants(name):
                words.append(f"{name}={self.show(name, value, square=True)}")
        return " ".join(words)

    def resolve(self, inputs: Shapes, grid: tuple[int, int] | None = None) -> Self:
        """The same layer with what it infers from its input filled in.

        `grid` is the size of the map that a token sequence was made from, where it was.
        """
        return self

    @abstractmethod
    def shape(self, inputs: Shapes) -> Shape:
        """The shape that goes out.

        Raises:
            OpError: the layer cannot take these shapes.
        """

    @abstractmethod
    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        """The tensors of the layer, by their `state_dict` names, in that order.

        A layer that is one bare tensor calls it `""`: its key is the layer's own path.
        """

    @abstractmethod
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        """Work for one example at inference."""

    @abstractmethod
    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        """What it holds in memory, at inference and for the backward pass of training."""

    @abstractmethod
    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        """What one output position reads of the input."""

    def starts(self, inputs: Shapes, output: Shape) -> dict[str, Signal]:
        """How its weights start in PyTorch, where no `init` says otherwise, by their names."""
        found: dict[str, Signal] = {}
        uniform = ZERO  # what nn.Linear and nn.Conv2d draw from: up to 1/sqrt(fan) on either side
        for name, weight in self.weights(inputs, output).items():
            if weight.role == "kernel":
                uniform = Signal(0.0, 1 / (3 * prod(weight.shape[1:])))
            if weight.role in ("kernel", "bias"):
                found[name] = uniform
            elif weight.role == "embedding":
                found[name] = Signal(0.0, CUT_AT_TWO * 0.02**2)
            elif weight.role != "statistic":
                found[name] = Signal(1.0 if weight.role == "gain" else 0.0, 0.0)
        return found

    @abstractmethod
    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        """The mean and the variance that it gives, in the first step of training.

        Args:
            signals: those of what comes in.
            starts: those of its weights, by their names.
            inputs: the shapes that come in.
            output: the shape that goes out.
        """

    # What theory asks. Few layers have these; a test finds out which, by running each in PyTorch.

    def curve(self) -> Curve | None:
        """The function that it applies to each value on its own, if that is not affine.

        A learned one is as it is at the start of training.
        """
        return None

    def bounds(self) -> tuple[float, float]:
        """Between which numbers its outputs lie, whatever comes in."""
        curve = curve_of(self)  # pyright: ignore[reportArgumentType]  # frozen, so it has a hash
        return (-inf, inf) if curve is None else curve.range

    def normalizes(self, inputs: Shapes, output: Shape) -> Statistics | None:
        """What it takes its mean and its scale over, if it is a normalisation."""
        return None

    def slides(self, inputs: Shapes, output: Shape) -> Slide | None:
        """The window that it slides over a map, if that is how it reads its input."""
        return None

    def drops(self) -> float:
        """The share of values that it sets to zero in training."""
        return 0.0

    # What folding asks. The arrays are numpy's, in 64 bits; a layer needs no more than to reckon.

    def scale_shift(self, weights: Mapping[str, Any]) -> tuple[Any, Any]:
        """The factor and the offset of each channel, of a layer with `scales_channels`."""
        raise NotImplementedError

    def with_bias(self) -> Self | None:
        """The same layer with a bias, if its weights can take in a scale of its outputs."""
        return None

    def absorb(
        self, weights: Mapping[str, Any], scale: Any, shift: Any, inputs: Shapes, output: Shape
    ) -> dict[str, Any]:
        """The weights of `with_bias` that give, by channel, scale times the output plus shift."""
        raise NotImplementedError

    # What pictures of weights ask.

    def filters_of(self, weights: Mapping[str, Any], inputs: Shapes, output: Shape) -> Any:
        """The filter of each output channel of a layer with `has_filters`.

        An array: outputs x input channels that each reads x rows x columns.
        """
        raise NotImplementedError

    @abstractmethod
    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        """How PyTorch says it."""

    @abstractmethod
    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        """How ONNX says it, at inference."""


def _counts(value: object) -> bool:
    """Whether an argument is a number of things, or a size."""
    parts = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    return all(isinstance(part, int) and not isinstance(part, bool) for part in parts)


@lru_cache(maxsize=256)  # a curve remembers what was computed of it
def curve_of(op: Op) -> Curve | None:
    """The curve of a layer; equal layers share one."""
    return op.curve()


_REGISTRY: dict[str, type[Op]] = {}


def known_elsewhere(word: str) -> str:
    """The layer that another tool calls so: `BatchNorm2d` is `bn`; nothing if there is none."""
    plain = word.replace("_", "").lower()
    return next((c.name for c in layers() if plain in (c.name, *c.aliases, *c.elsewhere)), "")


def registry() -> dict[str, type[Op]]:
    """Every layer by every word for it; importing `archdsl.ops` fills it."""
    import archdsl.ops  # noqa: F401  # pyright: ignore[reportUnusedImport]

    return _REGISTRY


def layers() -> list[type[Op]]:
    """Every layer once, by name."""
    return sorted({id(c): c for c in registry().values()}.values(), key=lambda c: c.name)


def only_map(inputs: Shapes, layer: str, help: str = "") -> tuple[int, int, int]:
    """The one input, which must be a map.

    Raises:
        OpError: it is not.
    """
    (shape,) = inputs
    if len(shape) != 3:
        raise OpError(
            "A201", f"`{layer}` takes a map CxHxW; {kind(shape)} {show(shape)} comes in", help
        )
    return shape[0], shape[1], shape[2]
