"""Training on a GPU; skipped where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from runs import EVERYTHING, NETWORK, graph, same, weights

from archdsl.train import Options, resume, start
from archdsl.train.watch import Step, Watch

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")

PLAIN = "data synthetic 64; optimizer adamw lr=0.01; epochs 4; batch 16"


def run(folder: Path, name: str, section: str, **options: object) -> dict[str, torch.Tensor]:
    chosen = Options(folder, name, "cuda", **options)  # pyright: ignore[reportArgumentType]
    return weights(start(graph(section), chosen))


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16", "fp16"])
def test_it_learns_in_every_precision(tmp_path: Path, precision: str) -> None:
    chosen = Options(tmp_path, "x", "cuda")
    outcome = start(graph(f"{PLAIN}; precision {precision}"), chosen)
    assert outcome.rows[-1].train_loss < outcome.rows[0].train_loss


@pytest.mark.parametrize("more", ["", "; precision fp16; clip 1"])
def test_it_goes_on_where_it_was_cut(tmp_path: Path, more: str) -> None:
    class Cut(Watch):
        def step(self, at: Step) -> None:
            if at.step == 6:
                raise KeyboardInterrupt

    section = f"{EVERYTHING}deterministic{more}"
    whole = run(tmp_path, "whole", section)
    with pytest.raises(KeyboardInterrupt):
        start(graph(section), Options(tmp_path, "cut", "cuda", save_every=2), watch=Cut())
    done = resume(tmp_path / "cut", Options(tmp_path, device="cuda"))
    assert same(whole, weights(done))


def test_channels_last_and_compile(tmp_path: Path) -> None:
    run(tmp_path, "x", f"{PLAIN}; precision bf16; channels_last; compile")


@pytest.mark.parametrize("places", [("fc=cpu",), ("body=cpu", "conv1=cuda:0")])
def test_a_gpu_and_the_cpu_share_a_network(tmp_path: Path, places: tuple[str, ...]) -> None:
    # No dropout, which draws from each device's own numbers; the rest is rounded otherwise.
    network = NETWORK.replace("; dropout 0.2", "")
    section = f"{PLAIN.replace('adamw lr=0.01', 'sgd lr=0.1')}; deterministic; clip 1; ema 0.9"
    found = []
    for name, where in (("one", ()), ("two", places)):
        chosen = Options(tmp_path, name, "cuda", place=where)
        found.append(weights(start(graph(section, network), chosen)))
    for key, value in found[0].items():
        torch.testing.assert_close(found[1][key], value, rtol=1e-3, atol=1e-4)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="fewer than two GPUs")
def test_two_gpus_share_a_network(tmp_path: Path) -> None:
    section = f"{PLAIN}; precision bf16; clip 1; ema 0.9"
    run(tmp_path, "two", section, place=("body=cuda:0", "conv1,fc=cuda:1"))
