"""The page of one network as `archdsl watch` serves it: whole, or what changes with a save."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from archdsl.backends.report.data import Subject, described
from archdsl.backends.report.levels import Levels
from archdsl.backends.report.page import page


@dataclass(frozen=True, slots=True)
class LivePage:
    """A network at one version of its spec."""

    version: str
    title: str
    data: dict[str, Any]
    pictures: list[str]

    @classmethod
    def of(cls, subject: Subject, drawn: Levels, version: str) -> LivePage:
        """The page of a network."""
        data = {"batch": 1, "networks": [described(subject, drawn)], "comparison": None}
        return cls(version, subject.name, data, [level.svg for level in drawn.levels])

    def html(self) -> str:
        """The page as a whole; it asks for news."""
        return page(self.title, self.data, [self.pictures], self.version)

    def json(self) -> str:
        """What an open page changes itself by; `static/live.js` reads it."""
        found = {"version": self.version, "title": self.title}
        found |= {"data": self.data, "pictures": self.pictures}
        return json.dumps(found, separators=(",", ":"))
