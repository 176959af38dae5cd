"""What single networks of specs/ are for, run; and PyTorch against onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import (
    assert_close,
    check_onnx,
    load_weights,
    random_arrays,
    random_weights,
    run_onnx,
)

import archdsl
from archdsl.network import Network

torch.set_num_threads(1)


def module(net: Network, seed: int = 0) -> torch.nn.Module:
    return load_weights(net.to_torch(), random_weights(net.graph, seed))


def inputs(net: Network, batch: int, seed: int = 0) -> list[torch.Tensor]:
    shapes = tuple(i.shape for i in net.graph.inputs)
    return [torch.from_numpy(a) for a in random_arrays(shapes, batch, seed)]


# ONNX. Where a parameter makes a smaller network of the same layers, that one is run.

SERVED: list[tuple[str, dict[str, Any]]] = [
    ("alexnet_columns", {}),
    ("googlenet", {"classes": 10}),
    ("googlenet_torchvision", {"classes": 10}),
    ("resnet18_a", {"classes": 10}),
    ("resnet50_v1", {"classes": 10}),
    ("resnext50_32x4d", {"classes": 10}),
    ("se_resnet50", {"classes": 10}),
    ("plain18", {"classes": 10}),
    ("resnet20", {}),
    ("plain20", {}),
    ("preact110", {}),
    ("wrn_40_4", {}),
    ("alphago_policy", {"k": 16}),
    ("alphago_value", {"k": 16}),
    ("unet", {"width": 2}),
    ("lenet5_original", {}),
    ("mobilenet_v1", {"alpha": 0.25, "size": 96}),
    ("mobilenet_v2", {"size": 96}),
    ("regnet_y_400mf", {}),
    ("shufflenet_v2_x0_5", {}),
    ("densenet121", {}),
    ("squeezenet1_1", {}),
    ("efficientnet_b0", {"size": 96}),
    ("convnext_tiny", {"classes": 10}),
    ("mixer_s32_224", {"classes": 10}),
    ("siamese", {}),
    ("autoencoder", {}),
    ("wavenet", {"width": 8, "levels": 16, "length": 1100}),
    ("feature_pyramid", {"width": 16}),
    ("detector", {"classes": 3}),
]


@pytest.mark.parametrize(("name", "parameters"), SERVED, ids=[name for name, _ in SERVED])
def test_onnxruntime_agrees_with_pytorch(
    name: str, parameters: dict[str, Any], tmp_path: Path
) -> None:
    net = archdsl.zoo(name, **parameters)
    model = module(net)
    path = tmp_path / "net.onnx"
    net.to_onnx(path, weights=model)
    check_onnx(path)
    given = inputs(net, 2)
    with torch.no_grad():
        found = model(*given)
    expected = found if isinstance(found, dict) else {"out": found}
    actual = run_onnx(path, [x.numpy() for x in given])
    assert [o.name for o in net.graph.given] == list(expected)
    for ours, theirs in zip(actual, expected.values(), strict=True):
        assert_close(ours, theirs.numpy())


# AlphaGo


def test_the_policy_is_a_distribution_over_the_points() -> None:
    net = archdsl.zoo("alphago_policy", k=8)
    with torch.no_grad():
        output = module(net)(*inputs(net, 3))
    assert output.shape == (3, 361)
    assert torch.all(output >= 0)
    torch.testing.assert_close(output.sum(1), torch.ones(3))


def test_the_value_is_a_number_between_a_loss_and_a_win() -> None:
    net = archdsl.zoo("alphago_value", k=8)
    with torch.no_grad():
        output = module(net)(*inputs(net, 3))
    assert output.shape == (3, 1)
    assert torch.all(output.abs() < 1)


# LeNet-5's third layer sees some maps of the second: table 1 of the paper, a row for each map of C3

TABLE_1 = [
    {0, 1, 2}, {1, 2, 3}, {2, 3, 4}, {3, 4, 5}, {0, 4, 5}, {0, 1, 5},
    {0, 1, 2, 3}, {1, 2, 3, 4}, {2, 3, 4, 5}, {0, 3, 4, 5}, {0, 1, 4, 5}, {0, 1, 2, 5},
    {0, 1, 3, 4}, {1, 2, 4, 5}, {0, 2, 3, 5}, {0, 1, 2, 3, 4, 5},
]  # fmt: skip


def test_the_connections_of_lenet5() -> None:
    """Which maps of S2 the gradient of each map of C3 reaches."""
    net = archdsl.zoo("lenet5_original")
    model = module(net)
    kept: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Any:
        def hook(layer: Any, given: Any, output: torch.Tensor) -> None:
            output.retain_grad()
            kept[name] = output

        return hook

    model.get_submodule("tanh2").register_forward_hook(keep("S2"))
    model.get_submodule("tanh3").register_forward_pre_hook(
        lambda layer, given: kept.update(C3=given[0])
    )
    model(*inputs(net, 1))
    for i, expected in enumerate(TABLE_1):
        kept["S2"].grad = None
        kept["C3"][0, i].sum().backward(retain_graph=True)
        gradient = kept["S2"].grad
        assert gradient is not None
        assert {j for j in range(6) if gradient[0, j].abs().max() > 0} == expected


# Option A and option "none"


def test_shortcuts_without_weights_drop_positions_and_append_zeros() -> None:
    """With the branch silenced, a unit gives every second position, and zeros in the new maps."""
    model = module(archdsl.zoo("resnet20"))
    unit = model.get_submodule("layer2.0")
    with torch.no_grad():
        for key in ("bn2.weight", "bn2.bias"):
            unit.get_parameter(key).zero_()
        x = torch.rand(1, 16, 32, 32)
        y = unit(x)
    torch.testing.assert_close(y[:, :16], x[:, :, ::2, ::2])
    assert not y[:, 16:].any()


def test_plain_networks_have_no_shortcut() -> None:
    assert all(n.op.name != "add" for n in archdsl.zoo("plain20").graph.nodes)
    assert sum(n.op.name == "add" for n in archdsl.zoo("resnet20").graph.nodes) == 9


# Networks with several inputs and outputs


def test_the_towers_of_the_siamese_network_are_one(tmp_path: Path) -> None:
    net = archdsl.zoo("siamese")
    model = module(net)
    left, right = inputs(net, 2)
    with torch.no_grad():
        torch.testing.assert_close(model(left, right), model(right, left))
        same = model(left, left)
    # No distance between a drawing and itself: what is left is the bias alone.
    bias = model.get_parameter("fc1.bias")
    torch.testing.assert_close(same, torch.sigmoid(bias).expand(2, 1))
    path = tmp_path / "siamese.onnx"
    net.to_onnx(path, weights=model)
    bytes_ = sum(f.stat().st_size for f in tmp_path.iterdir())
    values = sum(p.numel() for p in model.parameters())
    assert 4 * values < bytes_ < 4 * values * 1.01  # each weight stored once


def test_the_autoencoder_gives_its_code_too() -> None:
    net = archdsl.zoo("autoencoder", code=7)
    output = module(net)(*inputs(net, 2))
    assert {key: tuple(v.shape) for key, v in output.items()} == {"out": (2, 784), "code": (2, 7)}


def test_the_heads_of_googlenet_exist_in_training_alone() -> None:
    net = archdsl.zoo("googlenet", classes=10)
    model = module(net)
    x = torch.rand(2, 3, 224, 224)
    with torch.no_grad():
        assert model.eval()(x).shape == (2, 10)
        outputs = model.train()(x)
    assert {key: tuple(v.shape) for key, v in outputs.items()} == dict.fromkeys(
        ("out", "aux1", "aux2"), (2, 10)
    )
    assert {o.name: o.weight for o in net.graph.outputs} == {"out": 1.0, "aux1": 0.3, "aux2": 0.3}
    assert not [k for k in archdsl.zoo("googlenet", aux=False).graph.state() if k.startswith("aux")]


@pytest.mark.parametrize(("name", "backbone"), [("feature_pyramid", "50"), ("detector", "18")])
def test_weights_of_a_resnet_fit_the_way_up(name: str, backbone: str) -> None:
    ours = archdsl.zoo(name).graph.state()
    theirs = archdsl.zoo(f"resnet{backbone}").graph.state()
    assert {k: w for k, w in theirs.items() if not k.startswith("fc.")}.items() <= ours.items()


def test_the_levels_of_the_feature_pyramid() -> None:
    outputs = {o.name: o.shape for o in archdsl.zoo("feature_pyramid").graph.outputs}
    assert outputs == {
        "out": (256, 64, 64), "p3": (256, 32, 32), "p4": (256, 16, 16), "p5": (256, 8, 8)
    }  # fmt: skip


def test_wavenet_does_not_see_the_future() -> None:
    net = archdsl.zoo("wavenet", width=8, levels=16, length=1100)
    model = module(net).double()  # what has come through ten layers is small
    x = inputs(net, 1)[0].double()
    later = x.clone()
    later[..., 1050] += 1
    with torch.no_grad():
        before, after = model(x), model(later)
    changed = (before - after).abs().amax((0, 1, 2)).numpy() > 0
    assert np.flatnonzero(changed)[0] == 1050
    earlier = x.clone()
    earlier[..., 10] += 1
    with torch.no_grad():
        reached = (model(earlier) - before).abs().amax((0, 1, 2)).numpy() > 0
    assert np.flatnonzero(reached)[-1] == 10 + 1023  # a field of 1024 samples
