"""Devices and what they can do at most: a TOML file each."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from archdsl.analyses.roofline import Device
from archdsl.errors import Diagnostic, ReadError, suggestion
from archdsl.files import read_source
from archdsl.quantity import read_bytes

FOLDER = Path(__file__).parent


def _size(value: Any) -> Any:
    return read_bytes(value) if isinstance(value, str) else value


_Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _File(BaseModel):
    """A device as a file has it; see h100.toml for one."""

    model_config = ConfigDict(extra="forbid")

    name: str
    memory: Annotated[int, BeforeValidator(_size), Field(gt=0)]
    bandwidth: _Rate
    launch: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    matrix: dict[str, _Rate]
    vector: dict[str, _Rate]


def names() -> list[str]:
    """The devices that come with archdsl."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def device(name: str) -> Device:
    """A device that comes with archdsl, or that of a TOML file.

    Raises:
        ReadError: there is no such device, or the file describes none.
    """
    if name not in names() and not name.endswith(".toml"):
        help = suggestion(name, names()) or f"there are {', '.join(names())}, or a .toml file"
        raise ReadError(Diagnostic("A001", None, f"no device is called `{name}`", help=help))
    path = FOLDER / f"{name}.toml" if name in names() else Path(name)
    try:
        return Device(**dict(_File.model_validate(tomllib.loads(read_source(path).text))))
    except tomllib.TOMLDecodeError as error:
        label = f"{path}: {error}"
    except ValidationError as error:
        first = error.errors()[0]
        label = f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    help = f"{FOLDER / 'h100.toml'} is one"
    raise ReadError(Diagnostic("A002", None, label, help=help))
