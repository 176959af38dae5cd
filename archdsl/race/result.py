"""What a race comes to: a table, a plot, and plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from archdsl.quantity import show_bytes, show_count, show_time
from archdsl.race.timing import Timing, ratio


@dataclass(frozen=True, slots=True)
class Heat:
    """One batch size: the times of every way that could run, and why others could not."""

    batch: int
    timings: Mapping[str, Timing]
    refused: Mapping[str, str]
    memory: Mapping[str, int] = field(default_factory=dict[str, int])
    """The bytes that each takes, where they were measured."""

    @property
    def baseline(self) -> str:
        return next(iter(self.timings))


@dataclass(frozen=True, slots=True)
class Result:
    """A network's race on one device."""

    network: str
    device: str
    threads: int
    versions: Mapping[str, str]
    heats: tuple[Heat, ...]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, times in seconds."""
        return {
            "network": self.network,
            "device": self.device,
            "threads": self.threads,
            "versions": dict(self.versions),
            "batches": [_plain(heat) for heat in self.heats],
        }


def _plain(heat: Heat) -> dict[str, Any]:
    base = heat.timings[heat.baseline]
    ways: dict[str, Any] = {}
    for name, timing in heat.timings.items():
        against = ratio(timing, base)
        ways[name] = {
            "median": timing.median,
            "p90": timing.percentile(90),
            "p99": timing.percentile(99),
            "calls": len(timing.calls),
            "throughput": heat.batch / timing.median,
            "memory": heat.memory.get(name),
            "speedup": {"value": against.value, "low": against.low, "high": against.high},
        }
    return {"batch": heat.batch, "ways": ways, "refused": dict(heat.refused)}


def table(result: Result) -> str:
    """The times as text; behind a ratio whose interval holds 1 stands that it is noise."""
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    threads = f"{result.threads} thread{'s' if result.threads > 1 else ''}"
    lines = [f"{result.network} on {result.device}, {threads} ({versions})"]
    for heat in result.heats:
        lines += ["", f"batch {heat.batch}", *_columns(list(_rows(heat)))]
        lines += [f"  {name}: {reason}" for name, reason in heat.refused.items()]
    return "\n".join(lines)


def _rows(heat: Heat) -> Iterator[tuple[str, ...]]:
    extra = ("memory",) if heat.memory else ()
    yield "", "median", "p90", "p99", "examples/s", *extra, f"against {heat.baseline}"
    base = heat.timings[heat.baseline]
    for name, timing in heat.timings.items():
        words = ""
        if name != heat.baseline:
            found = ratio(timing, base)
            words = f"{found.value:.2f}x ({found.low:.2f} to {found.high:.2f})"
            words += "  no more than the noise" if found.is_noise else ""
        times = (timing.median, timing.percentile(90), timing.percentile(99))
        rate = show_count(heat.batch / timing.median)
        if heat.memory:
            extra = (show_bytes(heat.memory[name]) if name in heat.memory else "?",)
        yield name, *map(show_time, times), rate, *extra, words


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    found: list[str] = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(w) for cell, w in zip(row[1:-1], widths[1:-1], strict=True)]
        found.append(f"  {'  '.join(cells)}  {row[-1]}".rstrip())
    return found


# The plot: for each way a bar to the median, and a whisker from the 10th to the 90th percentile.

LEFT, WIDE, ROW, TOP = 170, 420, 26, 56
INK, MUTED, BAR = "#222222", "#777777", "#5b8db8"


def plot(result: Result) -> str:
    """The times as an SVG."""
    parts: list[str] = []
    y = TOP
    for heat in result.heats:
        most = max(t.percentile(90) for t in heat.timings.values()) or 1.0
        parts.append(_text(16, y, f"batch {heat.batch}", "bold"))
        for name, timing in heat.timings.items():
            y += ROW
            parts += _bar(name, timing, y, WIDE / most)
        y += 2 * ROW
    height, width = y - ROW + 12, LEFT + WIDE + 100
    title = f"{result.network} on {result.device}: time of a batch, median, 10th to 90th percentile"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
    head += f'width="{width}" height="{height}" font-family="sans-serif" font-size="13" role="img">'
    body = "\n".join(parts)
    background = f'<rect width="{width}" height="{height}" fill="white"/>'
    named = f"<title>{escape(title)}</title>"
    return f"{head}\n{named}\n{background}\n{_text(16, 26, title, 'bold')}\n{body}\n</svg>\n"


def _bar(name: str, timing: Timing, y: int, scale: float) -> Iterator[str]:
    low, high = (LEFT + timing.percentile(p) * scale for p in (10, 90))
    end = LEFT + timing.median * scale
    yield _text(LEFT - 8, y, name, anchor="end")
    yield f'<rect x="{LEFT}" y="{y - 12}" width="{end - LEFT:.1f}" height="16" fill="{BAR}"/>'
    line = f'x1="{low:.1f}" x2="{high:.1f}" y1="{y - 4}" y2="{y - 4}"'
    yield f'<line {line} stroke="{INK}" stroke-width="2"/>'
    yield _text(max(end, high) + 8, y, show_time(timing.median), color=MUTED)


def _text(
    x: float, y: float, words: str, weight: str = "normal", anchor: str = "start", color: str = INK
) -> str:
    place = f'x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" fill="{color}"'
    return f"<text {place}>{escape(words)}</text>"
