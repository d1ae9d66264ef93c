"""CRLProcessor: events lost, doubled, reordered or foreign; the CRL in force only ever gets newer."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from pca_runtime.errors.kinds import AccessRefused, ServiceUnavailable, Throttled
from pca_runtime.revocation.crl import load_crl

from tests.runtime.conftest import World
from tests.runtime.fakes import ANCHOR_ARN, CA_ARN, client_error
from tests.runtime.pki import NOW, Ca
from tests.runtime.renewal.test_cert_check import metrics

KEY = f"crl/{CA_ARN.rsplit('/', 1)[-1]}.crl"
NOTHING_TO_REPEAT: dict[str, Any] = {"batchItemFailures": []}


def record(bucket: str = "crls", key: str = KEY, message_id: str = "m-1") -> dict[str, Any]:
    """An SQS record with an event of S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html"""
    event = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1}},
    }
    return {"messageId": message_id, "body": json.dumps(event)}


def event(world: World, *records: dict[str, Any]) -> dict[str, Any]:
    return world.invoke("crl_processor", {"Records": list(records or (record(),))})


def write(world: World, data: bytes) -> None:
    world.s3.raw.put_object(Bucket="crls", Key=KEY, Body=data)


def in_force(world: World) -> list[int]:
    return [load_crl(entry["crlData"]).number for entry in world.roles_anywhere.crls]


def reconcile(world: World) -> dict[str, Any]:
    return world.invoke("crl_processor", {})


def writes(world: World) -> tuple[int, int]:
    return world.roles_anywhere.count("import_crl"), world.roles_anywhere.count("update_crl")


def refused(world: World, code: str) -> str:
    """One message about this refusal; nothing was written and nothing is to be delivered again."""
    before, done = in_force(world), writes(world)
    assert event(world) == NOTHING_TO_REPEAT
    assert (in_force(world), writes(world)) == (before, done)
    (message,) = world.inbox.messages()
    assert code in message["Subject"]
    assert "What to do:" in message["Message"]
    return message["Message"]


def test_the_first_crl_is_imported_enabled_at_our_anchor(world: World) -> None:
    write(world, world.pca.ca.crl(1, revoked=2))
    assert event(world) == NOTHING_TO_REPEAT
    (request,) = world.roles_anywhere.requests("import_crl")
    assert request["name"] == "pca-automator"
    assert request["trustAnchorArn"] == ANCHOR_ARN
    assert request["enabled"] is True
    assert request["crlData"].startswith(b"-----BEGIN X509 CRL-----")


def test_ten_crls_in_a_row_are_all_brought_into_force_in_one_place(world: World) -> None:
    """The sample that this project replaces imported each anew and stopped at the third."""
    for number in range(1, 11):
        write(world, world.pca.ca.crl(number, revoked=number))
        event(world)
        assert in_force(world) == [number]
    assert writes(world) == (1, 9)


def test_a_doubled_event_writes_once(world: World) -> None:
    write(world, world.pca.ca.crl(1))
    event(world)
    event(world)
    event(world, record(message_id="a"), record(message_id="b"))
    assert writes(world) == (1, 0)
    assert world.inbox.messages() == []


def test_reordered_events_never_roll_back_because_the_object_is_read_as_it_is_now(world: World) -> None:
    write(world, world.pca.ca.crl(1))
    first = record(message_id="first")
    write(world, world.pca.ca.crl(2))
    event(world, record(message_id="second"))
    event(world, first)
    assert in_force(world) == [2]


def test_a_lost_event_is_repaired_by_the_reconciliation(world: World) -> None:
    write(world, world.pca.ca.crl(1))
    event(world)
    write(world, world.pca.ca.crl(2))
    assert reconcile(world) == {"state": "UPDATED", "number": 2, "code": ""}
    assert reconcile(world) == {"state": "IN_FORCE", "number": 2, "code": ""}
    assert in_force(world) == [2]


def test_before_the_first_certificate_there_is_no_crl_and_that_is_fine(world: World) -> None:
    assert reconcile(world)["state"] == "NO_CRL_YET"
    assert event(world) == NOTHING_TO_REPEAT
    assert world.inbox.messages() == []


@pytest.mark.parametrize(
    "foreign",
    [
        record(bucket="other"),
        record(key="crl/11111111-0000-4000-8000-000000000001.crl"),
        record(key="audit-report/x"),
        record(key=KEY + ".bak"),
        {"messageId": "m-1", "body": "not json"},
        pytest.param({"messageId": "m-1", "body": "[" * 100_000}, id="brackets without end"),
        {"messageId": "m-1", "body": "[]"},
        {"messageId": "m-1", "body": '{"detail": {"bucket": "crls", "object": "x"}}'},
        {"messageId": "m-1"},
    ],
)
def test_events_of_other_objects_do_nothing_and_are_not_repeated(world: World, foreign: dict[str, Any]) -> None:
    write(world, world.pca.ca.crl(1))
    assert event(world, foreign) == NOTHING_TO_REPEAT
    assert world.roles_anywhere.calls == []
    assert world.s3.count("get_object") == 0


def test_among_other_events_ours_is_found(world: World) -> None:
    write(world, world.pca.ca.crl(1))
    event(world, record(bucket="other"), record())
    assert in_force(world) == [1]


def test_a_crl_of_another_ca_is_refused_and_reported(world: World) -> None:
    write(world, world.pca.ca.crl(1))
    event(world)
    write(world, Ca("Other CA").crl(2))
    refused(world, "CRL_FOREIGN")


def test_a_truncated_crl_is_refused_and_reported(world: World) -> None:
    write(world, world.pca.ca.crl(1)[:-5])
    refused(world, "CRL_MALFORMED")


def test_an_older_crl_is_refused_and_reported_with_both_numbers(world: World) -> None:
    write(world, world.pca.ca.crl(9))
    event(world)
    write(world, world.pca.ca.crl(8))
    message = refused(world, "CRL_OLDER")
    assert "number 8" in message
    assert "has 9" in message


def test_a_crl_with_a_number_that_was_used_is_refused_and_reported(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two CRLs of one number nobody can tell which is the newer one; the one in force stays, with an alarm."""
    write(world, world.pca.ca.crl(9, revoked=3))
    event(world)
    metrics(capsys)
    kept = world.roles_anywhere.crls[0]["crlData"]
    write(world, world.pca.ca.crl(9, revoked=2))
    message = refused(world, "CRL_NUMBER_REUSED")
    assert "number 9, as the one in force, and other content" in message
    assert world.roles_anywhere.crls[0]["crlData"] == kept
    assert metrics(capsys)["CrlsRefused"] == 1
    write(world, world.pca.ca.crl(10))
    event(world)
    assert in_force(world) == [10]


def test_a_number_that_one_of_two_in_force_has_with_other_content_is_refused(world: World) -> None:
    """An ImportCrl that was repeated after a lost answer leaves two."""
    write(world, world.pca.ca.crl(9, revoked=2))
    event(world)
    (imported,) = world.roles_anywhere.crls
    world.roles_anywhere.crls.append({**imported, "crlId": "other", "crlData": world.pca.ca.crl(9, revoked=3)})
    refused(world, "CRL_NUMBER_REUSED")
    assert in_force(world) == [9, 9]


def test_an_expired_crl_is_refused_and_reported(world: World) -> None:
    write(world, world.pca.ca.crl(1))
    world.later(days=8)
    refused(world, "CRL_EXPIRED")


def test_a_crl_above_the_limit_is_refused_and_reported(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    write(world, world.pca.ca.crl(1, revoked=8_000))
    refused(world, "CRL_TOO_LARGE")
    found = metrics(capsys)
    assert found["CrlBytes"] > 300_000
    assert found["CrlsRefused"] == 1


def test_an_object_above_the_limit_is_not_even_read(world: World) -> None:
    write(world, b"x" * 300_001)
    assert "300001 bytes" in refused(world, "CRL_TOO_LARGE")


def test_a_full_anchor_without_ours_is_a_clear_error_that_names_both(world: World) -> None:
    one = world.roles_anywhere.add("CRL", load_crl(Ca("A").crl(1)).pem)
    other = world.roles_anywhere.add("legacy", load_crl(Ca("B").crl(1)).pem)
    write(world, world.pca.ca.crl(1))
    message = refused(world, "CRL_QUOTA_EXCEEDED")
    for expected in ("CRL", "legacy", one, other, "delete-crl"):
        assert expected in message
    lines = message.splitlines()
    for number in (one, other):
        assert any(line.startswith(f"  aws rolesanywhere delete-crl --crl-id {number}") for line in lines)


def test_beside_one_foreign_crl_ours_is_imported_and_then_updated(world: World) -> None:
    theirs = load_crl(Ca("A").crl(2, revoked=1)).pem  # its number lies between ours
    world.roles_anywhere.add("legacy", theirs)
    for number in (1, 2, 3):
        write(world, world.pca.ca.crl(number))
        event(world)
    assert in_force(world) == [2, 3]
    assert world.roles_anywhere.crls[0]["crlData"] == theirs
    assert writes(world) == (1, 2)


def test_ours_is_found_on_a_later_page_and_by_its_anchor(world: World) -> None:
    for number in range(5):
        pem = load_crl(Ca(f"CA {number}").crl(99)).pem
        world.roles_anywhere.add("pca-automator", pem, f"{ANCHOR_ARN[:-1]}{number + 2}")
    write(world, world.pca.ca.crl(1))
    event(world)
    write(world, world.pca.ca.crl(2))
    event(world)
    assert in_force(world) == [99] * 5 + [2]
    assert writes(world) == (1, 1)


@pytest.mark.parametrize("data", [b"-----BEGIN X509 CRL-----\nrubbish", load_crl(Ca("Former CA").crl(99)).pem])
def test_what_is_in_force_but_unreadable_or_of_a_former_ca_is_replaced(world: World, data: bytes) -> None:
    world.roles_anywhere.add("pca-automator", data)
    write(world, world.pca.ca.crl(1))
    event(world)
    assert in_force(world) == [1]


def test_after_an_import_that_happened_twice_none_of_the_two_goes_stale(world: World) -> None:
    """ImportCrl has no idempotency token: botocore repeats it when the answer is lost."""
    pem = load_crl(world.pca.ca.crl(1)).pem
    world.roles_anywhere.add("pca-automator", pem)
    world.roles_anywhere.add("pca-automator", pem)
    write(world, world.pca.ca.crl(2))
    event(world)
    assert in_force(world) == [2, 2]


def test_a_disabled_crl_is_updated_and_reported(world: World) -> None:
    world.roles_anywhere.add("pca-automator", load_crl(world.pca.ca.crl(1)).pem, enabled=False)
    write(world, world.pca.ca.crl(2))
    event(world)
    assert in_force(world) == [2]
    (message,) = world.inbox.messages()
    assert "CRL_DISABLED, no revocation is enforced" in message["Subject"]
    number = world.roles_anywhere.crls[0]["crlId"]
    assert f"  aws rolesanywhere enable-crl --crl-id {number}" in message["Message"]
    assert "no revocation is enforced" in message["Message"]


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("s3", "get_object"),
        ("pca", "get_certificate_authority_certificate"),
        ("roles_anywhere", "list_crls"),
        ("roles_anywhere", "import_crl"),
    ],
)
def test_throttling_leaves_the_messages_in_the_queue(world: World, service: str, operation: str) -> None:
    """One request a second: the queue repeats, nothing sleeps here."""
    write(world, world.pca.ca.crl(1))
    getattr(world, service).fail(operation, client_error("ThrottlingException"), client_error("ThrottlingException"))
    answer = event(world, record(bucket="other", message_id="x"), record(message_id="a"), record(message_id="b"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "b"}]}
    with pytest.raises(Throttled):
        reconcile(world)
    assert event(world) == NOTHING_TO_REPEAT
    assert in_force(world) == [1]
    assert world.inbox.messages() == []


def test_a_message_that_could_not_be_published_is_repeated(world: World) -> None:
    write(world, b"rubbish")
    world.sns.fail("publish", client_error("InternalError", status=500))
    assert event(world) == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}


def test_a_missing_permission_is_an_error_for_the_dead_letter_queue(world: World) -> None:
    write(world, world.pca.ca.crl(1))
    world.roles_anywhere.fail("list_crls", client_error("AccessDeniedException"))
    with pytest.raises(AccessRefused):
        event(world)


def test_a_forbidden_object_is_not_mistaken_for_a_missing_one(world: World) -> None:
    world.s3.fail("get_object", client_error("AccessDenied", status=403))
    with pytest.raises(AccessRefused):
        reconcile(world)


def test_an_unavailable_service_is_raised_to_the_reconciliation(world: World) -> None:
    world.s3.fail("get_object", client_error("InternalError", status=500))
    with pytest.raises(ServiceUnavailable):
        reconcile(world)


def test_size_entries_and_time_are_metrics(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    data = world.pca.ca.crl(1, revoked=5)
    write(world, data)
    event(world)
    assert metrics(capsys) == {
        "CrlBytes": len(load_crl(data).pem),
        "CrlEntries": 5,
        "CrlSecondsToNextUpdate": timedelta(days=7).total_seconds(),
        "CrlAgeSeconds": timedelta(hours=1).total_seconds(),
        "CrlMissing": 0,
        "CrlsAccepted": 1,
    }
    world.later(days=1)
    reconcile(world)
    found = metrics(capsys)
    assert "CrlsAccepted" not in found
    assert found["CrlSecondsToNextUpdate"] == timedelta(days=6).total_seconds()


def test_when_a_new_crl_is_refused_the_one_in_force_is_still_measured(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    write(world, world.pca.ca.crl(1))
    event(world)
    write(world, b"rubbish")
    world.later(days=1)
    capsys.readouterr()
    event(world)
    found = metrics(capsys)
    assert found["CrlsRefused"] == 1
    assert found["CrlSecondsToNextUpdate"] == timedelta(days=6).total_seconds()


def test_the_bucket_is_read_only_at_the_cas_own_key(world: World) -> None:
    world.s3.raw.put_object(Bucket="crls", Key="crl/other.crl", Body=world.pca.ca.crl(5))
    event(world, record(key="crl/other.crl"))
    assert in_force(world) == []
    assert world.now == NOW


def test_the_schedules_message_repairs_a_lost_event(world: World) -> None:
    write(world, world.pca.ca.crl(3))
    message = {"messageId": "m-1", "body": json.dumps({"reconcile": True})}
    assert event(world, message) == NOTHING_TO_REPEAT
    assert in_force(world) == [3]
    world.s3.fail("get_object", client_error("SlowDown"))
    assert event(world, message) == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
