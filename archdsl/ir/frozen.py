"""What the records of the IR have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A record that never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other fields; what was computed of the original is computed anew."""
        found = super().model_copy(update=update, deep=deep)
        values = vars(found)
        for name in values.keys() - type(found).__pydantic_fields__.keys():
            del values[name]
        return found
