"""Figures of volumes: which tensors are shown, how far folded, and what is written on them."""

from __future__ import annotations

import re

import pytest

import archdsl
from archdsl.backends.drawing import Options
from archdsl.backends.volumes import scene
from archdsl.backends.volumes.figure import Fork, Series, Volume, volumes_of
from archdsl.backends.volumes.fit import fitted
from archdsl.backends.volumes.select import LEVELS, select
from archdsl.backends.volumes.structure import Region, structure
from archdsl.errors import BuildError, SpecError
from archdsl.ir import Graph
from archdsl.ir.shapes import elements

ZOO = (
    *("alexnet", "alexnet_columns", "lenet", "lenet5_original", "vgg16", "googlenet", "resnet18"),
    *("resnet50", "resnet152", "resnet20", "wrn_16_8", "mobilenet_v2", "shufflenet_v2_x1_0"),
    *("regnet_y_400mf", "vit_base_patch16_224", "mixer_b16_224", "unet", "feature_pyramid"),
    *("siamese", "detector", "autoencoder", "wavenet", "alphago_policy", "tiny", "mlp"),
)


def zoo(name: str) -> Graph:
    return archdsl.zoo(name).graph


def parse(spec: str) -> Graph:
    return archdsl.parse(spec).graph


def shown(graph: Graph, level: int = 0) -> Series:
    return select(graph, structure(graph), LEVELS[level])


def drawn(graph: Graph, options: Options | None = None) -> list[Volume]:
    """The volumes of the figure as it is made."""
    piece, _ = fitted(graph, options or Options())
    found = {id(t.volume): t.volume for t in piece.things if hasattr(t, "volume")}
    return list(found.values())


# What is shown


@pytest.mark.parametrize("name", ZOO)
def test_volumes_are_tensors_of_the_network(name: str) -> None:
    """Each has the shape that the graph says, and each layer belongs to one volume at most."""
    graph = zoo(name)
    seen: set[str] = set()
    for volume in drawn(graph):
        paths = [p for p in volume.paths if p in graph.by_path]
        made = {graph.shapes[p] for p in volume.paths}
        if volume.lanes == 1:
            assert volume.shape in made
        else:  # of branches joined, the sum
            assert volume.shape in made or elements(volume.share) in map(elements, made)
        assert not seen & {*paths}, volume.id
        seen |= {*paths}


@pytest.mark.parametrize("name", ZOO)
def test_the_figure_goes_from_the_inputs_to_the_output(name: str) -> None:
    graph = zoo(name)
    volumes = drawn(graph)
    assert {v.name for v in volumes if v.look == "input"} == {i.name for i in graph.inputs}
    assert any(v.shape == graph.main.shape for v in volumes)


@pytest.mark.parametrize("name", ZOO)
def test_the_numbers_written_are_the_shapes(name: str) -> None:
    graph = zoo(name)
    piece, _ = fitted(graph, Options())
    for block in piece.things:
        if not hasattr(block, "labels"):
            continue
        words = " ".join(label.text for label in block.labels if label.kind == "size")
        numbers = sorted(map(int, re.findall(r"\d+", words)))
        assert numbers == sorted(block.volume.share)
        if block.volume.lanes > 1:
            assert block.volume.share[0] * block.volume.lanes == block.volume.shape[0]


def test_alexnet_is_figure_2() -> None:
    """Krizhevsky, Sutskever & Hinton 2012, figure 2: what one of the two GPUs holds."""
    published = [(48, 55, 55), (128, 27, 27), (192, 13, 13), (192, 13, 13), (128, 13, 13)]
    for name in ("alexnet", "alexnet_columns"):
        series = [v for v in shown(zoo(name)) if isinstance(v, Volume)]
        maps = [v for v in series if v.look == "convolution"]
        assert [v.share for v in maps] == published
        assert [v.lanes for v in maps] == [2] * 5
        assert [v.own for v in maps] == [False, True, False, True, True]  # conv3 crosses over
        windows = [v.window for v in maps]
        assert [w and (*w.kernel, w.stride[0]) for w in windows] == [
            (11, 11, 4),
            (5, 5, 1),
            *[(3, 3, 1)] * 3,
        ]
        dense = [v for v in series if v.look == "linear"]
        assert [(v.share, v.lanes, v.own) for v in dense] == [
            ((2048,), 2, False),
            ((2048,), 2, False),
            ((1000,), 1, False),
        ]


def test_other_lanes() -> None:
    three = shown(parse("input 3x8x8; conv 3x3 6; conv 3x3 6 groups=3; fc 6; fc 4"))
    assert [v.lanes for v in volumes_of(three)] == [1, 3, 3, 3, 1]
    mixed = shown(parse("input 3x8x8; conv 3x3 6; conv 3x3 6 groups=3; conv 3x3 6 groups=2; fc 2"))
    assert {v.lanes for v in volumes_of(mixed)} == {1}
    assert [v.call[-1] for v in volumes_of(mixed) if v.groups > 1] == ["groups 3", "groups 2"]
    depthwise = shown(parse("input 3x8x8; conv 3x3 2; dwconv 3x3; fc 2"))
    assert all(v.lanes in (1, 2) for v in volumes_of(depthwise))


def test_lenet_is_figure_2() -> None:
    """LeCun et al. 1998, figure 2, from C1 to F6."""
    series = [v for v in shown(zoo("lenet")) if isinstance(v, Volume)]
    maps = [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5)]
    assert [v.shape for v in series] == [(1, 32, 32), *maps, (120,), (84,), (10,)]


def test_the_sparse_layer_of_lenet_is_one_volume_with_its_window() -> None:
    (c3,) = (v for v in drawn(zoo("lenet5_original")) if v.shape == (16, 10, 10))
    assert c3.window is not None and c3.window.kernel == (5, 5)
    assert c3.call == ("conv", "5×5")


def test_a_network_of_one_long_scope_is_drawn_by_the_scopes_in_it() -> None:
    dense = [v for v in drawn(zoo("densenet121")) if "denseblock" in v.call]
    assert [v.shape for v in dense] == [
        *[(256, 56, 56), (512, 28, 28), (1024, 14, 14), (1024, 7, 7)]  # the paper's table 1
    ]
    inverted = [v for v in drawn(zoo("efficientnet_b0")) if v.call[:1] == ("mbconv",)]
    stages = [(v.shape[0], v.shape[1], v.copies) for v in inverted]
    assert stages == [  # the paper's table 1
        *[(16, 112, 1), (24, 56, 2), (40, 28, 2), (80, 14, 3)],
        *[(112, 14, 3), (192, 7, 4), (320, 7, 1)],
    ]
    assert not {v.name for v in inverted if v.name.isdecimal()}


def test_vgg_is_a_funnel_with_numbers() -> None:
    blocks = [v for v in drawn(zoo("vgg16")) if v.look == "convolution"]
    assert [(v.shape[0], v.shape[1], v.copies) for v in blocks] == [
        *[(64, 224, 2), (128, 112, 2), (256, 56, 3), (512, 28, 3), (512, 14, 3)]
    ]
    assert all(len(v.bands) == v.copies for v in blocks)


@pytest.mark.parametrize(
    ("name", "copies"),
    [("resnet50", [3, 4, 6, 3]), ("resnet101", [3, 4, 23, 3]), ("resnet152", [3, 8, 36, 3])],
)
def test_stages_of_residual_nets(name: str, copies: list[int]) -> None:
    """He et al. 2015, table 1."""
    stages = [v for v in drawn(zoo(name)) if v.shortcut]
    assert [v.copies for v in stages] == copies
    assert [v.shape[1] for v in stages] == [56, 28, 14, 7]


def test_shortcuts_that_project_are_told_from_identities() -> None:
    """He et al. 2015, figure 3: dotted shortcuts increase dimensions."""
    for name in ("resnet18", "resnet18_a"):
        ways = [v.shortcut for v in drawn(zoo(name)) if v.shortcut]
        assert ways == ["bare"] * 2 + ["projection", "bare"] * 3


def test_plain_nets_have_no_shortcuts() -> None:
    assert not any(v.shortcut for v in drawn(zoo("plain34")))


def test_inception_modules_have_a_band_for_each_branch() -> None:
    """Szegedy et al. 2014, table 1: #1x1, #3x3, #5x5, pool proj."""
    modules = {v.name: v.shares for v in drawn(zoo("googlenet")) if v.shares}
    assert len(modules) == 9
    assert modules["inception3a"] == (64, 128, 32, 32)
    assert modules["inception5b"] == (384, 384, 128, 128)


def test_auxiliary_heads_hang_where_they_start() -> None:
    hanging = {
        v.name: [s[-1].id for s in v.hanging if isinstance(s[-1], Volume)]
        for v in shown(zoo("googlenet"), 2)
        if isinstance(v, Volume) and v.hanging
    }
    assert hanging == {"inception4a": ["aux1"], "inception4d": ["aux2"]}


def test_what_other_outputs_give_has_their_names() -> None:
    spec = "input 3x32x32; conv 3x3 8; output boxes { conv 3x3 8; conv 1x1 4 }"
    spec += "; output kinds { gap; scores: fc 3 }; conv 3x3 4"
    names = {v.id: v.name for v in drawn(parse(spec)) if v.name}
    assert names == {"input/input": "input", "boxes.conv2": "boxes", "kinds.scores": "scores"}


def test_a_vision_transformer() -> None:
    """Dosovitskiy et al. 2020: 14x14 patches, a token more, twelve encoders."""
    volumes = drawn(zoo("vit_base_patch16_224"))
    shapes = [(v.shape, v.copies) for v in volumes]
    assert shapes == [
        *[((3, 224, 224), 1), ((196, 768), 1), ((197, 768), 1)],
        *[((197, 768), 12), ((768,), 1), ((1000,), 1)],
    ]
    assert volumes[3].bands == ("attention", "linear", "linear")


def test_a_stage_that_is_a_repetition_tells_its_copies() -> None:
    encoder = "residual { ln; attention 4 }; residual { ln; fc 256; gelu; fc 64 }"
    volumes = drawn(parse(f"input 128x64; stage: {{ {{ {encoder} }} x36 }}; ln; fc 1000"))
    (stage,) = [v for v in volumes if v.name == "stage"]
    assert stage.copies == 36
    assert stage.bands == ("attention", "linear", "linear")
    assert len(stage.paths) == 36 * 8 + 1  # the normalization behind belongs to it too
    spec = f"input 128x64; stage: {{ {{ {encoder} }} x36; fc 32; fc 64 }}; ln; fc 1000"
    assert [v.copies for v in drawn(parse(spec)) if v.name == "stage"] == [1]


def test_a_u_is_below_its_skips() -> None:
    series = shown(zoo("unet"), 3)
    depth = 0
    while forks := [i for i in series if isinstance(i, Fork)]:
        assert forks[0].below and not forks[0].branches[0]
        series, depth = forks[0].branches[-1], depth + 1
    assert depth == 4
    # What is joined: the skip's half and the half that comes up, of as many channels.
    joins = [v for v in volumes_of(shown(zoo("unet"), 3)) if v.shares]
    assert [v.shares for v in joins] == [(512, 512), (256, 256), (128, 128), (64, 64)]


def test_two_inputs_come_in_one_above_the_other() -> None:
    fork = shown(zoo("siamese"))[0]
    assert isinstance(fork, Fork) and fork.starts and fork.symbol == "−"
    first, second = fork.branches
    assert [v.shape for v in volumes_of(first)] == [v.shape for v in volumes_of(second)]
    assert not any(v.shared for v in volumes_of(first))
    assert all(v.shared for v in volumes_of(second) if v.look in ("convolution", "linear"))


def test_what_keeps_the_shape_belongs_to_the_volume_before() -> None:
    volumes = list(volumes_of(shown(parse("input 3x8x8; conv 3x3 4; bn; relu; dropout; fc 2"))))
    assert [v.paths for v in volumes] == [["input"], ["conv1", "bn1", "relu1", "dropout1"], ["fc1"]]


def test_an_output_of_another_shape_is_shown() -> None:
    volumes = list(volumes_of(shown(parse("input 3x8x8; conv 3x3 4; flatten"))))
    assert volumes[-1].shape == (256,)


# Structure


def test_ways_that_share_layers_stay_one_region() -> None:
    spec = """
        input 3x8x8; a: conv 3x3 4; b: conv 3x3 4; c: conv 3x3 4
        concat { | @a }; d: conv 3x3 4; concat { | @b }; conv 3x3 4
        """
    regions = [p for p in structure(parse(spec)).main.parts if isinstance(p, Region)]
    assert len(regions) == 1 and not regions[0].branches
    assert drawn(parse(spec))


def test_every_layer_is_in_the_structure_once() -> None:
    from archdsl.backends.volumes.structure import Flow, nodes_of

    for name in ("unet", "googlenet", "feature_pyramid", "detector", "siamese"):
        graph = zoo(name)
        found = structure(graph)

        def paths(flow: Flow) -> list[str]:
            return [n.path for p in flow.parts for n in nodes_of(p)]

        every = paths(found.main) + [p for f in found.hanging.values() for x in f for p in paths(x)]
        assert sorted(every) == sorted(graph.by_path)


# Folding


@pytest.mark.parametrize("layers", [200, 10_000])
def test_long_nets_are_folded(layers: int) -> None:
    spec = f"input 3x32x32; conv 3x3 16; {{ conv 3x3; relu }} x{layers}; gap; fc 10"
    volumes = drawn(parse(spec))
    assert [v.copies for v in volumes] == [1, layers + 1, 1, 1]


def test_what_cannot_be_folded_is_refused_with_a_way_out() -> None:
    graph = parse("input 3x8x8; { conv 3x3 (i+1) } x100 as i")
    with pytest.raises(BuildError) as error:
        scene(graph)
    help = error.value.diagnostics[0].help
    assert error.value.diagnostics[0].code == "A710" and "--style graph" in help
    width = re.search(r"--width ([\d.]+)cm", help)
    assert width is not None
    assert scene(graph, Options(width=float(width[1]) * 72 / 2.54 + 1))
    with pytest.raises(BuildError):
        scene(parse("input 3x8x8; { conv 3x3 (i+1) } x400 as i"))


def test_a_narrow_page_folds_more_and_turns() -> None:
    wide, narrow = drawn(zoo("resnet18")), drawn(zoo("resnet18"), Options(width=227))
    assert len(narrow) <= len(wide)
    with pytest.raises(BuildError) as error:
        scene(zoo("unet"), Options(width=100))
    assert "--width" in error.value.diagnostics[0].help


def test_depth_says_how_far() -> None:
    names = [v.name for v in drawn(zoo("resnet18"), Options(depth=1)) if v.name]
    assert names == ["input", "layer1", "layer2", "layer3", "layer4"]
    layers = drawn(zoo("resnet18"), Options(depth="all", width=1000))
    assert sum(v.look == "convolution" for v in layers) == 20  # three of them in shortcuts
    assert all(v.copies == 1 for v in layers)


# What is asked for


def test_marks_are_written() -> None:
    options = Options(label_with=("params", "macs", "memory", "field", "path"))
    notes = {v.id: v.notes for v in drawn(zoo("alexnet"), options)}
    # 96 kernels of 3x11x11 and biases; 55x55 positions each; 96x55x55 values of 4 bytes
    assert notes["conv1"] == ("34.9k params", "105M MACs", "1.16 MB", "field 11/4", "conv1")
    assert notes["fc1"][-2] == "field all"


def test_what_stands_out() -> None:
    volumes = drawn(zoo("resnet50"), Options(highlight=("layer3", "fc")))
    assert [v.id for v in volumes if v.highlighted] == ["layer3.0", "fc"]
    with pytest.raises(SpecError):
        scene(zoo("resnet50"), Options(highlight=("layr3",)))
