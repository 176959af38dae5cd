"""The text of a comparison: the figures as a table, the layers like a unified diff."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from math import floor, log10
from textwrap import wrap
from typing import Literal

from archdsl.analyses.compare import Comparison, Figures
from archdsl.analyses.copies import groups
from archdsl.analyses.difference import Difference, Row, Step
from archdsl.analyses.receptive_field import reach
from archdsl.errors import printable
from archdsl.ir.shapes import show
from archdsl.quantity import show_bytes

WIDTH = 100  # columns of a file or a page
CONTEXT = 1  # layers that are alike, shown on either side of a difference

Sign = Literal[" ", "-", "+", "~"]
Line = tuple[Sign, str]
"""A line of the diff, and which kind of line it is."""

_SIGNS: dict[str, Sign] = {"alike": " ", "changed": "~", "first": "-", "second": "+"}


def plain(comparison: Comparison, width: int = WIDTH) -> str:
    """The comparison as text without colour, at most `width` columns wide."""
    parts = table(comparison, width)
    if comparison.difference:
        parts += ["", *(text for _, text in diff(comparison.difference, width))]
    return "\n".join(parts)


# The figures


def _figures(batch: int) -> list[tuple[str, Callable[[Figures], int]]]:
    of = "" if batch == 1 else f", batch {batch}"
    return [
        ("parameters", lambda f: f.params),
        ("buffers", lambda f: f.buffers),
        ("MACs", lambda f: f.macs),
        (f"memory, inference{of}", lambda f: f.inference),
        (f"memory, training{of}", lambda f: f.training),
        ("depth", lambda f: f.depth),
    ]


def _cells(comparison: Comparison) -> list[tuple[str, list[tuple[str, str]]]]:
    """The rows of the table: of each network the figure, and its ratio to the first's."""
    rows: list[tuple[str, list[tuple[str, str]]]] = []
    for title, get in _figures(comparison.batch):
        values = [get(figures) for figures in comparison.networks]
        text = show_bytes if title.startswith("memory") else _number
        ratios = ["", *(_ratio(value, values[0]) for value in values[1:])]
        rows.append((title, list(zip(map(text, values), ratios, strict=True))))
    fields = ["-" if f.field is None else reach(f.field) for f in comparison.networks]
    rows.insert(-1, ("field/stride", [(field, "") for field in fields]))
    return [(title, cells) for title, cells in rows if any(value != "-" for value, _ in cells)]


def table(comparison: Comparison, width: int = WIDTH) -> list[str]:
    """The figures, a column a network; networks that do not fit beside the others go below them."""
    rows = _cells(comparison)
    titles = ["", *(title for title, _ in rows)]
    side = max(map(len, titles))
    columns: list[list[str]] = []
    for i, figures in enumerate(comparison.networks):
        cells = [cells[i] for _, cells in rows]
        head = printable(figures.name)  # it stands over the figures, not over the ratios
        left, right = (max(len(cell[k]) for cell in [(head, ""), *cells]) for k in (0, 1))
        ratios = 2 + right if right else 0
        body = [f"{value:>{left}}{ratio:>{ratios}}" for value, ratio in cells]
        columns.append(_padded([f"{head:>{left}}", *body]))
    lines: list[str] = []
    while columns:
        taken, used = 0, side
        while taken < len(columns) and (not taken or used + 3 + len(columns[taken][0]) <= width):
            used += 3 + len(columns[taken][0])
            taken += 1
        block = [[title.ljust(side) for title in titles], *columns[:taken]]
        lines += [""] if lines else []
        lines += ["   ".join(cells).rstrip() for cells in zip(*block, strict=True)]
        columns = columns[taken:]
    return lines


def _padded(column: list[str]) -> list[str]:
    longest = max(map(len, column))
    return [cell.ljust(longest) for cell in column]


def _number(n: int) -> str:
    return f"{n:,}" if n else "-"


def _ratio(value: int, first: int) -> str:
    """How many times the first network's figure; `same` is exact."""
    if value == first:
        return "same" if value else ""
    return f"{_digits(value / first)}x" if value and first else ""


def _digits(x: float) -> str:
    """A number with two or three digits that count.

    >>> _digits(0.0000912), _digits(0.55), _digits(12.34), _digits(1234.5)
    ('0.000091', '0.55', '12.3', '1,234')
    """
    if x < 0.1:
        return f"{x:.{1 - floor(log10(x))}f}"
    return f"{x:.2f}" if x < 10 else f"{x:.1f}" if x < 100 else f"{x:,.0f}"


# The layers


def diff(difference: Difference, width: int = WIDTH) -> list[Line]:
    """The layers of two networks; what is alike, and what repeats itself, is folded."""
    first, second = printable(difference.first), printable(difference.second)
    head: list[Line] = [("-", f"--- {first}"), ("+", f"+++ {second}")]
    if difference.same:
        return [*head, (" ", f"The layers are alike{_renamed(difference)}.")]
    shown = _folded(difference.steps)
    steps = [item for item in shown if isinstance(item, Step) and item.kind != "changed"]
    rows = [_cells_of(row) for s in steps if (row := s.first or s.second)]
    room = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
    lines = [line for item in shown for line in _lines(item, room, width)]
    counts = [f"{difference.count('alike'):,} alike{_renamed(difference)}"]
    counts += [f"{n:,} changed" for n in [difference.count("changed")] if n]
    counts += [f"{n:,} only in {first}" for n in [difference.count("first")] if n]
    counts += [f"{n:,} only in {second}" for n in [difference.count("second")] if n]
    total = wrap(f"Layers: {', '.join(counts)}.", width) or [""]
    return [*head, *lines, *((" ", text) for text in total)]


def _renamed(difference: Difference) -> str:
    n = difference.renamed
    return f" ({n:,} under another path)" if n else ""


def _folded(steps: Sequence[Step]) -> list[Step | str]:
    """The steps that are shown, and notes on those that are not."""
    found: list[Step | str] = []
    start = 0
    while start < len(steps):
        end = start
        alike = steps[start].kind == "alike"
        while end < len(steps) and (steps[end].kind == "alike") == alike:
            end += 1
        run = steps[start:end]
        before = CONTEXT if start else 0
        after = CONTEXT if end < len(steps) else 0
        hidden = len(run) - before - after
        if alike and hidden > 1:
            found += [*run[:before], f"  … {hidden:,} layers alike", *run[len(run) - after :]]
        else:
            found += run
        start = end
    return [*_once(found)]


def _once(items: Sequence[Step | str]) -> Iterator[Step | str]:
    """The same, the copies of a group told in one line."""
    for group in groups([_mark(item) for item in items]):
        yield from items[group.start : group.start + group.period]
        if group.copies:
            copy = items[group.end - group.period : group.end]
            rows = [i.second or i.first for i in copy if isinstance(i, Step)]
            signs = {_sign(item) for item in copy}
            sign = signs.pop() if len(signs) == 1 else " "
            yield f"{sign} {group.note(rows[-1].path if rows and rows[-1] else '')}"


def _sign(item: Step | str) -> Sign:
    return " " if isinstance(item, str) else _SIGNS[item.kind]


def _mark(step: Step | str) -> Hashable:
    """What makes two lines the same, wherever they are."""
    if isinstance(step, str):
        return step
    rows = [row and (row.layer, row.shape) for row in (step.first, step.second)]
    return step.kind, *rows, step.changes


def _lines(item: Step | str, room: Sequence[int], width: int) -> Iterator[Line]:
    """One item of the diff as lines that fit the width."""
    sign: Sign
    if isinstance(item, str):
        sign = next(s for s in _SIGNS.values() if item.startswith(s))
        text = item
    elif item.first is not None and item.second is not None and item.changes:
        sign = "~"
        text = f"~ {_changed(item.first, item.second, item)}"
    elif row := item.first or item.second:
        sign = _SIGNS[item.kind]
        path, layer, shape, params = _cells_of(row)
        text = f"{sign} {path:<{room[0]}}  {layer:<{room[1]}}  {shape:<{room[2]}}"
        text = f"{text}  {params:>{room[3]}}"
        if len(text) > width:
            text = f"{sign} {path}  {layer}  {shape}  {params}"
    else:
        return
    for part in wrap(text, width, subsequent_indent="    ", break_on_hyphens=False) or [""]:
        yield sign, part.rstrip()


def _cells_of(row: Row) -> tuple[str, str, str, str]:
    return printable(row.path), printable(row.layer), show(row.shape), _number(row.params)


def _changed(first: Row, second: Row, step: Step) -> str:
    path = first.path if first.path == second.path else f"{first.path} -> {second.path}"
    changes = "; ".join(map(str, step.changes))
    return printable(f"{path}  {first.layer}: {changes}")


# Markdown


def markdown(comparison: Comparison) -> str:
    """A table, a row a figure, and the diff in a block of its own."""
    plain = [printable(figures.name) for figures in comparison.networks]
    names = ["`{}`".format(name.replace("|", r"\|").replace("`", "'")) for name in plain]
    lines = [f"| | {' | '.join(names)} |", f"| --- |{' ---: |' * len(names)}"]
    for title, cells in _cells(comparison):
        shown = [value + (f" ({ratio})" if ratio else "") for value, ratio in cells]
        lines.append(f"| {title} | {' | '.join(shown)} |")
    if comparison.difference:
        lines += ["", "```diff", *(text for _, text in diff(comparison.difference)), "```"]
    return "\n".join(lines) + "\n"
