"""The combinators: which tensors meet where, and what is told when they do not fit."""

from __future__ import annotations

import pytest
from texts import diagnostics, errors, graph, output, paths

IN = "input 4x8x8\n"


def wiring(text: str) -> list[str]:
    """Every layer with what it reads."""
    return [f"{n.path} < {' '.join(n.inputs)}" for n in graph(IN + text).nodes]


def test_residual() -> None:
    assert wiring("residual { conv 3x3; relu }; bn") == [
        "conv1 < input",
        "relu1 < conv1",
        "add1 < input relu1",
        "bn1 < add1",
    ]


def test_a_shortcut_is_used_where_the_shape_changes() -> None:
    text = "block unit c s { residual { conv 3x3 c stride=s | side: conv 1x1 c stride=s } }\n"
    found = graph(f"{text}{IN}unit 4 1; unit 6 1; unit 6 2; unit 6 1").nodes
    assert [n.path for n in found if "side" in n.path] == ["unit2.side", "unit3.side"]
    joins = {n.path: n.inputs for n in found if n.op.name == "add"}
    assert joins == {
        "unit1.add1": ("input", "unit1.conv1"),
        "unit2.add1": ("unit2.side", "unit2.conv1"),
        "unit3.add1": ("unit3.side", "unit3.conv1"),
        "unit4.add1": ("unit3.add1", "unit4.conv1"),
    }


def test_residual_alone_goes_around_the_statement_before() -> None:
    assert wiring("relu; conv 3x3 x2; residual") == [
        "relu1 < input",
        "conv1 < relu1",
        "conv2 < conv1",
        "add1 < relu1 conv2",
    ]
    assert wiring("relu; { conv 3x3; bn }; residual; relu")[-2:] == [
        "add1 < relu1 bn1",
        "relu2 < add1",
    ]
    assert wiring("conv 3x3; residual; residual")[-1] == "add2 < conv1 add1"


@pytest.mark.parametrize(
    "between",
    ["let n = 3", "default conv bias=false", "init he", "block b { relu }", "param p = 1"],
)
def test_what_moves_nothing_is_not_the_statement_before(between: str) -> None:
    assert wiring(f"conv 3x3; {between}; residual")[-1] == "add1 < input conv1"


def test_residual_alone_stays_inside_its_block() -> None:
    assert errors(f"block b {{ residual; relu }}\n{IN}relu; b") == ["A601 at residual"]
    assert errors(f"{IN}relu; add {{ residual | relu }}") == ["A601 at residual"]


def test_residual_alone_after_an_if_goes_around_it() -> None:
    assert wiring("relu; if true { conv 3x3; bn }; residual")[-1] == "add1 < relu1 bn1"


def test_residual_when() -> None:
    assert paths(f"{IN}residual when=true {{ relu }}") == ["relu1", "add1"]
    assert paths(f"{IN}residual when=false {{ relu | bn }}") == ["relu1"]
    assert paths(f"{IN}residual when=(channels == 4 and not false) {{ relu }}") == ["relu1", "add1"]
    assert output(f"{IN}residual when=(channels == 5) {{ conv 3x3 5 }}") == (5, 8, 8)
    assert paths(f"{IN}relu; residual when=false") == ["relu1"]


def test_concat() -> None:
    assert wiring("concat { conv 1x1 2 | conv 3x3 3; relu | }") == [
        "conv1 < input",
        "conv2 < input",
        "relu1 < conv2",
        "concat1 < conv1 relu1 input",
    ]
    assert output(f"{IN}concat {{ conv 1x1 2 | conv 3x3 3 | }}") == (9, 8, 8)
    assert output(f"{IN}concat {{ | conv 3x3 3 }} x3") == (13, 8, 8)


def test_add_and_mul() -> None:
    assert wiring("add { relu | bn | }")[-1] == "add1 < relu1 bn1 input"
    assert wiring("mul { | gap; fc 4; sigmoid }")[-1] == "mul1 < input sigmoid1"
    assert output(f"{IN}mul {{ | gap; fc channels//2; relu; fc 4; sigmoid }}") == (4, 8, 8)
    assert output(f"{IN}mul {{ | conv 3x3 1 }}") == (4, 8, 8)


def test_copies_of_one_branch() -> None:
    assert wiring("add 3 { conv 3x3 }") == [
        "conv1 < input",
        "conv2 < input",
        "conv3 < input",
        "add1 < conv1 conv2 conv3",
    ]
    assert output(f"{IN}concat 3 {{ conv 3x3 2 }}") == (6, 8, 8)
    assert wiring("add 1 { relu }; let n = 2; add n { relu }")[-1] == "add1 < relu2 relu3"


def test_split() -> None:
    assert wiring("split { conv 3x3 2 | conv 3x3 4 }") == [
        "part1 < input",
        "conv1 < part1",
        "part2 < input",
        "conv2 < part2",
        "concat1 < conv1 conv2",
    ]
    shapes = {n.path: n.shape for n in graph(f"{IN}split 2 {{ conv 3x3 }}").nodes}
    assert shapes["part1"] == shapes["conv1"] == (2, 8, 8)
    assert shapes["concat1"] == (4, 8, 8)


def test_combinators_inside_one_another() -> None:
    assert wiring("residual { concat { relu; residual | bn }; conv 1x1 4 }") == [
        "relu1 < input",
        "add1 < input relu1",
        "bn1 < input",
        "concat1 < add1 bn1",
        "conv1 < concat1",
        "add2 < input conv1",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("residual { conv 3x3 5 }", "A204 at residual"),
        ("residual { conv 3x3 stride=2 | conv 1x1 }", "A204 at residual"),
        ("conv 3x3 5; residual", "A204 at residual"),
        ("residual", "A601 at residual"),
        ("relu; residual { }", ""),
        ("residual { relu | bn | relu }", "A407 at { relu | bn | relu }"),
        ("residual 3 { relu }", "A401 at 3"),
        ("residual whenn=true { relu }", "A401 at whenn=true"),
        ("residual when=1 { relu }", "A403 at 1"),
        ("concat { conv 3x3 | conv 3x3 stride=2 }", "A205 at concat"),
        ("concat { relu | gap }", "A205 at concat"),
        ("add { conv 3x3 3 | conv 3x3 }", "A205 at add"),
        ("concat", "A407 at concat"),
        ("add 3", "A407 at add"),
        ("add 0 { relu }", "A403 at 0"),
        ("add 2 { relu | bn }", "A404 at 2"),
        ("add 2 3 { relu }", "A404 at 2"),
        ("add n=2 { relu }", "A404 at n=2"),
        ("concat 1000000 { relu }", "A501 at 1000000"),
        ("split { relu | relu | relu }", "A203 at split"),
        ("split 3 { relu }", "A203 at split"),
        ("split", "A407 at split"),
        ("{ relu | bn }", "A407 at { relu | bn }"),
        ("sequence { relu | bn }", "A407 at sequence { relu | bn }"),
        ("sequence", "A407 at sequence"),
        ("sequence 3 { relu }", "A404 at 3"),
        ("relu { bn }", "A407 at { bn }"),
        ("let join = add; join", "A407 at join"),
    ],
)
def test_what_cannot_be_joined(text: str, expected: str) -> None:
    assert errors(IN + text) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("branch", "shortcut"),
    [
        ("conv 3x3 8", "conv 1x1 8"),
        ("conv 3x3 8 stride=2", "conv 1x1 8 stride=2"),
        ("conv 3x3 stride=2", "conv 1x1 4 stride=2"),
        ("conv 7x7 6 stride=4", "conv 1x1 6 stride=4"),
        ("maxpool 2x2", "conv 1x1 4 stride=2"),
    ],
)
def test_the_projection_that_is_suggested_fits(branch: str, shortcut: str) -> None:
    (found,) = diagnostics(f"{IN}residual {{ {branch} }}")
    assert f"| {shortcut} }}`" in found.help
    assert errors(f"{IN}residual {{ {branch} | {shortcut} }}") == []


def test_no_projection_is_suggested_where_none_fits() -> None:
    for branch in ("conv 3x3 pad=0", "gap", "conv 3x3 stride=2x1"):
        (found,) = diagnostics(f"{IN}residual {{ {branch} }}")
        assert found.code == "A204"
        assert "conv 1x1" not in found.help


def test_what_comes_in_is_shown() -> None:
    (found,) = diagnostics("input 3x8x8\nconv 3x3 4\nresidual { relu; conv 3x3 8 }")
    (note,) = found.notes
    assert (note.span.text, note.text) == ("conv 3x3 4", "4x8x8 comes in here")
    assert found.label == "the skip carries 4x8x8, the branch gives 8x8x8"
