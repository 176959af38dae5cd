"""examples/budget: the workflow's own commands, on a repository whose network grows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from scripts import EXAMPLES, environment, run

yaml = pytest.importorskip("yaml")
if missing := [name for name in ("bash", "git", "jq") if shutil.which(name) is None]:
    pytest.skip(f"no {missing[0]} here", allow_module_level=True)

FOLDER = EXAMPLES / "budget"
SPEC = (FOLDER / "net.arch").read_text()
WORKFLOW: dict[Any, Any] = yaml.safe_load((FOLDER / "budget.yml").read_text())
STEPS = {step["name"]: step["run"] for step in WORKFLOW["jobs"]["budget"]["steps"] if "run" in step}


@dataclass
class Repository:
    """One with a commit; the working tree is what a pull request brings."""

    folder: Path
    env: dict[str, str]

    def git(self, *words: str) -> str:
        return run("git", *words, cwd=self.folder, env=self.env).stdout.strip()

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a step as GitHub does."""
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]]
        env = self.env | {"BASE": self.git("rev-parse", "HEAD")}
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    folder = tmp_path / "repository"
    folder.mkdir()
    who = {f"GIT_{w}_{k}": "a@b" for w in ("AUTHOR", "COMMITTER") for k in ("NAME", "EMAIL")}
    more = WORKFLOW["env"] | who | {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    made = Repository(folder, environment(tmp_path / "bin", **more))
    (folder / "net.arch").write_text(SPEC)
    made.git("init", "--quiet")
    made.git("add", "net.arch")
    made.git("commit", "--quiet", "-m", "base")
    return made


CHANGES = {  # from, to; whether it is within its budget, and not much more than the base
    "nothing": ("", "", True, True),
    "a little": ("conv 3x3 width stride", "conv 3x3 width+2 stride", True, True),
    "at once": ("fc 10", "fc 40; relu\nfc 10", True, False),
    "too much": ("unit 8*width\n", "unit 8*width; unit 8*width\n", False, False),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_passes_and_what_fails(repository: Repository, kind: str, tmp_path: Path) -> None:
    old, new, within, near = CHANGES[kind]
    assert old in SPEC
    (repository.folder / "net.arch").write_text(SPEC.replace(old, new))
    checked = repository.step("Within the budget")
    assert (checked.returncode == 0) == within
    if not within:  # the job ends here
        assert "params <= 150_000" in checked.stderr and "A603" in checked.stderr
        return
    compared = repository.step("Against the base")
    assert (compared.returncode == 0) == near, compared.stderr
    summary = (tmp_path / "summary.md").read_text()
    assert "| parameters |" in summary and summary in compared.stdout
    assert compared.stdout.rstrip().endswith("true" if near else "false")


def test_a_new_network_has_no_base(repository: Repository) -> None:
    repository.git("mv", "net.arch", "other.arch")
    repository.git("commit", "--quiet", "-m", "another")
    (repository.folder / "net.arch").write_text(SPEC)
    done = repository.step("Against the base")
    assert (done.returncode, done.stdout) == (0, "net.arch is new\n")


def test_the_packages_that_the_workflow_installs_are_enough(tmp_path: Path) -> None:
    """What the package asks for beside them is not imported."""
    (line,) = re.findall(r"^pip install ([a-z ]+)$", "\n".join(STEPS.values()), re.M)
    assert line.split() == ["click", "lark", "pydantic"]
    heavy = ["numpy", "onnx", "onnxruntime", "torch", "rich", "graphviz", "PIL"]
    blocks = "".join(f"sys.modules[{name!r}] = None\n" for name in heavy)
    code = f"import sys\n{blocks}from archdsl.cli import run\nsys.exit(run(sys.argv[1:]))"
    spec = FOLDER / "net.arch"
    env = environment(tmp_path / "bin")
    run(sys.executable, "-c", code, "check", spec, cwd=tmp_path, env=env)
    for form in ("--json", "--markdown"):
        run(sys.executable, "-c", code, "compare", spec, spec, form, cwd=tmp_path, env=env)
