"""Compiled modules in other processes: pickled to them, and trained by several at once."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed
import torch.multiprocessing
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import archdsl

PROCESSES = 2
BATCH = 4  # for each process

# What is hard for data parallelism: shared weights, a second output, one in training only.
TWO_HEADED = """
block unit { residual { conv 3x3; relu; conv 3x3 } ; relu }
input 3x8x8
conv 3x3 6
tower: unit
reuse tower
aux early weight=0.3 { gap; fc 5 }
output size { gap; fc 1 }
gap; fc 5
"""


def test_a_module_is_unpickled_where_nothing_was_compiled(tmp_path: Path) -> None:
    net = archdsl.zoo("resnet18")
    model, image = net.to_torch(seed=3).eval(), torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        expected = model(image)
    torch.save(model, tmp_path / "model.pt")
    whole = pickle.dumps((model, model.get_submodule("layer1"), image, expected))
    assert whole.count(b"class Resnet18(") == 1, "the text goes along once"
    (tmp_path / "model.pickle").write_bytes(whole)
    text = f"""
import pickle, sys, torch
with open({str(tmp_path / "model.pickle")!r}, "rb") as file:
    model, part, image, expected = pickle.load(file)
assert model.layer1 is part and not model.training
with torch.no_grad():
    torch.testing.assert_close(model(image), expected)
    again = torch.load({str(tmp_path / "model.pt")!r}, weights_only=False)
    torch.testing.assert_close(again(image), expected)
"""
    subprocess.run([sys.executable, "-c", text], check=True, timeout=120)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    images = torch.randn(PROCESSES * BATCH, 3, 8, 8, generator=random)
    return images, torch.randint(0, 5, (PROCESSES * BATCH,), generator=random)


def train(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    """Two steps of SGD on all the outputs."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(2):
        optimizer.zero_grad()
        given = model(images)
        loss = nn.functional.cross_entropy(given["out"], labels)
        loss = loss + 0.3 * nn.functional.cross_entropy(given["early"], labels)
        (loss + given["size"].square().mean()).backward()
        optimizer.step()


def one_of_several(rank: int, model: nn.Module, folder: str) -> None:
    torch.set_num_threads(1)
    model = copy.deepcopy(model)  # torch.multiprocessing hands tensors over as shared memory
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=PROCESSES
    )
    images, labels = (t[rank * BATCH : (rank + 1) * BATCH] for t in batch())
    train(DistributedDataParallel(model), images, labels)
    if rank == 0:
        torch.save(model.state_dict(), f"{folder}/weights.pth")
    torch.distributed.barrier()
    os._exit(0)  # gloo's threads have aborted a process that ended in the usual way


@pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
    reason="this torch has no gloo",
)
def test_several_processes_train_to_the_weights_of_one(tmp_path: Path) -> None:
    """The mean of the gradients of equal parts is the gradient of the whole, but for rounding."""
    model = archdsl.parse(TWO_HEADED).to_torch(seed=1)
    alone = archdsl.parse(TWO_HEADED).to_torch(seed=1)
    before = {key: value.clone() for key, value in alone.state_dict().items()}
    train(alone, *batch())
    torch.multiprocessing.spawn(one_of_several, (model, str(tmp_path)), nprocs=PROCESSES)
    together = torch.load(tmp_path / "weights.pth")
    assert all((together[key] != value).any() for key, value in before.items()), (
        "nothing is learned"
    )
    torch.testing.assert_close(together, dict(alone.state_dict()), rtol=1e-5, atol=1e-6)
