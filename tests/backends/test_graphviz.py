"""Diagrams: what they show. The DOT text is read back by pygraphviz's parser."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from diagrams import ALEXNET, INCEPTION, RESNET, TINY, graph
from goldens import check_golden
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from archdsl.backends import graphviz
from archdsl.backends.drawing import Options
from archdsl.backends.graphviz.compose import compose
from archdsl.backends.graphviz.picture import Box, Item
from archdsl.errors import ArchError
from archdsl.ir import Graph
from archdsl.ir.shapes import show

LAYERS = Options(depth="all")

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
    boxes = copies(compose(graph(spec), LAYERS).items)
    return [f"{b.text} x{n}" if n > 1 else b.text for b, n in boxes if b.text]


def names(spec: str) -> list[str]:
    return [b.name for b in compose(graph(spec), LAYERS).boxes if b.text]


def flows(spec: str) -> Counter[tuple[str, str]]:
    """Which box feeds which, read from the DOT text; the points that lines run through left out."""
    import pygraphviz

    dot = pygraphviz.AGraph(string=graphviz.dot(graph(spec), LAYERS))
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

    boxes = [n for n in dot.nodes() if not re.search("/(in|fork|beside)/|/title$", n)]
    return Counter((tail, head) for tail in boxes for head in reached(tail))


@pytest.mark.parametrize("spec", [TINY, ALEXNET, RESNET, INCEPTION])
def test_every_layer_is_in_the_picture(spec: str) -> None:
    network = graph(spec)
    expected = Counter((node.op.text(), "x".join(map(str, node.shape))) for node in network.nodes)
    found: Counter[tuple[str, str]] = Counter()
    for box, times in copies(compose(network, LAYERS).items):
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


@pytest.mark.parametrize("spec", [TINY, RESNET, INCEPTION])
def test_lines_run_through_points(spec: str) -> None:
    """A point has one line in and at least one out; every shortcut starts at one."""
    picture = compose(graph(spec), LAYERS)
    points = {box.id for box in picture.boxes if box.look == "point"}
    assert points
    assert {e.head for e in picture.edges} & {e.tail for e in picture.edges} >= points
    assert all(
        n == 1 for head, n in Counter(e.head for e in picture.edges).items() if head in points
    )
    assert {e.tail for e in picture.edges if e.way == "skip"} <= points


def test_a_box_shows_name_layer_and_shape() -> None:
    boxes = list(compose(graph("input 3x32x32; features: { conv 5x5 16 pad=0 }; fc 10")).boxes)
    assert [(b.name, b.text, b.shape) for b in boxes if b.look != "point"] == [
        ("input", "", "3x32x32"),
        ("features.0", "conv 5x5 16 pad=0", "16x28x28"),
        ("fc1", "fc 10", "10"),
        ("out", "", "10"),
    ]


def test_the_caption_has_the_networks_numbers() -> None:
    caption = compose(graph(ALEXNET), LAYERS).caption
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
    boxes = copies(compose(Graph.model_validate(changed.model_dump()), LAYERS).items)
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
    assert sum(b.text == "add" for b in compose(changed, LAYERS).boxes) == 3


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
        r"<B>(layer[\d.,… ]*)</B>( &#160;basic)?( &#160;<B>(×\d)</B>)?",
        graphviz.dot(graph(RESNET), LAYERS),
    )
    assert [(name.strip(), times) for name, _, _, times in titles] == [
        ("layer1", ""),
        ("layer1.0…2", "×3"),
        ("layer2", ""),
        ("layer2.0", ""),
        ("layer2.1…4", "×4"),
    ]


BODIES = st.recursive(
    st.sampled_from(["relu", "conv 3x3", "bn", "maxpool 3x3 stride=1 pad=0", "conv 1x1 8"]),
    lambda body: st.one_of(
        st.tuples(body, st.integers(1, 3)).map(lambda t: f"{{ {t[0]} }} x{t[1]}"),
        st.lists(body, min_size=1, max_size=3).map("; ".join),
        body.map("residual {{ conv 3x3; {{ {} }} | conv 1x1 8 }}".format),
    ),
    max_leaves=6,
)


@given(BODIES)
@settings(max_examples=60, deadline=None)
def test_whatever_is_folded_nothing_is_lost(body: str) -> None:
    try:
        network = graph(f"input 8x99x99; {body}")
    except ArchError:  # a residual around a pool, or a map that ran out
        reject()
    found = Counter[str]()
    for box, times in copies(compose(network, LAYERS).items):
        found[f"{box.text} {box.shape}"] += times if box.text else 0
    expected = Counter(f"{n.op.text()} {show(n.shape)}" for n in network.nodes)
    assert +found == expected


# Golden text


@pytest.mark.parametrize(
    ("name", "spec"), [("tiny", TINY), ("resnet", RESNET)], ids=["tiny", "resnet"]
)
def test_golden_dot(name: str, spec: str) -> None:
    check_golden(f"dot/{name}.gv", graphviz.dot(graph(spec), LAYERS))
