"""Weights divided among processes: the training is DDP's, and what is kept of it is whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from runs import graph, weights
from test_processes import SPEC, TOLERANCE, torchrun

import archdsl
from archdsl.errors import TrainError
from archdsl.pipeline import open_to_train
from archdsl.train import Options, resume, shard, start

# A last batch of 5, validated in one batch by one process; a batch normalisation, whose statistics
# are the first process's.
BLOCKS = """\
block unit { residual { conv 3x3; bn; relu; conv 1x1 } }
input 3x6x6
conv 3x3 5; unit x2; gap; fc 4
train {
  data synthetic 45; optimizer adamw lr=0.01; ema 0.9; clip 0.5
  epochs 3; batch 8; accumulate 2
}
"""


def close(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return list(one) == list(other) and all(
        float((one[k] - v).abs().max()) <= TOLERANCE * max(1.0, float(v.abs().max()))
        for k, v in other.items()
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("text", [SPEC, BLOCKS], ids=["layers", "blocks"])
def test_divided_weights_are_those_of_ddp(tmp_path: Path, text: str) -> None:
    spec = tmp_path / "two.arch"
    spec.write_text(text)
    common = ("train", spec, "--runs", tmp_path, "--device", "cpu")
    torchrun(*common, "--name", "ddp")
    told = torchrun(*common, "--name", "fsdp", "--strategy", "fsdp")
    assert told.count("epochs") == 1
    assert close(weights(tmp_path / "fsdp"), weights(tmp_path / "ddp"))
    first, second = (
        (tmp_path / n / "metrics.csv").read_text().split("\n") for n in ("ddp", "fsdp")
    )
    for a, b in zip(first[1:-1], second[1:-1], strict=True):
        figures = zip(a.split(",")[:7], b.split(",")[:7], strict=True)
        assert all(float(x) == pytest.approx(float(y), rel=1e-4) for x, y in figures)


KILLED = """
import sys
from archdsl.pipeline import open_to_train
from archdsl.train import Options, start
from pathlib import Path
import archdsl.train.loop as loop
step = loop.Loop._step
def cut(self):
    step(self)
    if self.progress.step == 5: sys.exit(0)
loop.Loop._step = cut
options = Options(Path(sys.argv[2]), "cut", "cpu", save_every=3, strategy="fsdp")
start(open_to_train(sys.argv[1]).graph, options)
"""


@pytest.mark.timeout(600)
def test_a_divided_run_goes_on_divided_or_whole(tmp_path: Path) -> None:
    spec = tmp_path / "two.arch"
    spec.write_text(SPEC)
    whole = start(open_to_train(str(spec)).graph, Options(tmp_path, "one", "cpu"))
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", script]
    done = subprocess.run(
        [*command, spec, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    kept = sorted((tmp_path / "cut" / "last").glob("step-*"))
    assert kept, done.stderr
    import shutil

    shutil.copytree(tmp_path / "cut", tmp_path / "alone")
    torchrun("train", "--resume", tmp_path / "cut", "--strategy", "fsdp", "--device", "cpu")
    assert close(weights(tmp_path / "cut"), weights(whole))
    resume(tmp_path / "alone", Options(tmp_path, device="cpu"))
    assert close(weights(tmp_path / "alone"), weights(whole))


HELD = """
import archdsl, sys
from archdsl.train import shard
from archdsl.backends.torch import build
import torch, torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
dist.init_process_group("gloo")
graph = archdsl.zoo("resnet18", ).graph
model = build(graph)
before = sum(p.numel() for p in model.parameters())
shard.sharded(graph, model, init_device_mesh("cpu", (2,)))
after = sum(p.to_local().numel() for p in model.parameters())
sys.stdout.write(f"{before} {after}\\n")
dist.destroy_process_group()
"""


@pytest.mark.timeout(600)
def test_each_process_holds_half(tmp_path: Path) -> None:
    script = tmp_path / "held.py"
    script.write_text(HELD)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert len(rows) == 2 and all(before == 11_689_512 for before, _ in rows)
    assert sum(after for _, after in rows) == 11_689_512
    assert all(0.49 < after / before < 0.51 for before, after in rows)


@pytest.mark.parametrize(
    ("name", "first", "count"),
    [
        ("resnet18", "layer1.0", 8),
        ("vit_base_patch16_224", "patch_embed", 13),
        ("alexnet", "conv1", 8),
        ("densenet121", "features.denseblock1.denselayer1", 58 + 3),
    ],
)
def test_the_blocks_of_a_spec_are_the_units(name: str, first: str, count: int) -> None:
    found = shard.units(archdsl.zoo(name).graph)
    assert (found[0], len(found)) == (first, count)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("compile", "does not compile"),
        ("optimizer muon", "whole matrices"),
    ],
)
def test_what_wants_whole_weights_is_refused(tmp_path: Path, more: str, said: str) -> None:
    options = Options(tmp_path, "x", "cpu", devices=2, strategy="fsdp")
    with pytest.raises(TrainError, match=said):
        start(graph(f"data synthetic; {more}"), options)


def test_one_process_has_nothing_to_divide(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="there is one"):
        start(graph("data synthetic"), Options(tmp_path, "x", "cpu", strategy="fsdp"))
