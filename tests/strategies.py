"""What the property tests draw: syntax trees, small networks that compile, and any text at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from archdsl.elaborate.statements import STATEMENTS
from archdsl.ir.op import registry
from archdsl.ir.training import vocabulary
from archdsl.source import Source, Span
from archdsl.syntax import ast

SPECS = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parents[1] / "specs").glob("*.arch"))
}
SOURCE = Source("")
SPAN = Span(SOURCE, 0, 0)


def bare(node: Any) -> Any:
    """A syntax tree without its places: two texts that say the same have the same."""
    if isinstance(node, tuple):
        return tuple(bare(n) for n in node)
    if is_dataclass(node):
        kept = [f.name for f in fields(node) if f.name not in ("span", "name_span", "source")]
        return type(node).__name__, *(bare(getattr(node, name)) for name in kept)
    return type(node).__name__, node


def examples(number: int) -> settings:
    """How many examples a test looks at; the profile `search` looks at more."""
    more = 20 if settings.get_current_profile_name() == "search" else 1
    return settings(max_examples=number * more)


# Syntax trees over the whole language

KEYWORDS = ["param", "let", "block", "network", "if", "else", "expect", "true", "false", "not"]
ANYWHERE = [
    "x",
    "x3",
    "x12",
    "xy",
    "as",
    "and",
    "or",
    "a",
    "conv",
    "residual",
    "width",
    "_",
    "in_2",
]

words = st.one_of(
    st.sampled_from(ANYWHERE), st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
).filter(lambda word: word not in KEYWORDS)
any_words = words | st.sampled_from(KEYWORDS)  # where no other word can stand
formal_words = words.filter(lambda w: not re.fullmatch("x[0-9]*|as|and|or", w))

_TEXT = st.characters(exclude_characters="\n", exclude_categories=("Cs",))
literals = st.one_of(
    st.integers(0, 10**18 - 1),
    st.integers(0, 12),
    st.floats(0, allow_infinity=False, allow_nan=False),
    st.sampled_from([0.5, 1e-5, 1e16, 3.0]),
    st.booleans(),
    st.text(_TEXT, max_size=12) | st.sampled_from(['"', "\\", '\\"', "#", "; x3", "{"]),
    st.lists(st.integers(0, 999), min_size=2, max_size=4).map(tuple),
    st.builds(ast.Multiple, st.floats(0, allow_infinity=False) | st.sampled_from([1.0, 0.1, 1e-7])),
).map(lambda value: ast.Literal(value, SPAN))

_BINARY = ["+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "and", "or"]


@cache
def expressions(depth: int = 3) -> st.SearchStrategy[ast.Expr]:
    """Expressions of at most `depth` levels: few enough operators for one statement."""
    leaf = st.one_of(literals, words.map(lambda word: ast.Name(word, SPAN)))
    if depth == 0:
        return leaf
    inner = expressions(depth - 1)
    few = st.lists(inner, max_size=2).map(tuple)
    return st.one_of(
        leaf,
        st.builds(ast.List, few, st.just(SPAN)),
        st.builds(ast.Unary, st.sampled_from(["-", "not"]), inner, st.just(SPAN)),
        st.builds(ast.Binary, st.sampled_from(_BINARY), inner, inner, st.just(SPAN)),
        st.builds(ast.Index, inner, inner, st.just(SPAN)),
        st.builds(ast.Apply, words, few, st.just(SPAN)),
        st.builds(ast.Conditional, inner, inner, inner, st.just(SPAN)),
        st.builds(ast.Partial, words, st.just(SPAN), _named(inner), st.just(SPAN)),
    )


def _named(values: st.SearchStrategy[ast.Expr]) -> st.SearchStrategy[tuple[ast.Argument, ...]]:
    """Arguments by name, as `(bottleneck groups=32)` has them."""
    one = st.builds(ast.Argument, any_words, values, st.just(SPAN))
    return st.lists(one, min_size=1, max_size=2).map(tuple)


@cache
def statements(depth: int) -> st.SearchStrategy[ast.Statement]:
    """Statements with braces up to `depth` deep."""
    value = expressions()
    choices: list[st.SearchStrategy[Any]] = [
        st.builds(ast.Step, labels, calls(0) | references, repeats, st.just(SPAN)),
        st.builds(ast.Param, any_words, value, st.just(SPAN)),
        st.builds(ast.Let, any_words, value, st.just(SPAN)),
        st.builds(ast.Expect, value, st.just(SPAN)),
        st.builds(ast.Network, any_words, calls(depth), st.just(SPAN)),
    ]
    if depth:
        formals = st.lists(st.builds(ast.Formal, formal_words, st.none() | value, st.just(SPAN)))
        groups = st.builds(ast.Group, bodies(depth), st.just(SPAN))
        choices += [
            st.builds(ast.Step, labels, calls(depth) | groups, repeats, st.just(SPAN)),
            st.builds(ast.Block, any_words, formals.map(tuple), bodies(depth), st.just(SPAN)),
            st.builds(ast.Network, any_words, bodies(depth), st.just(SPAN)),
            conditionals(depth, 2),
        ]
    return st.one_of(choices)


labels = st.none() | any_words.map(lambda word: ast.Name(word, SPAN))
references = st.builds(ast.Reference, any_words, st.just(SPAN))
repeats = st.none() | st.builds(ast.Repeat, expressions(), st.none() | any_words, st.just(SPAN))
_arguments = st.builds(ast.Argument, st.none() | any_words, expressions(), st.just(SPAN))


@cache
def flows(depth: int) -> st.SearchStrategy[ast.Flow]:
    inner = st.lists(statements(depth), max_size=3).map(tuple)
    return st.builds(ast.Flow, inner, st.just(SPAN))


@cache
def bodies(depth: int, most: int = 1) -> st.SearchStrategy[ast.Body]:
    """Braces with one to `most` branches."""
    inner = st.lists(flows(depth - 1), min_size=1, max_size=most).map(tuple)
    return st.builds(ast.Body, inner, st.just(SPAN))


@cache
def calls(depth: int) -> st.SearchStrategy[ast.Call]:
    body = st.none() | bodies(depth, most=3) if depth else st.none()
    given = st.lists(_arguments, max_size=4).map(tuple)
    return st.builds(ast.Call, words, st.just(SPAN), given, body, st.just(SPAN))


@cache
def conditionals(depth: int, elses: int) -> st.SearchStrategy[ast.If]:
    otherwise = st.none() | bodies(depth)
    if elses:
        otherwise |= conditionals(depth, elses - 1)
    return st.builds(ast.If, expressions(), bodies(depth), otherwise, st.just(SPAN))


specs = st.builds(ast.Spec, flows(3), st.just(SOURCE))


# Small networks that compile, as text

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
    return f"{text}\n"


# Text that may be anything

_SIGNS = ["{", "}", "(", ")", "[", "]", "|", ";", "\n", ",", "=", "==", "<=", "<", "+", "-", "*"]
_SIGNS += ["/", "//", "%", "**", "@", ":", "#", '"', "'", ".", "\\", "\t", "\r\n", "\0", "é"]
_NUMBERS = ["0", "1", "2", "3", "7", "64", "-1", "0.5", "1e-4", "9" * 25, "1_0", "3x3", "3x8x8"]
_NUMBERS += ["0x0", "1x7", "x2", "x0", "x(2)", "x 3 as i", '"text"', "[1, 2]", "true", "false"]
_WORDS = [
    *KEYWORDS,
    *ANYWHERE,
    "i",
    "channels",
    "sum",
    "len",
    "range",
    "min",
    "round",
    "he",
    "bias",
]
_WORDS += [
    "0.1x",
    "(relu",
    "(conv bias=false)",
    "if",
    "else",
    "stride=2",
    "pad=0",
    "a:",
    "b:",
    "width=",
    "init=he",
    "when=",
    "normal",
    "same",
]
_CALLS = [*registry(), *STATEMENTS]
_TRAINING = [word for setting, choices in vocabulary().items() for word in (setting, *choices)]

tokens = st.one_of(map(st.sampled_from, (_SIGNS, _NUMBERS, _WORDS, _CALLS, _TRAINING)))


TRAIN = "input 3x8x8; gap; head: fc 4\ntrain { "


@st.composite
def soups(draw: Callable[..., Any]) -> str:
    """Words of the language in any order."""
    start = draw(st.sampled_from(["", "input 3x8x8\n", "block b n=1 { ", "input 9; fc ", TRAIN]))
    found = draw(st.lists(st.tuples(tokens, st.sampled_from([" ", " ", "", "\n"])), max_size=40))
    return start + "".join(token + gap for token, gap in found)


_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


@st.composite
def mutations(draw: Callable[..., Any]) -> str:
    """A spec of the zoo with some words taken out, doubled, moved or replaced."""
    parts = _TOKEN.findall(draw(st.sampled_from(list(SPECS.values()))))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(parts) - 1))
        match draw(st.sampled_from(["drop", "double", "swap", "replace", "insert", "cut"])):
            case "drop":
                del parts[at]
            case "double":
                parts.insert(at, parts[at])
            case "swap":
                other = draw(st.integers(0, len(parts) - 1))
                parts[at], parts[other] = parts[other], parts[at]
            case "replace":
                parts[at] = draw(tokens)
            case "insert":
                parts.insert(at, draw(tokens))
            case _:
                del parts[at : at + draw(st.integers(1, 30))]
        parts = parts or [" "]
    return "".join(parts)
