"""`archdsl lint` as a user sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Cli

import archdsl
from archdsl.lint import all_rules

BIASED = "input 3x3x3\nconv 3x3 4; bn; relu\nfc 4; relu; fc 10\n"


@pytest.fixture
def biased(tmp_path: Path) -> Path:
    path = tmp_path / "biased.arch"
    path.write_text(BIASED)
    return path


def test_the_status_tells_whether_there_are_findings(cli: Cli, biased: Path) -> None:
    small = biased.parent / "small.arch"
    small.write_text("input 8\nfc 4\n")
    clean = cli("lint", small)
    assert (clean.status, clean.out, clean.err) == (0, "no findings; 1 network\n", "")
    found = cli("lint", biased)
    assert (found.status, found.err) == (1, "")
    assert found.out.startswith("warning[L201]: a bias in front of")
    assert found.out.endswith("\n\n1 finding, 1 to mend with --fix; 1 network\n")
    both = cli("lint", small, biased)
    assert (both.status, both.out.splitlines()[-1]) == (
        1,
        "1 finding, 1 to mend with --fix; 2 networks",
    )


def test_hints_are_shown_on_demand_and_are_no_failure(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "rank.arch"
    path.write_text("input 100\nfc 5; fc 100; relu; fc 10\n")
    silent = cli("lint", path, "--select", "L1")
    assert (silent.status, silent.out) == (0, "no findings, 1 hint with --level info; 1 network\n")
    shown = cli("lint", path, "--select", "l1", "--level", "info")
    assert (shown.status, "info[L102]" in shown.out) == (0, True)


def test_selecting_ignoring_and_configuring(cli: Cli, biased: Path) -> None:
    assert cli("lint", biased, "--select", "L1,L6").status == 0
    assert cli("lint", biased, "--ignore", "L2").status == 0
    (biased.parent / "archdsl.toml").write_text('[lint]\nignore = ["L201"]\n')
    assert cli("lint", biased).status == 0
    (biased.parent / "archdsl.toml").write_text("[lint]\nwhat = 1\n")
    refused = cli("lint", biased)
    assert (refused.status, "error[A006]" in refused.err) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [["--select", "L999"], ["--format", "xml"], ["--level", "loud"], ["--diff", "--json"]],
)
def test_called_wrongly(cli: Cli, biased: Path, arguments: list[str]) -> None:
    assert cli("lint", biased, *arguments).status == 2


def test_fix_and_diff(cli: Cli, biased: Path) -> None:
    shown = cli("lint", biased, "--diff")
    assert (shown.status, "+conv 3x3 4 bias=false; bn; relu" in shown.out) == (1, True)
    assert biased.read_text() == BIASED
    fixed = cli("lint", biased, "--fix")
    assert fixed.status == 0
    assert f"mended 1 place in {biased}" in fixed.out
    assert biased.read_text() == BIASED.replace("4; bn", "4 bias=false; bn")
    assert cli("lint", biased, "--fix").out == "no findings; 1 network\n"
    assert [p.name for p in biased.parent.iterdir()] == ["biased.arch"]


@pytest.mark.parametrize("spec", ["vgg16", "{}:biased"])
def test_only_a_whole_file_is_mended(cli: Cli, biased: Path, spec: str) -> None:
    two = biased.with_name("two.arch")
    two.write_text("network biased { input 8; fc 8; bn }\nnetwork other { input 8; fc 8; relu }\n")
    refused = cli("lint", spec.format(two), "--fix")
    assert (refused.status, "name the file alone" in refused.err) == (2, True)
    assert cli("lint", two, "--fix", "-p", "a=1").status in (1, 2)


def test_errors_and_findings_in_one_run(cli: Cli, biased: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.arch"
    bad.write_text("input 3x3x3\nconvv\n")
    result = cli("lint", bad, biased)
    assert result.status == 1
    assert "warning[L201]" in result.out
    assert result.err.startswith("error[A301]")
    for kind in ("json", "github", "sarif"):
        result = cli("lint", bad, biased, "--format", kind)
        assert (result.status, result.err) == (1, "")
        assert "A301" in result.out
        assert "L201" in result.out
    assert json.loads(cli("lint", biased, "--json").out)["findings"][0]["code"] == "L201"


def test_one_place_is_told_once(cli: Cli, biased: Path) -> None:
    assert cli("lint", biased, biased).out.count("warning[L201]") == 1
    importer = biased.with_name("importer.arch")
    biased.write_text("block unit { conv 3x3; bn; relu }\n")
    importer.write_text('import "biased.arch"\ninput 3x3x3\nunit; unit\n')
    result = cli("lint", importer)
    assert "--> biased.arch:1:14" in result.out
    assert "= in:   block unit, called at importer.arch:3:1" in result.out
    biased.write_text("# lint: ignore-file=L201 as trained\nblock unit { conv 3x3; bn; relu }\n")
    assert cli("lint", importer).status == 0, "an imported file's own comments hold"


def test_a_network_of_a_file(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "nets.arch"
    path.write_text(
        "block forgotten { relu }\n"
        "network good { input 8; fc 8; relu }  # lint: ignore=L101 not here\n"
        "network bad { input 8; fc 8; fc 8; relu }\n"
    )
    assert [w in cli("lint", path).out for w in ("L601", "L002", "L101")] == [True] * 3
    assert cli("lint", f"{path}:good").status == 0, "the text is judged with all of its networks"
    assert cli("lint", f"{path}:bad").status == 1


def test_from_python(biased: Path) -> None:
    net = archdsl.load(biased)
    (finding,) = net.lint()
    assert (finding.code, finding.span.line, finding.networks) == ("L201", 2, ("biased",))
    assert net.lint(select=["L1"]) == []
    assert net.lint(ignore=["L2"]) == []
    assert net.lint(level="error") == []
    with pytest.raises(ValueError, match="no rule has the code"):
        net.lint(select=["L999"])
    assert archdsl.Network(net.graph).lint() == [], "a graph alone has no text to point at"


def test_pages_and_lists(cli: Cli) -> None:
    page = cli("explain", "l201")
    assert page.status == 0
    assert page.out.startswith("## L201: a bias in front of a normalisation")
    assert "Ioffe & Szegedy" in page.out
    rows = json.loads(cli("list", "rules", "--json").out)
    assert [row["rule"] for row in rows] == [rule.code for rule in all_rules()]
