"""From the picture of a network to DOT."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from archdsl.backends.graphviz import markup
from archdsl.backends.graphviz.picture import Box, Cluster, Edge, Item, Picture
from archdsl.backends.graphviz.style import LIGHT, SLIM, SMALL, TEXT, TINY, TITLE, Theme, width

if TYPE_CHECKING:
    from graphviz import Digraph

WEIGHTS = {"trunk": "1000", "branch": "10", "skip": "100"}
"""How straight Graphviz keeps an edge; it packs clusters with 128."""
LONGEST_TIP = 500  # characters of a tooltip

SPACE = 8  # points beside a text
MOST = 140  # points that all boxes of a network with branches get; longer texts widen their own box


def write(picture: Picture, theme: Theme = LIGHT) -> str:
    """DOT text that draws the picture from top to bottom."""
    return _Writer(picture, theme).write()


class _Writer:
    def __init__(self, picture: Picture, theme: Theme) -> None:
        self.picture = picture
        self.theme = theme
        self.readers = Counter(edge.tail for edge in picture.edges)
        self.looks = {box.id: box.look for box in picture.boxes}
        self.frames = dict(_frames(picture.items))
        self.columns = _columns(picture)
        self.width = sum(self.columns) + 4 * SPACE

    def write(self) -> str:
        import graphviz

        name, theme = markup.plain(self.picture.name), self.theme
        graph = graphviz.Digraph(name, **_defaults(theme))
        graph.attr(label=self._heading())
        self._items(graph, self.picture.items)
        edges: defaultdict[str, list[Edge]] = defaultdict(list)
        for edge in self.picture.edges:
            if edge.way == "skip" and self.frames[edge.tail] == self.frames[edge.head]:
            graph.edge(markup.id(edge.tail), markup.id(edge.head), **self._edge(edge))
        return graph.source
