"""L002."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.lint.ignores import Ignores
from archdsl.lint.rule import Hit, IgnoreRule

_HELP = "`archdsl list rules` shows them"


class IdleIgnore(IgnoreRule):
    """A comment that ignores nothing, or is not understood.

    What it was written for is gone, or never was where it stands; left there, it would hide the
    next finding. It is told only when all networks of the file are linted with their own
    parameters, and only of rules that ran. `# lint:` with anything but `ignore=` or `ignore-file=`
    and codes behind it is told always.

    Bad:

        input 3x32x32
        conv 3x3 64 bias=false; bn; relu  # lint: ignore=L201 the weights have it
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 64 bias=false; bn; relu
        gap; fc 10
    """

    code: ClassVar[str] = "L002"
    level: ClassVar[Level] = "warning"

    def check(self, ignores: Ignores) -> Iterator[Hit]:
        """The codes that no finding had."""
        from archdsl.lint.rules import all_rules

        for span in ignores.misread:
            yield Hit(span, "this is not understood", "`# lint: ignore=L101 the reason`")
        known = [rule.code for rule in all_rules()]
        for ignore in ignores.found:
            for code in ignore.codes:
                if not any(k.startswith(code) for k in known):
                    yield Hit(ignore.span, f"no rule has the code `{code}`", _HELP)
            ran = [c for c in ignore.codes if any(j.startswith(c) for j in ignores.judged)]
            idle = [c for c in ran if c not in ignore.used]
            if idle:
                where = "on this line" if ignore.line else "in this file"
                yield Hit(ignore.span, f"nothing {where} has {' or '.join(idle)}", "take it out")
