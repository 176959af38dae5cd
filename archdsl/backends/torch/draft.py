"""One module drafted: what its `__init__` makes and what its `forward` does, step by step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from archdsl.backends.torch.calls import Argument, Call, Raw, Slot
from archdsl.backends.torch.tree import Level, Tree
from archdsl.ir import Node, Output
from archdsl.ir.records import TorchExpression, TorchModule, TorchParameter
from archdsl.ir.shapes import Shape

SPARE = ("x", "y", "z", "u", "v", "w")  # names of tensors: the pipeline's, and those beside it
RESERVED = frozenset(
    {"self", "super", "range", "layer", "i", "_", "torch", "nn", "Tensor", "OrderedDict"}
)
"""What the generated text means by these names, so no parameter or variable may have them."""

Starts = tuple[tuple[str, tuple[str, ...]], ...]
"""Weights by name, each with the function that starts it and the function's arguments."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of `forward`: `output = template(inputs)`; the tensors are paths of the IR."""

    output: str
    inputs: tuple[str, ...]
    template: str
    shape: Shape
    label: str = ""
    """What the spec calls the tensor, where it has a name of its own."""


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
            draft.outputs = {
                o.name: Result(o.node, f"{{0}}{self.tree.back(o.node)}", o.kind == "auxiliary")
                for o in self.tree.graph.outputs
            }
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
        own, training = f"self.{child.name}", head.kind == "auxiliary"
        back = self.tree.back(head.node)
        if isinstance(child, Level):
            takes = self.tree.chain(child) if child.scope.kind == "sequence" else None
            expression = f"{own}({takes or '{0}'}){back}"
            return Result(self.tree.boundary(child)[0][0], expression, training)
        return Result(child.inputs[0], f"{self._expression(child, own)}{back}", training)

    def _node(self, draft: Draft, node: Node, own: str, access: dict[str, str]) -> None:
        """A layer's line of `forward`."""
        here = access[node.path] = access.get(node.shares or "", own)
        template = self._expression(node, here)
        label = _label(node.name, node.op.name)
        draft.steps.append(Step(node.path, node.inputs, template, node.shape, label))

    def _expression(self, node: Node, own: str) -> str:
        """What a layer is in `forward`; `own` is its module or its bare tensor."""
        return self.tree.moved(node, self._unmoved(node, own))

    def _unmoved(self, node: Node, own: str) -> str:
        lowering = node.torch
        if isinstance(lowering, TorchExpression):
            names = ", ".join(f"{{{i}}}" for i in range(len(node.inputs)))
            return lowering.template.replace("{inputs}", names)
        if isinstance(lowering, TorchParameter):
            return lowering.template.replace("{weight}", own)
        return lowering.inline or f"{own}({lowering.takes})"

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
        if node.path in self.tree.graph.in_place:
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
                label = _label(level.name, level.scope.definition or "sequence")
                step = Step(gives[0], tuple(reads), f"{here}({takes})", shape, label)
                draft.steps.append(step)
            return
        for child in level.children:
            inner = self._inside(draft, level, child.name, kind, here)
            if isinstance(child, Level):
                self._level(draft, child, inner, access)
            else:
                self._node(draft, child, inner, access)

    def _inside(self, draft: Draft, level: Level, name: str, kind: str, here: str) -> str:
        """What is in a container of `self`; deeper down by its path, as an index has no type."""
        if re.fullmatch(r"self\.\w+", here):
            return f"{here}[{name}]" if kind == "nn.ModuleList" else f'{here}["{name}"]'
        path = f"{level.scope.shares or level.scope.path}.{name}"
        inner = path.removeprefix(draft.level.scope.path).lstrip(".")
        return f'self.get_submodule("{inner}")'

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
        chained = kind == "nn.Sequential"
        made = [c for c in child.children if is_module(c, chained)]
        return Call(kind, items=tuple((c.name, self._made(draft, c)) for c in made))


def is_module(child: Node | Level, chained: bool = False) -> bool:
    """Whether something in a level is a module, and not an expression of `forward`.

    In a chain of modules everything is one.
    """
    if isinstance(child, Level):
        return child.scope.shares is None
    lowering = child.torch
    if child.shares is not None or isinstance(lowering, TorchExpression):
        return False
    return chained or isinstance(lowering, TorchParameter) or not lowering.inline


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
    `x`. What stays alive beside it has the name that the spec gives it, else a letter.
    """
    last_use = {t: i for i, step in enumerate(draft.steps) for t in step.inputs}
    last_use |= {result.tensor: len(draft.steps) for result in draft.outputs.values()}
    parameters = ["x"] if len(draft.inputs) == 1 else _parameters(draft.inputs)
    labels = _labels(draft, last_use, set(parameters))
    fixed = {*labels.values(), *parameters} - {"x"}
    read = {t: name for t, name in zip(draft.inputs, parameters, strict=True) if t in last_use}
    held = _Held(read, fixed)
    found: list[tuple[str, str, Shape]] = []
    for i, step in enumerate(draft.steps):
        expression = step.template.format(*(held.names[t] for t in step.inputs))
        ended = [held.release(t) for t in dict.fromkeys(step.inputs) if last_use[t] == i]
        if step.output not in last_use:
            name = "_"  # nobody reads it
        else:
            name = labels.get(step.output) or held.free(ended)
            held.hold(step.output, name)
        found.append((name, expression, step.shape))
    results = [
        (
            name,
            result.template.format(held.names.get(result.tensor, parameters[0])),
            result.training,
        )
        for name, result in draft.outputs.items()
    ]
    return Forward(tuple(parameters), tuple(found), tuple(results))


def modules_in(expression: str) -> set[str]:
    """The modules and bare tensors that a line of `forward` uses.

    >>> sorted(modules_in("self.fc1(self.layer1[0](x))"))
    ['fc1', 'layer1']
    """
    return set(re.findall(r"\bself\.(?:get_submodule\(\"|get_parameter\(\")?(\w+)", expression))


def _labels(draft: Draft, last_use: dict[str, int], parameters: set[str]) -> dict[str, str]:
    """The tensors that go by the spec's own name: those that are not read at once.

    Where branches with names meet, the last one is called by its name too.
    """
    taken = RESERVED | set(SPARE) | parameters | {"", "_"}
    count = Counter(step.label for step in draft.steps)
    own = {s.output: s.label for s in draft.steps if s.label not in taken and count[s.label] == 1}
    made = {step.output: i for i, step in enumerate(draft.steps)}
    kept = {t for t in own if last_use.get(t, -1) > made[t] + 1}
    for step in draft.steps:
        met = set(step.inputs)
        if len(met) > 1 and own.keys() >= met and len(kept & met) >= len(step.inputs) - 1:
            kept |= met
    return {t: own[t] for t in kept}


def _label(name: str, word: str) -> str:
    """The name that the spec gives something; nothing where it is numbered by its word."""
    return "" if re.fullmatch(rf"({word}|reuse)?[0-9]+", name) else name


def _parameters(inputs: list[str]) -> list[str]:
    """A network's inputs as parameters of `forward`."""
    found: list[str] = []
    for path in inputs:
        name = path.replace(".", "_")
        while name in RESERVED or name in found:
            name += "_"
        found.append(name)
    return found


class _Held:
    """The tensors that are alive, by the variables that hold them."""

    def __init__(self, names: dict[str, str], fixed: set[str]) -> None:
        self.names = names
        self.taken = Counter([*names.values(), *fixed])
        self.number = 1  # no `t` with a lower number is free

    def hold(self, tensor: str, name: str) -> None:
        self.names[tensor] = name
        self.taken[name] += 1

    def release(self, tensor: str) -> str:
        """The variable of a tensor that nobody reads any more."""
        name = self.names.pop(tensor)
        self.taken[name] -= 1
        if name[1:].isdigit():
            self.number = min(self.number, int(name[1:]))
        return name

    def free(self, preferred: list[str]) -> str:
        """A variable for a tensor: `x` or another that is preferred, else a letter, a number."""
        ranked = sorted(preferred, key=lambda name: name != "x")
        for name in (*ranked, *SPARE):
            if not self.taken[name]:
                return name
        while self.taken[f"t{self.number}"]:
            self.number += 1
        return f"t{self.number}"
