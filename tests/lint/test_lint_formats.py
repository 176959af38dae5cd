"""The texts that findings become: for people, programs, GitHub and SARIF's readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from archdsl.errors import Diagnostic
from archdsl.lint import all_rules, lint
from archdsl.lint.engine import Finding
from archdsl.lint.formats import to_github, to_json, to_sarif, to_text
from archdsl.pipeline import open_subject

TEXT = """\
block unit width { conv 3x3 width; bn; relu }
input 3x5x5
unit 16; unit 16
gap; fc 10; fc 10
"""
ERROR = Diagnostic("A001", None, "x.arch: 100%: no\nsuch, file")


@pytest.fixture
def findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    (tmp_path / "nets").mkdir()
    path = tmp_path / "nets" / "small.arch"
    path.write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return lint(open_subject(str(path)), all_rules())


def test_text(findings: list[Finding]) -> None:
    assert (
        to_text(findings)
        == """\
warning[L201]: a bias in front of a normalisation that takes it off again
 --> small.arch:1:20
  |
1 | block unit width { conv 3x3 width; bn; relu }
  |                    ^^^^^^^^^^^^^^ `bn1` subtracts these 16 values again (and 1 more like it)
  = note: the normalisation (small.arch:1:36)
  = help: `bias=false`
  = in:   block unit, called at small.arch:3:1

warning[L101]: two linear layers with nothing nonlinear between them
 --> small.arch:4:13
  |
4 | gap; fc 10; fc 10
  |             ^^^^^ together they are one 16 to 10 layer: 160 weights in place of 260
  = note: the linear layer before it (small.arch:4:6)
  = help: put an activation between them, or write the one layer"""
    )
    assert "\x1b[1;33mwarning[L201]\x1b[0m" in to_text(findings, color=True)


def test_json(findings: list[Finding]) -> None:
    data = json.loads(json.dumps(to_json(findings, [ERROR])))
    first = data["findings"][0]
    assert first["place"] == {
        "file": "nets/small.arch", "line": 1, "column": 20, "end_line": 1, "end_column": 34,
    }  # fmt: skip
    assert (first["code"], first["level"]) == ("L201", "warning")
    assert first["rule"] == "bias-before-normalization"
    assert first["layers"] == [
        {"network": "small", "path": "unit1.conv1"},
        {"network": "small", "path": "unit2.conv1"},
    ]
    assert first["fix"] == "leave the bias out"
    assert first["calls"] == [{"place": "small.arch:3:1", "text": "block unit, called at"}]
    assert data["findings"][1]["fix"] is None
    assert data["errors"][0]["code"] == "A001"


def test_github(findings: list[Finding]) -> None:
    lines = to_github(findings, [ERROR]).split("\n")
    assert lines[0] == (
        "::warning file=nets/small.arch,line=1,col=20,endLine=1,endColumn=34,title=L201%3A a bias "
        "in front of a normalisation that takes it off again::`bn1` subtracts these 16 values "
        "again (and 1 more like it)%0A`bias=false`"
    )
    assert lines[2] == (
        "::error title=A001%3A the file cannot be read::x.arch: 100%25: no%0Asuch, file"
    )
    assert len(lines) == 3


# What SARIF 2.1.0 asks of the parts that are written here (OASIS 2020, sections 3.13 to 3.52).
ENDS = ["startLine", "startColumn", "endLine", "endColumn"]
REGION = {
    "type": "object",
    "required": ENDS,
    "properties": {end: {"type": "integer", "minimum": 1} for end in ENDS},
    "additionalProperties": False,
}
MESSAGE = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "message": MESSAGE,
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation", "region"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "required": ["uri"],
                    "properties": {"uri": {"type": "string", "pattern": r"^[^\\:]+$"}},
                },
                "region": REGION,
            },
        },
    },
    "additionalProperties": False,
}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
RULE = {
    "type": "object",
    "required": ["id", "shortDescription", "help"],
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string", "pattern": "^[A-Z][A-Za-z]+$"},
        "shortDescription": MESSAGE,
        "fullDescription": MESSAGE,
        "help": {**MESSAGE, "required": ["text", "markdown"]},
        "defaultConfiguration": {"type": "object", "properties": {"level": LEVEL}},
    },
    "additionalProperties": False,
}
SARIF = {
    "type": "object",
    "required": ["version", "$schema", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "name": {"const": "archdsl"},
                                    "version": {"type": "string"},
                                    "rules": {
                                        "type": "array", "items": RULE, "uniqueItems": True,
                                    },
                                },
                                "additionalProperties": False,
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message", "ruleId"],
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": LEVEL,
                                "message": MESSAGE,
                                "locations": {"type": "array", "items": LOCATION},
                                "relatedLocations": {"type": "array", "items": LOCATION},
                            },
                            "additionalProperties": False,
                        },
                    },
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}  # fmt: skip


def test_sarif(findings: list[Finding]) -> None:
    log: dict[str, Any] = json.loads(json.dumps(to_sarif(findings, [ERROR])))
    jsonschema.validate(log, SARIF)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.code for rule in all_rules()]
    bias, pair, error = run["results"]
    assert rules[bias["ruleIndex"]]["id"] == bias["ruleId"] == "L201"
    place = bias["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "nets/small.arch"
    assert place["region"] == {"startLine": 1, "startColumn": 20, "endLine": 1, "endColumn": 34}
    assert [r["message"]["text"] for r in bias["relatedLocations"]] == [
        "the normalisation", "block unit, called at",
    ]  # fmt: skip
    assert pair["level"] == "warning"
    assert (error["ruleId"], error["level"], error["locations"]) == ("A001", "error", [])


def test_the_check_of_sarif_can_fail(findings: list[Finding]) -> None:
    log = to_sarif(findings)
    log["runs"][0]["results"][0]["level"] = "hint"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(log, SARIF)
