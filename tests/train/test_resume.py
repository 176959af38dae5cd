"""A run that was stopped, however and whenever, ends as if it had not been."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runs import EVERYTHING, go, graph, same, trained, weights
from support import disk_of

from archdsl.errors import TrainError, WriteError
from archdsl.train import Options, checkpoint, record, resume, start, validate
from archdsl.train.watch import Step, Watch

KILLS = int(os.environ.get("ARCHDSL_KILLS", "6"))


class StopAt(Watch):
    """Asks the training to stop behind a step, as Ctrl-C does."""

    def __init__(self, step: int) -> None:
        self.at = step

    def step(self, at: Step) -> None:
        if at.step == self.at:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run."""
    outcome = trained(tmp_path_factory.mktemp("whole"), EVERYTHING)
    assert outcome.finished
    assert len(outcome.rows) == 10
    return outcome.folder


def figures(folder: Path) -> list[str]:
    """The lines of metrics.csv without the times."""
    lines = (folder / "metrics.csv").read_text().splitlines()
    return [line.rsplit(",", 2)[0] for line in lines]


def reached(folder: Path) -> int:
    """The step of the newest checkpoint."""
    return max((int(p.name[5:15]) for p in folder.glob("last/step-*")), default=0)


@pytest.mark.timeout(600)
def test_killed_at_random_moments(whole: Path, tmp_path: Path) -> None:
    """`make fuzz` does it with more; ARCHDSL_KILLS says how many."""
    killed(EVERYTHING, whole, tmp_path, KILLS)


THAWS = """\
data synthetic 52
optimizer adamw lr=0.01
clip 1; ema 0.9
epochs 6; batch 8; accumulate 2; seed 3
freeze until conv1 epochs=3
"""


@pytest.mark.timeout(600)
def test_killed_before_and_behind_a_thaw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With features that are kept, found again, or being written."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    whole = trained(tmp_path / "whole", THAWS)
    assert any("are kept in" in note for note in whole.notes)
    for path in (tmp_path / "cache").rglob("*.npy"):
        path.unlink()
    killed(THAWS, whole.folder, tmp_path, 4)


def killed(section: str, whole: Path, tmp_path: Path, kills: int) -> None:
    """Kill a run so often, and compare its end with that of the whole one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "lightning_fabric", "runs", "archdsl.train.run"])
    draw = random.Random(1)
    run = tmp_path / "run"
    cut = 0
    for _ in range(kills):
        process = context.Process(target=go, args=(tmp_path, "run", section))
        process.start()
        begun = reached(run) + draw.randrange(2)
        while reached(run) < begun and process.is_alive():
            time.sleep(0.002)
        process.join(draw.uniform(0, 0.03))  # anywhere, in a write as likely as not
        assert process.is_alive(), "the run was over before it could be killed so often"
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        cut += any(run.rglob(".*.tmp"))
    process = context.Process(target=go, args=(tmp_path, "run", section))
    process.start()
    process.join()
    assert process.exitcode == 0
    print(f"killed {kills} times, {cut} times in a write")
    assert same(weights(run), weights(whole))
    assert figures(run) == figures(whole)
    assert not list(run.rglob(".*.tmp")), "what a killed write has left"


@pytest.mark.parametrize("step", [1, 4, 7, 18])  # in and at the end of epochs of 4 steps
def test_ctrl_c_keeps_everything(whole: Path, tmp_path: Path, step: int) -> None:
    options = Options(tmp_path, "run", "cpu")
    stopped = start(graph(EVERYTHING), options, watch=StopAt(step))
    assert not stopped.finished
    assert not (stopped.folder / "last" / "weights.safetensors").exists()
    outcome = resume(stopped.folder)
    assert outcome.finished
    assert same(weights(outcome), weights(whole))
    assert figures(outcome.folder) == figures(whole)


def test_the_test_sees_a_difference(whole: Path, tmp_path: Path) -> None:
    other = trained(tmp_path, EVERYTHING.replace("seed 3", "seed 4"))
    assert not same(weights(other), weights(whole))


def test_resuming_what_is_finished_changes_nothing(whole: Path) -> None:
    before = weights(whole)
    outcome = resume(whole)
    assert outcome.finished
    assert same(weights(outcome), before)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_full_disk_while_a_checkpoint_is_written(tmp_path: Path, share: float) -> None:
    state = {"model": {"w": torch.zeros(30_000)}}
    first = checkpoint.save(tmp_path, 1, state)
    with disk_of(int(share * first.stat().st_size)), pytest.raises(WriteError) as caught:
        checkpoint.save(tmp_path, 2, state)
    assert caught.value.diagnostics[0].code == "A005"
    assert [path.name for path in tmp_path.iterdir()] == [first.name]


def test_a_full_disk_ends_the_run_and_it_goes_on_later(whole: Path, tmp_path: Path) -> None:
    options = Options(tmp_path, "run", "cpu", save_every=1)
    stopped = start(graph(EVERYTHING), options, watch=StopAt(7)).folder
    length = max(path.stat().st_size for path in (stopped / "last").glob("step-*"))
    with disk_of(length // 2), pytest.raises(WriteError) as caught:
        resume(stopped, options)
    (found,) = caught.value.diagnostics
    assert found.code == "A005" and f"--resume {stopped}" in found.help
    assert same(weights(resume(stopped).folder), weights(whole))


def test_a_truncated_checkpoint_is_told_and_the_one_before_is_used(
    whole: Path, tmp_path: Path
) -> None:
    options = Options(tmp_path, "run", "cpu", save_every=1)
    stopped = start(graph(EVERYTHING), options, watch=StopAt(7))
    newest, older = sorted((stopped.folder / "last").glob("step-*"), reverse=True)
    newest.write_bytes(newest.read_bytes()[:-100])
    outcome = resume(stopped.folder)
    assert len(outcome.warnings) == 1
    assert newest.name in outcome.warnings[0]
    assert "truncated or damaged" in outcome.warnings[0]
    assert same(weights(outcome), weights(whole))
    assert not older.exists(), "two are kept"


def test_a_flipped_bit_is_seen(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path, 1, {"x": torch.zeros(1000)})
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(TrainError, match="none of its checkpoints is whole"):
        checkpoint.load(tmp_path)


def test_a_checkpoint_holds_nothing_that_runs(tmp_path: Path) -> None:
    """It is opened with `weights_only`."""
    from hashlib import sha256

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "pwned"),)

    torch.save({"version": 1, "x": Evil()}, tmp_path / "x")
    data = (tmp_path / "x").read_bytes()
    digest = sha256(data).hexdigest()[:16]
    (tmp_path / f"step-0000000001-{digest}.pt").write_bytes(data)
    with pytest.raises(Exception, match=r"nsafe|weights_only|nsupported|not.*allowed"):
        checkpoint.load(tmp_path)
    assert not (tmp_path / "pwned").exists()


def test_two_checkpoints_are_kept(tmp_path: Path) -> None:
    for step in range(5):
        checkpoint.save(tmp_path, step, {"x": step})
    assert len(list(tmp_path.iterdir())) == 2
    state, wrong = checkpoint.load(tmp_path)
    assert state is not None
    assert (state["x"], wrong) == (4, [])


@pytest.mark.parametrize("missing", ["graph.json", "run.json"])
def test_what_is_no_run(whole: Path, tmp_path: Path, missing: str) -> None:
    for name in {"graph.json", "run.json"} - {missing}:
        (tmp_path / name).write_bytes((whole / name).read_bytes())
    with pytest.raises(TrainError, match="no run of archdsl"):
        resume(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("options", "x"),
        ("options", {"devices": "many"}),
        ("examples", [1]),
        ("components", [1]),
        ("environment", None),
        ("environment", []),
    ],
)
def test_a_damaged_run_json(whole: Path, tmp_path: Path, key: str, value: object) -> None:
    (tmp_path / "graph.json").write_bytes((whole / "graph.json").read_bytes())
    about = json.loads((whole / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(about | {key: value}))
    with pytest.raises(TrainError, match=r"run.json is damaged") as caught:
        resume(tmp_path)
    assert caught.value.diagnostics[0].code == "A957"
    assert f"({key}" in str(caught.value), "which of it"


def test_a_run_goes_on_with_its_own_options(tmp_path: Path) -> None:
    began = Options(tmp_path, "run", "cpu", save_every=2, features=False, place=("fc=cpu",))
    stopped = start(graph(EVERYTHING), began, watch=StopAt(3)).folder
    _, about = record.read(stopped)
    assert about.options == began
    resume(stopped, watch=StopAt(9))
    assert reached(stopped) == 9
    names = [path.name[5:15] for path in sorted((stopped / "last").glob("step-*"))]
    assert names == ["0000000008", "0000000009"], "one every two steps, and where it stopped"


def test_other_data_than_the_run_began_with(tmp_path: Path) -> None:
    import numpy as np

    path = tmp_path / "a.npz"

    def write(count: int) -> None:
        np.savez(path, x=np.zeros((count, 3, 8, 8), np.float32), y=np.arange(count) % 2)

    write(20)
    outcome = trained(tmp_path, f'data npz "{path}"; epochs 1; batch 8')
    write(30)
    with pytest.raises(TrainError, match=r"examples .* when the run began"):
        resume(outcome.folder)


def test_another_environment_is_told(tmp_path: Path) -> None:
    outcome = trained(tmp_path, "data synthetic 16; epochs 1; batch 8")
    about = outcome.folder / "run.json"
    about.write_text(about.read_text().replace('"threads": 1', '"threads": 64'))
    again = resume(outcome.folder)
    assert len(again.warnings) == 1
    assert "threads was 64 when the run began" in again.warnings[0]


def test_nothing_of_torch_is_left_changed(tmp_path: Path) -> None:
    state = torch.random.get_rng_state()
    trained(tmp_path, "data synthetic 16; epochs 1; batch 8; deterministic; precision tf32")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.get_float32_matmul_precision() == "highest"


def test_threads_other_than_the_main_one_train_too(tmp_path: Path) -> None:
    """They cannot listen to signals."""
    found: list[bool] = []
    section = "data synthetic 16; epochs 1; batch 8"
    thread = threading.Thread(target=lambda: found.append(trained(tmp_path, section).finished))
    thread.start()
    thread.join()
    assert found == [True]


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    told: list[str] = []

    class Twice(Watch):
        def note(self, text: str) -> None:
            told.append(text)

        def step(self, at: Step) -> None:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    # A job in the background of a shell, as this may be, inherits that it ignores SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            start(graph(EVERYTHING), Options(tmp_path, "run", "cpu"), watch=Twice())
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert told[-1].endswith(f"this goes on: archdsl train --resume {tmp_path / 'run'}")
    finally:
        signal.signal(signal.SIGINT, before)


class StopInValidation(Watch):
    """Asks the training to stop while it validates behind an epoch's last step."""

    def __init__(self, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at, self.here, self.answers = step, False, 0
        known = validate.answer

        def answer(*given: Any) -> Any:
            self.answers += self.here
            if self.here and self.answers == 1:
                signal.raise_signal(signal.SIGINT)
            return known(*given)

        monkeypatch.setattr(validate, "answer", answer)

    def step(self, at: Step) -> None:
        self.here = at.step == self.at


@pytest.mark.parametrize("epoch", [1, 4, 10])
def test_ctrl_c_in_a_validation_does_not_wait_for_its_end(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: int
) -> None:
    rows = (whole / "metrics.csv").read_text().splitlines()
    step = int(rows[epoch].split(",")[1])
    watch = StopInValidation(step, monkeypatch)
    cut = start(graph(EVERYTHING), Options(tmp_path, "run", "cpu"), watch=watch)
    assert not cut.finished
    assert (watch.answers, len(cut.rows)) == (1, epoch - 1)
    watch.here = False
    assert resume(cut.folder).finished
    assert same(weights(cut.folder), weights(whole))
    assert figures(cut.folder) == figures(whole)


def test_a_validation_that_is_done_again_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A validation cut off after an hour says nothing about the images a second."""
    watch, clock = StopInValidation(4, monkeypatch), [0.0]
    known = validate.answer

    def answer(*given: Any) -> Any:
        clock[0] += 3600
        return known(*given)

    monkeypatch.setattr(validate, "answer", answer)
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    section = EVERYTHING.replace("epochs 10", "epochs 1")
    cut = start(graph(section), Options(tmp_path, "run", "cpu"), watch=watch)
    assert not cut.finished
    (row,) = resume(cut.folder).rows
    assert row.images_per_second > 52, "an epoch, of no time"
    assert row.seconds == 3600, "the second validation alone, of one batch"


def test_data_that_are_gone_are_wanted_back(tmp_path: Path) -> None:
    """`--data` is no way out: --resume does not take it."""
    data = tmp_path / "a.npz"
    np.savez(data, x=np.zeros((20, 3, 8, 8), np.float32), y=np.zeros(20, np.int64))
    section = f'data npz "{data}"; epochs 2; batch 4'
    cut = start(graph(section), Options(tmp_path, "run", "cpu"), watch=StopAt(2))
    data.unlink()
    with pytest.raises(TrainError) as caught:
        resume(cut.folder)
    assert "--data" not in caught.value.diagnostics[0].help
    assert "--resume wants them where they were" in caught.value.diagnostics[0].help


def test_a_run_that_may_not_be_written_to(whole: Path, tmp_path: Path) -> None:
    run = shutil.copytree(whole, tmp_path / "run")
    (run / ".lock").unlink(missing_ok=True)
    (run / ".lock").mkdir()  # as root may write to any folder
    with pytest.raises(WriteError) as caught:
        resume(run)
    assert caught.value.diagnostics[0].label == f"{run}: is a directory"


def test_one_process_at_a_time_is_at_work_on_a_run(tmp_path: Path) -> None:
    with record.held(tmp_path, True):
        with pytest.raises(TrainError, match="another process"), record.held(tmp_path, True):
            pass
        with record.held(tmp_path, False):  # the others of the same run
            pass
    with record.held(tmp_path, True):
        pass
