"""Paths: they are the state_dict's keys, so every rule of naming is held here."""

from __future__ import annotations

import pytest
from texts import diagnostics, errors, graph, paths

from archdsl.elaborate.names import MODULE_ATTRIBUTES

IN = "input 4x8x8\n"
UNIT = "block unit { conv 3x3; bn }\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # the layer's word and its ordinal, or the label
        ("conv 3x3; bn; relu; conv 3x3; relu", "conv1 bn1 relu1 conv2 relu2"),
        ("stem: conv 3x3; conv 3x3", "stem conv2"),
        ("gap; linear 3; fc 4", "gap1 fc1 fc2"),
        # numbered: a sequence, a labelled group, a labelled repetition
        ("features: sequence { conv 3x3; relu }; relu", "features.0 features.1 relu1"),
        ("features: { conv 3x3; relu }; relu", "features.0 features.1 relu1"),
        ("sequence { relu }; sequence { relu }", "sequence1.0 sequence2.0"),
        ("layer: conv 3x3 x3", "layer.0 layer.1 layer.2"),
        ("layer: { conv 3x3; relu } x2", "layer.0 layer.1 layer.2 layer.3"),
        ("f: { { relu; bn } x2; gelu }", "f.0 f.1 f.2 f.3 f.4"),
        ("f: { { relu }; { { bn } } }", "f.0 f.1"),
        ("f: { a: { relu; bn }; gelu }", "f.a.0 f.a.1 f.1"),
        ("f: { sequence { relu }; gelu }", "f.0.0 f.1"),
        ("f: { relu; mid: bn; gelu }", "f.0 f.mid f.2"),
        ("a: relu x0; relu", "relu1"),
        # transparent: an unlabelled group, a combinator, a repetition
        ("{ relu; bn }; relu", "relu1 bn1 relu2"),
        ("relu x3", "relu1 relu2 relu3"),
        ("{ relu; bn } x2", "relu1 bn1 relu2 bn2"),
        ("residual { relu; bn }; relu", "relu1 bn1 add1 relu2"),
        ("concat { relu | bn | relu }", "relu1 bn1 relu2 concat1"),
        ("if true { relu } else { bn }; relu", "relu1 relu2"),
        # a join is no module: it takes no number
        ("f: { residual { relu }; bn }", "f.0 f.add1 f.1"),
        ("f: { add { relu | bn }; bn }", "f.0 f.1 f.add1 f.2"),
        ("sum: residual { relu }; residual { relu }", "relu1 sum relu2 add2"),
        ("split { relu | bn }", "part1 relu1 part2 bn1 concat1"),
        # a block's call is a level of its own
        ("unit; unit", "unit1.conv1 unit1.bn1 unit2.conv1 unit2.bn1"),
        ("stem: unit; unit", "stem.conv1 stem.bn1 unit2.conv1 unit2.bn1"),
        ("unit x2", "unit1.conv1 unit1.bn1 unit2.conv1 unit2.bn1"),
        ("layer: unit x2", "layer.0.conv1 layer.0.bn1 layer.1.conv1 layer.1.bn1"),
        ("layer: { unit; unit }", "layer.0.conv1 layer.0.bn1 layer.1.conv1 layer.1.bn1"),
        # any identifier is a label, a keyword too
        ("block: relu; x3: relu; residual: relu; true: relu", "block x3 residual true"),
    ],
)  # fmt: skip
def test_paths(text: str, expected: str) -> None:
    assert paths(UNIT + IN + text) == expected.split()


def test_a_word_that_ends_in_a_digit_is_told_from_its_number() -> None:
    found = paths("input 3x8x8; relu6; { conv 1x1 3; relu } x61; relu6")
    assert found[0] == "relu6_1" and found[-1] == "relu6_2" and "relu61" in found


def test_a_label_inside_a_block() -> None:
    text = "block unit c { residual { conv 3x3 c | downsample: { conv 1x1 c; bn } } }\n"
    found = paths(f"{text}{IN}layer: {{ unit 4; unit 6 }}")
    assert found == [
        "layer.0.conv1",
        "layer.0.add1",
        "layer.1.conv1",
        "layer.1.downsample.0",
        "layer.1.downsample.1",
        "layer.1.add1",
    ]


def test_blocks_inside_blocks() -> None:
    text = "block inner { relu }\nblock outer { inner; body: inner; relu }\n"
    found = paths(f"{text}{IN}outer; outer")
    one = ["inner1.relu1", "body.relu1", "relu1"]
    assert found == [f"{outer}.{path}" for outer in ("outer1", "outer2") for path in one]


def test_scopes_are_the_levels_of_the_paths() -> None:
    scopes = graph(f"{UNIT}{IN}layer: {{ unit; relu }}\nsequence {{ relu }}").scopes
    assert [(s.path, s.kind, s.definition, s.parent) for s in scopes] == [
        ("", "network", "spec", None),
        ("layer", "sequence", "", ""),
        ("layer.0", "block", "unit", "layer"),
        ("sequence2", "sequence", "", ""),
    ]


def test_a_node_knows_its_scope() -> None:
    nodes = graph(f"{UNIT}{IN}layer: {{ unit; residual {{ relu }} }}").nodes
    assert [(n.path, n.scope) for n in nodes] == [
        ("layer.0.conv1", "layer.0"),
        ("layer.0.bn1", "layer.0"),
        ("layer.1", "layer"),
        ("layer.add1", "layer"),
    ]


def test_torchvisions_keys() -> None:
    """VGG-16's modules with weights, as torchvision numbers them."""
    from archdsl import zoo

    found = [n.path for n in zoo("vgg16").graph.nodes if n.weights]
    features = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    assert found == [*(f"features.{i}" for i in features), *(f"classifier.{i}" for i in (0, 3, 6))]


# Names that cannot be


@pytest.mark.parametrize(
    "text",
    [
        "a: relu; a: relu",
        "relu2: relu; relu",
        "add1: relu; residual { relu }",
        "{ a: relu } x2",
        "f: { a: relu } x2",
        "a: { relu }; a: { relu }",
        "input: relu",
        "unit2: unit; unit",
    ],
)
def test_two_layers_with_one_path(text: str) -> None:
    (found,) = diagnostics(UNIT + IN + text)
    assert found.code == "A303"
    assert found.notes
    assert "another label" in found.help


@pytest.mark.parametrize("word", ["forward", "training", "weight_", "lambda", "None", "_modules"])
def test_what_a_module_cannot_be_called(word: str) -> None:
    expected = [] if word == "weight_" else [f"A304 at {word}"]
    assert errors(f"{IN}{word}: relu") == expected
    assert [e[:4] for e in errors(f"input {word} 4x8x8\nrelu")] == [e[:4] for e in expected]


def test_no_attribute_of_a_module_is_left_out() -> None:
    import torch

    own = {name for name in dir(torch.nn.Module()) if not name.startswith("_")}
    assert own <= MODULE_ATTRIBUTES
    for name in sorted(MODULE_ATTRIBUTES):
        assert errors(f"{IN}{name}: relu") == [f"A304 at {name}"]
