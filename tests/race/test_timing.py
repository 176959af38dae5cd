"""Racing runs: turns, percentiles, and when a difference is noise."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from archdsl.race import timing
from archdsl.race.result import Heat, Result, plot, table
from archdsl.race.timing import Timing, race, ratio


class Clock:
    """A clock that runs only while something is called."""

    def __init__(self) -> None:
        self.now = 0.0
        self.called: list[str] = []

    def run(self, name: str, seconds: Callable[[], float]) -> Callable[[], None]:
        def call() -> None:
            self.called.append(name)
            self.now += seconds()

        return call


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(timing.time, "perf_counter", lambda: found.now)
    return found


def test_runs_take_turns(clock: Clock) -> None:
    runs = {"slow": clock.run("slow", lambda: 0.1), "quick": clock.run("quick", lambda: 0.05)}
    found = race(runs, seconds=1.0, rounds=5)
    assert [len(one) for one in found["slow"].rounds] == [2] * 5
    assert [len(one) for one in found["quick"].rounds] == [4] * 5
    turns = "".join(name[0] for name in clock.called[-30:])
    assert turns == "ssqqqq" + "qqqqss" + "ssqqqq" + "qqqqss" + "ssqqqq"
    assert found["slow"].median == pytest.approx(0.1)


def test_each_run_is_called_in_each_round_however_slow(clock: Clock) -> None:
    found = race({"hour": clock.run("hour", lambda: 3600.0)}, seconds=1.0, rounds=3)
    assert [len(one) for one in found["hour"].rounds] == [1, 1, 1]


def test_a_ratio_is_taken_within_a_round(clock: Clock) -> None:
    """The machine slows down threefold on the way; that does not touch the ratio."""
    load = [1.0]

    def slower() -> float:
        load[0] *= 1.01
        return 0.02 * load[0]

    runs = {"a": clock.run("a", slower), "b": clock.run("b", lambda: 0.5 * slower())}
    found = race(runs, seconds=0.5, rounds=15)
    against = ratio(found["b"], found["a"])
    assert against.value == pytest.approx(2, rel=0.1)
    assert not against.is_noise


def test_what_is_noise_is_said(clock: Clock) -> None:
    draw = random.Random(1)
    noisy = {name: clock.run(name, lambda: draw.uniform(0.01, 0.03)) for name in "ab"}
    found = race(noisy, seconds=0.3)
    assert ratio(found["a"], found["b"]).is_noise
    result = Result("net", "the CPU", 1, {}, (Heat(1, found, {"c": "it is not there"}),))
    text = table(result)
    assert "no more than the noise" in text
    assert "c: it is not there" in text


def test_percentiles() -> None:
    times = Timing((tuple(float(n) for n in range(101)),))
    assert [times.percentile(p) for p in (0, 10, 50, 99, 100)] == [0, 10, 50, 99, 100]


def test_the_plot_is_an_svg_whose_bars_fit(clock: Clock) -> None:
    runs = {name: clock.run(name, lambda n=n: n / 100) for n, name in enumerate(("a<b", "c"), 1)}
    heats = tuple(Heat(batch, race(runs, 0.2), {}) for batch in (1, 8))
    root = ET.fromstring(plot(Result("net&", "the CPU", 2, {}, heats)))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    names = "{http://www.w3.org/2000/svg}"
    bars = root.findall(f"{names}rect")[1:]
    assert len(bars) == 4
    for bar in bars:
        assert float(bar.attrib["x"]) + float(bar.attrib["width"]) < width
        assert float(bar.attrib["y"]) + 16 < height
    lengths = [float(bar.attrib["width"]) for bar in bars]
    assert lengths[1] == pytest.approx(2 * lengths[0])
