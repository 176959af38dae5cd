"""The spec's text, line by line: what each costs, the layers that it stands for, findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from archdsl.analyses.by_source import Line, by_line
from archdsl.analyses.receptive_field import reach
from archdsl.backends.report.runs import Runs, runs
from archdsl.errors import Diagnostic, printable
from archdsl.ir import Graph, Place
from archdsl.ir.shapes import show

WIDTH = 4  # bytes of a value

Spot = tuple[int, int, int]
"""A line, and the columns from and to, the first one 1, the end exclusive."""


def sources(
    graph: Graph, files: Sequence[tuple[str, str]], findings: Sequence[Diagnostic] = ()
) -> list[dict[str, Any]]:
    """Each file that layers are written in, or that something is found in; the spec is the first.

    Args:
        graph: a network.
        files: names and texts of its spec and of what that imports.
        findings: what the linter says.
    """
    costs = by_line(graph)
    spots = _spots(graph)
    told: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for finding in findings:
        if finding.span is not None:
            told[finding.span.source.name].append(_finding(finding))
    found: list[dict[str, Any]] = []
    for i, (name, text) in enumerate(files):
        if i and name not in spots and name not in told:
            continue
        lines = [line.rstrip("\r") for line in text.split("\n")]
        if lines and not lines[-1]:
            lines.pop()
        found.append(
            {
                "name": printable(name),
                "lines": list(map(printable, lines)),
                "costs": {n: _cost(line) for (file, n), line in costs.items() if file == name},
                "spots": _in_lines(spots.get(name, {}), lines),
                "findings": told.get(name, []),
            }
        )
    return found


def _cost(line: Line) -> dict[str, Any]:
    """What a line costs: of what is written there; of what is called, if nothing is written."""
    totals, values = (
        (line.called, line.called_values) if line.is_call else (line.totals, line.values)
    )
    return {
        "params": totals.params,
        "macs": totals.macs,
        "bytes": WIDTH * values,
        "shapes": len(line.shapes),
        "shape": show(line.shapes[-1]) if line.shapes else "",
        "field": reach(line.field) if line.field else "",
        "call": line.is_call,
    }


def _spots(graph: Graph) -> dict[str, dict[Spot, set[int]]]:
    """The layers of every place in the text: of a call, all that it brings."""
    found: dict[str, dict[Spot, set[int]]] = defaultdict(lambda: defaultdict(set))
    scopes = {scope.path: scope for scope in graph.scopes}
    above: dict[str, tuple[tuple[str, Spot], ...]] = {"": ()}
    for path, scope in scopes.items():
        if scope.parent is not None:
            above[path] = (*above[scope.parent], (scope.place.file, _spot(scope.place)))
    for i, node in enumerate(graph.nodes):
        for file, spot in ((node.place.file, _spot(node.place)), *above[node.scope]):
            found[file][spot].add(i)
    return found


def _spot(place: Place) -> Spot:
    """The place; of several lines the first one's part."""
    end = place.end_column if place.end_line == place.line else 1_000_000
    return place.line, place.column, end


def _in_lines(
    spots: dict[Spot, set[int]], lines: Sequence[str]
) -> dict[int, list[tuple[int, int, Runs]]]:
    """The spots of each line, outer ones first; what lies across another is left out."""
    by_line: dict[int, list[tuple[int, int, Runs]]] = defaultdict(list)
    for (line, start, end), layers in sorted(spots.items(), key=lambda s: (s[0][:2], -s[0][2])):
        if not 1 <= line <= len(lines):
            continue
        end = min(end, len(lines[line - 1]) + 1)
        crossed = any(s < start < e < end for s, e, _ in by_line[line])
        if start < end and not crossed:
            by_line[line].append((start, end, runs(layers)))
    for number, found in by_line.items():
        text = lines[number - 1]
        by_line[number] = [(_units(text, s), _units(text, e), layers) for s, e, layers in found]
    return dict(by_line)


def _units(text: str, column: int) -> int:
    """A column as JavaScript counts: what is beyond U+FFFF is two characters there."""
    return column + sum(c > "\uffff" for c in text[: column - 1])


def _finding(finding: Diagnostic) -> dict[str, Any]:
    span = finding.span
    assert span is not None
    return {
        "line": span.line,
        "code": finding.code,
        "level": finding.level,
        "title": printable(finding.title),
        "label": printable(finding.label),
        "help": printable(finding.help),
        "notes": [printable(f"{note.text} ({note.span})") for note in finding.notes],
        "calls": list(_said(f"{call.text} {call.span}" for call in finding.calls)),
    }


def _said(texts: Iterable[str]) -> Iterable[str]:
    return map(printable, texts)
