"""Files: a spec is bounded UTF-8 text, an output appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from archdsl.errors import Diagnostic, ReadError, WriteError
from archdsl.source import Source

MAX_SPEC_BYTES = 4 << 20


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

    With it comes a function that moves a file of that folder, by its name, to where `path` is; each
    of these moves happens at one moment. What is not moved is removed.

    Raises:
        WriteError: a folder or a file cannot be written; earlier files are left as they were.
    """
    path = Path(path)
    folder: Path | None = None

    def keep(name: str) -> None:
        target = path.with_name(name)
        if target.is_dir():
            raise IsADirectoryError(21, f"{name} is a folder", str(target))
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


def _prefix(path: Path) -> str:
    """How temporary names for a file begin, once it is sure that it may be written there."""
    if "\0" in str(path):
        raise OSError(22, "no name has a null character in it")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(21, "it is a folder", str(path))
    if path.exists() and not path.is_file():  # /dev/null must stay what it is
        raise OSError(22, "it is not a regular file")
    return f".{path.name[:100]}."


def _unwritable(path: Path, error: OSError) -> WriteError:
    label = f"{path}: {(error.strerror or str(error)).lower()}"
    return WriteError(Diagnostic("A005", None, label, help="choose another place with -o"))


def write_text(path: str | Path, text: str) -> None:
    """Write a text file whole or not at all (see `replacing`)."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _mode() -> int:
    """The permissions that a plainly opened file would get; mkstemp's are the owner's alone."""
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
