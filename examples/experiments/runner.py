"""Runs the experiments and writes what they found.

    python examples/experiments                        all of them, some minutes
    python examples/experiments degradation --short    one, in seconds, into build/experiments
    python examples/experiments --redraw               pages and plots anew from what was measured

Jobs run side by side in processes of one thread each. An experiment's files appear when all of it
is done, and the index, README.md beside this file, after each experiment.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import json
import multiprocessing
import os
import platform
import random
import signal
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import writeup
from lab import STYLE, Job, Report, Run, Runs

from archdsl import ArchError
from archdsl.files import assembling, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
SHORT = Path("build/experiments")  # where short runs go, lest they take the place of whole ones
PACKAGES = {
    "lightning_fabric": "train",
    "sklearn": "train",
    "matplotlib": "experiments",
    "skimage": "experiments",
}
VERSIONS = ("archdsl", "torch", "numpy", "scikit-learn", "scipy", "matplotlib")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class LabError(Exception):
    """What is told on one line: an experiment cannot be run."""


@dataclass(frozen=True)
class Experiment:
    """A folder with an experiment."""

    folder: Path

    @property
    def number(self) -> int:
        return int(self.folder.name.partition("_")[0])

    @property
    def name(self) -> str:
        return self.folder.name.partition("_")[2]

    @cached_property
    def module(self) -> ModuleType:
        return load(self.folder)


def load(folder: Path) -> ModuleType:
    """The module of a folder `NN_name`, which `data python "name:function"` finds too."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return importlib.import_module(folder.name.partition("_")[2])


def find(names: Sequence[str] = ()) -> list[Experiment]:
    """The experiments of these names or numbers, or all.

    Raises:
        LabError: there is none of this name.
    """
    known = [Experiment(folder) for folder in sorted(HERE.glob("[0-9][0-9]_*"))]
    known = [e for e in known if (e.folder / f"{e.name}.py").is_file()]
    words = {
        word: e for e in known for word in (e.name, e.folder.name, str(e.number), f"{e.number:02}")
    }
    if wrong := [name for name in names if name.rstrip("/") not in words]:
        raise LabError(
            f"no experiment is called {wrong[0]}; there are {', '.join(e.name for e in known)}"
        )
    wanted = [words[name.rstrip("/")] for name in names]
    return [e for e in known if e in wanted] if names else known


# Jobs


def work(folder: Path, job: Job) -> dict[str, Any]:
    """Do one job in this process, in the experiment's folder; how long it took goes with it."""
    module = load(folder)
    _settle(folder.name, job)
    began = time.process_time()
    try:
        with contextlib.chdir(folder):
            found = module.measure(**job)
    except ArchError as error:  # its parts would not pass from process to process
        raise LabError(f"{folder.name}, {_words(job)}:\n{error}") from None
    return {"job": job, "found": _rounded(found), "seconds": _rounded(time.process_time() - began)}


def _settle(name: str, job: Job) -> None:
    """Let what is drawn at random depend on the job alone."""
    import numpy as np
    import torch

    seed = zlib.crc32(json.dumps([name, job], sort_keys=True).encode())
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _begin(temporary: str) -> None:
    """Prepare a process for jobs: one thread, and no longer life than the first process has."""
    os.environ |= dict.fromkeys(THREADS, "1")  # before numpy and torch read them
    import torch

    def follow() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    torch.set_num_threads(1)
    tempfile.tempdir = temporary


@contextlib.contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Processes for jobs, which are gone at the end, whatever ends it."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as temporary:
        pool = ProcessPoolExecutor(count, context, _begin, (temporary,))
        try:
            with _deaf():
                for _ in range(count):  # each begins a process, as long as none is idle
                    pool.submit(os.getpid)
            yield pool
        except BaseException:
            for child in multiprocessing.active_children():
                child.kill()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Let processes that begin meanwhile not hear Ctrl-C: the first process ends them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _results(experiment: Experiment, jobs: list[Job], pool: ProcessPoolExecutor) -> list[Any]:
    """What the jobs gave, in their order."""
    futures: dict[Future[Any], Job] = {pool.submit(work, experiment.folder, j): j for j in jobs}
    print(f"{experiment.name}: {len(jobs)} jobs", file=sys.stderr, flush=True)
    try:
        for done, future in enumerate(as_completed(futures), 1):
            said = f"{_words(futures[future])}, {future.result()['seconds']:.1f} s"
            print(f"{experiment.name} {done}/{len(jobs)}: {said}", file=sys.stderr)
    except BrokenExecutor:
        label = "a process was ended from outside; was there memory enough?"
        raise LabError(f"{experiment.name}: {label}") from None
    finally:
        for future in futures:
            future.cancel()
    return [future.result() for future in futures]


def _words(job: Job) -> str:
    return " ".join(f"{key}={value}" for key, value in job.items())


def _rounded(value: Any) -> Any:
    """Numbers with six digits; what is none becomes nothing, for JSON has no word for it."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if abs(value) < float("inf") else None
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value


# Results


def run(experiment: Experiment, short: bool, pool: ProcessPoolExecutor, out: Path) -> str:
    """Do all jobs of an experiment and write its files; gives the outcome.

    Raises:
        LabError, WriteError: a job failed, or the files cannot be written.
    """
    found = _results(experiment, experiment.module.jobs(short), pool)
    result = {
        "experiment": experiment.name,
        "short": short,
        "seconds": _rounded(sum(each["seconds"] for each in found)),
        "environment": environment(),
        "runs": found,
    }
    return write(experiment, json.loads(json.dumps(result)), out)


def environment() -> dict[str, str]:
    """What the numbers may depend on."""
    found = {"python": platform.python_version()}
    for name in VERSIONS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found | {"processor": _processor()}


def _processor() -> str:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(x.partition(": ")[2] for x in lines if x.startswith("model name"))
    return platform.processor() or platform.machine()


def read(folder: Path) -> dict[str, Any] | None:
    """What was measured, if it was."""
    path = folder / "result.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def runs_of(result: dict[str, Any]) -> Runs:
    return Runs([Run(each["job"], each["found"]) for each in result["runs"]])


def report_of(experiment: Experiment, result: dict[str, Any]) -> Report:
    """What the runs say.

    Raises:
        LabError: they are of jobs that there are no more.
    """
    try:
        return experiment.module.report(runs_of(result))
    except (KeyError, ValueError) as error:
        label = f"{experiment.name}: result.json is not of this {experiment.name}.py"
        raise LabError(f"{label}; run it anew ({type(error).__name__}: {error})") from error


def page(experiment: Experiment, result: dict[str, Any]) -> str:
    """README.md of an experiment."""
    report = report_of(experiment, result)
    return writeup.page(experiment.folder, experiment.module, report, runs_of(result), result)


def write(experiment: Experiment, result: dict[str, Any], out: Path) -> str:
    """Write result, page and plot, each of them whole, once all of them are made."""
    import matplotlib

    runs = runs_of(result)
    with assembling(out / "README.md") as (folder, keep):
        with matplotlib.rc_context(STYLE):
            figure = experiment.module.draw(runs)
            _lay_out(figure)
            figure.savefig(folder / "plot.svg", metadata={"Date": None})
        (folder / "result.json").write_text(writeup.json_text(result), encoding="utf-8")
        (folder / "README.md").write_text(page(experiment, result), encoding="utf-8")
        for name in ("plot.svg", "result.json", "README.md"):
            keep(name)
    return report_of(experiment, result).outcome


def _lay_out(figure: Figure) -> None:
    """Lay a figure out for good: the solver's last digits differ from run to run."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axis in figure.axes:
        place = axis.get_position(original=True)
        axis.set_position([round(side, 4) for side in place.bounds])


def index() -> str:
    """README.md of all experiments."""
    rows: list[writeup.Entry] = []
    for experiment in find():
        outcome, seconds = "not run yet", None
        if (result := read(experiment.folder)) is not None:
            seconds = result["seconds"]
            try:
                outcome = report_of(experiment, result).outcome
            except LabError:
                outcome = "to be run anew"
        rows.append(writeup.Entry(experiment.folder.name, experiment.module, outcome, seconds))
    return writeup.index(rows)


# The command


def missing() -> str:
    """Which extras of the package are to be installed, if any."""
    wanted = [extra for name, extra in PACKAGES.items() if importlib.util.find_spec(name) is None]
    return ",".join(dict.fromkeys(wanted))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; gives the exit status: 0, 1 if a job failed, 2 called wrongly, 130."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser("experiments", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="which, by name or number [all]")
    parser.add_argument("--short", action="store_true", help=f"small ones, into {SHORT}")
    parser.add_argument("--jobs", type=int, default=cores(), metavar="N", help="processes [cores]")
    parser.add_argument("--redraw", action="store_true", help="pages and plots alone")
    given = parser.parse_args(arguments)
    if extras := missing():
        print(f"this needs more packages: pip install 'archdsl[{extras}]'", file=sys.stderr)
        return 2
    try:
        chosen = find(given.names)
        if given.redraw:
            _redraw(chosen)
        else:
            _run(chosen, given.short, max(1, given.jobs))
    except KeyboardInterrupt:
        print("stopped; what was under way has written nothing", file=sys.stderr)
        return 130
    except (LabError, ArchError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(chosen: list[Experiment], short: bool, count: int) -> None:
    with processes(count) as pool:
        for experiment in chosen:
            out = SHORT / experiment.folder.name if short else experiment.folder
            outcome = run(experiment, short, pool, out)
            print(f"{experiment.name}: {outcome}: {out / 'README.md'}")
            if not short:
                write_text(HERE / "README.md", index())


def _redraw(chosen: list[Experiment]) -> None:
    for experiment in chosen:
        result = read(experiment.folder)
        if result is not None:
            write(experiment, result, experiment.folder)
    write_text(HERE / "README.md", index())
