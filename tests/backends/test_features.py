"""Filters and activations as pictures: each pixel is what the arithmetic by hand says."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import archdsl
from archdsl import zoo
from archdsl.backends import features
from archdsl.backends.drawing.forms import FEATURES
from archdsl.backends.features import Panel, Sheet, tiles
from archdsl.errors import BuildError, ModelError, SpecError, WriteError
from archdsl.ir import layers
from archdsl.ir.preprocess import Preprocess

SVG = "{http://www.w3.org/2000/svg}"


def net(text: str) -> Any:
    return archdsl.parse(text).graph


# Scaling


def test_a_filter_is_scaled_about_its_mean() -> None:
    bank = np.array([[[[0.0, 2.0], [4.0, 6.0]]]])  # mean 3, farthest 3 away
    # 127.5 + 127.5 * (-1, -1/3, 1/3, 1)
    assert tiles.about_mean(bank)[0, 0, :, :, 0].tolist() == [[0, 85], [170, 255]]
    assert np.array_equal(tiles.about_mean(bank * 7 - 100), tiles.about_mean(bank))


def test_the_channels_of_a_filter_share_its_scale() -> None:
    bank = np.zeros((2, 2, 1, 2))
    bank[0] = [[[-1.0, 1.0]], [[-4.0, 4.0]]]
    bank[1] = 5.0
    found = tiles.about_mean(bank)[..., 0]
    assert found[0].tolist() == [[[96, 159]], [[0, 255]]]  # 127.5 -+ 31.875
    assert found[1].tolist() == [[[128, 128]], [[128, 128]]], "all alike"


def test_filters_of_one_weight_are_scaled_together_about_0() -> None:
    bank = np.array([-2.0, 0.0, 1.0]).reshape(3, 1, 1, 1)
    assert tiles.about_mean(bank)[:, 0, 0, 0, 0].tolist() == [0, 128, 191]  # 191.25
    assert (tiles.about_mean(np.zeros((3, 1, 1, 1))) == 128).all()


def test_what_is_no_number_is_magenta_and_does_not_spoil_the_rest() -> None:
    bank = np.array([[[[0.0, np.nan], [np.inf, 6.0]]]])
    found = tiles.about_mean(bank)[0, 0]
    assert found[0, 0].tolist() == [0, 0, 0] and found[1, 1].tolist() == [255, 255, 255]
    assert found[0, 1].tolist() == found[1, 0].tolist() == [255, 0, 255]
    assert (tiles.about_mean(np.full((2, 1, 2, 2), np.nan)) == tiles.BROKEN).all()
    assert (tiles.own_range(np.full((2, 2, 2), np.nan)) == tiles.BROKEN).all()


def test_a_map_is_scaled_to_its_own_range() -> None:
    maps = np.array([[[1.0, 2.0], [3.0, 5.0]], [[7.0, 7.0], [7.0, 7.0]]])
    found = tiles.own_range(maps)[..., 0]
    assert found[0].tolist() == [[0, 64], [128, 255]]  # 255 * (0, 1/4, 1/2, 1)
    assert not found[1].any()


def test_the_strongest_come_first() -> None:
    maps = np.array([[[1.0]], [[-3.0]], [[np.nan]], [[3.0]], [[2.0]]])
    assert tiles.strongest(maps, 4) == [1, 3, 4, 0]


# Which layers have filters


@pytest.mark.parametrize("cls", layers(), ids=lambda c: c.name)
def test_a_filter_alone_makes_its_channel(cls: Any) -> None:
    """With all filters but one at 0, PyTorch gives 0 in all channels but that."""
    for sample in cls.samples:
        graph = net(f"input {'x'.join(map(str, sample.inputs[0]))}\n{sample.text}")
        for node in (n for n in graph.nodes if type(n.op) is cls):
            windows = [w for w in node.weights.values() if w.role == "kernel" and len(w.shape) == 4]
            assert cls.has_filters == bool(windows), sample.text
            if not windows or len(graph.nodes) > 1:
                continue
            model = archdsl.backends.torch.build(graph)
            (weight,) = [p for p in model.parameters() if p.ndim == 4]
            marks = np.arange(weight.numel()).reshape(weight.shape)
            bank = node.op.filters_of({"weight": marks}, node.input_shapes, node.shape)
            assert bank.shape[0] == node.shape[0]
            kept = node.shape[0] - 1
            with torch.no_grad():
                for p in model.parameters():
                    p.zero_()
                weight.view(-1)[torch.from_numpy(bank[kept].ravel().copy())] = 1.0
                out = model(torch.ones(1, *sample.inputs[0]))[0]
            assert not out[:kept].any() and out[kept].any(), sample.text


FIRST: list[tuple[str, str | None]] = [
    ("input 3x8x8\nconv 3x3 4; gap; fc 2\n", "conv1"),
    ("input 3x8x8\nrelu; conv 3x3 4; gap; fc 2\n", None),
    ("input 3x8x8\nconv 1x1 4; gap; fc 2\n", None),
    ("input 8\nfc 2\n", None),
]


@pytest.mark.parametrize(("text", "path"), FIRST)
def test_the_first_filters_are_those_that_see_the_input(text: str, path: str | None) -> None:
    found = features.first_with_filters(net(text))
    assert (found and found.path) == path


def test_another_path_is_told_which_have_filters() -> None:
    graph = zoo("lenet").graph
    with pytest.raises(BuildError, match=r"`tanh` has no filters; .*`conv1`, `conv2`"):
        features.layer_with_filters(graph, "tanh1")
    with pytest.raises(BuildError, match=r"`con1` is no layer(.|\n)*did you mean `conv1`"):
        features.layer_with_filters(graph, "con1")
    with pytest.raises(BuildError, match="the network has no layer with filters"):
        features.layer_with_filters(net("input 8\nfc 2\n"), "fc1")


# Sheets of filters


def test_three_channels_are_a_colour() -> None:
    weight = np.zeros((2, 3, 1, 2), np.float32)
    weight[0, 0, 0, 0] = 6.0  # mean 1, farthest 5 away: 0 is 127.5 - 25.5
    weight[1, 2] = -3.0  # mean -1, farthest 2 away: 0 is 127.5 + 63.75
    graph = net("input 3x8x8\nconv 1x2 2 bias=false pad=0\n")
    (panel,) = features.filters(graph, "conv1", {"conv1.weight": weight}).panels
    assert panel.tiles[0].tolist() == [[[255, 102, 102], [102, 102, 102]]]
    assert panel.tiles[1].tolist() == [[[191, 191, 0], [191, 191, 0]]]


def test_other_channels_are_tiles_of_a_row_of_at_most_16() -> None:
    graph = net("input 40x8x8\nconv 3x3 5\n")
    state = {"conv1.weight": np.random.default_rng(0).normal(size=(5, 40, 3, 3)),
             "conv1.bias": np.zeros(5)}  # fmt: skip
    sheet = features.filters(graph, "conv1", state)
    (panel,) = sheet.panels
    assert panel.grid == (5, 16) and panel.tiles.shape == (80, 3, 3, 3)
    assert "16 of the 40 channels of each are shown, the first" in sheet.notes
    whole = tiles.about_mean(state["conv1.weight"])
    assert np.array_equal(panel.tiles[17], whole[1, 1]), "scaled with what is not shown"


def test_ten_thousand_filters_are_limited_and_told() -> None:
    graph = net("input 1x8x8\nconv 1x1 10000 bias=false\n")
    sheet = features.filters(graph, "conv1", {"conv1.weight": np.ones((10000, 1, 1, 1))})
    assert sheet.panels[0].channels == tuple(range(1024)) and sheet.panels[0].of == 10000
    assert sheet.notes == ("1,024 of the 10,000 filters of `conv1` are shown, the first",)
    assert max(sheet.image().size) < 1000


@pytest.mark.parametrize(("kernel", "size"), [("1x79", (79, 12)), ("300x1", (12, 192))])
def test_a_filter_of_one_row_or_column_is_a_band(kernel: str, size: tuple[int, int]) -> None:
    graph = net(f"input 1x300x300\nconv {kernel} 64 bias=false pad=0\n")
    rows, columns = map(int, kernel.split("x"))
    weight = np.random.default_rng(0).normal(size=(64, 1, rows, columns))
    svg = features.filters(graph, "conv1", {"conv1.weight": weight}).svg()
    (grid,) = ElementTree.fromstring(svg).findall(f"{SVG}image")
    wide, high = (int(grid.get(side, "0")) for side in ("width", "height"))
    strip = 12 if size[0] >= 24 else 0  # for the numbers, where they have room
    assert (wide, high) == (8 * (size[0] + 2) - 2, 8 * (size[1] + 2 + strip) - 2)


def test_broken_weights_are_told(tmp_path: Path) -> None:
    graph = net("input 3x8x8\nconv 3x3 2 bias=false\n")
    weight = np.ones((2, 3, 3, 3), np.float32)
    weight[1, 0, 0, 0] = np.nan
    sheet = features.filters(graph, "conv1", {"conv1.weight": weight})
    assert sheet.notes == ("1 of the weights of `conv1` is no finite number; drawn in magenta",)
    assert sheet.panels[0].tiles[1, 0, 0].tolist() == [255, 0, 255]
    sheet.save(tmp_path / "a.png")


# Files


def test_the_files_hold_the_tiles(tmp_path: Path) -> None:
    graph = net("input 1x8x8\nconv 2x2 2 bias=false pad=0\n")
    weight = np.array([[[[0.0, 2.0], [4.0, 6.0]]], [[[6.0, 4.0], [2.0, 0.0]]]])
    sheet = features.filters(graph, "conv1", {"conv1.weight": weight})
    for ending in FEATURES:
        sheet.save(tmp_path / f"a.{ending}")
        first = (tmp_path / f"a.{ending}").read_bytes()
        sheet.save(tmp_path / f"a.{ending}")
        assert first == (tmp_path / f"a.{ending}").read_bytes(), "the same bytes"
    root = ElementTree.fromstring((tmp_path / "a.svg").read_text())
    (image,) = root.iter(f"{SVG}image")
    data = re.sub("^data:image/png;base64,", "", image.get("href", ""))
    grid = np.asarray(Image.open(BytesIO(b64decode(data))))[..., 0]
    assert grid.shape == (44, 66), "two tiles of 2x2 values of 16 pixels, 2 between, and a strip"
    assert (grid[:12] == 255).all()
    numbers = [t for t in root.iter(f"{SVG}text") if t.get("font-size") == "9"]
    assert [(t.text, t.get("x")) for t in numbers] == [("0", "16"), ("1", "50")]
    assert grid[20::16, [8, 24, 32, 33, 42, 58]].tolist() == [
        [0, 85, 255, 255, 255, 170],
        [170, 255, 255, 255, 85, 0],
    ]
    for ending in ("png", "webp"):
        whole = np.asarray(Image.open(tmp_path / f"a.{ending}").convert("RGB"))
        shown = whole[-16 - 44 : -16, 16 : 16 + 66, 0]
        assert (shown[12:] == grid[12:]).all(), ending
        assert (shown[:12, :8] < 100).any() and (shown[:12, 34:42] < 100).any(), "the numbers"
        assert (shown[:12, 12:34] == 255).all(), "and nothing beside them"
    with pytest.raises(WriteError, match=r"one of \.png, \.webp, \.svg"):
        sheet.save(tmp_path / "a.gif")


def test_small_tiles_have_no_numbers_and_rows_have_one_each() -> None:
    tiles = np.zeros((4, 3, 3, 3), np.uint8)
    small = Panel("small", "a", tiles[:, :1, :1], 40, (0, 1, 2, 3), 4)  # 16 pixels across
    assert 'font-size="9"' not in Sheet("a", (small,)).svg()
    rows = Panel("rows", "a", tiles, 2, (5, 7), 8)  # 48 pixels across, two tiles a channel
    root = ElementTree.fromstring(Sheet("a", (rows,)).svg())
    found = [t for t in root.iter(f"{SVG}text") if t.get("font-size") == "9"]
    first = float(found[0].get("y", "0"))
    assert [(t.text, t.get("x"), float(t.get("y", "0")) - first) for t in found] == [
        ("5", "16", 0.0),
        ("7", "16", 48.0 + 12 + 2),
    ]


def test_a_network_draws_them_itself(tmp_path: Path) -> None:
    net = archdsl.parse("input 3x8x8\nconv 3x3 4; relu\nconv 3x3 4; gap; fc 2\n")
    model = net.to_torch(seed=3)
    sheet = net.draw_filters(tmp_path / "a.png", "conv1", model)
    assert sheet.panels[0].channels == (0, 1, 2, 3)
    again = net.draw_filters(tmp_path / "b.png", "conv1", seed=3)
    assert np.array_equal(again.panels[0].tiles, sheet.panels[0].tiles)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    picture = np.random.default_rng(1).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    maps = net.draw_activations(tmp_path / "m.svg", picture, at="conv2", weights=model)
    (panel,) = features.activations(net.graph, picture, model, "conv2").panels
    assert np.array_equal(maps.panels[0].tiles, panel.tiles)
    with pytest.raises(BuildError, match="`relu` has no filters"):
        net.draw_filters(tmp_path / "c.png", "relu1")


# Activations

PLAIN = Preprocess(size=(4, 4), channels="L", mean=(0.0,), std=(1.0,))
SMALL = "input 1x4x4\nconv 1x1 2; relu\nmaxpool 2x2; fc 3\n"


def small() -> tuple[Any, Any, Image.Image]:
    """Channels 0.5 - 0.5 v and v of the picture's values v; the first is the weaker."""
    graph = net(SMALL)
    model = archdsl.backends.torch.build(graph)
    with torch.no_grad():
        model.conv1.weight[:] = torch.tensor([-0.5, 1.0]).view(2, 1, 1, 1)
        model.conv1.bias[:] = torch.tensor([0.5, 0.0])
    picture = Image.fromarray(np.full((4, 4), 255, np.uint8))
    picture.putpixel((1, 2), 0)
    return graph, model, picture


def test_the_maps_of_a_layer_are_those_of_the_arithmetic() -> None:
    graph, model, picture = small()
    (panel,) = features.activations(graph, picture, model, "conv1", PLAIN).panels
    assert panel.channels == (1, 0) and panel.grid == (1, 2)
    ones = np.full((4, 4), 255)
    ones[2, 1] = 0
    assert np.array_equal(panel.tiles[0, ..., 0], ones)
    assert np.array_equal(panel.tiles[1, ..., 0], 255 - ones)


def test_the_layers_together_show_what_each_shows_alone() -> None:
    """What overwrites its input must not do so where that is shown."""
    graph = net("input 3x8x8\nconv 3x3 4; relu\nconv 3x3 4; relu\ngap; fc 2\n")
    assert graph.in_place, "else this says nothing"
    model = archdsl.backends.torch.build(graph, seed=3)
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 255, (8, 8, 3)).astype(np.uint8)
    sheet = features.activations(graph, picture, model)
    assert [panel.path for panel in sheet.panels] == ["conv1", "conv2"]
    for panel in sheet.panels:
        (alone,) = features.activations(graph, picture, model, panel.path).panels
        assert alone.channels == panel.channels
        assert np.array_equal(alone.tiles, panel.tiles)


@pytest.mark.parametrize(
    "text",
    [
        "block unit { residual { conv 3x3 4; bn; relu; conv 3x3 4; bn }; relu }\n"
        "input 3x8x8\nconv 3x3 4; relu\nstage: { unit x2 }\ngap; fc 2\n",
        "input 3x8x8\nc: conv 3x3 3; relu; reuse c; relu; conv 3x3 4; gap; fc 2\n",
    ],
    ids=["blocks", "shared"],
)
def test_layers_in_blocks_and_shared_ones_show_what_each_shows_alone(text: str) -> None:
    graph = net(text)
    model = archdsl.backends.torch.build(graph, seed=3)
    picture = np.random.default_rng(1).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    sheet = features.activations(graph, picture, model)
    with_filters = [n.path for n in graph.nodes if n.op.has_filters]
    assert [panel.path for panel in sheet.panels] == with_filters and len(with_filters) > 2
    for panel in sheet.panels:
        (alone,) = features.activations(graph, picture, model, panel.path).panels
        assert alone.channels == panel.channels
        assert np.array_equal(alone.tiles, panel.tiles)


def test_a_deep_network_shows_some_layers_from_the_first_to_the_last() -> None:
    graph = net("input 1x4x4\nconv 3x3 2 x40\n")
    picture = np.zeros((4, 4), np.uint8)
    sheet = features.activations(graph, picture, None)
    assert len(sheet.panels) == 24
    paths = [panel.path for panel in sheet.panels]
    assert paths[0] == graph.nodes[0].path and paths[-1] == graph.nodes[-1].path
    assert "24 of the 40 layers" in sheet.notes[0]


def test_what_cannot_be_shown() -> None:
    graph, model, picture = small()
    with pytest.raises(BuildError, match=r"`fc1` gives .* 3; .*`conv1`, `relu1`, `maxpool1`"):
        features.activations(graph, picture, model, "fc1")
    with pytest.raises(SpecError, match="did you mean `conv1`"):
        features.activations(graph, picture, model, "conv2")
    with pytest.raises(BuildError, match="it takes 2x4x4, not one picture"):
        features.activations(net("input 2x4x4\nconv 3x3 2\n"), picture, None)
    with pytest.raises(BuildError, match=r"it takes 1x4x4, .* trained on 1x5x5"):
        features.activations(graph, picture, None, how=PLAIN.model_copy(update={"size": (5, 5)}))
    with pytest.raises(BuildError, match="no layer with filters"):
        features.activations(net("input 1x4x4\nrelu; fc 2\n"), picture, None)
    with pytest.raises(ModelError, match="it is no picture"):
        features.activations(graph, __file__, model)
