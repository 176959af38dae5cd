"""What may be loaded when: start-up time is a feature."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from classifiers import mean_colour
from PIL import Image

HEAVY = {
    *("torch", "onnx", "onnxruntime", "numpy", "rich", "graphviz", "pygraphviz", "PIL", "typst")
}
REPORT = """
import atexit, json, sys
atexit.register(lambda: sys.stderr.write(json.dumps(sorted(sys.modules))))
"""


def loaded(code: str, *arguments: object) -> set[str]:
    """The top-level modules that are there when a Python process ends."""
    command = [sys.executable, "-c", REPORT + code, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(result.stderr)}


def after(*arguments: object) -> set[str]:
    return loaded("import archdsl.cli; archdsl.cli.main(sys.argv[1:])", *arguments)


def test_the_probe_sees_a_heavy_module() -> None:
    assert "numpy" in loaded("import numpy")


def test_importing_archdsl_is_light() -> None:
    assert not loaded("import archdsl") & HEAVY


@pytest.mark.parametrize("command", ["check", "lint"])
def test_check_and_lint_are_light(small: Path, command: str) -> None:
    assert not after(command, small) & HEAVY


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["compile", "--help"]])
def test_asking_is_light(arguments: list[str]) -> None:
    assert not after(*arguments) & HEAVY


def test_summary_loads_rich_alone(small: Path) -> None:
    assert after("summary", small) & HEAVY == {"rich"}
    assert not after("summary", small, "--json") & HEAVY


def test_a_field_loads_nothing_until_it_is_measured(small: Path) -> None:
    assert not after("summary", small, "--field-at", "conv1") & HEAVY


def test_draw_loads_no_torch(small: Path, tmp_path: Path) -> None:
    found = after("draw", small, "-o", tmp_path / "x.svg")
    assert not found & {"torch", "onnx", "onnxruntime", "numpy", "rich"}


@pytest.mark.parametrize("kinds", ["torch", "json", "gv", "svg", "torch,json,svg"])
def test_only_onnx_loads_torch(small: Path, tmp_path: Path, kinds: str) -> None:
    found = after("compile", small, "-o", tmp_path, "--emit", kinds)
    assert not found & {"torch", "onnx", "onnxruntime", "numpy"}


def test_predict_loads_no_torch(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
    found = after("predict", mean_colour(tmp_path / "m.onnx"), tmp_path / "x.png")
    assert found & HEAVY == {"onnx", "onnxruntime", "numpy", "PIL"}


def test_naming_the_session_is_light() -> None:
    assert not loaded("import archdsl; archdsl.Session") & HEAVY
