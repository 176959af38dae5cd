"""Arguments to the fields of a layer's class, and to the parameters of a block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError

from archdsl.elaborate.expressions import Context, evaluate
from archdsl.elaborate.values import Default, InitRule, LayerValue, Value, describe
from archdsl.errors import Diagnostic, SpecError, suggestion
from archdsl.ir.fields import Wants
from archdsl.ir.initializers import INITIALIZERS, Constant, Initializer
from archdsl.ir.op import Op
from archdsl.source import Span
from archdsl.syntax import ast

INIT_ARGUMENTS = {"init": "kernel", "bias_init": "bias"}
"""Arguments of every layer with weights: how its kernel and its bias start."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A layer with its arguments, and how its weights start by their role."""

    op: Op
    init: dict[str, Initializer]


def bind(layer: LayerValue, call: ast.Call, context: Context) -> Bound:
    """The layer that a call describes, with the defaults in force.

    Raises:
        SpecError: an argument is unknown, missing, given twice, or of the wrong kind.
    """
    cls = layer.cls
    given, init_given = keywords(cls, call.arguments, context)
    values: dict[str, tuple[Value, Span]] = {}
    init: dict[str, Initializer] = {}
    for rule in context.scope.in_force():
        if isinstance(rule, InitRule):
            found = {"kernel": rule.kernel, "bias": rule.bias}
            init |= {role: i for role, i in found.items() if i is not None}
        elif rule.cls is cls:
            values |= rule.arguments
            init |= rule.init
    values = {**values, **layer.given, **given}
    return Bound(build(cls, values, call), {**init, **layer.init, **init_given})


def keywords(
    cls: type[Op], arguments: tuple[ast.Argument, ...], context: Context
) -> tuple[dict[str, tuple[Value, Span]], dict[str, Initializer]]:
    """The arguments of a call by the names of the layer's fields, and its own initializers."""
    names = list(cls.model_fields)
    values: dict[str, tuple[Value, Span]] = {}
    init: dict[str, Initializer] = {}
    position = 0
    for argument in arguments:
        key = argument.key
        if key is None:
            if position >= cls.positional:
                raise _too_many(cls, argument)
            key, position = names[position], position + 1
        if key in values or (key in INIT_ARGUMENTS and INIT_ARGUMENTS[key] in init):
            raise SpecError(Diagnostic("A405", argument.span, f"`{key}` is given twice"))
        if key in cls.model_fields:
            values[key] = (_value(argument.value, _choices(cls, key), context), argument.span)
        elif key in INIT_ARGUMENTS:
            init[INIT_ARGUMENTS[key]] = initializer(argument.value, context)
        else:
            raise _unknown(cls, argument)
    return values, init


def build(cls: type[Op], values: Mapping[str, tuple[Value, Span]], call: ast.Call) -> Op:
    """The layer itself; its class checks the values."""
    missing = [n for n, f in cls.model_fields.items() if f.is_required() and n not in values]
    if missing:
        name = missing[0]
        label = f"`{cls.name}` needs `{name}`: {cls.model_fields[name].description}"
        help = f"for example `{cls.samples[0].text}`"
        raise SpecError(Diagnostic("A402", call.name_span, label, help=help))
    try:
        return cls(**{name: value for name, (value, _) in values.items()})
    except ValidationError as error:
        names = [str(e["loc"][0]) for e in error.errors() if e["loc"]]
        raise SpecError(_wrong_kind(cls, n, *values[n]) for n in dict.fromkeys(names)) from None


def _value(expr: ast.Expr, choices: tuple[str, ...], context: Context) -> Value:
    """The value of an argument; a bare word may name one of the argument's choices."""
    if isinstance(expr, ast.Name) and expr.id in choices:
        return expr.id
    if isinstance(expr, ast.Name) and choices and context.scope.find(expr.id) is None:
        help = suggestion(expr.id, choices) or f"the choices are {', '.join(choices)}"
        raise SpecError(Diagnostic("A403", expr.span, f"`{expr.id}` is no choice here", help=help))
    return evaluate(expr, context)


@cache
def _choices(cls: type[Op], name: str) -> tuple[str, ...]:
    """The words that an argument may be."""

    def walk(annotation: Any) -> list[str]:
        if get_origin(annotation) is Literal:
            return [a for a in get_args(annotation) if isinstance(a, str)]
        return [word for a in get_args(annotation) for word in walk(a)]

    return tuple(walk(cls.model_fields[name].annotation))


@cache
def wants(cls: type[Op], name: str) -> str:
    """What an argument wants, in words."""

    def walk(annotation: Any) -> list[str]:
        own = [m.words for m in getattr(annotation, "__metadata__", ()) if isinstance(m, Wants)]
        return own or [words for a in get_args(annotation) for words in walk(a)]

    field = cls.model_fields[name]
    words = [m.words for m in field.metadata if isinstance(m, Wants)] or walk(field.annotation)
    words += [f"`{choice}`" for choice in _choices(cls, name)]
    return " or ".join(words)


def _wrong_kind(cls: type[Op], name: str, value: Value, span: Span) -> Diagnostic:
    label = f"`{name}` is {wants(cls, name)}; this is {describe(value)}"
    return Diagnostic("A403", span, label)


def _too_many(cls: type[Op], argument: ast.Argument) -> SpecError:
    names = list(cls.model_fields)[: cls.positional]
    takes = f"takes {' and '.join(f'`{n}`' for n in names)}" if names else "takes nothing"
    rest = [n for n in cls.model_fields if n not in names]
    help = f"name it: {', '.join(f'{n}=' for n in rest)}" if rest else ""
    label = f"`{cls.name}` {takes} without a name"
    return SpecError(Diagnostic("A404", argument.span, label, help=help))


def _unknown(cls: type[Op], argument: ast.Argument) -> SpecError:
    names = list(cls.model_fields)
    key = argument.key or ""
    help = suggestion(key, names)
    if not help:
        help = f"it has {', '.join(names)}" if names else "it takes no arguments"
    return SpecError(Diagnostic("A401", argument.span, f"`{cls.name}` has no `{key}`", help=help))


# Initializers


def initializer(expr: ast.Expr, context: Context) -> Initializer:
    """`he`, `normal(0.01)`, or a number that is the value itself.

    Raises:
        SpecError: it is none of these.
    """
    match expr:
        case ast.Name(id=name) if name in INITIALIZERS:
            return _initializer(name, [], {}, expr.span)
        case ast.Apply(function=name) if name in INITIALIZERS:
            positional = [(_word_or_value(a, context), a.span) for a in expr.arguments]
            return _initializer(name, positional, {}, expr.span)
        case ast.Apply(function=name):
            help = suggestion(name, INITIALIZERS) or f"there are {', '.join(INITIALIZERS)}"
            label = f"no initialisation is called `{name}`"
            raise SpecError(Diagnostic("A301", expr.span, label, help=help))
        case _:
            value = evaluate(expr, context)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Constant(value=float(value))
    help = f"there are {', '.join(INITIALIZERS)}; a number is that value everywhere"
    label = f"an initialisation is expected, this is {describe(value)}"
    raise SpecError(Diagnostic("A403", expr.span, label, help=help))


def init_rule(call: ast.Call, context: Context) -> InitRule:
    """The statement `init normal 0.01 bias=1`.

    Raises:
        SpecError: it names no initialisation, or gives it what it does not take.
    """
    bias: Initializer | None = None
    positional: list[ast.Argument] = []
    named: dict[str, tuple[Value, Span]] = {}
    for argument in call.arguments:
        if argument.key is None:
            positional.append(argument)
        elif argument.key == "bias":
            bias = initializer(argument.value, context)
        else:
            named[argument.key] = (_word_or_value(argument.value, context), argument.value.span)
    kernel: Initializer | None = None
    if positional:
        first, *rest = positional
        if isinstance(first.value, ast.Name) and first.value.id in INITIALIZERS:
            values = [(_word_or_value(a.value, context), a.span) for a in rest]
            kernel = _initializer(first.value.id, values, named, call.span)
        elif rest or named:
            label = "no initialisation has this name"
            help = f"there are {', '.join(INITIALIZERS)}"
            raise SpecError(Diagnostic("A301", first.span, label, help=help))
        else:
            kernel = initializer(first.value, context)
    elif bias is None:
        label = "`init` names how weights start"
        raise SpecError(Diagnostic("A402", call.span, label, help="for example `init he bias=0`"))
    return InitRule(kernel, bias, call.span)


def _word_or_value(expr: ast.Expr, context: Context) -> Value:
    """The arguments of an initializer may be words: `init he mode=fan_out`."""
    unknown = isinstance(expr, ast.Name) and context.scope.find(expr.id) is None
    return expr.id if unknown and isinstance(expr, ast.Name) else evaluate(expr, context)


def _initializer(
    name: str,
    positional: list[tuple[Value, Span]],
    named: dict[str, tuple[Value, Span]],
    span: Span,
) -> Initializer:
    cls = INITIALIZERS[name]
    fields = [f for f in cls.model_fields if f != "name"]
    if len(positional) > cls.positional:
        raise SpecError(
            Diagnostic("A404", positional[cls.positional][1], f"`{name}` takes {fields}")
        )
    values = dict(zip(fields, positional, strict=False)) | named
    try:
        return cls(**{k: float(v) if isinstance(v, int) else v for k, (v, _) in values.items()})  # pyright: ignore[reportArgumentType]
    except (ValidationError, TypeError) as error:
        bad = str(error.errors()[0]["loc"][0]) if isinstance(error, ValidationError) else ""
        where = values[bad][1] if bad in values else span
        label = f"`{name}` cannot take this" if bad in fields else f"`{name}` has no `{bad}`"
        help = f"`{name}` takes {', '.join(fields)}" if fields else f"`{name}` takes nothing"
        raise SpecError(Diagnostic("A403", where, label, help=help)) from None


def default_rule(cls: type[Op], call: ast.Call, context: Context) -> Default:
    """The statement `default conv bias=false`, its layer already looked up."""
    arguments = call.arguments[1:]
    for argument in arguments:
        if argument.key is None:
            label = "a default is given by name"
            raise SpecError(
                Diagnostic("A404", argument.span, label, help="`default conv bias=false`")
            )
    values, init = keywords(cls, arguments, context)
    return Default(cls, values, init, call.span)
