"""A list of any number of hosts is in order, and in memory never."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pca_automator.cli.output import Output, plain, show_rows
from pca_automator.cli.spool import Spool
from tests.cli.listed import growth

ROWS = st.lists(
    st.fixed_dictionaries({"a": st.integers(0, 2), "b": st.floats(-9, 9), "c": st.text()}), max_size=30
)  # fmt: skip


def _order(row: Any) -> tuple[int, float, str]:
    return row["a"], row["b"], row["c"]


@given(ROWS)
def test_rows_come_back_whole_and_in_order_as_often_as_they_are_asked_for(rows: list[dict[str, Any]]) -> None:
    spool = Spool(iter(rows), _order)
    # Texts by their bytes in UTF-8, which is the order of code points.
    assert list(spool) == list(spool) == sorted(rows, key=_order)
    assert len(spool) == len(rows)


def test_what_json_cannot_say_is_made_what_it_can() -> None:
    row = {"a": 0, "b": 1, "c": "\ud800", "numbers": {Decimal(2), Decimal(1)}, "ratio": Decimal("1.5")}
    assert list(Spool([row], _order, plain)) == [{**row, "numbers": [1, 2], "ratio": 1.5}]


@pytest.mark.parametrize("count", [0, 1, 2, 501])
@pytest.mark.parametrize("output", list(Output))
def test_a_spool_is_shown_as_the_list_that_it_stands_for(
    output: Output, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"hostID": f"i-{count - number:08x}", "n": number, "t": "Zürich\n\x9b" * (number % 3)}
        for number in range(count)
    ]
    whole = sorted(rows, key=lambda row: str(row["hostID"]))
    spool = Spool(rows, lambda row: (0, 0, row["hostID"]))
    assert show_rows(output, spool, ("hostID", "n", "t"), "Fleet") == count
    shown = capsys.readouterr().out
    assert show_rows(output, whole, ("hostID", "n", "t"), "Fleet") == count
    assert shown == capsys.readouterr().out
    if output is Output.JSON:
        assert json.loads(shown) == whole


@pytest.mark.parametrize("output", [Output.JSON, Output.TABLE, Output.JSONL])
def test_ten_times_the_hosts_take_no_more_memory(output: Output) -> None:
    """A row that is kept takes 2 kB and more: 5,400 would be 11 MB."""
    small, large = growth(output.value, 600, 6_000)
    assert large - small < 3_000_000
