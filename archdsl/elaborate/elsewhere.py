"""Where a label is that cannot be reached from the place that names it."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.errors import Note, SpecError
from archdsl.source import Span
from archdsl.syntax import ast, parse


def unreachable(label: str, span: Span) -> tuple[str, Note] | None:
    """What to do about a label of the same file that a place cannot reach, and where it is.

    A block has labels of its own, as each call of it makes them anew; so has what is in the braces
    of an output, which need not exist.
    """
    try:
        spec = parse(span.source)
    except SpecError:
        return None  # a file with faults is told of those
    found = next(_labelled(spec.flow, label), None)
    if found is None:
        return None
    step, owner = found
    if isinstance(owner, ast.Block):
        note = f"labelled inside of the block `{owner.name}`, where alone it is known"
        help = f"label what `{owner.name}` gives, `name: {owner.name} …`, or join inside of it"
    elif isinstance(owner, ast.Call):
        note = f"labelled in the braces of `{owner.name}`, where alone it is known"
        help = f"label it before the `{owner.name}`, which goes on from there"
    elif step.span.start > span.start:
        note, help = "labelled after its use", "a reference goes back: move the label before it"
    else:
        note, help = "labelled here, out of reach", "label a statement in the same braces"
    return help, Note(step.label.span if step.label else step.span, note)


_Owner = ast.Block | ast.Call | None


def _labelled(
    flow: ast.Flow, label: str, owner: _Owner = None
) -> Iterator[tuple[ast.Step, _Owner]]:
    """The statements of a flow with a label, and the block or output whose own label it is."""
    for statement in flow.statements:
        match statement:
            case ast.Step(label=ast.Name(id=name)) if name == label:
                yield statement, owner
            case _:
                pass
        for body, inner in _bodies(statement, owner):
            for branch in body.branches:
                yield from _labelled(branch, label, inner)


def _bodies(statement: ast.Statement, owner: _Owner) -> Iterator[tuple[ast.Body, _Owner]]:
    match statement:
        case ast.Block(body=body):
            yield body, statement
        case ast.Step(item=ast.Call(name="output" | "aux", body=ast.Body() as body) as call):
            yield body, call
        case ast.Step(item=ast.Group(body=body) | ast.Call(body=ast.Body() as body)):
            yield body, owner
        case ast.Network(definition=ast.Body() as body):
            yield body, None
        case ast.If(then=then, otherwise=otherwise):
            yield then, owner
            if isinstance(otherwise, ast.If):
                yield from _bodies(otherwise, owner)
            elif otherwise is not None:
                yield otherwise, owner
        case _:
            pass
