"""A browser as the tests see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archdsl import parse, zoo
from archdsl.network import Network

SIZE = (1440, 900)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def start(program: str, driver: str, profile: Path) -> Browser:
    """Chromium with a profile of its own."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={profile}", "--window-size={},{}".format(*SIZE)):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return Browser(webdriver.Chrome(options=options, service=Service(driver)))


@dataclass
class Browser:
    """What the tests do in a page; elements are named by selectors of CSS."""

    driver: Any

    def reset(self) -> None:
        """A light screen of the usual size, the pointer in its corner, and an empty console."""
        self.driver.get("about:blank")
        self.resize(*SIZE)
        self.media()
        self.driver.get_log("browser")

    def open(self, path: Path) -> None:
        self.driver.get(path.as_uri())
        self.js("try { localStorage.clear() } catch {}")

    def media(self, scheme: str = "light", medium: str = "") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        told = {"media": medium, "features": features}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", told)

    def resize(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def js(self, code: str, *arguments: object) -> Any:
        """What a function of this body returns; the page's own names are at hand."""
        return self.driver.execute_script(code, *arguments)

    def settle(self) -> None:
        """Wait until what follows from a change of size is drawn."""
        self.js(
            """return new Promise((done) => requestAnimationFrame(() =>
                 requestAnimationFrame(() => setTimeout(done, 50))))"""
        )

    def one(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        return [element.text for element in self.all(selector)]

    def text(self, selector: str) -> str:
        return self.one(selector).text

    def click(self, selector: str) -> None:
        self.one(selector).click()

    def hover(self, target: Any) -> None:
        self._actions().move_to_element(self._element(target)).perform()

    def double_click(self, target: Any) -> None:
        self._actions().double_click(self._element(target)).perform()

    def drag(self, target: Any, by: tuple[int, int]) -> None:
        self._actions().drag_and_drop_by_offset(self._element(target), *by).perform()

    def wheel(self, target: Any, by: tuple[int, int], control: bool = False) -> None:
        from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
        from selenium.webdriver.common.keys import Keys

        actions = self._actions()
        origin = ScrollOrigin.from_element(self._element(target))
        if control:
            actions.key_down(Keys.CONTROL)
        actions.scroll_from_origin(origin, *by)
        if control:
            actions.key_up(Keys.CONTROL)
        actions.perform()

    def keys(self, *names: str) -> None:
        """Press keys: characters, or names such as ARROW_DOWN."""
        from selenium.webdriver.common.keys import Keys

        for name in names:
            self._actions().send_keys(getattr(Keys, name, name)).perform()

    def focused(self) -> Any:
        return self.driver.switch_to.active_element

    def _element(self, target: Any) -> Any:
        return self.one(target) if isinstance(target, str) else target

    def _actions(self) -> Any:
        from selenium.webdriver import ActionChains

        return ActionChains(self.driver, duration=0)


Page = Callable[..., Browser]
"""Opens the page of networks, by their names."""


def network(name: str) -> Network:
    """A network of the zoo, or of a text."""
    return parse(name) if "\n" in name else zoo(name)
