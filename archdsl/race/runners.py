"""The ways to run a network that race: PyTorch eager, compiled, in other types; onnxruntime."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.errors import ModelError
from archdsl.network import Network
from archdsl.race.timing import Run
from archdsl.serve.devices import Device, start

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run a network; `make` gives the call that runs a batch, from model and inputs."""

    name: str
    about: str
    make: Callable[[Setup], Run]
    on: tuple[str, ...] = ("cpu", "cuda")


@dataclass(frozen=True)
class Setup:
    """What all ways start from; the module and the inputs are made when the first one asks."""

    network: Network
    batch: int
    device: str
    threads: int
    seed: int
    onnx: Path
    """Where the ONNX file is, or is written to."""
    alone: bool = False
    """Whether one way has the module for itself."""

    @cached_property
    def model(self) -> nn.Module:
        """The network with fresh weights."""
        return self.network.to_torch(seed=self.seed).eval().to(self.device)

    @cached_property
    def inputs(self) -> tuple[Tensor, ...]:
        """A batch of random inputs."""
        import torch

        draw = torch.Generator().manual_seed(self.seed)
        shapes = (i.shape for i in self.network.graph.inputs)
        return tuple(torch.randn(self.batch, *s, generator=draw).to(self.device) for s in shapes)


class CannotRun(Exception):
    """A way that this machine or this network does not have; the text says why."""


def ways() -> list[Way]:
    """All of them, the baseline first."""
    return [
        Way("eager", "PyTorch, float32", lambda s: _torch(s)),
        Way("channels_last", "PyTorch, the channels innermost", lambda s: _torch(s, last=True)),
        Way("compile", "torch.compile", lambda s: _torch(s, compiled=True)),
        Way("bf16", "PyTorch, bfloat16", lambda s: _torch(s, dtype="bfloat16")),
        Way("fp16", "PyTorch, float16", lambda s: _torch(s, dtype="float16"), on=("cuda",)),
        Way("onnxruntime", "onnxruntime on the CPU", lambda s: _onnx(s, "cpu"), ("cpu",)),
        Way(
            "onnxruntime-cuda",
            "onnxruntime on the GPU",
            lambda s: _onnx(s, "cuda"),
            on=("cuda",),
        ),
        Way(
            "onnxruntime-tensorrt",
            "onnxruntime with TensorRT",
            lambda s: _onnx(s, "tensorrt"),
            on=("cuda",),
        ),
    ]


@contextmanager
def prepared(network: Network, batch: int, device: str, threads: int, seed: int) -> Iterator[Setup]:
    """What the ways start from, and a folder for the ONNX file."""
    with tempfile.TemporaryDirectory() as folder:
        yield Setup(network, batch, device, threads, seed, Path(folder) / "network.onnx")


def default_device() -> str:
    """`cuda` where PyTorch has a GPU, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _torch(s: Setup, last: bool = False, compiled: bool = False, dtype: str = "float32") -> Run:
    import copy

    import torch

    torch.set_num_threads(s.threads)
    if last and not any(x.dim() == 4 for x in s.inputs):
        raise CannotRun("no input is a map")
    kind = getattr(torch, dtype)
    model, inputs = s.model, s.inputs
    if last or dtype != "float32":
        model = (s.model if s.alone else copy.deepcopy(s.model)).to(kind)
        inputs = tuple(x.to(kind) for x in inputs)
    if last:
        model = model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        inputs = tuple(
            x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x for x in inputs
        )
    call: Callable[..., Any] = torch.compile(model) if compiled else model

    def run() -> None:
        with torch.inference_mode():
            call(*inputs)
        if s.device == "cuda":
            torch.cuda.synchronize()

    try:
        run()
    except Exception as error:  # of a compiler that is not there, of a kernel that is missing
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise CannotRun(reason[0]) from error
    return run


def _onnx(s: Setup, device: Device) -> Run:
    if not s.onnx.exists():
        s.network.to_onnx(s.onnx, weights=s.model)
    try:
        session, _ = start(s.onnx, device, threads=s.threads)
    except ModelError as error:
        raise CannotRun(error.diagnostics[0].label) from error
    names = [i.name for i in session.get_inputs()]
    feed = {n: x.cpu().numpy() for n, x in zip(names, s.inputs, strict=True)}
    if s.device == "cpu":
        return lambda: session.run(None, feed)
    binding = session.io_binding()
    for name, x in zip(names, s.inputs, strict=True):
        binding.bind_input(name, "cuda", 0, "float32", x.shape, x.data_ptr())
    for output in session.get_outputs():
        binding.bind_output(output.name, "cuda")

    def run() -> None:
        session.run_with_iobinding(binding)
        binding.synchronize_outputs()

    return run
