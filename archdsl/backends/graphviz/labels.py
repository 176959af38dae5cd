"""What is written in the boxes and how wide they are."""

from __future__ import annotations

from collections import Counter
from math import ceil

from archdsl.backends.drawing.text import width
from archdsl.backends.drawing.theme import Look, Theme
from archdsl.backends.graphviz import markup
from archdsl.backends.graphviz.picture import Box, Cluster, Picture
from archdsl.backends.graphviz.style import SLIM, SMALL, TEXT, TINY, TITLE

SPACE = markup.cell("", 8)  # points beside a text
WIDEST = 130  # points that every box gets where layers stand side by side
SHORT = 28  # characters of a layer and what follows it that stand on one line
ENTRY = 80  # points of an entry of the legend, about
PILLS: frozenset[Look] = frozenset({"input", "output", "join"})


class Labels:
    """The labels of one picture.

    In a single file of layers each is a row: its name, the layer, its shape, in columns that run
    through the picture. Where layers stand side by side, or run to the right, name and shape go
    below the layer; a shape that stands on an edge is not repeated.
    """

    def __init__(self, picture: Picture, theme: Theme, right: bool = False) -> None:
        self.theme = theme
        self.rows = not picture.branches and not right
        readers = Counter(edge.tail for edge in picture.edges)
        self.told = {
            edge.tail
            for edge in picture.edges
            if edge.shape or (edge.head.startswith("output/") and readers[edge.tail] == 1)
        }
        """The boxes whose shape stands beside them."""
        layers = [b for b in picture.boxes if b.look not in PILLS and b.look != "point"]
        names = max((width(markup.clip(b.name), TINY) for b in layers), default=0)
        texts = max((_layer_width(b) for b in layers), default=0)
        shapes = max((width(markup.clip(b.shape), SMALL) for b in layers), default=0)
        marks = zip(*(b.marks for b in layers), strict=False) if self.rows else ()
        self.columns = names, texts, shapes
        self.marks = [max(width(markup.clip(mark), TINY) for mark in column) for column in marks]
        gaps = (4 + len(self.marks)) * 8
        across = sum(self.columns) + sum(self.marks) + gaps
        self.width = across if self.rows else min(texts + 2 * 8, WIDEST)

    def heading(self, picture: Picture) -> str:
        """The title of the picture."""
        caption = markup.font(picture.caption, SMALL, self.theme.muted)
        rows = (markup.bold(picture.name), TITLE + 4), (caption, SMALL + 3)
        return markup.html(markup.table(*([markup.cell(row, height=h)] for row, h in rows)))

    def title(self, cluster: Cluster) -> str:
        """The title of a cluster: its name, its definition, how often it is repeated."""
        times = f"×{cluster.copies}" if cluster.copies > 1 else ""
        words = [markup.bold(cluster.name), markup.text(cluster.text), markup.bold(times)]
        words.append(self._lesser(cluster.note))
        line = markup.GAP.join(w for w in words if w)
        return markup.html(markup.table([markup.cell(line, height=12), SPACE]))

    def shape(self, text: str) -> str:
        """A shape beside an edge."""
        words = markup.font(text, TINY, self.theme.muted)
        return markup.html(markup.table([markup.cell("", 4), markup.cell(words)]))

    def label(self, box: Box) -> str:
        """What is written in a box."""
        if box.look == "join" and len(box.symbol) == 1:
            return markup.html(markup.bold(box.symbol))
        if box.look in PILLS:
            return markup.html(self._pill(box))
        return markup.html(self._row(box) if self.rows else self._stack(box))

    def size(self, box: Box) -> int:
        """The type size; Graphviz centres all text in a box by this one."""
        pill = box.look in PILLS and not box.symbol
        return SMALL if pill or _slim(box) else TEXT

    def legend(self, picture: Picture) -> str:
        """What the colours and the dashes mean, as far as they occur; nothing if none does."""
        entries: list[list[str]] = []
        line = self.theme.line
        if picture.measure:
            steps = [markup.swatch(self.theme.heat(i / 4), line, 14) for i in range(5)]
            entries.append([*steps, self._word(f"0 to {picture.measure}")])
        else:
            found = {box.look for box in picture.boxes}
            kinds: list[Look] = [k for k in self.theme.fills if k in found and k not in PILLS]
            for kind in kinds:  # in greys, some are told apart by their heights alone
                height = 4 if kind in SLIM else 8
                entries.append(
                    [markup.swatch(self.theme.fill(kind), line, 10, height), self._word(kind)]
                )
        if any(box.training for box in picture.boxes):
            dashed = markup.swatch(self.theme.paper, line, 10, dashed=True)
            entries.append([dashed, self._word("in training only")])
        if not entries:
            return ""
        count = max(2, min(5, round((self.width if self.rows else 3 * WIDEST) / ENTRY)))
        count = ceil(len(entries) / ceil(len(entries) / count))  # as many in each line
        lines = (entries[i : i + count] for i in range(0, len(entries), count))
        rows = [[cell for entry in line for cell in (*entry, SPACE)] for line in lines]
        apart = [markup.cell("", height=3)]
        spaced = [row for each in rows for row in (apart, each)]
        return markup.html(markup.table(*spaced[1:]))

    def _word(self, text: str) -> str:
        return markup.cell(markup.font(f" {text}", TINY, self.theme.muted), align="LEFT")

    def _lesser(self, words: str) -> str:
        return markup.font(words, TINY, self.theme.muted) if words else ""

    def _layer(self, box: Box, follows: bool = True) -> str:
        layer = markup.layer(box.text, box.copies)
        more = [box.follows if follows else "", box.note]
        return markup.GAP.join([layer, *(self._lesser(words) for words in more if words)])

    def _pill(self, box: Box) -> str:
        """One short line: what, and its shape."""
        if box.look == "join":
            words = [markup.layer(box.text, box.copies)]
        else:
            name = "" if box.name in ("input", "out") else box.name
            words = [markup.bold(box.look), markup.text(name)]
        shape = "" if box.id in self.told else box.shape
        words += [markup.text(shape), self._lesser(box.note)]
        line = markup.GAP.join(w for w in words if w)
        return markup.table([SPACE, markup.cell(line, height=16), SPACE])

    def _row(self, box: Box) -> str:
        height = 14 if _slim(box) else 22
        name, text, shape = self.columns
        cells = [
            SPACE,
            markup.cell(self._lesser(box.name), name, height, "LEFT"),
            SPACE,
            markup.cell(self._layer(box), text, height, "LEFT"),
            SPACE,
            markup.cell(markup.font(box.shape, SMALL, self.theme.ink), shape, height, "RIGHT"),
            SPACE,
        ]
        for mark, wide in zip(box.marks, self.marks, strict=False):
            cells += [markup.cell(self._lesser(mark), wide, height, "RIGHT"), SPACE]
        return markup.table(cells)

    def _stack(self, box: Box) -> str:
        shape = "" if box.id in self.told else box.shape
        if box.is_group:
            times = f"×{box.copies}" if box.copies > 1 else ""
            words = [markup.bold(box.name), markup.bold(times), self._lesser(box.note)]
            first = markup.GAP.join(w for w in words if w)
            lesser = [box.text, box.follows, shape, *_marks(box)]
        else:
            short = len(box.text) + len(box.follows) < SHORT
            first = self._layer(box, follows=short)
            below = " · ".join(filter(None, (box.name, shape)))
            if _slim(box) and not box.follows and not _marks(box):
                line = first + markup.GAP + self._lesser(below)
                return markup.table([SPACE, markup.cell(line, 0, 14), SPACE])
            lesser = ["" if short else box.follows, below, *_marks(box)]
        lines = [self._lesser(words) for words in lesser if words]
        rows = [[SPACE, markup.cell(first, height=17, valign="BOTTOM"), SPACE]]
        rows += [[SPACE, markup.cell(line, height=11), SPACE] for line in lines[:-1]]
        rows += [[SPACE, markup.cell(line, height=13, valign="TOP"), SPACE] for line in lines[-1:]]
        return markup.table(*rows)


def _slim(box: Box) -> bool:
    return box.look in SLIM and not box.is_group


def _marks(box: Box) -> list[str]:
    """The marks in lines, two in each."""
    marks = [mark for mark in box.marks if mark]
    return [" · ".join(marks[i : i + 2]) for i in range(0, len(marks), 2)]


def _layer_width(box: Box) -> int:
    times = f"  ×{box.copies}" if box.copies > 1 else ""
    lesser = [markup.clip(words) for words in (box.follows, box.note) if words]
    extra = sum(width(f"  {words}", TINY) for words in lesser)
    return width(markup.clip(box.text) + times, TEXT) + extra
