"""Linting any network: no rule fails on one, and what is mended compiles to what was claimed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from strategies import examples, networks

import archdsl
from archdsl.lint import Subject, all_rules, lint
from archdsl.lint.mend import mend
from archdsl.pipeline import open_subject


@examples(150)
@given(networks())
def test_every_rule_copes_with_every_network(text: str) -> None:
    net = archdsl.parse(text)
    assert net.tree is not None
    findings = lint(Subject(net.tree, (net.graph,)), all_rules())
    for finding in findings:
        assert finding.diagnostic.render()
        assert 0 <= finding.span.start <= finding.span.end <= len(text)
    assert [str(f) for f in lint(Subject(net.tree, (net.graph,)), all_rules())] == list(
        map(str, findings)
    ), "the same text, the same findings"


@examples(60)
@given(networks())
def test_a_mended_network_is_the_same_but_for_what_was_mended(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.arch"
        path.write_text(text)
        subject = open_subject(str(path))
        done = mend(subject, all_rules())
    after = archdsl.parse(done.text).graph
    (before,) = subject.graphs
    assert after.main.shape == before.main.shape
    assert set(after.state()) <= set(before.state())
    gone = set(before.state()) - set(after.state())
    assert {key.rpartition(".")[2] for key in gone} <= {"bias"}
    assert not [f for f in done.applied if f.fix is None]
