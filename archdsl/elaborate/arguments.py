"""Arguments to the fields of a word's class: a layer's, or a setting's of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeVar

from pydantic import ValidationError

from archdsl.elaborate.expressions import Context, evaluate
from archdsl.elaborate.values import Default, InitRule, LayerValue, Value, describe
from archdsl.errors import Diagnostic, SpecError, suggestion
from archdsl.ir.initializers import INITIALIZERS, Constant, Initializer
from archdsl.ir.op import Op
from archdsl.ir.records import Weight
from archdsl.ir.word import Word, written
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
    given, init_given = layer_arguments(cls, call.arguments, context)
    values: dict[str, tuple[Value, Span]] = {}
    init: dict[str, Initializer] = {}
    rules = context.scope.in_force()
    context.meter.handle(len(rules), call.span)
    for rule in rules:
        if isinstance(rule, InitRule):
            found = {"kernel": rule.kernel, "bias": rule.bias}
            init |= {role: i for role, i in found.items() if i is not None}
        elif rule.cls is cls:
            values |= rule.arguments
            init |= rule.init
    values = {**values, **layer.given, **given}
    return Bound(build(cls, values, call), {**init, **layer.init, **init_given})


def layer_arguments(
    cls: type[Op], arguments: tuple[ast.Argument, ...], context: Context
) -> tuple[dict[str, tuple[Value, Span]], dict[str, Initializer]]:
    """The arguments of a layer by the names of its fields, and its own initializers by role."""
    init: dict[str, Initializer] = {}
    own: list[ast.Argument] = []
    for argument in arguments:
        role = INIT_ARGUMENTS.get(argument.key or "")
        if role is None or argument.key in cls.arguments():
            own.append(argument)
        elif role in init:
            raise SpecError(Diagnostic("A405", argument.span, f"`{argument.key}` is given twice"))
        else:
            init[role] = initializer(argument.value, context)
    if "kernel" in init:  # said of this layer itself, so of its learned table too
        init["embedding"] = init["kernel"]
    return keywords(cls, tuple(own), context), init


def keywords(
    cls: type[Word], arguments: tuple[ast.Argument, ...], context: Context
) -> dict[str, tuple[Value, Span]]:
    """The arguments of a statement by the names of its word's fields.

    Raises:
        SpecError: an argument is unknown, given twice, one too many, or has no value.
    """
    names = list(cls.arguments())
    last = names[cls.positional - 1] if cls.variadic else ""
    values: dict[str, tuple[Value, Span]] = {}
    position = 0
    for argument in arguments:
        key = argument.key
        if key is None and position < cls.positional:
            key, position = names[position], position + 1
        elif key is None and cls.variadic:
            items, span = values[last]
            item = _value(cls, last, argument.value, context)
            span = Span(span.source, span.start, argument.span.end)
            values[last] = ([*items, item] if isinstance(items, list) else [items, item]), span
            continue
        elif key is None:
            raise _too_many(cls, argument)
        if key not in cls.arguments():
            raise _unknown(cls, argument)
        if key in values:
            raise SpecError(Diagnostic("A405", argument.span, f"`{key}` is given twice"))
        value = _value(cls, key, argument.value, context)
        values[key] = [value] if key == last and argument.key is None else value, argument.span
    return values


_W = TypeVar("_W", bound=Word)


def build(cls: type[_W], values: Mapping[str, tuple[Value, Span]], call: ast.Call) -> _W:
    """The layer or setting itself; its class checks the values.

    Raises:
        SpecError: an argument is missing, or its class does not take the value.
    """
    if missing := [name for name in _required(cls) if name not in values]:
        name = missing[0]
        label = f"`{cls.phrase()}` needs `{name}`: {cls.arguments()[name].description}"
        help = f"for example `{cls.samples[0].text}`"
        raise SpecError(Diagnostic("A402", call.name_span, label, help=help))
    try:
        return cls(**{name: value for name, (value, _) in values.items()})
    except ValidationError as error:
        found: dict[str, Diagnostic] = {}
        for each in error.errors():
            name = str(each["loc"][0])
            told = each.get("ctx", {}).get("error")  # what a validator of the class's own says
            found.setdefault(name, _wrong_kind(cls, name, *values[name], str(told or "")))
        raise SpecError(found.values()) from None


@cache
def _required(cls: type[Word]) -> tuple[str, ...]:
    return tuple(name for name, field in cls.arguments().items() if field.is_required())


def _value(cls: type[Word], name: str, expr: ast.Expr, context: Context) -> Value:
    """The value of an argument; a bare word may name one of its choices, or stand for itself."""
    choices = cls.choices(name)
    forms = {w.form for w in cls.wants(name)}
    if isinstance(expr, ast.Name):
        known = context.scope.find(expr.id)
        if expr.id in choices:
            return expr.id
        if "word" in forms:
            return known if isinstance(known, str) else expr.id
        if choices and known is None:
            help = suggestion(expr.id, choices) or f"the choices are {', '.join(choices)}"
            label = f"`{expr.id}` is no choice here"
            raise SpecError(Diagnostic("A403", expr.span, label, help=help))
    value = evaluate(expr, context)
    if "multiple" in forms and isinstance(value, ast.Multiple):
        return value.factor
    if "multiple" in forms or ("list" in forms and isinstance(value, tuple)):
        wrong = _wrong_kind(cls, name, value, expr.span)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        raise SpecError(replace(wrong, help=f"`{written(value)}x`") if number else wrong)
    return value


def wants(cls: type[Word], name: str) -> str:
    """What an argument wants, in words."""
    words = [w.words for w in cls.wants(name)]
    return " or ".join([*words, *(f"`{choice}`" for choice in cls.choices(name))])


def _wrong_kind(cls: type[Word], name: str, value: Value, span: Span, own: str = "") -> Diagnostic:
    """A value of the wrong kind; `own` is what the word's class says of it."""
    label = own or f"`{name}` is {wants(cls, name)}; this is {describe(value)}"
    return Diagnostic("A403", span, label)


def _too_many(cls: type[Word], argument: ast.Argument) -> SpecError:
    names = list(cls.arguments())[: cls.positional]
    takes = f"takes {' and '.join(f'`{n}`' for n in names)}" if names else "takes nothing"
    rest = [n for n in cls.arguments() if n not in names]
    help = f"name it: {', '.join(f'{n}=' for n in rest)}" if rest else ""
    if issubclass(cls, Op) and names and isinstance(argument.value, ast.Literal):
        help = "; ".join(filter(None, ["what comes in is inferred", help]))
    label = f"`{cls.phrase()}` {takes} without a name"
    return SpecError(Diagnostic("A404", argument.span, label, help=help))


# What other tools call arguments, where the spelling alone does not lead to them.
_ELSEWHERE = {
    "channels": "filters",
    "epsilon": "eps",
    "negative_slope": "slope",
    "num_groups": "groups",
    "num_heads": "heads",
    "out_channels": "filters",
    "out_features": "features",
    "pool_size": "kernel",
    "rate": "p",
    "units": "features",
    "use_bias": "bias",
}


def _unknown(cls: type[Word], argument: ast.Argument) -> SpecError:
    names = list(cls.arguments())
    key = argument.key or ""
    if key.startswith(("in_", "input_")):
        help = "take it out: what comes in is inferred"
    elif _ELSEWHERE.get(key) in names:
        help = f"it is called `{_ELSEWHERE[key]}` here"
    else:
        help = suggestion(key, names)
    if not help:
        help = f"it has {', '.join(names)}" if names else "it takes no arguments"
    label = f"`{cls.phrase()}` has no `{key}`"
    message = "" if issubclass(cls, Op) else "the setting has no such argument"
    return SpecError(Diagnostic("A401", argument.span, label, message, help=help))


def check_starts(cls: type[Op], call: ast.Call, weights: Mapping[str, Weight]) -> None:
    """A statement says how weights start that the layer has.

    Raises:
        SpecError: it has none of this role.
    """
    roles = {"kernel" if w.role == "embedding" else w.role for w in weights.values()}
    for argument in call.arguments:
        role = INIT_ARGUMENTS.get(argument.key or "")
        if role and role not in roles and argument.key not in cls.arguments():
            label = f"this `{cls.name}` has no {role}"
            help = f"take `{argument.key}=` out"
            raise SpecError(Diagnostic("A401", argument.span, label, help=help))


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
            named = {o.key or "": (_word_or_value(o.value, context), o.span) for o in expr.options}
            return _initializer(name, positional, named, expr.span)
        case ast.Apply(function=name):
            raise _no_initializer(name, expr.span)
        case ast.Name(id=name) if context.scope.find(name) is None:
            raise _no_initializer(name, expr.span)
        case _:
            value = evaluate(expr, context)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Constant(value=float(value))
    help = f"there are {', '.join(INITIALIZERS)}; a number is that value everywhere"
    label = f"an initialisation is expected, this is {describe(value)}"
    raise SpecError(Diagnostic("A403", expr.span, label, help=help))


def _subtracts(expr: ast.Expr) -> bool:
    """Whether an initializer and the sign of its first argument were read as a subtraction."""
    left = expr.left if isinstance(expr, ast.Binary) else None
    return isinstance(left, ast.Name) and left.id in INITIALIZERS


def _no_initializer(name: str, span: Span) -> SpecError:
    help = suggestion(name, INITIALIZERS) or f"there are {', '.join(INITIALIZERS)}"
    if "-" in name:
        help = "a negative number needs parentheses: `init uniform (-0.1) 0.1`"
    return SpecError(Diagnostic("A301", span, f"no initialisation is called `{name}`", help=help))


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
        elif rest or named or _subtracts(first.value):
            raise _no_initializer(first.span.text, first.span)
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
    values, init = layer_arguments(cls, arguments, context)
    return Default(cls, values, init, call.span)
