"""The table as text: for a terminal, Markdown, HTML and LaTeX.

Whatever names a network has, they are text there and nothing else.
"""

from __future__ import annotations

from html import escape

from archdsl.backends.drawing import Options, latex
from archdsl.backends.layer_table.rows import Cell, Group, LayerTable, Row
from archdsl.errors import printable

LONGEST = 60  # characters of a name


def _clip(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def heads(table: LayerTable) -> list[str]:
    """The first row: two titles, and the networks."""
    return ["layer", "output", *map(_clip, table.networks)]


def times(group: Group) -> str:
    return f" ×{group.times}" if group.times > 1 else ""


def plain(table: LayerTable) -> str:
    """The table for a terminal: lines of a block below each other, in brackets."""
    rows = [[_clip(r.name), r.size, *("\n".join(_stacked(c)) for c in r.cells)] for r in table.rows]
    figures = [[name, "", *values] for name, values in table.figures]
    return "\n".join([*_columns([heads(table), *rows, *figures], len(figures)), *table.notes])


def _stacked(cell: Cell) -> list[str]:
    found: list[str] = []
    for group in cell:
        lines = list(map(printable, group.lines))
        if len(lines) > 1:
            widest = max(map(len, lines))
            lines = [f"[{line:<{widest}}]" for line in lines]
        middle = (len(lines) - 1) // 2
        lines[middle] += times(group)
        found += lines
    return found


def _columns(rows: list[list[str]], figures: int) -> list[str]:
    """Cells of several lines in columns, with rules between head, body and figures."""
    cells = [[cell.split("\n") for cell in row] for row in rows]
    widths = [
        max(len(line) for cell in column for line in cell) for column in zip(*cells, strict=True)
    ]
    rule = "  ".join("-" * width for width in widths)
    found: list[str] = []
    for i, row in enumerate(cells):
        if i in (1, len(cells) - figures):
            found.append(rule)
        tall = max(map(len, row)) > 1
        if tall and found[-1] not in ("", rule):
            found.append("")
        for k in range(max(map(len, row))):
            parts = [cell[k] if k < len(cell) else "" for cell in row]
            found.append("  ".join(map(str.ljust, parts, widths)).rstrip())
        if tall:
            found.append("")
    return [*found, ""]


def markdown(table: LayerTable, options: Options) -> str:
    """A table of GitHub's Markdown; the groups of a cell are below each other."""

    def cell(groups: Cell) -> str:
        return "<br>".join(_md(_bracketed(group)) for group in groups)

    rows = [[_md(row.name), row.size, *map(cell, row.cells)] for row in table.rows]
    rows += [[name, "", *values] for name, values in table.figures]
    first = [_md(name) for name in heads(table)]
    lines = [first, ["---"] * len(first), *rows]
    notes = " ".join(map(_md, table.notes))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{notes}\n"


def _bracketed(group: Group) -> str:
    inside = "; ".join(group.lines)
    return (f"[{inside}]" if len(group.lines) > 1 else inside) + times(group)


def _md(text: str) -> str:
    """Text that Markdown shows as it is."""
    shown = escape(_clip(text) if len(text) > 500 else printable(text), quote=False)
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+!|~" else c for c in shown)


def spans(row: Row) -> list[tuple[Cell, int]]:
    """The cells of a row, each with how many networks it is for: one for all that say the same."""
    if len(set(row.cells)) == 1:
        return [(row.cells[0], len(row.cells))]
    return [(cell, 1) for cell in row.cells]


_HTML = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 15px/1.35 {font}; color: {ink}; background: {paper}; margin: 2em; }}
table {{ border-collapse: collapse; border: solid {line}; border-width: 2px 0; }}
th, td {{ padding: 4px 12px; text-align: center; border-top: 1px solid {frame}; }}
th:first-child {{ text-align: left; }}
thead th {{ border-bottom: 2px solid {line}; }}
tfoot tr:first-child > * {{ border-top: 2px solid {line}; }}
.group {{ display: inline-flex; align-items: center; margin: 2px 6px; }}
.block {{ border: solid {line}; border-width: 0 1px; border-radius: 5px; padding: 0 6px; }}
.times {{ padding-left: 4px; }}
caption {{ caption-side: bottom; text-align: left; padding-top: 8px; color: {muted}; }}
</style>
<table>
<caption>{notes}</caption>
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
<tfoot>
{figures}
</tfoot>
</table>
</html>
"""


def html(table: LayerTable, options: Options) -> str:
    """A page with the table; it loads nothing and runs nothing."""
    theme = options.look

    def cell(groups: Cell, count: int) -> str:
        wide = f' colspan="{count}"' if count > 1 else ""
        return f"<td{wide}>{'<br>'.join(map(_html_group, groups))}</td>"

    rows = [
        f'<tr><th scope="row">{_text(row.name)}</th><td>{_text(row.size)}</td>'
        + "".join(cell(groups, count) for groups, count in spans(row))
        + "</tr>"
        for row in table.rows
    ]
    figures = [
        f'<tr><th scope="row">{name}</th><td></td>'
        + "".join(f"<td>{value}</td>" for value in values)
        + "</tr>"
        for name, values in table.figures
    ]
    return _HTML.format(
        title=_text(", ".join(table.networks)),
        font=theme.font,
        ink=theme.ink,
        paper=theme.paper,
        line=theme.line,
        frame=theme.frame,
        muted=theme.muted,
        notes=_text(" ".join(table.notes)),
        heads="".join(f'<th scope="col">{_text(name)}</th>' for name in heads(table)),
        rows="\n".join(rows),
        figures="\n".join(figures),
    )


def _html_group(group: Group) -> str:
    inside = "<br>".join(map(_text, group.lines))
    kind = "block" if len(group.lines) > 1 else "layer"
    often = f'<span class="times">{times(group).strip()}</span>' if group.times > 1 else ""
    return f'<span class="group"><span class="{kind}">{inside}</span>{often}</span>'


def _text(text: str) -> str:
    return escape(printable(text))


_APART = r"\noalign{\vskip 4pt}"  # brackets of two lines would touch


def tex(table: LayerTable, options: Options) -> str:
    r"""A `tabular` for \input; it needs no package."""
    columns = "c" * len(table.networks)
    lines = [
        "% Made by archdsl; \\input this file.",
        rf"\begin{{tabular}}{{lc{columns}}}",
        r"\hline",
        " & ".join(map(_tex, heads(table))) + r" \\",
        r"\hline",
    ]
    for row in table.rows:
        cells = [_tex_cell(groups, count) for groups, count in spans(row)]
        lines.append(" & ".join([_tex(_clip(row.name)), _tex(row.size), *cells]) + r" \\")
        if any(map(_is_tall, row.cells)):
            lines.append(_APART)
    lines.append(r"\hline")
    lines += [" & ".join([name, "", *map(_tex, v)]) + r" \\" for name, v in table.figures]
    lines += [r"\hline", r"\end{tabular}", *(f"% {printable(note)}" for note in table.notes)]
    return "\n".join(lines) + "\n"


def _tex_cell(groups: Cell, count: int) -> str:
    found = _stack([_tex_group(group) for group in groups], _APART if _is_tall(groups) else "")
    return rf"\multicolumn{{{count}}}{{c}}{{{found}}}" if count > 1 else found


def _tex_group(group: Group) -> str:
    inside = _stack(list(map(_tex, group.lines)))
    if len(group.lines) > 1:
        inside = rf"$\left[\mbox{{{inside}}}\right]$"
    return inside + (rf"$\times${group.times}" if group.times > 1 else "")


def _is_tall(cell: Cell) -> bool:
    """Whether a cell has brackets."""
    return any(len(group.lines) > 1 for group in cell)


def _stack(lines: list[str], apart: str = "") -> str:
    if len(lines) < 2:
        return "".join(lines)
    below = rf" \\{apart} ".join(lines)
    return rf"\begin{{tabular}}{{@{{}}c@{{}}}}{below}\end{{tabular}}"


def _tex(text: str) -> str:
    return latex.escape(text)
