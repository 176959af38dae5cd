"""Networks that compile: what was inferred is what PyTorch does; the same text, the same bytes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from strategies import examples, networks

import archdsl
from archdsl.ir import Graph


@examples(100)
@given(networks())
def test_the_graph_survives_json(text: str) -> None:
    graph = archdsl.parse(text).graph
    again = Graph.from_json(graph.to_json())
    assert again == graph
    assert again.to_json() == graph.to_json()


@examples(50)
@given(networks())
def test_the_same_text_gives_the_same_bytes(text: str) -> None:
    one, two = archdsl.parse(text), archdsl.parse(text)
    assert one.graph.to_json() == two.graph.to_json()
    assert one.torch_source() == two.torch_source()


@examples(25)
@given(networks())
def test_the_inferred_shape_is_the_executed_shape(text: str) -> None:
    """Of every layer, not of the output alone: a hook on each module sees what it gives."""
    network = archdsl.parse(text)
    graph = network.graph
    model = network.to_torch()
    seen: dict[str, tuple[int, ...]] = {}

    def watch(path: str) -> None:
        def keep(module: torch.nn.Module, given: object, result: torch.Tensor) -> None:
            seen[path] = tuple(result.shape)

        model.get_submodule(path).register_forward_hook(keep)

    modules = dict(model.named_modules())
    watched = [node for node in graph.nodes if node.path in modules and node.shares is None]
    for node in watched:
        watch(node.path)
    model.eval()
    with torch.no_grad():
        result = model(torch.zeros(2, *graph.inputs[0].shape))
    assert tuple(result.shape) == (2, *graph.outputs[0].shape)
    assert seen == {node.path: (2, *node.shape) for node in watched}
    assert len(watched) >= sum(bool(node.weights) for node in graph.nodes if node.shares is None)


@examples(25)
@given(networks())
def test_the_weights_are_the_modules(text: str) -> None:
    """The state_dict is what the graph says, key by key and in order."""
    network = archdsl.parse(text)
    expected = {
        key: (tuple(value.shape), str(value.dtype).removeprefix("torch."))
        for key, value in network.to_torch().state_dict().items()
    }
    found = {key: (w.shape, w.dtype) for key, w in network.graph.state().items()}
    assert found == expected
    assert list(found) == list(expected)


NAMES = "self x y nn torch Tensor tensor F super forward_ result cat print list int range object T"


@pytest.mark.parametrize("word", NAMES.split())
@pytest.mark.parametrize(
    "text",
    [
        "input 4x6x6\n{0}: conv 3x3; concat {{ | relu }}",
        "input {0}_ 4x6x6\n{0}: {{ conv 3x3; relu }} x2; concat {{ | relu }}",
        "input im{0} 4x6x6\nconv 3x3; mul {{ | gap; fc 4 }}; {0}: residual {{ bn }}",
        "block {0}_ a=4 {{ conv 3x3 a; bn }}\ninput 4x6x6\n{0}: {0}_; {0}_ x2",
        "block b {0}=4 {{ conv 3x3 ({0}); bn }}\ninput 4x6x6\nb 3; b; b {0}=5",
        "network {0} {{ input 4x6x6; conv 3x3; concat {{ | relu }} }}",
    ],
)
def test_no_name_breaks_the_generated_module(word: str, text: str) -> None:
    """What a user calls things never hides what the generated file needs."""
    network = archdsl.parse(text.format(word))
    model = network.to_torch().eval()
    with torch.no_grad():
        result = model(torch.zeros(1, 4, 6, 6))
    assert tuple(result.shape[1:]) == network.graph.outputs[0].shape
