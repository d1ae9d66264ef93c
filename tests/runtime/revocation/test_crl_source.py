"""A CRL that never comes is told: the CA writes none, another kind, elsewhere, or cannot write."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.runtime.conftest import World
from tests.runtime.fakes import CA_ARN
from tests.runtime.renewal.test_cert_check import metrics
from tests.runtime.revocation.test_crl_processor import (
    KEY,
    NOTHING_TO_REPEAT,
    event,
    in_force,
    reconcile,
    record,
    write,
)

ID = CA_ARN.rsplit("/", 1)[-1]


@pytest.mark.parametrize(
    ("configuration", "code", "said"),
    [
        ({}, "CRL_SWITCHED_OFF", "the CA writes no CRL"),
        ({"Enabled": False, "S3BucketName": "crls"}, "CRL_SWITCHED_OFF", "the CA writes no CRL"),
        ({"Enabled": True, "S3BucketName": "crls", "CrlType": "PARTITIONED"}, "CRL_PARTITIONED", "partitioned"),
        ({"Enabled": True, "S3BucketName": "other"}, "CRL_ELSEWHERE", f"other, as crl/{ID}.crl, and crls is read"),
        ({"Enabled": True, "S3BucketName": "o", "CustomPath": "pki"}, "CRL_ELSEWHERE", f"o, as pki/{ID}.crl, and crls"),
    ],
)
def test_a_crl_that_cannot_come_is_refused_in_so_many_words(
    world: World, configuration: dict[str, Any], code: str, said: str
) -> None:
    world.pca.crl_configuration = configuration
    assert reconcile(world)["code"] == code
    (message,) = world.inbox.messages()
    assert code in message["Subject"]
    assert said in message["Message"]


def test_a_complete_crl_of_this_bucket_may_still_come(world: World) -> None:
    world.pca.crl_configuration = {"Enabled": True, "S3BucketName": "crls", "CrlType": "COMPLETE"}
    assert reconcile(world)["state"] == "NO_CRL_YET"
    assert world.inbox.messages() == []


CUSTOM = {"Enabled": True, "S3BucketName": "crls", "CustomPath": "pki/lists"}
UNDER_CUSTOM_PATH = f"pki/lists/{ID}.crl"


@pytest.mark.parametrize("key", [UNDER_CUSTOM_PATH, KEY])
def test_with_a_custom_path_the_crl_is_taken_from_wherever_aws_writes_it(world: World, key: str) -> None:
    """AWS describes CustomPath for partitions; whether a complete CRL follows it, is not said."""
    world.pca.crl_configuration = CUSTOM
    assert reconcile(world)["state"] == "NO_CRL_YET"
    world.s3.raw.put_object(Bucket="crls", Key=key, Body=world.pca.ca.crl(1))
    assert event(world, record(key=key)) == NOTHING_TO_REPEAT
    world.s3.raw.put_object(Bucket="crls", Key=key, Body=world.pca.ca.crl(2))
    assert reconcile(world)["state"] == "UPDATED"
    assert in_force(world) == [2]
    assert world.inbox.messages() == []


def test_what_lies_at_the_usual_place_from_before_gives_way_to_the_custom_path(world: World) -> None:
    write(world, world.pca.ca.crl(1))
    reconcile(world)
    world.pca.crl_configuration = CUSTOM
    assert reconcile(world)["state"] == "IN_FORCE"
    world.s3.raw.put_object(Bucket="crls", Key=UNDER_CUSTOM_PATH, Body=world.pca.ca.crl(2))
    assert reconcile(world)["state"] == "UPDATED"
    assert in_force(world) == [2]


@pytest.mark.parametrize(
    ("configuration", "code"),
    [
        ({"Enabled": False}, "CRL_SWITCHED_OFF"),
        ({"Enabled": True, "S3BucketName": "crls", "CrlType": "PARTITIONED"}, "CRL_PARTITIONED"),
        ({"Enabled": True, "S3BucketName": "other"}, "CRL_ELSEWHERE"),
    ],
)
def test_a_ca_that_was_changed_is_told_while_its_last_crl_still_lies_there(
    world: World, configuration: dict[str, Any], code: str
) -> None:
    """Else nobody would hear of it before that list runs out, a week later; it comes into force nevertheless."""
    write(world, world.pca.ca.crl(1))
    world.pca.crl_configuration = configuration
    assert reconcile(world)["code"] == code
    assert in_force(world) == [1]
    assert code in world.inbox.messages()[-1]["Subject"]


def generation(result: str = "failure", ca: str = CA_ARN, **detail: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/privateca/latest/userguide/CloudWatchEvents.html"""
    body = {
        "source": "aws.acm-pca",
        "detail-type": "ACM Private CA CRL Generation",
        "resources": [ca],
        "detail": {"result": result, **detail},
    }
    return {"messageId": "m-1", "body": json.dumps(body)}


def test_the_cas_own_event_that_it_could_not_write_is_a_message_and_the_crl_of_before_stays(world: World) -> None:
    write(world, world.pca.ca.crl(1))
    reconcile(world)
    assert event(world, generation(reason="Check your S3 bucket permissions.")) == NOTHING_TO_REPEAT
    assert in_force(world) == [1]
    (message,) = world.inbox.messages()
    assert "CRL_NOT_WRITTEN" in message["Subject"]
    assert "Check your S3 bucket permissions." in message["Message"]


@pytest.mark.parametrize(
    "other",
    [
        generation("success"),
        generation(ca=CA_ARN[:-1] + "2"),
        {"messageId": "m-1", "body": json.dumps({"source": "aws.acm-pca", "detail": {"result": "failure"}})},
        {"messageId": "m-1", "body": json.dumps(json.loads(generation()["body"]) | {"source": "mine"})},
        {"messageId": "m-1", "body": json.dumps(json.loads(generation()["body"]) | {"resources": CA_ARN})},
        {"messageId": "m-1", "body": json.dumps(json.loads(generation()["body"]) | {"detail": "failure"})},
    ],
)
def test_events_that_say_nothing_of_a_failure_of_our_ca_are_no_message(world: World, other: dict[str, Any]) -> None:
    assert event(world, other) == NOTHING_TO_REPEAT
    assert world.inbox.messages() == []


def test_the_object_that_is_read_is_the_one_of_the_default_path() -> None:
    assert f"crl/{ID}.crl" == KEY


def test_without_a_certificate_no_crl_is_missed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    reconcile(world)
    assert metrics(capsys)["CrlMissing"] == 0


@pytest.mark.parametrize(("minutes", "missing"), [(-59, 0), (-61, 1)])
def test_an_hour_after_the_first_certificate_a_crl_is_missed(
    world: World, capsys: pytest.CaptureFixture[str], minutes: int, missing: int
) -> None:
    world.issued("0a", minutes=minutes)
    assert reconcile(world)["state"] == "NO_CRL_YET"
    assert metrics(capsys)["CrlMissing"] == missing


def test_what_was_only_asked_for_is_no_certificate_that_a_crl_could_follow(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.ledger.intend("i-0123456789abcdef0", "run", "request", "key", timedelta(days=7), "{}")
    world.later(days=1)
    reconcile(world)
    assert metrics(capsys)["CrlMissing"] == 0


def test_a_crl_that_cannot_come_is_missed_as_well_as_told(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.issued("0a", minutes=-90)
    world.pca.crl_configuration = {"Enabled": True, "S3BucketName": "other"}
    assert reconcile(world)["code"] == "CRL_ELSEWHERE"
    assert metrics(capsys)["CrlMissing"] == 1


@pytest.mark.parametrize("with_the_first_certificate", [True, False])
def test_whenever_the_first_crl_appears_its_lack_is_told_and_no_revocation_is_dropped(
    world: World, capsys: pytest.CaptureFixture[str], with_the_first_certificate: bool
) -> None:
    """With OmitExtension, AWS does not say whether the first certificate brings it or the first revocation."""
    world.issued("0a", minutes=-120)
    if with_the_first_certificate:
        write(world, world.pca.ca.crl(1))
        event(world)
    reconcile(world)
    assert metrics(capsys)["CrlMissing"] == (not with_the_first_certificate)
    write(world, world.pca.ca.crl(2, revoked=1))
    event(world)
    assert in_force(world) == [2]
    assert metrics(capsys)["CrlEntries"] == 1
    reconcile(world)
    assert metrics(capsys)["CrlMissing"] == 0
