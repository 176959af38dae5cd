"""Which device onnxruntime runs a model on: what is asked for, or the best that is there."""

from __future__ import annotations

import ctypes
import io
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from archdsl.errors import Diagnostic, ModelError
from archdsl.serve.model import refusal, said

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Device = Literal["auto", "cpu", "cuda", "tensorrt"]

PROVIDERS = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
FATAL = 4  # onnxruntime's level of messages; what matters comes as an exception


def start(
    path: Path, device: Device, *, threads: int = 0, optimize: bool = True, exact: bool = False
) -> tuple[InferenceSession, str]:
    """A session, and the device that it really runs on: "cpu", "cuda" or "tensorrt".

    `auto` is CUDA where onnxruntime has it and it loads, else the CPU, without a word. TensorRT is
    used when it is asked for alone, as it first compiles the model, for minutes.

    Args:
        path: the model.
        device: what is asked for.
        threads: of the CPU, for one operator; as many as there are cores if 0.
        optimize: whether onnxruntime may merge operators.
        exact: whether a GPU multiplies in 32 bits; it rounds to 10 bits of mantissa (TF32) else.

    Raises:
        ModelError: onnxruntime refuses the file, or the device is not there.
    """
    import onnxruntime

    onnxruntime.set_default_logger_severity(FATAL)
    options = _options(threads, optimize)
    wanted = ("cuda", "cpu") if device == "auto" else (device,)
    offered = onnxruntime.get_available_providers()
    for name in wanted:
        if name != "cpu" and (PROVIDERS[name] not in offered or not _has_driver()):
            continue
        made = _session(path, name, options, exact, forgiving=device == "auto" and name != "cpu")
        if made is not None and made.get_providers()[0] == PROVIDERS[name]:
            return made, name
    label = f"`{device}`: onnxruntime {onnxruntime.__version__} found no such device here"
    raise ModelError(Diagnostic("A906", None, label, help="`--device auto` takes what is there"))


def _options(threads: int, optimize: bool) -> Any:
    import onnxruntime

    found = onnxruntime.SessionOptions()
    found.log_severity_level = FATAL
    # Whatever it is called: a name that ends in .ort means another format, which nobody looked at.
    found.add_session_config_entry("session.load_model_format", "ONNX")
    found.intra_op_num_threads = threads
    if not optimize:
        found.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return found


def _session(
    path: Path, device: str, options: Any, exact: bool, forgiving: bool
) -> InferenceSession | None:
    import onnxruntime

    if device != "cpu":
        with redirect_stdout(io.StringIO()):  # it prints what it does not find
            onnxruntime.preload_dlls()
    behind = {"tensorrt": ["cuda", "cpu"], "cuda": ["cpu"], "cpu": []}[device]
    told = {"cuda": {"use_tf32": "0"}} if exact else {}
    providers = [(PROVIDERS[name], told.get(name, {})) for name in (device, *behind)]
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=providers, enable_fallback=False,
            read_config_from_model=False,
        )  # fmt: skip
    except Exception as error:  # pybind's; they have no common ancestor but this one
        if forgiving:
            return None
        raise refusal("A901", path, f"onnxruntime cannot run it: {said(error)}") from None


def _has_driver() -> bool:
    """Whether an NVIDIA driver is installed; without one there is no need to load CUDA."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
