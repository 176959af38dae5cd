"""One module drafted: what its `__init__` makes and what its `forward` does, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from archdsl.backends.torch.calls import Argument, Call, Raw, Slot
from archdsl.backends.torch.tree import Level, Tree
from archdsl.ir import Node, Output
from archdsl.ir.records import TorchExpression, TorchModule, TorchParameter
from archdsl.ir.shapes import Shape

SPARE = ("y", "z", "u", "v", "w")  # names of tensors that are alive beside `x`

Starts = tuple[tuple[str, tuple[str, ...]], ...]
"""Weights by name, each with the function that starts it and the function's arguments."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of `forward`: `output = template(inputs)`; the tensors are paths of the IR."""

    output: str
    inputs: tuple[str, ...]
    template: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Result:
    """One tensor that a module gives: `template(tensor)`, perhaps in training only."""

    tensor: str
    template: str = "{0}"
    training: bool = False


@dataclass(eq=False)
class Draft:
    """A module before it is printed."""

    level: Level
    inputs: list[str]
    outputs: dict[str, Result]
    """What it gives, by name; a block gives one, called `out`."""
    entries: list[tuple[str, Call]] = field(default_factory=list[tuple[str, Call]])
    steps: list[Step] = field(default_factory=list[Step])
    starts: list[tuple[str, Starts]] = field(default_factory=list["tuple[str, Starts]"])
    """Layers whose weights the spec starts, by their paths inside the module."""
    helpers: dict[str, str] = field(default_factory=dict[str, str])
    """Sources of the classes that torch lacks, by name."""


class Drafter:
    """Drafts the module of a level; `construct` gives the call that makes a block's module."""

    def __init__(self, tree: Tree, construct: Callable[[Level], Call]) -> None:
        self.tree = tree
        self.construct = construct

    def draft(self, level: Level) -> Draft:
        inputs, outputs = self.tree.boundary(level)
        heads: dict[str, Output] = {}
        draft = Draft(level, inputs, {"out": Result(outputs[0])} if outputs else {})
        if level is self.tree.root:
            heads = self.tree.heads()
            draft.inputs = [i.name for i in self.tree.graph.inputs]
            draft.outputs = {o.name: Result(o.node) for o in self.tree.graph.outputs}
        access: dict[str, str] = {}
        for child in level.children:
            path = child.scope.path if isinstance(child, Level) else child.path
            if is_module(child):
                draft.entries.append((child.name, self._made(draft, child)))
            if path in heads:
                draft.outputs[path] = self._result(child, heads[path])
            elif isinstance(child, Level):
                self._level(draft, child, f"self.{child.name}", access)
            else:
                self._node(draft, child, f"self.{child.name}", access)
        return draft

    def _result(self, child: Node | Level, head: Output) -> Result:
        """An output that is made where it is returned, so that an auxiliary one costs nothing."""
        reads = self.tree.boundary(child)[0] if isinstance(child, Level) else child.inputs
        takes = child.torch.takes if isinstance(child, Node) else "{0}"  # pyright: ignore
        return Result(reads[0], f"self.{child.name}({takes})", head.kind == "auxiliary")

    def _node(self, draft: Draft, node: Node, own: str, access: dict[str, str]) -> None:
        """A layer's line of `forward`."""
        access[node.path] = access.get(node.shares or "", own)
        lowering = node.torch
        if isinstance(lowering, TorchExpression):
            names = ", ".join(f"{{{i}}}" for i in range(len(node.inputs)))
            template = lowering.template.replace("{inputs}", names)
        elif isinstance(lowering, TorchParameter):
            template = lowering.template.replace("{weight}", access[node.path])
        else:
            template = f"{access[node.path]}({lowering.takes})"
        draft.steps.append(Step(node.path, node.inputs, template, node.shape))

    def _own(self, draft: Draft, node: Node) -> Call:
        """The call that makes a layer's module or its bare tensor."""
        lowering = node.torch
        if isinstance(lowering, TorchModule):
            return self._module(draft, node, lowering)
        if isinstance(lowering, TorchExpression):
            raise TypeError(f"{node.path} is no module")
        if not node.init:
            draft.starts.append((node.name, (("", lowering.start),)))
        self._start(draft, node)
        sides = tuple(Argument(None, Slot(n, f"{node.name}_size")) for n in lowering.shape)
        return Call("nn.Parameter", (Argument(None, Call("torch.zeros", sides)),))

    def _module(self, draft: Draft, node: Node, lowering: TorchModule) -> Call:
        if lowering.helper:
            draft.helpers[lowering.name] = lowering.helper
        self._start(draft, node)
        arguments = [
            Argument(
                None if i < lowering.positional else key,
                Slot(value, f"{node.name}_{key}"),
                lowering.defaults.get(key, ...),
            )
            for i, (key, value) in enumerate(lowering.arguments.items())
        ]
        if lowering.overwrites and self.tree.may_overwrite(node):
            arguments.append(Argument("inplace", Raw("True")))
        return Call(lowering.name, tuple(arguments))

    def _start(self, draft: Draft, node: Node) -> None:
        if node.init:
            path = node.path.removeprefix(draft.level.scope.path).lstrip(".")
            draft.starts.append((path, tuple((k, i.torch()) for k, i in node.init.items())))

    def _level(self, draft: Draft, level: Level, own: str, access: dict[str, str]) -> None:
        """A level's lines of `forward`: one call, or its layers one by one."""
        kind = self._kind(level)
        here = access[level.scope.path] = access.get(level.scope.shares or "", own)
        if kind in ("", "nn.Sequential"):
            takes = "{0}" if not kind else self.tree.chain(level)
            reads, gives = self.tree.boundary(level)
            if gives:  # otherwise nobody reads it
                shape = self.tree.graph.by_path[gives[0]].shape
                draft.steps.append(Step(gives[0], tuple(reads), f"{here}({takes})", shape))
            return
        for child in level.children:
            index = f"[{child.name}]" if kind == "nn.ModuleList" else f'["{child.name}"]'
            if isinstance(child, Level):
                self._level(draft, child, here + index, access)
            else:
                self._node(draft, child, here + index, access)

    def _kind(self, level: Level) -> str:
        """The container that a level is; a block is none, but a class of its own."""
        if level.scope.kind == "block":
            return ""
        if self.tree.chain(level) is not None:
            return "nn.Sequential"
        names = [c.name for c in level.children if is_module(c)]
        numbered = all(name == str(i) for i, name in enumerate(names))
        return "nn.ModuleList" if numbered else "nn.ModuleDict"

    def _made(self, draft: Draft, child: Node | Level) -> Call:
        """The call that makes a module."""
        if isinstance(child, Node):
            return self._own(draft, child)
        kind = self._kind(child)
        if not kind:
            return self.construct(child)
        items = tuple((c.name, self._made(draft, c)) for c in child.children if is_module(c))
        return Call(kind, items=items)


def is_module(child: Node | Level) -> bool:
    """Whether something in a level is a module, and not an expression of `forward`."""
    if isinstance(child, Level):
        return child.scope.shares is None
    return child.shares is None and not isinstance(child.torch, TorchExpression)


@dataclass(frozen=True, slots=True)
class Forward:
    """A `forward` before it is printed: lines are (variable, expression, shape)."""

    parameters: tuple[str, ...]
    lines: tuple[tuple[str, str, Shape], ...]
    results: tuple[tuple[str, str, bool], ...]
    """What is returned: its name, the expression, whether in training only."""


def forward(draft: Draft) -> Forward:
    """The parameters, lines and results of a module's `forward`.

    A tensor takes over the variable of an input that nobody reads afterwards; so a pipeline is all
    `x`, and what is alive beside it gets a name of its own.
    """
    last_use = {t: i for i, step in enumerate(draft.steps) for t in step.inputs}
    last_use |= {result.tensor: len(draft.steps) for result in draft.outputs.values()}
    parameters = ["x"] if len(draft.inputs) == 1 else list(draft.inputs)
    held = dict(zip(draft.inputs, parameters, strict=True))
    found: list[tuple[str, str, Shape]] = []
    for i, step in enumerate(draft.steps):
        names = [held[t] for t in step.inputs]
        expression = step.template.format(*names)
        free = [held[t] for t in dict.fromkeys(step.inputs) if last_use[t] <= i]
        for tensor in [t for t in held if last_use.get(t, -1) <= i]:
            del held[tensor]
        if step.output not in last_use:
            name = "_"  # nobody reads it
        else:
            used = set(held.values())
            name = min((f for f in free if f not in used), key=lambda n: n != "x", default="")
            name = name or _fresh(used | set(parameters))
            held[step.output] = name
        found.append((name, expression, step.shape))
    results = [
        (name, result.template.format(held.get(result.tensor, parameters[0])), result.training)
        for name, result in draft.outputs.items()
    ]
    return Forward(tuple(parameters), tuple(found), tuple(results))


def _fresh(used: set[str]) -> str:
    """A name for a tensor that is alive beside those in use."""
    spare = next((n for n in SPARE if n not in used), None)
    if spare:
        return spare
    number = 1
    while f"t{number}" in used:
        number += 1
    return f"t{number}"
