"""The Graphviz that stays draws what one for a single picture draws, and comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import archdsl
from archdsl.backends.graphviz import dot
from archdsl.backends.graphviz.rendering import render
from archdsl.backends.graphviz.resident import Ended, Resident
from archdsl.errors import BuildError


@pytest.fixture
def resident() -> Iterator[Resident]:
    found = Resident()
    yield found
    found.close()


def test_its_pictures_are_those_of_a_process_each(resident: Resident) -> None:
    resident.warm()
    for name in ("lenet", "resnet18", "lenet"):
        text = dot(archdsl.zoo(name).graph)
        assert resident.svg(text) == render(text)


def test_characters_that_its_fonts_lack_are_drawn_by_others(resident: Resident) -> None:
    assert "\u732b" in resident.svg('graph { a [label="\u732b"] }')


def test_it_outlives_what_it_cannot_draw(resident: Resident) -> None:
    with pytest.raises(BuildError):
        resident.svg("graph { a [label=")
    assert ">b<" in resident.svg("graph { b }")
    process = resident._process
    assert process is not None
    process.kill()
    process.wait()
    assert ">c<" in resident.svg("graph { c }")


def test_what_is_closed_draws_no_more(resident: Resident) -> None:
    resident.svg("graph { a }")
    resident.close()
    with pytest.raises(Ended):
        resident.svg("graph { a }")
    assert resident._process is None
