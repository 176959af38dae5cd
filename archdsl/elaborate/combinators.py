"""The combinators: branches that start from the same tensor, and what joins them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.elaborate.build import Tensor
from archdsl.elaborate.expressions import integer, truth
from archdsl.elaborate.frame import Flow, Frame
from archdsl.errors import Diagnostic, Note, SpecError
from archdsl.ir.op import registry
from archdsl.ir.shapes import Shape, channels, show
from archdsl.syntax import ast

if TYPE_CHECKING:
    from archdsl.elaborate.elaborator import Elaborator


def residual(
    e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame
) -> None:
    """`residual { F }` is x + F(x); in `{ F | S }` the skip is S where F changes the shape."""
    used = _when(e, call, flow, frame)
    if call.body is None:
        around_last(e, call, label, flow, frame, used)
        return
    if not 1 <= len(call.body.branches) <= 2:
        text = "`residual` has a branch and at most one shortcut"
        raise SpecError(
            Diagnostic("A407", call.body.span, text, help="`add { a | b | c }` adds more")
        )
    start = e.need(flow, call.name_span, call.name)
    body = call.body.branches[0]
    shortcut = call.body.branches[1:]
    end = e.branch(body, start, frame)
    if not used:
        flow.tensor = end
        return
    skip = start
    if shortcut and None not in (start.shape, end.shape) and start.shape != end.shape:
        skip = e.branch(shortcut[0], start, frame)
    flow.tensor = _add(e, call, label, frame, start, skip, end)


def around_last(
    e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame, used: bool
) -> None:
    """`residual` alone: the skip goes around the statement before it."""
    if flow.before is None or flow.tensor is None:
        help = "write it after the layers that it spans, or give it braces"
        text = "there is no statement before it to go around"
        raise SpecError(Diagnostic("A601", call.name_span, text, help=help))
    if used:
        flow.tensor = _add(e, call, label, frame, flow.before, flow.before, flow.tensor)


def _when(e: Elaborator, call: ast.Call, flow: Flow, frame: Frame) -> bool:
    for argument in call.arguments:
        if argument.key != "when":
            text = "`residual` takes `when=` and braces, nothing else"
            raise SpecError(Diagnostic("A401", argument.span, text))
    conditions = [truth(a.value, e.context(flow, frame)) for a in call.arguments]
    return all(conditions)


def _add(
    e: Elaborator,
    call: ast.Call,
    label: ast.Name | None,
    frame: Frame,
    start: Tensor,
    skip: Tensor,
    end: Tensor,
) -> Tensor:
    """The sum of a skip and a branch, their shapes equal."""
    if skip.shape is not None and end.shape is not None and skip.shape != end.shape:
        told = f"the skip carries {show(skip.shape)}, the branch gives {show(end.shape)}"
        notes = (Note(start.span, f"{show(start.shape or ())} comes in here"),)
        raise SpecError(
            Diagnostic(
                "A204", call.name_span, told, notes=notes, help=_projection(skip.shape, end.shape)
            )
        )
    return e.join(registry()["add"](), (skip, end), call, label, frame)


def _projection(skip: Shape, end: Shape) -> str:
    """The shortcut that would make the shapes meet."""
    if len(skip) != 3 or len(end) != 3:
        return "let the branch end in the shape that it starts from"
    strides = {-(-a // b) for a, b in zip(skip[1:], end[1:], strict=True)}
    stride = strides.pop() if len(strides) == 1 else 0
    fits = stride and all(
        (a - 1) // stride + 1 == b for a, b in zip(skip[1:], end[1:], strict=True)
    )
    if not fits:
        return f"keep the size with padding, or give it a shortcut that makes {show(end)}"
    step = f" stride={stride}" if stride > 1 else ""
    return f"give the skip a projection: `residual {{ … | conv 1x1 {end[0]}{step} }}`"


def joining(
    e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame
) -> None:
    """`concat`, `add`, `sub`, `mul { a | b }`; `add 32 { F }` is 32 copies, none shared."""
    op = registry()[call.name]()
    if call.body is None:
        help = f"`{call.name} {{ a | b }}`"
        text = f"`{call.name}` joins branches in braces"
        raise SpecError(Diagnostic("A407", call.name_span, text, help=help))
    copies = 1
    if call.arguments:
        copies = _copies(e, call, flow, frame)
    start = e.need(flow, call.name_span, call.name)
    branches = list(call.body.branches) * copies
    ends = [e.branch(b, start, frame) for b in branches]
    flow.tensor = e.join(op, tuple(ends), call, label, frame) if len(ends) > 1 else ends[0]


def _copies(e: Elaborator, call: ast.Call, flow: Flow, frame: Frame) -> int:
    argument, *rest = call.arguments
    if rest or argument.key is not None or (call.body and len(call.body.branches) > 1):
        text = f"`{call.name}` takes branches, or a number of copies of one"
        raise SpecError(Diagnostic("A404", argument.span, text, help=f"`{call.name} 32 {{ F }}`"))
    count = integer(argument.value, e.context(flow, frame), "a number of copies", least=1)
    if count > e.limits.layers:
        raise SpecError(Diagnostic("A501", argument.span, f"{count:,} copies"))
    return count


def split(e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame) -> None:
    """`split { a | b }`: the channels divided over the branches, their results joined again."""
    if call.body is None:
        text = "`split` divides the channels over branches in braces"
        raise SpecError(Diagnostic("A407", call.name_span, text, help="`split { a | b }`"))
    copies = _copies(e, call, flow, frame) if call.arguments else 1
    start = e.need(flow, call.name_span, call.name)
    branches = list(call.body.branches) * copies
    if start.shape is not None and channels(start.shape) % len(branches):
        text = f"{channels(start.shape)} channels do not divide over {len(branches)} branches"
        raise SpecError(Diagnostic("A203", call.name_span, text))
    part = registry()["part"]
    ends: list[Tensor] = []
    for i, branch in enumerate(branches):
        op = part.model_validate({"index": i, "of": len(branches)})
        ends.append(e.branch(branch, e.join(op, (start,), call, None, frame), frame))
    flow.tensor = e.join(registry()["concat"](), tuple(ends), call, label, frame)
