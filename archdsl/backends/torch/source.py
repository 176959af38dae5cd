"""The PyTorch file of a network: a class per block, a straight-line forward, torch alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from archdsl.backends.torch.calls import Call, fill, lines, literal, literals, wrapped
from archdsl.backends.torch.chain import FORWARD, is_chain, making
from archdsl.backends.torch.classes import Classes, helpers, network_class
from archdsl.backends.torch.draft import RESERVED, Draft, Starts, Step, forward, modules_in
from archdsl.backends.torch.layout import WIDTH, element, statement
from archdsl.backends.torch.parameters import Parameter, Template
from archdsl.backends.torch.placing import Placement
from archdsl.backends.torch.tree import Tree
from archdsl.errors import printable
from archdsl.ir import Graph
from archdsl.ir.shapes import Shape, elements, show


def source(graph: Graph, placement: Placement | None = None) -> str:
    """The text of the module's file; with a placement, tensors move to the layers' devices."""
    tree = Tree.of(graph, placement)
    name = network_class(graph)
    classes = Classes(tree, {*RESERVED, *helpers(graph), name})
    root = classes.drafter.draft(tree.root)
    drafts = [t.drafts[0] for t in classes.templates] + [root]
    texts = {key: text for draft in drafts for key, text in draft.helpers.items()}
    parts = [text.strip("\n") + "\n" for text in texts.values()]
    parts += ["\n".join(_block(template)) + "\n" for template in classes.templates]
    parts.append("\n".join(_network(name, root, graph)) + "\n")
    body = "\n\n".join(parts)
    return f"{_header(graph)}\n{_imports(body)}\n\n{body}"


def _header(graph: Graph) -> str:
    """Which spec, at which version, made the file."""
    origin = graph.origin
    file = printable(origin.file).replace("\\", "\\\\").replace('"', '\\"')
    parameters = sum(elements(w.shape) for w in graph.state().values() if w.trainable)
    inputs = ", ".join(_batch(i.shape) for i in graph.inputs)
    return (
        f'"""{graph.name}: compiled by archdsl {origin.archdsl} from {file}.\n\n'
        f"Spec    sha256 {origin.sha256}\n"
        f"Input   {inputs}\n"
        f"Output  {_batch(graph.outputs[0].shape)}\n"
        f'{parameters:,} parameters\n"""\n'
    )


def _batch(shape: Shape) -> str:
    return " x ".join(["N", *map(str, shape)])


def _imports(body: str) -> str:
    found: list[str] = []
    if "OrderedDict(" in body:
        found += ["from collections import OrderedDict", ""]
    if "torch." in body:
        found.append("import torch")
    return "\n".join([*found, "from torch import Tensor, nn"]) + "\n"


def _block(template: Template) -> list[str]:
    """The class of a block."""
    draft = template.drafts[0]
    scope = draft.level.scope
    texts = iter(template.texts)
    entries = [(name, fill(call, texts)) for name, call in draft.entries]
    shapes = _common_shapes(template)
    doc = f"The block `{scope.definition}`."
    flags = template.flags
    return _class(template.name, doc, template.parameters, entries, draft, shapes, flags)


def _network(name: str, draft: Draft, graph: Graph) -> list[str]:
    entries = [(key, literals(call)) for key, call in draft.entries]
    shapes = [shape for _, _, shape in forward(draft).lines]
    return _class(name, f"The network `{graph.name}`.", [], entries, draft, shapes, {})


def _common_shapes(template: Template) -> list[Shape | None]:
    """The shape after each line of `forward`, where all the calls of the block agree."""

    def is_optional(step: Step) -> bool:
        return not modules_in(step.template).isdisjoint(template.optional)

    rows = ([s.shape for s in d.steps if not is_optional(s)] for d in template.drafts)
    columns = (set(column) for column in zip(*rows, strict=True))
    common = (column.pop() if len(column) == 1 else None for column in columns)
    return [None if is_optional(step) else next(common) for step in template.drafts[0].steps]


def _class(
    name: str,
    doc: str,
    parameters: list[Parameter],
    entries: list[tuple[str, Call]],
    draft: Draft,
    shapes: Iterable[Shape | None],
    flags: Mapping[str, str],
) -> list[str]:
    out = [*wrapped(f"class {name}", ["nn.Module"], ":", 0), f'    """{doc}"""', ""]
    formals = ["self", *(_formal(p) for p in parameters)]
    out += wrapped("def __init__", formals, " -> None:", 4)
    out.append("        super().__init__()")
    for key, call in entries:
        if is_chain(call):
            out += making(key, call)
        elif key in flags:
            own = [s for s in draft.starts if s[0].partition(".")[0] == key]
            out += _optional(key, call, flags[key], own)
        else:
            out += lines(f"self.{key} = ", call)
    out += _starts([s for s in draft.starts if s[0].partition(".")[0] not in flags])
    if any(is_chain(call) for _, call in entries):
        return [*out, "", *FORWARD]
    return [*out, "", *_forward(draft, shapes, set(flags))]


def _optional(key: str, call: Call, flag: str, starts: list[tuple[str, Starts]]) -> list[str]:
    """A module that is made where a parameter says so."""
    made = [*lines(f"self.{key} = ", call, indent=12), *_starts(starts, indent=12)]
    return [f"        self.{key} = None", f"        if {flag}:", *made]


def _formal(parameter: Parameter) -> str:
    kinds = dict.fromkeys(_kind(v) for v in parameter.column)
    if "float" in kinds:
        kinds.pop("int", None)  # a type checker takes an integer for a float
    default = "" if parameter.default is ... else f" = {literal(parameter.default)}"
    return f"{parameter.name}: {' | '.join(kinds)}{default}"


def _kind(value: Any) -> str:
    if isinstance(value, tuple):
        return f"tuple[{', '.join(_kind(v) for v in value)}]"  # pyright: ignore
    return type(value).__name__


def _forward(draft: Draft, shapes: Iterable[Shape | None], optional: set[str]) -> list[str]:
    made = forward(draft)
    formals = ["self", *(f"{n}: Tensor" for n in made.parameters)]
    several = len(made.results) > 1
    gives = "Tensor" if not several else "dict[str, Tensor]"
    if any(training for _, _, training in made.results):
        gives = "Tensor | dict[str, Tensor]"
    out = wrapped("def forward", formals, f" -> {gives}:", 4)
    result = made.results[0][1] if made.results else made.parameters[0]
    last: Shape | None = None
    returned = False
    for i, ((name, expression, _), shape) in enumerate(zip(made.lines, shapes, strict=True), 1):
        decided = modules_in(expression) & optional
        out += [f"        if self.{key} is not None:" for key in decided]
        # The last tensor is returned as it is made.
        returned = i == len(made.lines) and name == result and not several and not decided
        head = "return" if returned else f"{name} ="
        comment = show(shape) if shape is not None and shape != last else ""
        last = shape
        out += statement(f"{head} {expression}", 12 if decided else 8, comment)
    if several:
        return out + _returns(made.results)
    return out if returned else [*out, f"        return {result}"]


def _returns(results: tuple[tuple[str, str, bool], ...]) -> list[str]:
    """The tensors of a network with several outputs, by name; auxiliary ones in training."""

    def pack(chosen: list[tuple[str, str]], indent: int) -> list[str]:
        if len(chosen) == 1:
            return statement(f"return {chosen[0][1]}", indent)
        parts = [f"{literal(name)}: {expression}" for name, expression in chosen]
        one = f"{' ' * indent}return {{{', '.join(parts)}}}"
        if len(one) <= WIDTH:
            return [one]
        inner = [line for part in parts for line in element(part, indent + 4)]
        return [f"{' ' * indent}return {{", *inner, f"{' ' * indent}}}"]

    everything = [(name, expression) for name, expression, _ in results]
    always = [(name, expression) for name, expression, training in results if not training]
    if len(always) == len(everything):
        return pack(everything, 8)
    return ["        if self.training:", *pack(everything, 12), *pack(always, 8)]


def _starts(found: list[tuple[str, Starts]], indent: int = 8) -> list[str]:
    """How the weights start, layers that start alike together."""
    groups: dict[Starts, list[str]] = {}
    for path, starts in found:
        groups.setdefault(starts, []).append(path)
    out: list[str] = []
    for starts, paths in groups.items():
        together = len(paths) > 1
        if together:
            named = [literal(p) for p in paths]
            out += wrapped("for layer in ", named, ":", indent, is_call=False)
        for weight, (function, *arguments) in starts:
            stem = "{layer}" if together else paths[0]
            key = literal(f"{stem}.{weight}" if weight else stem)
            tensor = f"self.get_parameter({'f' * together}{key})"
            if not weight:
                tensor = "self.get_parameter(layer)" if together else f"self.{paths[0]}"
            text = f"nn.init.{function}({', '.join([tensor, *arguments])})"
            out += statement(text, indent + 4 * together)
    return out
