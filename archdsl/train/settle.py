"""What a training sets for all of torch, and sets back when it is over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from archdsl.ir.training import Training


@contextmanager
def arithmetic(training: Training, processes: int) -> Iterator[None]:
    """`precision tf32` or not, `deterministic`, and the threads of each of several processes."""
    import torch

    threads = torch.get_num_threads()
    matmul = torch.get_float32_matmul_precision()
    convolutions = torch.backends.cudnn.allow_tf32
    exact = torch.are_deterministic_algorithms_enabled()
    state = torch.random.get_rng_state()
    try:
        if processes > 1:
            torch.set_num_threads(max(1, (os.cpu_count() or 1) // processes))
        coarse = training.precision.kind == "tf32"
        torch.set_float32_matmul_precision("high" if coarse else "highest")
        torch.backends.cudnn.allow_tf32 = coarse
        if training.deterministic.on:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True)
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = convolutions
        torch.use_deterministic_algorithms(exact)
        torch.random.set_rng_state(state)
