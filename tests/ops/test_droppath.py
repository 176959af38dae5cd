"""Stochastic depth: whole examples, in training only, the mean kept."""

from __future__ import annotations

import pytest
import torch

import archdsl


@pytest.mark.parametrize("shape", ["3x4x4", "5x6", "7"])
def test_an_example_is_kept_or_dropped_as_a_whole(shape: str) -> None:
    module = archdsl.parse(f"input {shape}; droppath 0.25").to_torch().train()
    torch.manual_seed(0)
    x = torch.rand(4000, *map(int, shape.split("x"))) + 1
    share = (module(x) / x).flatten(1)
    assert torch.allclose(share, share[:, :1].expand_as(share))
    kept = share[:, 0] != 0
    torch.testing.assert_close(share[kept][:, 0], torch.full((int(kept.sum()),), 1 / 0.75))
    assert 0.72 < kept.float().mean().item() < 0.78  # 0.75, four standard deviations of 0.007


@pytest.mark.parametrize("p", ["0", "0.9"])
def test_at_inference_it_is_the_identity(p: str) -> None:
    module = archdsl.parse(f"input 3x4x4; droppath {p}").to_torch().eval()
    x = torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(module(x), x, rtol=0, atol=0)


def test_a_dropped_branch_leaves_the_skip_and_no_gradient() -> None:
    module = archdsl.parse("input 4; residual { fc bias=false; droppath 0.5 }").to_torch().train()
    torch.manual_seed(0)
    x = torch.randn(64, 4)
    y = module(x)
    dropped = (y == x).all(1)
    assert 10 < int(dropped.sum()) < 54
    y[dropped].sum().backward()
    gradient = module.get_parameter("fc1.weight").grad
    assert gradient is not None
    assert not gradient.any()
