"""Diagrams: what they show, that Graphviz draws it well, and that nothing in a spec can break them.

What is drawn is read back from the outside: DOT by pygraphviz's parser, the layout from the SVG.
"""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest
from goldens import check_golden

import archdsl
from archdsl.backends import graphviz
from archdsl.backends.graphviz import rendering, style
from archdsl.backends.graphviz.compose import compose
from archdsl.backends.graphviz.picture import Box, Item
from archdsl.errors import ArchError, BuildError, WriteError
from archdsl.ir import Graph
from archdsl.ir.records import Family

TINY = "input 3x32x32; conv 3x3 x3; residual; gap"
ALEXNET = """
    input 3x227x227
    conv 11x11 96 stride=4 pad=0;  relu; lrn; maxpool 3x3 stride=2
    conv 5x5 256 groups=2;         relu; lrn; maxpool 3x3 stride=2
    conv 3x3 384;                  relu
    conv 3x3 384 groups=2;         relu
    conv 3x3 256 groups=2;         relu; maxpool 3x3 stride=2
    fc 4096; relu; dropout 0.5
    fc 4096; relu; dropout 0.5
    fc 1000
    """
RESNET = """
    block basic width stride=1 {
      default conv bias=false
      residual {
        conv 3x3 width stride=stride; bn; relu
        conv 3x3 width; bn
      | downsample: { conv 1x1 width stride=stride; bn }
      }
      relu
    }
    input 3x64x64
    conv 7x7 16 stride=2; relu
    layer1: { basic 16 x3 }
    layer2: { basic 32 stride=2; basic 32 x4 }
    gap; fc 10
    """
INCEPTION = """
    block inception a b c {
      concat { conv 1x1 a; relu | conv 1x1 b; relu; conv 3x3 c; relu | maxpool 3x3 stride=1 pad=1 }
    }
    input 3x32x32
    conv 3x3 8
    first: inception 4 4 8
    second: inception 8 4 8
    gap; fc 10
    """


def graph(spec: str) -> Graph:
    return archdsl.parse(spec).graph


# What is drawn


def copies(items: tuple[Item, ...], times: int = 1) -> Iterator[tuple[Box, int]]:
    """Every box, and how often it is there with all that is folded written out."""
    for item in items:
        if isinstance(item, Box):
            yield item, times * item.copies
        else:
            yield from copies(item.items, times * item.copies)


def drawn(spec: str) -> list[str]:
    """Texts of the boxes in order, with what they are folded from."""
    boxes = copies(compose(graph(spec)).items)
    return [f"{b.text} x{n}" if n > 1 else b.text for b, n in boxes if b.text]


def names(spec: str) -> list[str]:
    return [b.name for b in compose(graph(spec)).boxes if b.text]


def flows(spec: str) -> Counter[tuple[str, str]]:
    """Which box feeds which, read from the DOT text; the points that lines run through left out."""
    import pygraphviz

    dot = pygraphviz.AGraph(string=graphviz.dot(graph(spec)))
    heads: dict[str, list[str]] = {}
    for edge in dot.edges():
        if edge.attr["style"] != "invis":
            tail, head = reversed(edge) if edge.attr["dir"] == "back" else edge
            heads.setdefault(tail, []).append(head)

    def reached(box: str) -> Iterator[str]:
        for head in heads.get(box, ()):
            if re.search("/(in|fork|beside)/", head):
                yield from reached(head)
            else:
                yield head

    boxes = [n for n in dot.nodes() if not re.search("/(in|fork|beside|title)", n)]
    return Counter((tail, head) for tail in boxes for head in reached(tail))


@pytest.mark.parametrize("spec", [TINY, ALEXNET, RESNET, INCEPTION])
def test_every_layer_is_in_the_picture(spec: str) -> None:
    network = graph(spec)
    expected = Counter((node.op.text(), "x".join(map(str, node.shape))) for node in network.nodes)
    found: Counter[tuple[str, str]] = Counter()
    for box, times in copies(compose(network).items):
        if box.text:
            found[box.text, box.shape] += times
    assert found == expected


@pytest.mark.parametrize("spec", [ALEXNET, INCEPTION])
def test_every_edge_is_in_the_picture(spec: str) -> None:
    network = graph(spec)
    expected = Counter((s, node.path) for node in network.nodes for s in node.inputs)
    expected[network.outputs[0].node, "output/out"] += 1
    given = {i.name: f"input/{i.name}" for i in network.inputs}
    assert flows(spec) == Counter({(given.get(a, a), b): n for (a, b), n in expected.items()})


def test_a_box_shows_name_layer_and_shape() -> None:
    boxes = list(compose(graph("input 3x32x32; features: { conv 5x5 16 pad=0 }; fc 10")).boxes)
    assert [(b.name, b.text, b.shape) for b in boxes if b.look != "point"] == [
        ("input", "", "3x32x32"),
        ("features.0", "conv 5x5 16 pad=0", "16x28x28"),
        ("fc1", "fc 10", "10"),
        ("out", "", "10"),
    ]


def test_the_caption_has_the_networks_numbers() -> None:
    caption = compose(graph(ALEXNET)).caption
    assert caption == "60,965,224 parameters · 724,406,816 MACs"


# Folding


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("conv 3x3 8 x3", ["conv 3x3 8 x3"]),
        ("{ conv 3x3 8; relu } x5", ["conv 3x3 8 x5", "relu x5"]),
        ("{ relu x2; bn } x3", ["relu x6", "bn x3"]),
        ("{ conv 3x3 8; maxpool 2x2 } x2", ["conv 3x3 8", "maxpool 2x2"] * 2),  # shapes differ
        ("conv 3x3 8 x1", ["conv 3x3 8"]),
        ("concat { | conv 3x3 4 } x2", ["conv 3x3 4", "concat"] * 2),  # grows
        ("residual { conv 3x3; bn } x4", ["conv 3x3 8 x4", "bn x4", "add x4"]),
        ("{ conv 3x3; relu } x2; conv 3x3", ["conv 3x3 8 x2", "relu x2", "conv 3x3 8"]),
    ],
)
def test_copies_that_look_the_same_are_drawn_once(body: str, expected: list[str]) -> None:
    assert drawn(f"input 8x16x16; {body}") == expected


def test_a_copy_whose_inside_is_read_elsewhere_ends_a_fold() -> None:
    """Of four copies, the second one's result is read again: nobody may take it for the last's."""
    network = graph("input 8x16x16; conv 3x3 x4; relu")
    conv2 = network.by_path["conv2"].path
    nodes = [
        n if n.path != "relu1" else n.model_copy(update={"inputs": (conv2,)}) for n in network.nodes
    ]
    changed = network.model_copy(update={"nodes": tuple(nodes)})
    boxes = copies(compose(Graph.model_validate(changed.model_dump())).items)
    assert [(b.name, n) for b, n in boxes if b.text] == [
        ("conv1, 2", 2),
        ("conv3, 4", 2),
        ("relu1", 1),
    ]


def test_copies_with_another_wiring_are_not_folded() -> None:
    """The second copy reads the network's input where the first reads what came before it."""
    network = graph("input 8x16x16; relu; residual { conv 3x3 } x3")
    nodes = [
        n.model_copy(update={"inputs": ("input", n.inputs[1])}) if n.path == "add2" else n
        for n in network.nodes
    ]
    changed = network.model_copy(update={"nodes": tuple(nodes)})
    assert sum(b.text == "add" for b in compose(changed).boxes) == 3


def test_names_of_folded_copies_cover_all_of_them() -> None:
    assert names("input 8x9x9; conv 3x3 x3") == ["conv1…3"]
    assert names("input 8x9x9; { conv 3x3; relu } x2") == ["conv1, 2", "relu1, 2"]
    assert names("input 8x9x9; f: { conv 3x3; relu } x3") == ["f.0, 2, 4", "f.1, 3, 5"]
    assert names("input 8x9x9; { { conv 3x3; relu } x3; bn } x2") == [
        "conv1…6",
        "relu1…6",
        "bn1, 2",
    ]


def test_edges_in_and_out_of_a_fold() -> None:
    assert flows("input 8x9x9; bn; { conv 3x3; relu } x5; gap") == Counter(
        [
            ("input/input", "bn1"),
            ("bn1", "conv1"),
            ("conv1", "relu1"),
            ("relu1", "gap1"),
            ("gap1", "output/out"),
        ]
    )


def test_the_skip_around_a_fold() -> None:
    assert flows(TINY) == Counter(
        [
            ("input/input", "conv1"),
            ("input/input", "add1"),
            ("conv1", "add1"),
            ("add1", "gap1"),
            ("gap1", "output/out"),
        ]
    )


def test_a_residual_block_is_drawn_once_with_its_skip() -> None:
    edges = flows(RESNET)
    assert edges["relu1", "layer1.0.conv1"] == edges["relu1", "layer1.0.add1"] == 1
    assert edges["layer1.0.relu2", "layer2.0.conv1"] == 1
    assert not any("layer1.1" in a + b for a, b in edges)
    titles = re.findall(
        r"<B>(layer[\d.,… ]*)</B>( &#160;basic)?( &#160;<B>(×\d)</B>)?", dot(RESNET)
    )
    assert [(name.strip(), times) for name, _, _, times in titles] == [
        ("layer1", ""),
        ("layer1.0…2", "×3"),
        ("layer2", ""),
        ("layer2.0", ""),
        ("layer2.1…4", "×4"),
    ]


def dot(spec: str) -> str:
    return graphviz.dot(graph(spec))


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
            kind, title = group.get("class"), group.findtext(f"{SVG}title", "")
            if kind == "node" and (title == group.get("id")):
                self.boxes[title] = _area(group)
                self.texts[title] = " ".join(t.text or "" for t in group.iter(f"{SVG}text"))
            elif kind == "cluster":
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
        graphviz.draw(graph(spec), folder / f"{name}.svg")
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


def test_every_family_has_a_colour() -> None:
    assert set(style.LIGHT.fills) == set(get_args(Family))


@pytest.mark.parametrize("vision", SEEN)
def test_the_colour_blind_can_tell_the_families_apart(vision: str) -> None:
    """A difference of 2 in CIELAB is just noticeable side by side; this asks for five times that."""
    colors = {c for c in style.LIGHT.fills.values()}
    seen = [
        _lab(tuple(min(1.0, max(0.0, v)) for v in _times(SEEN[vision], _linear(c)))) for c in colors
    ]
    assert len(colors) == 8
    assert min(math.dist(a, b) for a, b in combinations(seen, 2)) > 10


def test_families_of_one_height_differ_in_grey() -> None:
    fills = style.LIGHT.fills
    for slim in (True, False):
        families = [f for f in fills if (f in style.SLIM) == slim and f != "join"]
        lightness = sorted(_lab(_linear(fills[f]))[0] for f in families)
        assert min(b - a for a, b in zip(lightness, lightness[1:], strict=False)) > 5


def test_text_stands_out_from_every_fill() -> None:
    """WCAG 2.1 asks for a contrast of 7 at level AAA."""

    def luminance(color: str) -> float:
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), _linear(color), strict=True))

    theme = style.LIGHT
    for fill in theme.fills.values():
        assert (luminance(fill) + 0.05) / (luminance(theme.ink) + 0.05) > 10
        assert (luminance(fill) + 0.05) / (luminance(theme.muted) + 0.05) > 4.5


# Files


def test_drawing_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for suffix in ("svg", "png", "pdf"):
        graphviz.draw(graph(TINY), tmp_path / f"tiny.{suffix}")
    assert capfd.readouterr() == ("", "")


def test_each_suffix_gives_its_format(tmp_path: Path) -> None:
    starts = {
        "svg": b"<?xml",
        "png": b"\x89PNG",
        "PDF": b"%PDF",
        "gv": b"digraph",
        "dot": b"digraph",
    }
    for suffix, start in starts.items():
        path = tmp_path / "new folder" / f"tiny.{suffix}"
        graphviz.draw(graph(TINY), path)
        assert path.read_bytes().startswith(start)
    assert len(list(path.parent.iterdir())) == len(starts)


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "gv"])
def test_the_same_network_gives_the_same_bytes(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / f"1.{suffix}", tmp_path / f"2.{suffix}"
    graphviz.draw(graph(RESNET), first)
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    if suffix == "pdf":
        _wait_for_the_next_second()
    graphviz.draw(Graph.from_json(graph(RESNET).to_json()), second)
    assert first.read_bytes() == second.read_bytes()


def _wait_for_the_next_second() -> None:
    import time

    time.sleep(1.01 - time.time() % 1)


def test_text_is_in_the_font_that_comes_along(tmp_path: Path) -> None:
    graphviz.draw(graph(TINY), tmp_path / "tiny.pdf")
    fonts = re.findall(rb"/BaseFont /\w+\+([\w-]+)", (tmp_path / "tiny.pdf").read_bytes())
    assert set(fonts) == {b"Arimo", b"Arimo-Bold"}


def test_pixels_show_letters(tmp_path: Path) -> None:
    """Without a font every letter is the same square, and two digits of one width look alike."""
    pictures: set[bytes] = set()
    for name in ("net1", "net7"):
        named = graph(TINY).model_copy(update={"name": name})
        graphviz.draw(named, tmp_path / f"{name}.png")
        pictures.add((tmp_path / f"{name}.png").read_bytes())
    assert len(pictures) == 2


def test_drawing_imports_neither_torch_nor_graphviz_s_c_code() -> None:
    code = f"""if True:
        import sys, tempfile, archdsl
        with tempfile.TemporaryDirectory() as folder:
            archdsl.parse({TINY!r}).draw(folder + "/tiny.svg")
        print(sorted({{"torch", "onnx", "numpy", "pygraphviz"}} & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


# What goes wrong


def code(error: ArchError) -> str:
    return error.diagnostics[0].code


@pytest.mark.parametrize("name", ["net.gif", "net", "net.svgz", ".svg"])
def test_an_unknown_suffix_names_those_that_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(WriteError, match=r"\.svg, \.png, \.pdf, \.gv, \.dot") as caught:
        graphviz.draw(graph(TINY), tmp_path / name)
    assert code(caught.value) == "A005"
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteError) as caught:
        graphviz.draw(graph(TINY), tmp_path / "file" / "net.svg")
    assert code(caught.value) == "A005"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder where programs are looked for."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(folder: Path, script: str) -> None:
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def without_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "find_spec", lambda name: None)


def test_without_graphviz(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_wheel(monkeypatch)
    path = tmp_path / "net.svg"
    path.write_text("earlier")
    with pytest.raises(BuildError) as caught:
        graphviz.draw(graph(TINY), path)
    assert code(caught.value) == "A703"
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [programs, path] or list(tmp_path.iterdir()) == [
        path,
        programs,
    ]
    graphviz.draw(graph(TINY), tmp_path / "net.gv")  # needs none


def test_an_installed_dot_comes_first(tmp_path: Path, programs: Path) -> None:
    install(programs, 'while [ "$1" != -o ]; do shift; done; echo "drawn by dot" > "$2"')
    graphviz.draw(graph(TINY), tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text() == "drawn by dot\n"


@pytest.mark.parametrize("script", ["echo 'no plugin' >&2; exit 1", "exit 0"])
def test_a_broken_dot_is_passed_over(tmp_path: Path, programs: Path, script: str) -> None:
    install(programs, script)
    graphviz.draw(graph(TINY), tmp_path / "net.svg")
    assert "conv" in (tmp_path / "net.svg").read_text()


def test_graphviz_s_own_words_are_told(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(programs, "echo 'Fontconfig warning: x' >&2; echo 'dot: out of memory' >&2; exit 1")
    without_the_wheel(monkeypatch)
    with pytest.raises(BuildError, match="dot: out of memory") as caught:
        graphviz.draw(graph(TINY), tmp_path / "net.svg")
    assert code(caught.value) == "A703"


def test_graphviz_is_not_waited_for_forever(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(programs, "exec /bin/sleep 30")
    monkeypatch.setattr(rendering, "PATIENCE", 0.2)
    with pytest.raises(BuildError, match="xN") as caught:
        graphviz.draw(graph(TINY), tmp_path / "net.svg")
    assert code(caught.value) == "A701"


# Hostile names: a graph may come from JSON, and then nothing holds its names to the grammar

HOSTILE = [
    '"quoted" & <b>bold</b>',
    "</TD></TABLE>> ]; evil [label=x",
    "<script>alert(1)</script>",
    r"\N \G \L \n \\",
    "a:n:b -> c; { } [ ] |",
    "&lt;&#65;&nbsp;",
    "<",
    "\x00\x1b[31m\r\n\u202eright to left\ud800",
    "層 слой ⚡",
    "node",
    "",
    "x" * 10_000,
]


def hostile_graph(text: str) -> Graph:
    """A network whose every name is the text."""
    network = graph("block b { conv 3x3; residual { conv 3x3 } }; input 3x9x9; a: b x2; gap")
    renamed = {n.path: f"{n.path}{text}" for n in network.nodes} | {"input": text or "input"}
    scopes = {s.path: f"{s.path}{text}" if s.path else "" for s in network.scopes}
    nodes = [
        n.model_copy(
            update={
                "path": renamed[n.path],
                "inputs": tuple(renamed[i] for i in n.inputs),
                "scope": scopes[n.scope],
            }
        )
        for n in network.nodes
    ]
    return network.model_copy(
        update={
            "name": text,
            "inputs": (network.inputs[0].model_copy(update={"name": renamed["input"]}),),
            "nodes": tuple(nodes),
            "scopes": tuple(
                s.model_copy(
                    update={
                        "path": scopes[s.path],
                        "parent": None if s.parent is None else scopes[s.parent],
                        "definition": text,
                    }
                )
                for s in network.scopes
            ),
            "outputs": (
                network.outputs[0].model_copy(
                    update={"name": text, "node": renamed[network.outputs[0].node]}
                ),
            ),
        }
    )


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_shown_as_they_are(tmp_path: Path, text: str) -> None:
    network = hostile_graph(text)
    graphviz.draw(network, tmp_path / "net.svg")
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "g", "a", "title", "text", "polygon", "polyline", "path", "ellipse"}
    assert len({e.get("id") for e in root.iter(f"{SVG}g")}) == len(list(root.iter(f"{SVG}g")))
    lines = [e.text or "" for e in root.iter(f"{SVG}text")]
    shown = "".join(c if c.isprintable() else "·" for c in text[:60])
    if text and len(text) <= 60:
        assert shown.strip() in [line.strip() for line in lines]
    assert max(map(len, lines)) <= 70


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_change_nothing_but_names(text: str) -> None:
    import pygraphviz

    plain = pygraphviz.AGraph(string=graphviz.dot(hostile_graph("")))
    found = pygraphviz.AGraph(string=graphviz.dot(hostile_graph(text)))
    assert len(found.nodes()) == len(plain.nodes())
    assert len(found.edges()) == len(plain.edges())
    assert len(found.subgraphs()) == len(plain.subgraphs())


# Golden text


@pytest.mark.parametrize(("name", "spec"), [("tiny", TINY), ("resnet", RESNET)])
def test_dot_text(name: str, spec: str) -> None:
    check_golden(f"dot/{name}.gv", dot(spec))
