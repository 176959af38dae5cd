"""`make fuzz`: many damaged, random and valid specs, each within bounds of time and memory.

Of every spec: it compiles or is refused with places inside of it, in at most ten seconds, the whole
process in at most a gigabyte. Of every spec that compiles: the IR survives JSON, and the generated
Python is nothing but classes, assignments, calls and names that we write.
"""

from __future__ import annotations

import argparse
import ast
import multiprocessing
import resource
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

import exports
import fuzz_files
from strategies import mutations, networks, soups

from archdsl.analyses.expectations import failures
from archdsl.backends.torch import source as torch_source
from archdsl.elaborate import Limits, elaborate, network_names
from archdsl.errors import ArchError
from archdsl.ir import Graph
from archdsl.source import Source
from archdsl.syntax import parse

SECONDS, BYTES = 10, 1 << 30
LIMITS = Limits(layers=2000, steps=20_000)

# What a generated file consists of; anything else would not be ours.
STATEMENTS = (
    ast.Module, ast.ClassDef, ast.FunctionDef, ast.ImportFrom, ast.Import, ast.Assign, ast.Expr,
    ast.For, ast.If, ast.Return,
)  # fmt: skip
IMPORTS = {"torch", "collections"}


def python_is_ours(text: str) -> None:
    """A generated file holds the statements that we write, and imports torch."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.stmt):
            assert isinstance(node, STATEMENTS), ast.unparse(node)
        if isinstance(node, ast.Import):
            assert {a.name for a in node.names} <= IMPORTS
        if isinstance(node, ast.ImportFrom):
            assert node.module in IMPORTS
        if isinstance(node, ast.Name):
            assert not node.id.startswith("__"), node.id
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("__") or node.attr == "__init__", node.attr


def check(text: str) -> bool:
    """Whether the text compiles; every promise that it makes or breaks on the way is checked."""
    source = Source(text)
    try:
        spec = parse(source)
        graphs = [elaborate(spec, name, limits=LIMITS) for name in network_names(spec) or [None]]
    except ArchError as error:
        assert error.diagnostics
        for found in error.diagnostics:
            assert found.span is not None, found
            assert 0 <= found.span.start <= found.span.end <= len(text), found
            found.render()
        return False
    for graph in graphs[:3]:
        assert Graph.from_json(graph.to_json()) == graph
        failures(graph)
        python_is_ours(torch_source(graph))
    return True


def run(number: int, count: int) -> tuple[int, int, float]:
    """Specs tried, those that compile, and the longest time for one."""
    tried = compiled = 0
    longest = 0.0
    resource.setrlimit(resource.RLIMIT_AS, (4 * BYTES, 4 * BYTES))

    @seed(number)
    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.one_of(mutations(), mutations(), soups(), networks(), st.text(max_size=200)))
    def each(text: str) -> None:
        nonlocal tried, compiled, longest
        start = time.monotonic()
        ok = check(text)
        took = time.monotonic() - start
        assert took < SECONDS, f"{took:.1f} s"
        tried, compiled, longest = tried + 1, compiled + ok, max(longest, took)

    each()
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert used < BYTES, f"{used / 2**20:.0f} MiB"
    return tried, compiled, longest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--specs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=2_000)
    parser.add_argument("--files", type=int, default=10_000, help="models and pictures")
    parser.add_argument("--exports", type=int, default=5_000, help="networks, as ONNX files")
    arguments = parser.parse_args()
    batches = -(-arguments.specs // arguments.batch)
    jobs = [(arguments.seed * 1_000_000 + i, arguments.batch) for i in range(batches)]
    tried = compiled = 0
    longest = 0.0
    context = multiprocessing.get_context("spawn")
    with context.Pool(maxtasksperchild=5) as pool:
        for result in pool.starmap_async(run, jobs, chunksize=1).get():
            tried, compiled = tried + result[0], compiled + result[1]
            longest = max(longest, result[2])
    print(f"{tried:,} specs, {compiled:,} of which compile; the longest took {longest:.2f} s")
    print(fuzz_files.fuzz(arguments.files, arguments.seed))
    print(exports.fuzz(arguments.exports, arguments.seed))


if __name__ == "__main__":
    main()
