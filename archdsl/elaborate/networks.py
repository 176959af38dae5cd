"""The networks of a spec: which there are, and the graph of one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from archdsl.elaborate.elaborator import Elaborator
from archdsl.elaborate.expectations import in_force
from archdsl.elaborate.frame import Flow, Frame
from archdsl.elaborate.imports import digests, is_rule, is_training
from archdsl.elaborate.inputs import Inputs
from archdsl.elaborate.limits import Exhausted, Limits
from archdsl.elaborate.names import Namespace
from archdsl.elaborate.training import said_beside
from archdsl.elaborate.values import BlockValue, Scope, Unknown, Value, plain
from archdsl.errors import Diagnostic, SpecError, suggestion
from archdsl.ir.graph import Graph, Origin, Output
from archdsl.ir.shapes import Shape
from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.version import VERSION


def network_names(spec: ast.Spec) -> list[str]:
    """The networks that a spec defines; the one of its bare statements is named after the file."""
    named = [s.name for s in spec.flow.statements if isinstance(s, ast.Network)]
    return [_file_network(spec), *named] if _has_bare_steps(spec) else named


def elaborate(
    spec: ast.Spec,
    name: str | None = None,
    parameters: dict[str, Value] | None = None,
    limits: Limits | None = None,
    inputs: Mapping[str, Shape] | None = None,
    training: ast.Spec | None = None,
) -> Graph:
    """The graph of one network of a spec.

    Without a name it is the network of the bare statements, or the only one. `inputs` are shapes
    that take the place of the spec's, by the inputs' names; of an only input, by an empty name.
    `training` is a `train` section whose settings take the place of the spec's.

    Raises:
        SpecError: the spec describes no such network; every error that was found is in it.
    """
    names = network_names(spec)
    name = _choose(spec, names, name)
    work = Elaborator(limits or Limits(), spec.source, parameters or {}, Inputs(inputs))
    scope = Scope()
    frame = Frame(scope, Namespace(), {}, is_network=True)
    flow = Flow()
    span = Span(spec.source, 0, len(spec.source.text))
    work.graph.scope("", "network", span, None, definition=name)
    try:
        if _has_bare_steps(spec) and name == names[0]:
            work.run(flow, spec.flow.statements, frame)
        else:
            _run_definitions(work, spec, frame)
            network = next(
                s for s in spec.flow.statements if isinstance(s, ast.Network) and s.name == name
            )
            _run_network(work, network, flow, frame)
        if training is not None and not work.errors:
            said_beside(work, training, flow, frame)
    except Unknown:
        pass
    except Exhausted as error:
        work.errors.extend(d for d in error.diagnostics if d not in work.errors)
    except SpecError as error:
        work.errors.extend(error.diagnostics)
    _check_overrides(work)
    if not work.errors and (wrong := work.inputs.check(inputs)):
        work.errors.append(wrong)
    if len(work.errors) > work.sections.mistakes:  # else they are in how it is trained
        raise SpecError(sorted(work.errors, key=_order))
    return _finish(work, spec, name, flow)


def _run_definitions(work: Elaborator, spec: ast.Spec, frame: Frame) -> None:
    """Everything at the file's outermost level but the bare statements, another network's."""
    aside = ast.Expect if _has_bare_steps(spec) else ()  # it is about the bare statements too
    every = spec.flow.statements
    kept = tuple(s for s in every if not (_is_bare_step(s) or isinstance(s, aside)))
    work.run(Flow(), kept, frame)


def _run_network(work: Elaborator, network: ast.Network, flow: Flow, frame: Frame) -> None:
    inner = Frame(Scope(frame.scope), frame.space, {}, depth=1, is_network=True)
    work.sections.in_network = True
    if isinstance(network.definition, ast.Body):
        work.run(flow, network.definition.branches[0].statements, inner)
        return
    call = network.definition
    callee = work.callee(call.name, call.name_span, frame)
    if not isinstance(callee, BlockValue):
        label = f"`{call.name}` is a layer; a network is a block with an `input`"
        raise SpecError(Diagnostic("A601", call.name_span, label))
    scope = work.bind_block(callee, call, work.context(Flow(), frame), is_network=True)
    work.parameters |= {key: plain(value) for key, (value, _) in scope.names.items()}
    body = Frame(scope, frame.space, {}, depth=1, is_network=True)
    work.run(flow, callee.block.body.branches[0].statements, body)
    if call.body is not None:
        inner.scope.names.update(scope.names)
        _run_additions(work, call.body.branches[0], flow, inner)


def _run_additions(work: Elaborator, added: ast.Flow, flow: Flow, frame: Frame) -> None:
    """The braces behind a network's call: what is said of it beside its layers."""
    left = list(added.statements)
    while left:
        statement = left.pop()
        match statement:
            case ast.If(then=then, otherwise=otherwise):
                left += then.branches[0].statements
                if otherwise is not None:
                    inside = isinstance(otherwise, ast.Body)
                    left += otherwise.branches[0].statements if inside else [otherwise]
            case ast.Expect() | ast.Let():
                pass
            case _ if is_training(statement):
                pass
            case _:
                label = "braces behind a call hold `expect`, `train`, `let` and `if`"
                help = "layers are in the block, or in a network of its own: `network name { … }`"
                raise SpecError(Diagnostic("A601", statement.span, label, help=help))
    work.run(flow, added.statements, frame)


def _finish(work: Elaborator, spec: ast.Spec, name: str, flow: Flow) -> Graph:
    tensor = flow.tensor
    if tensor is None or tensor.shape is None or not work.graph.nodes:
        help = "state an input and layers: `input 3x32x32; conv 3x3 64`"
        named = (
            s.span for s in spec.flow.statements if isinstance(s, ast.Network) if s.name == name
        )
        place = next(named, _start(spec))
        empty = Diagnostic("A004", place, f"`{name}` has no layer", help=help)
        raise SpecError([*work.errors, empty])
    graph = Graph(
        name=name,
        origin=Origin(
            file=spec.source.name,
            sha256=hashlib.sha256(spec.source.text.encode()).hexdigest(),
            archdsl=VERSION,
            imports=digests(work.imported),
        ),
        parameters=work.parameters,
        expectations=in_force(work),
        inputs=tuple(work.graph.inputs),
        nodes=tuple(work.graph.nodes),
        scopes=tuple(work.graph.scopes),
        outputs=(
            Output(name="out", node=tensor.path, shape=tensor.shape),
            *work.graph.outputs,
        ),
    )
    graph, found = work.sections.finish(graph)
    errors = [*work.errors, *found][: work.limits.errors]
    if errors:
        raise SpecError(sorted(errors, key=_order))
    return graph


def _choose(spec: ast.Spec, names: list[str], name: str | None) -> str:
    if not names:
        help = "state an input and layers: `input 3x32x32; conv 3x3 64`"
        raise SpecError(Diagnostic("A004", _start(spec), "nothing here is a network", help=help))
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        label = f"two networks are called `{twice.pop()}`"
        raise SpecError(Diagnostic("A304", _start(spec), label, help="rename one of them"))
    if name is None:
        own = _file_network(spec)
        if own in names or len(names) == 1:
            return own if own in names else names[0]
        label = f"the file has {len(names)} networks; say which"
        help = f"there are {', '.join(names)}"
        if spec.source.path is not None:
            help = f"`{spec.source.name}:{names[0]}`; {help}"
        raise SpecError(Diagnostic("A306", None, label, message="which network?", help=help))
    if name not in names:
        help = suggestion(name, names) or f"it has {', '.join(names)}"
        label = f"{spec.source.name} has no network `{name}`"
        raise SpecError(Diagnostic("A306", None, label, help=help))
    return name


def _check_overrides(work: Elaborator) -> None:
    for key in work.overrides:
        if key not in work.parameters and not work.errors:
            known = list(work.parameters)
            help = suggestion(key, known) or f"it has {', '.join(known) or 'none'}"
            label = f"the network has no parameter `{key}`"
            work.errors.append(Diagnostic("A302", None, label, help=help))


def _has_bare_steps(spec: ast.Spec) -> bool:
    return any(map(_is_bare_step, spec.flow.statements))


def _is_bare_step(statement: ast.Statement) -> bool:
    """Whether a statement at the outermost level belongs to the network of the bare statements."""
    return isinstance(statement, ast.If | ast.Step) and not is_rule(statement)


def _file_network(spec: ast.Spec) -> str:
    """The name of the network of a file's bare statements: the file's own, made an identifier."""
    stem = spec.source.name.rsplit("/", 1)[-1].removesuffix(".arch")
    name = re.sub(r"[^A-Za-z0-9_]+", "_", stem).strip("_")[:100]
    return name if name[:1].isalpha() else f"net_{name}".rstrip("_")


def _start(spec: ast.Spec) -> Span:
    return Span(spec.source, 0, min(1, len(spec.source.text)))


def _order(d: Diagnostic) -> tuple[str, int]:
    return (d.span.source.name, d.span.start) if d.span else ("", -1)
