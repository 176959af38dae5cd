"""The generated pages are current: layers, errors, training, lint, lessons, a picture."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import mistakes
import pages
import pytest
from goldens import check_golden

import archdsl
from archdsl.reference import error_reference, lint_reference, reference, training_reference

PAGES = {
    "grammar/reference": reference,
    "grammar/errors": error_reference,
    "grammar/training": training_reference,
    "docs/lint": lint_reference,
}


@pytest.mark.parametrize("page", PAGES)
def test_golden_page(page: str) -> None:
    make: Callable[[], str] = PAGES[page]
    check_golden(f"../../{page}.md", make())


def test_golden_mistakes() -> None:
    check_golden("../../docs/mistakes.md", mistakes.page())


@pytest.mark.parametrize("name", pages.PAGES)
def test_golden_page_of_commands(name: str) -> None:
    check_golden(f"../../docs/{name}.md", pages.current(name))


@pytest.mark.skipif(shutil.which("dot") is not None, reason="an installed dot draws its own way")
def test_golden_picture(tmp_path: Path) -> None:
    archdsl.zoo("alexnet").draw(tmp_path / "alexnet.svg")
    check_golden("../../docs/alexnet.svg", (tmp_path / "alexnet.svg").read_text(encoding="utf-8"))
