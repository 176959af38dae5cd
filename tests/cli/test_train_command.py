"""`archdsl train`: from the command line to a run's folder, and on to `export` and `predict`."""

from __future__ import annotations

import csv
import json
import os
import pty
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command import Cli
from PIL import Image

ROOT = Path(__file__).parent.parent.parent
DIGITS = ROOT / "specs" / "lenet_digits.arch"

TINY = """\
param classes = 3
input 1x6x6
conv 3x3 4; relu; gap; fc classes
train { data synthetic 24; optimizer sgd lr=0.1; epochs 2; batch 8 }
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.arch"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that a newcomer makes first."""
    from archdsl.cli import run

    folder = tmp_path_factory.mktemp("digits")
    assert run(["train", str(DIGITS), "--runs", str(folder), "-q", "--onnx"]) == 0
    return folder / "lenet_digits"


def lines(run: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))


def test_the_digits_are_learnt(digits: Path) -> None:
    rows = lines(digits)
    assert len(rows) == 20
    assert float(rows[-1]["valid_accuracy"]) > 0.98


def test_what_is_in_a_run(digits: Path) -> None:
    names = {p.name for p in digits.iterdir()}
    assert names - {".lock"} == {
        "spec.arch", "run.json", "graph.json", "metrics.csv", "best.safetensors", "last",
        "curves.svg", "confusion.svg", "filters.svg", "lenet_digits.onnx",
    }  # fmt: skip
    assert (digits / "spec.arch").read_text() == DIGITS.read_text()
    about = json.loads((digits / "run.json").read_text())
    from hashlib import sha256

    assert about["sha256"] == sha256(DIGITS.read_bytes()).hexdigest()
    assert (
        "optimizer sgd lr=0.1 momentum=0.9 nesterov=true weight_decay=0.0005" in about["settings"]
    )
    assert {"python", "torch", "platform", "threads"} <= set(about["environment"])


def test_the_pictures_are_svg(digits: Path) -> None:
    for name in ("curves", "confusion", "filters"):
        root = ElementTree.parse(digits / f"{name}.svg").getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
    best = max(float(line["valid_accuracy"]) for line in lines(digits))
    assert f"{round(best * 359)} of 359 right" in (digits / "confusion.svg").read_text()


def pictures(folder: Path, numbers: list[int]) -> list[Path]:
    from sklearn.datasets import load_digits

    found = load_digits().images
    paths = [folder / f"{i}.png" for i in numbers]
    for i, path in zip(numbers, paths, strict=True):
        Image.fromarray((found[i] * 255 / 16).round().astype(np.uint8)).save(path)
    return paths


def test_export_and_predict_take_the_weights(cli: Cli, digits: Path, tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    model = tmp_path / "digits.onnx"
    weights = digits / "best.safetensors"
    assert cli("export", DIGITS, "--weights", weights, "-o", model).status == 0
    numbers = list(range(0, 60, 3))
    found = cli("predict", model, *pictures(tmp_path, numbers), "--json", "--top", 1)
    answers = [json.loads(line)["top"][0] for line in found.out.splitlines()]
    right = [
        a["label"] == str(load_digits().target[i]) for a, i in zip(answers, numbers, strict=True)
    ]
    assert sum(right) >= 19, "the names of the classes come from the data"
    assert (digits / "lenet_digits.onnx").is_file()


def test_what_the_data_taught_goes_with_the_weights(cli: Cli, tmp_path: Path) -> None:
    """`normalize data` is known to the run alone; the exported file prepares pictures alike."""
    import onnx

    runs = tmp_path / "runs"
    change = ("--set", "normalize data", "--epochs", 2, "--runs", runs, "-q")
    assert cli("train", DIGITS, *change).status == 0
    spec = tmp_path / "spec.arch"
    spec.write_text(DIGITS.read_text().replace("data digits", "normalize data; data digits"))
    for source in (DIGITS, spec):
        model = tmp_path / "m.onnx"
        weights = runs / "lenet_digits" / "best.safetensors"
        assert cli("export", source, "--weights", weights, "-o", model).status == 0
        metadata = {p.key: p.value for p in onnx.load(model).metadata_props}
        how = json.loads(metadata["archdsl.preprocess"])
        from sklearn.datasets import load_digits

        every = load_digits().images / 16
        assert how["mean"][0] == pytest.approx(every.mean(), abs=0.01)
        assert how["std"][0] == pytest.approx(every.std(), abs=0.01)


def test_settings_from_the_command_line(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    found = cli(
        "train", tiny, "--set", "optimizer.lr=0.02", "--set", "batch=12", "--set", "ema 0.5",
        "--epochs", 1, "-p", "classes=5", "--runs", tmp_path, "--name", "a", "--json",
    )  # fmt: skip
    assert found.status == 0
    assert json.loads(found.out)["last"]["step"] == 2
    about = json.loads((tmp_path / "a" / "run.json").read_text())
    for line in ("optimizer sgd lr=0.02", "batch 12", "ema 0.5", "epochs 1"):
        assert line in about["settings"]
    assert about["parameters"] == {"classes": 5}


def test_weights_to_begin_with(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    assert cli("train", tiny, "--runs", tmp_path, "--name", "a", "-q").status == 0
    first = tmp_path / "a" / "last" / "weights.safetensors"
    more = ("--runs", tmp_path, "-q", "--set", "optimizer.lr=1e-30", "--epochs", 1)
    assert cli("train", tiny, "--from", first, "--name", "b", *more).status == 0
    from safetensors.torch import load_file

    one, two = load_file(first), load_file(tmp_path / "b" / "last" / "weights.safetensors")
    assert all(bool((one[key] == two[key]).all()) for key in one)


def test_runs_have_names_of_their_own(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert cli("train", tiny, "--runs", tmp_path, "--epochs", 1).status == 0
    assert {p.name for p in tmp_path.iterdir() if p.is_dir()} == {"tiny", "tiny-2"}
    found = cli("train", tiny, "--runs", tmp_path, "--name", "tiny")
    assert found.status == 1
    assert "A958" in found.err
    assert "--resume" in found.err


def test_quiet_off_a_terminal(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    found = cli("train", tiny, "--runs", tmp_path)
    assert found.err == ""
    assert found.out.splitlines()[0].endswith(" s")
    assert "best epoch" in found.out
    assert cli("train", tiny, "--runs", tmp_path, "-q").out == ""


def test_a_bar_on_a_terminal(tiny: Path, tmp_path: Path) -> None:
    main, end = pty.openpty()
    command = [sys.executable, "-m", "archdsl", "train", str(tiny), "--runs", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=end) as process:
        os.close(end)
        seen = b""
        while True:
            try:
                data = os.read(main, 4096)
            except OSError:
                break
            if not data:
                break
            seen += data
        assert process.wait() == 0
    os.close(main)
    text = seen.decode()
    assert "images/s" in text
    assert "epoch   2" in text
    assert "validation loss" in text


def test_tensorboard_reads_what_is_written(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert cli("train", tiny, "--runs", tmp_path, "--tensorboard", "-q").status == 0
    events = EventAccumulator(str(tmp_path / "tiny" / "tensorboard"))
    events.Reload()
    rows = lines(tmp_path / "tiny")
    losses = [event.value for event in events.Scalars("train/loss")]
    assert losses == pytest.approx([float(row["train_loss"]) for row in rows], rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 2, "Missing argument 'SPEC'"),
        (("SPEC", "--resume", "x"), 2, "without spec"),
        (("--resume", "nowhere"), 1, "it is no run of archdsl"),
        (("--resume", "x", "--from", ""), 2, "without --from"),
        (("--resume", "x", "--runs", "y"), 2, "without --runs"),
        (("--resume", "x", "--limit", "layers=9"), 2, "without --limit"),
        (("SPEC", "--set", "optimiser.lr=1"), 1, "did you mean `optimizer`?"),
        (("SPEC", "--set", "optimizer.lr=-1"), 1, "a number greater than 0"),
        (("SPEC", "--set", "epochs"), 1, "A402"),
        (("SPEC", "--data", "x"), 1, "`data synthetic` is read from no file"),
        (("SPEC", "--set", "precision=fp16", "--device", "cpu"), 1, "`precision fp16` wants a GPU"),
        (("SPEC", "--from", "nowhere.safetensors"), 1, "no such file"),
        (("SPEC", "--from", ""), 1, "A403"),
        (("resnet18", "--set", "batch 4"), 1, "comes as 1x8x8"),
    ],
)
def test_what_is_wrong_is_told(
    cli: Cli, tiny: Path, tmp_path: Path, arguments: tuple[str, ...], status: int, words: str
) -> None:
    given = [str(tiny) if word == "SPEC" else word for word in arguments]
    if "--resume" not in given:
        given += ["--runs", str(tmp_path / "runs")]
    found = cli("train", *given)
    assert found.status == status, found.err
    assert words in found.err


def test_without_the_extra_the_message_says_how_to_install_it(tiny: Path, tmp_path: Path) -> None:
    code = "import sys; sys.modules['lightning_fabric'] = None; import archdsl.cli as c; c.main()"
    command = [sys.executable, "-c", code, "train", str(tiny), "--runs", str(tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error[A951]" in done.stderr
    assert "pip install 'archdsl[train]'" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_resuming_from_the_command_line(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    import signal
    import time

    runs = tmp_path / "my runs"
    command = [sys.executable, "-m", "archdsl", "train", str(tiny), "--runs", str(runs)]
    command += ["--set", "epochs 100000", "--save-every", "5"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    last = runs / "tiny" / "last"
    while not list(last.glob("step-*")) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"archdsl train --resume '{runs / 'tiny'}'" in told, "as a shell takes it"
    about = runs / "tiny" / "graph.json"
    about.write_text(about.read_text().replace("100000", "1"))
    found = cli("train", "--resume", runs / "tiny")
    assert found.status == 0, found.err


def test_options_that_resuming_changes(
    cli: Cli, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All others are those that the run began with."""
    from archdsl import train
    from archdsl.errors import TrainError

    began = ("--device", "cpu", "--save-every", "3", "--tensorboard", "--place", "fc1=cpu")
    assert cli("train", tiny, "--runs", tmp_path, *began).status == 0
    found: list[train.Options] = []

    def look(folder: Path, options: train.Options, watch: object) -> None:
        found.append(options)
        raise TrainError(())

    monkeypatch.setattr("archdsl.train.resume", look, raising=False)
    for more in [(), ("--save-every", "5"), ("--device", "auto"), ("--no-features",)]:
        cli("train", "--resume", tmp_path / "tiny", *more)
    plain, often, moved, bare = found
    assert (plain.device, plain.save_every, plain.tensorboard, plain.place) == (
        "cpu", 3, True, ("fc1=cpu",),
    )  # fmt: skip
    assert often == replace(plain, save_every=5)
    assert moved == replace(plain, device="auto", place=())
    assert bare == replace(plain, features=False)
