"""The generated pages are current: the layers, the errors, the training section."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from goldens import check_golden

from archdsl.reference import error_reference, reference, training_reference

PAGES = {"reference": reference, "errors": error_reference, "training": training_reference}


@pytest.mark.parametrize("page", PAGES)
def test_golden_page(page: str) -> None:
    make: Callable[[], str] = PAGES[page]
    check_golden(f"../../grammar/{page}.md", make())
