"""From a spec to weights: the `train` section carried out.

    settings ──> data ──> augment ──> network ──> objective ──> optimize
                   └──────────────── loop ────────────────────────┘
                                      ├── checkpoint: to resume from
                                      └── record: metrics, weights, pictures

`start` begins a run and `resume` goes on with one; a file is one step of the pipeline. What is
drawn at random is a function of the seed and of the place in the training (see `draws`), never of
what was drawn before: that is what makes a resumed run the same, bit by bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archdsl.train.run import Options, Outcome, resume, start

__all__ = ["Options", "Outcome", "resume", "start"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from archdsl.train import run

    return getattr(run, name)
