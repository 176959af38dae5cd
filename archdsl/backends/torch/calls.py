"""Constructor calls as data: printed for one module, or with parameters for a class of many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

WIDTH = 88  # ruff's and black's line length


@dataclass(frozen=True, slots=True)
class Slot:
    """A literal, which a class of several instances may turn into a parameter."""

    value: Any
    hint: str


@dataclass(frozen=True, slots=True)
class Raw:
    """Python text."""

    text: str


@dataclass(frozen=True, slots=True)
class Argument:
    """`key=value`; left out where the value is the callee's own default."""

    key: str | None
    value: Slot | Raw | Call
    default: Any = ...


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)`.

    With `items` it is a container such as nn.Sequential: its modules by name, in order.
    """

    name: str
    arguments: tuple[Argument, ...] = ()
    items: tuple[tuple[str, Call], ...] = ()


def slots(call: Call) -> Iterator[Slot]:
    """Every literal in a call, in order."""
    for argument in call.arguments:
        if isinstance(argument.value, Slot):
            yield argument.value
        elif isinstance(argument.value, Call):
            yield from slots(argument.value)
    for _, item in call.items:
        yield from slots(item)


def skeleton(call: Call) -> Any:
    """What two calls share that differ in their literals alone."""
    arguments = tuple(
        (a.key, "slot")
        if isinstance(a.value, Slot)
        else (a.key, skeleton(a.value) if isinstance(a.value, Call) else a.value.text)
        for a in call.arguments
    )
    return call.name, arguments, tuple((name, skeleton(item)) for name, item in call.items)


def fill(call: Call, texts: Iterator[str]) -> Call:
    """The call with every literal replaced by a text, in the order of `slots`."""
    arguments: list[Argument] = []
    for a in call.arguments:
        if isinstance(a.value, Slot):
            text = next(texts)
            if a.default is ... or text != literal(a.default):
                arguments.append(Argument(a.key, Raw(text)))
        else:
            value = fill(a.value, texts) if isinstance(a.value, Call) else a.value
            arguments.append(Argument(a.key, value))
    items = tuple((name, fill(item, texts)) for name, item in call.items)
    return Call(call.name, tuple(arguments), items)


def literals(call: Call) -> Call:
    """The call with its literals written out."""
    return fill(call, iter([literal(s.value) for s in slots(call)]))


def literal(value: Any) -> str:
    """A Python literal, strings in double quotes.

    >>> literal((3, 1)), literal("tanh"), literal(1e-05)
    ('(3, 1)', '"tanh"', '1e-05')
    """
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        inner = ", ".join(map(literal, value))  # pyright: ignore[reportUnknownArgumentType]
        return f"({inner},)" if len(value) == 1 else f"({inner})"  # pyright: ignore
    return repr(value)


# Printing, laid out as ruff would


def flat(call: Call) -> str:
    """The call on one line."""
    parts = [_argument(a) for a in call.arguments]
    return f"{call.name}({', '.join(parts)})"


def _argument(argument: Argument) -> str:
    value = argument.value
    text = flat(value) if isinstance(value, Call) else _text(value)
    return f"{argument.key}={text}" if argument.key else text


def _text(value: Slot | Raw) -> str:
    return value.text if isinstance(value, Raw) else literal(value.value)


def lines(prefix: str, call: Call, suffix: str = "", indent: int = 8) -> list[str]:
    """`prefix call suffix` over as many lines as it needs."""
    pad = " " * indent
    if call.items:
        return [f"{pad}{prefix}{call.name}(", *_items(call, indent + 4), f"{pad}){suffix}"]
    return wrapped(f"{prefix}{call.name}", [_argument(a) for a in call.arguments], suffix, indent)


def wrapped(head: str, parts: list[str], suffix: str, indent: int) -> list[str]:
    """`head(parts)suffix` on one line if it fits, else its parts on one line, else one on each."""
    pad = " " * indent
    one = f"{pad}{head}({', '.join(parts)}){suffix}"
    if len(one) <= WIDTH or not parts:
        return [one]
    body = f"{pad}    {', '.join(parts)}"
    middle = [body] if len(body) <= WIDTH else [f"{pad}    {part}," for part in parts]
    return [f"{pad}{head}(", *middle, f"{pad}){suffix}"]


def _items(call: Call, indent: int) -> list[str]:
    """The modules of a container, runs of the same written as a comprehension."""
    numbered = all(name == str(i) for i, (name, _) in enumerate(call.items))
    if call.name == "nn.Sequential" and numbered:
        return [line for item in _runs(call.items) for line in _item(*item, indent)]
    pad = " " * indent
    inner: list[str] = []
    if call.name == "nn.ModuleList":
        for item in _runs(call.items):
            inner += _item(*item, indent + 4)
        return [f"{pad}[", *inner, f"{pad}]"]
    for name, item in call.items:
        inner += lines(f"{literal(name)}: ", item, ",", indent + 4)
    opening, closing = ("OrderedDict(", ")") if call.name == "nn.Sequential" else ("", "")
    if opening:
        deeper = [f"    {line}" for line in inner]
        return [f"{pad}{opening}", f"{pad}    {{", *deeper, f"{pad}    }}", f"{pad}{closing}"]
    return [f"{pad}{{", *inner, f"{pad}}}"]


def _runs(items: tuple[tuple[str, Call], ...]) -> Iterator[tuple[Call, int]]:
    for call, group in groupby(call for _, call in items):
        count = len(list(group))
        if count >= 3:
            yield call, count
        else:
            yield from [(call, 1)] * count


def _item(call: Call, count: int, indent: int) -> list[str]:
    if count == 1:
        return lines("", call, ",", indent)
    one = f"{' ' * indent}*({flat(call)} for _ in range({count})),"
    if not call.items and len(one) <= WIDTH:
        return [one]
    pad = " " * indent
    return [
        f"{pad}*(",
        *lines("", call, "", indent + 4),
        f"{pad}    for _ in range({count})",
        f"{pad}),",
    ]
