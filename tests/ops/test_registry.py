"""Every layer by what it must have, and every sample of it against PyTorch and onnxruntime."""

from __future__ import annotations

import inspect
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from support import (
    alone,
    assert_close,
    check_onnx,
    load_weights,
    random_arrays,
    random_weights,
    run_onnx,
)
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.backends import onnx as onnx_backend
from archdsl.backends import torch as torch_backend
from archdsl.ir import Graph, Node, Op, layers, registry
from archdsl.ir.records import Family, Sample, Weight, Window
from archdsl.ir.shapes import show

torch.set_num_threads(1)  # the tensors are small, and the tests run side by side

LAYERS = layers()
SAMPLES = [(cls, sample) for cls in LAYERS for sample in cls.samples]
FACETS = ("shape", "weights", "cost", "field", "signal", "torch", "onnx")

each_layer = pytest.mark.parametrize("cls", LAYERS, ids=lambda c: c.name)


def sample_mark(samples: list[tuple[type[Op], Sample]]) -> pytest.MarkDecorator:
    ids = [f"{show(s.inputs[0])}; {s.text}" for _, s in samples]
    return pytest.mark.parametrize(("cls", "sample"), samples, ids=ids)


each_sample = sample_mark(SAMPLES)
each_overwritable = sample_mark([case for case in SAMPLES if case[0].overwritable])


def graph_of(sample: Sample) -> Graph:
    (shape,) = sample.inputs
    return archdsl.parse(f"input {show(shape)}\n{sample.text}").graph


def nodes_of(cls: type[Op], graph: Graph) -> list[Node]:
    return [node for node in graph.nodes if type(node.op) is cls]


def module_of(graph: Graph) -> torch.nn.Module:
    """The network in PyTorch, with random weights, for inference."""
    return load_weights(torch_backend.build(graph), random_weights(graph))


# What a layer must have


def test_the_registry_has_the_layers_of_the_language() -> None:
    words = """conv dwconv maxpool avgpool adaptive_avgpool gap fc flatten bn ln lrn relu leaky_relu
        gelu sigmoid tanh softmax dropout identity add mul concat"""
    assert set(words.split()) <= {cls.name for cls in LAYERS}
    assert registry()["linear"] is registry()["fc"]


def test_a_word_of_another_tool_names_one_layer() -> None:
    words = [word for cls in LAYERS for word in cls.elsewhere]
    assert len(words) == len(set(words)) and not set(words) & set(registry())
    assert all(word == word.lower() and word.isalnum() for word in words)


@each_layer
def test_every_facet_is_there(cls: type[Op]) -> None:
    assert not inspect.isabstract(cls)
    for facet in FACETS:
        assert getattr(cls, facet) is not getattr(Op, facet), facet
    assert cls.family in get_args(Family)
    assert cls.positional <= len(cls.model_fields)


@each_layer
def test_the_docstring_is_the_layers_own(cls: type[Op]) -> None:
    text = cls.__dict__.get("__doc__") or ""
    first = text.strip().partition("\n")[0]
    assert first.endswith("."), "the first line is a sentence: reports and editors show it alone"


@each_layer
def test_every_argument_is_described(cls: type[Op]) -> None:
    for name, info in cls.model_fields.items():
        assert info.description, name


@each_layer
def test_the_samples_use_every_argument(cls: type[Op]) -> None:
    """What no sample sets, no test below would run."""
    assert cls.samples
    used = [node.op for sample in cls.samples for node in nodes_of(cls, graph_of(sample))]
    assert used
    for name, info in cls.model_fields.items():
        assert any(getattr(op, name) != info.default for op in used), name


# Every sample, run


@each_sample
def test_the_shape_is_the_one_that_pytorch_computes(cls: type[Op], sample: Sample) -> None:
    graph = graph_of(sample)
    for part in (graph, *map(alone, nodes_of(cls, graph))):
        arrays = random_arrays(tuple(i.shape for i in part.inputs), 2)
        with torch.no_grad():
            y = module_of(part)(*map(torch.from_numpy, arrays))
        assert tuple(y.shape) == (2, *part.outputs[0].shape)


@each_sample
def test_the_weights_are_the_state_dict(cls: type[Op], sample: Sample) -> None:
    graph = graph_of(sample)
    module = torch_backend.build(graph)

    def facts(weight: Weight) -> tuple[Any, ...]:
        return weight.shape, f"torch.{weight.dtype}"

    expected = [(k, (tuple(t.shape), str(t.dtype))) for k, t in module.state_dict().items()]
    assert [(k, facts(w)) for k, w in graph.state().items()] == expected
    trainable = [key for key, weight in graph.state().items() if weight.trainable]
    assert trainable == [name for name, _ in module.named_parameters()]


@each_sample
def test_the_macs_are_half_the_flops_that_pytorch_counts(cls: type[Op], sample: Sample) -> None:
    graph = graph_of(sample)
    module = torch_backend.build(graph).to("meta").eval()
    with FlopCounterMode(display=False) as counter:
        module(*(torch.empty(1, *i.shape, device="meta") for i in graph.inputs))
    assert sum(node.cost.macs for node in graph.nodes) * 2 == counter.get_total_flops()


@each_sample
def test_onnxruntime_gives_what_pytorch_gives(
    cls: type[Op], sample: Sample, tmp_path: Path
) -> None:
    graph = graph_of(sample)
    path = tmp_path / "sample.onnx"
    onnx_backend.write(graph, path, random_weights(graph))
    check_onnx(path)
    module = module_of(graph)
    for batch in (1, 3):
        arrays = random_arrays(tuple(i.shape for i in graph.inputs), batch, seed=batch)
        with torch.no_grad():
            expected = module(*map(torch.from_numpy, arrays)).numpy()
        (actual,) = run_onnx(path, arrays)
        assert_close(actual, expected)


@each_overwritable
def test_what_the_next_layer_may_overwrite_is_fresh_and_unneeded(
    cls: type[Op], sample: Sample
) -> None:
    """Overwriting the output changes no input and no gradient."""
    for part in map(alone, nodes_of(cls, graph_of(sample))):
        for training in (True, False):
            module = module_of(part).train(training)
            arrays = random_arrays(tuple(i.shape for i in part.inputs), 2)
            inputs = [torch.from_numpy(a).requires_grad_() for a in arrays]
            torch.manual_seed(0)  # dropout inside a layer
            y = module(*inputs)
            expected = torch.autograd.grad(y.relu().square().sum(), inputs)

            module = module_of(part).train(training)  # whose running statistics are as before
            # The input is no leaf here, so that a view of it could be overwritten unnoticed.
            inner = [x * 1 for x in inputs]
            torch.manual_seed(0)
            y = torch.relu_(module(*inner))
            for x, a in zip(inner, arrays, strict=True):
                np.testing.assert_array_equal(x.detach().numpy(), a)
            actual = torch.autograd.grad(y.square().sum(), inputs)
            for got, want in zip(actual, expected, strict=True):
                torch.testing.assert_close(got, want)


# Receptive fields, by gradient


def reach(module: torch.nn.Module, inputs: list[torch.Tensor], which: int) -> torch.Tensor:
    """Which input positions each output position reads: (outputs..., inputs...), flattened.

    Channels and examples are put together; there are many examples, so that each input of a
    maximum wins in some, and the signs differ, so that what cancels in one does not in all.
    """
    y = module(*inputs)
    generator = torch.Generator().manual_seed(0)
    rows: list[torch.Tensor] = []
    for position in np.ndindex(*places(tuple(y.shape[1:]))):
        mask = torch.zeros_like(y)
        index = (slice(None), slice(None), *position) if y.ndim == 4 else (slice(None), *position)
        mask[index] = torch.randn(mask[index].shape, generator=generator)
        (gradient,) = torch.autograd.grad(y, inputs[which], mask, retain_graph=True)
        read = (gradient != 0).any(0)
        rows.append(read.any(0) if read.ndim == 3 else read.any(-1) if read.ndim == 2 else read)
    return torch.stack(rows)


def places(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that positions have: a map's height and width, a sequence's length."""
    return shape[1:] if len(shape) == 3 else shape[:1] if len(shape) == 2 else ()


def bounds(read: torch.Tensor) -> list[tuple[int, int]]:
    """First and last index that is read, per axis."""
    found = read.nonzero()
    return list(zip(found.amin(0).tolist(), found.amax(0).tolist(), strict=True))


@each_sample
def test_the_field_is_what_the_gradient_reaches(cls: type[Op], sample: Sample) -> None:
    for node in nodes_of(cls, graph_of(sample)):
        part = alone(node)
        module = module_of(part)
        shapes = tuple(i.shape for i in part.inputs)
        arrays = random_arrays(shapes, 64)
        inputs = [torch.from_numpy(abs(a) + 0.1).requires_grad_() for a in arrays]
        for which, shape in enumerate(shapes):
            if not places(shape):
                continue  # a vector has no positions
            reads = reach(module, inputs, which)
            if node.field.whole:
                assert_whole(node, reads, shape)
            else:
                assert_windows(node, reads, shape)


def assert_whole(node: Node, reads: torch.Tensor, shape: tuple[int, ...]) -> None:
    """Together the outputs read everything, and no window says more precisely what each reads."""
    everything = [(0, n - 1) for n in places(shape)]
    assert bounds(reads.any(0)) == everything
    found = [bounds(read) for read in reads]
    if not places(node.shape) or all(each == everything for each in found):
        return
    positions = list(np.ndindex(*places(node.shape)))
    for axis in range(len(everything)):
        spans = dict(zip((p[axis] for p in positions), (b[axis] for b in found), strict=True))
        steps = {tuple(np.subtract(spans[i + 1], spans[i])) for i in range(len(spans) - 1)}
        if len(steps) > 1 or any(first != last for first, last in steps):
            return
    pytest.fail("every output reads a window at a fixed step")


def _along_axes(read: torch.Tensor) -> list[list[int]]:
    """The indices on each axis at which something is read."""
    return [sorted(set(column)) for column in read.nonzero().T.tolist()]


def assert_windows(node: Node, reads: torch.Tensor, shape: tuple[int, ...]) -> None:
    """Each output position whose window lies within the input reads exactly up to its bounds.

    A vector is one position, 0; tokens are those of a map row by row, where one becomes the other.
    """
    own, read_from = places(node.shape), places(shape)
    if not node.field.windows and len(own) != len(read_from):
        assert torch.equal(reads.flatten(1), torch.eye(len(reads), dtype=torch.bool))
        return
    windows = node.field.windows or (Window(1, 0, 0),) * len(read_from)
    positions = np.ndindex(*own) if own else [(0,) * len(windows)]
    seen = 0
    for read, position in zip(reads, positions, strict=True):
        taps = [
            [j for j in w.reads(i) if 0 <= j < n]
            for w, i, n in zip(windows, position, read_from, strict=True)
        ]
        assert _along_axes(read) == (taps if all(taps) else [[] for _ in taps]), node.op.text()
        spans = [w.span(i) for w, i in zip(windows, position, strict=True)]
        within = [a >= 0 and b < n for (a, b), n in zip(spans, places(shape), strict=True)]
        if all(within):
            assert bounds(read) == spans, (node.op.text(), position)
            seen += 1
    assert seen, "the sample is too small to show a whole window"


def test_the_gradient_test_sees_a_shifted_window() -> None:
    """The instrument itself: a convolution without padding does not pass for one with."""
    graph = archdsl.parse("input 1x7x7\nconv 3x3 1 pad=0").graph
    inputs = [torch.rand(64, 1, 7, 7).requires_grad_()]
    reads = reach(module_of(graph), inputs, 0)
    assert [bounds(read) for read in reads] == [
        [(i, i + 2), (j, j + 2)] for i, j in product(range(5), range(5))
    ]
