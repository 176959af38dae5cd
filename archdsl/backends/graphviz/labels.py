"""What is written in the boxes and how wide they are."""

from __future__ import annotations

from archdsl.backends.drawing.theme import Theme
from archdsl.backends.graphviz import markup
from archdsl.backends.graphviz.picture import Box, Cluster, Picture
from archdsl.backends.graphviz.style import SLIM, SMALL, TEXT, TINY, TITLE, width

SPACE = markup.cell("", 8)  # points beside a text
WIDEST = 130  # points that every box gets where layers stand side by side


class Labels:
    """The labels of one picture.

    In a single file of layers each is a row: its name, the layer, its shape, in columns that run
    through the picture. Where layers stand side by side, name and shape go below the layer.
    """

    def __init__(self, picture: Picture, theme: Theme) -> None:
        self.theme = theme
        self.rows = not picture.branches
        layers = [b for b in picture.boxes if b.look not in ("input", "output", "join", "point")]
        names = max((width(markup.clip(b.name), TINY) for b in layers), default=0)
        texts = max((_layer_width(b) for b in layers), default=0)
        shapes = max((width(markup.clip(b.shape), SMALL) for b in layers), default=0)
        self.columns = names, texts, shapes
        self.width = sum(self.columns) + 4 * 8 if self.rows else min(texts + 2 * 8, WIDEST)

    def heading(self, picture: Picture) -> str:
        """The title of the picture."""
        caption = markup.font(picture.caption, SMALL, self.theme.muted)
        rows = [markup.bold(picture.name)], [caption], [""]
        heights = TITLE + 4, SMALL + 3, 6
        cells = [[markup.cell(row[0], height=h)] for row, h in zip(rows, heights, strict=True)]
        return markup.html(markup.table(*cells))

    def title(self, cluster: Cluster) -> str:
        """The title of a cluster: its name, its definition, how often it is repeated."""
        times = f"×{cluster.copies}" if cluster.copies > 1 else ""
        words = [markup.bold(cluster.name), markup.text(cluster.text), markup.bold(times)]
        line = markup.GAP.join(w for w in words if w)
        return markup.html(markup.table([markup.cell(line, height=12), SPACE]))

    def label(self, box: Box) -> str:
        """What is written in a box."""
        if box.look == "join" and len(box.symbol) == 1:
            return markup.html(markup.bold(box.symbol))
        if box.look in ("input", "output", "join"):
            return markup.html(self._pill(box))
        return markup.html(self._row(box) if self.rows else self._stack(box))

    def size(self, box: Box) -> int:
        """The type size; Graphviz centres all text in a box by this one."""
        pill = box.look in ("input", "output", "join") and not box.symbol
        return SMALL if pill or box.look in SLIM else TEXT

    def _lesser(self, words: str) -> str:
        return markup.font(words, TINY, self.theme.muted) if words else ""

    def _layer(self, box: Box) -> str:
        layer = markup.layer(box.text, box.copies)
        return layer + markup.GAP + self._lesser(box.note) if box.note else layer

    def _pill(self, box: Box) -> str:
        """One short line: what, and its shape."""
        if box.look == "join":
            words = [markup.layer(box.text, box.copies)]
        else:
            name = "" if box.name in ("input", "out") else box.name
            words = [markup.bold(box.look), markup.text(name)]
        words += [markup.text(box.shape), self._lesser(box.note)]
        line = markup.GAP.join(w for w in words if w)
        return markup.table([SPACE, markup.cell(line, height=16), SPACE])

    def _row(self, box: Box) -> str:
        height = 14 if box.look in SLIM else 22
        name, text, shape = self.columns
        return markup.table(
            [
                SPACE,
                markup.cell(self._lesser(box.name), name, height, "LEFT"),
                SPACE,
                markup.cell(self._layer(box), text, height, "LEFT"),
                SPACE,
                markup.cell(markup.font(box.shape, SMALL, self.theme.ink), shape, height, "RIGHT"),
                SPACE,
            ]
        )

    def _stack(self, box: Box) -> str:
        layer, lesser = self._layer(box), self._lesser(f"{box.name} · {box.shape}")
        if box.look in SLIM:
            return markup.table([SPACE, markup.cell(layer + markup.GAP + lesser, 0, 14), SPACE])
        return markup.table(
            [SPACE, markup.cell(layer, height=17, valign="BOTTOM"), SPACE],
            [SPACE, markup.cell(lesser, height=13, valign="TOP"), SPACE],
        )


def _layer_width(box: Box) -> int:
    times = f"  ×{box.copies}" if box.copies > 1 else ""
    note = f"  {markup.clip(box.note)}" if box.note else ""
    return width(markup.clip(box.text) + times, TEXT) + width(note, TINY)
