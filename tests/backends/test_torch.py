"""The module that the PyTorch backend builds: its weights, its function, how it may be used."""

from __future__ import annotations

import copy
import io
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from odd_specs import IN_PLACE, ODD
from torch import Tensor, nn

import archdsl
from archdsl.errors import ArchError, BuildError
from archdsl.network import Network

SMALL = ["lenet", "mlp", "simple_cnn", "tiny", "two_layer", "linear_classifier"]

# What compilers and tracers must digest: a block with a shortcut and a gate, a dense connection,
# parts, a container that is no chain, a layer applied again.
RICH = """
block unit width stride=1 {
  residual {
    conv 3x3 width stride=stride; bn; relu
    conv 3x3 width; bn
    mul { | gap; fc width//2; relu; fc width; sigmoid }
  | downsample: { conv 1x1 width stride=stride; bn }
  }
  relu
}
input 3x16x16
conv 3x3 4; bn; relu
body: { unit 4; unit 8 stride=2; unit 8 }
tail: { conv 1x1 8; residual { a: conv 3x3; relu } }
concat { | conv 1x1 4; lrn | maxpool 3x3 stride=1 pad=1 }
split { conv 3x3 | relu }
again: conv 3x3; relu; reuse again
gap; dropout 0.2; fc 5
"""


@cache
def compiled(name: str) -> Network:
    """A network of the odd specs, the rich one, or one of the zoo."""
    if name == "rich":
        return archdsl.parse(RICH, file="rich.arch")
    if name in ODD:
        return archdsl.parse(ODD[name], file=f"{name}.arch")
    return archdsl.zoo(name)


def inputs(net: Network, batch: int = 2) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(batch, *i.shape, generator=generator) for i in net.graph.inputs]


def outputs(module: nn.Module, given: list[Tensor]) -> dict[str, Tensor]:
    found = module(*given)
    return found if isinstance(found, dict) else {"out": found}


def assert_same(actual: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert list(actual) == list(expected)
    for name, tensor in actual.items():
        assert torch.equal(tensor, expected[name]), name


def differs(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return any(not torch.equal(a, b) for a, b in pairs)


# What it is


@pytest.mark.parametrize("name", [*SMALL, "rich", *ODD])
def test_it_computes_the_shapes_of_the_graph(name: str) -> None:
    net = compiled(name)
    module = net.to_torch()
    for mode in (True, False):
        found = outputs(module.train(mode), inputs(net))
        expected = {o.name: o for o in net.graph.outputs if mode or o.kind != "auxiliary"}
        assert {k: tuple(t.shape) for k, t in found.items()} == {
            k: (2, *o.shape) for k, o in expected.items()
        }


@pytest.mark.parametrize("name", [*SMALL, "rich", *ODD])
def test_the_state_dict_is_the_graphs_in_order(name: str) -> None:
    net = compiled(name)
    state = net.to_torch().state_dict()
    assert [(k, tuple(t.shape)) for k, t in state.items()] == [
        (k, w.shape) for k, w in net.graph.state().items()
    ]


# Seeds


def test_the_seed_decides() -> None:
    net = compiled("rich")
    assert not differs(net.to_torch(seed=3), net.to_torch(seed=3))
    assert differs(net.to_torch(seed=3), net.to_torch(seed=4))
    assert not differs(net.to_torch(), net.to_torch(seed=0))


def test_the_callers_random_state_is_untouched() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    compiled("lenet").to_torch(seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(8)
    other = compiled("lenet").to_torch(seed=1)
    assert not differs(other, compiled("lenet").to_torch(seed=1)), "nor does it matter"


def test_without_init_the_layers_start_as_pytorchs_do() -> None:
    """The same draws in the same order as a module written by hand."""
    torch.manual_seed(5)
    ours = archdsl.parse("input 3x8x8; conv 3x3 4; bn; gap; fc 2").to_torch(seed=5)
    by_hand = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))
    assert not differs(ours, by_hand)


# Weights


def test_weights_are_taken_over() -> None:
    net = compiled("rich")
    given = net.to_torch(seed=9)
    for weights in (given, given.state_dict(), dict(given.state_dict())):
        assert not differs(net.to_torch(weights=weights), given)


def test_the_weights_are_copied() -> None:
    net = compiled("lenet")
    given = net.to_torch(seed=9)
    module = net.to_torch(weights=given)
    with torch.no_grad():
        module.get_parameter("conv1.weight").zero_()
    assert torch.any(given.get_parameter("conv1.weight") != 0)


def test_weights_that_do_not_fit_are_named() -> None:
    net = compiled("lenet")
    state = net.to_torch().state_dict()
    del state["conv1.bias"]
    state["extra.weight"] = torch.zeros(2, 3)
    state["fc1.weight"] = torch.zeros(120, 401)
    with pytest.raises(BuildError) as error:
        net.to_torch(weights=state)
    (found,) = error.value.diagnostics
    assert found.code == "A702"
    for part in ("conv1.bias", "extra.weight", "2x3", "fc1.weight", "120x401", "120x400"):
        assert part in found.label


def test_a_network_too_large_to_build_can_be_summarised() -> None:
    net = archdsl.parse("input 3x8x8\n{ fc 100_000_000 } x3; fc 1")
    assert net.summary().params == (
        (192 + 1) * 10**8 + 2 * (10**8 + 1) * 10**8 + (10**8 + 1)
    )  # more than 10^16
    with pytest.raises(BuildError) as error:
        net.to_torch()
    (found,) = error.value.diagnostics
    assert found.code == "A701"
    assert f"{net.summary().params:,}" in found.label


def test_a_sum_that_python_cannot_parse_is_refused() -> None:
    net = archdsl.parse("input 3x8x8; add 5_000 { conv 1x1 1 }")
    assert net.summary().params == 5_000 * 4
    for build in (net.torch_source, net.to_torch):
        with pytest.raises(BuildError) as error:
            build()
        assert error.value.diagnostics[0].code == "A701"
    assert len(archdsl.parse("input 3x8x8; concat 1_000 { conv 1x1 1 }").to_torch().state_dict())


# In place


def results(module: nn.Module, given: list[Tensor]) -> tuple[list[Tensor], list[Any]]:
    """The outputs, and the gradients of inputs and parameters; nothing given is a leaf to it."""
    torch.manual_seed(0)  # for the dropouts
    leaves = [x.clone().requires_grad_() for x in given]
    before = [x * 1 for x in leaves]
    found = list(outputs(module, before).values())
    for x, leaf in zip(before, leaves, strict=True):
        assert torch.equal(x, leaf), "an input was overwritten"
    loss = sum(((t - 0.3).square() * (1 + i)).sum() for i, t in enumerate(found))
    assert isinstance(loss, Tensor)
    return found, list(
        torch.autograd.grad(loss, [*leaves, *module.parameters()], allow_unused=True)
    )


def assert_in_place_changes_nothing(net: Network) -> None:
    module = net.to_torch()
    plain = copy.deepcopy(module)
    for inner in plain.modules():
        if hasattr(inner, "inplace"):
            inner.inplace = False  # pyright: ignore
    for training in (True, False):
        pairs = (results(m.train(training), inputs(net)) for m in (module, plain))
        for actual, expected in zip(*(outputs + grads for outputs, grads in pairs), strict=True):
            assert (actual is None) == (expected is None)
            if actual is not None:
                torch.testing.assert_close(actual, expected, equal_nan=True)


@pytest.mark.parametrize("name", [*IN_PLACE, "rich", "simple_cnn"])
def test_working_in_place_changes_nothing(name: str) -> None:
    assert_in_place_changes_nothing(compiled(name))


def test_in_place_is_used_where_it_is_safe() -> None:
    net = archdsl.parse("input 3x8x8; conv 3x3 4; relu; residual { conv 3x3; relu; relu }")
    module = net.to_torch()
    first, after, last = (module.get_submodule(f"relu{i}") for i in (1, 2, 3))
    assert (first.inplace, after.inplace) == (True, True)  # pyright: ignore
    assert not last.inplace  # pyright: ignore[reportAttributeAccessIssue]: a ReLU keeps its output


# How it may be used


def test_deepcopy_and_pickle() -> None:
    net = compiled("rich")
    module = net.to_torch().eval()
    expected = outputs(module, inputs(net))
    assert_same(outputs(copy.deepcopy(module), inputs(net)), expected)
    assert_same(outputs(pickle.loads(pickle.dumps(module)), inputs(net)), expected)
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    assert_same(outputs(torch.load(file, weights_only=False), inputs(net)), expected)


def test_two_networks_of_one_name_keep_apart() -> None:
    """Each has its own class, and the lines that a traceback shows are its own."""
    few, many = (archdsl.zoo("lenet", classes=n).to_torch() for n in (3, 4))
    assert type(few) is not type(many)
    assert type(few).__module__ != type(many).__module__
    assert [m(torch.zeros(1, 1, 32, 32)).shape[1] for m in (few, many)] == [3, 4]
    assert type(archdsl.zoo("lenet", classes=3).to_torch()) is type(few)


def test_a_traceback_shows_the_generated_line() -> None:
    import traceback

    module = compiled("lenet").to_torch()
    with pytest.raises(RuntimeError) as error:
        module(torch.zeros(1, 2, 32, 32))
    assert "x = self.conv1(x)" in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize("name", ["rich", "tower", "nested_list"])
def test_fx_traces_it(name: str) -> None:
    net = compiled(name)
    module = net.to_torch().eval()
    traced = torch.fx.symbolic_trace(module)
    assert_same(outputs(traced, inputs(net)), outputs(module, inputs(net)))
    targets = {n.target for n in traced.graph.nodes if n.op == "call_module"}
    assert {n.path for n in net.graph.nodes if n.weights and n.shares is None} <= targets


@pytest.mark.filterwarnings("ignore")  # torch's own
@pytest.mark.parametrize("name", ["rich", "tower"])
def test_torch_export_takes_it(name: str) -> None:
    net = compiled(name)
    module = net.to_torch().eval()
    exported = torch.export.export(module, tuple(inputs(net)))
    for key, tensor in outputs(exported.module(), inputs(net)).items():
        torch.testing.assert_close(tensor, outputs(module, inputs(net))[key])


@pytest.mark.filterwarnings("ignore")  # torch's own
@pytest.mark.parametrize("name", ["rich", "tower", "nested_list", "heads"])
def test_torch_compile_takes_it_whole(name: str) -> None:
    net = compiled(name)
    module = net.to_torch()
    for training in (False, True):
        torch.manual_seed(0)
        expected = outputs(copy.deepcopy(module).train(training), inputs(net))
        torch.manual_seed(0)
        faster = torch.compile(module.train(training), fullgraph=True, backend="aot_eager")
        for key, tensor in outputs(faster, inputs(net)).items():
            if not training:  # where its dropout draws otherwise
                torch.testing.assert_close(tensor, expected[key])
            tensor.sum().backward(retain_graph=True)


# The pipeline's ways in (archdsl.load, parse, zoo)

TWO = """
block net width classes=10 { input 3x8x8; conv 3x3 width; gap; fc classes }
network small = net 4
network large = net 8 classes=20
"""


def test_load(tmp_path: Path) -> None:
    path = tmp_path / "two.arch"
    path.write_text(TWO)
    assert archdsl.load(path, "large").graph.outputs[0].shape == (20,)
    assert archdsl.load(str(path), "large", classes=7).graph.outputs[0].shape == (7,)
    assert archdsl.load(path, "small", width=5, classes=3).summary().params == 5 * 28 + 3 * 6
    assert [n.name for n in archdsl.pipeline.load_all(path)] == ["small", "large"]
    with pytest.raises(ArchError) as error:
        archdsl.load(path)
    assert error.value.diagnostics[0].code == "A306"
    with pytest.raises(ArchError) as error:
        archdsl.load(path, "huge")
    assert error.value.diagnostics[0].code == "A306"


def test_zoo() -> None:
    net = archdsl.zoo("lenet", classes=3)
    assert (net.name, net.graph.parameters["classes"]) == ("lenet", 3)
    assert net.to_torch()(torch.zeros(2, 1, 32, 32)).shape == (2, 3)
    with pytest.raises(ArchError) as error:
        archdsl.zoo("lenett")
    assert "lenet" in error.value.diagnostics[0].help
    with pytest.raises(ArchError) as error:
        archdsl.zoo("lenet", clases=3)
    assert error.value.diagnostics[0].code == "A302"
    assert "classes" in error.value.diagnostics[0].help


def test_a_parameter_may_be_a_list_a_size_or_a_layer() -> None:
    text = "param widths = [1]\nparam k = 3x3\nparam act = relu\ninput 3x8x8\n"
    text += "conv k widths[i] x(len(widths)) as i\nact"
    net = archdsl.parse(text, widths=[2, 5], k=(1, 3), act="tanh")
    assert [n.op.text() for n in net.graph.nodes] == ["conv 1x3 2", "conv 1x3 5", "tanh"]


def test_a_parameter_of_another_kind_is_refused() -> None:
    text = "param k = 3\ninput 3x8x8; conv k 4"
    assert archdsl.parse(text, k=np.int64(5)).graph.parameters == {"k": 5}
    for value in ({"k": 3}, object(), (1.5, 2), [None], 3 + 2j):
        with pytest.raises(TypeError):
            archdsl.parse(text, k=value)


def test_the_name_of_a_text_and_its_line_ends() -> None:
    net = archdsl.parse("input 3x8x8\r\ngap\r\n", file="some/where.arch")
    assert (net.name, net.graph.origin.file) == ("where", "some/where.arch")
    same = archdsl.parse("input 3x8x8\ngap\n", file="some/where.arch")
    assert net.graph == same.graph
