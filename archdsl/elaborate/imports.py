"""`import "blocks.arch"`: another file's definitions, from the spec's own folder tree only."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.elaborate.frame import Flow, Frame
from archdsl.elaborate.names import Namespace
from archdsl.elaborate.values import Scope
from archdsl.errors import ArchError, Diagnostic, Note, SpecError
from archdsl.files import read_source
from archdsl.source import Source, Span
from archdsl.syntax import ast, parse

if TYPE_CHECKING:
    from archdsl.elaborate.elaborator import Elaborator

MAX_IMPORTS = 50


def import_(
    e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame
) -> None:
    """Bring the blocks, `param`s and `let`s of another file into this scope."""
    argument = call.arguments[0] if len(call.arguments) == 1 and not call.body else None
    name = argument.value.value if argument and isinstance(argument.value, ast.Literal) else None
    if not isinstance(name, str) or label is not None:
        help = '`import "blocks.arch"`'
        raise SpecError(Diagnostic("A402", call.span, "`import` names one file", help=help))
    source = _open(e, name, call.span)
    for key, (value, span) in _definitions(e, source, call.span).names.items():
        known = frame.scope.names.get(key)
        if known is None or known[1] != span:  # a file may arrive by two ways
            frame.scope.define(key, value, span)


def _open(e: Elaborator, name: str, span: Span) -> Source:
    """The file that an import means.

    Raises:
        SpecError: it lies outside of the spec's folder, or cannot be read.
    """
    here, root = span.source.path, e.source.path
    if here is None or root is None:
        text = "a spec that is no file has no folder to import from"
        raise SpecError(Diagnostic("A602", span, text))
    top = root.resolve().parent
    path = (here.parent / name).resolve()
    if Path(name).is_absolute() or not path.is_relative_to(top):
        text = f"`{name}` lies outside of the spec's folder"
        help = "copy the file next to the spec"
        raise SpecError(Diagnostic("A602", span, text, help=help))
    if len(e.imported) >= MAX_IMPORTS and path not in e.imported:
        text = f"a spec may import {MAX_IMPORTS} files"
        raise SpecError(Diagnostic("A501", span, text))
    if path in e.imported:
        return e.imported[path]
    try:
        source = read_source(path, path.relative_to(top).as_posix())
    except ArchError as error:
        found = error.diagnostics[0]
        raise SpecError(Diagnostic(found.code, span, found.label, help=found.help)) from None
    e.imported[path] = source
    return source


def _definitions(e: Elaborator, source: Source, span: Span) -> Scope:
    """The scope of a file's outermost level, carried out once."""
    if source in e.scopes:
        scope = e.scopes[source]
        if scope is None:
            text = f"`{source.name}` imports itself, by way of this"
            raise SpecError(Diagnostic("A602", span, text, help="take out one of the imports"))
        return scope
    e.scopes[source] = None
    spec = parse(source)
    steps = [s for s in spec.flow.statements if isinstance(s, ast.Step) and not is_rule(s)]
    if steps:
        text = "a file that is imported holds definitions, no layers"
        notes = (Note(span, "imported here"),)
        raise SpecError(Diagnostic("A601", steps[0].span, text, notes=notes))
    scope = Scope()
    e.run(Flow(), spec.flow.statements, Frame(scope, Namespace(), {}))
    e.scopes[source] = scope
    return scope


def is_rule(statement: ast.Statement) -> bool:
    """Whether a step is one of those that belong to a file as a whole, not to one network."""
    return _word(statement) in ("default", "init", "import", "train")


def is_training(statement: ast.Statement) -> bool:
    """Whether a statement is a `train { … }`."""
    return _word(statement) == "train"


def _word(statement: ast.Statement) -> str:
    """The first word of a statement that is a call."""
    item = statement.item if isinstance(statement, ast.Step) else None
    return item.name if isinstance(item, ast.Call) else ""


def digests(imported: dict[Path, Source]) -> dict[str, str]:
    """The SHA-256 of every imported file, by name."""
    found = {s.name: hashlib.sha256(s.text.encode()).hexdigest() for s in imported.values()}
    return dict(sorted(found.items()))
