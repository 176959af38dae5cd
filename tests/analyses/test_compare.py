"""Networks side by side: the figures, the depths of the papers, and the aligned layers."""

from __future__ import annotations

import json

import pytest

import archdsl
from archdsl.analyses import side_by_side
from archdsl.analyses.compare import Comparison
from archdsl.analyses.compare import compare as side_by_side_of
from archdsl.analyses.depth import depth
from archdsl.analyses.difference import Difference

BODY = "conv 3x3 8; bn; relu\nconv 3x3 16; bn; relu\nmaxpool 2x2\ngap; fc 10\n"


def difference(first: str, second: str, given: str = "input 3x8x8\n") -> Difference:
    nets = archdsl.parse(given + first, file="a.arch"), archdsl.parse(given + second, file="b.arch")
    found = archdsl.compare(*nets).difference
    assert found is not None
    return found


def told(found: Difference, width: int = 100) -> list[str]:
    return [text for _, text in side_by_side.diff(found, width)]


# Figures


@pytest.mark.parametrize(
    ("network", "layers"),
    [
        ("alexnet", 8),  # Krizhevsky et al. 2012: eight learned layers
        ("vgg11", 11),
        ("vgg16", 16),  # the paper's names count weight layers
        ("vgg19_bn", 19),
        ("googlenet", 22),  # Szegedy et al. 2014: 22 layers with parameters
        ("googlenet_torchvision", 22),
        ("resnet18", 18),
        ("resnet50", 50),
        ("resnet152", 152),
        ("plain34", 34),
        ("resnet34_a", 34),
        ("resnet110", 110),
        ("preact164", 164),  # He et al. 2016
        ("wrn_28_10", 26),  # 6n + 4, Zagoruyko & Komodakis 2016, less three shortcuts
        ("vit_base_patch16_224", 1 + 12 * 3 + 1),  # patches, attention and two layers a block, head
        ("linear_classifier", 1),
        ("mlp", 3),
    ],
)
def test_depth_is_the_number_in_the_name(network: str, layers: int) -> None:
    assert depth(archdsl.zoo(network).graph) == layers


def test_depth_is_the_same_to_compare_and_to_expect() -> None:
    """A second output may lie deeper than the main one; an auxiliary head does not count."""
    spec = "input 8; aux deep { fc 4; fc 4; fc 4; fc 4 }; output other { fc 4; fc 4 }; fc 3"
    net = archdsl.parse(f"{spec}\nexpect depth == 2, depth(fc1) == 1")
    assert archdsl.compare(net).networks[0].depth == 2


def test_the_figures_are_those_of_the_other_analyses() -> None:
    nets = archdsl.zoo("vgg16"), archdsl.zoo("resnet50")
    found = archdsl.compare(*nets)
    for net, figures in zip(nets, found.networks, strict=True):
        summary = net.summary()
        assert (figures.params, figures.macs) == (summary.params, summary.macs)
        assert figures.buffers == summary.buffers
    vgg, resnet = found.networks
    assert (vgg.params, resnet.params) == (138_357_544, 25_557_032)
    assert vgg.field is not None and vgg.field.size == (212, 212)
    assert vgg.inference > 4 * vgg.params
    assert vgg.training > 4 * 4 * vgg.params  # weights, gradients, two moments of AdamW


def test_memory_grows_with_the_batch() -> None:
    nets = archdsl.zoo("resnet18"), archdsl.zoo("plain18")
    one, many = archdsl.compare(*nets), archdsl.compare(*nets, batch=32)
    assert many.networks[0].training > 3 * one.networks[0].training
    assert "memory, training, batch 32" in str(many)


def test_what_no_comparison_is() -> None:
    with pytest.raises(ValueError, match="no network"):
        archdsl.compare()
    with pytest.raises(ValueError, match="not 0"):
        archdsl.compare(archdsl.zoo("tiny"), batch=0)


def test_several_networks_have_no_diff_and_one_is_a_table() -> None:
    assert archdsl.compare(*map(archdsl.zoo, ("tiny", "mlp", "tiny"))).difference is None
    assert "252" in str(archdsl.compare(archdsl.zoo("tiny")))


def test_json_is_plain_and_whole() -> None:
    found = archdsl.compare(archdsl.zoo("vgg16"), archdsl.zoo("vgg19"))
    data = json.loads(found.to_json())
    assert data == json.loads(json.dumps(found.to_dict()))
    assert [n["network"] for n in data["networks"]] == ["vgg16", "vgg19"]
    assert data["networks"][1]["field"]["size"] == [268, 268]
    steps = data["difference"]["steps"]
    assert sum(s["second"]["params"] for s in steps if s["second"]) == 143_667_240
    assert sum(s["first"]["params"] for s in steps if s["first"]) == 138_357_544


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
def test_the_width_is_heeded(width: int) -> None:
    names = ("vgg11", "vgg16", "resnet18", "resnet50", "alexnet")
    found = archdsl.compare(*map(archdsl.zoo, names))
    lines = side_by_side.table(found, width)
    shown = " ".join(lines).split()
    for figures in found.networks:
        assert f"{figures.params:,}" in shown
        assert figures.name in shown
    one = max(len(line) for line in side_by_side.table(found, 1))
    assert max(map(len, lines)) <= max(width, one)
    pair = archdsl.compare(*map(archdsl.zoo, ("resnet18", "resnet50"))).difference
    assert pair is not None
    assert max(map(len, told(pair, width))) <= width


def test_same_is_exact() -> None:
    text = str(archdsl.compare(*map(archdsl.zoo, ("vgg11", "vgg11_bn"))))
    rows = {line[:20].strip(): line.split() for line in text.splitlines()}
    assert rows["MACs"][-1] == "same"
    assert rows["parameters"][-1] == "1.00x"


def test_markdown() -> None:
    lines = archdsl.compare(*map(archdsl.zoo, ("vgg11", "vgg13"))).to_markdown().splitlines()
    assert lines[0] == "| | `vgg11` | `vgg13` |"
    assert "| parameters | 132,863,336 | 133,047,848 (1.00x) |" in lines
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1
    assert lines[-1] == "```"


# Names


def names(found: Comparison) -> list[str]:
    return [figures.name for figures in found.networks]


def test_networks_of_one_name_are_told_apart() -> None:
    nets = [archdsl.parse(f"input 4\nfc {n}", file="net.arch") for n in (1, 2)]
    assert names(archdsl.compare(*nets)) == ["net.arch:net (1)", "net.arch:net (2)"]


def test_odd_names_are_inert() -> None:
    graph = archdsl.parse("input 4\nfc 1").graph
    found = side_by_side_of(graph, graph, names=["a|b`\x1b[31m", "ünï/cödé (1)"])
    for text in (str(found), found.to_markdown()):
        assert "\x1b" not in text
        assert "ünï/cödé (1)" in text
    assert found.to_markdown().startswith(r"| | `a\|b'·[31m` |")


# Structure


def test_equal_networks_are_alike() -> None:
    found = difference(BODY, BODY)
    assert found.same
    assert told(found)[-1] == "The layers are alike."
    assert found.count("alike") == 9


def test_a_group_of_its_own_changes_paths_only() -> None:
    found = difference(BODY, "body: {\n" + BODY + "}\n")
    assert found.same
    assert found.renamed == 9
    assert told(found)[-1] == "The layers are alike (9 under another path)."


def test_a_changed_argument() -> None:
    found = difference(BODY, BODY.replace("conv 3x3 16", "conv 5x5 16"))
    (step,) = (s for s in found.steps if s.kind != "alike")
    assert [str(c) for c in step.changes] == ["kernel 3 -> 5", "params 1,168 -> 3,216"]
    assert "~ conv2  conv 3x3 16: kernel 3 -> 5; params 1,168 -> 3,216" in told(found)


def test_another_input_changes_the_shapes() -> None:
    nets = [archdsl.parse(f"input 3x{n}x{n}\n{BODY}") for n in (8, 16)]
    found = archdsl.compare(*nets).difference
    assert found is not None
    assert [str(c) for c in found.steps[0].changes] == ["shape 3x8x8 -> 3x16x16"]
    assert found.count("first") == found.count("second") == 0
    assert found.count("alike") == 2, "the pooled vector and the last layer"


def test_a_layer_more_and_a_layer_less() -> None:
    found = difference(BODY, BODY.replace("maxpool 2x2", "dropout"))
    steps = [s for s in found.steps if s.kind != "alike"]
    rows = [(s.kind, row.path) for s in steps if (row := s.first or s.second)]
    assert rows == [("first", "maxpool1"), ("second", "dropout1")]


def test_another_activation_is_a_change() -> None:
    found = difference("conv 3x3 4; act: relu; gap", "conv 3x3 4; act: gelu; gap")
    (step,) = (s for s in found.steps if s.kind != "alike")
    assert [str(c) for c in step.changes] == ["layer relu -> gelu"]


def test_the_wiring_is_compared() -> None:
    """Layers alike, in the same order, that read other tensors."""
    first = "a: conv 3x3; b: conv 3x3; c: conv 3x3; add { @a | @b }"
    found = difference(first, first.replace("@a", "@c"))
    changes = [str(c) for s in found.steps for c in s.changes]
    assert changes == ["reads a -> c"]
    found = difference(first, first.replace("@b", "@b | @c"))
    assert [str(c) for s in found.steps for c in s.changes] == ["inputs 2 -> 3"]


def test_weights_of_another_layer_are_a_change() -> None:
    found = difference("a: conv 3x3 3; conv 3x3", "a: conv 3x3 3; reuse a")
    changes = [str(c) for s in found.steps for c in s.changes]
    assert changes == ["weights of its own -> a", "params 84 -> 0"]


def test_a_head_in_training_only_is_a_change() -> None:
    nets = [
        archdsl.parse(f"input 3x8x8\n{kind} side {{ gap; fc 2 }}\nconv 3x3 4; gap; fc 2")
        for kind in ("aux", "output")
    ]
    found = archdsl.compare(*nets).difference
    assert found is not None
    assert {str(c) for s in found.steps for c in s.changes} == {
        "is there in training only -> always"
    }


def test_residual_against_plain_adds_joins_alone() -> None:
    found = archdsl.compare(*map(archdsl.zoo, ("plain34", "resnet34_a")))
    plain, residual = found.networks
    assert plain.params == residual.params == 21_623_848
    assert found.difference is not None
    steps = [s for s in found.difference.steps if s.kind != "alike"]
    assert {s.kind for s in steps} == {"second"}
    assert len(steps) == 16 + 3 * 2  # a sum a block; where the shape changes, two free layers
    assert sum(s.second.params for s in steps if s.second) == 0


def test_copies_are_told_in_one_line() -> None:
    found = archdsl.compare(*map(archdsl.zoo, ("resnet50", "resnet101"))).difference
    assert found is not None
    lines = told(found)
    assert "+ … the same 10 lines, 16 times more, to layer3.22.relu3" in lines
    assert lines[-1] == "Layers: 174 alike, 170 only in resnet101."
    assert len(lines) < 20


def test_what_is_alike_is_folded() -> None:
    assert told(difference(BODY, BODY + "; sigmoid")) == [
        "--- a",
        "+++ b",
        "  … 9 layers alike",
        "  fc1       fc 10    10  170",
        "+ sigmoid1  sigmoid  10    -",
        "Layers: 9 alike, 1 only in b.",
    ]


@pytest.mark.parametrize(
    ("first", "second"), [("mlp", "resnet18"), ("vit_tiny_patch16_224", "lenet"), ("unet", "mlp")]
)
def test_networks_of_different_kinds(first: str, second: str) -> None:
    nets = archdsl.zoo(first), archdsl.zoo(second)
    found = archdsl.compare(*nets).difference
    assert found is not None
    layers = [len(net.graph.nodes) for net in nets]
    both = found.count("alike") + found.count("changed")
    assert both + found.count("first") == layers[0]
    assert both + found.count("second") == layers[1]


def test_the_rows_keep_their_order_where_one_has_nothing_to_say() -> None:
    nets = [archdsl.parse(f"input 3x8x8\n{text}") for text in ("flatten", "maxpool 2x2")]
    titles = [line.split("  ")[0] for line in str(archdsl.compare(*nets)).splitlines()]
    assert titles[1:4] == ["memory, inference", "memory, training", "field/stride"]


def test_nothing_is_not_told_to_be_the_same() -> None:
    """Only the third network has buffers: neither of the first two has a ratio."""
    texts = ("fc 3", "fc 4", "bn")
    found = archdsl.compare(*(archdsl.parse(f"input 8\n{text}") for text in texts))
    (row,) = (line for line in str(found).splitlines() if line.startswith("buffers"))
    assert row.split() == ["buffers", "-", "-", "17"]


def test_the_layers_under_another_path_are_some_of_those_alike() -> None:
    found = difference("a: conv 3x3 3; x: gap", "b: conv 3x3 4; y: gap")
    assert told(found)[-1] == "Layers: 0 alike, 2 changed."
