"""`reuse`, `output`, `aux`: modules applied again, and outputs beside the main one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archdsl.elaborate.build import Tensor
from archdsl.elaborate.elsewhere import unreachable
from archdsl.elaborate.expressions import evaluate
from archdsl.elaborate.frame import Flow, Frame, Labelled
from archdsl.elaborate.names import AnchoredAt, Namespace
from archdsl.errors import Diagnostic, SpecError, suggestion
from archdsl.ir.graph import Output
from archdsl.source import Span
from archdsl.syntax import ast

if TYPE_CHECKING:
    from archdsl.elaborate.elaborator import Elaborator


def reuse(e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame) -> None:
    """`reuse tower`: the labelled module once more, with the same weights."""
    argument = call.arguments[0] if len(call.arguments) == 1 else None
    if argument is None or not isinstance(argument.value, ast.Name) or call.body or argument.key:
        help = "label a layer, a block or a group, `tower: { … }`, then `reuse tower`"
        raise SpecError(Diagnostic("A402", call.span, "`reuse` names a label", help=help))
    name = argument.value.id
    found = labelled(name, argument.span, frame)
    if found.step is None or found.tensor is None:
        text = f"`{name}` is no module that could be applied again"
        raise SpecError(Diagnostic("A601", argument.span, text))
    e.need(flow, call.name_span, "reuse")
    path = frame.space.join("reuse", label, call.span)
    again = replace(
        found.frame,
        space=AnchoredAt(frame.space.path, anchor=path),
        labels=dict(found.frame.labels),
        calls=frame.calls,
        repetitions=frame.repetitions,
        depth=frame.depth + 1,
    )
    e.check_depth(call.span, again)
    e.meter.handle(len(again.labels), call.span)
    e.graph.sharing.append((path, found.path))
    try:
        e.step(replace(found.step, label=ast.Name(name, call.span)), flow, again)
    finally:
        e.graph.sharing.pop()


def output(e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame) -> None:
    """`output NAME { … }`, `output NAME head 4`: one more output, from the tensor here."""
    name, _ = _name(e, call, label, frame)
    tensor = _head(e, call, name, flow, frame)
    _give(e, Output(name=name.id, kind="extra", node=tensor.path, shape=tensor.shape or ()), tensor)


def aux(e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame) -> None:
    """`aux NAME weight=0.3 { … }`: an output in training only, whose loss is weighted."""
    name, weight = _name(e, call, label, frame)
    if call.body is None and len(call.arguments) < 2 + (weight is not None):
        text = "an auxiliary output has layers of its own"
        help = f"`aux {name.id} weight=0.3 {{ gap; fc 10 }}`"
        raise SpecError(Diagnostic("A407", call.span, text, help=help))
    value = evaluate(weight.value, e.context(flow, frame)) if weight else 1.0
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        text = "the weight of a loss is a number greater than 0"
        raise SpecError(Diagnostic("A403", weight.span if weight else call.span, text))
    e.graph.training = True
    try:
        tensor = _head(e, call, name, flow, frame)
    finally:
        e.graph.training = False
    kept = Output(
        name=name.id,
        kind="auxiliary",
        weight=float(value),
        node=tensor.path,
        shape=tensor.shape or (),
    )
    _give(e, kept, tensor)


def _give(e: Elaborator, output: Output, tensor: Tensor) -> None:
    if tensor.shape is not None:
        e.graph.outputs.append(output)


def _name(
    e: Elaborator, call: ast.Call, label: ast.Name | None, frame: Frame
) -> tuple[ast.Name, ast.Argument | None]:
    """The name of an output, and the weight of an auxiliary one where it is given."""
    if label is not None:
        text = f"`{call.name}` has a name of its own"
        raise SpecError(Diagnostic("A601", label.span, text, help=f"`{call.name} {label.id} …`"))
    if not frame.is_network or frame.space.path:
        text = f"`{call.name}` belongs into the network itself, outside of blocks and labels"
        raise SpecError(Diagnostic("A601", call.name_span, text))
    first = call.arguments[0] if call.arguments else None
    if first is None or first.key is not None or not isinstance(first.value, ast.Name):
        help = f"`{call.name} boxes {{ conv 1x1 4 }}`"
        raise SpecError(Diagnostic("A402", call.span, f"`{call.name}` has a name", help=help))
    name = first.value
    if name.id == "out" or any(o.name == name.id for o in e.graph.outputs):
        text = f"an output is called `{name.id}` already"
        raise SpecError(Diagnostic("A304", name.span, text))
    weights = [a for a in call.arguments if a.key == "weight" and call.name == "aux"]
    return name, weights[0] if weights else None


def _head(e: Elaborator, call: ast.Call, name: ast.Name, flow: Flow, frame: Frame) -> Tensor:
    """The tensor at the end of an output's own layers; the flow itself stays where it is."""
    start = e.need(flow, call.name_span, call.name)
    rest = tuple(a for a in call.arguments[1:] if not (call.name == "aux" and a.key == "weight"))
    if not rest and call.body is None:
        return start
    branch = Flow(start)
    block = rest[0].value if rest and rest[0].key is None else None
    if call.body is not None and not rest and len(call.body.branches) == 1:
        path = frame.space.layer(name.id, name, call.span)
        e.graph.scope(path, "block", call.span, frame.space.path, frame.repetitions, name.id)
        inner = replace(frame, space=Namespace(path), labels={}, is_network=False)
        e.flow(call.body.branches[0], branch, inner)
    elif call.body is None and isinstance(block, ast.Name):
        e.call(ast.Call(block.id, block.span, rest[1:], None, call.span), name, branch, frame)
    else:
        text = f"`{call.name} {name.id}` takes one flow in braces, or a block and its arguments"
        raise SpecError(Diagnostic("A407", call.span, text))
    return branch.tensor or start


def labelled(label: str, span: Span, frame: Frame) -> Labelled:
    """What a label names.

    Raises:
        SpecError: nothing before has this label, or several statements have it.
    """
    found = frame.labels.get(label)
    if found is not None:
        return found
    if label in frame.labels:
        text = f"several statements are labelled `{label}`"
        raise SpecError(Diagnostic("A305", span, text, help="give each its own label"))
    text = f"nothing before this is labelled `{label}`"
    if hidden := unreachable(label, span):
        help, note = hidden
        raise SpecError(Diagnostic("A305", span, text, notes=(note,), help=help))
    help = suggestion(label, frame.labels)
    help = help or "label a statement before this one: `name: conv 3x3 64`"
    raise SpecError(Diagnostic("A305", span, text, help=help))


def referenced(reference: ast.Reference, frame: Frame) -> Tensor:
    """The tensor of a label.

    Raises:
        SpecError: nothing before has this label, or it names no tensor.
    """
    found = labelled(reference.label, reference.span, frame)
    if found.tensor is None:
        text = f"`{reference.label}` is no tensor"
        raise SpecError(Diagnostic("A305", reference.span, text))
    return found.tensor
