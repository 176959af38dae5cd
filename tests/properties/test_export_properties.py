"""Any network exported with any options is proved equal to PyTorch's, or refused in words."""

from __future__ import annotations

from typing import Any

import torch
from exports import check, ways
from hypothesis import given
from strategies import examples, networks

torch.set_num_threads(1)


@examples(120)
@given(networks(), ways())
def test_it_is_proved_or_refused(text: str, way: dict[str, Any]) -> None:
    check(text, way)
