"""What the pages of the rules claim, measured in PyTorch."""

from __future__ import annotations

import re
from math import log

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import archdsl
from archdsl.backends import torch as torch_backend
from archdsl.ir.training import settings
from archdsl.ir.training.learning import Loss
from archdsl.lint.ranges import acts, arriving
from archdsl.lint.view import FileView, NetworkView

torch.set_num_threads(1)

LOSSES: dict[str, type[Loss]] = {s.name: s for s in settings() if issubclass(s, Loss)}


@pytest.mark.parametrize(
    ("norm", "useless"),
    [
        ("bn", True),
        ("instancenorm", True),
        ("gn groups=6", True),
        ("gn groups=3", False),
        ("ln", False),
        ("rmsnorm", False),
        ("lrn", False),
    ],
)
def test_a_bias_gets_a_gradient_where_the_rule_is_silent(norm: str, useless: bool) -> None:
    """L201: without a gradient, and without an effect, where it is not."""
    text = f"input 3x8x8\nconv 3x3 6; {norm}"
    net = archdsl.parse(text)
    module = net.to_torch().double().train()
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0)).double()
    weights = torch.randn(4, 6, 8, 8, generator=torch.Generator().manual_seed(1)).double()
    (module(x) * weights).sum().backward()
    (bias,) = [p for key, p in module.named_parameters() if key == "conv1.bias"]
    assert bias.grad is not None
    assert (float(bias.grad.abs().max()) < 1e-9) == useless
    assert ("L201" in [f.code for f in net.lint()]) == useless


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_what_a_batch_norm_behind_dropout_remembers(p: float) -> None:
    """L202: the running variance is that of training, 1/(1 - p) times as large."""
    text = f"input 16x8x8\ndropout {p}; conv 1x1 16 bias=false; bn momentum=1.0"
    (finding,) = archdsl.parse(text).lint(select=["L202"])
    module = archdsl.parse(text).to_torch()
    x = torch.randn(256, 16, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    with torch.no_grad():
        module.train()(x)
        remembered = module.get_buffer("bn1.running_var")
        met = nn.Sequential(*list(module.eval().children())[:2])(x).var((0, 2, 3))
    ratio = float((remembered / met).mean())
    assert ratio == pytest.approx(1 / (1 - p), rel=0.03)
    assert f"{1 / (1 - p):.2f} times" in finding.diagnostic.label


@pytest.mark.parametrize("classes", [2, 10, 1000])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (0.0, 6.0)])
def test_the_least_cross_entropy_of_bounded_outputs(low: float, high: float, classes: int) -> None:
    """L206: the right class at the upper bound, all others at the lower; no gradient step helps."""
    least = LOSSES["cross_entropy"]().least(low, high, classes)
    best = torch.full((1, classes), low, dtype=torch.float64)
    best[0, 0] = high
    target = torch.tensor([0])
    assert float(F.cross_entropy(best, target)) == pytest.approx(least)
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        other = low + (high - low) * torch.rand(1, classes, generator=generator).double()
        assert float(F.cross_entropy(other, target)) >= least


def test_the_floors_that_the_page_names() -> None:
    """Log(1 + 9/e), log(1 + 999/e), log 2."""
    floors = [LOSSES["cross_entropy"]().least(0, 1, n) for n in (10, 1000)]
    assert floors == pytest.approx([1.461, 5.91], abs=5e-3)
    assert LOSSES["bce"]().least(0, 1, 1) == pytest.approx(log(2))
    zero, one = torch.zeros(1), torch.ones(1)
    worst = max(
        float(F.binary_cross_entropy_with_logits(one, one)),
        float(F.binary_cross_entropy_with_logits(zero, zero)),
    )
    assert LOSSES["bce"]().least(0, 1, 1) == pytest.approx(worst)
    assert LOSSES["mse"]().least(0, 1, 1) == 0


@pytest.mark.parametrize(
    "text",
    [
        "relu; relu",
        "sigmoid; relu6",
        "relu6; maxpool 2x2; relu",
        "relu; avgpool 3x3 pad=1 stride=1; leaky_relu",
        "softmax; relu",
        "relu; dropout; relu",
    ],
)
def test_an_activation_without_effect_changes_nothing(text: str) -> None:
    """L205: in training too, and with weights that hide nothing."""
    net = archdsl.parse(f"input 4x6x6\n{text}")
    assert net.tree is not None
    view = NetworkView(net.graph, FileView(net.tree, (net.graph,)))
    last = net.graph.nodes[-1]
    assert not acts(last, arriving(view)[last.path])
    parts = list(torch_backend.build(net.graph).train().children())
    x = 10 * torch.randn(64, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    before = nn.Sequential(*parts[:-1])(x).clone()
    torch.manual_seed(0)
    assert torch.equal(nn.Sequential(*parts)(x), before)


@pytest.mark.parametrize(
    "text",
    [
        "{ fc 200 init=glorot; sigmoid } x6",
        "{ fc 200; tanh } x18",
        "{ fc 300 init=normal(0.02); relu; fc 100 init=normal(0.02); tanh } x5",
    ],
)
def test_gradients_vanish_as_it_is_told(text: str) -> None:
    """L402: of the length of a gradient at the last activation, what comes back to the first."""
    net = archdsl.parse(f"input 200\n{text}\nfc 10")
    (finding,) = net.lint(select=["L402"])
    told = re.search(r"give back (\S+) of a gradient", finding.diagnostic.label)
    assert told is not None
    kept: list[float] = []
    for seed in range(8):
        *parts, _ = torch_backend.build(net.graph, seed=seed).double().children()
        x = torch.randn(64, 200, generator=torch.Generator().manual_seed(seed)).double()
        first = parts[0](x).detach().requires_grad_()
        last = nn.Sequential(*parts[1:])(first * 1)  # some overwrite what they are given
        sent = torch.randn(last.shape, generator=torch.Generator().manual_seed(seed)).double()
        (back,) = torch.autograd.grad(last, first, sent)
        kept.append(float(back.norm() / sent.norm()))
    assert sum(map(log, kept)) / 8 == pytest.approx(log(float(told[1])), abs=0.6)


def test_what_layers_give_on_is_as_it_is_told() -> None:
    """L406: a ReLU behind Glorot's variance halves the mean square."""
    net = archdsl.parse("input 500\n{ fc 500 init=glorot bias_init=0; relu } x8\nfc 10")
    (finding,) = net.lint(select=["L406"])
    parts = list(torch_backend.build(net.graph, seed=0).children())
    x = torch.randn(500, 500, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        given = float(nn.Sequential(*parts[:-1])(x).square().mean() / x.square().mean())
    assert given == pytest.approx(0.5**8, rel=0.3)
    assert "8 such layers 0.004 of it" in finding.diagnostic.label


def test_values_stay_within_the_bounds_that_arrive() -> None:
    """Through pooling, dropout and moves, in training, for what each layer is given."""
    text = "sigmoid; dropout; maxpool 2x2; pad 1; tokens; take start=1; gap; tanh; dropout; relu6"
    net = archdsl.parse(f"input 4x8x8\n{text}")
    assert net.tree is not None
    bounds = arriving(NetworkView(net.graph, FileView(net.tree, (net.graph,))))
    module = net.to_torch().train()
    seen: dict[str, torch.Tensor] = {}
    for name, part in module.named_children():
        part.register_forward_pre_hook(lambda _, given, name=name: seen.update({name: given[0]}))
    torch.manual_seed(0)
    module(10 * torch.randn(200, 4, 8, 8))
    for name, value in seen.items():
        low, high = bounds[name]
        assert low <= float(value.min()) <= float(value.max()) <= high + 1e-6, name
