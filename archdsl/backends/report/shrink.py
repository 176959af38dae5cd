"""Graphviz's SVG without what a page says better: colours and fonts are the style sheet's.

What is kept of an element is its shape, its words, what it stands for (`data-p`, the path), and
what it is (`class`). Colours by class follow the page's theme. Ids go: a page has several pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from xml.etree import ElementTree

from archdsl.backends.drawing.theme import LIGHT

SVG = "{http://www.w3.org/2000/svg}"
TIP = "{http://www.w3.org/1999/xlink}title"
_NUMBER = re.compile(r"-?\d+\.\d+")
_KEPT = ("points", "d", "cx", "cy", "rx", "ry", "stroke-dasharray")
_POSITIONS = frozenset({"x", "y", "points", "d", "cx", "cy", "rx", "ry"})
ONE_LINE = 2  # points by which the base lines of sizes on one line differ at most
SPACES = (" ", "\N{NO-BREAK SPACE}")


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
    if tip and kind.startswith("node"):
        words.append(("aria-label", tip))
    yield f"<g{_attributes(words)}>"
    yield from _shapes(group)
    yield "</g>"


def _shapes(group: ElementTree.Element) -> Iterator[str]:
    for element in group.iter():
        tag = element.tag.removeprefix(SVG)
        if tag in ("g", "a", "title", "text"):
            continue
        words = [(key, _value(key, element.get(key, ""))) for key in _KEPT if key in element.attrib]
        if element.get("fill") == "none":
            words.append(("class", "o"))  # an outline; any other shape has its class's colour
        yield f"<{tag}{_attributes(words)}/>"
    yield from _texts(list(group.iter(f"{SVG}text")))


def _texts(texts: Sequence[ElementTree.Element]) -> Iterator[str]:
    """The words; those of one line, with spaces between them, flow as the browser's font has it."""
    lines: list[list[ElementTree.Element]] = []
    for text in texts:
        before = lines[-1][-1] if lines else None
        if before is not None and _continues(before, text):
            lines[-1].append(text)
        else:
            lines.append([text])
    for line in lines:
        words = "".join(text.text or "" for text in line)
        if not words.strip():
            continue
        place = [(key, _value(key, line[0].get(key, "0"))) for key in ("x", "y")]
        if (anchor := line[0].get("text-anchor", "start")) != "start":
            place.append(("text-anchor", anchor))
        if len(line) == 1:
            yield f"<text{_attributes([*place, _look(line[0])])}>{_escaped(words)}</text>"
        else:
            spans = (
                f"<tspan{_attributes([_look(t)])}>{_escaped(t.text or '')}</tspan>" for t in line
            )
            yield f"<text{_attributes(place)}>{''.join(spans)}</text>"


def _continues(before: ElementTree.Element, text: ElementTree.Element) -> bool:
    if abs(float(before.get("y", "0")) - float(text.get("y", "0"))) > ONE_LINE:
        return False
    return (before.text or "").endswith(SPACES) or (text.text or "").startswith(SPACES)


def _escaped(words: str) -> str:
    return escape(words, quote=False)


def _look(text: ElementTree.Element) -> tuple[str, str]:
    """Its class: size, and whether it is bold or the lesser text."""
    look = [f"t{float(text.get('font-size', '10')):g}"]
    if text.get("font-weight") == "bold":
        look.append("b")
    if text.get("fill", "").upper() == LIGHT.muted.upper():
        look.append("m")
    return "class", " ".join(look)


def _value(key: str, text: str) -> str:
    return _short(text) if key in _POSITIONS else text


def _short(text: str) -> str:
    """Numbers with one digit behind the point."""
    return _NUMBER.sub(lambda m: f"{float(m[0]):.1f}".removesuffix(".0"), text)


def _attributes(pairs: list[tuple[str, str]]) -> str:
    return "".join(f' {key}="{escape(value)}"' for key, value in pairs)
