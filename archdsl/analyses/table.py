"""The table of a network, on a terminal or in a file. Only printing it loads rich."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from archdsl.analyses.receptive_field import Field
from archdsl.analyses.summary import Layer, Summary
from archdsl.errors import printable
from archdsl.ir.shapes import show

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 100  # columns of a page, and of a file that the table is piped into
_RULE = "    \n    \n -- \n    \n    \n    \n    \n    \n"  # a rule under the head, in ASCII
JOINS = 3  # misaligned ones that are named
GAP = 2  # between columns, one of them the box's


@dataclass(frozen=True, slots=True)
class _Column:
    """A column; `room` is the width it cannot do with less than, None where it never breaks."""

    title: str
    justify: Literal["left", "right"]
    cells: list[str]
    room: int | None = None

    @property
    def natural(self) -> int:
        return max(map(len, [self.title, *self.cells]))

    @property
    def least(self) -> int:
        return self.natural if self.room is None else min(self.room, self.natural)


def render(summary: Summary, console: Console) -> None:
    """Print the table and the totals, with the columns that fit the console."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    columns = _fitting(_columns(summary), console.width)
    rule = box.SIMPLE_HEAD if console.is_terminal else box.Box(_RULE, ascii=True)
    table = Table(box=rule, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    for column in columns:
        table.add_column(
            column.title,
            justify=column.justify,
            no_wrap=column.room is None,
            overflow="fold",
            min_width=column.least,
            header_style="bold",
        )
    for cells in zip(*(c.cells for c in columns), strict=True):
        table.add_row(*map(Text, cells))
    console.print(Text(_title(summary), style="bold"))
    console.print()
    console.print(table)
    console.print()
    totals = Table.grid(padding=(0, GAP, 0, 0))
    totals.add_column(style="bold", no_wrap=True)
    totals.add_column()
    for name, value in _totals(summary):
        totals.add_row(name, Text(value))
    console.print(totals)


def plain(summary: Summary, width: int = WIDTH) -> str:
    """The table as text without colour."""
    from rich.console import Console

    text = io.StringIO()
    console = Console(file=text, width=width, force_terminal=False, color_system=None)
    render(summary, console)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _title(summary: Summary) -> str:
    given = ", ".join(f"{name} {show(shape)}" for name, shape in summary.inputs.items())
    gives = ", ".join(f"{name} {show(shape)}" for name, shape in summary.outputs.items())
    return printable(f"{summary.name}: {given} -> {gives}")


def _columns(summary: Summary) -> list[_Column]:
    rows = summary.layers
    return [
        _Column("path", "left", [printable(r.path) for r in rows], room=12),
        _Column("layer", "left", [_layer(r) for r in rows], room=16),
        _Column("output", "left", [show(r.shape) for r in rows]),
        _Column("params", "right", [_number(r.params) for r in rows]),
        _Column("MACs", "right", [_number(r.macs) for r in rows]),
        _Column("field/stride", "right", [_reach(r.field) for r in rows]),
    ]


_DISPENSABLE = ("field/stride", "layer", "output", "MACs")  # what goes first on a narrow terminal


def _fitting(columns: list[_Column], width: int) -> list[_Column]:
    """The columns that fit the width beside each other, some of them broken over lines."""
    for title in _DISPENSABLE:
        if sum(c.least + GAP for c in columns) - GAP <= width:
            break
        columns = [c for c in columns if c.title != title]
    return columns


def _totals(summary: Summary) -> Iterator[tuple[str, str]]:
    yield "parameters", f"{summary.params:,}"
    if summary.buffers:
        yield "buffers", f"{summary.buffers:,}"
    yield "MACs", f"{summary.macs:,}"
    yield "FLOPs", f"{summary.flops:,} (2 x MACs)"
    other = asdict(summary.cost)
    del other["macs"]
    if any(other.values()):
        yield "other work", ", ".join(f"{kind} {n:,}" for kind, n in other.items() if n)
    if summary.last_local:
        yield "field", _extent(summary.last_local, summary)
    for join in summary.misaligned[:JOINS]:
        yield "misaligned", printable(f"{join.path} joins branches centred at {join}")
    if len(summary.misaligned) > JOINS:
        yield "", f"and {len(summary.misaligned) - JOINS} more joins"


def _extent(layer: Layer, summary: Summary) -> str:
    """The largest field that is not the whole input, in words."""
    field = layer.field
    words = f"{_sides(field.size)}, stride {_sides(field.stride)}, padding {_sides(field.padding)}"
    after = "" if layer is summary.layers[-1] else ", then the whole input"
    return printable(f"{words} at {layer.path}{after}")


def _layer(row: Layer) -> str:
    notes = [f"weights of {row.shares}"] if row.shares else []
    notes += ["in training only"] if row.training else []
    return printable(row.layer + (f" ({', '.join(notes)})" if notes else ""))


def _reach(field: Field) -> str:
    if field.whole:
        return "all"
    return f"{_sides(field.size)}/{_sides(field.stride)}" if field.windows else "-"


def _sides(sizes: tuple[int | Fraction, ...]) -> str:
    """A square as one number."""
    texts = [str(n) if isinstance(n, int) else f"{float(n):.3g}" for n in sizes]
    return texts[0] if len(set(texts)) == 1 else "x".join(texts)


def _number(n: int) -> str:
    return f"{n:,}" if n else "-"
