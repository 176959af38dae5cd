"""`make bench`: the project's measured claims, each a ratio within one run beside its target.

Every figure is a median over processes, and what is compared takes turns, so that the noise of the
machine falls on both sides alike. Only the ratios carry over to another machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ALEXNET = ROOT / "specs" / "alexnet.arch"


@dataclass(frozen=True)
class Figure:
    """One measured number; `target` bounds it from above, or from below if `at_least`."""

    what: str
    value: float
    target: float
    unit: str = ""
    at_least: bool = False
    detail: str = ""

    @property
    def met(self) -> bool:
        return self.value >= self.target if self.at_least else self.value <= self.target

    def __str__(self) -> str:
        bound = f"{'at least' if self.at_least else 'at most'} {self.target:g}{self.unit}"
        verdict = "met" if self.met else "MISSED"
        value = f"{self.value:.2f}{self.unit}"
        return f"{self.what:<46}{value:>9}   {bound:<15}{verdict:<8}{self.detail}"


def python(*arguments: object) -> str:
    """The output of a Python process."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def start_up(processes: int) -> Iterable[Figure]:
    """A whole `check` against importing torch."""
    commands = {
        "check": ("-m", "archdsl", "check", ALEXNET),
        "torch": ("-c", "import torch"),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():  # once unmeasured: byte code, the grammar's table, the disk
        python(*command)
    for _ in range(processes):
        for name, command in commands.items():
            times[name].append(seconds(lambda: python(*command)))  # noqa: B023
    median = {name: statistics.median(t) for name, t in times.items()}
    yield Figure(
        "check alexnet.arch / import torch",
        median["check"] / median["torch"],
        0.25,
        detail=f"{median['check']:.3f} s / {median['torch']:.3f} s",
    )


CHAIN = """
import sys, time
import archdsl
n = int(sys.argv[1])
text = "input 8x32x32\\n" + "conv 3x3; relu\\n" * (n // 2)
start = time.perf_counter()
net = archdsl.parse(text)
print(time.perf_counter() - start)
if len(net.graph.nodes) != n:
    sys.exit("the chain has another length")
"""


def chains(processes: int) -> Iterable[Figure]:
    """Text to IR of long chains."""
    short, long = 1_000, 10_000
    times: dict[int, list[float]] = {short: [], long: []}
    for _ in range(processes):
        for n in times:
            times[n].append(float(python("-c", CHAIN, n)))
    median = {n: statistics.median(t) for n, t in times.items()}
    detail = f"{median[long]:.3f} s / {median[short]:.3f} s"
    yield Figure(
        "text to IR, 10,000 layers / 1,000", median[long] / median[short], 12, "x", detail=detail
    )
    yield Figure("text to IR, 10,000 layers", median[long], 5, " s")


def linting(processes: int) -> Iterable[Figure]:
    """All rules on all networks of the zoo, in one process."""
    specs = sorted((ROOT / "specs").glob("*.arch"))
    command = ("-m", "archdsl", "lint", *specs)
    times = [seconds(lambda: python(*command)) for _ in range(processes)]
    yield Figure("lint of the whole zoo, one process", statistics.median(times), 3, " s")


def modules(processes: int) -> Iterable[Figure]:
    """The compiled AlexNet against a hand-written one: above 1 the compiled one is faster."""
    runs = [json.loads(python(HERE / "modules.py", ALEXNET)) for _ in range(processes)]
    for what in ("forward", "training step"):
        hand = statistics.median(run[what]["hand"] for run in runs)
        ours = statistics.median(run[what]["compiled"] for run in runs)
        ratio = statistics.median(run[what]["ratio"] for run in runs)
        detail = f"hand-written {hand * 1e3:.1f} ms, compiled {ours * 1e3:.1f} ms"
        yield Figure(f"AlexNet {what}, hand-written / compiled", ratio, 0.97, "", True, detail)


PARTS = {"start": start_up, "chains": chains, "lint": linting, "modules": modules}


def main() -> int:
    """Print the figures; the exit status is 1 if --strict and one is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all")
    parser.add_argument("-n", "--processes", type=int, default=7, help="per figure (7)")
    parser.add_argument("--strict", action="store_true", help="fail if a target is missed")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    print(f"medians of {options.processes} processes, taking turns\n")
    print(f"{'figure':<46}{'measured':>9}   {'target':<15}")
    missed = 0
    for name, part in PARTS.items():
        if options.parts and name not in options.parts:
            continue
        for figure in part(options.processes):
            print(figure, flush=True)
            missed += not figure.met
    return 1 if missed and options.strict else 0


if __name__ == "__main__":
    sys.exit(main())
