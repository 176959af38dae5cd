"""How a network is trained: the vocabulary of a `train` section, and the record of one."""

from __future__ import annotations

from archdsl.ir.training.record import Training
from archdsl.ir.training.setting import Finding, Setting, settings, vocabulary

__all__ = ["Finding", "Setting", "Training", "settings", "vocabulary"]
