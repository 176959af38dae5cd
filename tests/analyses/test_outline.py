"""The rows of a table that folds, and how deep they go."""

from __future__ import annotations

import re

import pytest

import archdsl
from archdsl.analyses.outline import Row
from archdsl.analyses.table import PAGE, markdown, plain
from archdsl.pipeline import zoo_names


def rows(spec: str) -> list[tuple[int, str, int, str]]:
    found = archdsl.parse(spec).summary().rows
    return [(r.depth, r.name, r.copies, r.text) for r in found]


def test_equal_copies_are_one_row() -> None:
    spec = """
        block unit width stride=1 { conv 3x3 width stride=stride; relu }
        input 3x32x32
        stages: { unit 8; unit 8 x3; unit 16 stride=2 }
        conv 3x3 16 x4
        { bn; relu } x2
        gap; fc 10
    """
    assert rows(spec) == [
        (0, "stages", 1, ""),
        (1, "0", 1, "unit 8"),
        (2, "conv1", 1, "conv 3x3 8"),
        (2, "relu1", 1, "relu"),
        (1, "1-3", 3, "unit 8"),
        (2, "conv1", 1, "conv 3x3 8"),
        (2, "relu1", 1, "relu"),
        (1, "4", 1, "unit 16 stride=2"),
        (2, "conv1", 1, "conv 3x3 16 stride=2"),
        (2, "relu1", 1, "relu"),
        (0, "conv1-4", 4, "conv 3x3 16"),
        (0, "", 2, "{ bn; relu }"),
        (1, "bn1", 1, "bn"),
        (1, "relu1", 1, "relu"),
        (0, "gap1", 1, "gap"),
        (0, "fc1", 1, "fc 10"),
    ]


def test_copies_that_differ_in_what_comes_in_stay_apart() -> None:
    found = rows("input 8; { fc 4; relu } x3")
    assert [(name, copies) for _, name, copies, _ in found] == [
        ("fc1", 1),
        ("relu1", 1),
        ("", 2),
        ("fc2", 1),
        ("relu2", 1),
    ]


def test_growing_copies_stay_apart() -> None:
    found = rows("input 3x8x8; concat { | conv 3x3 4 } x3")
    assert [copies for _, _, copies, _ in found] == [1] * 6


@pytest.mark.parametrize("name", sorted(zoo_names()))
def test_rows_add_up(name: str) -> None:
    """The outermost rows have all of it; what is below a row of one copy has all of that row."""
    summary = archdsl.zoo(name).summary()
    top = [r for r in summary.rows if not r.depth]
    assert sum(r.totals.params for r in top) == summary.params
    assert sum(r.totals.macs for r in top) == summary.macs
    assert [path for r in top for path in r.paths] == [layer.path for layer in summary.layers]
    for i, row in enumerate(summary.rows):
        below: list[Row] = []
        for other in summary.rows[i + 1 :]:
            if other.depth <= row.depth:
                break
            below.append(other)
        inner = [r for r in below if r.depth == row.depth + 1]
        assert row.is_layer == (not inner)
        if inner:
            assert row.copies * sum(r.totals.macs for r in inner) == row.totals.macs
            assert row.copies * sum(r.totals.params for r in inner) == row.totals.params


def test_depth() -> None:
    summary = archdsl.zoo("resnet50").summary()

    def names(depth: int | None) -> list[str]:
        table = plain(summary, depth).split("\n\n")[1]
        return [
            line.split()[0] for line in table.splitlines()[2:] if not line.startswith(("`", "W"))
        ]

    top = ["conv1", "bn1", "relu1", "maxpool1", *(f"layer{n}" for n in (1, 2, 3, 4)), "gap1", "fc"]
    assert names(1) == top
    assert len(names(2)) == len(top) + 8
    assert names(None) == names(2)
    assert len(names(3)) > PAGE
    assert names(99) == names(4)


def test_what_is_folded_is_said() -> None:
    summary = archdsl.zoo("resnet152").summary()
    text = plain(summary)
    assert re.search(r"1-35 +35 x bottleneck 256 ", text)
    assert "What is below a row of `N x` is one of the N." in text
    assert "--depth 3" in text
    assert "goes deeper" not in plain(summary, 9)


def test_markdown_is_a_table_that_says_the_same() -> None:
    summary = archdsl.zoo("vgg11").summary()
    lines = markdown(summary, 1).splitlines()
    table = [line for line in lines if line.startswith("|")]
    heads = [cell.strip() for cell in table[0].strip("|").split("|")]
    assert heads == ["name", "layer", "output", "params", "MACs", "field/stride"]
    features = [cell.strip() for cell in table[2].strip("|").split("|")]
    assert features == ["features", "", "512x7x7", "9,220,480", "7,485,456,384", "150/32"]
    assert "| parameters | 132,863,336 |" in lines


def test_markdown_escapes_what_it_would_read() -> None:
    net = archdsl.parse("input 3x4x4; conv_a_b: conv 1x1 2")
    assert r"conv\_a\_b" in markdown(net.summary())
