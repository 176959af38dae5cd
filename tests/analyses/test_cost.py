"""Parameters, buffers, MACs and other work, against the papers' figures, PyTorch, and by hand."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.analyses import cost
from archdsl.ir.records import Cost

ALEXNET = """
    input 3x227x227
    conv 11x11 96 stride=4 pad=0;  relu; lrn; maxpool 3x3 stride=2
    conv 5x5 256 groups=2;         relu; lrn; maxpool 3x3 stride=2
    conv 3x3 384;                  relu
    conv 3x3 384 groups=2;         relu
    conv 3x3 256 groups=2;         relu; maxpool 3x3 stride=2
    { fc 4096; relu; dropout 0.5 } x2
    fc 1000
"""
LENET = """
    input 1x32x32
    conv 5x5 6 pad=0; tanh; avgpool 2x2; conv 5x5 16 pad=0; tanh; avgpool 2x2
    fc 120; tanh; fc 84; tanh; fc 10
"""
RESIDUAL = """
    input 3x30x34
    conv 7x7 16 stride=2 bias=false; bn; relu; maxpool 3x3 stride=2 pad=1
    residual { conv 3x3 32 stride=2; bn; relu; conv 3x3; bn | conv 1x1 32 stride=2; bn }; relu
    concat { dwconv 3x3; conv 1x1 8 | avgpool 3x3 stride=1 pad=1 }; ln; gelu; gap; fc 10
"""


@pytest.mark.parametrize(
    ("text", "params", "macs"), [(ALEXNET, 60_965_224, 724_406_816), (LENET, 61_706, 416_520)]
)
def test_the_figures_of_the_papers(text: str, params: int, macs: int) -> None:
    totals = cost.of_graph(archdsl.parse(text).graph)
    assert (totals.params, totals.macs, totals.flops) == (params, macs, 2 * macs)


@pytest.mark.parametrize("text", [LENET, RESIDUAL])
def test_pytorch_agrees(text: str) -> None:
    """Its own counters of parameters, buffers and FLOPs, on the compiled module."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    net = archdsl.parse(text)
    model = net.to_torch().eval()
    totals = cost.of_graph(net.graph)
    assert totals.params == sum(p.numel() for p in model.parameters())
    assert totals.buffers == sum(b.numel() for b in model.buffers())
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, *net.graph.inputs[0].shape))
    assert totals.flops == counter.get_total_flops()


def test_layers_add_up() -> None:
    graph = archdsl.parse(RESIDUAL).graph
    layers = [cost.of_node(node) for node in graph.nodes]
    totals = cost.of_graph(graph)
    assert sum(each.params for each in layers) == totals.params
    assert sum((each.cost for each in layers), Cost()) == totals.cost


def test_other_work_is_apart() -> None:
    """A 4x4 map of 2 channels: 32 values each for relu, bn and the sum; gap reads 32."""
    totals = cost.of_graph(archdsl.parse("input 2x4x4; residual { relu; bn }; gap; fc 3").graph)
    assert totals.cost == Cost(macs=6, normalization=32, activation=32, pooling=32, elementwise=32)
    assert (totals.params, totals.buffers) == (2 + 2 + 6 + 3, 2 + 2 + 1)


SIAMESE = """
    input left 1x12x12
    input right 1x12x12
    tower: { conv 5x5 4 pad=0; relu; gap }
    concat { @tower | @right; reuse tower }
    fc 1
"""
AUXILIARY = """
    input 3x16x16
    conv 3x3 8; relu
    aux head weight=0.3 { gap; fc 100 }
    gap; fc 10
"""


def test_shared_weights_count_once_and_work_as_often_as_it_is_done() -> None:
    graph = archdsl.parse(SIAMESE).graph
    rows = [cost.of_node(node) for node in graph.nodes]
    totals = cost.of_graph(graph)
    assert totals.params == sum(row.params for row in rows) == (25 * 4 + 4) + (8 + 1)
    assert totals.macs == sum(row.macs for row in rows) == 2 * 8 * 8 * 25 * 4 + 8


def test_an_auxiliary_head_weighs_but_does_no_work_at_inference() -> None:
    graph = archdsl.parse(AUXILIARY).graph
    totals = cost.of_graph(graph)
    assert totals.params == (27 * 8 + 8) + (8 * 100 + 100) + (8 * 10 + 10)
    assert totals.macs == sum(cost.of_node(n).macs for n in graph.nodes) == 16 * 16 * 27 * 8 + 80
