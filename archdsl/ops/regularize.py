"""Regularisation: layers that act in training alone."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from archdsl.ir.fields import Probability
from archdsl.ir.op import Op
from archdsl.ir.records import (
    EACH,
    FREE,
    VIEW,
    Cost,
    Family,
    FieldRule,
    Footprint,
    OnnxLowering,
    Sample,
    TorchLowering,
    TorchModule,
    Weight,
)
from archdsl.ir.shapes import Shape, Shapes, elements
from archdsl.ir.signal import Signal


class _TrainingOnly(Op):
    """Keeps every shape; the identity at inference, which hands on the input itself."""

    family: ClassVar[Family] = "regularization"  # not overwritable
    is_affine: ClassVar[bool] = True

    def shape(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return FREE

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return EACH

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        """Of inference; in training what is left is scaled up, and its variance with it."""
        return signals[0]

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        return OnnxLowering(())


class Dropout(_TrainingOnly):
    """Sets each value to zero with probability p, in training only (Srivastava et al. 2014).

    What is left is scaled by 1/(1-p) while training, which keeps the expected value, so that at
    inference the layer is the identity and nothing is left to correct.
    """

    name: ClassVar[str] = "dropout"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "dropout2d",
        "spatialdropout2d",
    )
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("dropout", ((7,),)),
        Sample("dropout 0.2", ((3, 4, 4),)),
        Sample("dropout 0", ((5, 6),)),
    )

    p: Probability = Field(0.5, description="the share of values set to zero")

    def drops(self) -> float:
        return self.p

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        """A mask of a byte a value, as on a GPU; the CPU keeps it as wide as the values."""
        if not self.p:
            return VIEW
        return Footprint(view="inference", bytes=elements(output))

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("nn.Dropout", {"p": self.p}, positional=1)


_DROP_PATH = '''\
class DropPath(nn.Dropout1d):
    """Stochastic depth: in training an example is zero as a whole with probability p."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return input
        # As one batch whose channels are the examples: Dropout1d drops whole channels.
        return super().forward(input.flatten(1).unsqueeze(0)).reshape(input.shape)
'''


class DropPath(_TrainingOnly):
    """Drops the whole branch of an example with probability p, in training only.

    Stochastic depth (Huang et al. 2016), for each example by itself: `residual { …; droppath 0.1 }`
    is then the skip alone. What is kept is scaled by 1/(1-p), so nothing is to be done at
    inference. Deep networks let p grow with the depth: `droppath 0.1*i/(depth - 1)`.
    """

    name: ClassVar[str] = "droppath"
    elsewhere: ClassVar[tuple[str, ...]] = ("stochasticdepth",)
    drops_whole: ClassVar[bool] = True
    positional: ClassVar[int] = 1
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("droppath 0.1", ((5, 6),)),
        Sample("residual { conv 3x3; droppath 0.2 }", ((3, 4, 4),)),
        Sample("droppath 0", ((7,),)),
    )

    p: Probability = Field(description="the share of examples whose branch is zero")

    def drops(self) -> float:
        return self.p

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return Footprint(view="inference", values=1) if self.p else VIEW

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        return TorchModule("DropPath", {"p": self.p}, positional=1, helper=_DROP_PATH)
