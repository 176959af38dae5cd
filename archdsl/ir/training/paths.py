"""Paths that settings name: whether the network has them, and which weights they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from archdsl.ir.training.setting import Finding

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph

_SHOWN = 8  # names in one hint
_COMPARED = 1000  # names that a misspelt one is compared with


def within(path: str, top: str) -> bool:
    """Whether a path is `top` or lies below it."""
    return path == top or path.startswith(f"{top}.")


def weights_at(graph: Graph, path: str) -> frozenset[str]:
    """The keys of the trained weights of what a path names; a shared one wherever it is used."""
    return frozenset(graph.trained_at.get(path, ()))


def trainable(graph: Graph) -> frozenset[str]:
    """The keys of all weights that can be trained."""
    return frozenset(key for key, weight in graph.state().items() if weight.trainable)


def unknown(graph: Graph, path: str, scope: bool = False) -> Iterator[Finding]:
    """A finding where the network has no such path, or, with `scope`, none that holds layers."""
    scopes = {s.path for s in graph.scopes}
    if path in scopes or (path in graph.by_path and not scope):
        return
    if path in graph.by_path:
        above = graph.by_path[path].scope
        help = f"the block that it is in is `{above}`" if above else "label a group: `part: { … }`"
        label = f"`{path}` is one layer; a part that holds layers is expected"
        yield Finding("A804", label, help, word=path)
        return
    known = [*graph.by_path, *scopes]
    above = path
    while above and above not in scopes:
        above = above.rpartition(".")[0]
    prefix = f"{above}." if above else ""
    below = [p.removeprefix(prefix).partition(".")[0] for p in known if p and p.startswith(prefix)]
    names = list(dict.fromkeys(below))
    if scope:
        names = [n for n in names if prefix + n in scopes]
    missing = path.removeprefix(prefix).partition(".")[0]
    from difflib import get_close_matches

    close = get_close_matches(missing, names[:_COMPARED], n=1)
    if close:
        help = f"did you mean `{prefix}{close[0]}`?"
    else:
        shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        help = f"`{above or graph.name}` has {shown}" if names else ""
    yield Finding("A804", f"the network has no `{path}`", help, word=path)


def untrained(graph: Graph, path: str) -> Iterator[Finding]:
    """A finding where the network has no such path, or nothing there has weights."""
    if path in graph.trained_at:
        return
    found = list(unknown(graph, path))
    yield from found
    if not found:
        yield Finding("A804", f"`{path}` has no weights to train", word=path)
