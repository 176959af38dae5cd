"""Syntax tree to IR: names resolved, calls and repetitions written out, shapes inferred."""

from archdsl.elaborate.limits import Limits
from archdsl.elaborate.networks import elaborate, network_names

__all__ = ["Limits", "elaborate", "network_names"]
