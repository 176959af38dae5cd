"""`archdsl watch`, asked by a client that is not a browser."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command import Cli

import archdsl
from archdsl.watch import Live, allowed

for name in ("starlette", "uvicorn", "watchfiles"):
    pytest.importorskip(name, reason="the extra `report` is not installed")

GOOD = "input 3x32x32\nconv 3x3 {width}; relu\ngap; fc 10\n"
PATIENCE = 20  # seconds: a bound for a busy machine, not a figure


# A job in the background of a shell, as this may be, inherits that it ignores Ctrl-C.
STARTED = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "import archdsl.cli; archdsl.cli.main()"
)


class Watched:
    """A server in a process of its own, and its news as they come."""

    def __init__(self, spec: Path) -> None:
        command = [sys.executable, "-u", "-c", STARTED, "watch", str(spec), "--port", "0"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, line
        self.port = int(found[1])
        self.url = found[0]
        self._open: list[http.client.HTTPConnection] = []
        self._news = self.ask("/events")

    def ask(self, path: str = "/", **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self._open.append(connection)
        connection.request("GET", path, headers=headers)
        return connection.getresponse()

    def page(self) -> str:
        return self.ask().read().decode()

    def news(self) -> dict[str, Any]:
        while not (line := self._news.readline()).startswith(b"data: "):
            assert line, "the server has gone"
        return json.loads(line[6:])

    def settled(self) -> dict[str, Any]:
        """The next news of a version of which everything is drawn, or of errors."""
        while not ((news := self.news())["errors"] or news["version"].endswith(".2")):
            pass
        return news

    def end(self) -> tuple[int, str]:
        """By Ctrl-C, as its user would."""
        self.process.send_signal(signal.SIGINT)
        _, told = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, told

    def close(self) -> None:
        self._news.close()
        for connection in self._open:
            connection.close()
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def watched() -> Iterator[Callable[[Path], Watched]]:
    started: list[Watched] = []

    def start(spec: Path) -> Watched:
        started.append(Watched(spec))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_each_save_is_told(watched: Callable[[Path], Watched], tmp_path: Path) -> None:
    spec = tmp_path / "a.arch"
    spec.write_text(GOOD.format(width=8))
    server = watched(spec)
    before = server.settled()
    assert before["errors"] is None
    assert f'data-live="{before["version"]}"' in server.page()
    took: list[float] = []
    for i in range(int(os.environ.get("ARCHDSL_SAVES", "3"))):
        time.sleep(0.2)
        start = time.perf_counter()
        spec.write_text(GOOD.format(width=9 + i))
        after = server.news()
        took.append(time.perf_counter() - start)
        assert after["errors"] is None and after["version"] != before["version"]
        assert f"conv 3x3 {9 + i}" in server.page()
        state = json.loads(server.ask("/state").read())
        assert state["version"] >= after["version"]
        assert state["data"]["networks"][0]["layers"]["text"][0] == f"conv 3x3 {9 + i}"
        before = server.settled()
        assert before["version"].split(".") == [after["version"].split(".")[0], "2"]
    took.sort()
    print(
        f"ms from save to event: median {1e3 * took[len(took) // 2]:.0f}, max {1e3 * took[-1]:.0f}"
    )
    assert took[-1] < PATIENCE


def test_errors_are_told_and_mended(watched: Callable[[Path], Watched], tmp_path: Path) -> None:
    spec = tmp_path / "a.arch"
    spec.write_text(GOOD.format(width=8))
    server = watched(spec)
    first = server.settled()
    spec.write_text("input 3x32x32\nconvv 3x3 8\n")
    wrong = server.settled()
    assert wrong["version"] == first["version"], "the last good page stays"
    assert "convv" in wrong["errors"] and "a.arch:2" in wrong["errors"]
    assert "conv 3x3 8" in server.page()
    other = tmp_path / "a.arch~"  # as editors save
    other.write_text(GOOD.format(width=12))
    other.replace(spec)
    mended = server.settled()
    assert mended["errors"] is None and mended["version"] != first["version"]
    assert "conv 3x3 12" in server.page()


def test_imports_are_watched(watched: Callable[[Path], Watched], tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    part = tmp_path / "lib" / "part.arch"
    part.write_text("block unit { conv 3x3 8; relu }\n")
    spec = tmp_path / "a.arch"
    spec.write_text('import "lib/part.arch"\ninput 3x32x32\nunit; gap; fc 10\n')
    server = watched(spec)
    first = server.settled()
    part.write_text("block unit { conv 3x3 24; relu }\n")
    second = server.settled()
    assert second["version"] != first["version"] and "conv 3x3 24" in server.page()
    part.write_text("block unit { convv 3x3 24; relu }\n")
    assert "convv" in server.settled()["errors"]
    part.write_text("block unit { conv 3x3 16; relu }\n")
    assert server.settled()["errors"] is None


def test_a_save_while_the_folders_change_is_seen(tmp_path: Path) -> None:
    """Of a file that nothing was told about, the contents are compared."""
    lib = tmp_path / "lib.arch"
    lib.write_text("block unit { conv 3x3 8; relu }\n")
    spec = tmp_path / "a.arch"
    spec.write_text('import "lib.arch"\ninput 3x32x32\nunit; gap; fc 10\n')
    live = Live(spec, lambda: archdsl.load(spec))
    try:
        live.build()
        assert live.errors is None and {lib, spec} == live.files
        assert not live._is_new(())
        lib.write_text("block unit { conv 3x3 9; relu }\n")
        assert live._is_new(())
        live.build()
        assert not live._is_new(()) and '"conv 3x3 9"' in live.state
        lib.unlink()
        assert live._is_new(())
        live.build()
        assert live.errors is not None and not live._is_new(())
        assert live._is_new({(1, str(tmp_path / "other.arch"))}), "it may be what was missing"
    finally:
        live.close()


def test_pictures_that_are_not_wanted_any_more_are_given_up(tmp_path: Path) -> None:
    spec = tmp_path / "a.arch"
    spec.write_text(GOOD.format(width=8))
    live = Live(spec, lambda: archdsl.load(spec))
    try:
        live.build()
        first = live.version
        assert first.endswith(".1") and live.finish()
        assert live.version == first[:-1] + "2" and '"torch":"' in live.state
        live.build()
        live._later.close()  # as the next save does
        assert not live.finish() and live.version.endswith("-2.1")
    finally:
        live.close()


def test_what_is_not_installed_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archdsl.cli.watch.NEEDED", ("starlette", "no_such_package"))
    result = cli("watch", "lenet")
    assert result.status == 1 and "A985" in result.err
    assert "no_such_package cannot" in result.err and "archdsl[report]" in result.err


def test_a_spec_with_errors_at_first(watched: Callable[[Path], Watched], tmp_path: Path) -> None:
    spec = tmp_path / "a.arch"
    spec.write_text("input 3x32x32\nconvv 3x3 8\n")
    server = watched(spec)
    first = server.settled()
    assert "convv" in first["errors"]
    assert f'data-live="{first["version"]}"' in server.page()
    spec.write_text(GOOD.format(width=8))
    assert server.settled()["version"] != first["version"]
    assert "conv 3x3 8" in server.page()


def test_others_are_refused(watched: Callable[[Path], Watched], tmp_path: Path) -> None:
    spec = tmp_path / "a.arch"
    spec.write_text(GOOD.format(width=8))
    server = watched(spec)
    for path in ("/", "/state", "/events"):
        assert server.ask(path, Host="evil.example").status == 403
        assert server.ask(path, Origin="http://evil.example").status == 403
    answer = server.ask()
    assert answer.status == 200 and answer.headers["access-control-allow-origin"] is None
    assert "connect-src &#x27;self&#x27;" in answer.read().decode()


@pytest.mark.parametrize(
    ("headers", "fine"),
    [
        ({"host": "localhost:8127"}, True),
        ({"host": "127.0.0.1"}, True),
        ({"host": "127.0.0.1:80", "origin": "http://127.0.0.1:80"}, True),
        ({"host": "localhost:80", "sec-fetch-site": "same-origin"}, True),
        ({}, False),
        ({"host": "localhost.evil.example"}, False),
        ({"host": "localhost:80@evil.example"}, False),
        ({"host": "127.0.0.1:80", "origin": "null"}, False),
        ({"host": "127.0.0.1:80", "origin": "http://127.0.0.1:81"}, False),
        ({"host": "127.0.0.1:80", "sec-fetch-site": "cross-site"}, False),
        ({"host": "127.0.0.1:80", "sec-fetch-site": "same-site"}, False),
    ],
)
def test_who_may_ask(headers: dict[str, str], fine: bool) -> None:
    assert allowed(headers) == fine


def test_it_ends_as_other_commands_do(watched: Callable[[Path], Watched], tmp_path: Path) -> None:
    spec = tmp_path / "a.arch"
    spec.write_text(GOOD.format(width=8))
    server = watched(spec)
    server.news()  # a page that listens does not hold it up
    status, told = server.end()
    assert (status, told.strip()) == (130, "interrupted")


def test_a_taken_port_and_a_missing_spec(cli: Cli, tmp_path: Path) -> None:
    spec = tmp_path / "a.arch"
    spec.write_text(GOOD.format(width=8))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = cli("watch", spec, "--port", taken.getsockname()[1])
    assert result.status == 1 and "A986" in result.err and "--port 0" in result.err
    result = cli("watch", tmp_path / "b.arch")
    assert result.status == 1 and "b.arch" in result.err
