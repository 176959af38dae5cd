"""From the picture of a network to DOT."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from archdsl.backends.graphviz.picture import Box, Cluster, Item, Picture
from archdsl.backends.graphviz.style import LIGHT, SLIM, SMALL, TEXT, TINY, TITLE, Theme, width
from archdsl.errors import printable

if TYPE_CHECKING:
    from graphviz import Digraph

LONGEST = 60  # characters of a text in the picture; the tooltip has the rest
LONGEST_TIP = 500
_GAP = " &#160;"


def write(picture: Picture, theme: Theme = LIGHT) -> str:
    """DOT text that draws the picture from top to bottom."""
    return _Writer(picture, theme).write()


class _Writer:
    def __init__(self, picture: Picture, theme: Theme) -> None:
        self.picture = picture
        self.theme = theme
        self.columns = _columns(picture)

    def write(self) -> str:
        import graphviz

        theme, picture = self.theme, self.picture
        title = f"{_bold(picture.name)}<BR/>{_font(picture.caption, SMALL, theme.muted)}<BR/> "
        graph = graphviz.Digraph(
            _plain(picture.name),
            graph_attr={
                "label": _html(title),
                "labelloc": "t",
                "fontname": theme.font,
                "fontsize": f"{TITLE}",
                "fontcolor": theme.ink,
                "bgcolor": theme.paper,
                "rankdir": "TB",
                "ordering": "out",
                "ranksep": "0.14",
                "nodesep": "0.2",
                "pad": "0.1",
            },
            node_attr={
                "shape": "box",
                "style": "filled",
                "margin": "0",
                "width": "0",
                "height": "0",
                "penwidth": "0.8",
                "color": theme.line,
                "fontcolor": theme.ink,
                "fontname": theme.font,
                "fontsize": f"{TEXT}",
            },
            edge_attr={"arrowsize": "0.5", "penwidth": "0.9", "color": theme.line, "weight": "10"},
        )
        self._items(graph, picture.items)
        for edge in picture.edges:
            graph.edge(_id(edge.tail), _id(edge.head), **({"weight": "0"} if edge.skip else {}))
        return graph.source

    def _items(self, graph: Digraph, items: tuple[Item, ...]) -> None:
        for item in items:
            if isinstance(item, Box):
                self._box(graph, item)
            else:
                self._cluster(graph, item)

    def _cluster(self, graph: Digraph, cluster: Cluster) -> None:
        words = [_bold(cluster.name)] if cluster.name else []
        words += [_text(cluster.text)] if cluster.text else []
        words += [_bold(f"×{cluster.copies}")] if cluster.copies > 1 else []
        attributes = {
            "id": f"cluster/{_id(cluster.id)}",
            "label": _html(_font_markup(_GAP.join(words), SMALL)),
            "tooltip": _plain(cluster.id),
            "labeljust": "l",
            "style": "rounded,dashed" if cluster.kind == "repetition" else "rounded",
            "color": self.theme.frame,
            "penwidth": "0.8",
            "margin": "7",
        }
        with graph.subgraph(name=f"cluster/{_id(cluster.id)}", graph_attr=attributes) as inside:
            self._items(inside, cluster.items)

    def _box(self, graph: Digraph, box: Box) -> None:
        attributes = {
            "id": _id(box.id),
            "tooltip": _plain(f"{box.id}: {box.text} {box.shape}", LONGEST_TIP),
            "fillcolor": self.theme.fills[box.look],
        }
        match box.look:
            case "join" if len(box.symbol) == 1:
                attributes |= {"shape": "circle", "width": "0.2", "height": "0.2", "fixedsize": "true"}
                label = _bold(box.symbol)
            case "join" | "input" | "output":
                attributes |= {"style": "filled,rounded"}
                label = self._pill(box)
            case _:
                label = self._stacked(box) if self.picture.branches else self._row(box)
        graph.node(_id(box.id), label=_html(label), **attributes)

    def _pill(self, box: Box) -> str:
        """One short line: what, and its shape."""
        word = box.text if box.look == "join" else box.look
        name = "" if box.look == "join" or box.name in (word, "out") else box.name
        words = [_layer(word, box.copies), _text(name), _text(box.shape)]
        line = _GAP.join(w for w in words if w)
        return _table([_space(), _cell(_font_markup(line, SMALL), height=16), _space()])

    def _row(self, box: Box) -> str:
        """Name, layer and shape side by side, in columns that run through the picture."""
        size, height = (SMALL, 14) if box.look in SLIM else (TEXT, 22)
        name, text, shape = self.columns
        layer = _font_markup(_layer(box.text, box.copies), size)
        return _table(
            [
                _space(),
                _cell(_font(box.name, TINY, self.theme.muted), name, height, "LEFT"),
                _space(),
                _cell(layer, text, height, "LEFT"),
                _space(),
                _cell(_font(box.shape, SMALL, self.theme.ink), shape, height, "RIGHT"),
                _space(),
            ]
        )

    def _stacked(self, box: Box) -> str:
        """The layer above its name and shape; a slim one in a single line."""
        lesser = _font(f"{box.name} · {box.shape}", TINY, self.theme.muted)
        layer = _layer(box.text, box.copies)
        if box.look in SLIM:
            return _table([_space(), _cell(_font_markup(layer, SMALL) + _GAP + lesser, 80, 14), _space()])
        return _table([_space(), _cell(f"{layer}<BR/>{lesser}", 80, 30), _space()])


def _columns(picture: Picture) -> tuple[int, int, int]:
    """Widths of names, layers and shapes that hold the longest of each, in points."""
    boxes = [b for b in picture.boxes if b.look not in ("input", "output", "join")]
    names = max((width(_clip(b.name), TINY) for b in boxes), default=0)
    texts = max((width(_clip(b.text) + _times(b.copies), TEXT) for b in boxes), default=0)
    shapes = max((width(_clip(b.shape), SMALL) for b in boxes), default=0)
    return names, texts, shapes


# Markup: everything that comes from a spec passes through `_text` or `_plain`


def _clip(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _text(text: str, longest: int = LONGEST) -> str:
    """Text for an HTML-like label: nothing in it is markup, and no character is one XML forbids."""
    return escape(printable(_clip(text, longest)))


def _plain(text: str, longest: int = LONGEST) -> str:
    r"""Text for a plain attribute: `\N` and the like, and a leading `<`, mean nothing special."""
    return printable(_clip(text, longest)).replace("\\", "\\\\").replace("<", "‹")


def _id(path: str) -> str:
    return "".join(c if c.isalnum() or c in "._/" else f"-{ord(c):x}-" for c in path)


def _times(copies: int) -> str:
    return f"  ×{copies}" if copies > 1 else ""


def _bold(text: str) -> str:
    return f"<B>{_text(text)}</B>"


def _layer(text: str, copies: int) -> str:
    """The layer's name in bold, then its arguments, then how often it is repeated."""
    name, space, arguments = _clip(text).partition(" ")
    times = f" &#160;<B>×{copies}</B>" if copies > 1 else ""
    return f"<B>{_text(name)}</B>{space}{_text(arguments)}{times}"


def _font(text: str, size: float, color: str) -> str:
    return f'<FONT POINT-SIZE="{size:g}" COLOR="{color}">{_text(text)}</FONT>'


def _font_markup(markup: str, size: float) -> str:
    return f'<FONT POINT-SIZE="{size:g}">{markup}</FONT>' if markup else ""


def _cell(markup: str, width: int = 0, height: int = 0, align: str = "CENTER") -> str:
    return f'<TD WIDTH="{width}" HEIGHT="{height}" ALIGN="{align}">{markup}</TD>'


def _space() -> str:
    return '<TD WIDTH="8"></TD>'


def _table(cells: list[str]) -> str:
    row = f"<TR>{''.join(cells)}</TR>"
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{row}</TABLE>'


def _html(markup: str) -> str:
    return f"<{markup}>"
