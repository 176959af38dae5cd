"""The table of a network, on a terminal or in a file. Only printing it loads rich."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Literal

from archdsl.analyses.copies import groups
from archdsl.analyses.outline import Row
from archdsl.analyses.receptive_field import reach, sides
from archdsl.analyses.roofline import Estimate
from archdsl.analyses.sparkline import ASCII, BLOCKS, beside, places, sparkline
from archdsl.analyses.summary import Layer, Summary, Usage
from archdsl.errors import printable
from archdsl.ir.shapes import Shape, show
from archdsl.quantity import show_bytes, show_count, show_time

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 100  # columns of a page, and of a file that the table is piped into
PAGE = 60  # rows that a table has at most where its depth is not asked for
_RULE = "    \n    \n -- \n    \n    \n    \n    \n    \n"  # a rule under the head, in ASCII
TENSORS = 12  # inputs, and outputs, that are named in the head
JOINS = 3  # misaligned ones that are named
LABEL = 14  # columns that the name of a total, or of its bars, may take
GAP = 2  # between columns, one of them the box's

Depth = int | Literal["all"] | None
"""How deep the rows go; `all` is a row for each layer, unfolded, None as deep as a page allows."""


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


def render(summary: Summary, console: Console, depth: Depth = None, blocks: bool = True) -> None:
    """Print the table and the totals, with the columns that fit the console.

    Args:
        summary: a network's table.
        console: where to.
        depth: how deep the rows go.
        blocks: whether the console shows the block characters that bars are drawn with.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    found, hint = _columns(summary, depth)
    columns = _fitting(found, console.width)
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
    for line in hint:
        console.print(Text(line, style="dim"))
    console.print()
    totals = Table.grid(padding=(0, GAP, 0, 0))
    totals.add_column(style="bold", no_wrap=True)
    totals.add_column()
    for name, value in _drawn(summary, console.width, BLOCKS if blocks else ASCII):
        totals.add_row(name, Text(value))
    console.print(totals)


def plain(summary: Summary, depth: Depth = None, width: int = WIDTH, blocks: bool = True) -> str:
    """The table as text without colour, its bars of block characters or of ASCII."""
    from rich.console import Console

    text = io.StringIO()
    console = Console(
        file=text,
        width=width,
        force_terminal=False,
        force_jupyter=False,  # in a notebook it would show the text, and give none
        color_system=None,
    )
    render(summary, console, depth, blocks)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def markdown(summary: Summary, depth: Depth = None, hinted: bool = True) -> str:
    """The table and the totals as Markdown; `hinted` with what the command line can do more."""
    columns, hint = _columns(summary, depth)
    rules = {"left": ":--", "right": "--:"}
    rows = [[c.title for c in columns], [rules[c.justify] for c in columns]]
    rows += [list(cells) for cells in zip(*(map(_code, c.cells) for c in columns), strict=True)]
    lines = [f"**{escape(_title(summary))}**", ""]
    lines += [f"| {' | '.join(cells)} |" for cells in rows]
    if hint and hinted:
        lines += ["", *hint]
    lines += ["", "| | |", "| :-- | :-- |"]
    lines += [f"| {name} | {escape(value)} |" for name, value in _totals(summary)]
    return "\n".join(lines) + "\n"


def _code(cell: str) -> str:
    """A cell of Markdown, indented as it is in the table."""
    bare = cell.lstrip(" ")
    return "&nbsp;" * (len(cell) - len(bare)) + escape(bare)


def escape(text: str) -> str:
    """Text that means nothing to Markdown or to HTML in it."""
    for sign in "\\|*_<>`[]":
        text = text.replace(sign, f"\\{sign}")
    return text


def _title(summary: Summary) -> str:
    given, gives = _tensors(summary.inputs), _tensors(summary.outputs)
    return printable(f"{summary.name}: {given} -> {gives}")


def _tensors(shapes: Mapping[str, Shape]) -> str:
    named = [f"{name} {show(shape)}" for name, shape in islice(shapes.items(), TENSORS)]
    more = len(shapes) - len(named)
    return ", ".join([*named, f"{more:,} more"] if more else named)


def _columns(summary: Summary, depth: Depth) -> tuple[list[_Column], list[str]]:
    """The columns, and what is to be said below them."""
    if depth == "all":
        return _unfolded(summary.layers), []
    deepest = max(row.depth for row in summary.rows) + 1
    levels = min(depth or _deepest(summary.rows), deepest)
    rows = [row for row in summary.rows if row.depth < levels]
    hint: list[str] = []
    if any(row.copies > 1 for row in rows) and levels > 1:
        hint.append("What is below a row of `N x` is one of the N.")
    columns = _folded(summary, rows)
    if len(rows) > PAGE:
        columns = _once(columns)
    if levels < deepest:
        hint.append(f"`--depth {levels + 1}` goes deeper, `--depth all` has a row for each layer.")
    elif len(columns[0].cells) < len(rows):
        hint.append("`--depth all` has a row for each layer.")
    return columns, hint


def _once(columns: Sequence[_Column]) -> list[_Column]:
    """The columns with rows that only repeat what is above them told in one line."""
    names, *others = columns
    indents = [len(name) - len(name.lstrip(" ")) for name in names.cells]
    cells = [c.cells for c in others if c.title in ("layer", "output", "params", "MACs")]
    shown: list[int | str] = []
    for group in groups([*zip(indents, *cells, strict=True)]):
        shown += range(group.start, group.start + group.period)
        if group.copies:
            shown.append(group.note(names.cells[group.end - 1].strip()))

    def cell(column: _Column, row: int | str) -> str:
        if isinstance(row, int):
            return column.cells[row]
        return row if column.title == "layer" else ""

    return [replace(c, cells=[cell(c, row) for row in shown]) for c in columns]


def _deepest(rows: Sequence[Row]) -> int:
    """How deep the rows of a page go."""
    depth = 1
    while sum(row.depth <= depth for row in rows) <= PAGE and any(r.depth >= depth for r in rows):
        depth += 1
    return depth


def _folded(summary: Summary, rows: Sequence[Row]) -> list[_Column]:
    by_path = {layer.path: layer for layer in summary.layers}
    lasts = [by_path[row.last] for row in rows]
    return [
        _Column("name", "left", [printable("  " * r.depth + r.name) for r in rows], room=12),
        _Column("layer", "left", [_row(r, x) for r, x in zip(rows, lasts, strict=True)], room=16),
        _Column("output", "left", [show(x.shape) for x in lasts]),
        _Column("params", "right", [_number(r.totals.params) for r in rows]),
        _Column("MACs", "right", [_number(r.totals.macs) for r in rows]),
        _Column("field/stride", "right", [reach(x.field) for x in lasts]),
        *_times(summary, rows),
    ]


def _times(summary: Summary, rows: Sequence[Row]) -> list[_Column]:
    """How long each row takes, where a device was named."""
    estimate = summary.usage.estimate
    if estimate is None:
        return []
    times = [sum(estimate.layers.get(path, 0.0) for path in row.paths) for row in rows]
    return [_Column("time", "right", [show_time(t) if t else "-" for t in times])]


def _unfolded(rows: Sequence[Layer]) -> list[_Column]:
    return [
        _Column("path", "left", [printable(r.path) for r in rows], room=12),
        _Column("layer", "left", [_layer(r) for r in rows], room=16),
        _Column("output", "left", [show(r.shape) for r in rows]),
        _Column("params", "right", [_number(r.params) for r in rows]),
        _Column("MACs", "right", [_number(r.macs) for r in rows]),
        _Column("field/stride", "right", [reach(r.field) for r in rows]),
    ]


_DISPENSABLE = (
    "field/stride",
    "layer",
    "output",
    "MACs",
    "time",
)  # what goes first on a narrow terminal


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
    yield from _memory(summary)
    if summary.last_local:
        yield "field", _extent(summary.last_local, summary)
    for join in summary.misaligned[:JOINS]:
        yield "misaligned", printable(f"{join.path} joins branches centred at {join}")
    if len(summary.misaligned) > JOINS:
        yield "", f"and {len(summary.misaligned) - JOINS} more joins"


def _drawn(summary: Summary, width: int, signs: str) -> Iterator[tuple[str, str]]:
    """The totals, with bars of where the parameters and the MACs are."""
    amounts = places([layer.totals for layer in summary.layers])
    tops = [row for row in summary.rows if not row.depth]
    for name, value in _totals(summary):
        yield name, value
        if name not in ("parameters", "MACs"):
            continue
        at = ("parameters", "MACs").index(name)
        shares = [(row.totals.params, row.totals.macs)[at] for row in tops]
        room = width - LABEL - GAP
        note = beside(_most(shares, tops), room, len(amounts))
        bars = sparkline([amount[at] for amount in amounts], room - len(note))
        if bars is not None:
            label = "by layer" if bars.layers == 1 else f"by {bars.layers} layers"
            yield label, bars.draw(signs) + note


def _most(shares: Sequence[int], rows: Sequence[Row]) -> str:
    """Which of the outermost rows has the most, if that is a hundredth or more."""
    most = max(shares)
    name, percent = rows[shares.index(most)].name, 100 * most // (sum(shares) or 1)
    return f"  {percent}% in {printable(name)}" if name and percent else ""


def _memory(summary: Summary) -> Iterator[tuple[str, str]]:
    usage = summary.usage
    peak, training = usage.peak, usage.training_peak
    held = (peak.weights, training.weights + training.optimizer)
    most = (peak.activations, usage.training.most_activations(usage.batch))
    parts = [
        f"{show_bytes(h)} held, up to {show_bytes(m)} activations"
        for h, m in zip(held, most, strict=True)
    ]
    yield "memory", f"{show_bytes(peak.total)} at inference: {parts[0]}"
    yield "", f"{show_bytes(training.total)} in training by {usage.optimizer}: {parts[1]}"
    moved = f"{show_bytes(usage.traffic)}, {usage.intensity:.3g} operations for each byte"
    yield "moved", f"{moved} (batch {usage.batch}, {usage.dtype})"
    if usage.limit is not None:
        largest = [c.largest_batch(usage.limit) for c in (usage.inference, usage.training)]
        words = f"batch {largest[0]:,} at inference, {largest[1]:,} in training"
        yield "fits", f"{words}, in {show_bytes(usage.limit)}"
    if usage.estimate is not None:
        yield from _time(usage.estimate, usage)


def _time(estimate: Estimate, usage: Usage) -> Iterator[tuple[str, str]]:
    kinds = {
        "arithmetic": estimate.arithmetic,
        "bandwidth": estimate.bandwidth,
        "launches": estimate.launches,
    }
    if not estimate.total:
        yield "time", f"none on {estimate.device.name}: no layer computes anything"
        return
    shares = ", ".join(f"{k} {t / estimate.total:.0%}" for k, t in kinds.items())
    rate = show_count(usage.batch / estimate.total)
    yield "time", f"{show_time(estimate.total)} on {estimate.device.name} at best: {shares}"
    yield "", f"{rate} examples a second, if every layer ran alone at the device's peaks"


def _extent(layer: Layer, summary: Summary) -> str:
    """The largest field that is not the whole input, in words."""
    field = layer.field
    words = f"{sides(field.size)}, stride {sides(field.stride)}, padding {sides(field.padding)}"
    after = "" if layer is summary.layers[-1] else ", then the whole input"
    return printable(f"{words} at {layer.path}{after}")


def _row(row: Row, last: Layer) -> str:
    times = f"{row.copies} x " if row.copies > 1 else ""
    return printable(times + (_layer(last) if row.is_layer else row.text))


def _layer(row: Layer) -> str:
    notes = [f"weights of {row.shares}"] if row.shares else []
    notes += ["in training only"] if row.training else []
    return printable(row.layer + (f" ({', '.join(notes)})" if notes else ""))


def _number(n: int) -> str:
    return f"{n:,}" if n else "-"
