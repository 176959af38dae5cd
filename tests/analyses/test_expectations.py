"""What specs expect: each quantity against independent figures, and when an expectation counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import archdsl
from archdsl.analyses.expectations import QUANTITIES, failures
from archdsl.errors import ArchError, SpecError
from archdsl.ir import Graph
from archdsl.ir.graph import Expectation
from archdsl.network import Network
from archdsl.pipeline import load_all, zoo_names

ROOT = Path(__file__).parents[2]

# Two stages, a branch with fewer kernels than the other, and a head.
SPEC = """
param width = 8
block unit { residual { conv 3x3; bn; relu; conv 3x3 | conv 1x1 }; relu }
input 3x32x48
stem: conv 3x3 width stride=2
layer1: { unit x2 }
layer2: { maxpool 2x2; unit }
gap
head: fc 10
"""
UNIT = 2 * (8 * 8 * 9 + 8) + 2 * 8  # two convolutions with biases, a gain and a shift


def unmet(text: str, **parameters: Any) -> list[str]:
    """What is told of a spec's expectations."""
    try:
        archdsl.parse(text, **parameters)
    except SpecError as error:
        return [d.label for d in error.diagnostics]
    return []


# Quantities


HOLDS = [
    # by hand
    f"params == {3 * 9 * 8 + 8 + 3 * UNIT + 8 * 10 + 10}",
    f"params(layer1) == {2 * UNIT}",
    f"params(layer1.0) == {UNIT}",
    f'params("layer1.1") == {UNIT}',
    "params(layer1.0.bn1) == 16",
    "params(layer1.0.add1) == 0",
    f"buffers == {3 * 17}",
    "buffers(layer2) == 17",
    f"macs(stem) == {3 * 9 * 8 * 16 * 24}",
    f"macs(layer2) == {2 * 8 * 8 * 9 * 8 * 12}",
    f"flops(head) == {2 * 80}",
    "depth == 8",  # stem, 3 x 2, head: the longer branch counts, normalisation does not
    "depth(stem) == 1",
    "depth(layer1) == 5",
    "depth(layer2.0) == 5",
    "depth(gap1) == 7",
    "shape == 10",
    "shape(input) == 3x32x48",
    "shape(layer2) == 8x8x12",
    "shape(layer2) != 8x8x8",
    "shape(layer1) == [width, 16, 24]",
    "shape(gap1) == width",
    # 3, then 4 times 2 more of stride 2, then a pool of 1*2 more, then 2 times 2 of stride 4
    "field(stem) == 3",
    "field(layer1) == 19",
    "field(layer2) == 19 + 2 + 16",
    "field(layer2) == 37x37",
    "stride(layer2) == 4x4",
    "padding(stem) == 1",
    "padding(layer1) == 9",
    "memory <= 1e6",
    "training_memory <= 1e6",
    # after gap, all of the input
    "field == 32x48",
    "field >= 32",
    "stride == 0",
    # relations, and the value first
    "params > 100, params >= 100, params < 1e5, params <= 1e5, params != 100",
    "100 < params, 100 <= params, 1e5 > params, 1e5 >= params, 100 != params",
    "2 * (3 + 4) // 7 <= depth(layer1)",
    "field(layer1) >= [19, 10], field != 32, field != 48, field(layer1) != 20",
]


@pytest.mark.parametrize("text", HOLDS)
def test_what_holds(text: str) -> None:
    assert unmet(f"{SPEC}expect {text}") == []


@pytest.mark.parametrize("text", [t for t in HOLDS if "," not in t and "[" not in t])
def test_the_opposite_does_not_hold(text: str) -> None:
    opposite = {"==": "!=", "!=": "==", ">=": "<", "<=": ">"}
    left, relation, right = text.partition(next(r for r in opposite if r in text))
    if text == "field >= 32":  # of two axes, one may be less and the other more
        right = " 33"
        left, relation = "field ", "<"
    assert unmet(f"{SPEC}expect {left}{opposite.get(relation, '>=')}{right}")


@pytest.mark.parametrize(
    "text",
    [
        # 55 weights; 10 values come in and 5 go out
        "memory == 4 * (55 + 15)",
        "memory(batch=3) == 4 * (55 + 3 * 15)",
        'memory(batch=3, dtype="fp16") == 2 * (55 + 3 * 15)',
        # SGD without momentum: weights, gradients, input, output, the loss's copy and gradient
        "training_memory(batch=100) == 4 * (55 + 55 + 100 * (10 + 3 * 5))",
    ],
)
def test_memory_by_hand(text: str) -> None:
    spec = f"input 10; fc 5; train {{ optimizer sgd }}; expect {text}"
    assert unmet(spec) == []


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("memory(fc1) < 5", "whole network"),
        ("memory(batch=0) < 5", "at least 1"),
        ("memory(batch=true) < 5", "at least 1"),
        ('memory(dtype="fp8") < 5', "one of"),
        ("memory(dtype=[1]) < 5", "a list of 1"),
        ("memory(batches=1) < 5", "no option"),
    ],
)
def test_memory_that_cannot_be_measured(text: str, label: str) -> None:
    (told,) = unmet(f"input 10; fc 5; expect {text}")
    assert label in told


def test_every_quantity_is_tried_above() -> None:
    assert {name for name in QUANTITIES if not any(t.startswith(name) for t in HOLDS)} == set()


@pytest.mark.parametrize(
    ("name", "layers"),
    [("lenet", 5), ("alexnet", 8), ("vgg16", 16), ("googlenet", 22), ("mobilenet_v1", 28)]
    + [(f"resnet{n}", n) for n in (18, 34, 50, 101, 152, 20, 110)]
    + [("plain34", 34), ("preact164", 164)],
)
def test_depth_is_what_the_papers_call_their_networks(name: str, layers: int) -> None:
    graph = archdsl.zoo(name).graph
    place = graph.inputs[0].place
    expected = Expectation(quantity="depth", relation="==", value=layers, place=place)
    assert failures(graph.model_copy(update={"expectations": (expected,)})) == []


def test_params_are_pytorchs() -> None:
    net = archdsl.parse(SPEC)
    model = net.to_torch()
    for path in ("stem", "layer1", "layer1.0", "layer2", "head"):
        module = model.get_submodule(path)
        assert isinstance(module, torch.nn.Module)
        params = sum(p.numel() for p in module.parameters())
        buffers = sum(b.numel() for b in module.buffers())
        told = unmet(f"{SPEC}expect params({path}) == {params}, buffers({path}) == {buffers}")
        assert told == []


def test_fractions_and_shared_weights() -> None:
    assert unmet("input 3x8x8; conv 3x3; upsample 2\nexpect stride == 0.5") == []
    told = unmet("input 3x8x8; upsample 2\nexpect stride == 1")
    assert told == ["1 expected, 1/2x1/2 found: 1/2 less"]
    shared = "input 4\nt: fc; relu; reuse t\n"
    assert unmet(f"{shared}expect params == 20, params(reuse1) == 0, macs == 32, depth == 2") == []


def test_auxiliary_heads_weigh_and_do_not_work() -> None:
    text = "input 4; fc\naux a { fc 2 }\nfc 3\n"
    assert unmet(f"{text}expect params == 20 + 10 + 15, macs == 16 + 12, depth == 2") == []


def test_a_field_without_axes() -> None:
    (told,) = unmet("input a 4\ninput b 3x8x8\n@a; fc; relu\nexpect field(fc1) == 3")
    assert told == "`fc1` has no positions on the input's axes"


# Where an expectation stands, and what it sees


def test_all_that_fail_are_told_in_one_run() -> None:
    told = unmet(f"{SPEC}expect params == 1, depth == 8, macs == 2\nexpect shape == 3")
    assert len(told) == 3


FAMILY = """
param classes = 10
block net width classes=classes { input 3x8x8; conv 3x3 width; gap; fc classes }
expect shape == classes
network small = net 4 {
  expect params == 28*width + (width + 1)*classes, shape(conv1) == [width, 8, 8]
}
network large = net 8 {
  if classes == 10 { expect params == 314 } else { let n = 224; expect params == n + 9*classes }
}
network own { input 4; fc 10; expect params == 50 }
"""


def test_a_family() -> None:
    """At the outermost level of all networks, in its braces of each."""
    for name in ("small", "large", "own"):
        assert unmet(FAMILY, name=name) == []
    with pytest.raises(ArchError) as error:
        archdsl.parse(FAMILY.replace("shape == classes", "shape == 11"), "own")
    assert "11 expected, 10 found: 1 less" in str(error.value)


def test_a_file_of_bare_statements_expects_of_these_alone() -> None:
    text = "input 3; fc 4\nexpect params == 16\nnetwork other { input 4; fc 2 }"
    assert unmet(text) == []
    assert unmet(text, name="other") == []
    assert unmet(text.replace("16", "17")) == ["17 expected, 16 found: 1 less"]


def test_what_stands_behind_the_call_of_a_network() -> None:
    """Nothing that would be part of the network; how it is trained may."""
    net = archdsl.parse(
        FAMILY.replace("small = net 4 {", "small = net 4 { train { epochs 3 };"), "small"
    )
    assert net.graph.training is not None
    for inside in (
        "relu",
        "if true { if false { relu } else { relu } }",
        "param p = 3",
        "block b { }",
    ):
        told = unmet(FAMILY.replace("small = net 4 {", f"small = net 4 {{ {inside};"), name="small")
        assert told == ["braces behind a call hold `expect`, `train`, `let` and `if`"]
    with pytest.raises(ArchError) as error:
        archdsl.parse(FAMILY.replace("small = net 4 {", "small = net 4 { | "), "small")
    assert "a network is one flow" in str(error.value)


def test_an_expectation_may_stand_in_braces_and_before_the_layers() -> None:
    text = "expect depth == 1\ninput 3x8x8\n{ conv 3x3; expect shape(conv1) == [channels, 8, 8] }"
    assert unmet(text) == []
    assert unmet(text.replace("1x1", "2x2").replace("depth == 1", "depth == 2"))


def test_a_parameter_called_like_a_quantity() -> None:
    """The parameter is what its name means everywhere; with parentheses the quantity is meant."""
    text = "param depth = 3\ninput 3; { fc } x depth\nexpect depth() == depth"
    assert unmet(text) == []
    assert unmet(text.replace("{ fc }", "{ fc; fc }")) == ["3 expected, 6 found: 3 more"]
    assert unmet(text.replace("depth()", "depth")) == ["neither side is a quantity of the network"]


def test_the_expectations_of_files(tmp_path: Path) -> None:
    """An imported file's own stay there; those of its blocks go with them, and point there."""
    blocks = "block net w { input 3; fc w\nexpect params <= 7 }\nexpect params == 0\n"
    (tmp_path / "blocks.arch").write_text(blocks)
    spec = tmp_path / "own.arch"
    spec.write_text('import "blocks.arch"\nnetwork a = net 1\nnetwork b = net 2\n')
    assert archdsl.load(spec, "a").name == "a"
    with pytest.raises(SpecError) as error:
        load_all(spec)
    (found,) = error.value.diagnostics
    assert (str(found.span), found.label) == (
        "blocks.arch:2:8",
        "at most 7 expected, 8 found: 1 more",
    )


def test_a_graph_without_its_text_is_checked_too() -> None:
    net = archdsl.parse("input 3; fc 4\nexpect params <= 16", "spec")
    again = Graph.from_json(net.graph.to_json())
    assert again == net.graph
    Network(again).check()
    (kept,) = again.expectations
    wrong = again.model_copy(update={"expectations": (kept.model_copy(update={"value": 15}),)})
    with pytest.raises(SpecError) as error:
        Network(wrong).check()
    assert "spec.arch:2:8: at most 15 expected, 16 found: 1 more" in str(error.value)


def test_there_is_a_limit() -> None:
    text = "input 3; fc 4\n" + "expect params == 16\n" * 1_000
    assert unmet(text) == []
    assert unmet(f"{text}expect params == 16") == ["a network may have 1,000 expectations"]


# Parameters that are set from outside


PARAMETERS = """
param width   = 8
param classes = 10
input 3
fc width
fc classes
expect params == 122, params != 121
expect params == 32 + 9*classes, shape == classes
expect params == 4*width + (width + 1)*classes
expect params <= 200
"""


@pytest.mark.parametrize(
    ("parameters", "checked"),
    [
        ({}, 6),
        ({"classes": 10}, 6),
        ({"classes": 10, "width": 8}, 6),
        ({"classes": 5}, 4),  # the two that compute with it, both sides of the bound
        ({"width": 4}, 2),
        ({"width": 4, "classes": 5}, 2),
    ],
)
def test_an_equality_is_about_the_specs_own_parameters(
    parameters: dict[str, Any], checked: int
) -> None:
    graph = archdsl.parse(PARAMETERS, **parameters).graph
    assert sum(e.checked for e in graph.expectations) == checked


def test_a_bound_holds_for_every_parameter() -> None:
    assert unmet(PARAMETERS, width=20) == ["at most 200 expected, 290 found: 90 more"]


def test_the_parameters_of_a_networks_block() -> None:
    """What the network's call gives is the spec's own value."""
    cases: list[tuple[dict[str, Any], bool]]
    cases = [({"width": 4}, True), ({"width": 5}, False), ({"classes": 3}, False)]
    for parameters, checked in cases:
        graph = archdsl.parse(
            FAMILY.replace("params == 28*width + (width + 1)*classes", "params == 162"),
            "small",
            **parameters,
        ).graph
        assert {e.checked for e in graph.expectations if e.quantity == "params"} == {checked}


def test_what_is_no_quantity_is_told_whatever_the_parameters() -> None:
    assert unmet(f"{PARAMETERS}expect parms == 3", width=9)


# The zoo


@pytest.mark.parametrize("path", sorted(set(zoo_names().values())), ids=lambda p: p.stem)
def test_the_zoo_states_its_size(path: Path) -> None:
    """Every network; load_all holds it against that."""
    for network in load_all(path):
        assert {e.quantity for e in network.graph.expectations} & {"params", "macs"}


def test_a_figure_of_the_zoo_that_is_wrong_is_told(tmp_path: Path) -> None:
    text = (ROOT / "specs" / "alexnet.arch").read_text().replace("60_965_224", "62_378_344", 1)
    assert unmet(text) == ["62,378,344 expected, 60,965,224 found: 1,413,120 less"]


# The documents


def test_the_reference_lists_every_quantity() -> None:
    page = (ROOT / "grammar" / "language.md").read_text()
    for name, quantity in QUANTITIES.items():
        assert f"| `{name}` | {quantity.about} |" in page
