"""Graphviz's SVG without what a page says better: colours and fonts are the style sheet's.

What is kept of an element is its shape, its words, what it stands for (`data-p`, the path), and
what it is (`class`). Colours by class follow the page's theme. Ids go: a page has several pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from xml.etree import ElementTree

from archdsl.backends.drawing.theme import LIGHT

SVG = "{http://www.w3.org/2000/svg}"
TIP = "{http://www.w3.org/1999/xlink}title"
_NUMBER = re.compile(r"-?\d+\.\d+")
_KEPT = ("x", "y", "points", "d", "cx", "cy", "rx", "ry", "stroke-dasharray", "text-anchor")
_POSITIONS = frozenset({"x", "y", "points", "d", "cx", "cy", "rx", "ry"})


def shrink(svg: str) -> str:
    """The picture alone, ready to be part of a page.

    Args:
        svg: as Graphviz writes it; drawn in the light theme, without a legend.
    """
    root = ElementTree.fromstring(svg)  # Graphviz wrote it, and it has no entities of its own
    (graph,) = root.findall(f"{SVG}g")
    box = root.get("viewBox", "0 0 1 1")
    groups = (child for child in graph if child.tag == f"{SVG}g")
    drawn = (group for group in groups if group.get("class") != "cluster")  # the legend's frame
    parts = "".join(part for group in drawn for part in _group(group))
    move = re.search(r"translate\([^)]*\)", graph.get("transform", ""))
    place = f' transform="{move[0]}"' if move else ""
    return f'<svg viewBox="{_short(box)}"><g{place}>{parts}</g></svg>'


def _group(group: ElementTree.Element) -> Iterator[str]:
    """One box, frame or line."""
    kind = group.get("class", "")
    id = group.get("id", "")
    words = [("class", kind)]
    if not kind.startswith("edge"):
        words.append(("data-p", id.removesuffix("/title")))
    tip = next((a.get(TIP, "") for a in group.iter(f"{SVG}a")), "")
    if tip and "point" not in kind:
        words.append(("aria-label", tip))
    yield f"<g{_attributes(words)}>"
    yield from _shapes(group)
    yield "</g>"


def _shapes(group: ElementTree.Element) -> Iterator[str]:
    for element in group.iter():
        tag = element.tag.removeprefix(SVG)
        if tag in ("g", "a", "title"):
            continue
        words = [(key, _value(key, element.get(key, ""))) for key in _KEPT if key in element.attrib]
        if tag == "text":
            text = _text(element)
            if text is not None:
                yield text
            continue
        if look := _look(element):
            words.append(("class", look))
        yield f"<{tag}{_attributes(words)}/>"


def _look(shape: ElementTree.Element) -> str:
    """`o` of an outline: the fill of any other shape is its class's."""
    return "o" if shape.get("fill") == "none" else ""


def _text(element: ElementTree.Element) -> str | None:
    words = element.text or ""
    if not words.strip():
        return None
    lead = len(words) - len(words.lstrip())
    look = [f"t{float(element.get('font-size', '10')):g}"]
    if element.get("font-weight") == "bold":
        look.append("b")
    if element.get("fill", "").upper() == LIGHT.muted.upper():
        look.append("m")
    if lead:
        look.append("p")  # its spaces count
    anchor = element.get("text-anchor")
    place = [(key, _value(key, element.get(key, "0"))) for key in ("x", "y")]
    if anchor != "start":
        place.append(("text-anchor", anchor or "start"))
    place.append(("class", " ".join(look)))
    return f"<text{_attributes(place)}>{escape(words.rstrip(), quote=False)}</text>"


def _value(key: str, text: str) -> str:
    return _short(text) if key in _POSITIONS else text


def _short(text: str) -> str:
    """Numbers with one digit behind the point."""
    return _NUMBER.sub(lambda m: f"{float(m[0]):.1f}".removesuffix(".0"), text)


def _attributes(pairs: list[tuple[str, str]]) -> str:
    return "".join(f' {key}="{escape(value)}"' for key, value in pairs)
