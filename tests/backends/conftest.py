"""The network that the ONNX writer's tests share."""

from __future__ import annotations

import pytest
from support import SMALL_NETWORK, Weights, random_weights

import archdsl
from archdsl.backends.onnx import storage
from archdsl.ir import Graph


@pytest.fixture
def graph() -> Graph:
    return archdsl.parse(SMALL_NETWORK, file="small.arch").graph


@pytest.fixture
def weights(graph: Graph) -> Weights:
    return random_weights(graph)


@pytest.fixture
def external(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every model were large."""
    monkeypatch.setattr(storage, "INLINE_BYTES", 0)
