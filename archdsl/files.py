"""Files: a spec is bounded UTF-8 text, an output appears whole or not at all."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

from archdsl.errors import Diagnostic, ReadError, WriteError
from archdsl.source import Source

MAX_SPEC_BYTES = 4 << 20
_LEFT = re.compile(r"\..+\.([0-9a-f]{8})-([0-9]{1,10})-[a-z0-9_]{8}\.tmp")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?", re.IGNORECASE)


def read_source(path: str | Path, name: str | None = None) -> Source:
    """Read a spec.

    Raises:
        ReadError: the file is missing, no regular file, too long, or not UTF-8 text.
    """
    path = Path(path)

    def refuse(code: str, label: str, help: str = "") -> ReadError:
        return ReadError(Diagnostic(code, None, f"{path}: {label}", help=help))

    try:
        if path.is_dir():
            raise refuse("A001", "it is a folder", "name a .arch file in it")
        if path.exists() and not path.is_file():
            raise refuse("A001", "it is not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_SPEC_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise refuse("A001", str(reason).lower()) from None
    if len(data) > MAX_SPEC_BYTES:
        raise refuse("A003", f"a spec may have {MAX_SPEC_BYTES:,} bytes")
    if b"\0" in data:
        raise refuse("A002", "it is a binary file", "a spec is a text file, like those in specs/")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = data[: error.start].count(b"\n") + 1
        raise refuse(
            "A002", f"line {where} has a byte that is not UTF-8", "save it as UTF-8"
        ) from None
    return Source(text, name or path.name, path)


def read_lines(path: str | Path) -> tuple[str, ...]:
    """The lines of a text file, the spaces around them aside; empty ones at its end do not count.

    Raises:
        ReadError: as for a spec.
    """
    lines = [line.strip() for line in read_source(path).text.rstrip().split("\n")]
    return tuple(lines) if lines != [""] else ()


def source_called(name: str, spec: Source) -> Source | None:
    """The text of a spec itself, or of a file that it imports; None if that is not there."""
    if name == spec.name:
        return spec
    if spec.path is None:
        return None
    try:
        return read_source(spec.path.resolve().parent / name, name)
    except ReadError:
        return None


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, which takes its name when the block ends well.

    Raises:
        WriteError: the folder or the file cannot be written; an earlier file is left as it was.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        prefix = _prefix(path)
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=".tmp", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(_mode())
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def assembling(path: str | Path) -> Iterator[tuple[Path, Callable[[str], None]]]:
    """As `replacing`, for files that refer to one another: give a temporary folder beside `path`.

    With it comes a function that moves a file of that folder, by its name there, which may have
    folders in it, to where `path` is; each of these moves happens at one moment. What is not moved
    is removed.

    Raises:
        WriteError: a folder or a file cannot be written; earlier files are left as they were.
    """
    path = Path(path)
    folder: Path | None = None

    def keep(name: str) -> None:
        target = path.parent / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(21, f"{name} is a folder", str(target))
        _check_is_regular(target)
        assert folder is not None
        (folder / name).replace(target)

    try:
        folder = Path(tempfile.mkdtemp(prefix=_prefix(path), suffix=".tmp", dir=path.parent))
        yield folder, keep
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait until no other process is in such a block for this folder.

    A process that is killed lets go of it, and it leaves no file. Where there are no such locks, as
    on Windows and on some network drives, or the folder may not be read, nobody waits.
    """
    with ExitStack() as stack:
        with suppress(ImportError, OSError):
            import fcntl

            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def check_writable(path: str | Path) -> None:
    """Make sure, before long work, that a file can be written: a temporary one is, and removed.

    Raises:
        WriteError: the folder or the file cannot be written.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=_prefix(path), suffix=".tmp", dir=path.parent)
        os.close(handle)
        Path(name).unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def _prefix(path: Path) -> str:
    """How temporary names for a file begin, once it is sure that it may be written there.

    They say which process they are of, so that what a killed one has left can be told.
    """
    if "\0" in str(path):
        raise OSError(22, "no name has a null character in it")
    if os.name == "nt" and _DEVICES.fullmatch(path.name):
        raise OSError(22, "Windows has a device of this name")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(21, "it is a folder", str(path))
    _check_is_regular(path)
    _sweep(path.parent.resolve())
    return f".{path.name[:100]}.{_machine()}-{os.getpid()}-"


def _check_is_regular(path: Path) -> None:
    if path.exists() and not path.is_file():  # /dev/null must stay what it is
        raise OSError(22, "it is not a regular file")


@cache
def _machine() -> str:
    """Where a process number means the same: this machine, and in it this container."""
    name = platform.node()
    with suppress(OSError):
        name += str(Path("/proc/self/ns/pid").stat().st_ino)
    return sha256(name.encode()).hexdigest()[:8]


@cache
def _sweep(folder: Path) -> None:
    """Remove temporary files in a folder whose process is no more; once, when it is first used."""
    if os.name != "posix":  # elsewhere to ask for a process may be to end it
        return
    with suppress(OSError):
        for left in os.scandir(folder):
            found = _LEFT.fullmatch(left.name)
            if found is None or found[1] != _machine() or _is_alive(int(found[2])):
                continue
            if left.is_dir(follow_symlinks=False):
                shutil.rmtree(left.path, ignore_errors=True)
            else:
                Path(left.path).unlink()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True


def _unwritable(path: Path, error: OSError) -> WriteError:
    for folder in path.parents:
        if _LEFT.fullmatch(folder.name):  # of `assembling`, which no user has named
            path = folder.parent / path.relative_to(folder)
    label = f"{path}: {(error.strerror or str(error)).lower()}"
    return WriteError(Diagnostic("A005", None, label, help="choose another place"))


def write_text(path: str | Path, text: str) -> None:
    """Write a text file whole or not at all (see `replacing`)."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _mode() -> int:
    """The permissions that a plainly opened file would get; mkstemp's are the owner's alone."""
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
