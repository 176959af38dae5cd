"""Values made of others: conditionals, and blocks and layers with other defaults."""

from __future__ import annotations

import pytest
from texts import errors, graph, layers, nodes

IN = "input 4x8x8\n"
UNIT = "block unit width stride=1 act=relu { conv 3x3 width stride=stride; act }\n"
TWICE = "block twice u n { u n; u n }\n"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("8 if true else 16", 8),
        ("8 if false else 16", 16),
        ("8 if channels == 4 else 16", 8),
        ("1 if false else 2 if false else 3", 3),
        ("1 if true else 2 if true else 3", 1),
        ("(1 if true else 2) + 1", 2),
        ("1 if true else 2 + 1", 1),
        ("1 if 1 < 2 and not false else 2", 1),
        ("[5, 6][0 if channels > 4 else 1]", 6),
        ("1 if true else 1//0", 1),  # the other side is not evaluated
        ("1 if true else nowhere", 1),
    ],
)
def test_conditional_expressions(expression: str, expected: int) -> None:
    assert layers(f"{IN}let w = {expression}\nconv 1x1 w") == [f"conv 1x1 {expected}"]
    assert layers(f"{IN}conv 1x1 ({expression})") == [f"conv 1x1 {expected}"]


def test_a_conditional_chooses_a_layer() -> None:
    assert layers(f"{IN}let act = gelu if channels > 2 else relu\nact") == ["gelu"]


def test_the_condition_is_true_or_false() -> None:
    assert errors(f"{IN}conv 1x1 (8 if channels else 4)") == ["A403 at channels"]


def test_a_block_with_other_defaults() -> None:
    text = f"{UNIT}{TWICE}{IN}twice (unit stride=2) 6"
    assert layers(text) == ["conv 3x3 6 stride=2", "relu"] * 2


def test_a_call_overrides_them_and_positions_stay() -> None:
    text = f"{UNIT}{IN}let wide = (unit width=9 stride=2)\n"
    assert layers(f"{text}wide")[0] == "conv 3x3 9 stride=2"
    assert layers(f"{text}wide 5 1")[0] == "conv 3x3 5"
    assert layers(f"{text}let wider = (wide width=12); wider")[0] == "conv 3x3 12 stride=2"


def test_a_layer_with_other_defaults() -> None:
    text = f"{UNIT}{IN}unit 6 act=(leaky_relu slope=0.2)"
    assert layers(text) == ["conv 3x3 6", "leaky_relu 0.2"]
    assert layers(f"{IN}let c = (conv bias=false pad=0); c 3x3 6") == [
        "conv 3x3 6 pad=0 bias=false"
    ]
    assert layers(f"{IN}let c = (conv bias=false); c 3x3 6 bias=true") == ["conv 3x3 6"]
    # What is written nearer holds: the value's defaults against those of the braces.
    text = f"{IN}default conv bias=false pad=0\nlet c = (conv bias=true); c 3x3 6"
    assert layers(text) == ["conv 3x3 6 pad=0"]


def test_they_are_evaluated_where_they_are_written() -> None:
    text = "let k = 3\nblock b f { let k = 5; f 3x3 }\n"
    assert layers(f"{text}{IN}b (conv filters=k)") == ["conv 3x3 3"]


def test_the_call_is_recorded_with_them() -> None:
    text = f"{UNIT}block b u {{ u 6 }}\n{IN}b (unit stride=2 act=(leaky_relu slope=0.2))"
    found = {s.path: s for s in graph(text).scopes}
    assert found["b1"].arguments == {"u": "unit stride=2 act=(leaky_relu slope=0.2)"}
    unit = found["b1.unit1"]
    assert unit.arguments == {"width": 6, "stride": 2, "act": "leaky_relu slope=0.2"}
    assert unit.defaulted == ("stride", "act")


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("(unit strid=2)", "A401 at strid=2"),
        ("(conv strid=2)", "A401 at strid=2"),
        ("(unit stride=2 stride=1)", "A405 at stride=1"),
        ("(nowhere stride=2)", "A302 at nowhere"),
        ("(three stride=2)", "A301 at three"),
    ],
)
def test_mistakes(value: str, error: str) -> None:
    assert errors(f"{UNIT}{TWICE}let three = 3\n{IN}twice {value} 6") == [error]


def test_a_value_with_defaults_is_checked_where_it_is_called() -> None:
    assert errors(f"{TWICE}{IN}twice (conv stride=true) 3") == ["A403 at stride=true"]


def test_how_one_kind_of_layer_starts() -> None:
    text = f"{IN}default conv init=he(fan_out) bias_init=1\nconv 3x3; conv 3x3 init=glorot; fc 3"
    first, second, last = (n.init for n in nodes(text).values())
    assert {k: i.torch() for k, i in first.items()} == {
        "weight": ("kaiming_normal_", 'mode="fan_out"', 'nonlinearity="relu"'),
        "bias": ("ones_",),
    }
    assert second["weight"].torch() == ("xavier_uniform_",)
    assert not last


@pytest.mark.parametrize("line", ["let w = 1//0", "param w = 1//0", "bn2; let w = channels"])
def test_a_name_whose_value_failed_is_known(line: str) -> None:
    """What stands on it says nothing more; what does not is told in the same run."""
    found = errors(f"input 3x8x8\n{line}\nconv 3x3 w; relu; convv 3x3 4")
    assert len(found) == 2
    assert found[1] == "A301 at convv"
