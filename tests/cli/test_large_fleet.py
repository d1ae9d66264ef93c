"""What a fleet of 10,000 does to the command: memory that does not grow, tables that can be read by line."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from pca_automator.cli.main import app
from tests.cli.conftest import Deployed, host

PAGE = 250
FEW = 2 * PAGE
"""One page is still there while the next is read."""


def a_fleet_of(deployed: Deployed, hosts: int) -> None:
    """Pages of at most :data:`PAGE` items that are made when they are asked for."""
    item = {"status": {"S": "DEPLOYED"}, "serial": {"S": "ab" * 16}, **{
        name: {"S": value} for name, value in deployed.times(100).items()
    }}  # fmt: skip

    def page(request: Mapping[str, Any]) -> dict[str, Any]:
        first = int(request.get("ExclusiveStartKey", {"hostID": {"S": "i-0"}})["hostID"]["S"][2:], 16)
        size = min(request.get("Limit", PAGE), PAGE, hosts - first)
        found = [{"hostID": {"S": host(number)}, **item} for number in range(first + 1, first + size + 1)]
        more = {"LastEvaluatedKey": {"hostID": found[-1]["hostID"]}} if first + size < hosts else {}
        return {"Items": found, **more}

    deployed.answers["Scan"] = page


def peak(deployed: Deployed, hosts: int, output: str) -> int:
    """The most memory, in bytes, that Python objects took while the fleet was listed."""
    a_fleet_of(deployed, hosts)
    tracemalloc.start()
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            app(["hosts", "list", "--output", output], standalone_mode=False)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class Kept(list[Mapping[str, Any]]):
    """Every row, in memory."""

    def __init__(self, rows: Iterable[Mapping[str, Any]], order: Callable[[Any], Any], *_: Any) -> None:
        super().__init__(sorted(rows, key=order))


@pytest.mark.parametrize("output", ["json", pytest.param("jsonl", marks=pytest.mark.long)])
def test_a_list_takes_the_same_memory_for_ten_times_the_fleet(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    peak(deployed, FEW, output)  # modules and clients, which stay
    assert peak(deployed, 10 * FEW, output) < 1.5 * peak(deployed, FEW, output)
    # What holds every row is found by the same measure.
    monkeypatch.setattr("pca_automator.cli.verbs.hosts.list.Spool", Kept)
    assert peak(deployed, 10 * FEW, "json") > 2 * peak(deployed, FEW, "json")


@pytest.mark.parametrize(("hosts", "narrowed"), [(500, True), (501, False)])
def test_a_long_table_is_one_line_for_each_host(deployed: Deployed, hosts: int, narrowed: bool) -> None:
    a_fleet_of(deployed, hosts)
    done = deployed.invoke("hosts", "list", env={"COLUMNS": "60"})
    lines = done.stdout.splitlines()
    assert len(lines) == hosts + 2
    assert all(len(line) <= 60 for line in lines) is narrowed
    assert all(host(number) in done.stdout for number in (1, hosts))
    if not narrowed:
        header, rule, *rows = lines
        assert header.split() == ["hostID", "status", "left", "due", "expiry", "renewalDate", "lastError"]
        assert set(rule) == {"─"}
        assert {row.index("DEPLOYED") for row in rows} == {header.index("status")}
