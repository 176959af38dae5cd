"""What `bench.py modules` races: hand-written networks that compute what the compiled ones do."""

from __future__ import annotations

import pytest
import torch
from hand_written import BY_NAME, copy_weights

import archdsl

torch.set_num_threads(1)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_hand_written_network_computes_what_the_compiled_one_does(name: str) -> None:
    net = archdsl.zoo(name)
    compiled, hand = net.to_torch(seed=1).eval(), BY_NAME[name]().eval()
    copy_weights(compiled, hand)
    (given,) = net.graph.inputs
    images = torch.randn(1, *given.shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(hand(images), compiled(images), rtol=1e-3, atol=1e-4)
