"""The alignment of two networks' layers: orders, anchors, and lengths."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import pytest

from archdsl.analyses.align import Entry, Pair, align


def entries(words: str, scope: str = "") -> list[Entry]:
    """A layer a letter, its path the letter and how often it came before."""
    return [
        Entry(f"{scope}{word}{words[:i].count(word)}", scope, word, (1,), word, word)
        for i, word in enumerate(words)
    ]


def shown(pairs: Sequence[Pair], first: str, second: str) -> str:
    """The alignment as text: what is alike plain, what is in one only with its sign."""
    found = ""
    for i, j in pairs:
        found += f"-{first[i or 0]}" if j is None else f"+{second[j]}" if i is None else first[i]
    return found


def check(first: Sequence[Entry], second: Sequence[Entry]) -> list[Pair]:
    """Every place is there once, in order, and no two layers of different families are a pair."""
    pairs = align(first, second)
    assert [i for i, _ in pairs if i is not None] == list(range(len(first)))
    assert [j for _, j in pairs if j is not None] == list(range(len(second)))
    assert (None, None) not in pairs
    both = [(i, j) for i, j in pairs if i is not None and j is not None]
    assert all(first[i].family == second[j].family for i, j in both)
    return pairs


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("", "", ""),
        ("abc", "", "-a-b-c"),
        ("", "ab", "+a+b"),
        ("abc", "abc", "abc"),
        ("abc", "abbc", "ab+bc"),
        ("abcabc", "abc", "abc-a-b-c"),
        ("axc", "ayc", "a-x+yc"),
        ("crcrp", "cbrcbrp", "c+brc+brp"),
    ],
)
def test_small(first: str, second: str, expected: str) -> None:
    assert shown(check(entries(first), entries(second)), first, second) == expected


def test_it_is_the_longest_common_part_where_only_equal_layers_pair() -> None:
    """Against the textbook recursion, on random words."""
    generator = random.Random(0)
    for _ in range(50):
        first, second = ("".join(generator.choices("abcd", k=12)) for _ in range(2))
        table = [[0] * 13 for _ in range(13)]
        for i in range(12):
            for j in range(12):
                longer = max(table[i][j + 1], table[i + 1][j])
                table[i + 1][j + 1] = table[i][j] + 1 if first[i] == second[j] else longer
        plain = [Entry(str(i), str(i), w, (1,), w, w) for i, w in enumerate(first)]
        other = [Entry(f"x{i}", f"x{i}", w, (1,), w, w) for i, w in enumerate(second)]
        pairs = check(plain, other)
        assert sum(None not in pair for pair in pairs) == table[12][12]


def test_the_same_family_is_a_pair_where_nothing_better_is() -> None:
    first = [Entry("act", "", "relu", (4,), "relu", "activation")]
    second = [Entry("act", "", "gelu", (4,), "gelu", "activation")]
    assert check(first, second) == [(0, 0)]


def test_a_block_stays_with_its_block() -> None:
    """The layer of the same scope, not one that is nearer to the beginning."""
    first = [*entries("c", "one."), *entries("c", "two.")]
    second = [*entries("x", "zero."), *entries("c", "two."), *entries("x", "last.")]
    assert (1, 1) in check(first, second)


@pytest.mark.parametrize(
    ("first", "second", "pairs"),
    [
        ("cbr" * 3333, "cbr" * 3333, 9999),
        ("cbr" * 3333, "x" + "cbr" * 1000 + "y" + "cbr" * 2333 + "z", 9999),
        ("a" * 10000, "b" * 10000, 0),
        ("ab" * 2500 + "cd" * 2500, "cd" * 2500 + "ab" * 2500, 5000),
        ("ab" * 5000, "ba" * 5000, 9999),
    ],
)
def test_long_ones_take_seconds(first: str, second: str, pairs: int) -> None:
    def long(words: str) -> list[Entry]:
        return [Entry(f"{w}{i}", "", w, (1,), w, w) for i, w in enumerate(words)]

    start = time.process_time()
    found = check(long(first), long(second))
    assert time.process_time() - start < 10
    assert sum(None not in pair for pair in found) >= pairs


def test_random_long_ones_take_seconds() -> None:
    generator = random.Random(0)
    first, second = ("".join(generator.choices("abcdefgh", k=8000)) for _ in range(2))
    start = time.process_time()
    found = check(entries_by_place(first), entries_by_place(second))
    assert time.process_time() - start < 15
    assert sum(None not in pair for pair in found) > 2000


def entries_by_place(words: str) -> list[Entry]:
    return [Entry(str(i), "", w, (1,), w, w) for i, w in enumerate(words)]
