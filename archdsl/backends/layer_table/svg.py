"""The table as SVG: rules, brackets, and text that can be selected."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from archdsl.backends.drawing import Options
from archdsl.backends.drawing.text import width
from archdsl.backends.layer_table.rows import Cell, LayerTable
from archdsl.backends.layer_table.texts import heads, spans, times
from archdsl.errors import printable

SIZE, LINE, PAD, GAP, EDGE = 10, 14, 12, 4, 10  # points: letters, lines, beside and below cells


@dataclass(frozen=True)
class _Block:
    """What is in one cell: lines of text, brackets over some of them, numbers beside these."""

    lines: tuple[tuple[str, float], ...]
    """Texts, and where the middle of each is, down from the top."""
    brackets: tuple[tuple[float, float, float, str], ...]
    """Top, bottom, half the width, and how often."""
    width: float
    height: float


def _block(cell: Cell) -> _Block:
    lines: list[tuple[str, float]] = []
    brackets: list[tuple[float, float, float, str]] = []
    y = widest = 0.0
    for group in cell:
        often = times(group)
        one = len(group.lines) == 1
        texts = [printable(line) + (often if one else "") for line in group.lines]
        wide = max(width(text, SIZE) for text in texts)
        lines += [(text, y + (i + 0.5) * LINE) for i, text in enumerate(texts)]
        if not one:
            brackets.append((y + 1, y + len(texts) * LINE - 1, wide / 2 + 4, often.strip()))
            wide += 2 * (width(often, SIZE) + 6)
        y += len(texts) * LINE + GAP
        widest = max(widest, wide)
    return _Block(tuple(lines), tuple(brackets), widest, max(y - GAP, LINE))


def svg(table: LayerTable, options: Options) -> str:
    """The table as an SVG, as wide as it comes out or as the options say."""
    return _Svg(table, options).text()


class _Svg:
    def __init__(self, table: LayerTable, options: Options) -> None:
        self.table = table
        self.theme = options.look
        self.asked = options.width
        self.parts: list[str] = []
        self.rows = [
            (row, [(_block(cell), count) for cell, count in spans(row)]) for row in table.rows
        ]
        sides = [
            max(width(text, SIZE) for text in texts) + 2 * PAD
            for texts in (
                ["parameters", *(printable(row.name) for row in table.rows)],
                ["output", *(row.size for row in table.rows)],
            )
        ]
        self.columns = [*sides, *self._widths()]
        self.total = sum(self.columns) + 2 * EDGE

    def _widths(self) -> list[float]:
        """Of the networks' columns; those under one cell share what it needs."""
        count = len(self.table.networks)
        found = [width(name, SIZE) + 2.0 * PAD for name in heads(self.table)[2:]]
        for _, cells in self.rows:
            at = 0
            for block, n in cells:
                if n < count or n == 1:
                    for i in range(at, at + n):
                        found[i] = max(found[i], (block.width + 2 * PAD) / n)
                at += n
        for _, cells in self.rows:
            if len(cells) == 1 and (lack := cells[0][0].width + 2 * PAD - sum(found)) > 0:
                found = [width + lack / count for width in found]
        return found

    def text(self) -> str:
        y = EDGE + 0.0
        self._rule(y, 1.2)
        y = self._row(y, heads(self.table), bold=True)
        self._rule(y, 0.8)
        for row, cells in self.rows:
            height = max(block.height for block, _ in cells) + 2 * GAP
            middle = y + height / 2
            self._text(EDGE + PAD, middle, printable(row.name), "start")
            self._text(EDGE + self.columns[0] + self.columns[1] / 2, middle, row.size)
            at = 2
            for block, n in cells:
                left = EDGE + sum(self.columns[:at])
                centre = left + sum(self.columns[at : at + n]) / 2
                self._cell(block, centre, middle - block.height / 2)
                at += n
            y += height
            self._rule(y, 0.4)
        for name, values in self.table.figures:
            y = self._row(y, [name, "", *values])
        self._rule(y, 1.2)
        for note in self._notes():
            y += LINE
            self._text(EDGE + PAD, y, note, "start", muted=True)
        return self._page(y + LINE)

    def _notes(self) -> list[str]:
        """The notes in lines that are not wider than the table."""
        lines = [""]
        for word in " ".join(self.table.notes).split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and width(longer, SIZE - 2) > self.total - 2 * (EDGE + PAD):
                lines.append(word)
            else:
                lines[-1] = longer
        return [printable(line) for line in lines]

    def _row(self, y: float, texts: list[str], bold: bool = False) -> float:
        middle = y + LINE / 2 + GAP
        for i, text in enumerate(texts):
            left = EDGE + sum(self.columns[:i])
            if i == 0:
                self._text(left + PAD, middle, text, "start", bold)
            else:
                self._text(left + self.columns[i] / 2, middle, text, "middle", bold)
        return y + LINE + 2 * GAP

    def _cell(self, block: _Block, centre: float, top: float) -> None:
        for text, y in block.lines:
            self._text(centre, top + y, text)
        for start, end, half, often in block.brackets:
            for side in (-1, 1):
                x = centre + side * half
                path = f"M{_n(x - side * 3)} {_n(top + start)}H{_n(x)}V{_n(top + end)}"
                line = f'stroke="{self.theme.line}" fill="none" stroke-width="0.8"'
                self.parts.append(f'<path d="{path}H{_n(x - side * 3)}" {line}/>')
            if often:
                self._text(centre + half + 4, top + (start + end) / 2, often, "start")

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        anchor: str = "middle",
        bold: bool = False,
        muted: bool = False,
    ) -> None:
        if not text:
            return
        weight = ' font-weight="bold"' if bold else ""
        look = f' font-size="{SIZE - 2}" fill="{self.theme.muted}"' if muted else ""
        place = f'x="{_n(x)}" y="{_n(y + 0.36 * SIZE)}" text-anchor="{anchor}"'
        self.parts.append(f"<text {place}{weight}{look}>{escape(text)}</text>")

    def _rule(self, y: float, weight: float) -> None:
        ends = f'x1="{EDGE}" x2="{_n(self.total - EDGE)}" y1="{_n(y)}" y2="{_n(y)}"'
        self.parts.append(f'<line {ends} stroke="{self.theme.line}" stroke-width="{weight}"/>')

    def _page(self, height: float) -> str:
        theme = self.theme
        zoom = 1.0 if self.asked is None else self.asked / self.total
        names = escape(printable(", ".join(self.table.networks)))
        sizes = f'width="{_n(self.total * zoom)}pt" height="{_n(height * zoom)}pt"'
        box = f'viewBox="0 0 {_n(self.total)} {_n(height)}"'
        font = f'font-family="{theme.font}" font-size="{SIZE}" fill="{theme.ink}"'
        inside = "\n".join(self.parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {sizes} {box} {font}>\n'
            f"<title>The layers of {names}</title>\n"
            f"<desc>{escape(printable(self._description()))}</desc>\n"
            f'<rect width="100%" height="100%" fill="{theme.paper}"/>\n{inside}\n</svg>\n'
        )

    def _description(self) -> str:
        """The rows in words, those of the first network."""
        stages = (f"{row.size}: {', '.join(map(str, row.cells[0]))}" for row in self.table.rows)
        return f"A table of layers. {self.table.networks[0]}: {'; '.join(stages)}."[:2000]


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
