"""A run in pictures: the curves of its epochs, and what is taken for what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, isfinite, log10
from xml.sax.saxutils import escape

from archdsl.errors import printable
from archdsl.train.watch import Row

INK, MUTED, GRID = "#222222", "#777777", "#dddddd"
TRAIN, VALID = "#5b8db8", "#c8553d"
WIDE, HIGH, LEFT, TOP, GAP = 360, 220, 60, 56, 76
CLASSES = 60  # of a confusion matrix with names and numbers


def _svg(width: float, height: float, title: str, parts: Iterator[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
    head += f'width="{width:g}" height="{height:g}" font-family="sans-serif" font-size="12" '
    body = "\n".join(parts)
    named = f"<title>{escape(printable(title))}</title>"
    background = f'<rect width="{width:g}" height="{height:g}" fill="white"/>'
    top = _text(16, 26, title, "bold")
    return f'{head}role="img">\n{named}\n{background}\n{top}\n{body}\n</svg>\n'


def _text(
    x: float, y: float, words: str, weight: str = "normal", anchor: str = "start", color: str = INK
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text {place} fill="{color}">{escape(printable(words))}</text>'


# Curves


def curves(name: str, rows: Sequence[Row]) -> str:
    """Loss and accuracy by epoch, of training and of validation, as an SVG."""
    panels = [("loss", [r.train_loss for r in rows], [r.valid_loss for r in rows])]
    accuracy = [r.train_accuracy for r in rows], [r.valid_accuracy for r in rows]
    if any(map(isfinite, accuracy[0] + accuracy[1])):
        panels.append(("accuracy", *accuracy))
    width = LEFT + len(panels) * (WIDE + GAP)

    def parts() -> Iterator[str]:
        for i, (label, train, valid) in enumerate(panels):
            yield from _panel(LEFT + i * (WIDE + GAP), label, train, valid)

    return _svg(width, TOP + HIGH + 56, name, parts())


def _panel(x: float, label: str, train: Sequence[float], valid: Sequence[float]) -> Iterator[str]:
    values = [v for v in (*train, *valid) if isfinite(v)] or [0.0]
    ticks = _ticks(min(values), max(values))
    low, high = ticks[0], ticks[-1]
    count = len(train)

    def at(i: int, value: float) -> str:
        across = x + WIDE * (i / (count - 1) if count > 1 else 0.5)
        return f"{across:.1f},{TOP + HIGH * (high - value) / (high - low):.1f}"

    for tick in ticks:
        y = TOP + HIGH * (high - tick) / (high - low)
        yield f'<path d="M{x:.1f} {y:.1f}h{WIDE}" stroke="{GRID}"/>'
        yield _text(x - 8, y + 4, f"{tick:g}", anchor="end", color=MUTED)
    if count > 1:
        yield _text(x, TOP + HIGH + 20, "1", color=MUTED)
    last = f"{count} epochs" if count > 1 else "1 epoch"
    yield _text(x + WIDE, TOP + HIGH + 20, last, anchor="end", color=MUTED)
    yield _text(x + WIDE / 2, TOP + HIGH + 20, label, "bold", "middle")
    for i, (word, line, color) in enumerate(
        (("training", train, TRAIN), ("validation", valid, VALID))
    ):
        points = [at(j, value) for j, value in enumerate(line) if isfinite(value)]
        if not points:
            continue
        path = f'<polyline points="{" ".join(points)}" fill="none" stroke="{color}"'
        yield f'{path} stroke-width="2"/>'
        if len(points) == 1:
            x1, y1 = points[0].split(",")
            yield f'<circle cx="{x1}" cy="{y1}" r="3" fill="{color}"/>'
        yield _text(x + WIDE / 2 + 90 * (i - 0.5), TOP + HIGH + 40, word, "bold", "middle", color)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from below the least to above the greatest.

    >>> _ticks(0.13, 0.91)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    span = max(high - low, abs(high) * 1e-3, 1e-9)
    size = 10 ** (ceil(log10(span)) - 1)
    step = next(size * m for m in (0.5, 1, 2, 5, 10) if span / (size * m) <= 6)
    first, last = int(low // step), ceil(high / step)
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]


# Confusion


def confusion(name: str, counts: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """How often each class (row) was taken for which (column), as an SVG."""
    n = len(counts)
    told = n <= CLASSES
    largest = max(map(max, counts))
    side = max(28, 8 * len(str(largest)) + 4) if told else max(2.0, 900 / n)
    names = list(classes) if len(classes) == n else [str(i) for i in range(n)]
    wide = 8 * max(map(len, names)) if told else 0
    upright = wide <= side
    left = 16 + wide + 24
    top = TOP + (12 if told and upright else wide) + 8

    def parts() -> Iterator[str]:
        for i, row in enumerate(counts):
            most = max(1, sum(row))
            if told:
                yield _text(left - 8, top + side * (i + 0.65), names[i], anchor="end")
                if upright:
                    yield _text(left + side * (i + 0.5), top - 8, names[i], anchor="middle")
                else:
                    x = left + side * (i + 0.6)
                    turned = _text(x, top - 8, names[i])
                    yield f'<g transform="rotate(-90 {x:.1f} {top - 8})">{turned}</g>'
            for j, count in enumerate(row):
                yield from _cell(left + side * j, top + side * i, side, count, most, i == j, told)

    total = sum(map(sum, counts))
    right = sum(counts[i][i] for i in range(n))
    title = f"{name}: {right} of {total} right; rows are what it is, columns what it is taken for"
    width = max(left + side * n + 16, 16 + 7 * len(title))
    return _svg(width, top + side * n + 16, title, parts())


def _cell(
    x: float, y: float, side: float, count: int, most: int, right: bool, told: bool
) -> Iterator[str]:
    if not count:
        return
    color, share = TRAIN if right else VALID, count / most
    box = f'x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}"'
    yield f'<rect {box} fill="{color}" fill-opacity="{0.15 + 0.85 * share:.2f}"/>'
    if told:
        ink = "white" if share > 0.6 else INK
        yield _text(x + side / 2, y + side * 0.65, str(count), anchor="middle", color=ink)
