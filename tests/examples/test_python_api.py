"""examples/python_api.py runs, and what it writes is what it says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from scripts import EXAMPLES, environment, run

import archdsl

pytest.importorskip("lightning_fabric")


def test_the_example_runs(tmp_path: Path) -> None:
    script, env = EXAMPLES / "python_api.py", environment(tmp_path / "bin")
    done = run(sys.executable, "-W", "error", script, tmp_path, cwd=tmp_path, env=env)
    told = done.stdout
    resnet = archdsl.zoo("resnet18", classes=10)
    assert f"{resnet.summary().params:,} parameters" in told
    assert "layer3 sees (211, 211)" in told  # 11 + 4*8, + 8 + 3*16, + 16 + 3*32
    assert "torch.Size([2, 10])" in told and "equals PyTorch" in told and "error[A603]" in told
    (names,) = re.findall(r"^\['(\d(?:', '\d){9})'\]$", told, re.M)
    right = sum(a == str(b) for b, a in enumerate(names.split("', '")))
    assert right >= 8  # the first ten digits are 0 to 9
    for name in ("digits.svg", "resnet18.pdf", "digits.html", "digits.py", "resnet18.csv"):
        assert (tmp_path / name).stat().st_size > 1000
    assert (tmp_path / "digits.safetensors").is_file()
