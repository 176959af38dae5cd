"""The words of the language that are no layers: what each does to the flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archdsl.elaborate import arguments as binding
from archdsl.elaborate.build import Tensor
from archdsl.elaborate.expressions import evaluate, integer, truth
from archdsl.elaborate.values import BlockValue, Value
from archdsl.errors import Diagnostic, Note, SpecError, suggestion
from archdsl.ir.fields import MAX_SIDE
from archdsl.ir.op import Op, registry
from archdsl.ir.shapes import Shape, show
from archdsl.source import Span
from archdsl.syntax import ast

if TYPE_CHECKING:
    from archdsl.elaborate.elaborator import Elaborator, Flow, Frame

Statement = Callable[["Elaborator", ast.Call, ast.Name | None, "Flow", "Frame"], None]


def input_(e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame) -> None:
    """`input 3x224x224`, `input board 48x19x19`."""
    if not frame.is_network:
        text = "only a network states its input; a block works on the tensor at its call"
        raise SpecError(Diagnostic("A601", call.name_span, text))
    values = [a.value for a in call.arguments]
    name = label.id if label else "input"
    if len(values) == 2 and isinstance(word := values[0], ast.Name):
        name, values = word.id, values[1:]
    if len(values) != 1 or any(a.key for a in call.arguments) or call.body:
        help = "`input 3x224x224` for an image, `input 784` for a vector"
        raise SpecError(Diagnostic("A402", call.span, "`input` takes one shape", help=help))
    shape = _shape(evaluate(values[0], e.context(flow, frame)), values[0].span)
    path = frame.space.take(name, call.span)
    flow.tensor = e.graph.input(path, shape, call.span)
    frame.labels[name] = flow.tensor


def _shape(value: Value, span: Span) -> Shape:
    sides: list[Any] = list(value) if isinstance(value, tuple | list) else [value]
    if 1 <= len(sides) <= 3 and all(type(n) is int and 0 < n < MAX_SIDE for n in sides):
        return tuple(sides)
    help = "CxHxW for a map, NxD for a token sequence, D for a vector, each at least 1"
    raise SpecError(Diagnostic("A403", span, "this is no shape", help=help))


def default(
    e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame
) -> None:
    """`default conv bias=false`: holds for what follows in these braces."""
    no_label(call, label)
    first = call.arguments[0] if call.arguments else None
    if first is None or first.key is not None or not isinstance(first.value, ast.Name):
        help = "for example `default conv bias=false`"
        raise SpecError(Diagnostic("A402", call.span, "`default` names a layer", help=help))
    callee = e.callee(first.value.id, first.span, frame)
    if isinstance(callee, BlockValue):
        text = "a block states its own defaults, in its parameters"
        raise SpecError(Diagnostic("A601", first.span, text))
    rule = binding.default_rule(callee.cls, call, e.context(flow, frame))
    frame.scope.rules.append(rule)


def init(e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame) -> None:
    """`init he`, `init normal 0.01 bias=0`: holds for what follows in these braces."""
    no_label(call, label)
    frame.scope.rules.append(binding.init_rule(call, e.context(flow, frame)))


def sequence(
    e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame
) -> None:
    """`sequence { … }`: a group that is a module of its own."""
    no_arguments(call)
    body = one_branch(call)
    inner = e.sequence(frame.space.layer("sequence", label, call.span), call.span, frame)
    e.flow(body, flow, inner)


def residual(
    e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame
) -> None:
    """`residual { F }` is x + F(x); in `{ F | S }` the skip is S where F changes the shape."""
    used = _when(e, call, flow, frame)
    if call.body is None:
        around_last(e, call, label, flow, frame, used)
        return
    if len(call.body.branches) > 2:
        text = "`residual` has a branch and at most one shortcut"
        raise SpecError(
            Diagnostic("A407", call.body.span, text, help="`add { a | b | c }` adds more")
        )
    start = e.need(flow, call.name_span, call.name)
    body, shortcut = call.body.branches[0], call.body.branches[1:]
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
    """`concat`, `add`, `mul { a | b }`; `add 32 { F }` is 32 copies with weights of their own."""
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


def later(e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame) -> None:
    """What the grammar has and the compiler does not build yet."""
    from archdsl.elaborate.elaborator import not_yet

    raise not_yet(call.name_span, f"`{call.name}`")


STATEMENTS: dict[str, Statement] = {
    "input": input_,
    "default": default,
    "init": init,
    "sequence": sequence,
    "residual": residual,
    "concat": joining,
    "add": joining,
    "mul": joining,
    "split": later,
    "reuse": later,
    "output": later,
    "aux": later,
    "train": later,
    "import": later,
}


# Help


def define_block(block: ast.Block, frame: Frame) -> None:
    """Give a block its name in the braces that it is written in.

    Raises:
        SpecError: the language has the name, or these braces do.
    """
    if block.name in registry() or block.name in STATEMENTS:
        text = f"`{block.name}` is a word of the language"
        raise SpecError(Diagnostic("A304", block.span, text, help=f"call it `my_{block.name}`"))
    frame.scope.define(block.name, BlockValue(block, frame.scope), block.span)


def match_formals(block: ast.Block, call: ast.Call) -> dict[str, ast.Argument]:
    """The arguments of a call by the parameters of the block.

    Raises:
        SpecError: an argument is unknown, given twice, or one too many.
    """
    names = [f.name for f in block.formals]
    given: dict[str, ast.Argument] = {}
    position = 0
    for argument in call.arguments:
        key = argument.key
        if key is None:
            if position >= len(names):
                text = f"`{block.name}` takes {', '.join(names) or 'nothing'}"
                raise SpecError(Diagnostic("A404", argument.span, text))
            key, position = names[position], position + 1
        if key not in names:
            help = suggestion(key, names) or f"it takes {', '.join(names) or 'nothing'}"
            text = f"the block `{block.name}` has no `{key}`"
            raise SpecError(Diagnostic("A401", argument.span, text, help=help))
        if key in given:
            raise SpecError(Diagnostic("A405", argument.span, f"`{key}` is given twice"))
        given[key] = argument
    return given


def referenced(reference: ast.Reference, frame: Frame) -> Tensor:
    """The tensor of a label.

    Raises:
        SpecError: nothing before has this label, or several statements have it.
    """
    found = frame.labels.get(reference.label)
    if found is not None:
        return found
    if reference.label in frame.labels:
        text = f"several statements are labelled `{reference.label}`"
        raise SpecError(Diagnostic("A305", reference.span, text, help="give each its own label"))
    help = suggestion(reference.label, frame.labels)
    help = help or "label a statement before this one: `name: conv 3x3 64`"
    text = f"nothing before this is labelled `{reference.label}`"
    raise SpecError(Diagnostic("A305", reference.span, text, help=help))


def check_arity(cls: type[Op], call: ast.Call) -> None:
    """A join needs branches, wherever its name came from."""
    if cls.arity != 1:
        help = f"`{cls.name} {{ a | b }}`"
        text = f"`{cls.name}` joins branches"
        raise SpecError(Diagnostic("A407", call.name_span, text, help=help))


def one_branch(call: ast.Call) -> ast.Flow:
    if call.body is None or len(call.body.branches) != 1:
        text = f"`{call.name}` has one flow in braces"
        raise SpecError(Diagnostic("A407", call.span, text, help=f"`{call.name} {{ … }}`"))
    return call.body.branches[0]


def no_arguments(call: ast.Call) -> None:
    for argument in call.arguments:
        text = f"`{call.name}` takes no arguments"
        raise SpecError(Diagnostic("A404", argument.span, text))


def no_label(call: ast.Call, label: ast.Name | None) -> None:
    if label is not None:
        text = f"`{call.name}` makes no tensor that a label could name"
        raise SpecError(Diagnostic("A601", label.span, text))
