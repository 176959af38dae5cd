"""The generated pages are current: layers, errors, training, lint, lessons, a picture."""

from __future__ import annotations

from collections.abc import Callable

import mistakes
import pages
import pytest
from goldens import check_golden

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
