"""Token sequences: their order, their way back to a map, and the learned tables beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support import assert_close, check_onnx, load_weights, random_arrays, random_weights, run_onnx

import archdsl
from archdsl import ArchError
from archdsl.backends import torch as torch_backend
from archdsl.ir import Graph


def graph_of(text: str) -> Graph:
    return archdsl.parse(text).graph


def results(graph: Graph, arrays: list[np.ndarray], tmp_path: Path) -> list[np.ndarray]:
    """What PyTorch and onnxruntime make of the arrays."""
    weights = random_weights(graph)
    module = load_weights(torch_backend.build(graph), weights)
    with torch.no_grad():
        y = module(*map(torch.from_numpy, arrays)).numpy()
    archdsl.Network(graph).to_onnx(tmp_path / "net.onnx", module)
    check_onnx(tmp_path / "net.onnx")
    return [y, run_onnx(tmp_path / "net.onnx", arrays)[0]]


def test_tokens_are_the_positions_row_by_row(tmp_path: Path) -> None:
    graph = graph_of("input 2x3x4; tokens")
    x = random_arrays(((2, 3, 4),), 3)[0]
    for y in results(graph, [x], tmp_path):
        assert y.shape == (3, 12, 2)
        np.testing.assert_array_equal(y[:, 1 * 4 + 2], x[:, :, 1, 2])
        np.testing.assert_array_equal(y[:, 2 * 4 + 3], x[:, :, 2, 3])


def test_untokens_goes_back_to_the_map(tmp_path: Path) -> None:
    graph = graph_of("input 2x3x5; tokens; untokens")
    assert graph.outputs[0].shape == (2, 3, 5)
    x = random_arrays(((2, 3, 5),), 3)[0]
    for y in results(graph, [x], tmp_path):
        np.testing.assert_array_equal(y, x)


def test_untokens_finds_the_nearest_map() -> None:
    text = """
    input 3x12x20
    conv 2x2 8 stride=2; tokens; ln; residual { fc 16; gelu; fc 8 }; untokens
    conv 2x2 stride=2; tokens; attention heads=2; untokens
    """
    graph = graph_of(text)
    shapes = [n.shape for n in graph.nodes if n.op.name == "untokens"]
    assert shapes == [(8, 6, 10), (8, 3, 5)]


def test_untokens_after_the_class_token_is_taken_off() -> None:
    graph = graph_of("input 3x4x6; tokens; cls_token; attention 1; take start=1; untokens")
    assert graph.outputs[0].shape == (3, 4, 6)


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("input 3x4x4; tokens; cls_token; untokens", "A201", "`take start=1`"),
        ("input 16x3; untokens", "A402", "`untokens 14x14`"),
        ("input 16x3; untokens 3x5", "A201", "3x5 are 15 positions; 16 tokens"),
        ("input 3x4x4; untokens", "A201", "a map 3x4x4"),
        ("input 16x3; tokens", "A201", "a token sequence 16x3"),
        ("input 16x3; take 16", "A201", "numbered from 0 to 15"),
        ("input 16x3; take -17", "A201", "`take -1`"),
        ("input 16x3; take", "A402", "`start=`"),
        ("input 16x3; take 0 start=1", "A404", "one of them"),
        ("input 3x4x4; cls_token", "A201", "`tokens` makes a map a sequence"),
        ("input 3x4x4; pos_embed", "A201", "`tokens` makes a map a sequence"),
        ("input 16x3; a: { cls_token }", "A601", "bare tensor"),
    ],
)
def test_mistakes_are_told(text: str, code: str, told: str) -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(text)
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert told in str(caught.value)


def test_the_class_token_comes_first_and_positions_are_added(tmp_path: Path) -> None:
    graph = graph_of("input 3x5; token: cls_token; place: pos_embed")
    assert {k: w.shape for k, w in graph.state().items()} == {
        "token": (1, 1, 5),
        "place": (1, 4, 5),
    }
    weights = random_weights(graph)
    x = random_arrays(((3, 5),), 3)[0]
    expected = np.concatenate([np.repeat(weights["token"], 3, 0), x], 1) + weights["place"]
    for y in results(graph, [x], tmp_path):
        assert_close(y, expected)


def test_without_a_label_the_key_is_the_word_and_its_ordinal() -> None:
    assert list(graph_of("input 3x5; pos_embed; pos_embed").state()) == ["pos_embed1", "pos_embed2"]


def test_the_keys_are_in_the_order_of_a_state_dict() -> None:
    """A module's own tensors come before its modules', at every level."""
    text = """
    block piece {
      ln; table: pos_embed
      inner: bit
      fc
    }
    block bit { fc; table: pos_embed }
    input 4x6
    first: fc; one: piece; shelf: { fc; piece }; two: piece; token: cls_token
    """
    network = archdsl.parse(text)
    keys = list(network.graph.state())
    assert keys == list(network.to_torch().state_dict())
    assert keys[0] == "token"
    assert keys.index("one.table") < keys.index("one.ln1.weight")


def test_the_tables_start_small_whatever_init_says() -> None:
    """`init` is for weights of sums; a layer's own `init=` is for its table."""
    text = """
    init constant 3 bias=4
    input 300x64
    a: pos_embed; b: cls_token; c: pos_embed init=zeros; d: fc
    """
    state = archdsl.parse(text).to_torch().state_dict()
    for key in ("a", "b"):
        assert 0 < state[key].abs().max().item() <= 0.04  # N(0, 0.02), cut at two deviations
    assert 0.015 < state["a"].std().item() < 0.02
    assert not state["c"].any()
    assert (state["d.weight"] == 3).all()
    assert (state["d.bias"] == 4).all()


@pytest.mark.parametrize(
    ("text", "pick"),
    [
        ("take 0", np.s_[:, 0]),
        ("take 2", np.s_[:, 2]),
        ("take -1", np.s_[:, -1]),
        ("take start=1", np.s_[:, 1:]),
        ("take start=-2", np.s_[:, -2:]),
        ("take start=0", np.s_[:, 0:]),
    ],
)
def test_take_is_pythons_index(tmp_path: Path, text: str, pick: tuple[slice | int, ...]) -> None:
    graph = graph_of(f"input 4x3; {text}")
    x = random_arrays(((4, 3),), 2)[0]
    for y in results(graph, [x], tmp_path):
        np.testing.assert_array_equal(y, x[pick])


def test_inside_a_sequence_they_are_modules_elsewhere_expressions() -> None:
    network = archdsl.parse("input 3x4x4; stem: { conv 3x3; tokens; ln }; take 0; head: fc 5")
    source = network.torch_source()
    assert "Tokens()," in source
    assert "x[:, 0]" in source
    assert network.to_torch()(torch.zeros(2, 3, 4, 4)).shape == (2, 5)


def test_an_output_may_be_a_table_or_a_token() -> None:
    network = archdsl.parse("input 4x3\noutput placed pos_embed\noutput first take 0\ngap; fc 2")
    given = network.to_torch()(torch.ones(2, 4, 3))
    assert {k: tuple(v.shape) for k, v in given.items()} == {
        "out": (2, 2),
        "placed": (2, 4, 3),
        "first": (2, 3),
    }
