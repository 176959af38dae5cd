"""How a training says no, and what it needs installed."""

from __future__ import annotations

import importlib
from types import ModuleType

from archdsl.errors import Diagnostic, TrainError

EXTRA = "pip install 'archdsl[train]'"


def refusal(code: str, label: str, help: str = "") -> TrainError:
    """An error of a training, without a place in the spec."""
    return TrainError(Diagnostic(code, None, label, help=help))


def unread() -> TrainError:
    """The error where every example to learn from is left out."""
    return refusal("A953", "none of the examples to learn from can be read")


def needed(module: str, command: str = EXTRA) -> ModuleType:
    """A module that archdsl itself does not install.

    Raises:
        TrainError: it is not there.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        label = f"`{error.name or module}` is not installed"
        raise refusal("A951", label, f"`{command}` installs it") from None
