"""The words of the language that are no layers: what each does to the flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archdsl.elaborate import arguments as binding
from archdsl.elaborate import combinators, heads, imports, training
from archdsl.elaborate.expressions import evaluate
from archdsl.elaborate.frame import Flow, Frame, Labelled
from archdsl.elaborate.values import BlockValue, Value
from archdsl.errors import Diagnostic, SpecError, suggestion
from archdsl.ir.fields import MAX_SIDE
from archdsl.ir.op import Op, registry
from archdsl.ir.shapes import Shape
from archdsl.source import Span
from archdsl.syntax import ast

if TYPE_CHECKING:
    from archdsl.elaborate.elaborator import Elaborator

Statement = Callable[["Elaborator", ast.Call, ast.Name | None, Flow, Frame], None]


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
    if name == "out":
        text = "`out` is what the network's own output is called"
        raise SpecError(Diagnostic("A304", call.span, text, help="call the input otherwise"))
    path = frame.space.take(name, call.span)
    flow.tensor = e.graph.input(path, e.inputs.take(path, shape), call.span)
    frame.labels[name] = Labelled(flow.tensor, path, None, frame)


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


COMBINATORS: dict[str, Statement] = {
    "residual": combinators.residual,
    "concat": combinators.joining,
    "add": combinators.joining,
    "sub": combinators.joining,
    "mul": combinators.joining,
    "split": combinators.split,
}

STATEMENTS: dict[str, Statement] = {
    "input": input_,
    "default": default,
    "init": init,
    "sequence": sequence,
    **COMBINATORS,
    "reuse": heads.reuse,
    "output": heads.output,
    "aux": heads.aux,
    "train": training.train,
    "import": imports.import_,
}

ASIDE = {"default", "init", "import", "train", "output", "aux"}
"""The statements after which the flow stands where it stood."""


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
