"""From the picture of a network to DOT."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from archdsl.backends.drawing import Options, Theme
from archdsl.backends.graphviz.labels import Labels
from archdsl.backends.graphviz.markup import identifier, plain
from archdsl.backends.graphviz.picture import Box, Cluster, Edge, Item, Picture, framed
from archdsl.backends.graphviz.style import LINE, SMALL, TEXT, TITLE

if TYPE_CHECKING:
    from graphviz import Digraph

# How straight and short Graphviz keeps an edge; it keeps clusters together with 128. The start of a
# branch is more than its end, so that branches hang from the fork.
WEIGHTS = {"trunk": "1000", "chain": "500", "start": "6", "branch": "5", "skip": "100"}
DOT = {"class": "point", "shape": "point", "width": "0.05", "height": "0.05"}
# Where an edge goes on as another, Graphviz leaves room for a point, which this fills with line.
SEAM = DOT | {"shape": "box", "width": f"{LINE / 72}", "height": "0.03", "penwidth": "0"}
SEAM |= {"fixedsize": "true"}
MAX_HEIGHT = 1000  # inches, of a page that a given width decides
BOLD = "3"
LONGEST_TIP = 500  # characters of a tooltip


def write(picture: Picture, options: Options | None = None) -> str:
    """DOT text that draws the picture."""
    return _Writer(picture, options or Options()).write()


class _Writer:
    def __init__(self, picture: Picture, options: Options) -> None:
        self.picture = picture
        self.options = options
        self.right = options.direction == "right"
        self.seam = SEAM | (
            {"width": SEAM["height"], "height": SEAM["width"]} if self.right else {}
        )
        self.theme = options.look
        self.labels = Labels(picture, self.theme, self.right)
        self.readers = Counter(edge.tail for edge in picture.edges)
        self.forks = Counter(edge.tail for edge in picture.edges if edge.way != "skip")
        self.inputs = Counter(edge.head for edge in picture.edges)
        self.looks = {box.id: box.look for box in picture.boxes}
        frames = {box.id: above[-1] if above else "" for box, above in framed(picture.items)}
        # A skip goes out of the trunk, down beside it, and back in: Graphviz's own curves leave the
        # cluster. For that, both ends must be directly in the same one.
        self.bypasses: dict[str, list[Edge]] = defaultdict(list)
        self.edges: list[Edge] = []
        self.lines: Counter[str] = Counter()
        for edge in picture.edges:
            beside = edge.way == "skip" and frames[edge.tail] == frames[edge.head]
            (self.bypasses[frames[edge.tail]] if beside else self.edges).append(edge)

    def write(self) -> str:
        import graphviz

        graph = graphviz.Digraph(plain(self.picture.name))
        attributes = _graph(self.theme) | self._page()
        graph.attr("graph", label=self.labels.heading(self.picture), **attributes)
        graph.attr("node", **_node(self.theme))
        graph.attr("edge", **_edge(self.theme))
        # A cluster around everything carries the legend; its margin keeps the clusters in it apart.
        legend = self.labels.legend(self.picture) if self.options.legend else ""
        around = {"id": "legend", "label": legend, "labelloc": "b", "penwidth": "0", "margin": "6"}
        with _part(graph, "cluster_legend", around) as whole:
            self._inside(whole, "", self.picture.items)
        for edge in self.edges:
            self._line(graph, identifier(edge.tail), identifier(edge.head), self._way(edge))
        return graph.source

    def _line(self, graph: Digraph, tail: str, head: str, attributes: dict[str, str]) -> None:
        """An edge, with an id of its own that does not depend on the other edges."""
        id = f"{tail}/to/{head}"
        self.lines[id] += 1
        number = f"/{self.lines[id]}" if self.lines[id] > 1 else ""
        graph.edge(tail, head, id=f"{id}{number}", **attributes)

    def _page(self) -> dict[str, str]:
        """Where the picture runs to, and how wide it is to be."""
        found = {"rankdir": "LR"} if self.right else {}
        if self.options.width is not None:
            found["size"] = f"{self.options.width / 72:.4f},{MAX_HEIGHT}!"
        return found

    def _inside(self, graph: Digraph, frame: str, items: tuple[Item, ...]) -> None:
        """What is in a cluster, or in the picture itself."""
        for item in items:
            if isinstance(item, Box):
                self._box(graph, item)
            else:
                self._cluster(graph, item)
        for edge in self.bypasses[frame]:
            self._bypass(graph, edge)

    def _cluster(self, graph: Digraph, cluster: Cluster) -> None:
        id = f"cluster/{identifier(cluster.id)}"
        style = "rounded,dashed" if cluster.kind == "repetition" else "rounded"
        attributes = {
            "id": id,
            "label": "",
            "style": style,
            "margin": "6",
            "penwidth": "0.8",
            "class": cluster.kind,
        }
        attributes["tooltip"] = plain(cluster.id, LONGEST_TIP)
        attributes["color"] = self.theme.accent if cluster.highlighted else self.theme.frame
        if cluster.highlighted:
            attributes["penwidth"] = BOLD
        if self.right:  # no edge comes from above
            attributes |= {"label": self.labels.title(cluster)}
            attributes |= {"labeljust": "l", "labelloc": "t", "fontsize": f"{TEXT}"}
        with _part(graph, id, attributes) as inside:
            if not self.right:
                self._title(inside, cluster)
            self._inside(inside, cluster.id, cluster.items)

    def _title(self, graph: Digraph, cluster: Cluster) -> None:
        """The title, left of the point where the first tensor enters: no edge runs through it."""
        title = f"{identifier(cluster.id)}/title"
        with _part(graph, None, {"rank": "same"}) as row:
            label = self.labels.title(cluster)
            look = {"class": "title", "shape": "plain", "fontsize": f"{SMALL}", "style": ""}
            row.node(title, label=label, id=title, **look)
            first = cluster.items[0]
            if isinstance(first, Box) and first.look == "point":
                hidden = {"style": "invis", "weight": WEIGHTS["trunk"]}
                self._line(row, title, identifier(first.id), hidden)

    def _box(self, graph: Digraph, box: Box) -> None:
        id = identifier(box.id)
        if box.look == "point":
            point = DOT if self.readers[box.id] > 1 else self.seam
            graph.node(id, label="", id=id, fillcolor=self.theme.line, **point)
            return
        words = f"{box.id}:", box.text, box.shape, box.note
        attributes = {
            "label": self.labels.label(box),
            "id": id,
            "tooltip": plain(" ".join(filter(None, words)), LONGEST_TIP),
            "class": f"{box.look} group" if box.is_group else box.look,
            "fillcolor": self._fill(box),
            "fontsize": f"{self.labels.size(box)}",
        }
        match box.look:
            case _ if box.is_group:
                attributes |= {"width": f"{self.labels.width / 72:.3f}", "peripheries": "2"}
            case "join" if len(box.symbol) == 1:
                attributes |= {"shape": "circle", "width": "0.2", "fixedsize": "true"}
            case "join" | "input" | "output":
                attributes["style"] = "filled,rounded"
            case _:
                attributes["width"] = f"{self.labels.width / 72:.3f}"
        if box.training:
            attributes["style"] = attributes.get("style", "filled") + ",dashed"
        if box.highlighted:
            attributes |= {"color": self.theme.accent, "penwidth": BOLD}
        graph.node(id, **attributes)

    def _fill(self, box: Box) -> str:
        if not self.picture.measure:
            return self.theme.fill(box.look)
        return self.theme.paper if box.share is None else self.theme.heat(box.share)

    def _way(self, edge: Edge) -> dict[str, str]:
        alone = self.readers[edge.tail] == self.inputs[edge.head] == 1
        attributes = {"weight": WEIGHTS["chain" if edge.way == "branch" and alone else edge.way]}
        if self.looks[edge.head] == "point":
            attributes |= {"arrowhead": "none", "headclip": "false"}
        if self.looks[edge.tail] == "point":
            attributes["tailclip"] = "false"
        if self.forks[edge.tail] > 1:
            attributes["minlen"] = "2"  # room for curves
            if edge.way == "branch":
                attributes["weight"] = WEIGHTS["start"]
            if self.looks[edge.head] != "point":
                attributes["headport"] = "w" if self.right else "n"
        if edge.shape:
            attributes["label"] = self.labels.shape(edge.shape)
        return attributes

    def _bypass(self, graph: Digraph, edge: Edge) -> None:
        """A way out of the trunk at a point, down beside it, and into a join from the side."""
        tail, head = identifier(edge.tail), identifier(edge.head)
        corners = [f"{head}/beside/{tail}/{end}" for end in ("out", "in")]
        for end, corner in zip((tail, head), corners, strict=True):
            with _part(graph, None, {"rank": "same"}) as row:
                row.node(end)
                row.node(corner, label="", id=corner, fillcolor=self.theme.line, **self.seam)
        line = {"tailclip": "false", "headclip": "false", "arrowhead": "none", "weight": "1"}
        self._line(graph, tail, corners[0], line)
        self._line(graph, corners[0], corners[1], line | {"weight": WEIGHTS["skip"]})
        self._line(graph, head, corners[1], line | {"dir": "back", "tailclip": "true"})


def _graph(theme: Theme) -> dict[str, str]:
    return {
        "fontname": theme.font,
        "fontcolor": theme.ink,
        "fontsize": f"{TITLE}",
        "labelloc": "t",
        "bgcolor": theme.paper,
        "pad": "0.1",
        "margin": "0",  # of the page
        "ordering": "out",  # branches from left to right as they are written
        "ranksep": "0.14",
        "nodesep": "0.2",
        "color": theme.frame,  # of clusters
        "penwidth": "0.8",
    }


def _node(theme: Theme) -> dict[str, str]:
    return {
        "fontname": theme.font,
        "fontcolor": theme.ink,
        "fontsize": f"{TEXT}",
        "shape": "box",
        "style": "filled",
        "color": theme.line,
        "penwidth": "0.8",
        "margin": "0",
        "width": "0",
        "height": "0",
    }


def _edge(theme: Theme) -> dict[str, str]:
    return {
        "fontname": theme.font,
        "fontcolor": theme.ink,
        "color": theme.line,
        "penwidth": f"{LINE}",
        "arrowsize": "0.5",
    }


@contextmanager
def _part(graph: Digraph, name: str | None, attributes: dict[str, str]) -> Iterator[Digraph]:
    """A subgraph, which is written when it is filled."""
    part = type(graph)(name, graph_attr=attributes)
    yield part
    graph.subgraph(part)
