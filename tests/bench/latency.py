"""Latency in onnxruntime of the file that archdsl writes and of the one of torch.onnx.export."""

from __future__ import annotations

import io
import json
import sys
import tempfile
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import onnxruntime
import torch

import archdsl
from archdsl.race.timing import race, ratio

THREADS = 1  # one core each, so that what else the machine does falls on it less


def exported(model: torch.nn.Module, x: torch.Tensor, path: Path) -> Path:
    """The exporter's file, with a dynamic batch as ours has."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        batch = {0: torch.export.Dim("batch", min=1, max=1024)}
        program = torch.onnx.export(
            model, (x,), dynamo=True, dynamic_shapes=(batch,), verbose=False
        )
        assert program is not None
        program.save(path, external_data=True)
    return path


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def main(name: str, batch: int, seconds: float) -> None:
    """Print the medians and the ratio, theirs / ours, as JSON."""
    net = archdsl.zoo(name)
    model = net.to_torch().eval()
    x = torch.randn(2, *net.graph.inputs[0].shape)
    with tempfile.TemporaryDirectory() as folder:
        theirs = session(exported(model, x, Path(folder) / "theirs.onnx"))
        net.to_onnx(Path(folder) / "ours.onnx", weights=model)
        ours = session(Path(folder) / "ours.onnx")
        sessions = {"ours": ours, "theirs": theirs}
        fed = np.random.default_rng(0).normal(size=(batch, *net.graph.inputs[0].shape))
        feeds = {k: {s.get_inputs()[0].name: fed.astype(np.float32)} for k, s in sessions.items()}
        outputs = [s.run(None, feeds[k])[0] for k, s in sessions.items()]
        assert np.allclose(*outputs, rtol=1e-2, atol=1e-3 * abs(outputs[0]).max())
        runs = {k: (lambda s=s, f=feeds[k]: s.run(None, f)) for k, s in sessions.items()}
        times = race(runs, seconds)
    found = ratio(times["ours"], times["theirs"])
    medians = {k: t.median for k, t in times.items()}
    print(json.dumps({**medians, "ratio": found.value, "low": found.low, "high": found.high}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
