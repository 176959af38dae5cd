"""The shortest way through a network and the forks of its branches, against all ways."""

from __future__ import annotations

from itertools import product

import archdsl
from archdsl.analyses.depth import fewest, has_kernel
from archdsl.lint.paths import Forks, shortest


def test_the_shortest_way_and_the_forks_of_a_graph() -> None:
    text = (
        "a: conv 3x3 4\nconcat { | b: conv 1x1 4; residual { conv 3x3; relu } }\n"
        "residual { conv 3x3 8 | relu }\nadd { add { conv 1x1 4 | @b } | conv 1x1 4; conv 3x3 }"
    )
    graph = archdsl.parse(f"input 4x8x8\n{text}\ngap; fc 3").graph
    ways: dict[str, list[list[str]]] = {graph.inputs[0].name: [[graph.inputs[0].name]]}
    for node in graph.nodes:
        ways[node.path] = [[*way, node.path] for path in node.inputs for way in ways[path]]
    depth = fewest(graph)
    for path, all_of_them in ways.items():
        counts = [sum(has_kernel(graph.by_path[p]) for p in way[1:]) for way in all_of_them]
        assert depth[path] == min(counts)
    way = [graph.inputs[0].name, *(node.path for node in shortest(graph, depth))]
    assert way in ways[graph.main.node]
    assert sum(has_kernel(graph.by_path[p]) for p in way[1:]) == depth[graph.main.node]
    forks = Forks(graph)
    for a, b in product(ways, ways):
        common = [p for p in ways[a][0] if all(p in way for way in ways[a] + ways[b])]
        assert forks.of((a, b)) == common[-1]
