"""Figures of volumes: the files, and what hostile names do to them."""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from diagrams import HOSTILE, hostile_graph
from figures import HARD, SVG, read
from PIL import Image

import archdsl
from archdsl.backends import volumes
from archdsl.backends.drawing import Options
from archdsl.backends.volumes import tikz
from archdsl.errors import WriteError
from archdsl.ir import Graph
from archdsl.pipeline import zoo_names


def zoo(name: str) -> Graph:
    return archdsl.zoo(name).graph


def test_the_whole_zoo_is_drawn() -> None:
    for name in zoo_names():
        found = read(volumes.svg(zoo(name)))
        assert found.bodies, name
        assert found.width <= 700, f"{name} does not fit a page"


# Formats


def test_each_suffix_gives_its_format(tmp_path: Path) -> None:
    for suffix, start in {
        "svg": b"<svg xmlns=",
        "png": b"\x89PNG",
        "pdf": b"%PDF-",
        "tex": b"% alexnet",
    }.items():
        volumes.draw(zoo("alexnet"), tmp_path / f"net.{suffix}")
        assert (tmp_path / f"net.{suffix}").read_bytes().startswith(start)
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("name", ["net", "net.gif", "net.gv"])
def test_an_unknown_suffix_names_those_that_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(WriteError) as error:
        volumes.draw(zoo("tiny"), tmp_path / name)
    assert error.value.diagnostics[0].code == "A005"
    assert ".svg, .png, .pdf, .tex" in error.value.diagnostics[0].help


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "tex"])
def test_the_same_network_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    """In another process too, with another order of sets."""
    code = (
        "import sys, archdsl; from archdsl.backends import volumes\n"
        "volumes.draw(archdsl.zoo('googlenet').graph, sys.argv[1])"
    )
    files: list[bytes] = []
    for seed in ("1", "2"):
        path = tmp_path / f"{seed}.{suffix}"
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))}
        subprocess.run([sys.executable, "-c", code, path], check=True, env=environment)
        files.append(path.read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize(("width", "dpi"), [(None, 96), (300.0, 96), (300.0, 300)])
def test_a_png_is_as_large_as_asked(tmp_path: Path, width: float | None, dpi: int) -> None:
    options = Options(width=width, dpi=dpi)
    volumes.draw(zoo("resnet18"), tmp_path / "net.png", options)
    drawn = read(volumes.svg(zoo("resnet18"), options))
    with Image.open(tmp_path / "net.png") as image:
        for pixels, points in zip(image.size, (drawn.width, drawn.height), strict=True):
            assert abs(pixels - points * dpi / 72) <= 1


def test_a_png_shows_the_colours_and_letters(tmp_path: Path) -> None:
    volumes.draw(zoo("alexnet"), tmp_path / "net.png", Options(theme="dark"))
    with Image.open(tmp_path / "net.png") as image:
        pixels = image.convert("RGB")
        colors = {color for _, color in pixels.getcolors(1 << 24) or ()}
    look = Options(theme="dark").look
    for color in (look.paper, look.ink, look.fill("convolution"), look.fill("linear")):
        assert tuple(bytes.fromhex(color[1:])) in colors


def test_text_stays_text_in_a_pdf(tmp_path: Path) -> None:
    """In our font, which is embedded, and in the order of the picture."""
    volumes.draw(zoo("lenet"), tmp_path / "net.pdf", Options(width=300))
    data = (tmp_path / "net.pdf").read_bytes()
    assert b"+Arimo/" in data and b"/ToUnicode" in data
    (box,) = set(re.findall(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", data))
    drawn = read(volumes.svg(zoo("lenet"), Options(width=300)))
    assert [float(n) for n in box] == pytest.approx([drawn.width, drawn.height], abs=0.02)
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S)
    operators = b"".join(map(_inflated, streams))
    assert len(re.findall(rb"\bT[jJ]\b", operators)) >= len(drawn.words)


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompress(data)
    except zlib.error:
        return data


# SVG


def test_an_svg_can_be_heard_and_styled() -> None:
    root = ElementTree.fromstring(volumes.svg(zoo("resnet50"), Options(highlight=("layer3",))))
    title, description = (root.find(f"{SVG}{tag}") for tag in ("title", "desc"))
    assert title is not None and title.text == "resnet50"
    assert description is not None and "2048x7x7" in (description.text or "")
    labelled = root.attrib["aria-labelledby"].split()
    assert labelled == [title.attrib["id"], description.attrib["id"]]
    ids = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
    assert len(ids) == len(set(ids))
    groups = {g.get("id"): g for g in root.iter(f"{SVG}g")}
    assert "highlighted" in groups["layer3.0"].attrib["class"].split()
    assert groups["conv1"].findtext(f"{SVG}title") == "conv1, 64x112x112, conv 7×7 /2"


def test_a_legend_tells_what_occurs_and_can_be_left_out() -> None:
    def key(options: Options) -> list[str]:
        words = read(volumes.svg(zoo("siamese"), options)).words
        return [text for kind, text, _ in words if kind == "key"]

    assert key(Options()) == ["convolution", "pooling", "fully connected", "same weights"]
    assert key(Options(legend=False)) == []


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_themes(theme: str) -> None:
    look = Options(theme=theme).look
    text = volumes.svg(zoo("vit_base_patch16_224"), Options(theme=theme))
    for family in ("convolution", "attention", "linear"):
        assert f'fill="{look.fill(family)}"' in text
    if theme == "print":
        greys = re.findall('"#(..)(..)(..)"', text)
        assert greys and all(r == g == b for r, g, b in greys)


# Hostile names

TAGS = {"svg", "title", "desc", "rect", "g", "polygon", "path", "circle", "text"}
ATTRIBUTES = {"onload", "onclick", "href", "style", "xlink:href"}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_inert_in_svg(text: str) -> None:
    for options in (Options(), Options(label_with=("path",))):
        root = ElementTree.fromstring(volumes.svg(hostile_graph(text), options))
        assert {e.tag.removeprefix(SVG) for e in root.iter()} <= TAGS
        assert not {name for e in root.iter() for name in e.attrib} & ATTRIBUTES
        for element in root.iter():
            assert (element.text or "").strip().isprintable()
    if text:  # without names there are fewer labels
        found, plain = (
            ElementTree.fromstring(volumes.svg(hostile_graph(name))) for name in (text, "x")
        )
        assert _tree(found) == _tree(plain)
        long = max(len(e.text or "") for e in found.iter(f"{SVG}text"))
        assert long <= 40


def _tree(element: ElementTree.Element) -> object:
    """The elements without what is written in them: names change their text, and nothing else."""
    kind = element.get("class")
    return (element.tag, kind, [_tree(e) for e in element])


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_hostile_names_are_drawn(tmp_path: Path, text: str, suffix: str) -> None:
    options = Options(label_with=("path",), dpi=40)
    volumes.draw(hostile_graph(text), tmp_path / f"net.{suffix}", options)
    assert (tmp_path / f"net.{suffix}").stat().st_size > 1000


# TikZ. Few machines have a LaTeX to compile it with: what it consists of is compared.

LINE = re.compile(r"\\(path|node|definecolor|begin|end|fontfamily)\b.*|%.*")
COMMANDS = re.compile(r"\\([A-Za-z]+)")
KNOWN = {
    *("path", "node", "definecolor", "begin", "end"),
    *("fontfamily", "fontsize", "selectfont", "bfseries"),
    *("times", "uparrow", "cdot", "dots", "textbackslash", "textasciicircum", "textasciitilde"),
    *("textless", "textgreater", "textbar", "symbol", "textquotesingle", "textasciigrave"),
}


@pytest.mark.parametrize("text", ["", *HOSTILE], ids=range(len(HOSTILE) + 1))
def test_tikz_is_balanced_and_its_words_are_escaped(text: str) -> None:
    network = hostile_graph(text) if text else zoo("alexnet_columns")
    found = volumes.tex(network, Options(label_with=("path",)))
    for line in found.splitlines():
        assert LINE.fullmatch(line), line
        if line.startswith("%"):
            continue
        bare = re.sub(r"\\[{}\\#$%&_]", "", line)
        assert bare.count("{") == bare.count("}"), line
        assert bare.count("$") % 2 == 0 and not re.search(r"[#%&^~]", bare), line
        assert {*COMMANDS.findall(line.replace(r"\\", ""))} <= KNOWN, line
    assert found.count("\\begin{") == found.count("\\end{") == 1
    assert found.count("\n\\path[") + found.count("\n\\node[") > 20


def test_tikz_has_what_the_svg_has() -> None:
    network = zoo("siamese")
    drawn, text = read(volumes.svg(network)), volumes.tex(network)
    assert text.count("\n\\node[") == len(drawn.words)
    assert text.count("circle[") == volumes.svg(network).count("<circle")
    width = re.search(r"bounding box\] \(([-\d.]+),.*?\) rectangle \(([-\d.]+),", text)
    assert width is not None
    assert float(width[2]) - float(width[1]) == pytest.approx(drawn.width, abs=0.01)
    assert "[x=0.5bp,y=-0.5bp," in tikz.write(volumes.scene(network), drawn.width / 2)


def test_colours_of_the_paper_are_in_tikz() -> None:
    dark = volumes.tex(zoo("tiny"), Options(theme="dark"))
    paper = re.search(r"definecolor\{(\w+)\}\{HTML\}\{16191D\}", dark)
    assert paper is not None and f"\\path[fill={paper[1]}] (" in dark
    assert (dark.count("rectangle"), volumes.tex(zoo("tiny")).count("rectangle")) == (2, 1)


@pytest.mark.parametrize("name", HARD)
def test_hard_networks_are_written_in_every_format(name: str, tmp_path: Path) -> None:
    for suffix in ("png", "pdf", "tex"):
        graph = archdsl.parse(HARD[name]).graph
        volumes.draw(graph, tmp_path / f"net.{suffix}", Options(dpi=50))
        assert (tmp_path / f"net.{suffix}").stat().st_size > 500
