"""Running a file that is to be proved: on a GPU where there is one, else on the CPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from archdsl.serve.devices import start

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession


def session(
    path: Path, values: Iterable[str] = (), precision: str = "float32"
) -> tuple[InferenceSession, str]:
    """A session for a file, and in words what it runs on.

    Args:
        path: the file.
        values: values of the model that are outputs of the session too.
        precision: what it computes in.

    Raises:
        ModelError: onnxruntime refuses the file.
    """
    extra = list(dict.fromkeys(values))
    emulated = precision == "bfloat16"
    plain = not extra and not emulated
    with nullcontext(path) if plain else _changed(path, extra, precision) as file:
        made, device = start(file, "cpu" if emulated else "auto", optimize=not emulated, exact=True)
    if emulated:
        return made, "the CPU, which rounds to bfloat16 what it computes in 32 bits"
    return made, "the CPU, as there is no GPU" if device == "cpu" else "the GPU"


@contextmanager
def _changed(path: Path, values: list[str], precision: str) -> Iterator[Path]:
    """A file beside a model, where its weights are, with more outputs, or to emulate bfloat16."""
    import onnx

    from archdsl.backends.onnx.functions import inlined
    from archdsl.backends.onnx.half import emulate

    model = inlined(onnx.load(path, load_external_data=False))
    known = {v.name: v for v in (*model.graph.value_info, *model.graph.output)}
    given = {o.name for o in model.graph.output}
    for value in values:
        if value not in given:
            model.graph.output.append(known.get(value, onnx.ValueInfoProto(name=value)))
    if precision == "bfloat16":
        emulate(model)
    beside = path.with_name(f".{path.name}.changed")
    try:
        beside.write_bytes(model.SerializeToString())
        yield beside
    finally:
        beside.unlink(missing_ok=True)


def run(
    runner: InferenceSession, names: list[str], inputs: dict[str, NDArray[np.generic]]
) -> dict[str, NDArray[Any]]:
    """The outputs asked for, by their names; ours are all tensors."""
    return dict(zip(names, cast("list[NDArray[Any]]", runner.run(names, inputs)), strict=True))
