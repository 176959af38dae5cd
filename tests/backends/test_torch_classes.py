"""What the generated classes look like: modules that some calls lack, names of tensors, runs."""

from __future__ import annotations

import ast
import copy
import pickle

import pytest
import torch
from support import load_weights, random_arrays, random_weights

import archdsl
from archdsl.network import Network

UNIT = """
block unit width stride=1 {
  residual {
    conv 3x3 width stride=stride; relu
  | shortcut: conv 1x1 width stride=stride
  }
}
"""


def classes(net: Network) -> dict[str, ast.ClassDef]:
    tree = ast.parse(net.torch_source())
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def arguments(node: ast.ClassDef) -> str:
    """The parameters of the constructor, as text."""
    init = next(n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
    return ast.unparse(init.args).removeprefix("self, ")


def steps(net: Network, name: str) -> list[str]:
    """The lines of `forward`."""
    forward = classes(net)[name].body[-1]
    assert isinstance(forward, ast.FunctionDef)
    return [ast.unparse(line) for line in forward.body]


# A module that some calls lack


def test_a_shortcut_is_an_option_of_one_class() -> None:
    net = archdsl.zoo("resnet50")
    assert list(classes(net)) == ["GlobalAvgPool", "Bottleneck", "Resnet50"]
    text = "in_channels: int, width: int, stride: int=1, downsample: bool=False"
    assert arguments(classes(net)["Bottleneck"]) == text
    assert steps(net, "Bottleneck")[-3:] == [
        "if self.downsample is not None:\n    x = self.downsample(x)",
        "x = x + y",
        "return self.relu3(x)",
    ]
    assert "Bottleneck(256, 128, stride=2, downsample=True)" in net.torch_source()


def test_it_is_a_module_like_any_other() -> None:
    net = archdsl.parse(f"{UNIT}input 4x8x8\nunit 4; unit 8 stride=2; unit 8; gap; fc 3")
    assert "shortcut is not None" in net.torch_source()
    model = load_weights(net.to_torch(), random_weights(net.graph))
    (x,) = (torch.from_numpy(a) for a in random_arrays((net.graph.inputs[0].shape,), 2))
    with torch.no_grad():
        expected = model(x)
        copies = [
            copy.deepcopy(model),
            pickle.loads(pickle.dumps(model)),
            torch.fx.symbolic_trace(model),
            torch.export.export(model, (x,)).module(),
            torch.compile(model, fullgraph=True, backend="eager"),
        ]
        for each in copies:
            torch.testing.assert_close(each(x), expected)


def test_the_keys_stand_where_the_module_does() -> None:
    net = archdsl.parse(UNIT + "input 4x8x8\nunit 4; unit 8; unit 8 stride=2; unit 8; unit 8")
    assert "Unit" in classes(net) and len(classes(net)) == 2
    assert list(net.to_torch().state_dict()) == list(net.graph.state())


def test_an_argument_of_the_block_that_decides_is_the_option() -> None:
    text = "block unit w gate=false { conv 3x3 w; if gate { gate: conv 1x1 }; relu }\n"
    net = archdsl.parse(f"{text}input 4x8x8\nunit 4; unit 6 gate=true; unit 6 gate=true; unit 8")
    assert arguments(classes(net)["Unit"]) == "in_channels: int, w: int, gate: bool=False"
    assert steps(net, "Unit")[1] == "if self.gate is not None:\n    x = self.gate(x)"


def test_how_an_optional_module_starts() -> None:
    net = archdsl.parse(
        f"init normal 3.0 bias=1\n{UNIT}input 4x8x8\nunit 4; unit 8; unit 8 stride=2; unit 8"
    )
    assert len(classes(net)) == 2
    state = net.to_torch().state_dict()
    assert all(torch.all(t == 1) for key, t in state.items() if key.endswith("bias"))
    assert all(t.std() > 2 for key, t in state.items() if key.endswith("weight"))


@pytest.mark.parametrize(
    "body",
    [
        "conv 3x3 w; if more { concat { | conv 1x1 } }",  # not in the place of its input
        "if more { mul { | conv 1x1; sigmoid } }; conv 3x3 w",
        "conv 3x3 w; if more { scale: scale } else { bn }",  # another in its place
    ],
)
def test_what_differs_by_more_than_a_module_is_another_class(body: str) -> None:
    net = archdsl.parse(
        f"block unit w more=false {{ {body} }}\ninput 4x8x8\nunit 4; unit 4 more=true"
    )
    assert len([name for name in classes(net) if name.startswith("Unit")]) == 2
    assert list(net.to_torch().state_dict()) == list(net.graph.state())


def test_classes_are_named_after_what_they_add() -> None:
    names = list(classes(archdsl.zoo("preact110")))
    assert names == ["GlobalAvgPool", "PreactDownsample", "Preact", "Preact110"]
    assert "InvertedAdd" in classes(archdsl.zoo("mobilenet_v2"))


# Parameters


def test_padding_follows_from_the_kernel() -> None:
    source = archdsl.zoo("googlenet_torchvision").torch_source()
    assert "padding=kernel // 2" in source
    assert "self.conv1 = ConvBn(3, 7, 64, stride=2)" in source


def test_inception_takes_the_widths_of_the_papers_table() -> None:
    found = arguments(classes(archdsl.zoo("googlenet"))["Inception"])
    names = [part.partition(":")[0] for part in found.split(", ")]
    assert names == ["in_channels", "n1", "r3", "n3", "r5", "n5", "proj"]


def test_the_sides_of_a_tuple_are_explained_one_by_one() -> None:
    source = archdsl.zoo("resnet20").torch_source()
    assert "nn.ZeroPad3d((0, 0, 0, 0, 0, in_channels))" in source


# Names of tensors


def test_branches_go_by_their_labels() -> None:
    assert steps(archdsl.zoo("googlenet_torchvision"), "InceptionBn") == [
        "branch1 = self.branch1(x)",
        "branch2 = self.branch2(x)",
        "branch3 = self.branch3(x)",
        "branch4 = self.branch4(x)",
        "return torch.cat([branch1, branch2, branch3, branch4], 1)",
    ]


def test_what_is_read_again_goes_by_its_label() -> None:
    lines = steps(archdsl.zoo("unet"), "Unet")
    assert lines[:3] == ["enc1 = self.enc1(x)", "x = self.maxpool1(enc1)", "enc2 = self.enc2(x)"]
    assert any("self.crop4(enc1)" in line for line in lines)


@pytest.mark.parametrize("label", ["x", "y", "torch", "self", "nn", "super", "range", "Tensor"])
def test_labels_that_mean_something_else_in_the_text(label: str) -> None:
    """They name the module, and another variable holds its tensor."""
    net = archdsl.parse(
        f"input 4x6x6\n{label}: conv 3x3\nconv 3x3; conv 3x3\nconcat {{ | @{label} }}; conv 3x3 2"
    )
    model = load_weights(net.to_torch(), random_weights(net.graph))
    (x,) = (torch.from_numpy(a) for a in random_arrays(((4, 6, 6),), 2))
    with torch.no_grad():
        kept = model.get_submodule(label)(x)
        inner = model.get_submodule("conv3")(model.get_submodule("conv2")(kept))
        expected = model.get_submodule("conv4")(torch.cat([inner, kept], 1))
        torch.testing.assert_close(model(x), expected)


# Runs


def test_modules_in_turn_are_written_once() -> None:
    net = archdsl.parse("input 4x6x6\nbody: { conv 3x3 8; relu; { conv 3x3; relu } x9; gap }")
    source = net.torch_source()
    assert source.count("nn.Conv2d(8, 8") == 1
    assert "for _ in range(9)" in source
    model = net.to_torch()
    assert list(model.state_dict()) == list(net.graph.state())
    layers = list(model.get_submodule("body").children())
    assert len(layers) == len(set(map(id, layers))) == 21


@pytest.mark.parametrize("depth", range(1, 8))
def test_short_runs_are_the_same_network(depth: int) -> None:
    net = archdsl.parse(f"input 4x6x6\nbody: {{ {{ conv 3x3; bn; relu }} x{depth}; conv 3x3 x2 }}")
    assert list(net.to_torch().state_dict()) == list(net.graph.state())
