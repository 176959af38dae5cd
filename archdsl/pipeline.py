"""The stages in order: a file, its syntax tree, its networks, and from each everything else.

text ── syntax ──> AST ── elaborate ──> IR ── analyses ──> tables
                                          └── backends ──> PyTorch, ONNX, Graphviz
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.elaborate import Limits, elaborate, network_names
from archdsl.elaborate.expressions import Context, evaluate
from archdsl.elaborate.values import BlockValue, LayerValue, Scope, Value
from archdsl.errors import ArchError, Diagnostic, ReadError, SpecError, suggestion
from archdsl.files import read_source
from archdsl.ir.graph import Graph
from archdsl.ir.op import registry
from archdsl.ir.shapes import Shape
from archdsl.network import Network
from archdsl.resources import folder
from archdsl.source import Source
from archdsl.syntax import ast, parse_value
from archdsl.syntax import parse as parse_source

if TYPE_CHECKING:
    from archdsl.ir.training.learning import Optimizer
    from archdsl.lint import Subject

Inputs = Mapping[str, Shape] | Shape
"""Shapes of inputs by their names, or that of an only one."""


def load(
    path: str | Path,
    name: str | None = None,
    *,
    limits: Limits | None = None,
    inputs: Inputs | None = None,
    **parameters: Any,
) -> Network:
    """A network of a spec file.

    Without a `name`, the network of the file's bare statements, or its only one. `parameters` set
    the spec's `param`s, or the parameters of the network's block; a layer is its name, or as the
    language has it with arguments, `"(fc init=he)"`. `inputs` are the shapes of its inputs, by
    their names, or that of its only one; `limits` what it may use up.

    Raises:
        ReadError: the file cannot be read.
        ParseError, SpecError: it describes no such network, or one that is not as the spec expects;
            each has places and ways out.
    """
    return _compile(parse_source(read_source(path)), name, parameters, limits, inputs)


def parse(
    text: str,
    name: str | None = None,
    file: str = "spec.arch",
    *,
    inputs: Inputs | None = None,
    **parameters: Any,
) -> Network:
    """A network of a spec given as text; `file` is what messages call it.

    >>> parse("input 3x32x32; conv 3x3 x3; residual; gap").graph.outputs[0].shape
    (3,)
    """
    source = Source(text.replace("\r\n", "\n"), file)
    return _compile(parse_source(source), name, parameters, inputs=inputs)


def zoo(name: str, *, inputs: Inputs | None = None, **parameters: Any) -> Network:
    """A network of the specs that come with archdsl, such as `vgg16`.

    Raises:
        SpecError: the zoo has no such network.
    """
    return _compile(_zoo_spec(name), name, parameters, inputs=inputs)


def zoo_names() -> dict[str, Path]:
    """The networks of the zoo and the files that hold them."""
    paths = sorted(folder("specs").glob("*.arch"))
    return {name: path for path in paths for name in network_names(parse_source(read_source(path)))}


def load_all(path: str | Path, **parameters: Any) -> list[Network]:
    """Every network of a spec file; as `load` otherwise."""
    spec = parse_source(read_source(path))
    return [_compile(spec, name, parameters) for name in network_names(spec) or [None]]


def open_spec(
    spec: str,
    parameters: dict[str, str] | None = None,
    limits: Limits | None = None,
    library: bool = False,
) -> list[Network]:
    """What the command line calls a SPEC: `file.arch`, `file.arch:network`, or a zoo name.

    A file stands for all its networks. The values of `parameters` are texts of the language.
    Where a `library` will do, a file of blocks for others to import has no networks and no error.
    """
    tree, name = _resolve(spec)
    if library and name is None and _is_library(tree):
        return []
    return _networks(tree, name, parameters, limits)


def _is_library(tree: ast.Spec) -> bool:
    blocks = any(isinstance(statement, ast.Block) for statement in tree.flow.statements)
    return blocks and not network_names(tree)


def _networks(
    tree: ast.Spec,
    name: str | None,
    parameters: dict[str, str] | None,
    limits: Limits | None,
    check: bool = True,
) -> list[Network]:
    """The network of a name, or all of a file; the errors of all of them at once."""
    values = {key: read_value(key, text) for key, text in (parameters or {}).items()}
    names = [name] if name else network_names(tree) or [None]
    networks: list[Network] = []
    errors: list[Diagnostic] = []
    for each in names:
        try:
            networks.append(_compile(tree, each, values, limits, check=check))
        except SpecError as error:
            places = {(str(d.span), d.message) for d in errors}
            told = ((d, (str(d.span), d.message)) for d in error.diagnostics)
            errors += [d for d, place in told if d.span is None or place not in places]
    if errors:
        raise SpecError(errors)
    return networks


def open_subject(
    spec: str, parameters: dict[str, str] | None = None, limits: Limits | None = None
) -> Subject:
    """As `open_spec`, to be linted: the networks with their text, whatever the spec expects.

    A file of definitions alone, for others to import, has no networks and no error.
    """
    from archdsl.lint import Subject

    tree, name = _resolve(spec)
    if name is None and _is_library(tree):
        return Subject(tree, ())
    networks = _networks(tree, name, parameters, limits, check=False)
    whole = not parameters and len(networks) == len(network_names(tree))
    return Subject(tree, tuple(network.graph for network in networks), whole)


def open_one(
    spec: str,
    parameters: dict[str, str] | None = None,
    limits: Limits | None = None,
    inputs: Inputs | None = None,
    check: bool = True,
) -> Network:
    """As `open_spec`, for one network: the one named, the file's own, or its only one.

    Without `check` it need not be as the spec expects, so that it can be looked at.
    """
    tree, name = _resolve(spec)
    values = {key: read_value(key, text) for key, text in (parameters or {}).items()}
    return _compile(tree, name, values, limits, inputs, check)


def open_to_train(
    spec: str,
    parameters: dict[str, str] | None = None,
    limits: Limits | None = None,
    changes: Sequence[str] = (),
    data: str | None = None,
) -> Network:
    """As `open_one`, with a `train` section in force whether the spec has one or not.

    `changes` are settings that take the place of the spec's, one after the other, and `data` is
    where its data are read from instead; see `archdsl.ir.training.changes`.

    Raises:
        ArchError: what is wrong with the spec or with a change.
    """
    from archdsl.elaborate.changes import elaborate_changed

    tree, name = _resolve(spec)
    values = {key: read_value(key, text) for key, text in (parameters or {}).items()}
    graph = elaborate_changed(tree, name, values, limits, changes, data)
    network = Network(graph, tree)
    network.check()
    return network


def optimizer(text: str) -> Optimizer:
    """An optimizer as a `train` section has it, such as `sgd lr=0.1 momentum=0.9`.

    Raises:
        ParseError, SpecError: it is none.
    """
    spec = Source(f"input 2\nidentity\ntrain {{ optimizer {text} }}", "--optimizer")
    training = elaborate(parse_source(spec)).training
    assert training is not None
    return training.optimizer


def open_several(
    specs: Sequence[str], parameters: dict[str, str] | None = None, limits: Limits | None = None
) -> list[Network]:
    """As `open_one`, for each of several; a single one that is a file stands for all its networks.

    A parameter is set in those networks that have it.

    Raises:
        ArchError: what is wrong with any of them, or none has one of the parameters.
    """
    values = {key: read_value(key, text) for key, text in (parameters or {}).items()}
    networks: list[Network] = []
    errors: list[Diagnostic] = []
    unused = set(values)
    for spec in specs:
        try:
            tree, name = _resolve(spec)
            several = name is None and len(specs) == 1
            for each in (network_names(tree) or [None]) if several else [name]:
                own = _known(values, tree, each, limits)
                unused -= set(own)
                networks.append(_compile(tree, each, own, limits))
        except ArchError as error:
            errors += [d for d in error.diagnostics if d not in errors]
    if unused and not errors:
        known = {key for network in networks for key in network.graph.parameters}
        key = min(unused)
        help = suggestion(key, known) or f"they have {', '.join(sorted(known)) or 'none'}"
        label = f"none of the networks has a parameter `{key}`"
        errors = [Diagnostic("A302", None, label, help=help)]
    if errors:
        raise ArchError(errors)
    return networks


def _known(
    values: dict[str, Value], tree: ast.Spec, name: str | None, limits: Limits | None
) -> dict[str, Value]:
    """The values of those parameters that a network has."""
    if not values:
        return values
    try:
        known = elaborate(tree, name, None, limits).parameters
    except SpecError:  # it may be that it needs the values
        return values
    return {key: value for key, value in values.items() if key in known}


def open_family(
    spec: str,
    parameter: str,
    parameters: dict[str, str] | None = None,
    limits: Limits | None = None,
) -> tuple[Network, Callable[[int], Graph]]:
    """As `open_one`, with a function that gives the same network at other values of a parameter.

    Raises:
        SpecError: the network has no such parameter; the function, that it cannot have a value.
    """
    tree, name = _resolve(spec)
    values = {key: read_value(key, text) for key, text in (parameters or {}).items()}
    network = _compile(tree, name, values, limits)
    known = network.graph.parameters
    if parameter not in known:
        help = suggestion(parameter, known) or f"it has {', '.join(known) or 'none'}"
        label = f"the network has no parameter `{parameter}`"
        raise SpecError(Diagnostic("A302", None, label, help=help))

    def at(value: int) -> Graph:
        return elaborate(tree, name, {**values, parameter: value}, limits)

    return network, at


def _compile(
    spec: ast.Spec,
    name: str | None,
    parameters: dict[str, Any],
    limits: Limits | None = None,
    inputs: Inputs | None = None,
    check: bool = True,
) -> Network:
    values = {key: _given(key, value) for key, value in parameters.items()}
    if inputs is not None and not isinstance(inputs, Mapping):
        inputs = {"": inputs}
    network = Network(elaborate(spec, name, values, limits, inputs), spec)
    if check:
        network.check()
    return network


def _resolve(spec: str) -> tuple[ast.Spec, str | None]:
    """The syntax tree that a SPEC means, and the network's name where it gives one."""
    path, colon, name = spec.rpartition(":")
    if colon and (path.endswith(".arch") or _exists(path)) and not _exists(spec):
        return parse_source(read_source(path)), name
    if re.fullmatch(r"\w+", spec) and not _exists(spec):
        return _zoo_spec(spec), spec
    return parse_source(read_source(spec)), None


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # a name that no file can have
        return False


def _zoo_spec(name: str) -> ast.Spec:
    """The spec of the zoo that holds a network; only those that mention it are parsed."""
    for path in sorted(folder("specs").glob("*.arch")):
        source = read_source(path)
        if name == path.stem or re.search(rf"\b{re.escape(name)}\b", source.text):
            spec = parse_source(source)
            if name in network_names(spec):
                return spec
    names = zoo_names()
    help = suggestion(name, names) or f"the zoo has {', '.join(names)}"
    label = f"no file and no network of the zoo is called `{name}`"
    raise ReadError(Diagnostic("A001", None, label, help=help))


def _given(key: str, value: Any) -> Value:
    """A Python value as the language has it; a layer is its name, or `(fc init=he)`.

    Raises:
        TypeError: the language has no such values.
        ParseError, SpecError: the arguments of a layer are wrong.
    """
    if isinstance(value, str) and value in registry():
        return LayerValue(registry()[value])
    if isinstance(value, str) and _is_layer(value):
        return evaluate(parse_value(value, key), Context(Scope()))
    match value:
        case list():
            return [_given(key, v) for v in value]  # pyright: ignore[reportUnknownVariableType]
        case tuple():
            return tuple(map(operator.index, value))  # pyright: ignore[reportUnknownArgumentType]
        case bool() | int() | float() | str() | ast.Multiple() | BlockValue() | LayerValue():
            return value
        case _:
            return operator.index(value)  # an integer of another library's kind, or a TypeError


def _is_layer(text: str) -> bool:
    """Whether a text is a layer in parentheses; any other text stands for itself."""
    found = re.fullmatch(r"\(\s*(\w+)\b.*\)", text, re.S)
    return found is not None and found[1] in registry()


def read_value(key: str, text: str) -> Value:
    """A value given as text on the command line; a word that means nothing is a text."""
    expr = parse_value(text, f"-p {key}")
    try:
        return evaluate(expr, Context(Scope()))
    except ArchError:
        if isinstance(expr, ast.Name):
            return expr.id
        raise
