"""Fully connected layers."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field

from archdsl.ir.fields import Flag, Width
from archdsl.ir.op import Op, OpError
from archdsl.ir.records import (
    EACH,
    KEEPS_INPUT,
    WHOLE,
    Cost,
    Family,
    FieldRule,
    Footprint,
    OnnxLowering,
    OnnxNode,
    Sample,
    TorchLowering,
    TorchModule,
    Value,
    Weight,
)
from archdsl.ir.shapes import Shape, Shapes, elements, kind, show
from archdsl.ir.signal import ZERO, Signal, weighted_sum


class Linear(Op):
    """Fully connected layer: every output is a weighted sum of every input, plus a bias.

    `fc 10` on a map CxHxW flattens it first, so that its input is the C*H*W values in that order;
    on tokens NxD it acts on the D features of each token alone; on a vector D on all of it. Without
    a width it gives as many features as it reads. Its weight is one row per output feature.
    """

    name: ClassVar[str] = "fc"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "dense",
        "fullyconnected",
        "innerproduct",
        "connected",
    )
    aliases: ClassVar[tuple[str, ...]] = ("linear",)
    family: ClassVar[Family] = "linear"
    is_affine: ClassVar[bool] = True
    positional: ClassVar[int] = 1
    overwritable: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("fc 10", ((7,),)),
        Sample("fc 4", ((3, 5, 6),)),
        Sample("fc 8", ((5, 6),)),
        Sample("fc 8 bias=false", ((5, 6),)),
        Sample("fc bias=false", ((7,),)),
        Sample("fc", ((2, 3, 3),)),
    )

    features: Width | None = Field(
        None, description="output features; as many as come in if left out"
    )
    bias: Flag = Field(True, description="whether a bias is added per output feature")

    def resolve(self, inputs: Shapes, grid: tuple[int, int] | None = None) -> Self:
        return self if self.features else self.model_copy(update={"features": self.fan(inputs)})

    def fan(self, inputs: Shapes) -> int:
        """The values that one output feature sums.

        Raises:
            OpError: the input is neither a map, nor tokens, nor a vector.
        """
        (shape,) = inputs
        if len(shape) not in (1, 2, 3):
            label = f"`fc` takes a map, tokens or a vector; {kind(shape)} {show(shape)} comes in"
            raise OpError("A201", label)
        return shape[-1] if len(shape) == 2 else elements(shape)

    def shape(self, inputs: Shapes) -> Shape:
        fan = self.fan(inputs)
        features = self.features or fan
        return (inputs[0][0], features) if len(inputs[0]) == 2 else (features,)

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        found = {"weight": Weight((output[-1], self.fan(inputs)), "kernel")}
        if self.bias:
            found["bias"] = Weight((output[-1],), "bias")
        return found

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(macs=elements(output) * self.fan(inputs))

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        return KEEPS_INPUT

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return WHOLE if len(inputs[0]) == 3 else EACH

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        fan = self.fan(inputs)
        return weighted_sum(signals[0], fan, starts["weight"], starts.get("bias", ZERO))

    def with_bias(self) -> Self:
        return self.model_copy(update={"bias": True})

    def absorb(
        self, weights: Mapping[str, Any], scale: Any, shift: Any, inputs: Shapes, output: Shape
    ) -> dict[str, Any]:
        bias = weights.get("bias", 0.0) * scale + shift
        return {"weight": weights["weight"] * scale[:, None], "bias": bias}

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {
            "in_features": self.fan(inputs),
            "out_features": output[-1],
        }
        if not self.bias:
            arguments["bias"] = False
        takes = "{0}.flatten(1)" if len(inputs[0]) == 3 else "{0}"
        return TorchModule("nn.Linear", arguments, positional=2, takes=takes)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        weights = tuple(self.weights(inputs, output))
        if len(inputs[0]) == 2:
            return OnnxLowering(self._on_tokens())
        nodes: list[OnnxNode] = []
        if len(inputs[0]) == 3:
            nodes.append(OnnxNode("Flatten", ("x0",), {"axis": 1}, output="flat"))
        source = nodes[-1].output if nodes else "x0"
        nodes.append(OnnxNode("Gemm", (source, *weights), {"transB": 1}))
        return OnnxLowering(tuple(nodes))

    def _on_tokens(self) -> tuple[OnnxNode, ...]:
        # Gemm takes matrices alone. A runtime folds the transpose into the weight when it loads.
        product = OnnxNode("MatMul", ("x0", "columns"), output="product" if self.bias else "y")
        return (
            OnnxNode("Transpose", ("weight",), {"perm": (1, 0)}, output="columns"),
            product,
            *((OnnxNode("Add", ("product", "bias")),) if self.bias else ()),
        )
