"""`make bench`: the project's measured claims, each a ratio within one run beside its target.

Every figure is a median over processes, and what is compared takes turns, so that the noise of the
machine falls on both sides alike. Only the ratios carry over to another machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
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
        return f"{self.what:<52}{value:>9}   {bound:<15}{verdict:<8}{self.detail}"


def python(*arguments: object) -> str:
    """The output of a Python process, which may keep its byte code as a user's does."""
    command = [sys.executable, *map(str, arguments)]
    kept = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=kept).stdout


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def start_up(processes: int) -> Iterable[Figure]:
    """A whole `check`, and importing archdsl alone, against importing torch."""
    commands = {
        "import archdsl": ("-c", "import archdsl"),
        "check alexnet.arch": ("-m", "archdsl", "check", ALEXNET),
        "import torch": ("-c", "import torch"),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():  # once unmeasured: byte code, the grammar's table, the disk
        python(*command)
    for _ in range(processes):
        for name, command in commands.items():
            times[name].append(seconds(lambda: python(*command)))  # noqa: B023
    median = {name: statistics.median(t) for name, t in times.items()}
    torch = median.pop("import torch")
    for (name, value), target in zip(median.items(), (0.2, 0.25), strict=True):
        yield Figure(
            f"{name} / import torch", value / torch, target, detail=f"{value:.3f} s / {torch:.3f} s"
        )


RESNET_152 = """
import statistics, sys, time
from archdsl.elaborate import elaborate
from archdsl.files import read_source
from archdsl.syntax import parse
from pathlib import Path
source = read_source(Path(sys.argv[1]))
def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
elaborate(parse(source), "resnet152")
turns = [
    (seconds(lambda: parse(source)), seconds(lambda: elaborate(parse(source), "resnet152")))
    for _ in range(15)
]
for parsed, whole in turns:
    print(parsed, whole)
"""


def resnet(processes: int) -> Iterable[Figure]:
    """Text to IR of ResNet-152 against parsing the same text."""
    spec = ROOT / "specs" / "resnet.arch"
    lines = [line for _ in range(processes) for line in python("-c", RESNET_152, spec).splitlines()]
    turns = [tuple(map(float, line.split())) for line in lines]
    parsed, whole = (statistics.median(column) for column in zip(*turns, strict=True))
    yield Figure(
        "ResNet-152: text to IR / parsing",
        statistics.median(whole / parsed for parsed, whole in turns),
        3,
        "x",
        detail=f"{whole * 1e3:.1f} ms / {parsed * 1e3:.1f} ms",
    )


LAYERS = """
import sys, time
import archdsl
kind, n = sys.argv[1], int(sys.argv[2])
if kind == "chain":
    text = "input 8x32x32\\n" + "conv 3x3; relu\\n" * (n // 2)
else:
    unit = "block unit { residual { conv 3x3; bn; relu; conv 3x3; bn }; relu }\\n"
    text = unit + f"input 8x32x32\\nbody: {{ unit x5 }} x{n // 35}"
start = time.perf_counter()
net = archdsl.parse(text)
parsed = time.perf_counter()
net.torch_source()
print(parsed - start, time.perf_counter() - parsed)
if len(net.graph.nodes) != (n if kind == "chain" else n // 35 * 35):
    sys.exit("the network has another length")
"""


def layers(processes: int) -> Iterable[Figure]:
    """Long networks: a plain chain, and blocks with residuals, repeated."""
    short, long = 1_000, 10_000
    jobs = [(kind, n) for kind in ("chain", "blocks") for n in (short, long)]
    times: dict[tuple[str, int], list[list[float]]] = {job: [] for job in jobs}
    for _ in range(processes):
        for job in jobs:
            times[job].append([float(t) for t in python("-c", LAYERS, *job).split()])
    for i, stage in enumerate(("text to IR", "PyTorch source")):
        median = {job: statistics.median(run[i] for run in runs) for job, runs in times.items()}
        for kind in ("chain", "blocks"):
            ratio = median[kind, long] / median[kind, short]
            yield Figure(f"{stage}, {kind}: 10,000 layers / 1,000", ratio, 12, "x")
            yield Figure(f"{stage}, {kind}: 10,000 layers", median[kind, long], 5, " s")


ANALYSES = """
import sys, time
import archdsl
from archdsl.analyses import memory, receptive_field, signal
from archdsl.analyses.by_source import by_line
kind, n = sys.argv[1], int(sys.argv[2])
unit = "block unit { residual { conv 3x3; bn; relu; conv 3x3; bn }; relu }\\n"
blocks = unit + f"input 8x32x32\\nbody: {{ unit x5 }} x{n // 35}"
chain = "input 8x32x32\\n" + "conv 3x3; relu\\n" * (n // 2)
net = archdsl.parse(chain if kind == "chain" else blocks)
for name, run in {
    "summary": net.summary,
    "table": lambda: str(net.summary()),
    "receptive fields": lambda: receptive_field.fields(net.graph),
    "memory": lambda: memory.training(net.graph).peak(),
    "signals": lambda: signal.signals(net.graph),
    "by source": lambda: by_line(net.graph),
    "lint": net.lint,
}.items():
    start = time.perf_counter()
    run()
    print(name, time.perf_counter() - start, sep="=")
"""


def analyses(processes: int) -> Iterable[Figure]:
    """Every analysis of long networks."""
    jobs = [(kind, n) for kind in ("chain", "blocks") for n in (1_000, 10_000)]
    times: dict[tuple[str, str, int], list[float]] = {}
    for _ in range(processes):
        for job in jobs:
            for line in python("-c", ANALYSES, *job).splitlines():
                name, _, value = line.partition("=")
                times.setdefault((name, *job), []).append(float(value))
    median = {key: statistics.median(values) for key, values in times.items()}
    for name, kind, n in median:
        if n == 10_000:
            ratio = median[name, kind, n] / median[name, kind, 1_000]
            what = f"{name}, {kind}: 10,000 layers"
            yield Figure(what, median[name, kind, n], 5, " s", detail=f"{ratio:.1f}x of 1,000")


def memory(processes: int) -> Iterable[Figure]:
    """What PyTorch's allocator gave out on the CPU against what is predicted."""
    for network in ("alexnet", "vgg16", "resnet50", "vit_base_patch16_224"):
        for batch in (1, 4):
            run = json.loads(python(HERE.parent / "allocations.py", network, batch))
            for what, (measured, predicted) in run.items():
                detail = f"measured {measured / 1e6:,.1f} MB, predicted {predicted / 1e6:,.1f} MB"
                off = 100 * abs(predicted / measured - 1)
                yield Figure(
                    f"{network} {what}, batch {batch}: off by", off, 10, " %", detail=detail
                )


TORCHINFO = """
import sys, torch, torchinfo
sys.path.insert(0, sys.argv[1])
name = sys.argv[2]
module = __import__(name)
network = next(c for n, c in vars(module).items() if n.lower() == name.replace("_", ""))
print(torchinfo.summary(network(), input_size=(1, 3, 224, 224), verbose=0))
"""


def tables(processes: int) -> Iterable[Figure]:
    """Whole processes that print a network's table; torchinfo's builds and runs the module."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("resnet152", "vgg16", "vit_base_patch16_224"):
            python("-m", "archdsl", "compile", name, "--emit", "torch", "-o", folder, "-q")
            ours, theirs = [], []
            for _ in range(processes + 1):
                ours.append(seconds(lambda: python("-m", "archdsl", "summary", name)))  # noqa: B023
                theirs.append(seconds(lambda: python("-c", TORCHINFO, folder, name)))  # noqa: B023
            mine, other = statistics.median(ours[1:]), statistics.median(theirs[1:])
            detail = f"torchinfo {other:.2f} s, archdsl {mine:.2f} s"
            what = f"summary {name}, torchinfo / archdsl"
            yield Figure(what, other / mine, 10, "x", at_least=True, detail=detail)


def linting(processes: int) -> Iterable[Figure]:
    """All rules on all networks of the zoo, in one process."""
    specs = sorted((ROOT / "specs").glob("*.arch"))
    command = ("-m", "archdsl", "lint", *specs)
    times = [seconds(lambda: python(*command)) for _ in range(processes)]
    yield Figure("lint of the whole zoo, one process", statistics.median(times), 3, " s")


def modules(processes: int) -> Iterable[Figure]:
    """Compiled modules against hand-written ones: above 1 the compiled one is faster."""
    for network in ("alexnet", "resnet50", "vit_base_patch16_224"):
        runs = [json.loads(python(HERE / "modules.py", network)) for _ in range(processes)]
        for what in ("forward", "training step"):
            hand = statistics.median(run[what]["hand"] for run in runs)
            ours = statistics.median(run[what]["compiled"] for run in runs)
            ratio = statistics.median(run[what]["ratio"] for run in runs)
            detail = f"hand-written {hand * 1e3:.1f} ms, compiled {ours * 1e3:.1f} ms"
            yield Figure(f"{network} {what}, hand / compiled", ratio, 0.97, "", True, detail)


def latency(processes: int) -> Iterable[Figure]:
    """Onnxruntime on our ONNX files and on torch.onnx.export's, one core, in turns."""
    for network in ("alexnet", "resnet50", "googlenet", "vit_base_patch16_224"):
        for batch in (1, 8):
            output = python(HERE / "latency.py", network, batch, processes)
            run = json.loads(output.splitlines()[-1])
            times = f"theirs {run['theirs'] * 1e3:.1f} ms, ours {run['ours'] * 1e3:.1f} ms"
            detail = f"{times}, 95% in {run['low']:.2f} to {run['high']:.2f}"
            what = f"{network}, batch {batch}: exporter's file / ours"
            yield Figure(what, run["ratio"], 0.97, "x", at_least=True, detail=detail)


def serving(processes: int) -> Iterable[Figure]:
    """Requests a second that examples/serve.py answers to 16 clients on the loopback."""
    runs = [json.loads(python(HERE / "serving.py", "resnet18")) for _ in range(min(3, processes))]
    for batch in ("batch 1", "batch 16"):
        rate = statistics.median(run[batch]["rate"] for run in runs)
        median, p99 = (statistics.median(r[batch][k] for r in runs) for k in ("median", "p99"))
        detail = f"median {median * 1e3:.0f} ms, 99% within {p99 * 1e3:.0f} ms"
        yield Figure(f"resnet18 served, {batch}", rate, 1, "/s", at_least=True, detail=detail)


def export(processes: int) -> Iterable[Figure]:
    """A model in memory to a folded file, against torch.onnx.export(dynamo=True), in turns."""
    for network in ("alexnet", "vgg16", "resnet50", "resnet152", "vit_base_patch16_224"):
        outputs = [python(HERE / "export.py", network) for _ in range(min(3, processes))]
        runs = [json.loads(output.splitlines()[-1]) for output in outputs]
        found = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        detail = f"torch.onnx {found['theirs']:.2f} s, archdsl {found['ours']:.2f} s"
        what = f"export {network}, torch.onnx / archdsl"
        # Tracing is what takes the exporter long; writing large weights takes both the same.
        target = 15 if network == "resnet50" else 1
        yield Figure(what, found["ratio"], target, "x", at_least=True, detail=detail)
        what = f"export {network}, memory / weights"
        yield Figure(what, found["memory"], 1.2, "x")


SAME_DOT = """
import sys
try:
    import pygraphviz
except ImportError:
    import graphviz
    graphviz.Source.from_file(sys.argv[1]).render(outfile=sys.argv[2])
else:
    pygraphviz.AGraph(sys.argv[1]).draw(sys.argv[2], prog="dot")
"""

DRAWING = """
import sys, time
from pathlib import Path
import archdsl
from archdsl.backends import graphviz
graph = archdsl.zoo("resnet152").graph
start = time.perf_counter()
graphviz.draw(graph, Path(sys.argv[1]))
print(time.perf_counter() - start)
"""

LONG = """
import sys, time
import archdsl
unit = "block unit { residual { conv 3x3; bn; relu; conv 3x3; bn }; relu }\\n"
chain, blocks = "conv 3x3; relu\\n" * 5000, "unit\\n" * 1428
net = archdsl.parse(unit + "input 8x32x32\\n" + (chain if sys.argv[1] == "chain" else blocks))
start = time.perf_counter()
try:
    net.draw(sys.argv[2], depth="all")
except archdsl.ArchError as error:
    assert "--depth" in str(error)
print(time.perf_counter() - start)
"""


def drawing(processes: int) -> Iterable[Figure]:
    """ResNet-152, folded, drawn to SVG, against Graphviz alone on the same DOT; long networks."""
    with tempfile.TemporaryDirectory() as folder:
        dot, ours, theirs = (str(Path(folder, name)) for name in ("a.gv", "a.svg", "b.svg"))
        python("-m", "archdsl", "draw", "resnet152", "-o", dot, "-q")
        times: dict[str, list[float]] = {"whole": [], "alone": [], "dot": []}
        for _ in range(processes + 1):
            command = ("-m", "archdsl", "draw", "resnet152", "-o", ours, "-q")
            times["whole"].append(seconds(lambda: python(*command)))  # noqa: B023
            times["alone"].append(float(python("-c", DRAWING, ours)))
            times["dot"].append(
                seconds(lambda: python("-W", "ignore", "-c", SAME_DOT, dot, theirs))
            )
        median = {name: statistics.median(t[1:]) for name, t in times.items()}
        for name, what in (("whole", "whole process"), ("alone", "from IR to SVG")):
            detail = f"{median[name]:.3f} s / Graphviz alone {median['dot']:.3f} s"
            ratio = median[name] / median["dot"]
            yield Figure(f"draw resnet152, {what} / Graphviz", ratio, 1.5, "x", detail=detail)
        for kind in ("chain", "blocks"):
            value = float(python("-c", LONG, kind, ours))
            yield Figure(f"draw, 10,000 layers unfolded, {kind}", value, 60, " s")


def train(processes: int) -> Iterable[Figure]:
    """A run's loop against a bare one: ResNet-20, batches of 128 of 3x32x32, in turns."""
    runs = [json.loads(python(HERE / "training.py", 32)) for _ in range(min(3, processes))]
    found = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    detail = f"bare {found['bare'] * 1e3:.0f} ms a batch, run {found['run'] * 1e3:.0f} ms"
    yield Figure("train: ResNet-20, run / bare loop", found["ratio"], 1.05, "x", detail=detail)
    detail = f"{found['reading'] * 1e3:.1f} ms: random_crop, hflip, normalize"
    what = "train: to read and augment a batch, of its step"
    yield Figure(what, 100 * found["reading"] / found["bare"], 5, " %", detail=detail)
    yield from (Figure(*json.loads(line)) for line in python(HERE / "frozen.py").splitlines())


def loader(processes: int, images: int = 512) -> Iterable[Figure]:
    """What `cache` gives, and what reading takes of a step of ResNet-18 at 224x224, on one core."""
    outputs = [python(HERE / "loader.py", images, 0) for _ in range(min(3, processes))]
    runs = [json.loads(output) for output in outputs]
    found = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    for cache in ("disk", "memory"):
        detail = f"{found[cache]:,.0f}/s, JPEG {found['none']:,.0f}/s"
        ratio = found[cache] / found["none"]
        yield Figure(f"loader: cache={cache} / JPEG files", ratio, 2, "x", True, detail)
    share = 100 * found["step"] / found["none"]
    detail = f"ResNet-18 trains on {found['step']:.1f}/s"
    yield Figure("loader: JPEG files, of a step", share, 10, " %", detail=detail)


def gpu(processes: int) -> Iterable[Figure]:
    """Compiled networks against hand-written ones in archdsl's loop: bf16, compiled."""
    if python("-c", "import torch; print(torch.cuda.device_count())").strip() == "0":
        print("gpu: no GPU here")
        return
    for network in ("alexnet", "resnet50", "vit_base_patch16_224"):
        outputs = [python(HERE / "gpu.py", network) for _ in range(min(3, processes))]
        runs = [json.loads(output.splitlines()[-1]) for output in outputs]
        mean = {
            (side, key): statistics.median(run[side][key] for run in runs)
            for side in ("compiled", "hand")
            for key in ("rate", "bytes")
        }
        detail = (
            f"{mean['compiled', 'rate']:,.0f} images/s, {mean['compiled', 'bytes'] / 1e9:.2f} GB"
        )
        ratio = mean["compiled", "rate"] / mean["hand", "rate"]
        yield Figure(f"{network} on the GPU, compiled / hand", ratio, 0.97, "", True, detail)
        ratio = mean["compiled", "bytes"] / mean["hand", "bytes"]
        yield Figure(f"{network} on the GPU, memory / hand", ratio, 1.03, "x")


PARTS = {
    "loader": loader,
    "gpu": gpu,
    "draw": drawing,
    "start": start_up,
    "resnet": resnet,
    "layers": layers,
    "lint": linting,
    "analyses": analyses,
    "tables": tables,
    "memory": memory,
    "latency": latency,
    "serving": serving,
    "export": export,
    "modules": modules,
    "train": train,
}


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
    print(f"{'figure':<52}{'measured':>9}   {'target':<15}")
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
