"""Labels: `@label` goes back to a tensor, `reuse label` applies a module again."""

from __future__ import annotations

import pytest
from texts import errors, graph, output, paths

IN = "input 4x8x8\n"


def wiring(text: str) -> list[str]:
    return [f"{n.path} < {' '.join(n.inputs)}" for n in graph(text).nodes]


def test_a_reference_goes_on_from_the_labelled_tensor() -> None:
    assert wiring(f"{IN}enc: conv 3x3; relu; concat {{ bn | @enc }}; @enc; gap") == [
        "enc < input",
        "relu1 < enc",
        "bn1 < relu1",
        "concat1 < bn1 enc",
        "gap1 < enc",
    ]


def test_the_label_of_a_group_is_its_last_tensor() -> None:
    for text in ("enc: { conv 3x3; relu }", "enc: sequence { conv 3x3; relu }"):
        assert wiring(f"{IN}{text}; bn; @enc; gap")[-1] == "gap1 < enc.1"
    assert wiring(f"{IN}enc: relu x3; bn; @enc; gap")[-1] == "gap1 < enc.2"
    assert wiring(f"{IN}enc: residual {{ relu }}; bn; @enc; gap")[-1] == "gap1 < enc"


def test_a_label_in_braces_is_known_after_them() -> None:
    assert wiring(f"{IN}{{ enc: relu }}; bn; @enc; gap")[-1] == "gap1 < enc"
    assert wiring(f"{IN}concat {{ enc: relu | @enc; bn }}")[1] == "bn1 < enc"
    assert wiring(f"{IN}f: {{ enc: relu; bn }}; @enc; gap")[-1] == "gap1 < f.enc"


def test_inputs_are_labels() -> None:
    text = "input a 4x8x8\nconv 3x3\ninput b 2x8x8\nconcat { | @a }\n@input" + "x"
    assert errors(text)[0] == "A305 at @inputx"
    found = wiring("input a 4x8x8\nconv 3x3\ninput b 2x8x8\nconv 3x3; concat { | @a | @b }")
    assert found == ["conv1 < a", "conv2 < b", "concat1 < conv2 a b"]
    assert wiring(f"{IN}relu; concat {{ | @input }}")[-1] == "concat1 < relu1 input"
    assert wiring("board: input 4x8x8\nrelu; add { | @board }")[-1] == "add1 < relu1 board"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("relu; @enc", "A305 at @enc"),
        ("enc: relu; @encc", "A305 at @encc"),
        ("@enc; enc: relu", "A305 at @enc"),
        ("enc: { relu; @enc }", "A305 at @enc"),
        ("let n = 3; @n", "A305 at @n"),
        ("block b { enc: relu }; b; @enc", "A305 at @enc"),
        ("block b { @enc }; enc: relu; b", "A305 at @enc"),
        ("f: { a: relu }; g: { a: relu }; @a", "A305 at @a"),
    ],
)
def test_what_a_reference_cannot_name(text: str, expected: str) -> None:
    assert errors(IN + text) == [expected]


def test_each_call_of_a_block_has_its_own_labels() -> None:
    text = f"block b {{ enc: relu; bn; add {{ | @enc }} }}\n{IN}b; b"
    assert [w for w in wiring(text) if "add1 <" in w] == [
        "b1.add1 < b1.bn1 b1.enc",
        "b2.add1 < b2.bn1 b2.enc",
    ]


# reuse


def test_a_module_applied_again_has_the_same_weights() -> None:
    found = graph(f"{IN}tower: {{ conv 3x3; relu }}; bn; reuse tower")
    assert [(n.path, n.shares) for n in found.nodes] == [
        ("tower.0", None),
        ("tower.1", None),
        ("bn1", None),
        ("reuse1.0", "tower.0"),
        ("reuse1.1", "tower.1"),
    ]
    assert [key for key in found.state() if key.endswith("weight")] == [
        "tower.0.weight",
        "bn1.weight",
    ]


def test_a_block_and_a_layer_can_be_applied_again() -> None:
    text = f"block unit {{ conv 3x3; bn }}\n{IN}a: unit; reuse a; c: conv 1x1; reuse c"
    assert [n.shares for n in graph(text).nodes] == [
        None, None, "a.conv1", "a.bn1", None, "c"
    ]  # fmt: skip


def test_two_towers_on_two_inputs() -> None:
    text = "input a 1x8x8\ntower: { conv 3x3 4; gap }\ninput b 1x8x8\nreuse tower\nadd { @tower | }"
    found = graph(text)
    assert found.nodes[-1].inputs == ("tower.1", "reuse1.1")
    assert sum(w.shape != () for w in found.state().values()) == 2
    assert output(text) == (4,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("reuse", "A402 at reuse"),
        ("reuse 3", "A402 at reuse 3"),
        ("relu; reuse tower", "A305 at tower"),
        ("tower: conv 3x3 5; reuse tower", "A208 at conv 3x3 5"),
        ("reuse input", "A601 at input"),
    ],
)
def test_what_cannot_be_reused(text: str, expected: str) -> None:
    assert errors(IN + text) == [expected]


def test_shapes_may_differ_where_the_weights_do_not() -> None:
    assert paths(f"{IN}tower: conv 3x3; maxpool 2x2; reuse tower") == [
        "tower",
        "maxpool1",
        "reuse1",
    ]
