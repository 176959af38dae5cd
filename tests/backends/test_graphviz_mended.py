"""Diagrams: what is mended in Graphviz's SVG."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from diagrams import RESNET, TINY, graph

from archdsl import zoo
from archdsl.backends import graphviz
from archdsl.backends.drawing import Options
from archdsl.backends.graphviz.style import LINE

SVG = "{http://www.w3.org/2000/svg}"
ACROSS = {"right": 1, "down": 0}


@pytest.mark.parametrize("direction", ACROSS)
@pytest.mark.parametrize("text", [TINY, RESNET], ids=["tiny", "resnet"])
def test_seams_jut_out_of_no_line(text: str, direction: str, tmp_path: Path) -> None:
    """The end of a corner is the edge of the line across, and a seam is as thick as its line."""
    options = Options(direction="right" if direction == "right" else "down")
    graphviz.draw(graph(text), tmp_path / "a.svg", options)
    across = ACROSS[direction]
    corners: list[str] = []
    for group in ElementTree.parse(tmp_path / "a.svg").iter(f"{SVG}g"):
        polygon = group.find(f"{SVG}polygon")
        if group.get("class") != "node point" or polygon is None:
            continue
        points = [
            [float(number) for number in point.split(",")]
            for point in polygon.attrib["points"].split()
        ]
        sizes = [max(each) - min(each) for each in zip(*points, strict=True)]
        assert sizes[across] == pytest.approx(LINE, abs=0.02)
        if "/beside/" in group.attrib["id"]:
            corners.append(group.attrib["id"])
            # From the far edge of the line across to where the line along begins.
            assert 1 + LINE / 2 <= sizes[1 - across] <= 1.1 + LINE / 2
    assert corners


@pytest.mark.parametrize("name", ["linear_classifier", "mixer_s32_224"])
@pytest.mark.parametrize("width", [None, 331.0])
def test_the_paper_reaches_the_edges_of_a_png(
    name: str, width: float | None, tmp_path: Path
) -> None:
    from PIL import Image

    graphviz.draw(zoo(name).graph, tmp_path / "a.png", Options(width=width, theme="dark"))
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.convert("RGBA").getchannel("A").getextrema() == (255, 255)
