"""Paths that a user names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.errors import Diagnostic, SpecError, suggestion
from archdsl.ir import Graph


def check_paths(graph: Graph, paths: Iterable[str], inputs: bool = False) -> None:
    """Make sure that there is something at each of these paths.

    Args:
        graph: the network.
        paths: of layers and scopes.
        inputs: whether the names of the network's inputs will do as well.

    Raises:
        SpecError: the network has no such path.
    """
    known = {*graph.by_path, *(s.path for s in graph.scopes if s.path)}
    if inputs:
        known |= {i.name for i in graph.inputs}
    for path in paths:
        if path not in known:
            label = f"`{graph.name}` has no layer, block or sequence called `{path}`"
            help = suggestion(path, known) or f"there are {listed(_outermost(graph))}"
            raise SpecError(Diagnostic("A305", None, label, "nothing has this path", help=help))


def _outermost(graph: Graph) -> list[str]:
    return list(dict.fromkeys(node.path.partition(".")[0] for node in graph.nodes))


def listed(paths: Sequence[str], most: int = 8) -> str:
    """Some paths in words."""
    shown = ", ".join(f"`{path}`" for path in paths[:most])
    return f"{shown} and {len(paths) - most:,} more" if len(paths) > most else shown
