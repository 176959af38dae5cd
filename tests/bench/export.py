"""From a model in memory to an ONNX file: archdsl's time and torch.onnx.export's, and memory."""

from __future__ import annotations

import io
import itertools
import json
import logging
import re
import statistics
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import torch
from measuring import seconds

import archdsl
from archdsl.backends.onnx import ExportOptions

REPEATS = 3
OPTIONS = ExportOptions(fold=True)  # as `archdsl export` writes, without the proof


def theirs(model: torch.nn.Module, example: torch.Tensor, path: Path) -> None:
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (example,), path, dynamo=True, verbose=False)


def resident(name: str) -> int:
    """Bytes that this process holds (VmRSS), or has held at most (VmHWM); Linux says so."""
    status = Path("/proc/self/status").read_text()
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def above(call: Callable[[], object]) -> int:
    """The bytes by which a call went above what the process held before it, at its peak."""
    Path("/proc/self/clear_refs").write_text("5")  # forgets the earlier peak
    before = resident("VmRSS")
    call()
    return resident("VmHWM") - before


def main(name: str) -> None:
    """Print the medians, the ratio theirs / ours, and the memory over the weights, as JSON."""
    logging.disable(logging.WARNING)
    net = archdsl.zoo(name)
    model = net.to_torch().eval()
    example = torch.randn(1, *net.graph.inputs[0].shape)
    with tempfile.TemporaryDirectory() as folder:
        names = map("{}.onnx".format, itertools.count())  # a new file each: none is replaced

        def ours() -> None:
            net.to_onnx(Path(folder) / next(names), weights=model, options=OPTIONS)

        archdsl.zoo("tiny").to_onnx(Path(folder) / "tiny.onnx")  # imports what both need
        extra = above(ours)
        pairs = [
            (seconds(ours), seconds(lambda: theirs(model, example, Path(folder) / next(names))))
            for _ in range(REPEATS)
        ]
    weights = sum(t.numel() * t.element_size() for t in model.state_dict().values())
    mine, other = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(json.dumps({"ours": mine, "theirs": other, "ratio": ratio, "memory": extra / weights}))


if __name__ == "__main__":
    main(sys.argv[1])
