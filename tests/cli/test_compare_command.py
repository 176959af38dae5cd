"""`compare` and `summary --symbolic` as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Cli
from goldens import check_golden
from test_imports import HEAVY, after

TWO = """param n = 4
network one { input 3x8x8; conv 3x3 n }
network two { input 3x8x8; conv 3x3 n; relu }
"""


@pytest.fixture
def two(tmp_path: Path) -> Path:
    path = tmp_path / "pair.arch"
    path.write_text(TWO)
    return path


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("vgg", ["vgg16", "vgg16c"]),
        ("resnet", ["resnet50", "resnet101"]),
        ("three", ["alexnet", "googlenet", "resnet18", "-p", "classes=10"]),
        ("batch", ["resnet18", "plain18", "--no-diff", "--batch", "32"]),
    ],
)
def test_golden_compare(cli: Cli, name: str, arguments: list[str]) -> None:
    check_golden(f"cli/compare/{name}.txt", cli("compare", *arguments).out)


def test_golden_markdown(cli: Cli) -> None:
    check_golden("cli/compare/vgg.md", cli("compare", "--markdown", "vgg16", "vgg19").out)


def test_golden_json(cli: Cli, two: Path) -> None:
    check_golden("cli/compare/two.json", cli("compare", "--json", two).out)


def test_a_file_alone_stands_for_its_networks(cli: Cli, two: Path) -> None:
    shown = cli("compare", two)
    assert shown.status == 0
    assert shown.out.split()[:2] == ["one", "two"]
    assert shown.out == cli("compare", f"{two}:one", f"{two}:two").out


def test_of_several_files_each_is_one_network(cli: Cli, two: Path, small: Path) -> None:
    assert cli("compare", small, f"{two}:two").out.split()[:2] == ["small", "two"]
    ambiguous = cli("compare", small, two)
    assert (ambiguous.status, "error[A306]" in ambiguous.err) == (1, True)


def test_one_network_is_not_enough(cli: Cli, small: Path) -> None:
    for spec in (small, "vgg16"):
        result = cli("compare", spec)
        assert (result.status, result.out) == (2, "")
        assert "name another to compare it with" in result.err
    assert cli("compare").status == 2


def test_diff_and_no_diff(cli: Cli, two: Path) -> None:
    assert "+++" in cli("compare", two).out
    assert "+++" in cli("compare", two, "--diff").out
    assert "+++" not in cli("compare", two, "--no-diff").out
    assert json.loads(cli("compare", two, "--no-diff", "--json").out)["difference"] is None
    result = cli("compare", "tiny", "mlp", "lenet", "--diff")
    assert (result.status, "aligns two networks; here are 3" in result.err) == (2, True)


def test_parameters_go_to_those_that_have_them(cli: Cli, two: Path) -> None:
    found = json.loads(cli("compare", two, "tiny", "-p", "n=8", "--json").out or "{}")
    assert not found.get("networks"), "a file with two networks and another: say which"
    found = json.loads(cli("compare", f"{two}:one", "tiny", "-p", "n=8", "--json").out)
    assert [n["params"] for n in found["networks"]] == [8 * 28, 252]
    result = cli("compare", f"{two}:one", "tiny", "-p", "m=8")
    assert result.status == 1
    assert "none of the networks has a parameter `m`" in result.err


def test_a_parameter_without_a_default(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_text("block b n { input 3x8x8; conv 3x3 n }\nnetwork b1 = b\nnetwork b2 = b 4\n")
    assert cli("compare", path, "-p", "n=4").status == 0
    assert "A402" in cli("compare", path).err


def test_all_errors_are_told(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_text("input 3x8x8\nconvv 3x3")
    result = cli("compare", path, "nowhere.arch", "tiny")
    assert result.status == 1
    assert "error[A301]" in result.err
    assert "nowhere.arch: no such file" in result.err
    errors = json.loads(cli("compare", path, "nowhere.arch", "--json").out)["errors"]
    assert [e["code"] for e in errors] == ["A301", "A001"]


def test_quiet_prints_nothing(cli: Cli, two: Path) -> None:
    for options in ([], ["--markdown"]):
        result = cli("compare", two, "-q", *options)
        assert (result.status, result.out, result.err) == (0, "", "")
    assert cli("compare", two, "--markdown", "--json").status == 2


def test_one_name_in_two_folders(cli: Cli, tmp_path: Path) -> None:
    for folder, width in (("old", 4), ("näw (2)", 8)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.arch").write_text(f"input 3x8x8\nconv 3x3 {width}\n")
    specs = [tmp_path / folder / "net.arch" for folder in ("old", "näw (2)")]
    result = cli("compare", *specs)
    assert f"--- {specs[0]}" in result.out
    assert f"+++ {specs[1]}" in result.out


def test_compare_is_light(small: Path) -> None:
    for options in ([], ["--json"], ["--markdown"]):
        assert not after("compare", small, "tiny", *options) & HEAVY
    assert not after("summary", small, "--symbolic", "classes") & HEAVY


# summary --symbolic


def test_golden_symbolic(cli: Cli) -> None:
    result = cli("summary", "alphago_policy", "--symbolic", "k")
    check_golden("cli/summary/alphago_policy_symbolic.txt", result.out)


def test_symbolic_of_the_policy_network(cli: Cli) -> None:
    """48 planes through a 5x5, eleven 3x3, a 1x1 and 361 biases (Silver et al. 2016)."""
    found = json.loads(cli("summary", "alphago_policy", "--symbolic", "k", "--json").out)
    assert found["params"] == "99*k**2 + 1213*k + 361"
    assert 99 * 192**2 + 1213 * 192 + 361 == 3_882_793


def test_symbolic_with_other_parameters(cli: Cli, two: Path) -> None:
    result = cli("summary", f"{two}:one", "--symbolic", "n", "-p", "n=100")
    assert "checked at 15 values from 50 to 200" in result.out
    assert "parameters  28*n" in result.out


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--symbolic", "m"], 1, "the network has no parameter `m`"),
        (["--symbolic", "n", "--symbolic", "m"], 2, "--symbolic takes one parameter"),
        (["--symbolic", "n", "-p", "n=true"], 1, "error[A403]"),
    ],
)
def test_symbolic_errors(cli: Cli, two: Path, options: list[str], status: int, said: str) -> None:
    result = cli("summary", f"{two}:one", *options)
    assert (result.status, result.out) == (status, "")
    assert said in result.err
