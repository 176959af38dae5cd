"""One class for the calls of a block that differ in their numbers alone.

The calls' modules are laid side by side. A literal that is the same in all stays a literal; one
that varies becomes a parameter of the constructor: the block's own argument where that explains it
(or a multiple of it), else the channels that come in, else a parameter named after the layer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from archdsl.backends.torch.calls import Argument, Call, Slot, literal, skeleton, slots
from archdsl.backends.torch.draft import Draft, Drafter, forward
from archdsl.backends.torch.tree import Level, Tree
from archdsl.ir.shapes import channels

Column = tuple[Any, ...]  # the value of one literal in each of the calls


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    column: Column
    default: Any = ...


@dataclass(eq=False)
class Template:
    """A class to be printed: the drafts it stands for, its parameters, a text for each literal."""

    name: str
    drafts: list[Draft]
    parameters: list[Parameter] = field(default_factory=list[Parameter])
    texts: list[str] = field(default_factory=list[str])


class Classes:
    """The classes of a network's blocks, the inner ones first; the call that makes each block."""

    def __init__(self, tree: Tree, reserved: set[str]) -> None:
        self.tree = tree
        self.templates: list[Template] = []
        self.calls: dict[str, Call] = {}
        self.names = set(reserved)
        self.drafter = Drafter(tree, lambda level: self.calls[level.scope.path])
        for levels in _by_height(tree.root):
            self._gather([self.drafter.draft(level) for level in levels])

    def _gather(self, drafts: list[Draft]) -> None:
        groups: dict[Any, list[Draft]] = {}
        for draft in drafts:
            groups.setdefault(_key(draft), []).append(draft)
        for group in groups.values():
            template = Template(self._name(group, list(groups.values())), group)
            _infer(template, self.tree)
            self.templates.append(template)
            for i, draft in enumerate(group):
                self.calls[draft.level.scope.path] = _construct(template, i)

    def _name(self, group: list[Draft], groups: list[list[Draft]]) -> str:
        """The block's name; where it makes several classes, with the modules that this one adds."""
        definition = group[0].level.scope.definition
        entries = [
            {name for name, _ in g[0].entries}
            for g in groups
            if g[0].level.scope.definition == definition
        ]
        common = set[str].intersection(*entries)
        extra = [name for name, _ in group[0].entries if name not in common]
        base = class_name("_".join([definition, *extra[:2]]))
        name, number = base, 2
        while name in self.names:
            name, number = f"{base}{number}", number + 1
        self.names.add(name)
        return name


def class_name(word: str) -> str:
    """A word of the language as a class is called.

    >>> class_name("basic_block"), class_name("vgg16")
    ('BasicBlock', 'Vgg16')
    """
    return "".join(p[:1].upper() + p[1:] for p in re.split(r"_+", word) if p) or "Block"


def _by_height(root: Level) -> Iterator[list[Level]]:
    """The block levels, those without blocks inside first."""
    heights: dict[int, list[Level]] = {}
    known: dict[int, int] = {}
    for level in root.levels():
        inner = [known[id(c)] for c in level.children if isinstance(c, Level)]
        height = max(inner, default=0)
        if level.scope.kind == "block" and level.scope.shares is None:
            heights.setdefault(height, []).append(level)
            height += 1
        known[id(level)] = height
    for height in sorted(heights):
        yield heights[height]


def _key(draft: Draft) -> Any:
    """What two calls of a block must share to be one class."""
    made = forward(draft)
    entries = tuple((name, skeleton(call)) for name, call in draft.entries)
    lines = tuple((name, expression) for name, expression, _ in made.lines)
    definition = draft.level.scope.definition
    return definition, entries, made.parameters, lines, made.results, tuple(draft.starts)


def _infer(template: Template, tree: Tree) -> None:
    """Find the parameters that explain the literals that vary."""
    drafts = template.drafts
    rows = [[s for _, call in d.entries for s in slots(call)] for d in drafts]
    known = _explanations(drafts, tree)
    used: dict[str, Parameter] = {}
    for column_slots in zip(*rows, strict=True):
        column = tuple(s.value for s in column_slots)
        if all(_same(v, column[0]) for v in column):
            template.texts.append(literal(column[0]))
            continue
        for parameter in [*known, *(p for p in used.values() if p not in known)]:
            text = _explain(column, parameter)
            if text:
                break
        else:
            parameter = Parameter(_unused(column_slots[0], used, known), column)
            text = parameter.name
        used.setdefault(parameter.name, parameter)
        template.texts.append(text)
    order = [p.name for p in known]
    ranked = sorted(used.values(), key=lambda p: order.index(p.name) if p in known else len(order))
    # The channels that come in lead, and what has a default closes, as Python demands.
    ranked.sort(key=lambda p: (p.default is not ..., p.name != "in_channels"))
    template.parameters = ranked


def _explanations(drafts: list[Draft], tree: Tree) -> list[Parameter]:
    """What the parameters may be: the block's arguments, then the channels that come in."""
    scopes = [d.level.scope for d in drafts]
    found: list[Parameter] = []
    for name in scopes[0].arguments:
        column = tuple(s.arguments.get(name) for s in scopes)
        if all(isinstance(v, int | float | str) for v in column):
            defaults = {s.arguments[name] for s in scopes if name in s.defaulted}
            default = defaults.pop() if len(defaults) == 1 else ...
            found.append(Parameter(name, column, default))
    if all(len(d.inputs) == 1 for d in drafts):
        shapes = tree.graph.shapes
        column = tuple(channels(shapes[d.inputs[0]]) for d in drafts)
        if "in_channels" not in {p.name for p in found}:
            found.append(Parameter("in_channels", column))
    return found


def _explain(column: Column, parameter: Parameter) -> str:
    """The column in terms of a parameter: itself, a multiple, or a fraction; else nothing."""
    pairs = list(zip(column, parameter.column, strict=True))
    if all(_same(a, b) for a, b in pairs):
        return parameter.name
    if not all(type(a) is int and type(b) is int and a > 0 and b > 0 for a, b in pairs):
        return ""
    value, base = pairs[0]
    if value % base == 0 and all(a == b * (value // base) for a, b in pairs):
        return f"{value // base} * {parameter.name}"
    if base % value == 0 and all(a * (base // value) == b for a, b in pairs):
        return f"{parameter.name} // {base // value}"
    return ""


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a == b


def _unused(slot: Slot, used: dict[str, Parameter], known: list[Parameter]) -> str:
    """A name for a parameter that nothing explains."""
    name = slot.hint if slot.hint.isidentifier() else f"layer{slot.hint}"
    taken = set(used) | {p.name for p in known}
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def _construct(template: Template, i: int) -> Call:
    """The call that makes the i-th of a class's modules."""
    arguments = [
        Argument(None if p.default is ... else p.name, Slot(p.column[i], p.name), p.default)
        for p in template.parameters
    ]
    return Call(template.name, tuple(arguments))
