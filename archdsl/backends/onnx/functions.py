"""Blocks as functions of ONNX, so that a graph reads like its spec; and calls written out again.

A block's calls become one function where they are the same operators with the same attributes and
constants, called the same inside; widths and weights may differ, as those come in. A call is named
by the block's path, and what is inside by the rest of it: together they are the name that the
inlined model has. What a block reads comes first among its inputs, then its weights, under the
names that they have in the whole model.

It is done to a model that is finished but for this, so that nothing else need know of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from archdsl.ir import Graph, Scope

if TYPE_CHECKING:
    from onnx import FunctionProto, ModelProto, NodeProto, TensorProto

DOMAIN = "archdsl"

Chain = tuple[str, ...]
"""The paths of the blocks that an operator is in, the outermost first."""


def outline(
    model: ModelProto, graph: Graph, scopes: Mapping[str, str], weights: Iterable[str]
) -> None:
    """Let a model call its blocks as functions, in place.

    Args:
        model: without its weights.
        graph: the network.
        scopes: the paths of the scopes that operators are in, by their names; what is not there is
            a cast, which goes where its reader is.
        weights: the names of the weights that the model wants.
    """
    from onnx import helper

    outliner = _Outliner(model, graph, weights)
    chains = _chains(graph)
    places = [chains[""] if s is None else chains[s] for s in _placed(model, scopes)]
    nodes = outliner.level(list(zip(places, model.graph.node, strict=True)), 0, 0)
    if not outliner.bodies:
        return
    own = helper.make_opsetid(DOMAIN, 1)
    model.functions.extend(outliner.functions(nodes, own))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.opset_import.append(own)
    left = {name for node in nodes for name in (*node.input, *node.output)}
    infos = [v for v in model.graph.value_info if v.name in left]
    constants = [c for c in model.graph.initializer if c.name in left]
    del model.graph.value_info[:], model.graph.initializer[:]
    model.graph.value_info.extend(infos)
    model.graph.initializer.extend(constants)


def _chains(graph: Graph) -> dict[str, Chain]:
    """The blocks that each scope is in, by its path."""
    found: dict[str, Chain] = {}
    for scope in graph.scopes:
        above = () if scope.parent is None else found[scope.parent]
        found[scope.path] = (*above, scope.path) if scope.kind == "block" else above
    return found


def _placed(model: ModelProto, scopes: Mapping[str, str]) -> list[str | None]:
    """The scope of each operator; a cast that gives an output is where its input is made."""
    given = {o.name for o in model.graph.output}
    found: list[str | None] = []
    for node in model.graph.node:
        known = scopes.get(node.name)
        if known is None and found and given.intersection(node.output):
            known = found[-1]
        found.append(known)
    for i in reversed(range(len(found) - 1)):
        if found[i] is None:
            found[i] = found[i + 1]
    return found


class _Outliner:
    def __init__(self, model: ModelProto, graph: Graph, weights: Iterable[str]) -> None:
        self.opsets = list(model.opset_import)
        self.scopes = {scope.path: scope for scope in graph.scopes}
        self.constants = {c.name: c for c in model.graph.initializer}
        self.weights = frozenset(weights)
        self.last = {v: i for i, n in enumerate(model.graph.node) for v in n.input}
        self.last |= {o.name: len(model.graph.node) for o in model.graph.output}
        self.bodies: list[_Body] = []
        self.numbers: dict[Any, int] = {}

    def level(
        self, items: list[tuple[Chain, NodeProto]], depth: int, start: int
    ) -> list[NodeProto]:
        """Operators one after the other, those in a block deeper down replaced by its call.

        Args:
            items: operators that are in the same blocks down to a depth.
            depth: this one.
            start: the place of the first in the whole model.
        """
        parts = [
            (path, list(part))
            for path, part in groupby(items, lambda i: i[0][depth] if len(i[0]) > depth else "")
        ]
        turns = Counter(path for path, _ in parts)
        found: list[NodeProto] = []
        for path, part in parts:
            end = start + len(part)
            if not path:
                found += [node for _, node in part]
            else:
                inner = self.level(part, depth + 1, start)
                # What stands at two places cannot be one call.
                call = self._call(self.scopes[path], inner, end) if turns[path] == 1 else None
                found += inner if call is None else [call]
            start = end
        return found

    def _call(self, scope: Scope, nodes: list[NodeProto], end: int) -> NodeProto | None:
        """The call of a block; nothing where nobody reads what it makes."""
        from onnx import NodeProto

        made = dict.fromkeys(v for node in nodes for v in node.output if v)
        gives = [v for v in made if self.last.get(v, -1) >= end]
        if not gives:
            return None
        reads = dict.fromkeys(v for node in nodes for v in node.input if v)
        outside = [v for v in reads if v not in made and v not in self.constants]
        data = [v for v in outside if v not in self.weights]
        weights = [v for v in outside if v in self.weights]
        constants = [self.constants[v] for v in reads if v in self.constants]
        body = _body(_Names(scope, nodes, data, weights, list(made)), nodes, constants, gives)
        number = self.numbers.setdefault(body.key, len(self.bodies))
        if number == len(self.bodies):
            self.bodies.append(body)
        call = NodeProto(name=scope.path, domain=DOMAIN, op_type=str(number))
        call.input.extend(data + weights)
        call.output.extend(gives)
        return call

    def functions(self, nodes: Iterable[NodeProto], own: Any) -> Iterator[FunctionProto]:
        """The functions, those that others call first; calls get their names."""
        from onnx import helper

        names = _function_names(self.bodies)
        for node in nodes:
            _name(node, names)
        for body, name in zip(self.bodies, names, strict=True):
            calls = [_name(node, names) for node in body.nodes]
            opsets = [*self.opsets, own] if any(calls) else self.opsets
            yield helper.make_function(DOMAIN, name, body.inputs, body.outputs, body.nodes, opsets)


def _name(node: NodeProto, names: Sequence[str]) -> bool:
    """Let a call say which function it is of; whether it is one."""
    if node.domain == DOMAIN:
        node.op_type = names[int(node.op_type)]
    return node.domain == DOMAIN


def _function_names(bodies: Sequence[_Body]) -> list[str]:
    """Each block's name; where it makes several functions, with what this one adds to the others.

    That is parts that the others lack, else a number: `bottleneck_downsample`, `bottleneck_2`.
    """
    alike: dict[str, list[_Body]] = {}
    for body in bodies:
        alike.setdefault(body.definition, []).append(body)
    common = {d: set(b[0].labels).intersection(*(o.labels for o in b)) for d, b in alike.items()}
    found: dict[str, None] = {}
    for body in bodies:
        extra = [n for n in body.labels if n not in common[body.definition] and not n.isdigit()]
        found[free("_".join([body.definition, *extra[:2]]), found)] = None
    return list(found)


@dataclass(frozen=True, slots=True)
class _Body:
    """What a function consists of."""

    definition: str
    inputs: list[str]
    outputs: list[str]
    nodes: list[NodeProto]
    labels: tuple[str, ...]
    """What the block's own parts are called."""
    key: Any
    """What is equal where two calls are one function."""


def _body(
    names: _Names, nodes: list[NodeProto], constants: list[TensorProto], gives: list[str]
) -> _Body:
    from onnx import NodeProto, helper

    made: list[NodeProto] = []
    for constant in constants:
        name = names.values[constant.name]
        value = type(constant)()
        value.CopyFrom(constant)
        value.ClearField("name")
        made.append(helper.make_node("Constant", [], [name], name, value=value))
    for node, name in zip(nodes, names.nodes, strict=True):
        inner = NodeProto()
        inner.CopyFrom(node)
        inner.name = name
        inner.input[:] = [names.values.get(v, "") for v in node.input]
        inner.output[:] = [names.values.get(v, "") for v in node.output]
        made.append(inner)
    inputs = [names.values[v] for v in names.given]
    outputs = [names.values[v] for v in gives]
    own = (n for node in nodes if (n := names.inside(node.name)))
    labels = tuple(dict.fromkeys(n.partition("/")[0].partition(".")[0] for n in own))
    definition = names.scope.definition.replace(".", "_")
    key = definition, _numbered(inputs, made, outputs)
    return _Body(definition, inputs, outputs, made, labels, key)


def _numbered(inputs: list[str], nodes: list[NodeProto], outputs: list[str]) -> Any:
    """A body with its values numbered: where a weight is shared, they may be called otherwise."""
    from onnx import NodeProto

    numbers: dict[str, str] = {"": ""}

    def number(value: str) -> str:
        return numbers.setdefault(value, str(len(numbers)))

    first = [number(v) for v in inputs]
    parts: list[bytes] = []
    for node in nodes:
        same = NodeProto()
        same.CopyFrom(node)
        if node.op_type == "Constant":
            same.ClearField("name")
        same.input[:] = [number(v) for v in node.input]
        same.output[:] = [number(v) for v in node.output]
        parts.append(same.SerializeToString(deterministic=True))
    return tuple(first), tuple(parts), tuple(number(v) for v in outputs)


class _Names:
    """What values and operators are called inside of a block."""

    def __init__(
        self, scope: Scope, nodes: list[NodeProto], data: list[str], weights: list[str],
        made: list[str],
    ) -> None:  # fmt: skip
        self.scope = scope
        self.given = data + weights
        self.values: dict[str, str] = {}
        self.nodes: list[str] = []
        self._own = tuple(f"{p}." for p in (scope.path, scope.shares) if p)
        self._taken: set[str] = {""}
        given = frozenset(self.given)
        reads = [v for node in nodes for v in node.input if v and v not in given]
        for value in (*made, *reads, *weights):
            if value not in self.values and (name := self.inside(value)):
                self._take(value, name)
        for i, value in enumerate(data):
            if value not in self.values:
                self._take(value, "x" if len(data) == 1 else f"x{i}")
        for i, value in enumerate(weights):
            if value not in self.values:  # of a layer outside
                self._take(value, f"weight{i}")
        for node in nodes:
            self.nodes.append(self.inside(node.name) or self._derived(node.name) or node.op_type)
            for value in node.output:
                if value and value not in self.values:
                    name = self._derived(value) or self.inside(node.name) or "y"
                    self._take(value, name)

    def _take(self, value: str, name: str) -> None:
        self.values[value] = free(name, self._taken)
        self._taken.add(self.values[value])

    def inside(self, name: str) -> str:
        """The rest of a name in the block, empty for one outside."""
        own = next((p for p in self._own if name.startswith(p)), None)
        return "" if own is None else name.removeprefix(own)

    def _derived(self, name: str) -> str:
        """The name of a cast after what it casts."""
        value, _, rest = name.rpartition("/")
        return f"{self.values[value]}/{rest}" if value in self.values else ""


def free(name: str, taken: Container[str]) -> str:
    """A name that is not taken, by a number at its end where it is."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


# The other way


def inlined(model: ModelProto) -> ModelProto:
    """The model with the calls of its blocks written out, under the names that these have without.

    Args:
        model: with our functions or without; it is changed.
    """
    functions = {f.name: f for f in model.functions if f.domain == DOMAIN}
    if not functions:
        return model
    nodes = [n for node in model.graph.node for n in _expanded(node, functions, model)]
    del model.graph.node[:], model.functions[:]
    model.graph.node.extend(nodes)
    opsets = [o for o in model.opset_import if o.domain != DOMAIN]
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    return model


def _expanded(
    call: NodeProto, functions: Mapping[str, FunctionProto], model: ModelProto
) -> Iterator[NodeProto]:
    """What a call stands for, its constants given to the model."""
    from onnx import NodeProto

    if call.domain != DOMAIN:
        yield call
        return
    function = functions[call.op_type]
    names = dict(zip(function.input, call.input, strict=True))
    names |= dict(zip(function.output, call.output, strict=True))
    for node in function.node:
        for value in (*node.input, *node.output):
            names.setdefault(value, f"{call.name}.{value}" if value else "")
        if node.op_type == "Constant":
            constant = model.graph.initializer.add()
            constant.CopyFrom(node.attribute[0].t)
            constant.name = names[node.output[0]]
            continue
        inner = NodeProto()
        inner.CopyFrom(node)
        inner.name = f"{call.name}.{node.name}"
        inner.input[:] = [names[v] for v in node.input]
        inner.output[:] = [names[v] for v in node.output]
        yield from _expanded(inner, functions, model)
