"""What the tests of `train { … }` share: a network, and ways to ask for its training."""

from __future__ import annotations

from typing import Any

import pytest

import archdsl
from archdsl.errors import ArchError, Diagnostic
from archdsl.ir.training import Training

NETWORK = """\
param classes = 100
block unit width { residual { conv 3x3 width; bn; relu } }
input 3x32x32
conv1: conv 3x3 8
layer3: { unit 8 } x2
layer4: { unit 8 } x2
output side { gap; fc 3 }
gap
fc: fc classes
"""


def training(section: str, network: str = NETWORK, **parameters: Any) -> Training:
    """What the section says, on a line of its own behind the network."""
    found = archdsl.parse(f"{network}train {{\n{section}\n}}\n", **parameters).graph.training
    assert found is not None
    return found


def in_force(found: Training) -> dict[str, Any]:
    """The settings without their places."""
    return found.model_dump(mode="json", exclude={"place", "places"})


def errors(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(text)
    return caught.value.diagnostics


def error(section: str, network: str = NETWORK) -> Diagnostic:
    (found,) = errors(f"{network}train {{\n{section}\n}}\n")
    assert found.span is not None, "an error has a place"
    return found


def where(found: Diagnostic) -> str:
    assert found.span is not None
    return found.span.text
