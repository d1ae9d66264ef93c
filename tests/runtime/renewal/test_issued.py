"""How many certificates the CA has issued for the fleet: each hour is counted once, whatever happens to the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pca_runtime.renewal.issued import issued_until

from tests.runtime.pki import NOW

HOUR = timedelta(hours=1)
METRIC = {"Namespace": "PcaAutomator", "MetricName": "CertificatesIssued", "Dimensions": []}


class Hours:
    """CloudWatch with a number for each hour, two to a page."""

    def __init__(self, hours: Mapping[datetime, float]) -> None:
        self.hours = hours

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        assert request["StartTime"] < request["EndTime"], "CloudWatch refuses a period without length"
        assert request["MetricDataQueries"][0]["MetricStat"]["Metric"] == METRIC
        found = [moment for moment in sorted(self.hours) if request["StartTime"] <= moment < request["EndTime"]]
        start = int(request.get("NextToken", "0"))
        page = found[start : start + 2]
        answer = {"Id": "issued", "Timestamps": page, "Values": [self.hours[moment] for moment in page]}
        more = {"NextToken": str(start + 2)} if start + 2 < len(found) else {}
        return {"MetricDataResults": [answer], **more}


def whole(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def test_the_first_count_goes_back_as_far_as_cloudwatch_does() -> None:
    hours = {whole(NOW) - number * HOUR: 5.0 for number in (2, 50, 454 * 24, 456 * 24)}
    now = NOW + timedelta(seconds=7, microseconds=3)
    assert issued_until(Hours(hours), METRIC, None, None, now) == (15, whole(NOW - HOUR))


@given(st.lists(st.integers(0, 400), min_size=1, max_size=20), st.integers(0, 1_000_000))
def test_however_often_it_is_counted_each_hour_counts_once(pauses: list[int], counted: int) -> None:
    begin = whole(NOW)
    hours = {begin + number * HOUR: 1.0 + number % 3 for number in range(200)}
    total, until, now = counted, begin, NOW
    for minutes in pauses:
        now += timedelta(minutes=minutes)
        total, until = issued_until(Hours(hours), METRIC, total, until, now)
    assert total - counted == sum(count for moment, count in hours.items() if moment < until)
    assert until <= max(begin, now - HOUR)


@pytest.mark.parametrize("minutes", [0, 59])
def test_an_hour_that_is_not_over_is_not_asked_for(minutes: int) -> None:
    begin = whole(NOW)
    assert issued_until(Hours({begin: 7.0}), METRIC, 3, begin, begin + HOUR + timedelta(minutes=minutes)) == (3, begin)
