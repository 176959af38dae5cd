"""Linting any network: no rule fails on one, and what is mended compiles to what was claimed."""

from __future__ import annotations

from hypothesis import given
from strategies import examples, mutations, networks, soups

from archdsl.elaborate import Limits, elaborate, network_names
from archdsl.errors import ArchError
from archdsl.lint import Subject, all_rules, lint
from archdsl.lint.formats import to_github, to_json, to_sarif
from archdsl.lint.mend import mend
from archdsl.source import Source
from archdsl.syntax import parse

LIMITS = Limits(layers=500, steps=2000)


def subject_of(text: str) -> Subject | None:
    """All networks of a text, or None if one of them is wrong."""
    try:
        tree = parse(Source(text))
        names = network_names(tree)
        return Subject(tree, tuple(elaborate(tree, name, limits=LIMITS) for name in names))
    except ArchError:
        return None


def check(text: str) -> None:
    """Findings have places and words, the same ones each time; fixes hold what they claim."""
    subject = subject_of(text)
    if subject is None:
        return
    findings = lint(subject, all_rules())
    for finding in findings:
        assert 0 <= finding.span.start <= finding.span.end <= len(text)
        assert str(finding).startswith(f"{finding.level}[{finding.code}]")
    assert [str(f) for f in lint(subject, all_rules())] == [str(f) for f in findings]
    assert to_json(findings)["findings"] or not findings
    assert len(to_github(findings).splitlines()) == len(findings)
    assert len(to_sarif(findings)["runs"][0]["results"]) == len(findings)
    done = mend(subject, all_rules())
    after = subject_of(done.text)
    assert after is not None
    for old, new in zip(subject.graphs, after.graphs, strict=True):
        assert new.main.shape == old.main.shape
        gone = set(old.state()) - set(new.state())
        assert {key.rpartition(".")[2] for key in gone} <= {"bias"}
        assert set(new.state()) <= set(old.state())


@examples(150)
@given(networks())
def test_every_rule_copes_with_every_network(text: str) -> None:
    check(text)


@examples(300)
@given(soups())
def test_words_of_the_language_in_any_order(text: str) -> None:
    check(text)


@examples(100)
@given(mutations())
def test_a_spec_that_was_damaged(text: str) -> None:
    check(text)
