"""Networks placed on several devices: where each tensor is, and that the training is the same.

GPUs are played by PyTorch's fake tensors, which know shapes and devices and refuse to mix them.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import NETWORK, graph, same, trained, weights
from torch._subclasses.fake_tensor import FakeTensorMode

import archdsl
from archdsl.backends.torch import build, source
from archdsl.backends.torch.build import _module
from archdsl.backends.torch.classes import network_class
from archdsl.backends.torch.placing import Placement
from archdsl.errors import TrainError
from archdsl.ir import Graph
from archdsl.train import Options, place, resume, start
from archdsl.train.launch import placement

COLUMNS = ("concat1,concat2,concat3=cuda:0,cuda:1",)


@pytest.fixture
def any_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices that are not there are believed in."""
    monkeypatch.setattr(place, "_device", lambda name: name)


def faked(graph: Graph, where: Placement, batch: int = 2) -> tuple[dict[str, str], Any]:
    """The devices of what each module gives, on fake GPUs.

    Without a backward pass, for which autograd asks for the GPUs themselves.
    """
    seen: dict[str, str] = {}

    def hook(path: str) -> Any:
        def look(module: Any, inputs: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor):
                seen[path] = str(output.device)

        return look

    with FakeTensorMode(), torch.no_grad():
        made = _module(graph, where)  # `build` brings the whole to one device first
        model = getattr(made, network_class(graph))()
        where.put(model)
        for path, module in model.named_modules():
            module.register_forward_hook(hook(path))
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()  # its running statistics want the GPU itself
        inputs = [torch.randn(batch, *i.shape).to(where.home) for i in graph.inputs]
        given = model(*inputs)
        outputs = given.values() if isinstance(given, dict) else [given]
        assert {str(o.device) for o in outputs} == {where.home}
    return seen, model


def test_the_columns_of_alexnet_are_on_two_gpus(any_device: None) -> None:
    net = archdsl.load("specs/alexnet.arch", "alexnet_columns").graph
    where = place.placed(net, COLUMNS, "cuda:0")
    seen, model = faked(net, where)
    # The 2012 paper's figure 2: the second column alone is on the second GPU.
    second = {"conv2", "relu2", "conv4", "relu4", "conv8", "relu8", "conv9", "relu9", "maxpool4"}
    assert {path for path, device in seen.items() if device == "cuda:1"} == second
    state = model.state_dict()
    assert list(state) == list(build(net).state_dict())
    for key, value in state.items():
        assert str(value.device) == ("cuda:1" if key.partition(".")[0] in second else "cuda:0"), key


ZOO = ("resnet18", "googlenet", "mobilenet_v2", "densenet121", "siamese", "vit_tiny_patch16_224", "shufflenet_v2_x1_0", "unet", "feature_pyramid", "detector", "tiny")


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("seed", [0, 1])
def test_any_placement_has_every_tensor_where_it_is_needed(name: str, seed: int) -> None:
    net = archdsl.zoo(name).graph
    draw = random.Random(seed)
    devices: dict[str, str] = {}
    head = {o.name: draw.choice(["cuda:0", "cuda:1"]) for o in net.outputs[1:]}
    for node in net.nodes:
        own = next((d for o, d in head.items() if f"{node.path}.".startswith(f"{o}.")), None)
        devices[node.path] = own or draw.choice(["cuda:0", "cuda:1", "cuda:2"])
        if node.shares:
            devices[node.path] = devices[node.shares]
    where = Placement(net, devices, "cuda:0")
    seen, model = faked(net, where)
    for node in net.nodes:
        if node.path in seen:
            assert seen[node.path] == devices[node.path], node.path
    assert list(model.state_dict()) == list(build(net).state_dict())
