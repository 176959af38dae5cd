"""examples/train_and_serve: the scripts run, and what they make is right about pictures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from scripts import EXAMPLES, environment, run
from servers import serving

import archdsl

pytest.importorskip("lightning_fabric")
FOLDER = EXAMPLES / "train_and_serve"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which train.sh ran, and what it printed."""
    folder = tmp_path_factory.mktemp("train_and_serve")
    env = environment(folder / "bin")
    done = run(FOLDER / "train.sh", "--epochs", "3", cwd=folder, env=env)
    assert "Warning" not in done.stderr
    return folder, done.stdout


def test_the_script_trains_exports_and_predicts(trained: tuple[Path, str]) -> None:
    folder, printed = trained
    assert "ok " in printed and "wrote digits.onnx" in printed and "equals PyTorch" in printed
    pictures = sorted((folder / "digits" / "val").glob("*/*.png"))
    assert len(pictures) == 360
    found = archdsl.Session(folder / "digits.onnx", device="cpu")(pictures)
    right = [p.top(1)[0].name == path.parent.name for p, path in zip(found, pictures, strict=True)]
    assert sum(right) > 0.85 * len(right)


def test_the_script_runs_again(trained: tuple[Path, str]) -> None:
    folder, _ = trained
    before = set((folder / "runs").iterdir())
    run(FOLDER / "train.sh", "--epochs", "2", cwd=folder, env=environment(folder / "bin"))
    assert len(set((folder / "runs").iterdir()) - before) == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_the_server_is_asked(trained: tuple[Path, str]) -> None:
    pytest.importorskip("litserve")
    folder, _ = trained
    pictures = sorted((folder / "digits" / "val" / "0").glob("*.png"))[:2]
    with serving(folder / "digits.onnx") as client:
        env = environment(folder / "bin", PORT=str(client.port))
        lines = run(FOLDER / "ask.sh", *pictures, cwd=folder, env=env).stdout.splitlines()
        nothing = run(FOLDER / "ask.sh", FOLDER / "ask.sh", cwd=folder, env=env, status=22)
    assert "400" in nothing.stderr
    expected = archdsl.Session(folder / "digits.onnx", device="cpu")(pictures)
    for line, picture, prediction in zip(lines, pictures, expected, strict=True):
        answer, _, name = line.partition("  ")
        assert name == str(picture)
        assert json.loads(answer)["top"][0]["name"] == prediction.top(1)[0].name
