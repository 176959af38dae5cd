"""Rules that know the theory: what compiles and is probably not meant.

A rule is one class in a file of its own in `archdsl.lint.rules`; its docstring is its page. It
reads the facets of the layers' classes, so no rule names a layer.
"""

from archdsl.lint.config import Config
from archdsl.lint.engine import Finding, Subject, lint
from archdsl.lint.rule import Rule
from archdsl.lint.rules import all_rules

__all__ = ["Config", "Finding", "Rule", "Subject", "all_rules", "lint"]
