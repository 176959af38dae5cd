"""A headless Chromium, and pages to open in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chromium import Browser, Page, network, start

from archdsl.network import report


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all tests, in a window of 1440 x 900."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no chromium and chromedriver here: `make browser` installs them")
    pytest.importorskip("selenium", reason="no selenium here: it is in the extra `dev`")
    browser = start(program, driver, tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.driver.quit()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[str, ...]], Path]:
    """Pages by the names of networks of the zoo, or by specs; each is written once."""
    folder = tmp_path_factory.mktemp("pages")
    known: dict[tuple[str, ...], Path] = {}

    def write(names: tuple[str, ...]) -> Path:
        if names not in known:
            path = folder / f"{len(known)}.html"
            report(*map(network, names), path=path)
            known[names] = path
        return known[names]

    return write


@pytest.fixture
def page(chromium: Browser, written: Callable[[tuple[str, ...]], Path]) -> Iterator[Page]:
    """Open the page of networks; nothing may have been said on the console when the test ends."""
    chromium.reset()

    def open_page(*names: str) -> Browser:
        chromium.open(written(names))
        return chromium

    yield open_page
    said = [entry["message"] for entry in chromium.driver.get_log("browser")]
    assert not said
