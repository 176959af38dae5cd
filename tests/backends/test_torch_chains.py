"""Blocks that are a chain of one block: a loop whose numbers go in equal steps."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from support import load_weights, random_arrays, random_weights

import archdsl

DENSE = """
block layer growth { concat { | conv 3x3 growth; relu } }
block dense n growth { layer growth x(n) }
"""


def body(text: str, name: str) -> str:
    """The generated class of a name."""
    source = archdsl.parse(text).torch_source()
    return source[source.index(f"class {name}(") :].partition("\n\n\n")[0]


def test_a_dense_block_is_a_loop_in_one_class() -> None:
    text = body(f"{DENSE}input 4x8x8\ndense 3 2; dense 5 2; dense 4 2; gap; fc 3", "Dense")
    assert "def __init__(self, in_channels: int, n: int) -> None:" in text
    assert "        for i in range(n):\n" in text
    assert 'self.add_module(f"layer{i + 1}", Layer(in_channels + 2 * i))' in text


def test_steps_downwards_and_of_one() -> None:
    unit = "block unit w { conv 1x1 w; relu }\nblock falling { unit 9; unit 8; unit 7 }\n"
    text = body(f"{unit}input 10x4x4\nfalling", "Falling")
    assert 'self.add_module(f"unit{i + 1}", Unit(10 - i, 9 - i))' in text


def test_equal_ones_are_a_loop_too() -> None:
    unit = "block unit { residual { conv 3x3; relu } }\nblock tower n { unit x(n) }\n"
    text = body(f"{unit}input 4x8x8\ntower 4; conv 1x1 6; tower 9", "Tower")
    assert 'self.add_module(f"unit{i + 1}", Unit(in_channels))' in text


@pytest.mark.parametrize(
    "tower",
    [
        "unit 4; unit 5; unit 7",  # no equal steps
        "unit 4; unit 5",  # too few
        "unit 4; relu; unit 5; unit 6",  # something between
        "residual { unit 4; unit 4; unit 4 }",  # no pipeline
        "a: unit 4; unit 4; unit 4; unit 4",  # other names
        "a01: unit 4; a02: unit 4; a03: unit 4",  # names that no counter gives
    ],
)
def test_what_is_no_chain_is_written_out(tower: str) -> None:
    unit = f"block unit w {{ conv 3x3 w; relu }}\nblock tower {{ {tower} }}\n"
    net = archdsl.parse(f"{unit}input 4x8x8\ntower; tower")
    assert "add_module" not in net.torch_source()
    assert list(net.to_torch().state_dict()) == list(net.graph.state())


def test_it_is_a_module_like_any_other() -> None:
    net = archdsl.parse(f"{DENSE}input 4x8x8\ndense 3 2; dense 5 2; gap; fc 3")
    model = load_weights(net.to_torch(), random_weights(net.graph))
    assert list(model.state_dict()) == list(net.graph.state())
    (x,) = (torch.from_numpy(a) for a in random_arrays((net.graph.inputs[0].shape,), 2))
    with torch.no_grad():
        expected = model(x)
        copies = [
            copy.deepcopy(model),
            pickle.loads(pickle.dumps(model)),
            torch.fx.symbolic_trace(model),
            torch.export.export(model, (x,)).module(),
            torch.compile(model, fullgraph=True, backend="eager"),
        ]
        for each in copies:
            torch.testing.assert_close(each(x), expected)


def test_too_many_options_make_two_classes() -> None:
    """A `None` for each of many modules would read worse than a second class."""
    unit = "block unit { conv 3x3 4; bn; relu }\n"
    deep = "block deep more=false { unit; relu; if more { a: unit; b: unit; c: unit; d: unit } }\n"
    source = archdsl.parse(f"{unit}{deep}input 4x8x8\ndeep; deep more=true").torch_source()
    assert "is not None" not in source
    assert source.count("class Deep") == 2
