"""Data that nobody asked for: each ends in one line that says what is wrong, or is told of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import small_data
import torch
from PIL import Image
from runs import graph, trained

from archdsl.errors import Diagnostic, TrainError
from archdsl.train import Options, start
from archdsl.train.data import read
from archdsl.train.record import Record
from archdsl.train.summary import summary
from archdsl.train.watch import Watch

ROOT = Path(__file__).parents[2]
NET = "input 1x8x8\nconv 3x3 4; relu; gap; fc 10\n"
PETS = "input 3x8x8\nconv 3x3 4; relu; gap; fc 3\n"
CUT = "augment random_resized_crop 8; eval center_crop 8; epochs 1; batch 4"


def refusal(folder: Path, section: str, network: str = NET) -> Diagnostic:
    with pytest.raises(TrainError) as caught:
        trained(folder, section, network)
    (found,) = caught.value.diagnostics
    assert not (folder / "run").exists(), "nothing is left of what came to nothing"
    return found


def arrays(folder: Path, y: np.ndarray, said: str = "") -> str:
    x = small_data.draw(len(y), 1, 8, 8)
    np.savez(folder / "a.npz", x=x, y=y)
    return f'data npz "{folder / "a.npz"}" validation=0 {said}; epochs 1; batch 4\n'


@pytest.mark.parametrize("wrong", [-1, 10, 2**40])
@pytest.mark.parametrize(
    ("said", "more"),
    [("", ""), ("balance=true", ""), ("", "loss cross_entropy class_weights=balanced")],
)
def test_a_class_that_is_none(tmp_path: Path, wrong: int, said: str, more: str) -> None:
    y = np.arange(20) % 10
    y[5] = wrong
    found = refusal(tmp_path, arrays(tmp_path, y, said) + more)
    assert found.code == "A954"
    assert found.label == f"a target is class {wrong}; the output has 10 values"


def test_a_single_array_under_the_name_of_several(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 1, 8, 8)))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    found = refusal(tmp_path, f'data npz "{tmp_path / "a.npz"}"')
    assert found.label.endswith("it holds one array; `np.savez` writes several")


@pytest.mark.parametrize(("of", "loss"), [("data", "cross_entropy"), ("targets", "mse")])
def test_values_that_are_no_numbers(tmp_path: Path, of: str, loss: str) -> None:
    """It is the data that are to be mended, no setting."""
    values = {"data": small_data.draw(8, 1, 8, 8).astype("f4"), "targets": np.zeros((8, 10), "f4")}
    values[of][3] = np.nan
    y = values["targets"] if loss == "mse" else np.arange(8)
    np.savez(tmp_path / "a.npz", x=values["data"], y=y)
    section = f'data npz "{tmp_path / "a.npz"}" validation=0; loss {loss}; epochs 1'
    found = refusal(tmp_path, section)
    assert found.code == "A956" and f"the {of} hold values that are no numbers" in found.label
    assert found.help == "no setting mends that: look for them in the data"


def test_a_validation_that_is_no_number_is_told_of(tmp_path: Path) -> None:
    x, y = np.zeros((40, 1, 8, 8), np.float32), np.arange(40) % 2
    x[:, 0, 0, 0] = np.arange(40)
    section = f'data npz "{tmp_path / "a.npz"}" validation=0.5; epochs 2; batch 4'
    np.savez(tmp_path / "a.npz", x=x, y=y)
    apart: Any = read(graph(section, NET)).valid
    x[int(apart.inputs[0, 0, 0, 0])] = np.nan
    np.savez(tmp_path / "a.npz", x=x, y=y)
    notes: list[str] = []

    class Listener(Watch):
        def note(self, text: str) -> None:
            notes.append(text)

    outcome = start(graph(section, NET), Options(tmp_path, "run", "cpu"), watch=Listener())
    told = [f"in epoch {n} the loss of the validation is nan" for n in (1, 2)]
    assert [note.partition(":")[0] for note in notes] == told
    assert "validation loss nan   accuracy" in summary(outcome.folder, outcome.rows)


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_pictures_as_targets_have_their_axes_in_order(tmp_path: Path, loss: str) -> None:
    """As many values in another order would be learnt without a word."""
    path = tmp_path / "a.npz"
    section, network = f'data npz "{path}"; epochs 1; loss {loss}', "input 3x8x8\nconv 3x3 3\n"
    pictures = np.zeros((20, 3, 8, 8), np.float32)
    np.savez(path, x=pictures, y=pictures.transpose(0, 2, 3, 1))
    with pytest.raises(TrainError, match="the targets are 8x8x3; the output is 3x8x8"):
        trained(tmp_path, section, network)
    for shape in ((20, 3, 8, 8), (20, 192), (20, 3, 1, 8, 8)):
        np.savez(path, x=pictures, y=pictures.reshape(shape))
        assert trained(tmp_path, section, network).finished
        shutil.rmtree(tmp_path / "run")


def test_targets_of_bce_are_shares(tmp_path: Path) -> None:
    y = np.zeros((8, 10), "f4")
    y[2, 3] = 2
    found = refusal(tmp_path, arrays(tmp_path, y) + "loss bce")
    assert found.label == "the targets are from 0 to 2; `loss bce` wants them from 0 to 1"


@pytest.mark.parametrize("more", ["", "normalize data"])
def test_no_image_at_all_can_be_read(tmp_path: Path, more: str) -> None:
    small_data.pets(tmp_path / "pets")
    for path in (tmp_path / "pets").rglob("*.*"):
        path.write_bytes(b"")
    section = f'data imagefolder "{tmp_path / "pets"}" workers=0 broken=skip; {CUT}\n{more}'
    found = refusal(tmp_path, section, PETS)
    assert (found.code, found.label) == ("A953", "none of the examples to learn from can be read")


@pytest.mark.parametrize(("size", "resize"), [("size=10000", ""), ("", "resize=10000")])
def test_a_size_out_of_proportion(tmp_path: Path, size: str, resize: str) -> None:
    small_data.pets(tmp_path / "pets")
    section = f'data imagefolder "{tmp_path / "pets"}" workers=0 validation=0.5 {size}; {CUT}'
    found = refusal(tmp_path, section.replace("center_crop 8", f"center_crop 8 {resize}"), PETS)
    assert found.code == "A954" and "at most 8,192 rows and columns" in found.label


@pytest.mark.parametrize("left", ["image", "folder"])
def test_a_class_without_examples_is_told(tmp_path: Path, left: str) -> None:
    small_data.pets(tmp_path / "pets")
    first, second, *others = sorted((tmp_path / "pets").iterdir())
    for other in (*others, second):
        shutil.rmtree(other)
    if left == "folder":
        second.mkdir()
    section = f'data imagefolder "{tmp_path / "pets"}" workers=0; {CUT}'
    (told,) = trained(tmp_path, section, PETS).notes
    wanted = f"of class {second.name}" if left == "folder" else "are of one class"
    assert told.endswith(wanted) and first.name not in told


class Mine:
    """A user's dataset."""

    def __init__(self, example: Callable[[int], Any]) -> None:
        self.example = example

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        return self.example(index)


IMAGE = torch.zeros(1, 8, 8)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Mine(lambda i: (Image.new("L", (8, 8)), 1)), "found <class 'PIL.Image.Image'>"),
        (Mine(lambda i: (IMAGE, "cat")), "they come to a"),
        (Mine(lambda i: (IMAGE, (1, 2))), "they come to a"),
        (Mine(lambda i: ({"x": IMAGE}, 1)), "they come to a dict"),
        (Mine(lambda i: (IMAGE, {"out": 1} if i % 2 else {"aux": 1})), "KeyError"),
        (Mine(lambda i: (IMAGE, torch.zeros(1 + i % 2))), "the examples make no batch"),
        ((["a", "b"], [1, 2]), "a pair of arrays is wanted, or a dataset"),
        (([[1], [1, 2]], [1, 2]), "a pair of arrays is wanted, or a dataset"),
        ((IMAGE, 1), "an array is a single number, not one for each example"),
        (([1, 2], {"out": 1}), "an array is a single number, not one for each example"),
    ],
)
@pytest.mark.parametrize("workers", [0, 1])
def test_what_a_users_dataset_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Any, words: str, workers: int
) -> None:
    module = ModuleType("of_mine")
    module.data = lambda: (given, None)  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "of_mine", module)
    section = f'data python "of_mine:data" workers={workers}; epochs 1; batch 8'
    assert words in refusal(tmp_path, section).label


def test_a_process_that_reads_ahead_is_killed(tmp_path: Path) -> None:
    """As a system does that is out of memory. Torch then raises wherever its signal comes."""
    (tmp_path / "mine.py").write_text(
        "import os, signal, torch\n"
        "main = os.getpid()\n"
        "class Mine:\n"
        "    def __len__(self): return 8\n"
        "    def __getitem__(self, i):\n"
        "        if i == 3 and os.getpid() != main: os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return torch.zeros(1, 8, 8), 1\n"
        "def data(): return Mine(), None\n"
    )
    section = 'train { data python "mine:data" workers=1; epochs 1; batch 4 }'
    (tmp_path / "net.arch").write_text(f"{NET}{section}")
    done = subprocess.run(
        [sys.executable, "-m", "archdsl", "train", "net.arch"], cwd=tmp_path, check=False,
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "error[A955]" in done.stderr and "a process that reads ahead was ended" in done.stderr
    assert not any((tmp_path / "runs").iterdir())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def data(:", "failed: SyntaxError"),
        ("1 / 0", "failed: ZeroDivisionError"),
        ("import sys; sys.exit(3)", "failed: SystemExit: 3"),
        ("import not_there", "there is no module `not_there`"),
        ("[].other", "failed: AttributeError"),
        ("data = 3", "failed: TypeError"),
        ("other = 3", "has no `data`"),
        ("def data(): raise SystemExit(2)", "failed: SystemExit: 2"),
    ],
)
def test_a_users_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "of_theirs", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("of_theirs.py").write_text(text)
    assert words in refusal(tmp_path, 'data python "of_theirs:data" workers=0').label


def test_a_users_dataset_that_fails_when_classes_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("of_mine")
    module.data = lambda: (Mine(lambda i: (IMAGE, 1 // (i - 3))), None)  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "of_mine", module)
    found = refusal(tmp_path, 'data python "of_mine:data" balance=true')
    assert "example 3 failed: ZeroDivisionError" in found.label


@pytest.mark.parametrize("labels", [["cat", "dog"] * 4, [None] * 8, [0.5] * 8, [[1]] * 8])
@pytest.mark.parametrize("of", ["train", "test"])
def test_a_dataset_of_the_hub_without_numbers_of_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labels: list[Any], of: str
) -> None:
    class Hub(list[dict[str, Any]]):
        column_names = ("image", "label")

        def __getitem__(self, key: Any) -> Any:
            return [row[key] for row in self] if isinstance(key, str) else super()[key]

    parts = {
        part: Hub({"image": None, "label": label} for label in (labels if part == of else range(2)))
        for part in ("train", "test")
    }
    library = ModuleType("datasets")
    library.load_dataset = lambda *_: parts  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "datasets", library)
    found = refusal(tmp_path, f'data huggingface "a/b" workers=0; {CUT}', PETS)
    assert found.label == "a/b: the column `label` does not hold the numbers of classes"
    assert "class_encode_column('label')" in found.help


def test_hidden_images_are_no_examples(tmp_path: Path) -> None:
    """What macOS and Jupyter leave beside images."""
    pets = small_data.pets(tmp_path / "pets")
    first = min(pets.rglob("*.jpg"))
    (first.parent / "._1.jpg").write_bytes(b"")
    (first.parent / ".ipynb_checkpoints").mkdir()
    shutil.copy(first, first.parent / ".ipynb_checkpoints")
    made = graph(f'data imagefolder "{pets}" validation=0 workers=0; {CUT}', PETS)
    assert len(read(made).train) == 12


def test_skipped_images_stay_named_when_the_run_goes_on(tmp_path: Path) -> None:
    pets = small_data.pets(tmp_path / "pets")
    broken = [path for path in sorted(pets.rglob("*.*")) if path.stem == "1"]
    for path in broken:
        path.write_bytes(b"")
    section = f'data imagefolder "{pets}" validation=0 workers=0 broken=skip; {CUT}'
    run = trained(tmp_path, section, PETS)
    names = (run.folder / "skipped.txt").read_text()
    assert [line.split(": ")[0] for line in names.splitlines()] == [str(path) for path in broken]
    assert "skipped    3 images, named in skipped.txt" in summary(run.folder, run.rows)
    record = Record(run.folder, graph("", PETS), ())
    record.skipped(("another",))
    assert set((run.folder / "skipped.txt").read_text().splitlines()) > set(names.splitlines())
