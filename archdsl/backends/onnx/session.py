"""Running an ONNX file: on a GPU where there is one, else on the CPU, and held against PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.ir import Graph

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from torch import nn


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the outputs of onnxruntime are from PyTorch's, over all outputs."""

    absolute: float
    """The largest difference."""
    relative: float
    """The largest difference over the largest output."""
    device: str
    """What onnxruntime ran on, in words."""


def session(path: str | Path) -> tuple[InferenceSession, str]:
    """A session for a file, and in words what it runs on.

    onnxruntime falls back to the CPU by itself; what it says of a missing GPU is kept quiet.
    """
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    wanted = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    providers = [p for p in wanted if p in onnxruntime.get_available_providers()]
    made = onnxruntime.InferenceSession(str(path), options, providers=providers)
    on_gpu = "CUDAExecutionProvider" in made.get_providers()
    return made, "the GPU" if on_gpu else "the CPU, as there is no GPU"


def compare(graph: Graph, path: str | Path, model: nn.Module, batch: int = 2) -> Agreement:
    """Run the file and the module on the same random inputs."""
    import torch

    runner, device = session(path)
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(batch, *i.shape, generator=generator) for i in graph.inputs]
    was_training = model.training
    model.eval()
    with torch.no_grad():
        found = model(*inputs)
    model.train(was_training)
    expected = found if isinstance(found, dict) else {"out": found}
    feed: dict[str, Any] = {i.name: x.numpy() for i, x in zip(graph.inputs, inputs, strict=True)}
    names = [o.name for o in graph.given]
    absolute = relative = 0.0
    for name, value in zip(names, runner.run(names, feed), strict=True):
        wanted = expected[name]
        difference = float((torch.as_tensor(value) - wanted).abs().max())
        absolute = max(absolute, difference)
        relative = max(relative, difference / max(float(wanted.abs().max()), 1e-30))
    return Agreement(absolute, relative, device)
