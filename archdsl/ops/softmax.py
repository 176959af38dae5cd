"""The softmaxes: nonlinearities that share out over the channels of each position."""

from collections.abc import Mapping
from math import exp, expm1, inf, log, log1p
from typing import ClassVar

from archdsl.ir.records import (
    KEEPS_OUTPUT,
    Footprint,
    OnnxLowering,
    OnnxNode,
    Sample,
    TorchLowering,
    TorchModule,
)
from archdsl.ir.shapes import Shape, Shapes, channels
from archdsl.ir.signal import Signal
from archdsl.ops.activation import Activation


class _OverChannels(Activation):
    """Acts on the channels of each position together."""

    def curve(self) -> None:
        return None  # each value depends on the others

    @staticmethod
    def axis(shape: Shape) -> int:
        """The channels' axis, the batch counted."""
        return 1 if len(shape) == 3 else -1

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return KEEPS_OUTPUT


class Softmax(_OverChannels):
    """exp(x) over its sum, across the channels of each position."""

    name: ClassVar[str] = "softmax"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("softmax", ((7,),)),
        Sample("softmax", ((5, 6),)),
        Sample("softmax", ((3, 4, 4),)),
    )

    def bounds(self) -> tuple[float, float]:
        return 0.0, 1.0

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        """The exponentials are lognormal; their squared sum is taken by its mean."""
        squared, count = exp(min(signals[0].variance, 700.0)), channels(output)
        return Signal.of(1 / count, squared / (squared + count - 1) / count)

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.Softmax", {"dim": self.axis(output)})

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering((OnnxNode("Softmax", ("x0",), {"axis": self.axis(output)}, wide=True),))


class LogSoftmax(_OverChannels):
    """The logarithm of softmax, computed without leaving the range of the numbers.

    For a loss that takes log-probabilities; `train`'s cross entropy wants what comes before it.
    """

    name: ClassVar[str] = "log_softmax"
    elsewhere: ClassVar[tuple[str, ...]] = ("logsoftmax",)
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("log_softmax", ((7,),)),
        Sample("log_softmax", ((5, 6),)),
        Sample("log_softmax", ((3, 4, 4),)),
    )

    def bounds(self) -> tuple[float, float]:
        return -inf, 0.0

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        """The sum of the exponentials is taken as lognormal too (Fenton 1960)."""
        variance, count = min(signals[0].variance, 1e150), channels(output)
        of_sum = log1p(expm1(min(variance, 700.0)) / count)
        mean = -log(count) - (min(variance, 700.0) - of_sum) / 2
        return Signal.of(mean, mean**2 + max(0.0, variance * (1 - 2 / count) + of_sum))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.LogSoftmax", {"dim": self.axis(output)})

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering(
            (OnnxNode("LogSoftmax", ("x0",), {"axis": self.axis(output)}, wide=True),)
        )
