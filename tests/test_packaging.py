"""The wheel stands by itself: grammar, zoo and all; the checkout uses its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import archdsl
from archdsl.resources import folder

ROOT = Path(__file__).parent.parent


def pip(*arguments: object) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "-q",
        "--disable-pip-version-check",
        *map(str, arguments),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wheel")
    pip("wheel", ".", "--no-deps", "--no-build-isolation", "--wheel-dir", path)
    (found,) = path.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel unpacked, and nothing else."""
    path = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--target", path, wheel)
    return path


def python(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the installed archdsl.

    Its dependencies come from this environment. Without `site` no .pth file is read, so that the
    checkout that one of them may point to is not found.
    """
    libraries = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    paths = os.pathsep.join([str(installed), *sorted(libraries)])
    return subprocess.run(
        [sys.executable, "-S", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": paths},
    )


def files(path: Path) -> set[str]:
    """What belongs into a folder of the package."""
    found = (p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {p.relative_to(path).as_posix() for p in found}


def test_the_wheel_holds_the_package_the_grammar_and_the_zoo(wheel: Path) -> None:
    names = [n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n]
    expected = {f"archdsl/{name}" for name in files(ROOT / "archdsl")}
    expected |= {f"archdsl/{kind}/{n}" for kind in ("grammar", "specs") for n in files(ROOT / kind)}
    assert sorted(names) == sorted(expected)


def test_the_metadata(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (info,) = {n.partition("/")[0] for n in archive.namelist() if ".dist-info/" in n}
    metadata = archive.read(f"{info}/METADATA").decode()
    assert f"\nVersion: {archdsl.__version__}\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
    assert "archdsl = archdsl.cli:main" in archive.read(f"{info}/entry_points.txt").decode()
    assert any(n.endswith("LICENSE") for n in archive.namelist())


WHERE = """
import json, sys
import archdsl
from archdsl.pipeline import zoo_names
from archdsl.resources import folder
print(json.dumps({
    "archdsl": archdsl.__file__,
    "grammar": str(folder("grammar") / "arch.lark"),
    "specs": sorted({str(p) for p in zoo_names().values()}),
}))
"""


def test_the_installed_package_finds_its_own_files(installed: Path, tmp_path: Path) -> None:
    done = python(installed, tmp_path, "-c", WHERE)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for path in (found["archdsl"], found["grammar"], *found["specs"]):
        assert Path(path).is_relative_to(installed / "archdsl"), path
        assert Path(path).is_file()
    assert {Path(p).name for p in found["specs"]} == {
        p.name for p in (ROOT / "specs").glob("*.arch")
    }


def test_the_installed_command_line_works_from_anywhere(installed: Path, tmp_path: Path) -> None:
    done = python(installed, tmp_path, "-m", "archdsl", "check", "lenet", "resnet50")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "ok lenet\nok resnet50\n"
    done = python(installed, tmp_path, "-m", "archdsl", "--version")
    assert done.stdout == f"archdsl {archdsl.__version__}\n"
    done = python(installed, tmp_path, "-m", "archdsl", "compile", "tiny")
    assert done.returncode == 0, done.stderr
    written = {p.name for p in (tmp_path / "build").iterdir()}
    assert written == {"tiny.py", "tiny.onnx", "tiny.svg", "tiny.json"}
    assert (tmp_path / "build" / "tiny.py").read_text() == archdsl.zoo("tiny").torch_source()


def test_the_checkout_finds_its_own_files() -> None:
    assert Path(archdsl.__file__) == ROOT / "archdsl" / "__init__.py"
    for kind in ("grammar", "specs"):
        assert folder(kind) == ROOT / kind
        assert not (ROOT / "archdsl" / kind).exists(), "the wheel alone has it there"
