"""The walk over the statements: each one moves the flow from a tensor to the next.

An error does not stop the walk. Where the shape is lost the flow carries a tensor of unknown shape,
so that what follows is still checked for names and arguments but complains of no shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from archdsl.elaborate import arguments as binding
from archdsl.elaborate import expectations, heads, statements
from archdsl.elaborate.build import GraphBuilder, Tensor
from archdsl.elaborate.expressions import Context, check_size, evaluate, integer, truth
from archdsl.elaborate.frame import Flow, Frame, Labelled
from archdsl.elaborate.inputs import Inputs
from archdsl.elaborate.limits import Exhausted, Limits, Meter
from archdsl.elaborate.names import Namespace
from archdsl.elaborate.training import Sections
from archdsl.elaborate.values import (
    BlockValue,
    LayerValue,
    Scope,
    Unknown,
    Value,
    describe,
    layer_called,
    plain,
)
from archdsl.errors import Diagnostic, Note, SpecError, suggestion, with_calls
from archdsl.ir.graph import Repetition
from archdsl.ir.op import Op, known_elsewhere, registry
from archdsl.source import Source, Span
from archdsl.syntax import ast


@dataclass(eq=False)
class Elaborator:
    limits: Limits
    source: Source
    overrides: dict[str, Value]
    """Parameters set from outside."""
    inputs: Inputs = field(default_factory=Inputs)
    """Shapes of inputs set from outside."""
    graph: GraphBuilder = field(init=False)
    meter: Meter = field(init=False)
    errors: list[Diagnostic] = field(default_factory=list[Diagnostic])
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    changed: set[str] = field(default_factory=set[str])
    """Parameters that were set to another value than the spec's own."""
    expected: list[expectations.Stated] = field(default_factory=list["expectations.Stated"])
    imported: dict[Path, Source] = field(default_factory=dict[Path, Source])
    scopes: dict[Source, Scope | None] = field(default_factory=dict["Source", "Scope | None"])
    """The definitions of each imported file; None while they are being carried out."""
    sections: Sections = field(default_factory=Sections)
    """How the network is trained, as far as it has been said."""
    turns: int = 0

    def __post_init__(self) -> None:
        self.graph = GraphBuilder(self.limits)
        self.meter = Meter(self.limits.steps)

    # Statements

    def run(self, flow: Flow, statements_: tuple[ast.Statement, ...], frame: Frame) -> None:
        """Carry out statements in order; report errors and go on."""
        self.hoist(statements_, frame)
        for statement in statements_:
            self.meter.step(statement.span)
            before = flow.tensor
            try:
                self.statement(statement, flow, frame)
            except SpecError as error:
                self.report(error, frame)
                flow.tensor = Tensor.lost(statement.span)
            except Unknown:
                flow.tensor = Tensor.lost(statement.span)
            if _moves(statement):
                flow.before = before

    def hoist(self, statements_: tuple[ast.Statement, ...], frame: Frame) -> None:
        """Blocks are known throughout the braces that they are written in."""
        for statement in statements_:
            if isinstance(statement, ast.Block):
                try:
                    statements.define_block(statement, frame)
                except SpecError as error:
                    self.report(error, frame)

    def statement(self, statement: ast.Statement, flow: Flow, frame: Frame) -> None:
        match statement:
            case ast.Step():
                self.step(statement, flow, frame)
            case ast.Param(name=name):
                context = self.context(flow, frame)
                with frame.scope.defining(name):
                    value = self.parameter(name, lambda: evaluate(statement.value, context))
                frame.scope.define(name, value, statement.span)
                self.parameters[name] = plain(value)
            case ast.Let(name=name):
                with frame.scope.defining(name):
                    value = evaluate(statement.value, self.context(flow, frame))
                frame.scope.define(name, value, statement.span)
            case ast.If():
                self.conditional(statement, flow, frame)
            case ast.Block():
                pass  # hoisted
            case ast.Network():
                if frame.depth:
                    label = "a network is defined at the outermost level of a file"
                    raise SpecError(Diagnostic("A601", statement.span, label))
            case ast.Expect():
                expectations.state(self, statement, flow, frame)

    def parameter(self, name: str, own: Callable[[], Value]) -> Value:
        """The value of a parameter that can be set from outside; `own` gives the spec's."""
        if name not in self.overrides:
            return own()
        value = self.overrides[name]
        try:
            changed = plain(own()) != plain(value)
        except (SpecError, Unknown):
            changed = True
        self.changed |= {name} if changed else set()
        return value

    def conditional(self, statement: ast.If, flow: Flow, frame: Frame) -> None:
        branch: ast.Body | ast.If | None = statement
        while isinstance(branch, ast.If):
            taken = truth(branch.condition, self.context(flow, frame))
            branch = branch.then if taken else branch.otherwise
        if branch is not None:
            self.braces(branch, flow, frame)

    # Steps

    def step(self, step: ast.Step, flow: Flow, frame: Frame) -> None:
        label = step.label
        if step.repeat is None:
            self.item(step.item, label, flow, frame)
        else:
            context = self.context(flow, frame)
            count = integer(step.repeat.count, context, "a repetition")
            if count > self.limits.layers:
                text = f"{count:,} copies; a network may have {self.limits.layers:,} layers"
                raise SpecError(Diagnostic("A501", step.repeat.span, text, help="repeat less"))
            self.repeat(step, count, flow, self.level(label, step.span, frame))
        if label is not None and _word(step) != "input":  # an input has its own name as label
            name = label.id
            path = f"{frame.space.path}.{name}".lstrip(".")
            found = Labelled(flow.tensor, path, step, frame)
            frame.labels[name] = None if name in frame.labels else found

    def repeat(self, step: ast.Step, count: int, flow: Flow, frame: Frame) -> None:
        turn, self.turns = self.turns, self.turns + 1
        index = step.repeat.index if step.repeat else None
        for i in range(count):
            self.meter.step(step.span)
            scope = Scope(frame.scope)
            if index is not None:
                scope.define(index, i, step.span)
            copy = Repetition(id=turn, index=i, count=count)
            repetitions = (*frame.repetitions, copy)
            self.item(step.item, None, flow, replace(frame, scope=scope, repetitions=repetitions))
            if self.errors and (flow.tensor is None or flow.tensor.shape is None):
                break  # the copies would only say it again

    def level(self, label: ast.Name | None, span: Span, frame: Frame) -> Frame:
        """The frame of what a label gathers: a numbered level of names; else the same frame."""
        if label is None:
            return frame
        return self.sequence(frame.space.layer("sequence", label, span), span, frame)

    def sequence(self, path: str, span: Span, frame: Frame) -> Frame:
        parent, repetitions = frame.space.path, frame.repetitions
        self.graph.scope(path, "sequence", span, parent, repetitions)
        return replace(frame, space=Namespace(path, numbered=True))

    def item(self, item: ast.Item, label: ast.Name | None, flow: Flow, frame: Frame) -> None:
        match item:
            case ast.Call():
                self.call(item, label, flow, frame)
            case ast.Group():
                self.braces(item.body, flow, self.level(label, item.span, frame))
            case ast.Reference():
                flow.tensor = heads.referenced(item, frame)

    def braces(self, body: ast.Body, flow: Flow, frame: Frame) -> None:
        """What stands in one pair of braces: a scope of its own, in the same flow."""
        self.flow(body.branches[0], flow, frame)

    def flow(self, branch: ast.Flow, flow: Flow, frame: Frame) -> None:
        self.check_depth(branch.span, frame)
        self.run(flow, branch.statements, frame.within())

    # Calls

    def call(self, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame) -> None:
        statement = statements.STATEMENTS.get(call.name)
        if statement is not None:
            statement(self, call, label, flow, frame)
            return
        callee = self.callee(call.name, call.name_span, frame)
        if call.body is not None:
            text = f"`{call.name}` takes no braces"
            raise SpecError(Diagnostic("A407", call.body.span, text))
        if isinstance(callee, BlockValue):
            self.call_block(callee, call, label, flow, frame)
        else:
            self.call_layer(callee, call, label, flow, frame)

    def callee(self, name: str, span: Span, frame: Frame) -> BlockValue | LayerValue:
        """The block or layer that a name stands for.

        Raises:
            SpecError: there is none.
        """
        value = frame.scope.find(name)
        if isinstance(value, BlockValue | LayerValue):
            return value
        if layer := layer_called(name):
            return layer
        if value is not None:
            label = f"`{name}` is {describe(value)}, no block or layer"
            raise SpecError(Diagnostic("A301", span, label))
        label = f"no layer or block is called `{name}`"
        if own := known_elsewhere(name):
            help = f"it is called `{own}` here"
        else:
            known = frame.scope.visible() | set(registry()) | set(statements.STATEMENTS)
            help = suggestion(name, known)
        raise SpecError(Diagnostic("A301", span, label, help=help))

    def call_layer(
        self, layer: LayerValue, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame
    ) -> None:
        cls = layer.cls
        path = frame.space.layer(cls.name, label, call.span)
        flow_error: SpecError | None = None
        try:
            tensor = self.need(flow, call.name_span, cls.name)
        except SpecError as error:
            flow_error, tensor = error, Tensor.lost(call.span)
        bound = binding.bind(layer, call, self.context(flow, frame))
        if flow_error is not None:
            raise flow_error
        statements.check_arity(cls, call)
        self.meter.handle(len(path) // 10, call.span)
        flow.tensor = self.graph.node(
            path, bound.op, (tensor,), call.span, frame.space.path, frame.repetitions, bound.init
        )
        if path in self.graph.weights:
            binding.check_starts(cls, call, self.graph.weights[path])
        if frame.space.numbered and "" in self.graph.weights.get(path, {}):
            text = f"`{cls.name}` is a bare tensor, which a numbered level cannot hold"
            help = "write it outside of the label's braces, or into a block"
            raise SpecError(Diagnostic("A601", call.span, text, help=help))

    def call_block(
        self, value: BlockValue, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame
    ) -> None:
        block = value.block
        path = frame.space.layer(block.name, label, call.span)
        context = self.context(flow, frame)
        scope = self.bind_block(value, call, context)
        self.check_depth(call.span, frame)
        self.meter.handle(len(path) + 5 * len(scope.names), call.span)
        for argument, _ in scope.names.values():
            check_size(argument, call.span, context)
        arguments = {name: plain(v) for name, (v, _) in scope.names.items()}
        given = statements.match_formals(block, call)
        self.graph.scope(
            path,
            "block",
            call.span,
            frame.space.path,
            frame.repetitions,
            block.name,
            arguments,
            tuple(name for name in arguments if name not in given),
        )
        calls = (Note(call.span, f"block {block.name}, called at"), *frame.calls)
        inner = Frame(
            scope, Namespace(path), {}, calls, frame.repetitions, frame.depth + 1, is_network=False
        )
        flow.before = None  # what stands before the call is none of the block's business
        self.run(flow, block.body.branches[0].statements, inner)

    def bind_block(
        self, value: BlockValue, call: ast.Call, context: Context, is_network: bool = False
    ) -> Scope:
        """The scope of a block's body, its parameters given; a network's from outside too.

        Raises:
            SpecError: an argument is unknown, missing or given twice.
        """
        block = value.block
        scope = Scope(value.scope, until=block.span)
        given = statements.match_formals(block, call)

        def bound(formal: ast.Formal) -> Value:
            argument = given.get(formal.name)
            if argument is not None:
                return evaluate(argument.value, context)
            if formal.name in value.given:
                return value.given[formal.name]
            if formal.default is not None:
                return evaluate(formal.default, replace(context, scope=scope))
            label = f"`{block.name}` needs `{formal.name}`"
            note = Note(formal.span, "declared here")
            raise SpecError(Diagnostic("A402", call.name_span, label, notes=(note,)))

        for formal in block.formals:
            own = partial(bound, formal)
            result = self.parameter(formal.name, own) if is_network else own()
            scope.define(formal.name, result, formal.span)
        return scope

    # Help for the statements

    def context(self, flow: Flow, frame: Frame) -> Context:
        tensor = flow.tensor
        shape = tensor.shape if tensor else None
        return Context(frame.scope, tensor is not None, shape, self.meter)

    def need(self, flow: Flow, span: Span, what: str) -> Tensor:
        """The tensor that the flow has reached.

        Raises:
            SpecError: there is none yet.
        """
        if flow.tensor is None:
            help = "state the input first: `input 3x224x224`"
            raise SpecError(
                Diagnostic("A207", span, f"`{what}` has no tensor to work on", help=help)
            )
        return flow.tensor

    def join(
        self,
        op: Op,
        tensors: tuple[Tensor, ...],
        call: ast.Call,
        label: ast.Name | None,
        frame: Frame,
    ) -> Tensor:
        """A node where branches meet."""
        path = frame.space.join(op.name, label, call.span)
        return self.graph.node(
            path, op, tensors, call.name_span, frame.space.path, frame.repetitions
        )

    def branch(self, branch: ast.Flow, tensor: Tensor, frame: Frame) -> Tensor:
        """The tensor at the end of a branch that starts at `tensor`."""
        flow = Flow(tensor)
        self.flow(branch, flow, frame)
        return flow.tensor or tensor

    def check_depth(self, span: Span, frame: Frame) -> None:
        if frame.depth >= self.limits.depth:
            label = f"more than {self.limits.depth} groups and blocks inside one another"
            help = f"does a block call itself? If not: `--limit depth={2 * self.limits.depth}`"
            raise SpecError(Diagnostic("A502", span, label, help=help))

    def report(self, error: SpecError, frame: Frame) -> None:
        """Keep an error, once for each place however often it is reached."""
        if isinstance(error, Exhausted):
            raise error
        for found in error.diagnostics:
            known = {(d.code, d.span and d.span.start) for d in self.errors}
            if (found.code, found.span and found.span.start) not in known:
                self.errors.append(with_calls(found, frame.calls) if not found.calls else found)
            if found.code == "A501" or len(self.errors) >= self.limits.errors:
                raise Exhausted(self.errors)


def _word(statement: ast.Statement) -> str:
    """The first word of a statement that is a call."""
    item = statement.item if isinstance(statement, ast.Step) else None
    return item.name if isinstance(item, ast.Call) else ""


def _moves(statement: ast.Statement) -> bool:
    """Whether a statement is one that `residual` can go around: it moves the flow, or could."""
    return isinstance(statement, ast.Step | ast.If) and _word(statement) not in statements.ASIDE
