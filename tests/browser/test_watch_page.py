"""The page of `archdsl watch` in a browser: it follows its spec, and stays where it was."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Browser

for name in ("starlette", "uvicorn", "watchfiles"):
    pytest.importorskip(name, reason="the extra `report` is not installed")

GOOD = "input 3x32x32\nconv 3x3 {width}; relu\n" + "conv 3x3 16; relu\n" * 60 + "gap; fc 10\n"
WHOLE = " && live.version.endsWith('.2')"  # what is seen at once makes way for it


def start(spec: Path, port: str = "0") -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-m", "archdsl", "watch", str(spec), "--port", port]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def end(server: subprocess.Popen[str]) -> None:
    server.kill()
    server.wait()
    assert server.stdout is not None
    server.stdout.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """What serves the page of a.arch."""
    (tmp_path / "a.arch").write_text(GOOD.format(width=8))
    server = start(tmp_path / "a.arch")
    yield server
    end(server)


@pytest.fixture
def address(server: subprocess.Popen[str]) -> str:
    """Of that page."""
    assert server.stdout is not None
    return server.stdout.readline().split()[2]


def wait(browser: Browser, condition: str) -> None:
    """Until an expression is true; between two pages there is nothing to ask."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if browser.js(f"return Boolean({condition})"):
                return
        except Exception:  # the page is being loaded
            pass
        time.sleep(0.005)
    raise AssertionError(condition)


def test_it_follows(chromium: Browser, address: str, tmp_path: Path) -> None:
    chromium.reset()
    chromium.driver.get(address)
    spec = tmp_path / "a.arch"
    shows = "document.getElementById('source-text').textContent.includes('conv 3x3 {}')"
    wait(chromium, shows.format(8) + WHOLE)
    chromium.click("#tab-memory")
    chromium.js("window.same = true; document.getElementById('source-text').scrollTo(0, 200)")
    took: list[float] = []
    for i in range(int(os.environ.get("ARCHDSL_SAVES", "2"))):
        time.sleep(0.3)
        start = time.perf_counter()
        spec.write_text(GOOD.format(width=20 + i))
        wait(chromium, shows.format(20 + i) + " && document.querySelector('#canvas svg')")
        chromium.js("return new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        took.append(time.perf_counter() - start)
    took.sort()
    print(
        f"ms from save to page: median {1e3 * took[len(took) // 2]:.0f}, max {1e3 * took[-1]:.0f}"
    )
    assert chromium.js("return tabs.shown") == "memory"
    assert chromium.js("return document.getElementById('source-text').scrollTop") == 200
    assert chromium.js("return window.same"), "it was loaded again"

    spec.write_text("input 3x32x32\nconvv 3x3 8\n")
    wait(chromium, "document.querySelector('#errors:not([hidden])')")
    assert "convv" in chromium.text("#errors")
    assert chromium.js("return getComputedStyle(document.getElementById('main')).filter") == (
        "grayscale(1)"
    )
    spec.write_text(GOOD.format(width=9))
    wait(chromium, shows.format(9) + " && !document.querySelector('#errors:not([hidden])')")
    assert chromium.js("return tabs.shown") == "memory"
    said = [entry["message"] for entry in chromium.driver.get_log("browser")]
    chromium.driver.get("about:blank")
    assert not [text for text in said if "favicon" not in text]


def test_what_one_looks_at_stays(chromium: Browser, address: str, tmp_path: Path) -> None:
    spec = tmp_path / "a.arch"
    text = "block unit w { conv 3x3 w; bn; relu }\ninput 3x32x32\n{}: unit 8\nunit 16\ngap; fc 10\n"
    chromium.reset()
    chromium.driver.get(address)
    spec.write_text(text.replace("{}", "first"))
    shows = "document.getElementById('source-text').textContent.includes('{}: unit 8')"
    wait(chromium, shows.format("first") + WHOLE)
    chromium.js(
        """
        byId('query').value = 'conv'; search.run(); byId('tab-field').focus();
        theme.set('dark');
        tabs.show('field');
        app.diagram.open(0);
        app.panzoom.zoom(1.5); app.panzoom.move(20, -10);
        app.table.sort(COLUMNS[3]);
        Object.assign(app.memory.input, { value: 7 });
        choose([4, 5], null);
        """
    )
    state = """
        const { diagram, panzoom: { x, y, scale }, table, memory, field } = app;
        return {
          view: [x, y, scale].map((n) => n.toFixed(3)), level: diagram.shown, theme: theme.way,
          tab: tabs.shown, matches: byId('matches').textContent, sorted: table.sorted.column.key,
          batch: memory.batch, at: field.at, words: byId('inspector').textContent,
          chosen: links.chosen, rows: table.list.length, picked: diagram.picked.marked.length,
          focus: document.activeElement.id,
        };"""
    before = chromium.js(state)
    assert before["level"] == 0 and before["matches"] == "2" and before["rows"] == 2
    spec.write_text(text.replace("{}", "renamed"))
    wait(chromium, shows.format("renamed") + WHOLE)
    assert chromium.js(state) == before
    chromium.js("app.diagram.toggle(app.diagram.named.get('renamed'))")
    boxes = "return app.diagram.boxes.map((box) => box.dataset.p)"
    assert "renamed.conv1" in chromium.js(boxes)
    spec.write_text(text.replace("{}", "renamed").replace("fc 10", "fc 11"))
    wait(chromium, "document.getElementById('source-text').textContent.includes('fc 11')" + WHOLE)
    assert "renamed.conv1" in chromium.js(boxes) and "unit2.conv1" not in chromium.js(boxes)
    said = [entry["message"] for entry in chromium.driver.get_log("browser")]
    chromium.js("localStorage.clear()")
    chromium.driver.get("about:blank")
    assert not [text for text in said if "favicon" not in text]


def test_a_server_that_has_ended_is_told(
    chromium: Browser, server: subprocess.Popen[str], address: str, tmp_path: Path
) -> None:
    chromium.reset()
    chromium.driver.get(address)
    wait(chromium, "document.querySelector('#canvas svg')")
    end(server)
    told = "document.getElementById('errors')?.textContent.includes('does not answer')"
    wait(chromium, f"{told} && document.body.classList.contains('stale')")
    port = address.rstrip("/").rpartition(":")[2]
    again = start(tmp_path / "a.arch", port)
    try:  # the page is loaded anew, as what it shows was another server's
        wait(chromium, f"!({told}) && document.querySelector('#canvas svg')")
    finally:
        end(again)
