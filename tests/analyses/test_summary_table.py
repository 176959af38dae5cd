"""The table as objects, JSON, CSV and text."""

from __future__ import annotations

import csv
import io
import json

import pytest

import archdsl
from archdsl.analyses.summary import Summary
from archdsl.analyses.table import plain

SPEC = """
    input 3x64x64
    stem: { conv 7x7 64 stride=2 bias=false; bn; relu; maxpool 3x3 stride=2 pad=1 }
    residual { conv 3x3 128 stride=2 groups=2 dilation=1 bias=false; bn | conv 1x1 128 stride=2 }
    avgpool 2x1
    gap; fc 1000
"""


@pytest.fixture(scope="module")
def summary() -> Summary:
    return archdsl.parse(SPEC, file="small.arch").summary()


def test_rows(summary: Summary) -> None:
    first, *_, last = summary.layers
    assert (first.path, first.layer) == ("stem.0", "conv 7x7 64 stride=2 bias=false")
    assert (first.shape, first.params, first.macs) == ((64, 32, 32), 9408, 9_633_792)
    assert (first.field.size, first.field.whole) == ((7, 7), False)
    assert (last.shape, last.params, last.macs) == ((1000,), 129_000, 128_000)
    assert last.field.whole


def test_totals(summary: Summary) -> None:
    assert summary.params == sum(row.params for row in summary.layers)
    assert summary.macs == summary.cost.macs == sum(row.macs for row in summary.layers)
    assert summary.flops == 2 * summary.macs
    assert summary.buffers == 2 * 64 + 1 + 2 * 128 + 1


def test_json(summary: Summary) -> None:
    data = json.loads(summary.to_json())
    assert data == json.loads(json.dumps(summary.to_dict()))
    assert data["network"] == "small"
    assert data["inputs"] == {"input": [3, 64, 64]}
    assert data["outputs"] == {"out": [1000]}
    assert data["flops"] == 2 * data["macs"]
    row = data["layers"][0]
    assert row["field"]["size"] == [7, 7]
    assert row["shape"] == [64, 32, 32]
    assert len(data["layers"]) == len(summary.layers)


def test_csv(summary: Summary) -> None:
    rows = list(csv.DictReader(io.StringIO(summary.to_csv())))
    assert [row["path"] for row in rows] == [row.path for row in summary.layers]
    assert sum(int(row["params"]) for row in rows) == summary.params
    assert sum(int(row["macs"]) for row in rows) == summary.macs
    assert sum(int(row["pooling"]) for row in rows) == summary.cost.pooling
    assert rows[0]["field"] == "7x7"
    assert rows[-1]["whole"] == "true"


def test_the_text_is_plain_and_fits_a_page(summary: Summary) -> None:
    text = plain(summary, "all", blocks=False)
    assert text.isascii()
    assert "\x1b" not in text
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line == line.rstrip() for line in lines)
    for row in summary.layers:
        (line,) = (line for line in lines if line.startswith(f"{row.path} "))
        assert row.layer in line
        assert "x".join(map(str, row.shape)) in line
        assert f"{row.params:,}" in line or not row.params
    assert f"{summary.params:,}" in text
    assert f"{summary.flops:,} (2 x MACs)" in text


@pytest.mark.parametrize("width", [20, 40, 60, 72, 80, 100, 200])
def test_narrow_terminals_lose_columns_not_digits(summary: Summary, width: int) -> None:
    lines = plain(summary, "all", width).splitlines()
    assert max(map(len, lines)) <= width
    shown = [word for line in lines for word in line.split()]
    for row in summary.layers:
        assert not row.params or f"{row.params:,}" in shown
        assert row.path in shown
    if width >= 60:
        assert f"{summary.macs:,}" in shown


def test_the_field_of_each_kind() -> None:
    text = str(archdsl.parse("input 3x20x20; conv 1x7 4 pad=0x3 stride=2x1; gap; fc 2").summary())
    cells = {line.split()[0]: line.split()[-1] for line in text.splitlines() if line}
    assert cells["conv1"] == "1x7/2x1"
    assert cells["gap1"] == "all"
    assert "then the whole input" in text


def test_misaligned_branches_are_told() -> None:
    net = archdsl.parse("input 4x6x6; concat { conv 3x3 stride=2 pad=1 | maxpool 2x2 }")
    summary = net.summary()
    assert [m.path for m in summary.misaligned] == ["concat1"]
    words = "concat1 joins branches centred at (0, 0), stride 2x2 and (0.5, 0.5), stride 2x2"
    assert f"misaligned  {words}" in str(summary)
    (join,) = json.loads(summary.to_json())["misaligned"]
    assert join["path"] == "concat1"
    found = [(b["center"], b["stride"]) for b in join["branches"]]
    assert found == [([0.0, 0.0], [2, 2]), ([0.5, 0.5], [2, 2])]


def test_of_many_misaligned_joins_three_are_named() -> None:
    alike = "add { conv 3x3 pad=0 | { conv 2x2 pad=0 } x2 | crop 97 }"
    unlike = "add { conv 2x2 pad=0; pad 1 side=after | conv 2x2 pad=0; pad 1 side=before }"
    assert not archdsl.parse(f"input 4x99x99; {alike}").summary().misaligned
    text = str(archdsl.parse(f"input 4x99x99; {'; '.join([unlike] * 5)}").summary())
    assert text.count("(0.5, 0.5), stride 1x1 and (-0.5, -0.5), stride 1x1") == 3
    assert "and 2 more joins" in text


WRITTEN_OUT = "input 8x16x16\n" + "conv 3x3; relu\n" * 100 + "gap; fc 10"


def test_rows_that_repeat_themselves_are_told_in_one() -> None:
    """Layers that are written out, or that are copies of a branch, fill no more than a page."""
    lines = str(archdsl.parse(WRITTEN_OUT).summary()).splitlines()
    assert "… the same 2 lines, 99 times more, to relu100" in lines[6]
    assert [line.split()[0] for line in lines[4:9]] == ["conv1", "relu1", "…", "gap1", "fc1"]
    branches = str(archdsl.parse("input 8x16x16; add 32 { conv 1x1 4; conv 3x3 8 }").summary())
    assert "… the same 2 lines, 31 times more, to conv64" in branches


def test_a_row_for_each_layer_is_one_for_each_layer() -> None:
    text = plain(archdsl.parse(WRITTEN_OUT).summary(), "all")
    assert "…" not in text
    assert "relu57 " in text


def test_of_very_many_outputs_some_are_named() -> None:
    spec = "input 8x16x16\n" + "".join(f"conv 3x3; output o{i} {{ gap }}\n" for i in range(40))
    head = str(archdsl.parse(spec).summary()).splitlines()[0:2]
    assert " ".join(head).endswith("o9 8, o10 8, 29 more")
