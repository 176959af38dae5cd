"""What theory asks of a layer, against what PyTorch does: for every sample of every layer."""

from __future__ import annotations

from itertools import product
from math import inf

import numpy as np
import pytest
import torch
from support import alone, load_weights, random_arrays, random_weights
from torch import Tensor, nn

import archdsl
from archdsl.backends import torch as torch_backend
from archdsl.ir import Node, Op, layers
from archdsl.ir.records import Sample, Window
from archdsl.ir.shapes import show
from archdsl.ir.signal import Signal
from archdsl.ops.activation import Relu, Sigmoid, Tanh

torch.set_num_threads(1)

SAMPLES = [(cls, sample) for cls in layers() for sample in cls.samples]
each_sample = pytest.mark.parametrize(
    ("cls", "sample"), SAMPLES, ids=[f"{show(s.inputs[0])}; {s.text}" for _, s in SAMPLES]
)


def nodes_of(cls: type[Op], sample: Sample) -> list[Node]:
    (shape,) = sample.inputs
    graph = archdsl.parse(f"input {show(shape)}\n{sample.text}").graph
    return [node for node in graph.nodes if type(node.op) is cls]


def module_of(node: Node, random: bool = True) -> nn.Module:
    graph = alone(node)
    module = torch_backend.build(graph)
    return load_weights(module, random_weights(graph)) if random else module.eval()


def arrays(node: Node, batch: int = 3, seed: int = 0) -> list[Tensor]:
    return [torch.from_numpy(a).double() for a in random_arrays(node.input_shapes, batch, seed)]


def close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=1e-7, atol=1e-9)


@each_sample
def test_a_layer_is_affine_as_it_says(cls: type[Op], sample: Sample) -> None:
    """f(a x + (1 - a) y) = a f(x) + (1 - a) f(y), at inference."""
    for node in nodes_of(cls, sample):
        module = module_of(node).double()
        xs, ys = arrays(node), arrays(node, seed=1)
        with torch.no_grad():
            mixed = module(*(3 * x - 2 * y for x, y in zip(xs, ys, strict=True)))
            expected = 3 * module(*xs) - 2 * module(*ys)
        assert close(mixed, expected) == cls.is_affine


@each_sample
def test_a_curve_is_what_each_value_goes_through(cls: type[Op], sample: Sample) -> None:
    """And a layer that acts on each value alone, and is not affine, has one."""
    for node in nodes_of(cls, sample):
        module = module_of(node, random=False).double()
        (x, *more) = arrays(node)
        curve = node.op.curve()
        with torch.no_grad():
            y = module(x, *more)
            if curve is not None:
                expected = [curve.of(float(v)) for v in x.flatten()]
                assert close(y.flatten(), torch.tensor(expected, dtype=torch.float64))
            elif not cls.is_affine and not more and y.shape == x.shape:
                changed = x.clone()
                changed.view(-1)[0] += 1
                others = (module(changed) - y).reshape(-1)[1:]
                assert others.abs().max() > 1e-12 or not x.flatten()[1:].numel()


@each_sample
def test_the_outputs_lie_within_the_bounds(cls: type[Op], sample: Sample) -> None:
    for node in nodes_of(cls, sample):
        low, high = node.op.bounds()
        assert low < high
        module = module_of(node, random=False).double()
        for factor in (0.1, 1.0, 30.0):
            with torch.no_grad():
                y = module(*(factor * x for x in arrays(node, 50)))
            assert low - 1e-4 <= y.min()
            assert y.max() <= high + 1e-4
        if node.op.curve() is not None:  # and the bounds are reached
            line = torch.linspace(-50, 50, 20001, dtype=torch.float64)
            with torch.no_grad():
                shape = (1, *node.input_shapes[0])
                values = torch.cat([module(v.expand(shape)).flatten()[:1] for v in line[::10]])
            assert values.min() <= low + 1e-2 or low == -inf
            assert values.max() >= high - 1e-2 or high == inf


@each_sample
def test_a_normalisation_undoes_what_it_says(cls: type[Op], sample: Sample) -> None:
    """In training, where the statistics are the batch's.

    Scaling by 7 what the statistics run over changes nothing, nor does adding 5 to it if they are
    centred; scaling one value of another channel, position or example changes a value only if the
    statistics run over it.
    """
    for node in nodes_of(cls, sample):
        found = node.op.normalizes(node.input_shapes, node.shape)
        module = module_of(node).double().train()
        xs = arrays(node, 4)
        if len(xs) > 1 or node.op.drops() or module(*xs).shape != xs[0].shape:
            assert found is None
            continue
        with torch.no_grad():
            y = module(*xs)
            large, larger = (module(*(a * x for x in xs)) for a in (7, 70))
            scaled = torch.allclose(large, larger, rtol=0.02, atol=0.01)
            varies = y.std() > 1e-6 and cls.family == "normalization"
            if found is None:
                assert not (scaled and varies)
                continue
            assert found.unit == scaled
            x = xs[0]
            shift = torch.allclose(module(x + 5), y, rtol=1e-6, atol=1e-9)
            assert found.centers == shift
            assert _reads(module, x, y, "batch") == found.batch
            if x.ndim == 4:
                assert _reads(module, x, y, "positions") == found.positions
            assert _group(module, x) == min(found.group, x.shape[1 if x.ndim == 4 else -1])


def _reads(module: nn.Module, x: Tensor, y: Tensor, what: str) -> bool:
    """Whether the first value depends on one of another example, or of another position."""
    changed = x.clone()
    if what == "batch":
        changed[1:] *= 3
    else:
        changed[0, :, 1:] *= 3
    return bool((module(changed) - y).reshape(y.shape[0], -1)[0, 0].abs() > 1e-9)


def _group(module: nn.Module, x: Tensor) -> int:
    """The channels that the middle channel's statistics run over."""
    axis = 1 if x.ndim == 4 else x.ndim - 1
    middle = x.shape[axis] // 2
    count = 0
    for channel in range(x.shape[axis]):
        changed = x.clone()
        changed.select(axis, channel).mul_(1.5).add_(torch.randn(1, dtype=torch.float64))
        if channel == middle:
            changed.select(axis, channel).copy_(x.select(axis, channel))
            count += 1
            continue
        difference = (module(changed) - module(x)).select(axis, middle)
        count += bool(difference.abs().max() > 1e-9)
    return count


@each_sample
def test_a_window_that_slides_reads_the_field(cls: type[Op], sample: Sample) -> None:
    for node in nodes_of(cls, sample):
        slide = node.op.slides(node.input_shapes, node.shape)
        kernels = [w.shape[2:] for w in node.weights.values() if w.role == "kernel"]
        if slide is None:
            assert cls.family == "linear" or not kernels or not kernels[0] or _transposed(node)
            continue
        assert kernels in ([], [slide.kernel])
        axes = zip(slide.kernel, slide.stride, slide.pad, slide.dilation, strict=True)
        assert node.field.windows == tuple(Window(s, -p, d * (k - 1) - p, d) for k, s, p, d in axes)
        assert slide.unread(node.input_shapes[0], node.shape) == _unread(node)


def _transposed(node: Node) -> bool:
    return any(w.stride < 1 or w.stride.denominator > 1 for w in node.field.windows) or all(
        w.first <= 0 <= w.last for w in node.field.windows
    )


def _unread(node: Node) -> tuple[int, int]:
    """The rows and columns at the end that pass no gradient."""
    (array,) = random_arrays(node.input_shapes, 64)
    x = torch.from_numpy(abs(array) + 0.1).requires_grad_()
    module_of(node)(x).square().sum().backward()
    assert x.grad is not None
    read = (x.grad != 0).any(0).any(0)
    rows, columns = read.any(1).nonzero(), read.any(0).nonzero()
    return (int(x.shape[2] - 1 - rows.max()), int(x.shape[3] - 1 - columns.max()))


@each_sample
def test_what_is_dropped_in_training(cls: type[Op], sample: Sample) -> None:
    for node in nodes_of(cls, sample):
        if node.op.drops() and cls.family == "regularization":
            torch.manual_seed(0)
            y = module_of(node).train()(*(torch.ones(2000, *s) for s in node.input_shapes))
            assert float((y == 0).float().mean()) == pytest.approx(node.op.drops(), abs=0.05)
            whole = (y == 0).flatten(1)
            assert torch.equal(whole.any(1), whole.all(1)) == cls.drops_whole
        elif len(node.inputs) == 1:
            module, xs = module_of(node), [x.float() for x in arrays(node)]
            again = [module.train()(*xs).detach() for _ in range(2)]
            assert torch.equal(*again) or cls.family == "attention"


def test_moments_of_curves_are_the_known_ones() -> None:
    """He et al. 2015, section 2.2: a ReLU halves the mean square; 1/sqrt(2 pi) is its mean."""
    relu, tanh, sigmoid = Relu().curve(), Tanh().curve(), Sigmoid().curve()
    assert relu.signal().mean_square == pytest.approx(1 / 2, abs=1e-3)
    assert relu.signal().mean == pytest.approx((2 * np.pi) ** -0.5, abs=1e-3)
    assert relu.mean_square_slope() == pytest.approx(1 / 2, abs=3e-2)
    assert (relu.steepest, tanh.steepest) == pytest.approx((1, 1), abs=1e-3)
    assert sigmoid.steepest == pytest.approx(1 / 4, abs=1e-4)
    z = torch.randn(10**6, generator=torch.Generator().manual_seed(0))
    for curve, function in ((tanh, torch.tanh), (sigmoid, torch.sigmoid)):
        for mean, variance in product((0.0, 0.7), (0.25, 1.0, 9.0)):
            values = function(mean + variance**0.5 * z)
            signal = curve.signal(Signal(mean, variance))
            assert signal.mean == pytest.approx(float(values.mean()), abs=5e-3)
            assert signal.mean_square == pytest.approx(float(values.square().mean()), rel=1e-2)
    assert [c.saturates for c in (relu, tanh, sigmoid)] == [False, True, True]
    assert relu.keeps(0, inf)
    assert not relu.keeps(-1, 1)
    assert not sigmoid.keeps(0, 1)


# Scales by channel, which go into the sums before them


def by_channel(values: Tensor, like: Tensor) -> Tensor:
    """A number for each channel, to be reckoned with a tensor of examples."""
    return values[:, None, None] if like.ndim == 4 else values


def state_of(node: Node) -> dict[str, np.ndarray]:
    state = random_weights(alone(node))
    return {name: np.float64(state[f"{node.name}.{name}" if name else node.name])
            for name in node.weights}  # fmt: skip


@each_sample
def test_a_layer_scales_and_shifts_channels_as_it_says(cls: type[Op], sample: Sample) -> None:
    """And one that does says so, unless it does nothing at all."""
    for node in nodes_of(cls, sample):
        if len(node.inputs) > 1 or node.shape != node.input_shapes[0]:
            assert not cls.scales_channels
            continue
        module, (x,) = module_of(node).double(), [10 * a for a in arrays(node)]
        with torch.no_grad():
            y, zero, one = module(x), module(torch.zeros_like(x)), module(torch.ones_like(x))
        axis = 1 if x.ndim == 4 else x.ndim - 1
        shift = zero.movedim(axis, -1).reshape(-1, zero.shape[axis])[0]
        scale = (one - zero).movedim(axis, -1).reshape(-1, zero.shape[axis])[0]
        does = close(y, x * by_channel(scale, x) + by_channel(shift, x))
        assert cls.scales_channels == (does and bool(node.onnx.nodes))
        if cls.scales_channels:
            ours = [torch.from_numpy(np.broadcast_to(v, scale.shape).copy())
                    for v in node.op.scale_shift(state_of(node))]  # fmt: skip
            assert close(ours[0], scale) and close(ours[1], shift)


@each_sample
def test_what_takes_in_a_scale_gives_the_scaled_output(cls: type[Op], sample: Sample) -> None:
    for node in nodes_of(cls, sample):
        larger = node.op.with_bias()
        if larger is None:
            continue
        random = np.random.default_rng(1)
        width = node.shape[0] if len(node.shape) != 2 else node.shape[1]
        scale, shift = random.normal(size=width), random.normal(size=width)
        changed = larger.absorb(state_of(node), scale, shift, node.input_shapes, node.shape)
        fields = {name: getattr(node, name) for name in Node.model_fields}
        again = Node(**fields | {"op": larger})
        assert list(changed) == list(again.weights)
        module = module_of(again).double()
        module.load_state_dict(
            {f"{node.name}.{name}": torch.from_numpy(a) for name, a in changed.items()}
        )
        inputs = arrays(node)
        with torch.no_grad():
            y = module_of(node).double()(*inputs)
            expected = y * by_channel(torch.from_numpy(scale), y)
            expected = expected + by_channel(torch.from_numpy(shift), y)
            assert close(module(*inputs), expected)


def test_who_scales_and_who_takes_it_in() -> None:
    """By name, so that one that is lost shows."""
    assert {c.name for c in layers() if c.scales_channels} == {"bn", "scale", "rescale"}
    takes = {c.name for c, s in SAMPLES if nodes_of(c, s)[0].op.with_bias() is not None}
    assert takes == {"conv", "dwconv", "upconv", "fc", "attention"}
