"""Text to syntax tree, and back."""

from archdsl.syntax.parser import parse, parse_value

__all__ = ["parse", "parse_value"]
