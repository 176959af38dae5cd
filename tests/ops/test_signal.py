"""What layers make of means and variances as training starts, against fresh PyTorch modules."""

from __future__ import annotations

import pytest
import torch
from support import alone
from test_theory import each_sample, nodes_of

import archdsl
from archdsl.analyses.signal import signals
from archdsl.backends import torch as torch_backend
from archdsl.ir import Op
from archdsl.ir.initializers import INITIALIZERS, Glorot, He, TruncatedNormal
from archdsl.ir.records import Sample
from archdsl.ir.signal import Signal, largest_of

SEEDS = 40


@each_sample
def test_weights_start_as_in_pytorch(cls: type[Op], sample: Sample) -> None:
    for node in nodes_of(cls, sample):
        drawn = [torch_backend.build(alone(node), seed=s).state_dict() for s in range(10)]
        for key in drawn[0]:
            name = key.removeprefix(node.name).lstrip(".")
            if node.weights[name].role == "statistic":
                assert name not in node.starts
                continue
            values = torch.stack([state[key] for state in drawn]).double()
            start, n = node.starts[name], values.numel()
            assert float(values.mean()) == pytest.approx(
                start.mean, abs=5 * (start.variance / n) ** 0.5 + 1e-6
            )
            variance = float(values.var(correction=0))
            assert variance == pytest.approx(start.variance, rel=0.05 + 6 / n**0.5, abs=1e-12)


@each_sample
def test_the_signal_is_what_fresh_modules_give(cls: type[Op], sample: Sample) -> None:
    """Within a third, for independent values; dropout, which is of training alone, aside."""
    if cls.family == "regularization":
        return
    for node in nodes_of(cls, sample):
        for x in (Signal(0.0, 1.0), Signal(0.6, 0.25)):
            given = tuple(x for _ in node.inputs)
            said = node.op.signal(given, node.starts, node.input_shapes, node.shape)
            mean, mean_square = measured(node, x)
            scale = max(said.mean_square, mean_square) ** 0.5
            assert mean == pytest.approx(said.mean, abs=0.12 * scale), node.op.text()
            assert mean_square == pytest.approx(said.mean_square, rel=0.3), node.op.text()


def measured(node: archdsl.ir.Node, x: Signal) -> tuple[float, float]:
    """The mean and the mean square over examples, values and modules."""
    means: list[float] = []
    squares: list[float] = []
    for seed in range(SEEDS):
        module = torch_backend.build(alone(node), seed=seed).train()
        torch.manual_seed(seed)
        inputs = [x.mean + x.variance**0.5 * torch.randn(64, *s) for s in node.input_shapes]
        with torch.no_grad():
            y = module(*inputs)
        means.append(float(y.mean()))
        squares.append(float(y.square().mean()))
    return sum(means) / SEEDS, sum(squares) / SEEDS


def test_initialisers_say_what_they_draw() -> None:
    shape = (40, 30, 3, 3)
    inits = [cls() for cls in INITIALIZERS.values()]
    inits += [He(mode="fan_out"), He(nonlinearity="tanh"), TruncatedNormal(std=0.5, mean=1.0)]
    for init in inits:
        function, *arguments = init.torch()
        tensor = torch.empty(shape, dtype=torch.float64)
        torch.manual_seed(0)
        call = ", ".join(["tensor", *arguments])
        eval(f"torch.nn.init.{function}({call})")
        said = init.signal(shape)
        assert float(tensor.mean()) == pytest.approx(said.mean, abs=0.02)
        assert float(tensor.var()) == pytest.approx(said.variance, rel=0.05, abs=1e-12)


def test_the_largest_of_several() -> None:
    """Of two standard normal values it is 1/sqrt(pi) on average, with variance 1 - 1/pi."""
    assert largest_of(2).mean == pytest.approx(torch.pi**-0.5, abs=1e-4)
    assert largest_of(2).variance == pytest.approx(1 - 1 / torch.pi, abs=1e-4)


def test_initialisers_say_what_a_square_layer_keeps() -> None:
    """And none that does not go by the width says so: with another one it makes something else."""
    for init in [
        *(cls() for cls in INITIALIZERS.values()),
        He(nonlinearity="tanh"),
        Glorot(gain=2),
    ]:
        function, *arguments = init.torch()
        kept: list[float] = []
        for width in (200, 800):
            tensor = torch.empty(width, width, dtype=torch.float64)
            torch.manual_seed(0)
            eval(f"torch.nn.init.{function}({', '.join(['tensor', *arguments])})")
            x = torch.randn(200, width, dtype=torch.float64)
            kept.append(float((x @ tensor.T).square().mean() / x.square().mean()))
        if init.keeps() is None:
            assert kept[1] == 0 or kept[1] > 2 * kept[0]
        else:
            assert kept == pytest.approx([init.keeps()] * 2, rel=0.05)


@pytest.mark.parametrize("start", ["he", "glorot", "normal(0.01)", "orthogonal"])
def test_a_deep_chain_fades_and_grows_as_it_does_in_pytorch(start: str) -> None:
    """Thirty layers of 256 units with ReLUs: the logarithm of the variance within a tenth."""
    text = f"input 256\n{{ fc 256 init={start} bias_init=0; relu }} x30"
    graph = archdsl.parse(text).graph
    said = signals(graph)[graph.main.node].mean_square
    found: list[float] = []
    for seed in range(8):
        module = torch_backend.build(graph, seed=seed).double()
        with torch.no_grad():
            x = torch.randn(64, 256, generator=torch.Generator().manual_seed(seed)).double()
            found.append(float(module(x).square().mean()))
    actual = torch.tensor(found).log().mean()
    assert float(actual) == pytest.approx(float(torch.tensor(said).log()), rel=0.1, abs=0.7)


def test_nothing_overflows() -> None:
    """A chain that explodes ends at a large number, whatever is in it."""
    words = "fc 64 init=normal(30); {}; residual {{ fc 64 init=normal(30) }}; mul {{ | fc 64 }}"
    for name in ("relu", "gelu", "gelu approximate=tanh", "silu", "elu", "softmax", "log_softmax"):
        graph = archdsl.parse(f"input 64\n{{ {words.format(name)} }} x200").graph
        for signal in signals(graph).values():
            assert 0 <= signal.variance < float("inf")
