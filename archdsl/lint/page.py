"""The page of a rule, made from its docstring."""

from __future__ import annotations

from archdsl.lint.rule import Rule


def page(rule: type[Rule]) -> str:
    """The page of one rule, as Markdown."""
    level = {"info": "a hint, told with `--level info`"}.get(rule.level, rule.level)
    lines = [f"## {rule.code}: {rule.title()}", "", f"`{rule.name()}`, {level}.", "", rule.why()]
    for what, example in (("Bad", rule.bad()), ("Good", rule.good())):
        lines += ["", f"{what}:", "", "```arch", example.rstrip(), "```"]
    return "\n".join([*lines, ""])
