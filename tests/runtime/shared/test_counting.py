"""One of something is not "1 somethings"."""

from __future__ import annotations

import pytest
from pca_runtime.shared.counting import counted, noun


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 hosts"), (1, "1 host"), (2, "2 hosts"), (11, "11 hosts"), (101, "101 hosts")]
)
def test_only_one_is_singular(count: int, words: str) -> None:
    assert counted(count, "host") == words
    assert noun(count, "host") == words.split()[1]


@pytest.mark.parametrize(("count", "words"), [(0, "0 entries are"), (1, "1 entry is"), (3, "3 entries are")])
def test_what_takes_no_s_is_given(count: int, words: str) -> None:
    assert counted(count, "entry is", "entries are") == words
