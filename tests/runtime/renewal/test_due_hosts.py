"""The order of a run is that of its hosts in memory, and almost none of them is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pca_runtime.renewal import due_hosts
from pca_runtime.renewal.due_hosts import DueHosts, Order, least_time_left, most_exposed

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PRESENT = int(NOW.timestamp())
IDS = st.integers(0, 2**40).map(lambda number: f"i-{number:017x}") | st.integers(0, 9).map(
    lambda number: f"mi-{number:017x}"
)
EXPIRIES = st.none() | st.integers(PRESENT - 10**6, PRESENT + 10**6) | st.sampled_from([0, -1, PRESENT, 2**40])
HOSTS = st.dictionaries(IDS, EXPIRIES, max_size=40)
ORDERS = st.sampled_from([least_time_left(NOW), most_exposed(NOW, NOW + timedelta(hours=12))])


@pytest.fixture(autouse=True)
def seven_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due_hosts, "_IN_MEMORY", 7)
    monkeypatch.setattr(due_hosts, "_READ_AT_ONCE", 3 * due_hosts._RECORD.size)


def gathered(hosts: dict[str, int | None], order: Order, threads: int = 1) -> DueHosts:
    parts = [DueHosts(order) for _ in range(threads)]
    for number, (host_id, expiry) in enumerate(hosts.items()):
        parts[number % threads].add(expiry, host_id)
    whole = DueHosts(order)
    for part in parts:
        whole.update(part)
    return whole


@given(HOSTS, ORDERS, st.integers(1, 4))
def test_hosts_come_in_the_order_that_sorting_them_all_would_give(
    hosts: dict[str, int | None], order: Order, threads: int
) -> None:
    expected = sorted(
        ((expiry, host_id) for host_id, expiry in hosts.items()), key=lambda each: (*order(each[0]), each[1])
    )
    found = gathered(hosts, order, threads)
    assert list(found) == list(found) == expected
    assert len(found) == len(hosts)


@given(HOSTS, ORDERS, st.sets(IDS, max_size=5), st.integers(0, 20))
def test_who_is_left_out_is_counted_once_and_never_comes(
    hosts: dict[str, int | None], order: Order, strangers: set[str], some: int
) -> None:
    left_out = {*list(hosts)[:some], *strangers}
    found = gathered(hosts, order)
    assert found.leave_out(left_out) == len(left_out & hosts.keys())
    assert found.leave_out(left_out) == 0
    assert [host_id for _, host_id in found] == [
        host_id for _, host_id in gathered(hosts, order) if host_id not in left_out
    ]
    assert len(found) == len(hosts.keys() - left_out)


@pytest.mark.parametrize("hosts", [0, 6, 7, 700])
def test_no_more_hosts_are_in_memory_than_fit_whatever_their_number(hosts: int) -> None:
    found = gathered({f"i-{number:017x}": number * 7919 % 1000 for number in range(hosts)}, least_time_left(NOW), 4)
    assert len(found._kept) < 7
    assert len(found) == hosts == len(found._kept) + sum(1 for run in found._runs for _ in run)


def test_who_stops_working_first_comes_first_and_no_certificate_counts_as_now() -> None:
    hosts = {"i-0000000a": PRESENT + 1, "i-0000000b": None, "i-0000000c": PRESENT - 1, "i-0000000d": PRESENT}
    order = [host_id[-1] for _, host_id in gathered(hosts, least_time_left(NOW))]
    assert order == ["c", "b", "d", "a"]


def test_the_most_exposed_come_first_behind_who_would_go_dark() -> None:
    hour = 3600
    hosts = {"i-0000000a": PRESENT + hour, "i-0000000b": PRESENT + 20 * hour, "i-0000000c": PRESENT + 90 * hour}
    order = [host_id[-1] for _, host_id in gathered(hosts, most_exposed(NOW, NOW + timedelta(hours=12)))]
    assert order == ["a", "c", "b"]


def test_without_an_order_they_come_by_their_expiry() -> None:
    found = DueHosts()
    for expiry, host_id in ((2, "i-0000000a"), (-1, "i-0000000b"), (None, "i-0000000c"), (1, "i-0000000d")):
        found.add(expiry, host_id)
    assert [host_id[-1] for _, host_id in found] == ["b", "c", "d", "a"]
