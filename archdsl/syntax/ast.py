"""The syntax tree: what a spec says, before anyone knows what a layer is.

Plain frozen dataclasses. Every node has the span it was written at.
"""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.source import Source, Span

# Expressions


@dataclass(frozen=True, slots=True)
class Multiple:
    """`0.1x`: so many times what holds otherwise."""

    factor: float


@dataclass(frozen=True, slots=True)
class Literal:
    """`64`, `0.5`, `0.1x`, `true`, `"text"`; a size such as `3x3` is a tuple."""

    value: int | float | bool | str | tuple[int, ...] | Multiple
    span: Span


@dataclass(frozen=True, slots=True)
class Name:
    id: str
    span: Span


@dataclass(frozen=True, slots=True)
class List:
    items: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    """`-a`, `not a`."""

    operator: str
    operand: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """`a + b`, `a <= b`, `a and b`."""

    operator: str
    left: Expr
    right: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Index:
    """`depths[0]`."""

    value: Expr
    index: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Apply:
    """`min(a, b)`: a function of the language; `memory(batch=32)`: a quantity with options."""

    function: str
    arguments: tuple[Expr, ...]
    options: tuple[Argument, ...]
    """Those that are given by name; they stand behind the others."""
    span: Span


@dataclass(frozen=True, slots=True)
class Conditional:
    """`a if condition else b`."""

    condition: Expr
    then: Expr
    otherwise: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Partial:
    """`(bottleneck groups=32)`: a block or a layer with other defaults, each given by name."""

    name: str
    name_span: Span
    arguments: tuple[Argument, ...]
    span: Span


Expr = Literal | Name | List | Unary | Binary | Index | Apply | Conditional | Partial

# Steps of the pipeline


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument; `key` is None for a positional one."""

    key: str | None
    value: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Flow:
    """Statements in order, from one tensor to the next."""

    statements: tuple[Statement, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Body:
    """`{ a | b }`: one flow, or several that start from the same tensor."""

    branches: tuple[Flow, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """`conv 3x3 64 stride=2`, `residual { … }`: a name, arguments, perhaps braces."""

    name: str
    name_span: Span
    arguments: tuple[Argument, ...]
    body: Body | None
    span: Span


@dataclass(frozen=True, slots=True)
class Group:
    body: Body
    span: Span


@dataclass(frozen=True, slots=True)
class Reference:
    """`@label`: the flow goes on from that tensor."""

    label: str
    span: Span


Item = Call | Group | Reference


@dataclass(frozen=True, slots=True)
class Repeat:
    """`x3`, `x depth as i`."""

    count: Expr
    index: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Step:
    """`[label:] item [xN]`."""

    label: Name | None
    item: Item
    repeat: Repeat | None
    span: Span


# Definitions


@dataclass(frozen=True, slots=True)
class Param:
    name: str
    value: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Let:
    name: str
    value: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Formal:
    """A parameter of a block, with its default or None."""

    name: str
    default: Expr | None
    span: Span


@dataclass(frozen=True, slots=True)
class Block:
    name: str
    formals: tuple[Formal, ...]
    body: Body
    span: Span


@dataclass(frozen=True, slots=True)
class Network:
    """`network resnet18 = resnet basic [2, 2, 2, 2]`, or `network tiny { … }`."""

    name: str
    definition: Call | Body
    span: Span


@dataclass(frozen=True, slots=True)
class If:
    condition: Expr
    then: Body
    otherwise: Body | If | None
    span: Span


@dataclass(frozen=True, slots=True)
class Expect:
    """`expect params == 61_706, macs <= 5e5`: what must be so of the network."""

    conditions: tuple[Expr, ...]
    span: Span


Statement = Step | Param | Let | Block | Network | If | Expect


@dataclass(frozen=True, slots=True)
class Spec:
    """One file."""

    flow: Flow
    source: Source
