"""Local response normalisation: each value against those of the channels around it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, Strict

from archdsl.ir.fields import MAX_SIDE, Positive, Wants
from archdsl.ir.op import only_map
from archdsl.ir.records import (
    Footprint,
    OnnxConstant,
    OnnxLowering,
    OnnxNode,
    Sample,
    Statistics,
    TorchLowering,
    TorchModule,
    Value,
    Weight,
)
from archdsl.ir.shapes import Shape, Shapes, elements
from archdsl.ir.signal import Signal
from archdsl.ops.normalization import NormalizationLayer


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("an even window has no channel in its middle")
    return value


_WIDEST = 1024  # channels whose neighbours are written as a matrix, of 4 MB then

# The powers that are made of square roots, of `sums`.
_ROOTS = {
    0.5: (OnnxNode("Sqrt", ("sums",), output="scale"),),
    0.75: (
        OnnxNode("Sqrt", ("sums",), output="root"),
        OnnxNode("Mul", ("sums", "root"), output="cubed"),
        OnnxNode("Sqrt", ("cubed",), output="scale"),
    ),
    1.0: (OnnxNode("Identity", ("sums",), output="scale"),),
}


class LocalResponseNorm(NormalizationLayer):
    """Local response normalisation across channels (Krizhevsky et al. 2012, section 3.3).

    y[i] = x[i] / (k + alpha * sum of x[j]² over the `size` channels j around i) ^ beta, the sum cut
    off at the first and the last channel. The defaults are AlexNet's.

    `alpha` is the paper's: it multiplies the sum. PyTorch, ONNX and Caffe divide theirs by the
    size; they are given alpha*size, so that the result is the paper's formula.
    """

    name: ClassVar[str] = "lrn"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "localresponsenorm",
        "localresponsenormalization",
    )
    is_affine: ClassVar[bool] = False
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("lrn", ((8, 4, 5),)),
        Sample("lrn size=3 alpha=0.5 beta=0.5 k=1", ((7, 4, 4),)),
        Sample("lrn size=9 alpha=0.1", ((4, 3, 3),)),
        Sample("lrn beta=1 alpha=0.1", ((4, 3, 3),)),
        Sample("lrn beta=0.6 alpha=0.1", ((4, 3, 3),)),
        Sample("lrn", ((1025, 1, 2),)),
    )

    size: Annotated[
        int,
        Strict(),
        Field(ge=1, lt=MAX_SIDE),
        AfterValidator(_odd),
        Wants("an odd integer of at least 1"),
    ] = Field(5, description="channels that a sum runs over, the channel itself in the middle")
    alpha: Positive = Field(1e-4, description="factor of the sum (not of the mean)")
    beta: Positive = Field(0.75, description="exponent")
    k: Positive = Field(2.0, description="added to the sum")

    def shape(self, inputs: Shapes) -> Shape:
        return only_map(inputs, self.name)

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {}

    def normalizes(self, inputs: Shapes, output: Shape) -> Statistics:
        return Statistics(self.size, positions=False, batch=False, centers=False, unit=False)

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        neighbours = min(self.size, output[0])
        mean_square = signals[0].mean_square
        return signals[0].scaled((self.k + self.alpha * neighbours * mean_square) ** -self.beta)

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        """The padded squares, their sum, and its power."""
        c, *sides = output
        kept = (c + self.size - 1 + 2 * c) * elements(tuple(sides))
        return Footprint(inputs=(0,), values=kept, scratch=2 * elements(output))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {
            "size": self.size,
            "alpha": self._alpha_of_mean(),
            "beta": self.beta,
            "k": self.k,
        }
        return TorchModule("nn.LocalResponseNorm", arguments, positional=1)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        """How ONNX says it, at inference.

        ONNX has LRN as one operator, but onnxruntime's takes a power for each value by itself. The
        sums as a 1x1 convolution with a band of weights, and the power as roots where it is made of
        them, take a twentieth of its time on the CPU. For very many channels the band is large.
        """
        c = output[0]
        if c > _WIDEST:
            attributes: dict[str, Value] = {
                "size": self.size,
                "alpha": self._alpha_of_mean(),
                "beta": self.beta,
                "bias": self.k,
            }
            return OnnxLowering((OnnxNode("LRN", ("x0",), attributes, wide=True),))
        constants = {
            "neighbours": OnnxConstant((c, c, 1, 1), self._band(c)),
            "k": OnnxConstant((c,), (self.k,) * c),
        }
        roots = _ROOTS.get(self.beta)
        if roots is None:
            constants["beta"] = OnnxConstant((), (self.beta,))
            roots = (OnnxNode("Pow", ("sums", "beta"), output="scale"),)
        nodes = (
            OnnxNode("Mul", ("x0", "x0"), output="squares"),
            OnnxNode("Conv", ("squares", *list(constants)[:2]), output="sums"),
            *roots,
            OnnxNode("Div", ("x0", "scale")),
        )
        # Squares and their sums leave the range of 16 bits.
        return OnnxLowering(tuple(replace(n, wide=True) for n in nodes), constants)

    def _band(self, c: int) -> tuple[float, ...]:
        """The weights of c channels in the sums of c channels, row by row."""
        reach = self.size // 2
        found: list[float] = []
        for i in range(c):
            first, end = max(i - reach, 0), min(i + reach + 1, c)
            found += (0.0,) * first + (self.alpha,) * (end - first) + (0.0,) * (c - end)
        return tuple(found)

    def _alpha_of_mean(self) -> float:
        # 15 digits: 1e-4 * 3 reads 0.0003 and not 0.00030000000000000003 in the generated file.
        return float(f"{self.alpha * self.size:.15g}")
