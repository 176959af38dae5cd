"""What a test asks of a spec that is given as text."""

from __future__ import annotations

from typing import Any

import archdsl
from archdsl.errors import ArchError, Diagnostic
from archdsl.ir import Graph, Node


def graph(text: str, name: str | None = None, **parameters: Any) -> Graph:
    return archdsl.parse(text, name, **parameters).graph


def paths(text: str, **parameters: Any) -> list[str]:
    """The path of every layer, in order."""
    return [node.path for node in graph(text, **parameters).nodes]


def nodes(text: str, **parameters: Any) -> dict[str, Node]:
    """Every layer by its path."""
    return graph(text, **parameters).by_path


def layers(text: str, **parameters: Any) -> list[str]:
    """Every layer as the language writes it, all that was inferred filled in."""
    return [node.op.text() for node in graph(text, **parameters).nodes]


def output(text: str, **parameters: Any) -> tuple[int, ...]:
    """The shape of the main output."""
    return graph(text, **parameters).outputs[0].shape


def diagnostics(text: str, name: str | None = None, **parameters: Any) -> tuple[Diagnostic, ...]:
    """The errors of a text; none if it compiles."""
    try:
        archdsl.parse(text, name, **parameters)
    except ArchError as error:
        return error.diagnostics
    return ()


def errors(text: str, name: str | None = None, **parameters: Any) -> list[str]:
    """The errors of a text, `CODE at what it points to`."""
    return [
        f"{d.code} at {d.span.text if d.span else ''}"
        for d in diagnostics(text, name, **parameters)
    ]
