"""One drawing of `bench.py draw`, in a process of its own.

    python tests/bench/drawings.py dot FILE.gv FILE.svg     Graphviz alone, timed from outside
    python tests/bench/drawings.py folded FILE.svg          ResNet-152; prints the seconds
    python tests/bench/drawings.py unfolded KIND FILE.svg   10,000 layers; prints the seconds

What is imported is imported where it is used: Graphviz alone is not to wait for archdsl.
"""

from __future__ import annotations

import sys
import time


def dot(source: str, output: str) -> None:
    """Draw DOT as archdsl does: by the program if there is one, else by the wheel's library."""
    import shutil

    if shutil.which("dot"):
        import graphviz

        graphviz.Source.from_file(source).render(outfile=output)
    else:
        import pygraphviz

        pygraphviz.AGraph(source).draw(output, prog="dot")


def folded(output: str) -> None:
    """Print the seconds from the IR of ResNet-152 to its picture."""
    from pathlib import Path

    import archdsl
    from archdsl.backends import graphviz

    graph = archdsl.zoo("resnet152").graph
    start = time.perf_counter()
    graphviz.draw(graph, Path(output))
    print(time.perf_counter() - start)


def unfolded(kind: str, output: str) -> None:
    """Print the seconds for every layer of a `chain` or of `blocks`, or until it is refused."""
    import archdsl

    unit = "block unit { residual { conv 3x3; bn; relu; conv 3x3; bn }; relu }\n"
    body = {"chain": "conv 3x3; relu\n" * 5000, "blocks": "unit\n" * 1428}[kind]
    net = archdsl.parse(f"{unit}input 8x32x32\n{body}")
    start = time.perf_counter()
    try:
        net.draw(output, depth="all")
    except archdsl.ArchError as error:
        assert "--depth" in str(error)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    {"dot": dot, "folded": folded, "unfolded": unfolded}[what](*arguments)
