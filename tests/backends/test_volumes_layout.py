"""Figures of volumes: where things are. Read from the SVG, of the zoo and of hard networks."""

from __future__ import annotations

from functools import cache
from itertools import combinations, pairwise

import pytest
from figures import HARD, Figure, read
from hypothesis import given, settings
from random_networks import networks

import archdsl
from archdsl.backends import volumes
from archdsl.backends.drawing import THEMES, Options
from archdsl.backends.volumes.blocks import Block
from archdsl.backends.volumes.layout import layout
from archdsl.backends.volumes.scale import DEPTH, LARGEST, LEAST, TOKENS, VECTOR, Lengths
from archdsl.backends.volumes.scene import Polygon
from archdsl.backends.volumes.select import LEVELS, select
from archdsl.backends.volumes.solids import solid
from archdsl.backends.volumes.structure import structure
from archdsl.backends.volumes.windows import cone, crosses
from archdsl.errors import BuildError
from archdsl.ir import Graph

ZOO = (
    *("alexnet_columns", "alexnet_torchvision", "lenet", "lenet5_original", "vgg16", "googlenet"),
    *("resnet18", "resnet152", "resnet20", "wrn_16_8", "mobilenet_v2", "shufflenet_v2_x1_0"),
    *("regnet_y_400mf", "vit_base_patch16_224", "mixer_b16_224", "unet", "feature_pyramid"),
    *("siamese", "detector", "autoencoder", "wavenet", "alphago_value", "tiny", "two_layer"),
)
COLUMN = 252.0  # points, of a two-column page
CASES = {
    **{name: (name, Options()) for name in (*ZOO, *HARD)},
    **{
        f"{name} in a column": (name, Options(width=COLUMN))
        for name in ("alexnet_columns", "vgg16", "googlenet", "resnet50", "lenet", "siamese")
    },
    **{
        f"{name} with marks": (name, Options(label_with=("params", "macs", "path")))
        for name in ("alexnet", "resnet50", "unet", "feature_pyramid")
    },
}
each_case = pytest.mark.parametrize("case", CASES)


def graph(name: str) -> Graph:
    return (archdsl.parse(HARD[name]) if name in HARD else archdsl.zoo(name)).graph


@cache
def figure(case: str) -> Figure:
    name, options = CASES[case]
    return read(volumes.svg(graph(name), options))


@each_case
def test_no_words_overlap(case: str) -> None:
    words = figure(case).words
    assert words
    over = [(a[1], b[1]) for a, b in combinations(words, 2) if a[2].over(b[2])]
    assert not over


@each_case
def test_bodies_stand_apart_and_words_beside_them(case: str) -> None:
    found = figure(case)
    pairs = combinations(found.bodies.items(), 2)
    assert not [(a, b) for (a, x), (b, y) in pairs if x.over(y)]
    over = [
        (text, id)
        for kind, text, area in found.words
        for id, body in found.bodies.items()
        if kind != "size" and area.over(body)  # a size stands at an edge, within the bounding box
    ]
    assert not over


@each_case
def test_all_is_inside_of_the_picture(case: str) -> None:
    found = figure(case)
    assert all(found.box.holds(area) for _, _, area in found.words)
    assert all(found.box.holds(area) for area in found.bodies.values())
    for _, line in found.lines:
        assert all(found.box.left < x < found.box.right for x, _ in line)
        assert all(found.box.top < y < found.box.bottom for _, y in line)


@each_case
def test_no_line_strikes_words(case: str) -> None:
    found = figure(case)
    for kind, line in found.lines:
        struck = [t for _, t, area in found.words for a, b in pairwise(line) if area.struck(a, b)]
        if "columns" in case or case == "alexnet with marks":  # ways that cross run behind numbers
            struck = [t for t in struck if not t.isdigit()]
        assert not struck, kind


@each_case
def test_ways_run_around_bodies(case: str) -> None:
    found = figure(case)
    for kind, line in found.lines:
        if kind in ("over", "aside", "down", "up", "turn"):
            for id, body in found.bodies.items():
                through = [1 for a, b in pairwise(line) if body.struck(a, b, slack=2.0)]
                assert not through, f"{kind} through {id}"


@each_case
def test_letters_can_be_read(case: str) -> None:
    """At least 5 points at the width asked for, and on a page of 17 cm."""
    found, (_, options) = figure(case), CASES[case]
    page = 17 / 2.54 * 72
    scale = found.scale if options.width else min(1.0, page / found.width)
    assert min(found.sizes) * scale >= 4.999
    if options.width:
        assert found.width == pytest.approx(options.width, abs=0.01)


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "resnet18", "mlp", "autoencoder"])
def test_a_chain_goes_from_left_to_right(name: str) -> None:
    """In the order of the network."""
    found = read(volumes.svg(graph(name), Options()))
    order = [*graph(name).shapes]
    lefts: dict[int, float] = {}
    for id, body in found.bodies.items():
        path = id.partition("/lane")[0].removeprefix("input/")
        place = next(i for i, p in enumerate(order) if p == path or p.startswith(f"{path}."))
        assert lefts.setdefault(place, body.left) == body.left  # lanes stand above each other
    assert [lefts[i] for i in sorted(lefts)] == sorted(lefts.values())


def test_lanes_are_rows() -> None:
    bodies = read(volumes.svg(graph("alexnet_columns"), Options())).bodies
    upper, lower = ([b for id, b in bodies.items() if id.endswith(f"lane{i}")] for i in (0, 1))
    assert len(upper) == len(lower) == 10
    assert max(b.bottom for b in upper) < min(b.top for b in lower)


def test_lanes_cross_where_the_two_gpus_talk() -> None:
    """Krizhevsky, Sutskever & Hinton 2012, section 3.5: at conv3 and the fully connected layers."""
    spec = graph("alexnet_columns")
    links = layout(select(spec, structure(spec), LEVELS[0])).links
    heads = [k.head.volume.id for k in links if crosses(k) and isinstance(k.head, Block)]
    assert sorted(heads) == sorted(["conv5", "fc1", "fc2", "fc3"] * 2)
    assert len(links) == 2 + 2 * 6 + 4 + 4 + 4 + 2  # conv1; six alone; conv3, fc6, fc7; fc8


def test_a_u_goes_down_and_up() -> None:
    """Ronneberger, Fischer & Brox 2015, figure 1."""
    bodies = read(volumes.svg(graph("unet"), Options())).bodies
    way = ["enc1", "enc2", "enc3", "enc4", "double5"]
    assert all(bodies[a].bottom < bodies[b].top for a, b in pairwise(way))
    back = ["double5", "dec4", "dec3", "dec2", "dec1"]
    assert all(bodies[a].top > bodies[b].bottom for a, b in pairwise(back))
    assert all(bodies[a].left < bodies[b].left for a, b in pairwise([*way, *back[1:]]))


def test_windows_lie_where_the_kernel_reads() -> None:
    """A 3x3 window on 8 rows and columns covers three of each: those that its unit reads."""
    spec = archdsl.parse("input 20x8x8; conv 3x3 20 pad=0").graph
    (link,) = layout(select(spec, structure(spec), LEVELS[0])).links
    window, *_ = (s for s in cone(link, THEMES["light"]) if isinstance(s, Polygon))
    tail = link.tail
    assert isinstance(tail, Block)
    # Of the 6 rows and columns that come out the units shown are 0.36 and 0.3 of the way.
    row, column = int(0.36 * 6), int(0.3 * 6)
    corners = [(row, column), (row, column + 3), (row + 3, column + 3), (row + 3, column)]
    for (u, v), (x, y) in zip(corners, window.points, strict=True):
        at = tail.solid.at(u / 8, v / 8, right=True)
        assert (x - tail.x, y - tail.y) == pytest.approx(at)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_any_network_is_drawn_with_nothing_over_anything(text: str) -> None:
    drawn = archdsl.parse(text).graph
    for options in (Options(), Options(depth="all", width=3000.0)):
        try:
            found = read(volumes.svg(drawn, options))
        except BuildError as error:
            assert error.diagnostics[0].code == "A710"
            continue
        assert not [1 for a, b in combinations(found.words, 2) if a[2].over(b[2])]
        assert not [1 for a, b in combinations(found.bodies.values(), 2) if a.over(b)]
        assert all(found.box.holds(area) for _, _, area in found.words)
        ways = [line for kind, line in found.lines if kind != "ray"]
        struck = (a[2].struck(p, q) for a in found.words for w in ways for p, q in pairwise(w))
        assert not any(struck)


# Scales


def test_scales_grow_and_are_clipped_as_documented() -> None:
    lengths = Lengths.of([(3, 224, 224), (64, 56, 28), (10,)])
    assert lengths.side(224) == pytest.approx(LARGEST)
    assert lengths.side(56) == pytest.approx(LARGEST / 2)  # the square root
    for length, limits in (
        (lengths.side, (LEAST, LARGEST)),
        (lengths.depth, DEPTH),
        (lengths.tokens, TOKENS),
        (lengths.vector, VECTOR),
    ):
        found = [length(n) for n in range(1, 225)]
        assert found == sorted(found)
        assert limits[0] <= found[0] and found[-1] <= limits[1]
    assert lengths.depth(1) == DEPTH[0] and lengths.depth(10**6) == DEPTH[1]
    assert lengths.vector(1) == VECTOR[0] and lengths.vector(10**6) == VECTOR[1]
    assert lengths.depth(256) == pytest.approx(1.3 * 16)


def test_a_larger_map_is_a_larger_body() -> None:
    lengths = Lengths.of([(3, 224, 224)])
    bodies = [solid((64, n, n), lengths, flat=False) for n in (7, 14, 28, 56, 112, 224)]
    assert all(a.tall < b.tall and a.right < b.right for a, b in pairwise(bodies))
    bodies = [solid((c, 56, 56), lengths, flat=False) for c in (3, 64, 128, 512)]
    assert all(a.thick < b.thick and a.tall == b.tall for a, b in pairwise(bodies))


def test_few_channels_are_sheets() -> None:
    body = solid((6, 28, 28), Lengths.of([(1, 32, 32)]), flat=True)
    assert len(body.faces) == 6
    assert solid((120, 1, 1), Lengths.of([(1, 32, 32)]), flat=True).faces[0].side != "sheet"
