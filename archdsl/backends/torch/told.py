"""What `archdsl train` has written into a file of weights, beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from archdsl.backends.torch.weights import about
from archdsl.ir.preprocess import Preprocess


class Told(NamedTuple):
    """What a file of weights says of itself."""

    pictures: Preprocess | None = None
    """How the pictures were prepared that it learnt from."""
    classes: tuple[str, ...] = ()


def told(weights: object) -> Told:
    """What weights say of themselves; nothing, if they are no file or come from elsewhere."""
    said = about(weights) if isinstance(weights, str | Path) else {}
    try:
        how = said.get("preprocess")
        pictures = Preprocess.model_validate_json(how) if how is not None else None
        return Told(pictures, tuple(map(str, json.loads(said.get("classes", "[]")))))
    except (ValueError, TypeError):
        return Told()
