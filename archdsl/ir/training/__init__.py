"""How a network is trained: the vocabulary of a `train` section, and the record of one.

The names here come with the whole vocabulary, which is loaded when one is first asked for; who
needs a single part, such as the optimizers, imports its module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archdsl.ir.training.record import Training
    from archdsl.ir.training.setting import Finding, Setting, settings, vocabulary

__all__ = ["Finding", "Setting", "Training", "settings", "vocabulary"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from archdsl.ir.training import record, setting

    return getattr(record if name == "Training" else setting, name)
