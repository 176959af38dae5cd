"""Parameters and MACs as a polynomial of one parameter of the spec, exactly.

The network is written out at some values of the parameter, with exact integers, and the polynomial
through some of them must go through all of them. Integer division makes a formula hold for
multiples only (channels//4: for multiples of 4), so multiples of 1, 2, 3, … are tried in turn. What
is found holds at the values that were tried; that it holds between them is likely and not proven.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from archdsl.analyses import cost
from archdsl.analyses.copies import groups
from archdsl.analyses.polynomial import VERIFYING, Polynomial, through
from archdsl.errors import Diagnostic, SpecError, printable
from archdsl.ir.graph import Graph

STEPS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 24, 28, 32, 64)
DEGREE = 6  # at most: an attention over all positions of a picture is of degree 4 in its side
CONSECUTIVE = DEGREE + 1 + VERIFYING  # multiples in a row that are tried


@dataclass(frozen=True, slots=True)
class Formula:
    """One layer's parameters and MACs."""

    path: str
    params: Polynomial
    macs: Polynomial


@dataclass(frozen=True, slots=True)
class Symbolic:
    """A network's parameters and MACs in one parameter of its spec."""

    network: str
    parameter: str
    params: Polynomial | None
    """None if they are no polynomial."""
    macs: Polynomial | None
    layers: tuple[Formula, ...]
    """The layers with parameters or MACs; none where the number of layers itself changes."""
    multiple: int
    """It holds for multiples of this number."""
    tried: tuple[int, ...]
    """The values with which it was found and checked."""
    refused: bool = False
    """Whether other values were tried that make no network."""

    def to_dict(self) -> dict[str, Any]:
        """The formulas as texts, and where they were checked."""
        layers = [
            {"path": row.path, "params": str(row.params), "macs": str(row.macs)}
            for row in self.layers
        ]
        return {
            "network": self.network,
            "parameter": self.parameter,
            "params": None if self.params is None else str(self.params),
            "macs": None if self.macs is None else str(self.macs),
            "multiple_of": self.multiple,
            "checked_at": list(self.tried),
            "layers": layers,
        }

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(self.to_dict(), indent=1) + "\n"

    def __str__(self) -> str:
        """The formulas as text, of the layers those that the parameter changes."""
        where = f"for multiples of {self.multiple}, " if self.multiple > 1 else ""
        span = f"{len(self.tried)} values from {self.tried[0]} to {self.tried[-1]}"
        span += " that make a network" if self.refused else ""
        lines = [f"{self.network} in {self.parameter}: {where}checked at {span}", ""]
        if varying := [*self._varying()]:
            rows = [("path", "params", "MACs"), *varying]
            widths = [max(len(row[i]) for row in rows) for i in range(3)]
            rows.insert(1, ("-" * widths[0], "-" * widths[1], "-" * widths[2]))
            text = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
            for group in groups([row[1:] for row in rows]):
                lines += text[group.start : group.start + group.period]
                lines += [group.note(rows[group.end - 1][0])] if group.copies else []
            lines.append("")
        return "\n".join([*lines, *self._totals()])

    def _varying(self) -> Iterator[tuple[str, str, str]]:
        """Those layers, and the rest as one."""
        params, macs, rest = 0, 0, 0
        for row in self.layers:
            if row.params.degree or row.macs.degree:
                yield printable(row.path), _text(row.params), _text(row.macs)
            else:
                params, macs, rest = params + row.params(0), macs + row.macs(0), rest + 1
        if rest:
            yield f"{rest:,} more", str(params) if params else "-", str(macs) if macs else "-"

    def _totals(self) -> Iterator[str]:
        for title, found in (("parameters", self.params), ("MACs", self.macs)):
            no = f"no polynomial in {self.parameter} at these values, of degree {DEGREE} at most"
            yield f"{title:<10}  {no if found is None else found}"


def symbolic(at: Callable[[int], Graph], graph: Graph, parameter: str) -> Symbolic:
    """The parameters and MACs of a network in one of its parameters.

    Args:
        at: the network at another value of the parameter; an error where there is none.
        graph: the network at a value around which others are tried, from half to twice as much.
        parameter: its name.

    Raises:
        SpecError: the parameter is no integer, or too few of its values make a network.
    """
    around = graph.parameters[parameter]
    if isinstance(around, bool) or not isinstance(around, int):
        label = f"`{parameter}` is {json.dumps(around)}, no integer"
        message = "there is no formula in this parameter"
        raise SpecError(Diagnostic("A403", None, label, message))
    work = _Work(at, graph.name, parameter, around)
    partial: Symbolic | None = None
    for step in STEPS:
        found = work.fit(step) if step <= 4 * max(1, around) else None
        if found is None:
            continue
        if found.params is not None and found.macs is not None:
            return found
        better = partial is None or _known(found) > _known(partial)
        partial = found if better else partial
    if partial is None:
        raise work.too_few()
    return partial


def _known(found: Symbolic) -> int:
    return (found.params is not None) + (found.macs is not None)


@dataclass(frozen=True, slots=True)
class _Counts:
    params: int
    macs: int
    layers: dict[str, tuple[int, int]]


class _Work:
    """Networks at values of a parameter, each written out once."""

    def __init__(
        self, at: Callable[[int], Graph], network: str, parameter: str, around: int
    ) -> None:
        self.at = at
        self.network = network
        self.parameter = parameter
        self.around = around
        self.known: dict[int, _Counts | None] = {}
        self.refused: SpecError | None = None
        self.fitted: dict[tuple[int, ...], Polynomial | None] = {}

    def fit(self, step: int) -> Symbolic | None:
        """The formulas that hold for multiples of `step`; None if too few of them are networks."""
        values = self._values(step)
        counts = {x: found for x in values if (found := self._counts(x)) is not None}
        tried = tuple(sorted(counts))
        if len(tried) < 1 + VERIFYING:
            return None
        params = self._through(tried, [counts[x].params for x in tried])
        macs = self._through(tried, [counts[x].macs for x in tried])
        layers = self._layers(tried, [counts[x].layers for x in tried])
        return Symbolic(
            network=self.network,
            parameter=self.parameter,
            params=params,
            macs=macs,
            layers=layers if params is not None and macs is not None else (),
            multiple=step,
            tried=tried,
            refused=len(tried) < len(values),
        )

    def _values(self, step: int) -> list[int]:
        """Multiples in a row from about where the network is, some below it, half and twice it."""
        around = self.around
        start, low, high = (n // step * step for n in (around, around // 2, 2 * around))
        row = [start + step * k for k in range(CONSECUTIVE)]
        below = [start - step * k for k in range(1, VERIFYING + 1) if start - step * k >= low]
        return sorted({x for x in [*row, *below, low, high] if x >= min(1, around)})

    def too_few(self) -> SpecError:
        """Too few values of the parameter make a network."""
        found = [n for n, counts in self.known.items() if counts is not None]
        label = f"of {len(self.known)} values of `{self.parameter}` around {self.around}, "
        label += f"{len(found)} make a network"
        why = self.refused.diagnostics[0] if self.refused else None
        help = f"one does not because {why.label or why.title}" if why else ""
        message = "there is no formula in this parameter"
        return SpecError(Diagnostic("A403", None, label, message, help=help))

    def _counts(self, value: int) -> _Counts | None:
        if value not in self.known:
            try:
                graph = self.at(value)
            except SpecError as error:
                self.refused = error
                self.known[value] = None
            else:
                total = cost.of_graph(graph)
                rows = ((n.path, cost.of_node(n)) for n in graph.nodes)
                layers = {path: (t.params, t.macs) for path, t in rows}
                self.known[value] = _Counts(total.params, total.macs, layers)
        return self.known[value]

    def _layers(
        self, tried: tuple[int, ...], found: list[dict[str, tuple[int, int]]]
    ) -> tuple[Formula, ...]:
        paths = list(found[0])
        if any(list(layers) != paths for layers in found):
            return ()
        rows: list[Formula] = []
        for path in paths:
            params = self._through(tried, [layers[path][0] for layers in found])
            macs = self._through(tried, [layers[path][1] for layers in found])
            if params is None or macs is None:
                return ()  # what the layers lack cancels in the sum
            if params.coefficients or macs.coefficients:
                rows.append(Formula(path, params, macs))
        return tuple(rows)

    def _through(self, tried: tuple[int, ...], values: list[int]) -> Polynomial | None:
        """The polynomial; many layers have the same values."""
        key = (*tried, *values)
        if key not in self.fitted:
            found = through(self.parameter, dict(zip(tried, values, strict=True)))
            fits = found is not None and found.degree <= DEGREE
            self.fitted[key] = found if fits else None
        return self.fitted[key]


def _text(polynomial: Polynomial) -> str:
    return str(polynomial) if polynomial.coefficients else "-"
