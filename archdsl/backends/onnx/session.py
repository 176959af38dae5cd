"""Running ONNX files: on a GPU where there is one, else on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession


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


def run(
    runner: InferenceSession, names: list[str], inputs: dict[str, NDArray[np.generic]]
) -> dict[str, NDArray[Any]]:
    """The outputs asked for, by their names; ours are all tensors."""
    return dict(zip(names, cast("list[NDArray[Any]]", runner.run(names, inputs)), strict=True))
