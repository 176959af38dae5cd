"""Batches in page-locked memory, as torch's loader makes them where there is a GPU."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data._utils.pin_memory import pin_memory

from archdsl.train.data.loader import Batch


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The tensors that are pinned, which without a GPU cannot be done."""
    found: list[torch.Tensor] = []

    def pin(tensor: torch.Tensor) -> torch.Tensor:
        found.append(tensor)
        return tensor

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    return found


def test_all_tensors_of_a_batch_are_pinned(pinned: list[torch.Tensor]) -> None:
    inputs, targets = torch.ones(2, 3), torch.zeros(2)
    got = pin_memory(Batch(inputs, targets, ("a broken image",)))
    assert got == Batch(inputs, targets, ("a broken image",))
    assert [id(tensor) for tensor in pinned] == [id(inputs), id(targets)]


def test_those_of_several_inputs_and_outputs_too(pinned: list[torch.Tensor]) -> None:
    inputs, targets = (torch.ones(2), torch.ones(3)), {"a": torch.zeros(2), "b": torch.zeros(2)}
    got = pin_memory(Batch(inputs, targets))
    assert isinstance(got.inputs, tuple) and list(got.targets) == ["a", "b"]
    assert len(pinned) == 4


def test_a_batch_of_nothing_stays_one(pinned: list[torch.Tensor]) -> None:
    assert pin_memory(Batch(None, None, ("broken",))) == Batch(None, None, ("broken",))
    assert not pinned
