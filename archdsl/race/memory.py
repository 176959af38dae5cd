"""The memory that a way takes, measured in a process of its own that does nothing else.

Run as a module it is that process: it reads a `Load` from stdin and prints what it took.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

CALLS = 3  # the first ones allocate what stays


@dataclass(frozen=True, slots=True)
class Load:
    """What the process is to run, as plain data."""

    graph: str
    """As JSON."""
    way: str
    batch: int
    device: str
    threads: int
    seed: int
    onnx: str
    """The ONNX file, where the way needs one."""


def measure(load: Load) -> int | None:
    """The bytes that a way holds at most, beyond what its libraries do; None if it cannot be had.

    On the CPU it is resident memory; on a GPU what the device has given out, reserves of the
    allocators included. Weights, activations, and what compilers leave behind are all in it.
    """
    command = [sys.executable, "-m", "archdsl.race.memory"]
    ran = subprocess.run(command, input=json.dumps(asdict(load)), capture_output=True, text=True)
    if ran.returncode:
        return None
    return json.loads(ran.stdout.splitlines()[-1])


def _took(load: Load) -> int | None:
    import onnxruntime  # noqa: F401, libraries are not what is measured
    import torch

    from archdsl.ir import Graph
    from archdsl.network import Network
    from archdsl.race.runners import Setup, ways

    if load.device == "cuda":
        torch.cuda.init()
    way = next(way for way in ways() if way.name == load.way)
    network = Network(Graph.from_json(load.graph))
    given = (load.batch, load.device, load.threads, load.seed)
    setup = Setup(network, *given, Path(load.onnx), alone=True)
    before = _held(load.device)
    run = way.make(setup)
    for _ in range(CALLS):
        run()
    after = _held(load.device)
    return None if before is None or after is None else after - before


def _held(device: str) -> int | None:
    """Bytes: of a GPU now, of this process at most so far."""
    if device == "cuda":
        import torch

        free, total = torch.cuda.mem_get_info()
        return total - free
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent held when it forked
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        return int(found[1]) * 1024 if found else None
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    print(json.dumps(_took(Load(**json.load(sys.stdin)))))
