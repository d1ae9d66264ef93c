"""The table of quotas: every number has its source, and another rate is one that AWS could give."""

from __future__ import annotations

import pytest
from pca_runtime.errors.kinds import InvalidInput
from pca_runtime.shared.quotas import QUOTAS, quota, with_rates


@pytest.mark.parametrize("name", QUOTAS)
def test_every_quota_has_a_page_of_aws_and_room_for_a_second_of_its_rate(name: str) -> None:
    found = QUOTAS[name]
    assert found.source.startswith("https://docs.aws.amazon.com/")
    assert found.rate > 0
    assert found.burst >= found.rate
    assert found.kind in ("rate", "count")


def test_the_calls_of_a_renewal_have_the_documented_rates() -> None:
    rates = {name: QUOTAS[name].rate for name in ("CreateSession", "IssueCertificate", "GetCertificate")}
    assert rates == {"CreateSession": 10, "IssueCertificate": 25, "GetCertificate": 75}


def test_another_rate_takes_its_burst_along_and_counts_as_known() -> None:
    table = with_rates({"CreateSession": 50, "SendCommand": 5})
    assert (table["CreateSession"].rate, table["CreateSession"].burst) == (50, 50)
    assert (table["SendCommand"].burst, table["SendCommand"].published) == (5, True)
    assert table["IssueCertificate"] == quota("IssueCertificate")
    assert not quota("SendCommand").published


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_a_rate_that_no_account_has_is_refused_by_name(rate: float) -> None:
    with pytest.raises(InvalidInput, match=f"the quota CreateSession is {rate:g}: a number above 0"):
        with_rates({"CreateSession": rate})


def test_an_unknown_quota_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="'CreateSessions' is no quota of this table: one of CreateSession, "):
        with_rates({"CreateSessions": 10})
