"""AlphaGo's policy on a small board: its short version, its shape, the planes it is given."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import runner
from lab import Report, Runs

import archdsl

if extras := runner.missing():
    pytest.skip(f"this needs archdsl[{extras}]", allow_module_level=True)

ShortRun = Callable[[str], tuple[Runs, Report]]


def test_go(short_run: ShortRun) -> None:
    runs, report = short_run("go")
    assert [check.holds for check in report.checks[:2]] == [True, True]
    sizes = {net: runs.where(net=net)[0].found for net in runs.each("net")}
    for quantity, net in (("parameters", "params"), ("macs", "macs")):
        assert sizes[net][quantity] == pytest.approx(sizes["cnn"][quantity], rel=0.05)


def test_the_policy_is_alphagos_on_a_smaller_board() -> None:
    spec = runner.find(["go"])[0].folder / "go.arch"
    text = spec.read_text().replace("policy 16 4", "policy 192 11")
    full, own = archdsl.parse(text, "cnn", size=19, planes=48), archdsl.zoo("alphago_policy")
    assert full.summary().params == own.summary().params == 3_882_793
    assert full.summary().macs == own.summary().macs
    shapes = [[node.shape for node in net.graph.nodes] for net in (full, own)]
    assert shapes[0] == shapes[1][:-1]  # but for the softmax


def test_planes_of_a_position() -> None:
    planes_of = runner.find(["go"])[0].module.planes_of
    from go_board import read

    own, other, empty, ones, ko, *liberties = planes_of(read("xo.\nxx."))
    assert [p.sum() for p in (own, other, empty, ones, ko)] == [3, 1, 77, 81, 0]
    assert own[1, 1] == other[0, 1] == empty[0, 2] == 1
    # The stone has one liberty, the three have (1, 2), (2, 0) and (2, 1)
    assert [p.sum() for p in liberties] == [1, 0, 3, 0]
    assert liberties[0][0, 1] == 1
