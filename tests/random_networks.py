"""Small networks that compile, as text: each statement suits the shape that it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Shape = tuple[int, ...]


@dataclass
class _Writer:
    """Writes statements that suit the shape which the flow has reached."""

    draw: Callable[..., Any]
    shape: Shape
    labels: int = 0

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def one(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def flow(self, length: int, depth: int) -> str:
        found = [self.statement(depth) for _ in range(length)]
        return self.one("\n", "; ").join(found)

    def statement(self, depth: int) -> str:
        if len(self.shape) == 1:
            return self.on_vector()
        kinds = [self.convolution, self.pool, self.same, self.unit]
        if depth:
            kinds += [self.combinator, self.group, self.choice, self.skip, self.parts]
        kind = self.one(*kinds)
        return kind() if kind in kinds[:4] else kind(depth - 1)

    # Layers

    def on_vector(self) -> str:
        width = self.integer(1, 9)
        text = self.one(f"fc {width}", "fc", "relu", "bn", "dropout 0.2", "ln", "softmax")
        if text == f"fc {width}":
            self.shape = (width,)
        return text

    def convolution(self) -> str:
        c, h, w = self.shape
        kernel, stride, width = self.one(1, 3, 5), self.one(1, 1, 2), self.integer(1, 8)
        groups = next(g for g in (3, 2, 1) if c % g == 0 and width % g == 0)
        self.shape = (width, -(-h // stride), -(-w // stride))
        bias = self.one("", " bias=false")
        return f"conv {kernel}x{kernel} {width} stride={stride} groups={groups}{bias}"

    def pool(self) -> str:
        c, h, w = self.shape
        if min(h, w) < 3 or self.one(True, False):
            return self.one("avgpool 3x3 stride=1 pad=1", "maxpool 1")
        self.shape = (c, h // 2, w // 2)
        return self.one("maxpool 2x2", "avgpool 2", "maxpool (1 + 1)")

    def same(self) -> str:
        """A layer that keeps the shape."""
        return self.one(
            "relu", "bn", "conv 3x3", "dwconv 3x3", "ln", "lrn size=3", "leaky_relu 0.2", "gelu",
            "tanh", "dropout 0.1", "identity", "conv 1x1 channels", "conv 1x3 init=he",
            "silu", "prelu", "gn 1", "rmsnorm", "scale 0.5", "droppath 0.1", "shuffle 1",
            "position_bias", "{ tokens; attention 1; untokens }", "{ upsample 2; subsample 2 }",
            "{ pad 1; conv 3x3 pad=0 }", "{ upconv 2x2 stride=2; avgpool 2 }", "relu6",
        )  # fmt: skip

    def unit(self) -> str:
        """A call of the block that stands at the top."""
        _, h, w = self.shape
        width, stride = self.one(2, 4), self.one(1, 2)
        self.shape = (width, -(-h // stride), -(-w // stride))
        how = self.one(f"unit {width} {stride}", f"unit stride={stride} width={width}")
        return f"{how} x2 as i" if stride == 1 and self.one(True, False) else how

    # Braces

    def branch(self, depth: int) -> str:
        """A flow that ends in the shape it starts from."""
        return "; ".join(self.keeping(depth) for _ in range(self.integer(1, 2)))

    def keeping(self, depth: int) -> str:
        if depth and self.one(True, False, False):
            return self.combinator(depth - 1, keep=True)
        return self.same()

    def combinator(self, depth: int, keep: bool = False) -> str:
        c, h, w = self.shape
        kind = self.one("residual", "around", "when", "add", "gate", "copies", "shortcut", "concat")
        match kind:
            case "residual":
                return f"residual {{ {self.branch(depth)} }}"
            case "around":
                return f"{{ {self.branch(depth)} }}; residual"
            case "when":
                return (
                    f"residual when={self.one('true', '(channels > 3)')} {{ {self.branch(depth)} }}"
                )
            case "add":
                return f"add {{ {self.branch(depth)} | {self.branch(depth)} | }}"
            case "gate":
                return f"mul {{ | gap; fc {c}; sigmoid }}"
            case "shortcut" if not keep:
                width = self.integer(1, 6)
                self.shape = (width, -(-h // 2), -(-w // 2))
                inner = f"conv 3x3 {width} stride=2; bn | conv 1x1 {width} stride=2"
                return f"residual {{ {inner} }}"
            case "concat" if not keep:
                width, inner = self.integer(1, 3), self.branch(depth)
                self.shape = (2 * c + width, h, w)
                return f"concat {{ | {inner} | conv 1x1 {width}; relu }}"
            case _:
                return f"add {self.integer(1, 3)} {{ {self.branch(depth)} }}"

    def group(self, depth: int) -> str:
        label = f"{self.name()}: " if self.one(True, False) else ""
        times = self.one("", " x2", " x many", " x(many - 1) as i", " x0")
        before = self.one(
            "", "default conv bias=false; ", "init he bias=0; ", "let twice = 2*many; "
        )
        inner = f"{{ {before}{self.branch(depth)} }}{times}"
        again = (
            f"; reuse {label[:-2]}" if label and times != " x0" and self.one(True, False) else ""
        )
        return f"{label}{inner}{again}"

    def choice(self, depth: int) -> str:
        condition = self.one("many == 3", "many > 1 and not false", "channels % 2 == 0 or many < 0")
        return f"if {condition} {{ {self.branch(depth)} }} else {{ {self.branch(depth)} }}"

    def skip(self, depth: int) -> str:
        name, before = self.name(), self.same()
        return f"{name}: {before}\n{self.branch(depth)}; add {{ {self.same()} | @{name} }}"

    def parts(self, depth: int) -> str:
        c, h, w = self.shape
        if c % 2:
            return f"{self.name()}: sequence {{ {self.branch(depth)} }}"
        self.shape = (c // 2, h, w)
        inner = f"{self.branch(depth)} | {self.branch(depth)}"
        self.shape = (c, h, w)
        return f"split {{ {inner} }}"

    def name(self) -> str:
        self.labels += 1
        return f"part_{self.labels}"


_UNIT = """\
block unit width stride=1 {
  default conv bias=false
  residual {
    conv 3x3 width stride=stride; bn; relu
    conv 3x3 width; bn
  | downsample: { conv 1x1 width stride=stride; bn }
  }
  relu
}
param many = 2
"""


@st.composite
def networks(draw: Callable[..., Any]) -> str:
    """A network on a 12x12 map, with a head or without."""
    writer = _Writer(draw, (draw(st.integers(1, 4)), 12, 12))
    c, h, w = writer.shape
    text = f"{_UNIT}input {c}x{h}x{w}\nstem: conv 1x1\n" + writer.flow(
        writer.integer(1, 5), depth=2
    )
    if writer.one(True, False):
        writer.shape = (writer.shape[0],)
        text += "\ngap\n" + writer.flow(writer.integer(1, 4), depth=0)
    if writer.one(True, False):
        text += f"\nexpect shape == {list(writer.shape)}, 1e15 >= params(stem), depth(stem) < 2"
    return f"{text}\n"
