"""What goes into a model and what comes out of it, and how a picture is made to fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from archdsl.errors import printable
from archdsl.ir.preprocess import IMAGENET, KINDS, Preprocess, usual_resize
from archdsl.serve.model import SELECTED, Model, maker, refusal

if TYPE_CHECKING:
    from pydantic import ValidationError

TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
}


class Value(Protocol):
    """An input or an output, as onnxruntime tells of it."""

    name: str
    type: str
    shape: list[int | str | None]


@dataclass(frozen=True)
class Port:
    """The input: a batch of pictures. What is None is any number."""

    name: str
    dtype: str
    batch: int | None
    channels: int
    rows: int | None
    columns: int | None
    layout: Literal["NCHW", "NHWC"]


@dataclass(frozen=True)
class Asked:
    """What a caller says about the pictures, against the file or where that is silent."""

    size: tuple[int, int] | None = None
    resize: int | None = None
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None

    def __bool__(self) -> bool:
        return any(v is not None for v in (self.size, self.resize, self.mean, self.std))


def entrance(path: Path, inputs: Sequence[Value]) -> Port:
    """The one input of a model.

    Raises:
        ModelError: it is no batch of pictures.
    """
    if len(inputs) != 1:
        raise refusal("A905", path, f"it has {len(inputs)} inputs, not one")
    (found,) = inputs
    shape = [d if isinstance(d, int) and d > 0 else None for d in found.shape]
    shown = f"{printable(found.name)!r} is {found.type} {_shape(found.shape)}"
    if len(shape) != 4:
        raise refusal("A905", path, f"its input {shown}, not a batch of pictures")
    if found.type not in TYPES:
        raise refusal("A905", path, f"its input {shown}, of a type that is not known here")
    batch, first, second, last = shape
    if first in KINDS:
        return Port(found.name, TYPES[found.type], batch, first, second, last, "NCHW")
    if last in KINDS:
        return Port(found.name, TYPES[found.type], batch, last, first, second, "NHWC")
    raise refusal("A905", path, f"its input {shown}: no axis has 1 or 3 channels")


def exit_of(model: Model, outputs: Sequence[Value], classes: int | None) -> Value:
    """The output that has a value for each class; of several the first that has as many as named.

    Raises:
        ModelError: there is none.
    """
    fitting = [
        o
        for o in outputs
        if o.type in TYPES and o.type != "tensor(uint8)" and _rates(o)
        if maker(model.proto, o.name) != SELECTED
    ]
    named = [o for o in fitting if classes is not None and o.shape[1] == classes]
    if not fitting:
        shown = ", ".join(f"{printable(o.name)!r} {_shape(o.shape)}" for o in outputs[:5])
        raise refusal("A905", model.path, f"no output has a value for each class: it gives {shown}")
    return (named or fitting)[0]


def _rates(output: Value) -> bool:
    """Whether an output may be batch x classes, perhaps with maps of one pixel."""
    shape = output.shape
    return len(shape) >= 2 and prod(d if isinstance(d, int) else 1 for d in shape[2:]) == 1


def _shape(shape: Sequence[object]) -> str:
    return "x".join(printable(str(d))[:40] if d is not None else "?" for d in shape) or "one number"


# How a picture is made to fit


def stated(model: Model) -> Preprocess | None:
    """What the file says of the pictures that it takes.

    Raises:
        ModelError: it says something that cannot be.
    """
    text = model.metadata.get("archdsl.preprocess")
    if text is None:
        return None
    from pydantic import ValidationError

    try:
        return Preprocess.model_validate(json.loads(text))
    except ValidationError as error:
        label = f"`archdsl.preprocess` in its metadata: {_first(error)}"
    except (ValueError, RecursionError):
        label = "`archdsl.preprocess` in its metadata is no JSON"
    raise refusal("A904", model.path, label)


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False)[0]
    place = ".".join(map(str, found["loc"]))
    return printable(f"{place}: {found['msg']}" if place else found["msg"])[:300]


def fitted(path: Path, port: Port, said: Preprocess | None, asked: Asked) -> Preprocess:
    """How pictures are prepared: as the caller says, else the file, else as for ImageNet.

    Raises:
        ModelError: something is not known, or does not fit the input.
    """
    if port.dtype == "uint8" or (said is not None and said.in_graph):
        return _raw(path, port, said, asked)
    found: dict[str, Any] = said.model_dump() if said is not None else _usual(path, port, asked)
    if asked.size is not None:
        found |= {"size": asked.size, "crop": asked.size}
        found["resize"] = asked.resize or _in_proportion(said, asked.size)
    if asked.resize is not None:
        found["resize"] = asked.resize
    given = (("mean", asked.mean), ("std", asked.std))
    found |= {key: _each(values, port) for key, values in given if values is not None}
    how = _checked(path, found)
    _fits(path, port, how)
    return how


def _in_proportion(said: Preprocess | None, size: tuple[int, int]) -> int | None:
    """The shorter side for another size, so that as much is cut off as was before."""
    if said is None:
        return usual_resize(size)
    if not isinstance(said.resize, int):
        return None
    return round(said.resize * min(size) / min(said.window))


def _usual(path: Path, port: Port, asked: Asked) -> dict[str, Any]:
    """ImageNet's standard, for a file that says nothing."""
    size = asked.size or (port.rows, port.columns)
    if None in size:
        label = "its input is of any size, and its metadata do not say which it was trained with"
        raise refusal("A904", path, label, "say it: `--size 224`")
    if port.channels != len(IMAGENET[0]) and (asked.mean is None or asked.std is None):
        label = f"it takes pictures of {port.channels} channel, and does not say how normalized"
        raise refusal("A904", path, label, "say it: `--mean 0.5 --std 0.5`")
    found: dict[str, Any] = {"size": size, "channels": KINDS[port.channels], "layout": port.layout}
    rows, columns = (s or 0 for s in size)
    mean, std = IMAGENET
    return found | {"resize": usual_resize((rows, columns)), "mean": mean, "std": std}


def _each(values: Sequence[float], port: Port) -> tuple[float, ...]:
    """A value for each channel; a single one is for all."""
    return tuple(map(float, values)) * (port.channels if len(values) == 1 else 1)


def _raw(path: Path, port: Port, said: Preprocess | None, asked: Asked) -> Preprocess:
    """For a model that prepares the pictures itself: uint8 values, of its size if it has one."""
    if port.dtype != "uint8":
        label = f"its metadata say that it takes uint8 pictures, but its input is {port.dtype}"
        raise refusal("A904", path, label)
    if asked.mean is not None or asked.std is not None or (said is not None and asked):
        label = "it prepares the pictures itself: nothing about them can be set from outside"
        raise refusal("A904", path, label)
    fixed = port.rows is not None and port.columns is not None
    size = asked.size or ((port.rows, port.columns) if fixed else said and said.size)
    if size is None:
        label = "its input is of any size, and its metadata do not say which it was trained with"
        raise refusal("A904", path, label, "say it: `--size 224`")
    none, one = (0.0,) * port.channels, (1.0,) * port.channels
    found: dict[str, Any] = {"size": size, "resize": asked.resize, "mean": none, "std": one}
    found |= {"channels": KINDS[port.channels], "layout": port.layout, "in_graph": True}
    how = _checked(path, found)
    if fixed:
        _fits(path, port, how)
    return how


def _checked(path: Path, found: dict[str, Any]) -> Preprocess:
    from pydantic import ValidationError

    try:
        return Preprocess.model_validate(found)
    except ValidationError as error:
        raise refusal("A904", path, _first(error)) from None


def _fits(path: Path, port: Port, how: Preprocess) -> None:
    """Whether prepared pictures are what the input takes."""
    wanted = (port.channels, port.rows or how.size[0], port.columns or how.size[1], port.layout)
    given = (len(how.channels), *how.size, how.layout)
    if given != wanted:
        label = (
            f"its input takes {port.channels} channels of {port.rows or '?'}x{port.columns or '?'} "
            f"({port.layout}), the pictures would have {given[0]} of {given[1]}x{given[2]} "
            f"({given[3]})"
        )
        raise refusal("A904", path, label)
