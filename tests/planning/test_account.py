"""Quotas are token buckets; the SDK's attempts, throttled calls and concurrency count as on AWS."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pca_automator.cli.runtime import runtime
from pca_automator.planning.account import Account, Bucket


@given(st.lists(st.floats(0, 2), max_size=300), st.floats(0.5, 50), st.floats(0, 20))
def test_a_bucket_never_lets_more_through_than_its_depth_and_its_rate(
    pauses: list[float], rate: float, depth: float
) -> None:
    bucket, now, passed = Bucket(rate, depth), 0.0, 0
    for pause in pauses:
        now += pause
        passed += bucket.take(now)
    assert passed <= max(depth, 1) + rate * now + 1e-6


def test_a_bucket_that_was_left_alone_is_full_and_no_more() -> None:
    bucket = Bucket(10, 10)
    assert sum(bucket.take(0) for _ in range(20)) == 10
    assert sum(bucket.take(100) for _ in range(20)) == 10
    assert bucket.take(100.1)
    assert not bucket.take(100.1)


def test_a_queue_delays_by_its_rate_what_its_depth_does_not_hold() -> None:
    bucket = Bucket(10, 2)
    assert [bucket.queue(0) for _ in range(4)] == pytest.approx([0, 0, 0.1, 0.2])


def account(**rates: float) -> Account:
    import simpy

    return Account(simpy.Environment(), runtime("shared.quotas").with_rates(rates), 1.0, Random(1))  # noqa: S311 - a simulation


def played(account: Account, steps: Any) -> Any:
    return account.env.run(account.env.process(steps))


def test_a_call_is_tried_four_times_and_every_try_is_counted() -> None:
    used = account(SendCommand=0.001)
    assert played(used, used.call("SendCommand")) is True
    assert played(used, used.call("SendCommand")) is False
    meter = used.meters["SendCommand"]
    assert (sum(meter.calls.values()), sum(meter.throttled.values())) == (5, 4)
    assert used.env.now <= 7


def test_an_account_runs_no_more_functions_at_once_than_its_concurrency() -> None:
    used = account(LambdaConcurrency=2)
    assert [used.enter_function() for _ in range(3)] == [True, True, False]
    used.leave_function()
    assert used.enter_function()
    assert used.most_in_flight == 2
