"""Diagrams: what is shown from how far, and what else a user may ask for."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from diagrams import ALEXNET, INCEPTION, RESNET, graph
from hypothesis import given
from random_networks import networks
from strategies import examples

import archdsl
from archdsl.backends import graphviz
from archdsl.backends.drawing import Options
from archdsl.backends.graphviz.compose import compose
from archdsl.backends.graphviz.figures import Figures
from archdsl.backends.graphviz.fold import Fold
from archdsl.backends.graphviz.picture import Box, Cluster, Picture
from archdsl.backends.layer_table.rows import layer_table
from archdsl.errors import SpecError
from archdsl.ir.shapes import show

SVG = "{http://www.w3.org/2000/svg}"


def picture(spec: str, **options: object) -> Picture:
    return compose(graph(spec), Options(**options))  # type: ignore[arg-type]


def layers(found: Picture) -> list[Box]:
    return [box for box in found.boxes if box.look not in ("input", "output", "point")]


def shown(found: Picture) -> list[str]:
    """The boxes in order, each with what follows in it and how often it is there."""
    texts = (
        f"{b.name}: {b.text}" + (f" [{b.follows}]" if b.follows else "") for b in layers(found)
    )
    times = (f" x{b.copies}" if b.copies > 1 else "" for b in layers(found))
    return [a + b for a, b in zip(texts, times, strict=True)]


# Levels


def test_depth_1_shows_stages() -> None:
    assert shown(picture(RESNET, depth=1)) == [
        "conv1: conv 7x7 16 stride=2 [relu]",
        "layer1: basic 16 ×3",
        "layer2: basic 32 stride=2 · basic 32 ×4",
        "gap1: gap",
        "fc1: fc 10",
    ]


def test_depth_2_shows_blocks_with_what_is_on_their_longest_way() -> None:
    assert shown(picture(RESNET, depth=2))[1:4] == [
        "layer1.0…2: basic 16 [conv 3x3 16 · conv 3x3 16] x3",
        "layer2.0: basic 32 stride=2 [conv 3x3 32 stride=2 · conv 3x3 32]",
        "layer2.1…4: basic 32 [conv 3x3 32 · conv 3x3 32] x4",
    ]


def test_depth_3_shows_layers_with_what_follows_them() -> None:
    found = shown(picture(RESNET, depth=3))
    assert found[1:5] == [
        "conv1: conv 3x3 16 [bn, relu]",
        "conv2: conv 3x3 16 [bn]",
        "add1: add",
        "relu2: relu",
    ]


@pytest.mark.parametrize("depth", [1, 2, 3, "all"])
@pytest.mark.parametrize("name", ["resnet50", "googlenet", "vit_base_patch16_224", "siamese"])
def test_at_every_depth_every_layer_is_in_one_box(name: str, depth: int | str) -> None:
    """Params of the boxes add up to the network's, whose counts the zoo's specs expect."""
    network = archdsl.zoo(name).graph
    found = compose(network, Options(depth=depth, label_with=("params",)))  # type: ignore[arg-type]
    fold = Fold(network, None if depth == "all" else depth)  # type: ignore[arg-type]
    nodes = [n for path in fold.units for n in fold.units[path].nodes]
    assert [n.path for n in nodes] == sorted(
        (n.path for n in nodes), key=list(network.by_path).index
    )
    assert {n.path for n in nodes} == set(network.by_path)
    figures = Figures(network, Options())
    drawn = {box.id for box in layers(found)}
    standing = [n for path in drawn for c in fold.copies(path) for n in fold.units[c].nodes]
    assert len(standing) == len(network.nodes)
    assert figures.amount("params", standing) == figures.amount("params", network.nodes)


def test_a_layer_whose_output_forks_keeps_what_follows_apart() -> None:
    found = shown(picture("input 4x8x8; c: conv 3x3; a: relu; concat { @a | @c }", depth=1))
    assert found == ["c: conv 3x3 4", "a: relu", "concat1: concat"]


def test_copies_of_a_block_fold_from_afar_though_the_first_has_a_projection() -> None:
    network = archdsl.zoo("resnet50").graph
    near = [b.name for b in compose(network, Options(depth="all")).boxes]
    far = [b.name for b in compose(network, Options(depth=2)).boxes]
    assert "layer1.0…2" in far
    assert "downsample.0" in near


@pytest.mark.parametrize(
    ("name", "count"),
    [
        *[("alexnet", 19), ("alexnet_columns", 24), ("resnet50", 11), ("resnet152", 11)],
        *[("vit_large_patch16_224", 15), ("lenet5_original", 9)],
    ],
)
def test_left_alone_it_draws_what_fits_a_page(tmp_path: Path, name: str, count: int) -> None:
    """A4 without margins of a centimetre is 538 x 785 points."""
    network = archdsl.zoo(name)
    assert len(layers(compose(network.graph))) == count
    network.draw(tmp_path / "net.svg")
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    assert float(root.attrib["width"][:-2]) <= 538
    assert float(root.attrib["height"][:-2]) <= 785


# What is told


def test_shapes_stand_on_edges_where_they_change() -> None:
    found = picture(INCEPTION, depth=2)
    told = {edge.tail: edge.shape for edge in found.edges if edge.shape}
    assert told == {
        "conv1": "8x32x32",
        "first.concat1": "20x32x32",
        "second.concat1": "36x32x32",
        "gap1": "36",
    }
    shapes = {show(n.shape) for n in graph(INCEPTION).nodes}
    assert set(told.values()) <= shapes


@pytest.mark.parametrize(("name", "height"), [("googlenet", 1100), ("unet", 1350)])
def test_where_a_page_is_short_shapes_stand_in_the_boxes(
    name: str, height: int, tmp_path: Path
) -> None:
    """So that the smallest letters, 8 points high, have 4.5 on A4."""
    network = archdsl.zoo(name)
    found = compose(network.graph)
    assert not [edge for edge in found.edges if edge.shape]
    network.draw(tmp_path / "net.svg")
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    high = float(root.attrib["height"][:-2])
    assert high <= height
    assert 8 * 785 / high >= 4.5


def test_what_is_too_wide_is_folded_further() -> None:
    wide = " | ".join(["conv 3x3 4; relu; conv 3x3 4"] * 7)
    spec = f"block many {{ concat {{ {wide} }} }}\ninput 3x8x8\nmany; gap"
    assert shown(compose(archdsl.parse(spec).graph)) == ["many1: many", "gap1: gap"]
    few = spec.replace(" | conv 3x3 4; relu; conv 3x3 4", "", 2)
    assert len(layers(compose(archdsl.parse(few).graph))) > 10


def test_marks_are_those_of_all_copies() -> None:
    found = picture("input 8x9x9; conv 3x3 x3; fc 2", depth="all", label_with=("params", "macs"))
    conv, fc = layers(found)
    assert conv.marks == ("1.75k parameters", "140k MACs")  # 3 (8·8·9 + 8), 3·8·8·9·81
    assert fc.marks == ("1.3k parameters", "1.3k MACs")  # 648·2 + 2


def test_fields_are_those_of_the_last_layer_of_a_box() -> None:
    found = picture(ALEXNET, depth=1, label_with=("field",))
    assert [box.marks[0] for box in layers(found)][:4] == [
        "field 11/4", "field 19/8", "field 51/8", "field 67/16",
    ]  # fmt: skip


def test_paths_are_told_whole() -> None:
    assert "layer1.0.conv1 … layer1.2.conv1" in [
        box.name for box in picture(RESNET, depth="all", label_with=("path",)).boxes
    ]


def test_heat_is_the_share_of_the_most() -> None:
    found = {box.id: box.share for box in layers(picture(ALEXNET, depth="all", heat="params"))}
    assert found["fc1"] == 1  # 256·6·6·4096, of 62 million parameters the most
    assert found["fc2"] == pytest.approx((4096 * 4096 + 4096) / (9216 * 4096 + 4096))
    assert found["relu1"] == 0
    text = graphviz.dot(graph(ALEXNET), Options(depth="all", heat="params"))
    assert "0 to 37.8M parameters" in text


def test_what_is_highlighted() -> None:
    def lit(path: str, **options: object) -> set[str]:
        found = picture(RESNET, highlight=(path,), **options)
        waiting, names = list(found.items), set[str]()
        while waiting:
            item = waiting.pop()
            names |= {item.id} if item.highlighted else set()
            waiting += item.items if isinstance(item, Cluster) else ()
        return names

    assert lit("layer2", depth=1) == {"layer2"}
    assert lit("layer2", depth=2) == {"layer2"}
    assert lit("layer2.3", depth=2) == {"layer2.1"}, "the first copy stands for it"
    assert lit("layer2.0.conv1", depth=1) == {"layer2"}
    assert lit("conv1", depth="all") == {"conv1"}
    with pytest.raises(SpecError, match="layer2"):
        lit("layr2")


def test_the_legend_names_what_occurs() -> None:
    text = graphviz.dot(graph("input 3x9x9; conv 3x3 4; relu; aux a weight=0.3 fc 2; fc 3"),
                        Options(depth="all"))  # fmt: skip
    words = set(re.findall(r">\s*(\w[\w ]*)</FONT>", text.partition("cluster_legend")[2][:4000]))
    assert {"convolution", "linear", "activation", "in training only"} <= words
    assert "pooling" not in words
    without = graphviz.dot(graph("input 3x9x9; conv 3x3 4"), Options(legend=False))
    assert "convolution</FONT>" not in without


def test_shared_weights_are_told_by_the_title() -> None:
    found = compose(archdsl.zoo("siamese").graph, Options(depth="all"))
    (reuse,) = [i for i in found.items if isinstance(i, Cluster) and i.id == "reuse1"]
    assert reuse.note == "weights of tower"
    assert not any(box.note for box in found.boxes)
    found = compose(archdsl.zoo("siamese").graph, Options(depth=1))
    assert [b.note for b in layers(found)][:2] == ["", "weights of tower"]


# How it is drawn


def size(path: Path) -> tuple[int, int]:
    """Of a PNG, in pixels (its IHDR, PNG specification, section 11.2.2)."""
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    return width, height


def test_width_and_resolution(tmp_path: Path) -> None:
    network = graph(ALEXNET)
    graphviz.draw(network, tmp_path / "a.png", Options(width=360, dpi=100))
    assert size(tmp_path / "a.png")[0] == pytest.approx(500, abs=3)
    graphviz.draw(network, tmp_path / "b.png", Options(width=360, dpi=200))
    assert size(tmp_path / "b.png")[0] == pytest.approx(1000, abs=5)
    graphviz.draw(network, tmp_path / "a.svg", Options(width=226.8))
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert float(root.attrib["width"][:-2]) == pytest.approx(226.8, abs=1.5)


def test_a_width_at_which_nothing_can_be_read_is_told(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"smallest letters are \d\.\d points"):
        graphviz.draw(graph(ALEXNET), tmp_path / "a.pdf", Options(width=100))


def test_to_the_right_each_layer_stands_right_of_what_it_reads(tmp_path: Path) -> None:
    network = graph(RESNET)
    graphviz.draw(network, tmp_path / "a.svg", Options(direction="right", depth="all"))
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    left: dict[str, float] = {}
    for group in root.iter(f"{SVG}g"):
        shape = group.find(f".//{SVG}polygon")
        if group.get("class", "").startswith("node") and shape is not None:
            points = re.findall(r"(-?[\d.]+),", shape.attrib["points"])
            left[group.attrib["id"]] = min(map(float, points))
    pairs = [(s, n.path) for n in network.nodes for s in n.inputs if s in left and n.path in left]
    assert len(pairs) > 15
    assert all(left[source] < left[path] for source, path in pairs)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_a_theme_paints_every_box(theme: str) -> None:
    options = Options(theme=theme, depth="all")
    text = graphviz.dot(graph(ALEXNET), options)
    fills = set(re.findall(r'fillcolor="(#\w+)"', text))
    assert fills <= {*options.look.fills.values(), options.look.paper, options.look.line}
    assert options.look.fills["convolution"] in fills


def test_svg_has_words_for_those_who_hear_it_and_names_for_css(tmp_path: Path) -> None:
    graphviz.draw(graph(RESNET), tmp_path / "net.svg", Options(depth="all"))
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    assert root.get("role") == "img"
    assert [child.tag.removeprefix(SVG) for child in root][:2] == ["title", "desc"]
    assert "conv 7x7 16 stride=2" in (root[1].text or "")
    groups = {g.get("id"): g.get("class") for g in root.iter(f"{SVG}g")}
    assert groups["layer1.0.conv1"] == "node convolution"
    assert groups["cluster/layer1.0"] == "cluster block"
    assert "conv1/to/relu1" in groups


def test_ids_of_what_stays_stay() -> None:
    """A layer more changes no id of another."""

    def ids(spec: str) -> set[str]:
        return set(
            re.findall(r' id="?([\w./]+)"?', graphviz.dot(graph(spec), Options(depth="all")))
        )

    assert ids("input 3x9x9; conv 3x3 4; relu; gap") - {"gap1/to/output/out"} <= ids(
        "input 3x9x9; conv 3x3 4; relu; gap; fc 10"
    )


def test_drawing_with_heat_and_fields_imports_no_torch() -> None:
    code = f"""if True:
        import sys, tempfile, archdsl
        with tempfile.TemporaryDirectory() as folder:
            net = archdsl.parse({RESNET!r})
            net.draw(folder + "/a.svg", heat="macs", label_with=("field", "memory"))
            net.draw(folder + "/a.html", style="table")
        print(sorted({{"torch", "onnx", "numpy", "rich"}} & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_ten_thousand_layers_are_composed_in_linear_time() -> None:
    import time

    unit = "block unit { residual { conv 3x3; bn; relu; conv 3x3; bn }; relu }\ninput 8x9x9\n"

    def seconds(count: int) -> float:
        network = graph(unit + "unit\n" * (count // 7))
        start = time.perf_counter()
        for depth in (1, 2, "all"):
            compose(network, Options(depth=depth))  # type: ignore[arg-type]
        return time.perf_counter() - start

    assert seconds(7_000) < 25 * max(seconds(700), 0.02)


@given(networks())
@examples(60)
def test_any_network_at_any_depth(spec: str) -> None:
    """Every edge joins boxes that are there, every box is reached, no layer is lost."""
    network = graph(spec)
    for depth in (1, 2, "all"):
        options = Options(depth=depth, heat="macs", label_with=("params", "field"))  # type: ignore[arg-type]
        found = compose(network, options)
        boxes = {box.id for box in found.boxes}
        assert len(boxes) == len(list(found.boxes))
        assert {end for edge in found.edges for end in (edge.tail, edge.head)} <= boxes
        fold = Fold(network, None if depth == "all" else depth)  # type: ignore[arg-type]
        assert {n.path for u in fold.units.values() for n in u.nodes} == set(network.by_path)
        assert {fold.drawn(path) for path in fold.units} <= boxes
        assert graphviz.dot(network, options) == graphviz.dot(network, options)
    layer_table([network])
