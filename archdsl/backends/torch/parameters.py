"""The parameters of a class that stands for several calls of a block.

The calls' modules are laid side by side. A literal that is the same in all stays a literal; one
that varies becomes a parameter of the constructor: the block's own argument where that explains it
(or a multiple of it), else the channels that come in, else a parameter named after the layer. A
module that some calls lack is made where a flag says so.
"""

from __future__ import annotations

import keyword
from collections.abc import Set
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from archdsl.backends.torch.calls import Argument, Call, Slot, literal, slots
from archdsl.backends.torch.draft import RESERVED, Draft
from archdsl.backends.torch.tree import Tree
from archdsl.ir.shapes import channels

ABSENT: Any = ...  # the value of a literal in a call that lacks the module
Column = tuple[Any, ...]  # the value of one literal in each of the calls


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    column: Column
    default: Any = ABSENT


@dataclass(eq=False)
class Template:
    """A class to be printed: the drafts it stands for, its parameters, a text for each literal."""

    name: str
    drafts: list[Draft]
    """The first one has every module and every line of the class."""
    optional: tuple[str, ...] = ()
    """The modules that some of the drafts lack."""
    parameters: list[Parameter] = field(default_factory=list[Parameter])
    texts: list[str] = field(default_factory=list[str])
    flags: dict[str, str] = field(default_factory=dict[str, str])
    """The parameter that decides about each optional module."""


def infer(template: Template, tree: Tree, classes: set[str]) -> None:
    """Find the parameters that explain the literals that vary, and the modules that come and go.

    No parameter is called as one of the `classes`.
    """
    drafts = template.drafts
    known = _explanations(drafts, tree, classes)
    used: dict[str, Parameter] = {}
    entries = [dict(d.entries) for d in drafts]
    for name, call in drafts[0].entries:
        made = [e.get(name) for e in entries]
        values = [[s.value for s in slots(c)] if c else [ABSENT] * len(made) for c in made]
        for i, slot in enumerate(slots(call)):
            column = tuple(v[i] if c else ABSENT for v, c in zip(values, made, strict=True))
            template.texts.append(_text(column, slot, known, used))
        if name in template.optional:
            column = tuple(c is not None for c in made)
            template.flags[name] = _text(column, Slot(True, name), known, used)
    order = [p.name for p in known]
    ranked = sorted(used.values(), key=lambda p: order.index(p.name) if p in known else len(order))
    # The channels that come in lead, and what has a default closes, as Python demands.
    ranked.sort(key=lambda p: (p.default is not ABSENT, p.name != "in_channels"))
    template.parameters = ranked


def construct(template: Template, i: int) -> Call:
    """The call that makes the i-th of a class's modules."""
    arguments = [
        Argument(None if p.default is ABSENT else p.name, Slot(p.column[i], p.name), p.default)
        for p in template.parameters
    ]
    return Call(template.name, tuple(arguments))


def _text(column: Column, slot: Slot, known: list[Parameter], used: dict[str, Parameter]) -> str:
    """A literal of the class: what all the calls have, or a parameter, perhaps a new one."""
    candidates = [*known, *used.values()]
    given = [v for v in column if v is not ABSENT]
    text, by = _explained(column, candidates)
    if not text and isinstance(slot.value, tuple):
        text, by = _side_by_side(column, candidates)
    if not text:
        default = False if isinstance(slot.value, bool) else ABSENT
        if len(given) < len(column):
            default = given[0]
        full = tuple(default if v is ABSENT else v for v in column)
        by = [Parameter(_unused(slot, used, known), full, default)]
        text = by[0].name
    used |= {p.name: used.get(p.name, p) for p in by}
    return text


def _explained(column: Column, candidates: list[Parameter]) -> tuple[str, list[Parameter]]:
    """The value that all the calls have, or a parameter that gives each its own; else nothing."""
    given = [v for v in column if v is not ABSENT]
    if all(_same(v, given[0]) for v in given):
        return literal(given[0]), []
    same = ((p.name, p) for p in candidates if _matches(column, p))
    found = chain(same, ((_multiple(column, p), p) for p in candidates))
    return next(((text, [p]) for text, p in found if text), ("", []))


def _side_by_side(column: Column, candidates: list[Parameter]) -> tuple[str, list[Parameter]]:
    """A tuple explained side by side, where every side is; else nothing."""
    given = [v for v in column if v is not ABSENT]
    if len({len(v) if isinstance(v, tuple) else 0 for v in given}) > 1:  # pyright: ignore
        return "", []
    sides = [
        _explained(tuple(v if v is ABSENT else v[i] for v in column), candidates)
        for i in range(len(given[0]))
    ]
    if not all(text for text, _ in sides):
        return "", []
    return f"({', '.join(text for text, _ in sides)})", [p for _, by in sides for p in by]


def _explanations(drafts: list[Draft], tree: Tree, classes: set[str]) -> list[Parameter]:
    """What the parameters may be: the block's arguments, then the channels that come in."""
    scopes = [d.level.scope for d in drafts]
    found: list[Parameter] = []
    for name in scopes[0].arguments:
        column = tuple(_as_literal(s.arguments.get(name)) for s in scopes)
        if all(isinstance(v, int | float | str | tuple) for v in column):
            defaults = {_as_literal(s.arguments[name]) for s in scopes if name in s.defaulted}
            default = defaults.pop() if len(defaults) == 1 else ABSENT
            found.append(Parameter(_safe(name, RESERVED | classes), column, default))
    if all(len(d.inputs) == 1 for d in drafts):
        shapes = tree.graph.shapes
        column = tuple(channels(shapes[d.inputs[0]]) for d in drafts)
        if "in_channels" not in {p.name for p in found}:
            found.append(Parameter("in_channels", column))
    return found


def _safe(name: str, taken: Set[str]) -> str:
    """A block's parameter in Python, where `__name` would be another name in each class."""
    name = f"arg{name}" if name.startswith("_") else name
    return f"{name}_" if keyword.iskeyword(name) or name in taken else name


def _as_literal(value: Any) -> Any:
    """A block's argument as constructors are given it: a size as its side, or as a tuple."""
    if isinstance(value, list | tuple) and len(value) == 2:  # pyright: ignore
        first, second = value  # pyright: ignore[reportUnknownVariableType]
        if type(first) is int and type(second) is int:  # pyright: ignore
            return first if first == second else (first, second)
    return value  # pyright: ignore[reportUnknownVariableType]


def _matches(column: Column, parameter: Parameter) -> bool:
    """Whether a parameter is what the calls have."""
    pairs = zip(column, parameter.column, strict=True)
    return all(a is ABSENT or _same(a, b) for a, b in pairs)


def _multiple(column: Column, parameter: Parameter) -> str:
    """The column as a multiple or a fraction of a parameter; else nothing."""
    pairs = [p for p in zip(column, parameter.column, strict=True) if p[0] is not ABSENT]
    if not all(type(a) is int and type(b) is int and a >= 0 and b > 0 for a, b in pairs):
        return ""
    value, base = pairs[0]
    if value % base == 0 and all(a == b * (value // base) for a, b in pairs):
        return f"{value // base} * {parameter.name}"
    if value and base % value == 0 and all(a * (base // value) == b for a, b in pairs):
        return f"{parameter.name} // {base // value}"
    if all(a == b // 2 for a, b in pairs):  # the padding of an odd kernel
        return f"{parameter.name} // 2"
    return ""


def _same(a: Any, b: Any) -> bool:
    """Whether a literal is a parameter's value; an integer does where a number is wanted."""
    return a == b and (type(a) is type(b) or (type(a) is float and type(b) is int))


def _unused(slot: Slot, used: dict[str, Parameter], known: list[Parameter]) -> str:
    """A name for a parameter that nothing explains."""
    name = slot.hint if slot.hint.isidentifier() else f"layer{slot.hint}"
    taken = set(used) | {p.name for p in known} | RESERVED
    number = 2
    unique = name
    while unique in taken or keyword.iskeyword(unique):
        unique, number = f"{name}_{number}", number + 1
    return unique
