"""Constructor calls as data: printed for one module, or with parameters for a class of many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archdsl.backends.torch.layout import WIDTH, element, statement

MAX_TURN = 4  # modules that are looked for in turn, such as conv, bn, relu


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
    """`name(arguments)`; or an expression such as `{} + 2 * i` with its argument in the braces.

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
    r"""A Python literal, strings in double quotes.

    >>> literal((3, 1)), literal("tanh"), literal(1e-05)
    ('(3, 1)', '"tanh"', '1e-05')
    >>> print(literal('a"\\\n'))
    "a\"\\\n"
    """
    if isinstance(value, str):
        return '"' + value.encode("unicode_escape").decode().replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        inner = ", ".join(map(literal, value))  # pyright: ignore[reportUnknownArgumentType]
        return f"({inner},)" if len(value) == 1 else f"({inner})"  # pyright: ignore
    return repr(value)


# Printing, laid out as ruff would


def flat(call: Call) -> str:
    """The call on one line."""
    parts = [_argument(a) for a in call.arguments]
    if "{}" in call.name:  # a sum
        return call.name.format(*parts)
    return f"{call.name}({', '.join(parts)})"


def _argument(argument: Argument) -> str:
    value = argument.value
    text = flat(value) if isinstance(value, Call) else _text(value)
    return f"{argument.key}={text}" if argument.key else text


def _text(value: Slot | Raw) -> str:
    return value.text if isinstance(value, Raw) else literal(value.value)


def lines(prefix: str, call: Call, suffix: str = "", indent: int = 8) -> list[str]:
    """`prefix call suffix` over as many lines as it needs; the suffix is a comma or nothing."""
    pad = " " * indent
    if not call.items:
        text = f"{prefix}{flat(call)}"
        return element(text, indent) if suffix else statement(text, indent)
    opening = f"{pad}{prefix}{call.name}("
    if len(opening) > WIDTH and not suffix:
        wrapped = [f"{pad}{prefix}(", *lines("", call, "", indent + 4), f"{pad})"]
        if max(map(len, wrapped)) <= WIDTH:
            return wrapped
    return [opening, *_items(call, indent + 4), f"{pad}){suffix}"]


def wrapped(
    head: str, parts: list[str], suffix: str, indent: int, is_call: bool = True
) -> list[str]:
    """`head(parts)suffix` on one line if it fits, else its parts on lines of their own.

    The arguments of a call may all be on one line.
    """
    pad = " " * indent
    one = f"{pad}{head}({', '.join(parts)}){suffix}"
    if len(one) <= WIDTH or not parts:
        return [one]
    body = f"{pad}    {', '.join(parts)}"
    fits = is_call and len(body) <= WIDTH
    middle = [body] if fits else [f"{pad}    {part}," for part in parts]
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
    is_ordered = call.name == "nn.Sequential"
    for name, item in call.items:
        inner += lines(f"{literal(name)}: ", item, ",", indent + (8 if is_ordered else 4))
    if is_ordered:
        return [f"{pad}OrderedDict(", f"{pad}    {{", *inner, f"{pad}    }}", f"{pad})"]
    return [f"{pad}{{", *inner, f"{pad}}}"]


def _runs(items: tuple[tuple[str, Call], ...]) -> Iterator[tuple[list[Call], int]]:
    """What repeats and how often: one module, or a few in turn where that makes fewer lines."""
    calls = [call for _, call in items]
    at = 0
    while at < len(calls):
        length, count = 1, _turns(calls, at, 1)
        if count < 3:
            count = 1
            for turn in range(2, MAX_TURN + 1):
                found = _turns(calls, at, turn)
                # What repeats as often from the next one on reads better from there.
                if found * turn > turn + 6 and _turns(calls, at + 1, turn) < found:
                    length, count = turn, found
                    break
        yield calls[at : at + length], count
        at += length * count


def _turns(calls: list[Call], at: int, length: int) -> int:
    """How often the modules from a place on come again, one after the other."""
    turn, count = calls[at : at + length], 1
    while calls[at + count * length : at + (count + 1) * length] == turn:
        count += 1
    return count


def _item(turn: list[Call], count: int, indent: int) -> list[str]:
    (first, *others), pad = turn, " " * indent
    if count == 1:
        return lines("", first, ",", indent)
    one = f"{pad}*({flat(first)} for _ in range({count})),"
    if not others and not first.items and len(one) <= WIDTH:
        return [one]
    made = lines("", first, "", indent + 4)
    again = [f"{pad}    for _ in range({count})"]
    if others:
        made = [f"{pad}    layer"]
        again += [f"{pad}    for layer in ("]
        again += [line for call in turn for line in lines("", call, ",", indent + 8)]
        again += [f"{pad}    )"]
    return [f"{pad}*(", *made, *again, f"{pad}),"]
