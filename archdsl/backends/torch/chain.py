"""Blocks that are one block many times over: a loop, where the numbers go in equal steps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from archdsl.backends.torch.calls import Argument, Call, Raw, Slot, flat, slots
from archdsl.backends.torch.draft import Draft, Step
from archdsl.backends.torch.layout import statement

FEWEST = 3  # modules that are worth a loop
COUNTER = "i"
_NUMBERED = re.compile(r"(.*[^0-9])([1-9][0-9]*)")  # not `a01`, which a counter does not give
_LOOP = "for "  # how the call of a chain is told from one of a class


def chained(draft: Draft) -> Draft:
    """The draft with its modules as one entry, if they are a chain; else as it is.

    The entry is a call of how many there are and of what makes the i-th; as such it can be one
    class with chains of other lengths.
    """
    names = [_NUMBERED.fullmatch(name) for name, _ in draft.entries]
    if len(names) < FEWEST or len(draft.steps) != len(names) or draft.starts or draft.helpers:
        return draft
    stems = {match and match[1] for match in names}
    numbers = [int(match[2]) if match else -1 for match in names]
    if len(stems) > 1 or numbers != [*range(1, len(numbers) + 1)] or not _is_pipeline(draft):
        return draft
    calls = [call for _, call in draft.entries]
    made = _ith(calls)
    if made is None or any(call.name.startswith(("nn.", "torch.")) or call.items for call in calls):
        return draft
    (stem,) = stems
    loop = Call(_LOOP, (Argument(None, Slot(len(calls), "depth")), Argument(None, made)))
    first, last = draft.steps[0], draft.steps[-1]
    whole = Step(last.output, first.inputs, f"self.{stem}s({{0}})", last.shape)
    return replace(draft, entries=[(f"{stem}", loop)], steps=[whole])


def is_chain(call: Call) -> bool:
    return call.name == _LOOP


def making(stem: str, loop: Call) -> Iterator[str]:
    """The lines of `__init__` that make the modules."""
    count, made = (argument.value for argument in loop.arguments)
    assert isinstance(count, Raw) and isinstance(made, Call)
    yield f"        for {COUNTER} in range({count.text}):"
    name = f'f"{stem}{{{COUNTER} + 1}}"'
    yield from statement(f"self.add_module({name}, {flat(made)})", 12)


FORWARD = (
    "    def forward(self, x: Tensor) -> Tensor:",
    "        for layer in self.children():",
    "            x = layer(x)",
    "        return x",
)


def _is_pipeline(draft: Draft) -> bool:
    """Whether each module reads what the one before it gives, and the last one's is the result."""
    if len(draft.inputs) != 1 or [r.tensor for r in draft.outputs.values()] != [
        draft.steps[-1].output
    ]:
        return False
    sources = [draft.inputs[0], *(step.output for step in draft.steps)]
    for source, step, (name, _) in zip(sources, draft.steps, draft.entries, strict=False):
        if step.inputs != (source,) or step.template != f"self.{name}({{0}})":
            return False
    return True


def _ith(calls: list[Call]) -> Call | None:
    """The call that makes the i-th module, if they differ by equal steps alone."""
    first = calls[0]
    shapes = {(c.name, tuple((a.key, type(a.value)) for a in c.arguments)) for c in calls}
    if len(shapes) > 1 or not all(isinstance(a.value, Slot) for a in first.arguments):
        return None
    columns = zip(*([s.value for s in slots(c)] for c in calls), strict=True)
    arguments: list[Argument] = []
    for argument, column in zip(first.arguments, columns, strict=True):
        step = _step(column)
        if step is None:
            return None
        sign = "+" if step > 0 else "-"
        term = COUNTER if abs(step) == 1 else f"{abs(step)} * {COUNTER}"
        value = Call(f"{{}} {sign} {term}", (Argument(None, argument.value),)) if step else None
        arguments.append(replace(argument, value=value) if value else argument)
    return replace(first, arguments=tuple(arguments))


def _step(column: Iterable[object]) -> int | None:
    """By how much a literal grows from call to call; 0 where it is always the same."""
    values = list(column)
    if all(type(v) is type(values[0]) and v == values[0] for v in values):
        return 0
    if not all(type(v) is int for v in values):
        return None
    numbers = [v for v in values if isinstance(v, int)]
    steps = {b - a for a, b in pairwise(numbers)}
    return steps.pop() if len(steps) == 1 else None
