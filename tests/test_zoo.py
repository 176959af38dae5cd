"""The networks of specs/ against figures that come from elsewhere (see reference/facts.py).

What is counted by hand from the papers' tables, and what torchvision's own modules compute, is in
zoo/. Here every network is also run by PyTorch, which counts and measures by itself.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reference.facts import FACTS, FIELDS, Fact, Reference, references
from support import assert_close, load_weights, random_arrays, random_weights, run_onnx
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.network import Network
from archdsl.pipeline import zoo_names

ALL_FACTS = [*FACTS, *(r.fact for r in references())]
NETWORKS = [n for n in sorted(zoo_names()) if not re.search("1001|1202", n)]  # they take seconds

each_fact = pytest.mark.parametrize("fact", ALL_FACTS, ids=str)
each_reference = pytest.mark.parametrize("reference", references(), ids=str)
each_network = pytest.mark.parametrize("name", NETWORKS)


@cache
def compiled(name: str, **parameters: Any) -> Network:
    return archdsl.zoo(name, **parameters)


def of(fact: Fact) -> Network:
    return compiled(fact.network, **fact.parameters)


def on_meta(net: Network) -> torch.nn.Module:
    """The module without memory for its weights: enough for keys, shapes and counts."""
    with torch.device("meta"):
        return net.to_torch().eval()


def meta_inputs(net: Network, batch: int) -> list[torch.Tensor]:
    return [torch.empty(batch, *i.shape, device="meta") for i in net.graph.inputs]


# Figures from elsewhere


@each_fact
def test_parameters(fact: Fact) -> None:
    assert of(fact).summary().params == fact.params, fact.source


@pytest.mark.parametrize("fact", [f for f in ALL_FACTS if f.macs is not None], ids=str)
def test_macs(fact: Fact) -> None:
    macs = of(fact).summary().macs
    if isinstance(fact.macs, str):
        digits = len(fact.macs.partition(".")[2])
        assert f"{macs / 1e9:.{digits}f}" == fact.macs, fact.source
    else:
        assert macs == fact.macs, fact.source


@pytest.mark.parametrize(("where", "expected"), FIELDS.items(), ids=lambda v: "-".join(map(str, v)))
def test_receptive_fields(where: tuple[str, str], expected: tuple[int, int | None]) -> None:
    name, path = where
    size, padding = expected
    field = compiled(name).receptive_field(path)
    assert field.size == (size, size)
    assert field.stride == (32, 32)
    assert padding is None or field.padding == (padding, padding)


def test_the_field_of_vgg16_at_its_last_convolution() -> None:
    assert compiled("vgg16").receptive_field("features.28").size == (196, 196)


# The figures that no publication gives, from the layers as they stand in the spec


def test_linear_classifier() -> None:
    summary = compiled("linear_classifier").summary()
    pixels = 3 * 32 * 32
    assert summary.params == pixels * 10 + 10 == 30_730
    assert summary.macs == pixels * 10 == 30_720


def test_two_layer() -> None:
    summary = compiled("two_layer").summary()
    pixels = 3 * 32 * 32
    assert summary.params == (pixels * 100 + 100) + (100 * 10 + 10) == 308_310
    assert summary.macs == pixels * 100 + 100 * 10 == 308_200


def test_mlp() -> None:
    summary = compiled("mlp").summary()
    weights = 28 * 28 * 512 + 512 * 512 + 512 * 10
    assert summary.params == weights + 512 + 512 + 10 == 669_706
    assert summary.macs == weights == 668_672


def test_tiny() -> None:
    summary = compiled("tiny").summary()
    weights = 3 * 3 * 3 * 3  # three channels in and out, a 3x3 window
    assert summary.params == 3 * (weights + 3) == 252
    assert summary.macs == 3 * weights * 32 * 32 == 248_832
    assert compiled("tiny").receptive_field("conv3").size == (7, 7)


def test_simple_cnn() -> None:
    net = compiled("simple_cnn")
    windows = (3 * 9, 32 * 9, 64 * 9)  # the inputs of each convolution's window
    assert net.summary().macs == (
        windows[0] * 32 * 32**2 + windows[1] * 64 * 16**2 + windows[2] * 128 * 8**2 + 128 * 10
    )
    assert {key.rpartition(".")[0] for key in net.graph.state()} == {
        *(f"features.{i}" for i in (0, 3, 6)),
        "classifier",
    }
    head = {row.path: row for row in net.summary().layers}["classifier"]
    assert head.params == 1_290  # and 81,930 on the flattened 8x8 map
    flat = archdsl.parse("input 128x8x8; fc 10")
    assert flat.summary().params == 81_930


def test_what_lenet_and_alexnet_give_layer_by_layer() -> None:
    """The shapes of the papers' figures."""
    shapes = {n.path: n.shape for n in compiled("lenet").graph.nodes}
    assert [shapes[p] for p in ("conv1", "avgpool1", "conv2", "avgpool2", "fc1", "fc2", "fc3")] == [
        (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120,), (84,), (10,),
    ]  # fmt: skip
    shapes = {n.path: n.shape for n in compiled("alexnet").graph.nodes}
    assert [shapes[f"conv{i}"] for i in range(1, 6)] == [
        (96, 55, 55), (256, 27, 27), (384, 13, 13), (384, 13, 13), (256, 13, 13),
    ]  # fmt: skip
    assert shapes["maxpool3"] == (256, 6, 6)


# torchvision's and timm's state_dicts


@each_reference
def test_keys_and_shapes(reference: Reference) -> None:
    """In order too, but for auxiliary heads: ours stand where they branch off."""
    net = of(reference.fact)
    ours = [(key, weight.shape) for key, weight in net.graph.state().items()]
    if any(key.startswith("aux") for key, _ in ours):
        ours.sort(key=lambda item: item[0].startswith("aux"))
        theirs = sorted(reference.state, key=lambda item: item[0].startswith("aux"))
    else:
        theirs = reference.state
    assert ours == theirs
    executed = [(key, tuple(t.shape)) for key, t in on_meta(net).state_dict().items()]
    assert sorted(executed) == sorted(reference.state)


LOADED = [r for r in references() if r.fact.params < 150e6]


@pytest.mark.parametrize("reference", LOADED, ids=str)
def test_weights_in_the_references_keys_load(reference: Reference) -> None:
    """Each tensor is of one random number, so that it is seen where it went."""
    generator = torch.Generator().manual_seed(1)
    state = {
        key: torch.rand((), generator=generator).expand(shape) for key, shape in reference.state
    }
    module = on_meta(of(reference.fact)).to_empty(device="cpu")
    module.load_state_dict(state, strict=True)
    for key, tensor in module.state_dict().items():
        expected = state[key].to(tensor.dtype)
        assert torch.equal(tensor.flatten()[:1], expected.flatten()[:1]), key


def test_the_columns_of_alexnet_compute_what_its_groups_compute() -> None:
    """The two GPUs of the paper, written out, are the grouped convolutions."""
    grouped, columns = compiled("alexnet"), compiled("alexnet_columns")
    weights = random_weights(grouped.graph)
    paths = [n.path for n in columns.graph.nodes if n.op.name == "conv"]
    split: dict[str, Any] = {}
    halves = {"conv1": 2, "conv2": 2, "conv3": 1, "conv4": 2, "conv5": 2}
    # The branches of `split` and `concat` come one after the other, conv4 and conv5 in one branch.
    order = ["conv1.0", "conv1.1", "conv2.0", "conv2.1", "conv3.0"]
    order += ["conv4.0", "conv5.0", "conv4.1", "conv5.1"]
    for path, source in zip(paths, order, strict=True):
        layer, half = source.split(".")
        for name in ("weight", "bias"):
            parts = np.split(weights[f"{layer}.{name}"], halves[layer])
            split[f"{path}.{name}"] = parts[int(half)]
    split |= {key: value for key, value in weights.items() if key.startswith("fc")}
    (image,) = random_arrays((grouped.graph.inputs[0].shape,), 1)
    x = torch.from_numpy(image)
    with torch.no_grad():
        expected = load_weights(grouped.to_torch(), weights)(x)
        actual = load_weights(columns.to_torch(), split)(x)
    assert_close(actual.numpy(), expected.numpy())


# What PyTorch executes


@each_network
def test_the_inferred_shapes_are_executed(name: str) -> None:
    """Every module's output, and the network's; training heads are not run here."""
    net = compiled(name)
    found: dict[str, tuple[int, ...]] = {}

    def record(path: str) -> Any:
        def hook(module: torch.nn.Module, given: Any, output: torch.Tensor) -> None:
            found[path] = tuple(output.shape[1:])

        return hook

    module = on_meta(net)
    nodes = {n.path: n for n in net.graph.nodes}
    for path, inner in module.named_modules():
        if path in nodes:
            inner.register_forward_hook(record(path))
    output = module(*meta_inputs(net, 2))
    given = output if isinstance(output, dict) else {"out": output}
    expected = {o.name: (2, *o.shape) for o in net.graph.given}
    assert {key: tuple(tensor.shape) for key, tensor in given.items()} == expected
    assert found == {path: nodes[path].shape for path in found}
    layers = [nodes[r.path] for r in net.summary().layers if r.macs]
    assert {n.path for n in layers if not n.training and n.shares is None} <= set(found)


@each_network
def test_macs_are_half_of_the_flops_that_pytorch_counts(name: str) -> None:
    net = compiled(name)
    module = on_meta(net)
    with FlopCounterMode(display=False) as counter:
        module(*meta_inputs(net, 1))
    assert net.summary().macs * 2 == counter.get_total_flops()


@each_network
def test_parameters_are_those_of_the_module(name: str) -> None:
    net = compiled(name)
    module = on_meta(net)
    assert net.summary().params == sum(p.numel() for p in module.parameters())
    assert net.summary().buffers == sum(b.numel() for b in module.buffers())


# How weights start


def test_alexnet_starts_as_in_the_paper() -> None:
    """Section 5: N(0, 0.01); biases 1 in conv2, 4, 5 and the hidden layers, 0 elsewhere."""
    state = compiled("alexnet").to_torch(seed=0).state_dict()
    ones = {"conv2", "conv4", "conv5", "fc1", "fc2"}
    assert {key.partition(".")[0] for key in state} == {"conv1", "conv3", "fc3"} | ones
    for key, tensor in state.items():
        layer, _, kind = key.partition(".")
        if kind == "bias":
            assert torch.all(tensor == (1 if layer in ones else 0)), key
            continue
        assert tensor.numel() > 30_000  # so that the bounds below are four standard errors wide
        assert tensor.std().item() == pytest.approx(0.01, rel=0.016)
        assert abs(tensor.mean().item()) < 2.5e-4
        beyond = (tensor.abs() > 0.02).float().mean().item()
        assert beyond == pytest.approx(0.0455, abs=0.0047)  # a normal's share beyond two sigma


def test_vgg_starts_as_in_torchvision() -> None:
    """kaiming_normal_(fan_out), biases 0; the linear layers N(0, 0.01)."""
    state = compiled("vgg11").to_torch(seed=0).state_dict()
    assert all(torch.all(t == 0) for key, t in state.items() if key.endswith("bias"))
    kernel = state["features.11.weight"]  # 512 filters of 256x3x3
    assert kernel.std().item() == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)
    assert state["classifier.0.weight"].std().item() == pytest.approx(0.01, rel=0.01)


# ONNX

SERVED = ["lenet", "mlp", "simple_cnn", "tiny", "two_layer", "linear_classifier"]
SERVED += ["alexnet", "alexnet_torchvision", "vgg11_bn", "resnet18", "vit_tiny_patch16_224"]


@pytest.mark.parametrize("name", SERVED)
def test_onnxruntime_agrees_with_pytorch(name: str, tmp_path: Path) -> None:
    net = compiled(name)
    module = load_weights(net.to_torch(), random_weights(net.graph))
    path = tmp_path / f"{name}.onnx"
    net.to_onnx(path, weights=module)
    for batch in (1, 3):
        arrays = random_arrays(tuple(i.shape for i in net.graph.inputs), batch, seed=batch)
        with torch.no_grad():
            expected = module(*map(torch.from_numpy, arrays)).numpy()
        (actual,) = run_onnx(path, arrays)
        assert_close(actual, expected)


# The specs themselves


@pytest.mark.parametrize("path", sorted(set(zoo_names().values())), ids=lambda p: p.stem)
def test_a_spec_says_what_it_is(path: Path) -> None:
    """It opens with a comment, and fits a page."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert re.match(r"# \S.{20,}", lines[0])
    assert max(map(len, lines)) <= 110
