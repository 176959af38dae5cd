"""Networks placed on several devices: where each tensor is, and that the training is the same.

GPUs are played by PyTorch's fake tensors, which know shapes and devices and refuse to mix them.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import graph, same, trained, weights
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


HALVES = {"alphago_policy": "hidden.12", "vit_large_patch16_224": "blocks.12"}


@pytest.mark.parametrize("name", HALVES)
def test_what_comes_behind_a_placed_layer_is_where_it_is(name: str, any_device: None) -> None:
    net = archdsl.zoo(name).graph
    path = HALVES[name]
    where = place.placed(net, [f"{path}=cuda:1"], "cuda:0")
    first = next(i for i, n in enumerate(net.nodes) if f"{n.path}.".startswith(f"{path}."))
    assert 0.4 < first / len(net.nodes) < 0.6
    assert {where.devices[node.path] for node in net.nodes[:first]} == {"cuda:0"}
    assert {where.devices[node.path] for node in net.nodes[first:]} == {"cuda:1"}
    before = {node.path for node in net.nodes[:first]}
    crossing = sum(tensor in before for node in net.nodes[first:] for tensor in node.inputs)
    text = source(net, where)
    assert text.count('.to("cuda:1")') == crossing
    assert text.count('.to("cuda:0")') == 1  # the output comes back


@pytest.mark.parametrize(
    ("name", "path"), [("alphago_policy", "hidden.12"), ("vit_tiny_patch16_224", "blocks.6")]
)
def test_half_a_network_elsewhere_computes_the_same(name: str, path: str, any_device: None) -> None:
    net = archdsl.zoo(name).graph
    where = place.placed(net, [f"{path}=cpu:1"], "cpu")
    inputs = torch.randn(2, *net.inputs[0].shape, generator=torch.Generator().manual_seed(0))
    alone, spread = (build(net, seed=0, placement=each).eval() for each in (None, where))
    with torch.no_grad():
        assert torch.equal(alone(inputs), spread(inputs))


# Chains, blocks, joins of many kinds, auxiliary heads, weights that are used twice. (Fake tensors
# cannot be cut, nor drawn from a truncated normal: no ViT.)
ZOO = (
    "resnet18", "googlenet", "mobilenet_v2", "densenet121", "siamese", "mixer_s32_224",
    "shufflenet_v2_x1_0", "feature_pyramid", "detector", "tiny",
)  # fmt: skip


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


DEEP = """\
param classes = 4
input 3x8x8
body: { conv 3x3 6 bias=false; bn; relu; dropout 0.2 }
concat { conv 3x3 3 | conv 1x1 3; relu }
block unit { residual { conv 3x3; bn; relu } }
units: { unit x2 }
gap
fc: fc classes
"""
SECTION = """\
data synthetic 40; augment hflip; optimizer adamw lr=0.01; schedule cosine warmup=1
clip 1; ema 0.9; epochs 2; batch 8; seed 3
"""


@pytest.mark.parametrize(
    "section", [SECTION, SECTION.replace("adamw lr=0.01", "muon"), SECTION + "precision bf16"]
)
def test_a_placed_training_is_the_same(
    tmp_path: Path, section: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moves are in the text, between names of the one CPU: what is computed is the same."""
    alone = trained(tmp_path, section, DEEP, "alone")
    on_one = trained(tmp_path, section, DEEP, "one", place=("units=cpu", "fc=cpu"))
    monkeypatch.setattr(place, "_device", lambda name: name)
    places = ("body.1,units.1.bn1,conv2=cpu:1", "body.2,conv1,units.1.relu1,fc=cpu:2")
    where = placement(graph(section, DEEP), Options(device="cpu", place=places))
    assert where is not None and source(where.graph, where).count('.to("cpu') >= 7
    spread = trained(tmp_path, section, DEEP, "spread", place=places)
    for other in (on_one, spread):
        assert same(weights(alone), weights(other))
        assert alone.rows[-1].valid_loss == other.rows[-1].valid_loss


def test_a_placed_run_goes_on_where_it_was_placed(tmp_path: Path) -> None:
    from archdsl.train.watch import Watch

    class Cut(Watch):
        def step(self, at: object) -> None:
            if at.step == 7:  # pyright: ignore[reportAttributeAccessIssue]
                raise KeyboardInterrupt

    whole = trained(tmp_path, SECTION, DEEP, "whole")
    options = Options(tmp_path, "cut", save_every=3, place=("units=cpu",))
    with pytest.raises(KeyboardInterrupt):
        start(graph(SECTION, DEEP), options, watch=Cut())
    done = resume(tmp_path / "cut")
    assert same(weights(whole), weights(done))


@pytest.mark.parametrize(
    ("places", "code", "said"),
    [
        (["fc"], "A970", "is not PATHS=DEVICES"),
        (["=cpu"], "A970", "is not PATHS=DEVICES"),
        (["fc=cpu,"], "A970", "is not PATHS=DEVICES"),
        (["uints=cpu"], "A970", "did you mean `units`"),
        (["fc=cpu", "body,fc=cpu"], "A970", "`fc` is placed twice"),
        (["fc=cpu,cpu"], "A970", "2 devices are given, and `fc` is a join of 1"),
        (["units=cpu,cpu"], "A970", "`units` is no layer"),
        (["concat1=cpu,cpu,cpu"], "A970", "a join of 2"),
        (["fc=gpu"], "A972", "`gpu` is no device"),
        (["fc=meta"], "A972", "`meta` is no device"),
        (["fc=cpu:1"], "A972", "the CPU is one device"),
        (["fc=cuda:99"], "A972", "GPU"),
        (["fc=\x1b[31m"], "A972", "is no device"),
    ],
)  # fmt: skip
def test_what_is_no_place_is_refused(places: list[str], code: str, said: str) -> None:
    with pytest.raises(TrainError) as error:
        placement(graph(SECTION, DEEP), Options(device="cpu", place=tuple(places)))
    assert error.value.diagnostics[0].code == code
    assert said in str(error.value) and "\x1b" not in str(error.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("compile", "a compiled network is on one device"),
        ("checkpoint units", "`checkpoint units`"),
        ("precision bf16", "one kind of device"),
    ],
)
def test_what_wants_one_device_is_refused(more: str, said: str, any_device: None) -> None:
    options = Options(device="cpu", place=("units.1=cuda:1",))
    with pytest.raises(TrainError, match=said):
        placement(graph(f"{SECTION}{more}", DEEP), options)


def test_one_process_alone(tmp_path: Path) -> None:
    options = Options(tmp_path, "two", "cpu", devices=2, place=("fc=cpu",))
    with pytest.raises(TrainError, match="for one process"):
        start(graph(SECTION), options)


def test_the_longest_path_and_the_inner_part_decide(any_device: None) -> None:
    net = graph(SECTION, DEEP)
    places = ["units=cuda:0", "units.1.conv1=cuda:2", "concat1=cuda:3,cuda:4", "conv1=cuda:5"]
    where = place.placed(net, places, "cuda:1").devices
    assert where["body.0"] == "cuda:1", "unplaced: where its input is"
    assert (where["conv1"], where["conv2"], where["relu1"]) == ("cuda:5", "cuda:4", "cuda:4")
    assert where["concat1"] == "cuda:5", "where its first input is"
    assert (where["units.1.conv1"], where["units.1.bn1"]) == ("cuda:2", "cuda:0")
    assert where["fc"] == where["gap1"] == "cuda:0"


def test_the_table_adds_up(any_device: None) -> None:
    net = archdsl.load("specs/alexnet.arch", "alexnet_columns").graph
    training = graph("data synthetic; optimizer adamw lr=0.1", DEEP).training
    net = net.model_copy(update={"training": training})
    first, second = place.loads(place.placed(net, COLUMNS, "cuda:0"))
    # The second column's layers: 48 of 11x11x3, 128 of 5x5x48, 192 of 3x3x192, 128 of 3x3x192.
    own = 48 * 364 + 128 * 1201 + 192 * 1729 + 128 * 1729
    assert second.parameters == own and first.parameters == 60_965_224 - own
    assert first.macs + second.macs == 724_406_816
    assert second.held == 16 * own, "weights, gradients, and two moments of AdamW, 4 bytes each"


def test_ten_thousand_layers_are_placed_at_once(any_device: None) -> None:
    import time

    net = archdsl.parse(
        "input 8x8x8\nconcat { { conv 3x3; relu } x2500 | { conv 3x3; relu } x2500 }"
    ).graph
    began = time.perf_counter()
    where = place.placed(net, ["concat1=cuda:0,cuda:1"], "cuda:0")
    assert time.perf_counter() - began < 2
    assert sum(d == "cuda:1" for d in where.devices.values()) == 5000


def test_bare_tensors_are_placed_too(any_device: None) -> None:
    net = archdsl.parse(
        "input 3x8x8\nconv 2x2 8 stride=2; tokens\npos: pos_embed init=normal(1)\nfc 4; gap; fc 2"
    ).graph
    where = place.placed(net, ["pos=cuda:1"], "cuda:0")
    seen, model = faked(net, where)
    assert str(model.pos.device) == seen["fc1"] == "cuda:1" and seen["conv1"] == "cuda:0"
