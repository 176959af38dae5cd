"""Every error has a code with a page, and the page's examples do what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import archdsl
from archdsl.codes import CODES

PACKAGE = Path(archdsl.__file__).parent
EXAMPLES = [code for code, found in CODES.items() if found.wrong]


def test_every_code_that_is_raised_is_in_the_catalogue() -> None:
    files = (p for p in PACKAGE.rglob("*.py") if p.parent.name != "codes")
    texts = [p.read_text(encoding="utf-8") for p in files]
    raised = {code for text in texts for code in re.findall(r'"(A\d{3})"', text)}
    assert raised - {*CODES} == set()
    assert {*CODES} - raised == set(), "a code that nobody raises"


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_wrong_example_gives_the_error_and_the_right_one_compiles(code: str) -> None:
    with pytest.raises(archdsl.ArchError) as error:
        archdsl.parse(CODES[code].wrong)
    assert error.value.diagnostics[0].code == code
    archdsl.parse(CODES[code].right)


def test_pages_are_sentences() -> None:
    for code, found in CODES.items():
        assert found.title[0].islower(), f"{code}: a title follows a colon"
        assert found.page.endswith("."), f"{code}: a page is sentences"
