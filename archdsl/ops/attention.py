"""Attention."""

from collections.abc import Mapping
from math import exp
from typing import Any, ClassVar, Self

from pydantic import Field

from archdsl.ir.fields import Flag, Probability, Width
from archdsl.ir.op import Op, OpError
from archdsl.ir.records import (
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
    Value,
    Weight,
)
from archdsl.ir.shapes import Shape, Shapes
from archdsl.ir.signal import ZERO, Signal, weighted_sum
from archdsl.ops.tokens import only_tokens

_ATTENTION = '''\
class Attention(nn.Module):
    """Multi-head self-attention over tokens (N, L, D)."""

    def __init__(
        self, dim: int, heads: int, bias: bool = True, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.qkv = nn.Linear(dim, 3 * dim, bias=bias)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        qkv = self.qkv(x).unflatten(2, (3, self.heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each N, heads, L, D / heads
        x = nn.functional.scaled_dot_product_attention(
            q, k, v, dropout_p=self.dropout if self.training else 0.0
        )
        return self.proj(x.transpose(1, 2).flatten(2))
'''


class Attention(Op):
    """Multi-head self-attention over tokens (Vaswani et al. 2017, section 3.2.2).

    Each head takes D/heads features: a token's query meets the keys of all tokens, and the softmax
    of the products, divided by sqrt(D/heads), weighs their values. A last linear layer mixes the
    heads. `qkv.weight` holds the rows of the queries, the keys and the values one after another, so
    one product makes all three; `bias=false` leaves their bias out. `dropout` drops weights of
    tokens in training.
    """

    name: ClassVar[str] = "attention"
    elsewhere: ClassVar[tuple[str, ...]] = (
        "multiheadattention",
        "mha",
        "selfattention",
        "msa",
    )
    family: ClassVar[Family] = "attention"
    is_affine: ClassVar[bool] = False
    positional: ClassVar[int] = 1
    overwritable: ClassVar[bool] = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample("attention heads=2", ((5, 6),)),
        Sample("attention 1 bias=false", ((4, 3),)),
        Sample("attention heads=3 dropout=0.1", ((5, 6),)),
    )

    heads: Width = Field(description="how many heads share the features out")
    bias: Flag = Field(True, description="whether queries, keys and values have a bias")
    dropout: Probability = Field(0.0, description="share of the tokens' weights set to zero")

    def shape(self, inputs: Shapes) -> Shape:
        count, width = only_tokens(inputs, self.name)
        if width % self.heads:
            label = f"{width} features do not divide over {self.heads} heads"
            raise OpError("A203", label, f"choose a divisor of {width}, or another width")
        return count, width

    def weights(self, inputs: Shapes, output: Shape) -> dict[str, Weight]:
        width = output[1]
        found = {"qkv.weight": Weight((3 * width, width), "kernel")}
        if self.bias:
            found["qkv.bias"] = Weight((3 * width,), "bias")
        found["proj.weight"] = Weight((width, width), "kernel")
        found["proj.bias"] = Weight((width,), "bias")
        return found

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        """Two linear layers, and the products of queries with keys and of weights with values."""
        n, d = output
        return Cost(macs=4 * n * d * d + 2 * n * n * d, activation=self.heads * n * n)

    def memory(self, inputs: Shapes, output: Shape) -> Footprint:
        """Queries, keys, values and their mixture; a fused kernel never holds the products."""
        n, d = output
        return Footprint(inputs=(0,), values=4 * n * d, bytes=4 * self.heads * n, scratch=4 * n * d)

    def field(self, inputs: Shapes, output: Shape) -> FieldRule:
        return WHOLE

    def signal(
        self,
        signals: tuple[Signal, ...],
        starts: Mapping[str, Signal],
        inputs: Shapes,
        output: Shape,
    ) -> Signal:
        """Each token's values averaged over the tokens, almost evenly while products are small."""
        (x,), (n, d) = signals, output
        bias = starts.get("qkv.bias", ZERO)
        query = weighted_sum(x, d, starts["qkv.weight"], bias)
        squared = exp(min(query.mean_square, 26.0) ** 2)  # mean square of a product's exponential
        mixed = x.averaged((squared + n - 1) / squared)
        value = weighted_sum(mixed, d, starts["qkv.weight"], bias)
        return weighted_sum(value, d, starts["proj.weight"], starts["proj.bias"])

    def with_bias(self) -> Self:
        return self  # its last linear layer has one

    def absorb(
        self, weights: Mapping[str, Any], scale: Any, shift: Any, inputs: Shapes, output: Shape
    ) -> dict[str, Any]:
        weight = weights["proj.weight"] * scale[:, None]
        bias = weights["proj.bias"] * scale + shift
        return {**weights, "proj.weight": weight, "proj.bias": bias}

    def torch(self, inputs: Shapes, output: Shape) -> TorchLowering:
        arguments: dict[str, Value] = {
            "dim": output[1],
            "heads": self.heads,
            "bias": self.bias,
            "dropout": self.dropout,
        }
        defaults: dict[str, Value] = {"bias": True, "dropout": 0.0}
        return TorchModule("Attention", arguments, 2, defaults, helper=_ATTENTION)

    def onnx(self, inputs: Shapes, output: Shape) -> OnnxLowering:
        """How ONNX says it, at inference.

        ONNX has Attention as one operator since opset 23; the products written out run as fast on
        the CPU, and on runtimes that do not have it.
        """
        d = output[1]
        parts = ("queries", "keys", "values")
        nodes = (
            *_linear("x0", "qkv", self.bias),
            OnnxNode("Reshape", ("qkv", "by_head"), output="heads"),
            OnnxNode("Transpose", ("heads",), {"perm": (0, 2, 1, 3)}, output="head_first"),
            *(
                OnnxNode("Slice", ("head_first", f"{p}_from", f"{p}_to", "axis"), output=p)
                for p in parts
            ),
            OnnxNode("Transpose", ("keys",), {"perm": (0, 1, 3, 2)}, output="columns"),
            OnnxNode("MatMul", ("queries", "columns"), output="products"),
            OnnxNode("Mul", ("products", "scale"), output="scaled"),
            OnnxNode("Softmax", ("scaled",), {"axis": -1}, output="shares", wide=True),
            OnnxNode("MatMul", ("shares", "values"), output="weighed"),
            OnnxNode("Transpose", ("weighed",), {"perm": (0, 2, 1, 3)}, output="token_first"),
            OnnxNode("Reshape", ("token_first", "joined"), output="mixed"),
            *_linear("mixed", "proj", True, "y"),
        )
        constants = {
            "by_head": OnnxConstant((4,), (0, -1, 3 * self.heads, d // self.heads), "int64"),
            "axis": OnnxConstant((1,), (1,), "int64"),
            "scale": OnnxConstant((), ((d // self.heads) ** -0.5,)),
            "joined": OnnxConstant((3,), (0, -1, d), "int64"),
        }
        for i, part in enumerate(parts):
            bounds = {"from": i * self.heads, "to": (i + 1) * self.heads}
            for end, value in bounds.items():
                constants[f"{part}_{end}"] = OnnxConstant((1,), (value,), "int64")
        return OnnxLowering(nodes, constants)


def _linear(source: str, layer: str, bias: bool, output: str = "") -> tuple[OnnxNode, ...]:
    """A linear layer on tokens; a runtime folds the transpose into the weight when it loads."""
    output = output or layer
    transposed, product = f"{layer}.columns", f"{layer}.product" if bias else output
    return (
        OnnxNode("Transpose", (f"{layer}.weight",), {"perm": (1, 0)}, output=transposed),
        OnnxNode("MatMul", (source, transposed), output=product),
        *((OnnxNode("Add", (product, f"{layer}.bias"), output=output),) if bias else ()),
    )
