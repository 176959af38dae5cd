"""From places to shapes: bodies in colours, windows and their lines, arrows, arcs, the legend."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.backends.drawing.theme import Look, Theme, mix
from archdsl.backends.volumes.blocks import RISE, SIZE, Block, Rect
from archdsl.backends.volumes.figure import Volume
from archdsl.backends.volumes.measure import width
from archdsl.backends.volumes.pieces import RADIUS, Link, Mark, Piece
from archdsl.backends.volumes.scene import Circle, Group, Line, Point, Polygon, Scene, Shape, Words
from archdsl.backends.volumes.windows import NEAR, cone, crosses
from archdsl.ir.shapes import show

MARGIN = 6.0
SWATCH, BETWEEN = 7.0, 12.0
NAMES: dict[Look, str] = {
    "linear": "fully connected",
    "reshape": "resize, reshape",
    "join": "joined as it is",
}


def compose(piece: Piece, theme: Theme, name: str, description: str, legend: bool) -> Scene:
    """The scene of a figure."""
    behind = [Group("", ("link", k.kind), "", list(_link(k, theme))) for k in piece.links]
    bodies = [_body(t, theme) for t in piece.things if isinstance(t, Block | Mark)]
    before: list[Group] = []
    for link in piece.links:
        group = Group("", ("window",), "", list(cone(link, theme)))
        (behind if crosses(link) else before).append(group)
    groups = [g for g in (*behind, *bodies, *before) if g.shapes]
    room = _extent(piece, groups)
    if legend:
        key = _legend(piece, theme, room)
        groups.append(key)
        room = _around([room, *(_rect(s) for s in key.shapes)])
    return Scene(
        name,
        description,
        groups,
        room.left - MARGIN,
        room.top - MARGIN,
        room.right - room.left + 2 * MARGIN,
        room.bottom - room.top + 2 * MARGIN,
        theme.paper,
        theme.ink,
        theme.font,
    )


# Bodies


def _body(thing: Block | Mark, theme: Theme) -> Group:
    if isinstance(thing, Mark):
        at = (thing.x, thing.y)
        sign: list[Shape] = [
            Circle(at, RADIUS, theme.paper, theme.line, "sum"),
            Words((thing.x, thing.y + 2.9), thing.fork.symbol, 8.0, theme.ink, kind="sign"),
        ]
        return Group(thing.fork.paths[0] if thing.fork.paths else "", ("join",), "", sign)
    volume = thing.volume
    lane = f"/lane{thing.lane}" if volume.lanes > 1 else ""
    kinds = ["volume", volume.look]
    kinds += [k for k in ("training", "shared", "highlighted") if getattr(volume, k)]
    group = Group(volume.id + lane, tuple(kinds), _title(volume))
    group.shapes += _faces(thing, theme)
    for label in thing.labels:
        if volume.lanes > 1 and label.kind == "size":  # lines that cross run behind
            r = label.rect.moved(thing.x, thing.y)
            room = ((r.left, r.top), (r.right, r.top), (r.right, r.bottom), (r.left, r.bottom))
            group.shapes.append(Polygon(room, theme.paper, "none", 0.0, kind="room"))
        color = theme.muted if label.kind in ("call", "note") else theme.ink
        at = (thing.x + label.x, thing.y + label.y)
        group.shapes.append(Words(at, label.text, SIZE, color, label.align, label.bold, label.kind))
    if thing.arc:
        group.shapes.append(_arc(thing, theme))
    return group


def _faces(block: Block, theme: Theme) -> Iterator[Shape]:
    volume, solid = block.volume, block.solid
    stroke = theme.accent if volume.highlighted else theme.line
    thick = 1.4 if volume.highlighted else 0.5
    dashed = volume.shared
    edges = _edges(volume, solid.thick) if not solid.flat else []
    for face in solid.faces:
        points = tuple((block.x + x, block.y + y) for x, y in face.points)
        fill = shade(theme, volume.look, face.side)
        if not edges or face.side == "right":
            look = volume.bands[-1] if edges else volume.look
            fill = shade(theme, look, face.side)
            yield Polygon(points, fill, stroke, thick, dashed, face.side)
            continue
        for look, start, end in edges:
            part = _cut(points, face.side, start, end)
            yield Polygon(part, shade(theme, look, face.side), stroke, thick, dashed, face.side)
    for a, b in solid.lines:
        ends = tuple((block.x + x, block.y + y) for x, y in (a, b))
        yield Line(ends, theme.frame, 0.4, kind="row")


def shade(theme: Theme, look: Look, side: str) -> str:
    """The colour of a side of a body."""
    fill = theme.fill(look)
    if look == "input":
        fill = mix(fill, theme.line, 0.05)
    if side == "top":
        return mix(fill, theme.paper, 0.45)
    return mix(fill, theme.line, 0.14) if side == "right" else fill


def _edges(volume: Volume, thick: float) -> list[tuple[Look, float, float]]:
    """The bands of a body, each with where it starts and ends, from 0 to 1."""
    if not volume.bands or thick < 2.0 * len(volume.bands):
        return []
    shares = volume.shares or (1,) * len(volume.bands)
    found: list[tuple[Look, float, float]] = []
    at, total = 0, sum(shares)
    for look, share in zip(volume.bands, shares, strict=True):
        found.append((look, at / total, (at + share) / total))
        at += share
    return found


def _cut(points: tuple[Point, ...], side: str, start: float, end: float) -> tuple[Point, ...]:
    """The part of a front or a top from a share of its way from left to right to another."""
    a, b, c, d = points
    # The left edge of a front goes down from its first point, that of a top goes to the back.
    first, second = ((a, b), (d, c)) if side == "front" else ((b, c), (a, d))

    def along(edge: tuple[Point, Point], t: float) -> Point:
        (x0, y0), (x1, y1) = edge
        return x0 + (x1 - x0) * t, y0 + (y1 - y0) * t

    return along(first, start), along(first, end), along(second, end), along(second, start)


def _arc(block: Block, theme: Theme) -> Line:
    """The shortcut past a block, from before it to behind it."""
    x, right, y = block.x - 5.0, block.x + block.solid.right + 5.0, block.y
    top = y - block.arc + 2.0
    points = ((x, y), (x, top), (right, top), (right, y - 1.0))
    dashed = block.volume.shortcut == "projection"
    return Line(points, theme.line, 0.7, dashed, arrow=True, round=5.0, kind="shortcut")


def _title(volume: Volume) -> str:
    words = [volume.name or volume.id, show(volume.shape), " ".join(volume.call)]
    if volume.copies > 1:
        words.append(f"×{volume.copies}")
    if volume.lanes > 1:
        words.append(f"in {volume.lanes} columns")
    return ", ".join(filter(None, words))


# Links


def _link(link: Link, theme: Theme) -> Iterator[Shape]:
    head = link.head
    if link.kind == "next" and (any(cone(link, theme)) or _touching(link)):
        return
    training = isinstance(head, Block) and head.volume.training
    crossing = crosses(link)
    points = _ROUTES[link.kind](link)
    yield Line(
        points, theme.line, 0.5 if crossing else 0.7, training, not crossing, 3.0, kind=link.kind
    )


def _touching(link: Link) -> bool:
    (x0, y0), (x1, y1) = link.tail.exit, link.head.entry
    return y0 == y1 and x1 - x0 < NEAR


def _next(link: Link) -> tuple[Point, ...]:
    """Straight on, or to another height: from a fork out, to a join in."""
    tail, head = link.tail, link.head
    (x0, y0), (x1, y1) = tail.exit, head.entry
    if abs(y1 - y0) < 0.5:
        return (x0 + 1.0, y0), (x1 - 1.0, y1)
    if isinstance(tail, Block) and crosses(link):
        wordy = len(tail.volume.shape) == 3
        return ((tail.rect.right if wordy else x0) + 1.0, y0), (x1 - 1.0, y1)
    if isinstance(head, Mark) and not link.fans:
        return (x0 + 1.0, y0), (head.x, y0), (head.x, head.y + (RADIUS if y0 > y1 else -RADIUS))
    mid = tail.rect.right + 3.0 if link.fans else _before(head)
    return (x0 + 1.0, y0), (mid, y0), (mid, y1), (x1 - 1.0, y1)


def _over(link: Link) -> tuple[Point, ...]:
    """Past what lies between, in an arc above it."""
    tail, head = link.tail, link.head
    (x0, y0), (x1, y1) = tail.exit, head.entry
    top, mid = head.y - link.lift, tail.rect.right + 3.0
    if isinstance(head, Mark):
        return (x0, y0), (mid, y0), (mid, top), (head.x, top), (head.x, y1 - RADIUS)
    end = _before(head)
    return (x0, y0), (mid, y0), (mid, top), (end, top), (end, y1), (x1 - 1.0, y1)


def _aside(link: Link) -> tuple[Point, ...]:
    """Down to what hangs."""
    tail, (right, y) = link.tail, link.head.entry
    if isinstance(tail, Mark):
        x = tail.exit[0] + 3.0
        return (x, tail.y), (x, y), (right - 1.0, y)
    x = _middle(tail)
    return (x, tail.rect.bottom + 1.0), (x, y), (right - 1.0, y)


def _down(link: Link) -> tuple[Point, ...]:
    """From above to below, where the head stands below the tail and to its right."""
    x, (right, y) = _middle(link.tail), link.head.entry
    return (x, link.tail.rect.bottom + 1.0), (x, y), (right - 1.0, y)


def _up(link: Link) -> tuple[Point, ...]:
    """From below to above; to the right first where the head stands further on."""
    tail, head = link.tail, link.head
    x = _middle(head)
    low = head.y + RADIUS if isinstance(head, Mark) else head.rect.bottom + 1.0
    if tail.rect.left < x < tail.rect.right:
        return (x, tail.rect.top - 1.0), (x, low)
    x0, y0 = tail.exit
    return (x0 + 1.0, y0), (x, y0), (x, low)


def _turn(link: Link) -> tuple[Point, ...]:
    """To the beginning of the next line."""
    (x0, y0), (x1, y1) = link.tail.exit, link.head.entry
    right, left = link.turn[1], link.turn[0]
    return (
        (x0 + 1.0, y0),
        (right, y0),
        (right, link.lift),
        (left, link.lift),
        (left, y1),
        (x1 - 1, y1),
    )


def _before(head: Block | Mark) -> float:
    """Where ways turn that lead to a place, clear of its words, with room for their arrow."""
    return min(head.rect.left - 3.0, head.entry[0] - 8.5)


def _middle(place: Block | Mark) -> float:
    return place.x + (place.solid.thick / 2 if isinstance(place, Block) else 0.0)


_ROUTES = {
    "next": _next,
    "over": _over,
    "aside": _aside,
    "down": _down,
    "up": _up,
    "turn": _turn,
}


# Legend and extent


def _legend(piece: Piece, theme: Theme, room: Rect) -> Group:
    """What the colours and the signs mean, of those that occur."""
    volumes = [t.volume for t in piece.things if isinstance(t, Block)]
    looks: dict[Look, None] = {}
    for volume in volumes:
        looks |= dict.fromkeys(volume.bands or (volume.look,))
    looks.pop("input", None)
    items: list[tuple[Look | None, str]] = [(x, NAMES.get(x, x)) for x in looks]
    if any(v.shared for v in volumes):
        items.append((None, "same weights"))
    group = Group("legend", ("legend",), "what the colours mean")
    x, y = room.left, room.bottom + 14.0
    for look, text in items:
        wide = SWATCH + 3.0 + width(text, SIZE)
        if x > room.left and x + wide > max(room.right, room.left + 120):
            x, y = room.left, y + SIZE + 4.0
        corners = ((x, y - RISE - 1), (x + SWATCH, y - RISE - 1), (x + SWATCH, y + 1), (x, y + 1))
        fill = theme.fill(look) if look else theme.paper
        group.shapes.append(Polygon(corners, fill, theme.line, 0.5, look is None, "swatch"))
        group.shapes.append(Words((x + SWATCH + 3.0, y), text, SIZE, theme.ink, "left", kind="key"))
        x += wide + BETWEEN
    return group


def _extent(piece: Piece, groups: list[Group]) -> Rect:
    rects = piece.rects()
    rects += [_rect(s) for g in groups for s in g.shapes]
    return _around(rects)


def _around(rects: list[Rect]) -> Rect:
    return Rect(
        min(r.left for r in rects),
        min(r.top for r in rects),
        max(r.right for r in rects),
        max(r.bottom for r in rects),
    )


def _rect(shape: Shape) -> Rect:
    match shape:
        case Polygon() | Line():
            xs, ys = [p[0] for p in shape.points], [p[1] for p in shape.points]
            return Rect(min(xs) - 1, min(ys) - 1, max(xs) + 1, max(ys) + 1)
        case Circle():
            (x, y), r = shape.center, shape.radius + 1
            return Rect(x - r, y - r, x + r, y + r)
        case Words():
            wide = width(shape.text, shape.size, shape.bold)
            x = shape.at[0] - {"left": 0.0, "middle": wide / 2, "right": wide}[shape.align]
            return Rect(x, shape.at[1] - RISE, x + wide, shape.at[1] + 1.5)
