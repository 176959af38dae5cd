"""Images that are decoded once and kept in one file: found again, never half, never stale."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_data
import torch
from PIL import Image
from runs import graph, same, trained, weights

from archdsl.train import room
from archdsl.train.data import read
from archdsl.train.data.pack import CHUNK, Pack, Unpacked, packed
from archdsl.train.data.pictures import Broken, Pictures

COUNT = CHUNK * 2 + 5


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "archdsl" / "images"


def image(number: int) -> Any:
    """Images of many sizes, some of ten crops; one cannot be read."""
    if number == 7:
        return "7.jpg: it is truncated"
    draw = np.random.default_rng(number)
    shape = (10, 3, 4, 5) if number % 10 == 3 else (3, 2 + number % 5, 3 + number % 7)
    return draw.integers(0, 256, shape, dtype=np.uint8)


def never(number: int) -> Any:
    raise AssertionError("it is there already")


def made(
    decode: Callable[[int], Any] = image, name: str = "a", told: list[str] | None = None
) -> Pack:
    return packed(name, COUNT, decode, (told if told is not None else []).append)


def is_right(pack: Pack) -> bool:
    found = ((pack[i], image(i)) for i in range(COUNT))
    return all(np.array_equal(a, b) and np.shape(a) == np.shape(b) for a, b in found)


def files(home: Path) -> list[str]:
    return sorted(path.suffix for path in home.iterdir() if path.suffix != ".lock")


def test_what_is_packed_is_read_back_and_found_again(home: Path) -> None:
    told: list[str] = []
    assert is_right(made(told=told))
    assert is_right(made(never, told=told))
    assert len(told) == 1 and f"decoding once {COUNT} images" in told[0]
    assert files(home) == [".pack"]
    (path,) = home.glob("*.pack")
    most = sum(image(i).nbytes for i in range(COUNT) if i != 7) + 60 * COUNT
    assert path.stat().st_size < most


def test_other_images_have_another_file(home: Path) -> None:
    made()
    made(name="b")
    assert files(home) == [".pack", ".pack"]


@pytest.mark.parametrize("left", [0, 10, 500, -40, -1])
def test_a_file_that_was_cut_off_is_written_anew(home: Path, left: int) -> None:
    made()
    (path,) = home.glob("*.pack")
    path.write_bytes(path.read_bytes()[:left])
    assert is_right(made())
    assert is_right(made(never))


def test_a_damaged_index_is_written_anew(home: Path) -> None:
    made()
    (path,) = home.glob("*.pack")
    data = bytearray(path.read_bytes())
    data[-COUNT * 8] ^= 1
    path.write_bytes(data)
    assert is_right(made())


KILLED = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_pack import image, made
def decode(number):
    if number == {CHUNK + 9}:
        os.kill(os.getpid(), signal.SIGKILL)
    return image(number)
made(decode)
"""


def test_a_run_that_is_killed_leaves_nothing_that_is_taken_for_whole(home: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], check=False, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert files(home) == [".tmp"]
    assert is_right(made())
    assert files(home) == [".pack"]


def test_a_mistake_leaves_nothing(home: Path) -> None:
    def decode(number: int) -> Any:
        return image(number) if number < CHUNK + 9 else 1 / 0

    with pytest.raises(ZeroDivisionError):
        made(decode)
    assert not files(home)


def test_of_two_at_once_one_decodes_and_the_other_waits() -> None:
    seen: list[int] = []
    both = threading.Barrier(2)

    def decode(number: int) -> Any:
        seen.append(number)
        return image(number)

    def work() -> None:
        both.wait()
        right.append(is_right(made(decode)))

    right: list[bool] = []
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True, True]
    assert sorted(seen) == list(range(COUNT))


def test_without_room_there_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST", 1000)
    with pytest.raises(Unpacked, match=r"would take .* kB; 1 kB are kept in all"):
        made()
    monkeypatch.setattr(room, "MOST", 1 << 30)
    monkeypatch.setattr(room, "SPARE", 1 << 60)
    with pytest.raises(Unpacked, match="0 B to spare"):
        made()
    assert not files(home)


def test_the_oldest_makes_room(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made()
    (first,) = home.glob("*.pack")
    monkeypatch.setattr(room, "MOST", int(1.5 * first.stat().st_size))
    made(name="b")
    (second,) = home.glob("*.pack")
    assert first != second


# Of a training


def section(cache: str, others: str = "") -> str:
    crops = "augment random_resized_crop 16; hflip; eval center_crop 16; normalize data"
    data = f'data imagefolder "pets" cache={cache} validation=0.3 {others}'
    return f"{data}\n{crops}\nepochs 2; batch 4"


NETWORK = "input 3x16x16\nconv 3x3 4; relu; gap; fc 3\n"


@pytest.mark.parametrize("workers", [0, 2])
def test_every_cache_gives_the_same_weights(tmp_path: Path, workers: int) -> None:
    small_data.pets(tmp_path / "pets")
    outcomes = [
        trained(tmp_path, section(cache, f"workers={workers}"), NETWORK, cache)
        for cache in ("none", "memory", "disk")
    ]
    expected, *others = map(weights, outcomes)
    assert all(same(each, expected) for each in others)


def test_images_that_cannot_be_read_are_named_each_time(tmp_path: Path) -> None:
    folder = small_data.pets(tmp_path / "pets")
    (folder / "dog" / "2.jpg").write_bytes(b"no image")
    for name in ("first", "second"):
        text = section("disk", "broken=skip workers=0").replace("normalize data", "normalize none")
        outcome = trained(tmp_path, text, NETWORK, name)
        assert "2.jpg" in (outcome.folder / "skipped.txt").read_text()


def test_an_image_that_changes_is_decoded_anew(tmp_path: Path) -> None:
    """Of the same length, and with the time of its change set back, as an archive does it."""
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    path = tmp_path / "pets" / "cat" / "1.ppm"
    Image.new("RGB", (20, 20)).save(path)
    before = path.stat()
    made = graph(section("disk", "workers=0").replace("0.3", "0"), NETWORK)

    def value() -> int:
        pictures: Any = read(made).train
        pictures.keep()
        assert isinstance(pictures.kept, Pack)
        return int(pictures[0][0].max())

    assert value() == 0
    Image.new("RGB", (20, 20), "white").save(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert value() == 255


def test_images_that_are_no_files_are_kept_by_their_name(home: Path) -> None:
    """As a dataset of the hub gives them; without a name for its content it is not kept."""
    many = [Image.new("RGB", (8, 8), (i, 0, 0)) for i in range(4)]

    def pictures(content: str) -> Pictures:
        names = "example {}".format
        labels = [0] * 4
        return Pictures(many.__getitem__, names, labels, "RGB", cache="disk", content=content)

    told: list[str] = []
    known, unknown = pictures("4f3a"), pictures("")
    known.keep(told.append)
    assert [int(known[i][0].max()) for i in range(4)] == [0, 1, 2, 3]  # pyright: ignore
    assert files(home) == [".pack"]
    unknown.keep(told.append)
    assert told[-1] == "every epoch decodes the images anew: they may be others each time"
    assert torch.equal(known[2][0], unknown[2][0])  # pyright: ignore


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    small_data.pets(tmp_path / "pets")
    Path("cache").write_text("no folder")
    text = section("disk", "workers=0").replace("normalize data", "normalize none")
    outcome = trained(tmp_path, text, NETWORK)
    assert outcome.finished
    assert "every epoch decodes the images anew" in outcome.notes[0]


def test_what_is_broken_stays_broken() -> None:
    pictures = Pictures([Path("none.jpg")].__getitem__, str, [0], "RGB", cache="memory")
    pictures.keep()
    assert isinstance(pictures[0][0], Broken)
