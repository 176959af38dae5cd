"""Diagrams: where Graphviz puts things, read from the SVG, and their colours."""

from __future__ import annotations

import math
import re
from itertools import combinations, pairwise
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest
from diagrams import ALEXNET, INCEPTION, RESNET, TINY, graph

from archdsl.backends import graphviz
from archdsl.backends.drawing import THEMES, Options
from archdsl.backends.graphviz import style
from archdsl.ir.records import Family

# The layout, read from the SVG

SVG = "{http://www.w3.org/2000/svg}"
Area = tuple[float, float, float, float]  # left, top, right, bottom


class Layout:
    """Where things are, in points."""

    def __init__(self, path: Path) -> None:
        root = ElementTree.parse(path).getroot()
        self.width, self.height = (float(root.attrib[k][:-2]) for k in ("width", "height"))
        self.boxes: dict[str, Area] = {}
        self.clusters: dict[str, Area] = {}
        self.lines: dict[str, Area] = {}
        self.texts: dict[str, str] = {}
        for group in root.iter(f"{SVG}g"):
            kind, _, look = group.get("class", "").partition(" ")
            title = group.findtext(f"{SVG}title", "")
            if kind == "node" and look not in ("point", "title"):
                self.boxes[title] = _area(group)
                self.texts[title] = " ".join(t.text or "" for t in group.iter(f"{SVG}text"))
            elif kind == "cluster" and title.startswith("cluster/"):
                self.clusters[title] = _area(group)
            elif kind == "edge":
                self.lines[title] = _area(group)


def _area(group: ElementTree.Element) -> Area:
    xs: list[float] = []
    ys: list[float] = []
    for shape in group.iter():
        if shape.tag == f"{SVG}ellipse":
            cx, cy, rx, ry = (float(shape.attrib[k]) for k in ("cx", "cy", "rx", "ry"))
            xs, ys = [*xs, cx - rx, cx + rx], [*ys, cy - ry, cy + ry]
        else:
            numbers = re.findall(r"-?[\d.]+", shape.get("points") or shape.get("d") or "")
            xs, ys = [*xs, *map(float, numbers[0::2])], [*ys, *map(float, numbers[1::2])]
    return min(xs), min(ys), max(xs), max(ys)


def overlap(a: Area, b: Area) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def within(inner: Area, outer: Area) -> bool:
    return (
        outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and inner[2] <= outer[2]
        and inner[3] <= outer[3]
    )


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Layout]:
    folder = tmp_path_factory.mktemp("layouts")
    specs = {"tiny": TINY, "alexnet": ALEXNET, "resnet": RESNET, "inception": INCEPTION}
    for name, spec in specs.items():
        graphviz.draw(graph(spec), folder / f"{name}.svg", Options(depth="all"))
    return {name: Layout(folder / f"{name}.svg") for name in specs}


NETWORKS = ("tiny", "alexnet", "resnet", "inception")


@pytest.mark.parametrize("name", NETWORKS)
def test_no_boxes_overlap(layouts: dict[str, Layout], name: str) -> None:
    boxes = layouts[name].boxes
    assert len(boxes) > 3
    assert not [(a, b) for a, b in combinations(boxes, 2) if overlap(boxes[a], boxes[b])]


def test_alexnet_fits_a_page(layouts: dict[str, Layout]) -> None:
    """A4 is 595 x 842 points; with margins of half an inch and type of 8 to 14 points."""
    page = layouts["alexnet"]
    assert len(page.boxes) == 22 + 2
    assert page.width <= 595 - 72
    assert page.height <= 842 - 72


def test_a_single_file_of_layers_is_aligned(layouts: dict[str, Layout]) -> None:
    boxes = layouts["alexnet"].boxes
    layers = [area for name, area in boxes.items() if "/" not in name]
    assert len({(left, right) for left, _, right, _ in layers}) == 1


@pytest.mark.parametrize("name", ["tiny", "resnet"])
def test_the_trunk_is_straight(layouts: dict[str, Layout], name: str) -> None:
    """Shortcuts and projections do not push the main path to and fro."""
    boxes = layouts[name].boxes
    centres = [(a[0] + a[2]) / 2 for box, a in boxes.items() if "downsample" not in box]
    assert max(centres) - min(centres) < 1


def test_a_shortcut_stays_in_its_block_and_beside_the_layers(layouts: dict[str, Layout]) -> None:
    layout = layouts["resnet"]
    frames = {k.removeprefix("cluster/"): v for k, v in layout.clusters.items()}
    lines = {k: v for k, v in layout.lines.items() if "beside" in k}
    assert lines
    for title, area in lines.items():
        block = re.match(r"layer\d\.\d", title)
        assert block and within(area, frames[block[0]]), title
        if title.count("/beside/") == 2:  # the line down
            assert not [box for box, place in layout.boxes.items() if overlap(area, place)]


@pytest.mark.parametrize("name", NETWORKS)
def test_blocks_hold_their_layers(layouts: dict[str, Layout], name: str) -> None:
    layout = layouts[name]
    for title, frame in layout.clusters.items():
        scope = title.removeprefix("cluster/")
        inside = [area for box, area in layout.boxes.items() if box.startswith(scope + ".")]
        assert inside
        assert all(within(area, frame) for area in inside)


def test_branches_stand_side_by_side(layouts: dict[str, Layout]) -> None:
    boxes = layouts["inception"].boxes
    first = [boxes[f"first.{n}"] for n in ("conv1", "conv2", "maxpool1")]
    assert len({top for _, top, _, _ in first}) == 1
    assert [area[0] for area in first] == sorted(area[0] for area in first)


def test_cheap_layers_are_slim(layouts: dict[str, Layout]) -> None:
    heights = {k: bottom - top for k, (_, top, _, bottom) in layouts["alexnet"].boxes.items()}
    assert max(heights[k] for k in ("relu1", "lrn1", "dropout1")) < 0.75 * heights["conv1"]


def test_joins_are_marked_by_their_operator(layouts: dict[str, Layout]) -> None:
    assert layouts["tiny"].texts["add1"] == "+"
    assert layouts["inception"].texts["first.concat1"].split() == ["concat", "20x32x32"]
    left, top, right, bottom = layouts["tiny"].boxes["add1"]
    assert right - left == bottom - top < 20


# Colours


def _linear(color: str) -> tuple[float, float, float]:
    """Linear RGB of an sRGB colour (IEC 61966-2-1)."""
    parts = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return r, g, b


def _times(matrix: tuple[tuple[float, ...], ...], vector: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)


def _lab(rgb: tuple[float, ...]) -> tuple[float, float, float]:
    """CIELAB under D65."""
    to_xyz = (
        (0.4124564, 0.3575761, 0.1804375),
        (0.2126729, 0.7151522, 0.0721750),
        (0.0193339, 0.1191920, 0.9503041),
    )
    white = (0.95047, 1.0, 1.08883)
    ratios = (v / w for v, w in zip(_times(to_xyz, rgb), white, strict=True))
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in ratios)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


# Machado, Oliveira & Fernandes 2009, table of severity 1.0
SEEN = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


@pytest.mark.parametrize("theme", THEMES)
def test_every_family_has_a_colour(theme: str) -> None:
    assert set(THEMES[theme].fills) == set(get_args(Family))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("vision", SEEN)
def test_the_colour_blind_can_tell_the_families_apart(vision: str, theme: str) -> None:
    """A difference of 2 in CIELAB is just noticeable side by side; this asks for five times it."""
    colors = set(THEMES[theme].fills.values())
    seen = [
        _lab(tuple(min(1.0, max(0.0, v)) for v in _times(SEEN[vision], _linear(c)))) for c in colors
    ]
    assert len(colors) == 8
    assert min(math.dist(a, b) for a, b in combinations(seen, 2)) > 10


@pytest.mark.parametrize("theme", THEMES)
def test_families_of_one_height_differ_in_grey(theme: str) -> None:
    fills = THEMES[theme].fills
    for slim in (True, False):
        families = [f for f in fills if (f in style.SLIM) == slim and f != "join"]
        lightness = sorted(_lab(_linear(fills[f]))[0] for f in families)
        assert min(b - a for a, b in pairwise(lightness)) > 5


@pytest.mark.parametrize("name", THEMES)
def test_text_stands_out_from_every_fill(name: str) -> None:
    """WCAG 2.1 asks for a contrast of 7 at level AAA, of 4.5 at level AA."""

    def luminance(color: str) -> float:
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), _linear(color), strict=True))

    def contrast(a: str, b: str) -> float:
        low, high = sorted((luminance(a), luminance(b)))
        return (high + 0.05) / (low + 0.05)

    theme = THEMES[name]
    heat = [theme.heat(i / 10) for i in range(11)]
    for fill in (*theme.fills.values(), theme.paper, *heat):
        assert contrast(fill, theme.ink) > 7
        assert contrast(fill, theme.muted) > 4.5
    assert contrast(theme.accent, theme.paper) > 3
    steps = [_lab(_linear(color))[0] for color in heat]
    assert steps == sorted(steps, reverse=steps[0] > steps[-1]), "more is always the darker, or not"
    assert abs(steps[0] - steps[-1]) > 20
