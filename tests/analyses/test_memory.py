"""The memory of whole networks, against what PyTorch's allocator gave out in a run on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from allocations import Run
from torch import nn
from torch.utils.checkpoint import checkpoint

import archdsl
from archdsl.analyses import memory
from archdsl.ir.shapes import elements
from archdsl.ir.training.learning import Adam, AdamW, Optimizer, Sgd

NETWORKS = ["alexnet", "vgg16", "resnet50", "vit_base_patch16_224"]
BATCH = 1  # so that it is quick; what is kept is checked by itself, to the byte


@pytest.mark.parametrize("name", NETWORKS)
def test_inference(name: str) -> None:
    net = archdsl.zoo(name)
    predicted = memory.inference(net.graph).peak(BATCH).total
    assert predicted == pytest.approx(Run(net, BATCH).inference(), rel=0.1)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_of_training(name: str) -> None:
    net = archdsl.zoo(name)
    predicted = memory.training(net.graph, optimizer=Sgd(momentum=0.9)).peak(BATCH).total
    run = Run(net, BATCH)
    optimizer = torch.optim.SGD(run.model.parameters(), lr=0.0, momentum=0.9, foreach=True)
    assert predicted == pytest.approx(run.training(optimizer), rel=0.05)


@pytest.mark.parametrize("setting", ["freeze all except fc", "freeze until layer4"])
def test_a_step_with_frozen_parts(setting: str) -> None:
    """They have no gradients and no state, and what they compute is not kept."""
    from archdsl.train.frozen import frozen, hold, standing

    net = archdsl.zoo("resnet18")
    section = f"layer4: {{ fc 3 }}\nfc: fc 2\ntrain {{ {setting} }}"
    training = archdsl.parse(f"input 3\nlayer3: {{ fc 3 }}\n{section}").graph.training
    graph = net.graph.model_copy(update={"training": training})
    predicted = memory.training(graph, optimizer=Sgd(momentum=0.9)).peak(BATCH).total
    run, held = Run(net, BATCH), frozen(graph)
    hold(run.model, held.weights)
    for module in standing(run.model, [node.path for node in graph.nodes], held.layers):
        module.eval()
        module.train = lambda mode=True: module  # noqa: B023  # pyright: ignore
    trained = [w for w in run.model.parameters() if w.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.0, momentum=0.9, foreach=True)
    whole = memory.training(net.graph, optimizer=Sgd(momentum=0.9)).peak(BATCH).total
    assert predicted == pytest.approx(run.training(optimizer), rel=0.1)
    assert predicted < 0.85 * whole


def test_what_thaws_is_trained_in_the_end() -> None:
    text = "input 8\nfc1: fc 100\nfc2: fc 2\ntrain { freeze all except fc2 epochs=2 }"
    thaws = memory.training(archdsl.parse(text).graph).peak(4).total
    assert thaws == memory.training(archdsl.parse(text.partition("train")[0]).graph).peak(4).total


@pytest.mark.parametrize(
    "name", [*NETWORKS, "googlenet", "se_resnet50", "unet", "lenet", "mobilenet_v2"]
)
def test_what_is_kept_between_forward_and_backward(name: str) -> None:
    net = archdsl.zoo(name)
    model = net.to_torch().train()
    xs = [torch.randn(BATCH, *i.shape) for i in net.graph.inputs]
    weights = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    found: dict[int, int] = {}
    alive: list[torch.Tensor] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        alive.append(tensor)
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        given = model(*xs)
    for x in (*xs, *(given.values() if isinstance(given, dict) else [given])):
        found[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
    last = [m for m in memory.training(net.graph).moments if m.phase == "forward"][-1]
    masks = sum(elements(n.shape) for n in net.graph.nodes if n.op.drops())
    predicted = BATCH * (last.each + 3 * masks) + last.fixed  # the CPU's masks have 4 bytes a value
    assert sum(found.values()) == pytest.approx(predicted, rel=0.001)


SMALL = "input 3x64x64\n{ conv 3x3 64; bn; relu } x4\nmaxpool 4x4\nfc 1000"


OPTIMIZERS: dict[str, tuple[Optimizer, Callable[..., torch.optim.Optimizer]]] = {
    "sgd": (Sgd(), torch.optim.SGD),
    "momentum": (Sgd(momentum=0.9), partial(torch.optim.SGD, momentum=0.9)),
    "decay": (
        Sgd(momentum=0.9, weight_decay=0.1),
        partial(torch.optim.SGD, momentum=0.9, weight_decay=0.1),
    ),
    "nesterov": (
        Sgd(momentum=0.9, nesterov=True),
        partial(torch.optim.SGD, momentum=0.9, nesterov=True),
    ),
    "adam": (Adam(), torch.optim.Adam),
    "adam_decay": (Adam(weight_decay=0.1), partial(torch.optim.Adam, weight_decay=0.1)),
    "amsgrad": (Adam(amsgrad=True), partial(torch.optim.Adam, amsgrad=True)),
    "adamw": (AdamW(), torch.optim.AdamW),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str) -> None:
    """Where the weights are most of it, the optimizer's own tensors decide."""
    setting, make = OPTIMIZERS[name]
    net = archdsl.parse(SMALL)
    predicted = memory.training(net.graph, optimizer=setting).peak(1).total
    run = Run(net, 1)
    taken = run.training(make(run.model.parameters(), lr=0.0, foreach=True))
    assert predicted == pytest.approx(taken, rel=0.03)


class Checkpointed(nn.Module):
    """A module that runs again in the backward pass."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return checkpoint(self.module, x, use_reentrant=False)


@pytest.mark.parametrize("scope", ["a", "b.*", "whole"])
def test_parts_that_run_again(scope: str) -> None:
    net = archdsl.parse(
        """
        input 16x64x64
        block unit { residual { conv 3x3; bn; relu; conv 3x3; bn }; relu }
        whole: sequence {
          a: sequence { conv 3x3 32; bn; relu; conv 3x3 32; gelu }
          b: { unit } x4
        }
        gap; fc 10
        """.replace("whole: sequence {", "whole: sequence {" if scope == "whole" else "{")
    )
    course = memory.training(net.graph, optimizer=Sgd(), checkpoint=[scope])
    run = Run(net, 16)
    parents = [run.model.b] if scope == "b.*" else [run.model]
    for parent in parents:
        for name, child in list(parent.named_children()):
            if scope in (name, "b.*"):
                setattr(parent, name, Checkpointed(child))
    taken = run.training(torch.optim.SGD(run.model.parameters(), lr=0.0))
    assert course.peak(16).total == pytest.approx(taken, rel=0.1)
    if scope != "whole":  # to run all of it again saves nothing
        assert (
            course.peak(16).total < 0.9 * memory.training(net.graph, optimizer=Sgd()).peak(16).total
        )


def test_the_largest_batch() -> None:
    course = memory.training(archdsl.zoo("resnet18").graph)
    batch = course.largest_batch(8_000_000_000)
    assert course.peak(batch).total <= 8_000_000_000 < course.peak(batch + 1).total
    assert course.largest_batch(1000) == 0


def test_half_the_width_is_half_the_memory_but_for_statistics() -> None:
    graph = archdsl.zoo("vgg16").graph
    wide, narrow = (memory.training(graph, t).peak(4).total for t in ("float32", "bfloat16"))
    assert narrow == pytest.approx(wide / 2, rel=0.02)  # a pool's places are 64 bits wide


def test_what_does_not_exist_is_told() -> None:
    graph = archdsl.zoo("resnet18").graph
    with pytest.raises(archdsl.ArchError, match="layer5"):
        memory.training(graph, checkpoint=["layer5"])
    with pytest.raises(ValueError, match="float33"):
        memory.inference(graph, "float33")
