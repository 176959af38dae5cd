"""One class for the calls of a block that differ in their numbers, or by a module, alone."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archdsl.backends.torch.calls import Call, skeleton
from archdsl.backends.torch.chain import chained
from archdsl.backends.torch.draft import (
    RESERVED,
    Draft,
    Drafter,
    Forward,
    Starts,
    forward,
    modules_in,
)
from archdsl.backends.torch.parameters import Template, construct, infer
from archdsl.backends.torch.tree import Level, Tree
from archdsl.ir import Graph
from archdsl.ir.records import TorchExpression, TorchModule

MOST_OPTIONAL = 3  # modules that come and go; beyond them two classes read better than one


class Classes:
    """The classes of a network's blocks, the inner ones first; the call that makes each block."""

    def __init__(self, tree: Tree, reserved: set[str]) -> None:
        self.tree = tree
        self.templates: list[Template] = []
        self.calls: dict[str, Call] = {}
        self.names = set(reserved)
        self.drafter = Drafter(tree, lambda level: self.calls[level.scope.path])
        for levels in _by_height(tree.root):
            self._gather([chained(self.drafter.draft(level)) for level in levels])

    def _gather(self, drafts: list[Draft]) -> None:
        groups: dict[Any, _Group] = {}
        for draft in drafts:
            form = _Form.of(draft)
            groups.setdefault(form.key(), _Group(form, [])).drafts.append(draft)
        merged = _merge(list(groups.values()))
        for group in merged:
            template = Template(self._name(group, merged), group.drafts, group.optional)
            infer(template, self.tree, self.names)
            self.templates.append(template)
            for i, draft in enumerate(group.drafts):
                self.calls[draft.level.scope.path] = construct(template, i)

    def _name(self, group: _Group, groups: list[_Group]) -> str:
        """The block's name; where it makes several classes, with what this one adds to the others.

        That is modules, or else joins: `BlockDownsample`, `BlockAdd`.
        """
        definition = group.form.definition
        alike = [g.form for g in groups if g.form.definition == definition]
        names = set(alike[0].names).intersection(*(f.names for f in alike))
        joins = set(alike[0].joins).intersection(*(f.joins for f in alike))
        extra = [name for name in group.form.names if name not in names]
        extra = extra or [word for word in group.form.joins if word not in joins]
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
    >>> class_name("none"), class_name("_3")
    ('BlockNone', 'Block3')
    """
    name = "".join(p[:1].upper() + p[1:] for p in re.split(r"_+", word) if p)
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"Block{name}"


def network_class(graph: Graph) -> str:
    """What the class of the network itself is called."""
    name = class_name(graph.name)
    return f"{name}Network" if name in RESERVED | helpers(graph) else name


def helpers(graph: Graph) -> set[str]:
    """The classes that the file defines because torch lacks them."""
    lowerings = (node.torch for node in graph.nodes)
    return {x.name for x in lowerings if isinstance(x, TorchModule) and x.helper}


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


# Which calls are one class


@dataclass(frozen=True, slots=True)
class _Form:
    """What two calls of a block must share to be one class."""

    definition: str
    entries: tuple[tuple[str, Any], ...]
    starts: tuple[tuple[str, Starts], ...]
    forward: Forward
    joins: tuple[str, ...]

    @classmethod
    def of(cls, draft: Draft) -> _Form:
        entries = tuple((name, skeleton(call)) for name, call in draft.entries)
        definition = draft.level.scope.definition
        layers = [c for c in draft.level.children if not isinstance(c, Level)]
        joins = tuple(n.op.name for n in layers if isinstance(n.torch, TorchExpression))
        return cls(definition, entries, tuple(draft.starts), forward(draft), joins)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.entries)

    def key(self, without: frozenset[str] = frozenset()) -> Any:
        """The form but for some of its modules, and for the shapes."""
        entries = tuple(e for e in self.entries if e[0] not in without)
        starts = tuple(s for s in self.starts if s[0].partition(".")[0] not in without)
        lines = tuple(x[:2] for x in self.forward.lines if not modules_in(x[1]) & without)
        return (
            self.definition,
            entries,
            starts,
            lines,
            self.forward.parameters,
            self.forward.results,
        )


@dataclass(eq=False, slots=True)
class _Group:
    form: _Form
    drafts: list[Draft]
    optional: tuple[str, ...] = ()


def _merge(groups: list[_Group]) -> list[_Group]:
    """The groups, those that only lack modules of another taken into that one."""
    kept: list[_Group] = []
    for group in sorted(groups, key=lambda g: -len(g.form.entries)):
        for model in kept:
            lacking = _lacking(group.form, model.form)
            if lacking:
                model.drafts += group.drafts
                every = {*model.optional, *lacking}
                model.optional = tuple(name for name in model.form.names if name in every)
                break
        else:
            kept.append(group)
    return sorted(kept, key=groups.index)


def _lacking(small: _Form, large: _Form) -> frozenset[str]:
    """The modules without which a form is another; none where they differ by more than that."""
    extra = frozenset(large.names) - set(small.names)
    if small.definition != large.definition or not 0 < len(extra) <= MOST_OPTIONAL:
        return frozenset()
    # A module can be left out where it takes the place of its own input: `x = self.name(x)`.
    for variable, expression, _ in large.forward.lines:
        found = modules_in(expression) & extra
        if found and expression not in {f"self.{name}({variable})" for name in found}:
            return frozenset()
    return extra if large.key(extra) == small.key() else frozenset()
