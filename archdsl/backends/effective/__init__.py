"""The effective receptive field: how much of its field a position uses, measured by gradient."""

from archdsl.backends.effective.field import EffectiveField
from archdsl.backends.effective.measure import measure

__all__ = ["EffectiveField", "measure"]
