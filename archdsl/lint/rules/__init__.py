"""The rules, a file each: a module here with one rule in it is known, there is no list."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from archdsl.lint.rule import Rule


@cache
def all_rules() -> tuple[type[Rule], ...]:
    """Every rule, by code.

    Raises:
        TypeError: a module here has not one rule, or two rules have one code.
    """
    found: dict[str, type[Rule]] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        own = [
            value
            for value in vars(importlib.import_module(module.name)).values()
            if isinstance(value, type) and issubclass(value, Rule)
            if value.__module__ == module.name
        ]
        if len(own) != 1:
            raise TypeError(f"{module.name} has {len(own)} rules, not one")
        if own[0].code in found:
            raise TypeError(f"two rules have the code {own[0].code}")
        found[own[0].code] = own[0]
    return tuple(found[code] for code in sorted(found))
