"""How weights start: what `init` names. Where a spec is silent, PyTorch's own default holds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import prod, sqrt
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator

from archdsl.ir.fields import Positive, Real
from archdsl.ir.shapes import Shape
from archdsl.ir.signal import CUT_AT_TWO, ZERO, Signal

# What follows a layer sets its gain (He et al. 2015, section 2.2; torch.nn.init.calculate_gain).
Nonlinearity = Literal["relu", "leaky_relu", "tanh", "sigmoid", "linear"]


class Initializer(BaseModel, ABC):
    """A distribution that a weight is drawn from."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    positional: ClassVar[int] = 1

    @abstractmethod
    def torch(self) -> tuple[str, ...]:
        """The function of torch.nn.init, and its arguments after the tensor."""

    @abstractmethod
    def signal(self, shape: Shape) -> Signal:
        """The mean and the variance of a weight of this shape."""

    @abstractmethod
    def keeps(self) -> float | None:
        """What a layer as wide behind as before makes of the mean square, as a factor.

        None for a spread that does not go by the width.
        """


class He(Initializer):
    """Normal with variance gain²/fan, which keeps the variance through ReLUs (He et al. 2015)."""

    name: Literal["he"] = "he"
    mode: Literal["fan_in", "fan_out"] = "fan_in"
    nonlinearity: Nonlinearity = "relu"

    def torch(self) -> tuple[str, ...]:
        options = f'mode="{self.mode}"', f'nonlinearity="{self.nonlinearity}"'
        return "kaiming_normal_", *options

    def signal(self, shape: Shape) -> Signal:
        fan = _fans(shape)[self.mode == "fan_out"]
        return Signal(0.0, _GAINS[self.nonlinearity] ** 2 / fan)

    def keeps(self) -> float | None:
        return _GAINS[self.nonlinearity] ** 2


class Glorot(Initializer):
    """Uniform with variance 2/(fan_in + fan_out), which suits tanh (Glorot & Bengio 2010)."""

    name: Literal["glorot"] = "glorot"
    gain: Positive = 1.0

    def torch(self) -> tuple[str, ...]:
        return "xavier_uniform_", *_unless(self.gain, 1.0, "gain")

    def signal(self, shape: Shape) -> Signal:
        return Signal(0.0, 2 * self.gain**2 / sum(_fans(shape)))

    def keeps(self) -> float | None:
        return self.gain**2


class Normal(Initializer):
    """Normal."""

    name: Literal["normal"] = "normal"
    std: Positive = 0.01
    mean: Real = 0.0

    def torch(self) -> tuple[str, ...]:
        return "normal_", *_unless(self.mean, 0.0, "mean"), f"std={self.std!r}"

    def signal(self, shape: Shape) -> Signal:
        return Signal(self.mean, self.std**2)

    def keeps(self) -> float | None:
        return None


class TruncatedNormal(Initializer):
    """Normal, drawn again beyond two standard deviations."""

    name: Literal["truncated_normal"] = "truncated_normal"
    std: Positive = 0.02
    mean: Real = 0.0

    def torch(self) -> tuple[str, ...]:
        low, high = self.mean - 2 * self.std, self.mean + 2 * self.std
        mean = _unless(self.mean, 0.0, "mean")
        return "trunc_normal_", *mean, f"std={self.std!r}", f"a={low!r}", f"b={high!r}"

    def signal(self, shape: Shape) -> Signal:
        return Signal(self.mean, CUT_AT_TWO * self.std**2)

    def keeps(self) -> float | None:
        return None


class Uniform(Initializer):
    """Uniform between two bounds."""

    positional: ClassVar[int] = 2
    name: Literal["uniform"] = "uniform"
    low: Real = -0.05
    high: Real = 0.05

    def torch(self) -> tuple[str, ...]:
        return "uniform_", repr(self.low), repr(self.high)

    def signal(self, shape: Shape) -> Signal:
        return Signal((self.low + self.high) / 2, (self.high - self.low) ** 2 / 12)

    def keeps(self) -> float | None:
        return None


class Constant(Initializer):
    """One value everywhere; a bare number says the same."""

    name: Literal["constant"] = "constant"
    value: Real = 0.0

    def torch(self) -> tuple[str, ...]:
        if self.value in (0, 1):
            return ("ones_" if self.value else "zeros_",)
        return "constant_", repr(self.value)

    def signal(self, shape: Shape) -> Signal:
        return Signal(self.value, 0.0)

    def keeps(self) -> float | None:
        return None


class Zeros(Initializer):
    """Zero everywhere."""

    name: Literal["zeros"] = "zeros"

    def torch(self) -> tuple[str, ...]:
        return ("zeros_",)

    def signal(self, shape: Shape) -> Signal:
        return ZERO

    def keeps(self) -> float | None:
        return None


class Orthogonal(Initializer):
    """A random orthogonal matrix, kept times the gain (Saxe et al. 2014)."""

    name: Literal["orthogonal"] = "orthogonal"
    gain: Positive = 1.0

    def torch(self) -> tuple[str, ...]:
        return "orthogonal_", *_unless(self.gain, 1.0, "gain")

    def signal(self, shape: Shape) -> Signal:
        rows = shape[0]
        return Signal(0.0, self.gain**2 / max(rows, prod(shape) // rows))

    def keeps(self) -> float | None:
        return self.gain**2


AnyInitializer = Annotated[
    He | Glorot | Normal | TruncatedNormal | Uniform | Constant | Zeros | Orthogonal,
    Discriminator("name"),
]

INITIALIZERS: dict[str, type[Initializer]] = {
    c.model_fields["name"].default: c
    for c in (He, Glorot, Normal, TruncatedNormal, Uniform, Constant, Zeros, Orthogonal)
}


_GAINS: dict[Nonlinearity, float] = {
    "relu": sqrt(2),
    "leaky_relu": sqrt(2 / (1 + 0.01**2)),
    "tanh": 5 / 3,
    "sigmoid": 1.0,
    "linear": 1.0,
}


def _fans(shape: Shape) -> tuple[int, int]:
    """The values that an output sums, and the outputs that a value goes into, as PyTorch counts."""
    window = prod(shape[2:])
    return shape[1] * window, shape[0] * window


def _unless(value: float, default: float, name: str) -> tuple[str, ...]:
    return () if value == default else (f"{name}={value!r}",)
