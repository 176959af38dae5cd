"""`xN`: the copies, their index, and what each node knows of the repetition it came from."""

from __future__ import annotations

import pytest
from texts import diagnostics, errors, graph, layers, output, paths

IN = "input 4x8x8\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv 3x3 x3", ["conv 3x3 4"] * 3),
        ("conv 3x3 x 3", ["conv 3x3 4"] * 3),
        ("conv 3x3 x(1 + 2)", ["conv 3x3 4"] * 3),
        ("let n = 3; conv 3x3 x n", ["conv 3x3 4"] * 3),
        ("let n = [1, 3]; conv 3x3 x n[1]", ["conv 3x3 4"] * 3),
        ("conv 3x3 x max(1, 3)", ["conv 3x3 4"] * 3),
        ("{ relu; bn } x2", ["relu", "bn", "relu", "bn"]),
        ("{ relu x2; bn } x2", ["relu", "relu", "bn"] * 2),
        ("{ { relu } x2 } x2", ["relu"] * 4),
        ("relu; conv 3x3 x0; bn", ["relu", "bn"]),
        ("relu; { conv 3x3 } x(2 - 2)", ["relu"]),
        ("conv 1x1 (i + 1) x3 as i", ["conv 1x1 1", "conv 1x1 2", "conv 1x1 3"]),
        ("conv 1x1 2*channels x3", ["conv 1x1 8", "conv 1x1 16", "conv 1x1 32"]),
        (
            "{ conv 1x1 10*i + j + 1 x2 as j } x2 as i",
            ["conv 1x1 1", "conv 1x1 2", "conv 1x1 11", "conv 1x1 12"],
        ),
        ("{ conv 1x1 (i + 1) x i as i } x3 as i", ["conv 1x1 1", "conv 1x1 1", "conv 1x1 2"]),
        ("residual { conv 3x3 } x2", ["conv 3x3 4", "add"] * 2),
        ("{ let w = 2*i + 1; conv 1x1 w } x2 as i", ["conv 1x1 1", "conv 1x1 3"]),
    ],
)
def test_copies(text: str, expected: list[str]) -> None:
    assert layers(IN + text) == expected


def test_a_repetition_runs_in_sequence() -> None:
    found = graph(f"{IN}conv 3x3 stride=2 x2; residual {{ conv 3x3 }} x2").nodes
    assert [n.inputs for n in found] == [
        ("input",),
        ("conv1",),
        ("conv2",),
        ("conv2", "conv3"),
        ("add1",),
        ("add1", "conv4"),
    ]


def test_a_network_of_no_copies_is_its_input() -> None:
    assert paths(f"{IN}relu; layer: conv 3x3 x0") == ["relu1"]


def test_nodes_know_their_repetitions() -> None:
    nodes = graph(f"{IN}relu; {{ relu x2; bn }} x2 as i").nodes
    found = [[(r.index, r.count) for r in n.repetitions] for n in nodes]
    inner = [[(0, 2), (0, 2)], [(0, 2), (1, 2)], [(0, 2)]]
    assert found == [[], *inner, [(1, 2), (0, 2)], [(1, 2), (1, 2)], [(1, 2)]]
    outer = {n.repetitions[0].id for n in nodes[1:]}
    inner_ids = [n.repetitions[1].id for n in nodes if len(n.repetitions) == 2]
    assert len(outer) == 1
    assert inner_ids[0] == inner_ids[1] != inner_ids[2] == inner_ids[3]


def test_scopes_know_their_repetitions() -> None:
    scopes = graph(f"block unit {{ relu }}\n{IN}a: unit x2").scopes
    found = [(s.path, [(r.index, r.count) for r in s.repetitions]) for s in scopes]
    assert found == [("", []), ("a", []), ("a.0", [(0, 2)]), ("a.1", [(1, 2)])]


def test_the_index_is_gone_after_the_repetition() -> None:
    assert errors(f"{IN}{{ relu }} x2 as i; conv 1x1 (i + 1)") == ["A302 at i"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv 3x3 x(-1)", "A403 at (-1)"),
        ("conv 3x3 x 0.5", "A403 at 0.5"),
        ("conv 3x3 x true", "A403 at true"),
        ("conv 3x3 x [2]", "A403 at [2]"),
        ("conv 3x3 x n", "A302 at n"),
        ("conv 3x3 x(10**9)", "A501 at x(10**9)"),
        ("conv 3x3 x100001", "A501 at x100001"),
        ("{ relu } x2 as channels", "A304 at { relu } x2 as channels"),
    ],
)
def test_what_cannot_be_repeated(text: str, expected: str) -> None:
    found = [e.replace("(-1)", "-1").replace("-1", "(-1)") for e in errors(IN + text)]
    assert found == [expected]


def test_an_error_in_every_copy_is_told_once() -> None:
    assert errors(f"{IN}conv 3x3 strid=2 x5") == ["A401 at strid=2"]
    assert errors(f"{IN}{{ conv 3x3 groups=3; relu }} x5") == ["A203 at conv 3x3 groups=3"]


def test_the_copy_that_fails_is_the_one_that_is_told() -> None:
    """A map of 8x8 can be halved three times."""
    (found,) = diagnostics(f"{IN}maxpool 2x2 x9")
    assert (found.code, found.span and found.span.text) == ("A202", "maxpool 2x2")
    assert output(f"{IN}maxpool 2x2 x3") == (4, 1, 1)
