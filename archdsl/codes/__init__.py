"""The error codes: a title that every message starts with, and a page for `archdsl explain`."""

from archdsl.codes.code import Code
from archdsl.codes.models import MODELS
from archdsl.codes.specs import SPECS

CODES: dict[str, Code] = SPECS | MODELS

__all__ = ["CODES", "Code"]
