"""What a network has learnt, in pictures: its filters, and what its layers make of a picture."""

from archdsl.backends.features.activations import activations
from archdsl.backends.features.filters import filters, first_with_filters, layer_with_filters
from archdsl.backends.features.sheet import Panel, Sheet

__all__ = [
    "Panel",
    "Sheet",
    "activations",
    "filters",
    "first_with_filters",
    "layer_with_filters",
]
