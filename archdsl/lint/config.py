"""Which rules run: the command line's options, else the nearest configuration above the spec."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from archdsl.errors import Diagnostic, Level, ReadError, suggestion
from archdsl.lint.rule import Rule
from archdsl.lint.rules import all_rules

FILES = {"archdsl.toml": ("lint",), "pyproject.toml": ("tool", "archdsl", "lint")}
"""The files that may hold a configuration, and where in them it is."""
_LEVELS = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Config:
    """The rules that run, by codes or their beginnings, and the level from which they are told."""

    select: tuple[str, ...] = ("L",)
    ignore: tuple[str, ...] = ()
    level: Level = "warning"

    def rules(self) -> list[type[Rule]]:
        """Those that are selected and not ignored."""
        return [
            rule
            for rule in all_rules()
            if rule.code.startswith(self.select) and not rule.code.startswith(self.ignore)
        ]

    def updated(
        self, select: Iterable[str] = (), ignore: Iterable[str] = (), level: Level | None = None
    ) -> Config:
        """With what the command line says: its `select` in place of, its `ignore` beside ours."""
        return replace(
            self,
            select=tuple(select) or self.select,
            ignore=self.ignore + tuple(ignore),
            level=level or self.level,
        )


def nearest(spec: Path | None) -> Config:
    """The configuration of the nearest folder above a spec that has one.

    Raises:
        ReadError: it cannot be read, or says what no configuration does.
    """
    folder = (spec or Path("x")).resolve().parent
    for above in (folder, *folder.parents):
        for name in FILES:
            found = _read(above / name)
            if found is not None:
                return found
    return Config()


def check_codes(codes: Iterable[str]) -> str:
    """What is wrong with codes or beginnings of codes; nothing if each means a rule."""
    known = [rule.code for rule in all_rules()]
    for code in codes:
        if not code or not any(k.startswith(code) for k in known):
            return f"no rule has the code `{code}`"
    return ""


def _read(path: Path) -> Config | None:
    """The configuration in a file, None if there is none."""
    try:
        if not path.is_file():
            return None
        data: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if path.name == "pyproject.toml":
            return None  # another tool's to complain of
        reason = error.strerror if isinstance(error, OSError) else f"it is no TOML: {error}"
        raise _bad(path, str(reason)) from None
    for key in FILES[path.name]:
        data = cast("dict[str, Any]", data).get(key) if isinstance(data, dict) else None
    return None if data is None else _config(path, data)


def _config(path: Path, data: object) -> Config:
    where = ".".join(FILES[path.name])
    if not isinstance(data, dict):
        raise _bad(path, f"[{where}] is a table")
    found = Config()
    for key, value in cast("dict[str, object]", data).items():
        match key:
            case "select" | "ignore":
                found = replace(found, **{key: _codes(path, key, value)})
            case "level" if value in _LEVELS:
                found = replace(found, level=value)
            case "level":
                raise _bad(path, f"`level` is one of {', '.join(_LEVELS)}")
            case _:
                help = suggestion(key, ("select", "ignore", "level"))
                raise _bad(path, f"[{where}] has no `{key}`", help)
    return found


def _codes(path: Path, key: str, value: object) -> tuple[str, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    codes = tuple(c for c in items if isinstance(c, str))
    if not isinstance(value, list) or len(codes) < len(items):
        raise _bad(path, f'`{key}` is a list of codes such as ["L1", "L204"]')
    if wrong := check_codes(codes):
        raise _bad(path, f"`{key}`: {wrong}", "`archdsl list rules` shows them")
    return codes


def _bad(path: Path, label: str, help: str = "") -> ReadError:
    return ReadError(Diagnostic("A006", None, f"{path}: {label}", help=help))
