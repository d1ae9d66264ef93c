"""The ledger of starts: no two hosts get one start, whoever asks at once, and nothing is lost for good."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws
from pca_runtime.errors.kinds import AccessRefused, ServiceRefused, Throttled
from pca_runtime.renewal.pace import Reservation
from pca_runtime.renewal.start_items import Account, slot_time
from pca_runtime.renewal.start_ledger import StartLedger

from tests.runtime.conftest import create_starts
from tests.runtime.fakes import Passing, client_error
from tests.runtime.pki import NOW

T = NOW.timestamp()


class OneWriteAtATime(Passing):
    """moto reads, judges and writes an item without a lock; DynamoDB serializes the writes of an item."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self._writing = threading.Lock()

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        call = super().__getattr__(operation)
        if operation != "update_item":
            return call

        def locked(**request: Any) -> dict[str, Any]:
            with self._writing:
                return call(**request)

        return locked


@pytest.fixture
def dynamodb(clients: dict[str, Any]) -> Iterator[Passing]:
    with mock_aws():
        create_starts(clients["dynamodb"])
        yield OneWriteAtATime(clients["dynamodb"])


@pytest.fixture
def ledger(dynamodb: Passing) -> StartLedger:
    return StartLedger(dynamodb, "starts")


def reserved(ledger: StartLedger, run: str, hosts: int, rate: float = 10, now: datetime = NOW) -> Reservation:
    found = ledger.reserve("bulk", run, hosts, rate, now)
    assert found is not None
    return found


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def ended(*runs: str) -> Callable[[str], bool]:
    return lambda run: run in runs


def test_an_idle_lane_starts_at_once_and_saves_nothing_up(ledger: StartLedger) -> None:
    first = reserved(ledger, "a", 20)
    assert (first.first, first.until) == (T, T + 2)
    assert reserved(ledger, "b", 10, now=later(3600)).first == T + 3600


def test_who_comes_later_starts_behind(ledger: StartLedger) -> None:
    ends = [reserved(ledger, f"run.{number}", 15, now=later(number / 10)).until for number in range(4)]
    assert ends == [T + 1.5, T + 3, T + 4.5, T + 6]


def test_a_busy_lane_takes_one_write_and_one_note_for_each_reservation(ledger: StartLedger, dynamodb: Passing) -> None:
    reserved(ledger, "first", 100)
    before = dynamodb.count("update_item"), dynamodb.count("put_item")
    for number in range(5):
        reserved(ledger, f"run-{number}", 7)
    assert (dynamodb.count("update_item"), dynamodb.count("put_item")) == (before[0] + 5, before[1] + 5)


def test_a_clock_that_is_behind_gets_no_start_that_is_taken(ledger: StartLedger) -> None:
    taken = reserved(ledger, "a", 10)
    assert reserved(ledger, "behind", 10, now=later(-30)).first == taken.until
    assert reserved(ledger, "ahead", 10, now=later(30)).first == T + 30
    assert reserved(ledger, "right", 10, now=later(1)).first == T + 31


def test_a_run_that_asks_again_gets_what_it_has(ledger: StartLedger) -> None:
    first = reserved(ledger, "a", 20)
    reserved(ledger, "b", 20)
    assert reserved(ledger, "a", 20, now=later(1)) == first
    assert ledger.lane("bulk").until == T + 4


def test_a_crash_after_the_write_wastes_no_start(ledger: StartLedger, dynamodb: Passing) -> None:
    reserved(ledger, "before", 20)
    dynamodb.crash_after("update_item")
    with pytest.raises(Exception, match="update_item"):
        ledger.reserve("bulk", "a", 20, 10, NOW)
    assert (reserved(ledger, "a", 20).first, ledger.lane("bulk").until) == (T + 2, T + 4)


def test_a_run_that_asks_again_for_more_hosts_never_starts_them_faster(ledger: StartLedger) -> None:
    reserved(ledger, "a", 20)
    again = reserved(ledger, "a", 25)
    assert again.spacing >= 0.1


def test_threads_and_skewed_clocks_never_share_a_start(ledger: StartLedger) -> None:
    """What the table promises is tried, not the order in which this machine runs its threads."""
    random_ = random.Random(7)  # noqa: S311 - a seed, so that a failure can be repeated
    asked = [(f"run-{number}", random_.randint(1, 40), random_.uniform(-20, 20)) for number in range(48)]
    found: list[tuple[float, float]] = []
    lock = threading.Lock()

    def ask(call: tuple[str, int, float]) -> None:
        run, hosts, skew = call
        got = reserved(ledger, run, hosts, now=later(skew))
        with lock:
            found.append((round(got.first, 3), round(got.first + got.spacing * got.hosts, 3)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, asked))
    found.sort()
    assert len(found) == 48
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(found))
    # Without a gap but where the lane was idle, which with clocks of 40 s apart it is once or twice.
    assert found[-1][1] - found[0][0] <= sum(hosts for _, hosts, _ in asked) / 10 + 40


def test_twelve_runs_at_once_start_no_more_hosts_in_a_second_than_the_rate_says(ledger: StartLedger) -> None:
    rate = 6.03

    def run(number: int) -> list[datetime]:
        got = reserved(ledger, f"enrol-{number}", 833, rate)
        return [slot_time(got.start(each)) for each in range(833)]

    with ThreadPoolExecutor(12) as pool:
        starts = Counter(start for run_starts in pool.map(run, range(12)) for start in run_starts)
    assert sum(starts.values()) == 9_996
    assert max(starts.values()) <= 7  # 6.03, in whole seconds


def test_a_start_that_must_not_be_late_is_refused_where_the_lane_is_full(ledger: StartLedger) -> None:
    assert ledger.reserve("express", "a", 40, 0.5, NOW, latest=T + 80) is not None
    assert ledger.reserve("express", "b", 1, 0.5, NOW, latest=T + 79) is None
    assert ledger.reserve("express", "b", 1, 0.5, NOW, latest=T + 80) is not None


def test_one_host_that_comes_late_takes_the_next_start(ledger: StartLedger) -> None:
    reserved(ledger, "a", 20)
    assert [ledger.requeue("bulk", 0.1, later(1)) for _ in range(3)] == [T + 2, T + 2.1, T + 2.2]
    assert ledger.requeue("express", 2, NOW) == T


def test_what_an_aborted_run_left_goes_to_the_next(ledger: StartLedger) -> None:
    reserved(ledger, "done", 10)
    reserved(ledger, "aborted", 1_000)
    assert ledger.give_back("bulk", ended("aborted"), later(11)) == ["aborted"]
    assert reserved(ledger, "next", 10, now=later(11)).first == T + 11
    assert ledger.traffic("bulk", "aborted").returned
    assert not ledger.traffic("bulk", "next").returned


def test_runs_that_were_aborted_one_behind_the_other_all_give_back(ledger: StartLedger) -> None:
    for run in ("one", "two", "three"):
        reserved(ledger, run, 1_000)
    assert ledger.give_back("bulk", ended("two", "three"), NOW) == ["three", "two"]
    assert ledger.lane("bulk").until == T + 100


def test_nobody_is_moved_who_reserved_behind(ledger: StartLedger) -> None:
    reserved(ledger, "aborted", 1_000)
    behind = reserved(ledger, "behind", 10)
    assert ledger.give_back("bulk", ended("aborted"), later(1)) == []
    assert ledger.lane("bulk").until == behind.until


def test_who_reserves_between_look_and_write_keeps_its_start(ledger: StartLedger) -> None:
    reserved(ledger, "aborted", 1_000)
    meanwhile: list[Reservation] = []

    def reserve_meanwhile(run: str) -> bool:
        if run == "aborted":
            meanwhile.append(reserved(ledger, "quick", 10))
        return run == "aborted"

    assert ledger.give_back("bulk", reserve_meanwhile, later(1)) == []
    assert ledger.lane("bulk").until == meanwhile[0].until == T + 101


def test_a_single_host_behind_it_keeps_an_aborted_runs_starts(ledger: StartLedger) -> None:
    reserved(ledger, "aborted", 1_000)
    start = ledger.requeue("bulk", 0.1, NOW)
    assert ledger.give_back("bulk", ended("aborted", ""), later(1)) == []
    assert ledger.requeue("bulk", 0.1, NOW) == pytest.approx(start + 0.1)


def test_a_run_that_goes_on_keeps_its_starts(ledger: StartLedger) -> None:
    reserved(ledger, "a", 1_000)
    assert ledger.give_back("bulk", ended(), later(1)) == []
    assert ledger.lane("bulk").until == T + 100


def test_who_still_has_starts_before_it_is_known(ledger: StartLedger) -> None:
    reserved(ledger, "over", 10)
    reserved(ledger, "running", 100)
    assert ledger.reserve("express", "running", 10, 1, NOW) is not None
    assert ledger.runs_ahead(later(2)) == {"running": T + 11}


def test_what_is_over_is_removed_by_its_time(ledger: StartLedger, dynamodb: Passing) -> None:
    reserved(ledger, "a", 10)
    items = dynamodb.raw.scan(TableName="starts")["Items"]
    (block,) = (item for item in items if item["id"]["S"] == "bulk" and item["at"]["N"] != "0")
    assert int(block["expires"]["N"]) > T + 14 * 86_400  # as long as a run can be redriven


def test_of_many_that_are_throttled_at_once_one_lowers_the_rate(ledger: StartLedger) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ledger.note_throttled(NOW), range(16)))
    assert ledger.traffic("bulk", "a").brake.now(T) == 0.75
    ledger.note_throttled(later(21))
    assert ledger.traffic("bulk", "a").brake.now(T + 21) == pytest.approx(0.5625)
    assert ledger.traffic("bulk", "a").brake.now(T + 21 + 3600) == 1


def test_what_was_seen_of_the_account_is_kept_for_those_who_do_not_look(ledger: StartLedger) -> None:
    assert ledger.account() == Account()
    ledger.remember(Account(hosts_total=10_000, quotas={"CreateSession": 50}, production=2.8, measured_at=NOW))
    ledger.remember(Account(hosts_total=9_999))
    assert ledger.account() == Account(9_999, {"CreateSession": 50}, 2.8, NOW)
    counted = Account(issued=12, issued_until=NOW + timedelta(hours=1))
    ledger.remember(counted)
    assert ledger.account() == Account(9_999, {"CreateSession": 50}, 2.8, NOW, 12, NOW + timedelta(hours=1))
    ledger.remember(Account(issued=13))  # who does not say until when has counted nothing
    assert ledger.account().issued == 12


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ResourceNotFoundException", ServiceRefused),
        ("AccessDeniedException", AccessRefused),
        ("ProvisionedThroughputExceededException", Throttled),
    ],
)
def test_without_the_ledger_nobody_starts(
    ledger: StartLedger, dynamodb: Passing, code: str, error: type[Exception]
) -> None:
    dynamodb.fail("update_item", client_error(code, "UpdateItem"))
    with pytest.raises(error):
        ledger.reserve("bulk", "a", 1, 1, NOW)
