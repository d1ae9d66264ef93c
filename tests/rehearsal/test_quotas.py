"""The quotas of the local AWS: as much passes as on AWS in the same time of the account, and no more."""

from __future__ import annotations

import json

import pytest

from pca_automator.rehearsal.local_aws.quotas import Bucket, Quotas
from pca_automator.rehearsal.local_aws.settings import Settings


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def passed(quotas: Quotas, operation: str, times: int) -> int:
    return sum(quotas.take(operation) for _ in range(times))


def test_a_full_bucket_lets_through_what_it_holds_and_then_its_rate() -> None:
    clock = Clock()
    quotas = Quotas(Settings(quotas='{"CreateSession": 10}'), clock, scale=1)
    assert passed(quotas, "CreateSession", 50) == 10
    clock.now = 1.5
    assert passed(quotas, "CreateSession", 50) == 10
    clock.now = 2.0
    assert passed(quotas, "CreateSession", 50) == 5


def test_a_bucket_holds_no_more_however_long_nobody_asks() -> None:
    clock = Clock()
    quotas = Quotas(Settings(quotas='{"CreateSession": 10}'), clock, scale=1)
    clock.now = 3600
    assert passed(quotas, "CreateSession", 50) == 10


def test_time_passes_as_much_quicker_for_a_bucket_as_for_a_wait() -> None:
    clock = Clock()
    quotas = Quotas(Settings(quotas='{"CreateSession": 0.05}'), clock, scale=0.05)
    assert passed(quotas, "CreateSession", 50) == 10
    clock.now = 5.0
    assert passed(quotas, "CreateSession", 50) == 5


def test_each_call_has_a_bucket_of_its_own_and_others_none() -> None:
    quotas = Quotas(Settings(quotas='{"CreateSession": 1, "IssueCertificate": 1}'), Clock(), scale=1)
    assert passed(quotas, "CreateSession", 50) == 10
    assert passed(quotas, "IssueCertificate", 50) == 25
    assert passed(quotas, "GetCertificate", 500) == 500
    assert quotas.counts() == {
        "CreateSession": {"asked": 50, "refused": 40},
        "IssueCertificate": {"asked": 50, "refused": 25},
    }


def test_quotas_that_are_changed_hold_from_then_on() -> None:
    settings = Settings()
    quotas = Quotas(settings, Clock(), scale=1)
    assert passed(quotas, "CreateSession", 50) == 50
    settings.change({"quotas": json.dumps({"CreateSession": 2})})
    assert passed(quotas, "CreateSession", 50) == 10
    settings.change({"quotas": ""})
    assert passed(quotas, "CreateSession", 50) == 50


def test_a_quota_that_there_is_none_of_is_refused_by_its_name() -> None:
    quotas = Quotas(Settings(quotas='{"CreateSesion": 2}'), Clock(), scale=1)
    with pytest.raises(Exception, match="CreateSesion"):
        quotas.take("CreateSession")


def test_a_clock_that_stands_still_gives_nothing() -> None:
    bucket = Bucket(10, 1, 0)
    assert [bucket.take(0), bucket.take(0), bucket.take(0)] == [True, False, False]
