"""Findings as texts: for people, for programs, for GitHub's annotations, as SARIF 2.1.0."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archdsl.errors import Diagnostic, Level
from archdsl.lint.engine import Finding
from archdsl.lint.page import page
from archdsl.lint.rule import Rule
from archdsl.lint.rules import all_rules
from archdsl.source import Span

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_text(findings: Sequence[Finding], color: bool = False) -> str:
    """As errors are shown: the line, a caret, the help, the way through the calls."""
    return "\n\n".join(finding.diagnostic.render(color) for finding in findings)


def to_json(findings: Sequence[Finding], errors: Sequence[Diagnostic] = ()) -> dict[str, Any]:
    """As plain data."""
    return {
        "findings": [_finding(finding) for finding in findings],
        "errors": [error.to_json() for error in errors],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    found = finding.diagnostic.to_json()
    found["place"] |= {"file": where(finding.span), **_end(finding.span)}
    layers = [{"network": network, "path": path} for network, path in finding.layers]
    return {
        "code": found.pop("code"),
        "level": finding.level,
        "rule": finding.rule.name(),
        **found,
        "layers": layers,
        "fix": finding.fix.title if finding.fix else None,
    }


def to_github(findings: Sequence[Finding], errors: Sequence[Diagnostic] = ()) -> str:
    """As the commands by which a workflow annotates lines, one line each."""
    return "\n".join(_command(d) for d in (*(f.diagnostic for f in findings), *errors))


def _command(d: Diagnostic) -> str:
    command = {"error": "error", "warning": "warning", "info": "notice"}[d.level]
    properties: dict[str, object] = {}
    if d.span is not None:
        place = {"file": where(d.span), "line": d.span.line, "col": d.span.column}
        end = _end(d.span)
        properties |= place | {"endLine": end["end_line"], "endColumn": end["end_column"]}
    properties["title"] = f"{d.code}: {d.title}"
    listed = ",".join(f"{key}={_escaped(str(v), ':,')}" for key, v in properties.items())
    message = "\n".join(part for part in (d.label, d.help) if part)
    return f"::{command} {listed}::{_escaped(message)}"


def _escaped(text: str, also: str = "") -> str:
    """Text as a workflow command holds it: what would end it, by number."""
    for character in "%\r\n" + also:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def to_sarif(findings: Sequence[Finding], errors: Sequence[Diagnostic] = ()) -> dict[str, Any]:
    """As a log of the Static Analysis Results Interchange Format, version 2.1.0 (OASIS)."""
    from archdsl.version import VERSION

    rules = all_rules()
    index = {rule.code: i for i, rule in enumerate(rules)}
    driver = {"name": "archdsl", "version": VERSION, "rules": [_rule(rule) for rule in rules]}
    results = [
        {**_result(f.diagnostic), "ruleIndex": index[f.code], **_related(f)} for f in findings
    ]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [*results, *map(_result, errors)],
    }
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


_SARIF_LEVELS: dict[Level, str] = {"error": "error", "warning": "warning", "info": "note"}


def _rule(rule: type[Rule]) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name().split("-")),
        "shortDescription": {"text": rule.title()},
        "fullDescription": {"text": rule.why()},
        "help": {"text": rule.why(), "markdown": page(rule)},
        "defaultConfiguration": {"level": _SARIF_LEVELS[rule.level]},
    }


def _result(d: Diagnostic) -> dict[str, Any]:
    message = f"{d.title}: {d.label}" + (f" ({d.help})" if d.help else "")
    return {
        "ruleId": d.code,
        "level": _SARIF_LEVELS[d.level],
        "message": {"text": message},
        "locations": [_location(d.span)] if d.span else [],
    }


def _related(finding: Finding) -> dict[str, Any]:
    others = [_location(n.span, n.text) for n in (*finding.notes, *finding.calls)]
    return {"relatedLocations": others} if others else {}


def _location(span: Span, text: str = "") -> dict[str, Any]:
    end = _end(span)
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": end["end_line"],
        "endColumn": end["end_column"],
    }
    artifact = {"uri": where(span)}
    location = {"physicalLocation": {"artifactLocation": artifact, "region": region}}
    return location | ({"message": {"text": text}} if text else {})


def where(span: Span) -> str:
    """The file of a span, below the working directory if it lies there, with forward slashes."""
    path = span.source.path
    if path is None:
        return span.source.name
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def _end(span: Span) -> dict[str, int]:
    line, column = span.source.position(span.end)
    return {"end_line": line, "end_column": column}
