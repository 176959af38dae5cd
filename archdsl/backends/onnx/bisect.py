"""Which layer of a file is the first that computes something else than PyTorch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from archdsl.backends.onnx.functions import inlined
from archdsl.backends.onnx.options import Difference
from archdsl.backends.onnx.session import run, session
from archdsl.ir import Node

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from archdsl.backends.onnx.proof import Subject


def culprit(subject: Subject) -> str:
    """In words, the first layer whose output departs by more than a file may as a whole."""
    from archdsl.backends.onnx.proof import TOLERANCES  # which imports this

    found = differences(subject)
    tolerance = TOLERANCES[subject.options.precision]
    first = next((d for d in found if not d.relative <= tolerance), None)
    if first is None:
        return "no layer that could be looked at departs; please report it with the spec"
    node = subject.graph.by_path[first.path]
    way = "please report it with the spec"
    if subject.options.precision != "float32":
        way = "16 bits may be too few for these weights: export them in 32"
    return (
        f"`{first.path}` ({node.place}), `{node.op.text()}`, is the first layer that departs, by "
        f"{first.relative:.1e} of its largest value; {way}"
    )


def differences(subject: Subject) -> list[Difference]:
    """Every layer that both have, in order, on one batch.

    A layer that is no module of its own in PyTorch, or is applied more than once, is left out, as
    is one that the file has no value for.
    """
    from archdsl.backends.onnx.proof import apart, examples, outputs

    inputs = next(examples(subject))
    seen: dict[str, NDArray[Any]] = {}
    with _listening(subject, seen):
        outputs(subject, inputs)
    given = _values(subject, inputs, [n for n in subject.graph.at_inference if n.path in seen])
    return [Difference(p, apart(value, seen[p])[1]) for p, value in given.items()]


@contextmanager
def _listening(subject: Subject, seen: dict[str, NDArray[Any]]) -> Iterator[None]:
    """Keep what the layers of a module give; a copy, as the next one may overwrite it."""
    modules = dict(subject.module.named_modules())
    hooks = []
    calls: Counter[str] = Counter()
    for node in subject.graph.at_inference:
        place = subject.stands.get(node.path, node.path)
        if place in modules:

            def hook(_: Any, __: Any, output: Any, path: str = node.path) -> None:
                seen[path] = output.detach().clone().numpy()
                calls[path] += 1

            hooks.append(modules[place].register_forward_hook(hook))
    try:
        yield
    finally:
        for each in hooks:
            each.remove()
    for path, count in calls.items():
        if count > 1:  # a shared one; of its outputs this is the last
            del seen[path]


def _values(
    subject: Subject, inputs: list[NDArray[np.generic]], nodes: list[Node]
) -> dict[str, NDArray[Any]]:
    """What layers give in the file, by their paths: it is run with all of these as outputs."""
    import onnx

    model = inlined(onnx.load(subject.path, load_external_data=False))
    made = {name for operator in model.graph.node for name in operator.output}
    finals = {o.node: o.name for o in reversed(subject.graph.given)}
    wanted: dict[str, str] = {}
    for node in nodes:
        names = (finals.get(node.path, ""), f"{node.path}/y", node.path)
        value = next((name for name in names if name in made), None)
        if value is not None:
            wanted[node.path] = value
    if not wanted:  # onnxruntime takes no outputs for all outputs
        return {}
    runner, _ = session(subject.path, wanted.values(), subject.options.precision)
    names = list(dict.fromkeys(wanted.values()))
    feed = dict(zip((i.name for i in subject.graph.inputs), inputs, strict=True))
    given = run(runner, names, feed)
    return {path: given[name] for path, name in wanted.items()}
