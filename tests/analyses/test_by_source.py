"""The spec with the numbers of each line in its margin."""

from __future__ import annotations

from pathlib import Path

import pytest

import archdsl
from archdsl.analyses.by_source import MARGIN, by_line
from archdsl.pipeline import zoo_names

SPEC = """\
block unit width {
  conv 3x3 width bias=false; bn
  relu
}
input 3x8x8
unit 4; unit 4
# nothing here
gap; fc 10
"""


def test_the_margin() -> None:
    text = archdsl.parse(SPEC, file="small.arch").annotated_source()
    margins = {line[MARGIN + 2 :]: line[:MARGIN].split() for line in text.splitlines()}
    assert margins["  conv 3x3 width bias=false; bn"] == [
        "268",
        "16.1k",
        "4.1",
        "kB",
        "4x8x8",
        "5/1",
    ]
    assert margins["  relu"] == ["4x8x8", "5/1"]
    assert margins["unit 4; unit 4"] == ["(268)", "(16.1k)", "(4.1", "kB)", "4x8x8", "5/1"]
    assert margins["gap; fc 10"] == ["50", "40", "56", "B", "..10", "all"]
    assert margins["# nothing here"] == []
    assert margins["block unit width {"] == []
    assert str(2 * 4 + 3 * 4 * 9 + 2 * 4 + 4 * 4 * 9) == "268"


@pytest.mark.parametrize("name", sorted(zoo_names()))
def test_the_lines_add_up(name: str) -> None:
    network = archdsl.zoo(name)
    lines = by_line(network.graph).values()
    summary = network.summary()
    assert sum(line.totals.params for line in lines) == summary.params
    assert sum(line.totals.macs for line in lines) == summary.macs


def test_the_memory_is_that_of_a_batch() -> None:
    net = archdsl.parse("input 250; fc 1000", file="a.arch")
    assert "4 kB" in net.annotated_source()
    assert "64 kB" in net.annotated_source(batch=32, dtype="bf16")


def test_files_that_are_imported_follow(tmp_path: Path) -> None:
    (tmp_path / "parts.arch").write_text("block stage { conv 3x3 8; relu }\n")
    (tmp_path / "main.arch").write_text('import "parts.arch"\ninput 3x8x8\nstage\n')
    text = archdsl.load(tmp_path / "main.arch").annotated_source()
    heads = [line[MARGIN + 2 :] for line in text.splitlines() if line.lstrip().startswith("params")]
    assert heads == ["main.arch", "parts.arch"]
    assert "(224)" in text


def test_a_graph_without_a_text_has_no_lines() -> None:
    from archdsl.ir import Graph
    from archdsl.network import Network

    graph = archdsl.parse(SPEC).graph
    assert Network(Graph.from_json(graph.to_json())).annotated_source() == ""
