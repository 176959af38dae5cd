"""Bytes and times as people write them, and back."""

from __future__ import annotations

import pytest

from archdsl.quantity import read_bytes, show_bytes, show_time


@pytest.mark.parametrize("text", ["8", "8x", "GB", "-8GB", "", "8 GB GB", "1e400GB", "nan"])
def test_what_is_no_size(text: str) -> None:
    if text == "8":
        assert read_bytes(text) == 8
        return
    with pytest.raises(ValueError, match="no size"):
        read_bytes(text)


def test_numbers_people_can_read() -> None:
    assert [show_bytes(n) for n in (0, 999, 1000, 999_499, 999_500, 1_234_567, 5e12)] == [
        "0 B", "999 B", "1 kB", "999 kB", "1 MB", "1.23 MB", "5 TB",
    ]  # fmt: skip
    assert [show_time(t) for t in (2.5, 0.9995, 0.0123, 1.5e-6)] == [
        "2.5 s", "1 s", "12.3 ms", "1.5 us",
    ]  # fmt: skip
