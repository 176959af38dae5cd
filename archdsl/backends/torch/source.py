"""The PyTorch file of a network: a class per block, a straight-line forward, torch alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archdsl.backends.torch.calls import WIDTH, Call, fill, lines, literal, literals, wrapped
from archdsl.backends.torch.classes import Classes, Parameter, Template, class_name
from archdsl.backends.torch.draft import Draft, Starts, forward
from archdsl.backends.torch.tree import Tree
from archdsl.ir import Graph
from archdsl.ir.records import TorchModule
from archdsl.ir.shapes import Shape, elements, show

RESERVED = {"Tensor", "OrderedDict"}


def source(graph: Graph) -> str:
    """The text of the module's file."""
    tree = Tree.of(graph)
    name = class_name(graph.name)
    lowerings = [node.torch for node in graph.nodes]
    helper_names = {x.name for x in lowerings if isinstance(x, TorchModule) and x.helper}
    classes = Classes(tree, RESERVED | helper_names | {name})
    root = classes.drafter.draft(tree.root)
    drafts = [t.drafts[0] for t in classes.templates] + [root]
    helpers = {key: text for draft in drafts for key, text in draft.helpers.items()}
    parts = [text.strip("\n") + "\n" for text in helpers.values()]
    parts += ["\n".join(_block(template)) + "\n" for template in classes.templates]
    parts.append("\n".join(_network(name, root, graph)) + "\n")
    body = "\n\n".join(parts)
    return f"{_header(graph)}\n{_imports(body)}\n\n{body}"


def _header(graph: Graph) -> str:
    """Which spec, at which version, made the file."""
    origin = graph.origin
    file = origin.file.replace("\\", "\\\\").replace('"', '\\"')
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
    return _class(template.name, doc, template.parameters, entries, draft, shapes)


def _network(name: str, draft: Draft, graph: Graph) -> list[str]:
    entries = [(key, literals(call)) for key, call in draft.entries]
    shapes = [shape for _, _, shape in forward(draft).lines]
    return _class(name, f"The network `{graph.name}`.", [], entries, draft, shapes)


def _common_shapes(template: Template) -> list[Shape | None]:
    """The shape after each line of `forward`, where all the calls of the block agree."""
    columns = zip(*([s.shape for s in d.steps] for d in template.drafts), strict=True)
    return [column[0] if len(set(column)) == 1 else None for column in columns]


def _class(
    name: str,
    doc: str,
    parameters: list[Parameter],
    entries: Iterable[tuple[str, Call]],
    draft: Draft,
    shapes: Iterable[Shape | None],
) -> list[str]:
    out = [f"class {name}(nn.Module):", f'    """{doc}"""', ""]
    formals = ["self", *(_formal(p) for p in parameters)]
    out += wrapped("def __init__", formals, " -> None:", 4)
    out.append("        super().__init__()")
    for key, call in entries:
        out += lines(f"self.{key} = ", call)
    out += _starts(draft)
    return [*out, "", *_forward(draft, shapes)]


def _formal(parameter: Parameter) -> str:
    kinds = dict.fromkeys(_kind(v) for v in parameter.column)
    default = "" if parameter.default is ... else f" = {literal(parameter.default)}"
    return f"{parameter.name}: {' | '.join(kinds)}{default}"


def _kind(value: Any) -> str:
    if isinstance(value, tuple):
        return f"tuple[{', '.join(_kind(v) for v in value)}]"  # pyright: ignore
    return type(value).__name__


def _forward(draft: Draft, shapes: Iterable[Shape | None]) -> list[str]:
    made = forward(draft)
    formals = ["self", *(f"{n}: Tensor" for n in made.parameters)]
    several = len(made.results) > 1
    gives = "Tensor" if not several else "dict[str, Tensor]"
    if any(training for _, _, training in made.results):
        gives = "Tensor | dict[str, Tensor]"
    out = wrapped("def forward", formals, f" -> {gives}:", 4)
    last: Shape | None = None
    for (name, expression, _), shape in zip(made.lines, shapes, strict=True):
        line = f"        {name} = {expression}"
        comment = f"  # {show(shape)}" if shape is not None and shape != last else ""
        last = shape
        out.append(line + comment if len(line + comment) <= WIDTH else line)
    if several:
        return out + _returns(made.results)
    result = made.results[0][1] if made.results else made.parameters[0]
    if made.lines and made.lines[-1][0] == result:
        out[-1] = out[-1].replace(f"{result} =", "return", 1)  # returned as it is made
        return out
    return [*out, f"        return {result}"]


def _returns(results: tuple[tuple[str, str, bool], ...]) -> list[str]:
    """The tensors of a network with several outputs, by name; auxiliary ones in training."""

    def pack(chosen: list[tuple[str, str]], indent: int) -> list[str]:
        if len(chosen) == 1:
            return [f"{' ' * indent}return {chosen[0][1]}"]
        parts = [f"{literal(name)}: {expression}" for name, expression in chosen]
        one = f"{' ' * indent}return {{{', '.join(parts)}}}"
        if len(one) <= WIDTH:
            return [one]
        inner = [f"{' ' * indent}    {part}," for part in parts]
        return [f"{' ' * indent}return {{", *inner, f"{' ' * indent}}}"]

    everything = [(name, expression) for name, expression, _ in results]
    always = [(name, expression) for name, expression, training in results if not training]
    if len(always) == len(everything):
        return pack(everything, 8)
    return ["        if self.training:", *pack(everything, 12), *pack(always, 8)]


def _starts(draft: Draft) -> list[str]:
    """How the weights start, layers that start alike together."""
    groups: dict[Starts, list[str]] = {}
    for path, starts in draft.starts:
        groups.setdefault(starts, []).append(path)
    out: list[str] = []
    for starts, paths in groups.items():
        together = len(paths) > 1
        if together:
            out += wrapped("for layer in ", [literal(p) for p in paths], ":", 8)
        for weight, (function, *arguments) in starts:
            stem = "{layer}" if together else paths[0]
            key = literal(f"{stem}.{weight}" if weight else stem)
            tensor = f"self.get_parameter({'f' * together}{key})"
            if not weight:
                tensor = "self.get_parameter(layer)" if together else f"self.{paths[0]}"
            indent = 12 if together else 8
            out += wrapped(f"nn.init.{function}", [tensor, *arguments], "", indent)
    return out
