"""What a name can stand for in a spec, and the scopes in which it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from archdsl.errors import Diagnostic, Note, SpecError
from archdsl.ir.initializers import Initializer
from archdsl.ir.op import Op, registry, written
from archdsl.source import Span
from archdsl.syntax import ast


@dataclass(frozen=True, slots=True, eq=False)
class BlockValue:
    """A block, the scope that it was defined in, and the defaults that stand for its own."""

    block: ast.Block
    scope: Scope
    given: Mapping[str, Value] = field(default_factory=dict[str, "Value"])


@dataclass(frozen=True, slots=True)
class LayerValue:
    """A layer by name, to be called later, and the defaults that stand for its own."""

    cls: type[Op]
    given: Mapping[str, tuple[Value, Span]] = field(default_factory=dict[str, "tuple[Value, Span]"])
    init: Mapping[str, Initializer] = field(default_factory=dict[str, Initializer])


@cache
def layer_called(name: str) -> LayerValue | None:
    """The layer that a word names, if it names one."""
    cls = registry().get(name)
    return LayerValue(cls) if cls is not None else None


class Unknown(Exception):
    """Something was asked for that an earlier error left unknown: say nothing more."""


Value = (
    int | float | bool | str | tuple[int, ...] | ast.Multiple | list[Any] | BlockValue | LayerValue
)


def describe(value: Value) -> str:
    """A value in an error message."""
    match value:
        case BlockValue():
            return f"the block `{value.block.name}`"
        case LayerValue():
            return f"the layer `{value.cls.name}`"
        case str():
            return f'the text "{value[:40]}"'
        case list():
            return f"a list of {len(value)}"
        case bool():
            return written(value)
        case tuple():
            return f"the size {written(value)}"
        case ast.Multiple():
            return f"the multiple {written(value.factor)}x"
        case int():
            return str(value)
        case float():
            return f"{value:g}"


def plain(value: Value) -> Any:
    """A value as JSON can hold it."""
    match value:
        case BlockValue():
            return _with(value.block.name, value.given)
        case LayerValue():
            return _with(value.cls.name, {key: v for key, (v, _) in value.given.items()})
        case list():
            return [plain(v) for v in value]
        case tuple():
            return list(value)
        case ast.Multiple():
            return f"{written(value.factor)}x"
        case _:
            return value


def _with(name: str, given: Mapping[str, Value]) -> str:
    """A block or layer as JSON has it: the name, and the defaults that stand for its own."""
    return " ".join([name, *(f"{key}={_word(plain(value))}" for key, value in given.items())])


def _word(value: Any) -> str:
    return f"({value})" if isinstance(value, str) and " " in value else written(value)


@dataclass(frozen=True, slots=True)
class Default:
    """Arguments that a layer gets where its statement does not give them."""

    cls: type[Op]
    arguments: dict[str, tuple[Value, Span]]
    init: dict[str, Initializer]
    span: Span


@dataclass(frozen=True, slots=True)
class InitRule:
    """How kernels and biases start from here on."""

    kernel: Initializer | None
    bias: Initializer | None
    span: Span


@dataclass(eq=False)
class Scope:
    """The names of one pair of braces, and of those around it (lexical).

    A block's body sees the scope that the block was defined in, as far as it was written before the
    block: `until` is where the block begins.
    """

    parent: Scope | None = None
    until: Span | None = None
    names: dict[str, tuple[Value, Span]] = field(default_factory=dict[str, tuple[Value, Span]])
    rules: list[Default | InitRule] = field(default_factory=list["Default | InitRule"])
    lost: set[str] = field(default_factory=set[str])
    """Names whose definitions had errors."""

    def find(self, name: str) -> Value | None:
        """What a name stands for here, or None.

        Raises:
            Unknown: its definition had an error.
        """
        scope: Scope | None = self
        while scope is not None:
            if name in scope.lost:
                raise Unknown
            if name in scope.names:
                return scope.names[name][0]
            scope = scope.parent
        return None

    @contextmanager
    def defining(self, name: str) -> Iterator[None]:
        """While its value is worked out: if that fails, whoever asks for it says nothing more."""
        try:
            yield
        except (SpecError, Unknown):
            self.lost.add(name)
            raise

    def define(self, name: str, value: Value, span: Span) -> None:
        """Give a name a value in this scope.

        Raises:
            SpecError: the scope has the name already, or the language keeps it to itself.
        """
        if name == "channels":
            label = "`channels` is the width of the tensor at this point"
            raise SpecError(Diagnostic("A304", span, label, help="choose another name"))
        if name in self.names:
            note = Note(self.names[name][1], "first defined here")
            raise SpecError(Diagnostic("A304", span, f"`{name}` is defined twice", notes=(note,)))
        self.names[name] = (value, span)

    def visible(self) -> set[str]:
        """Every name that means something here."""
        own = set(self.names)
        return own | self.parent.visible() if self.parent else own

    def in_force(self) -> list[Default | InitRule]:
        """The defaults and inits that hold here, the outermost first."""
        found: list[Default | InitRule] = []
        bounds: list[Span] = []
        scope: Scope | None = self
        while scope is not None:
            for rule in reversed(scope.rules):
                if all(_before(rule.span, bound) for bound in bounds):
                    found.append(rule)
            if scope.until is not None:
                bounds.append(scope.until)
            scope = scope.parent
        return found[::-1]


def _before(span: Span, other: Span) -> bool:
    return span.source is not other.source or span.start < other.start
