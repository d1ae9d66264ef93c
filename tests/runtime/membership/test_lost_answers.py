"""A request for a certificate whose answer and event are lost: the CA's audit report says what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from botocore.exceptions import ReadTimeoutError
from pca_runtime.revocation import unanswered

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import CrashError, client_error
from tests.runtime.membership.rig import LIVE, Members, enter, reconcile, terminated
from tests.runtime.renewal.steps import RUN, TOKEN, issue

_REPORT = {"Bucket": "audit", "Key": "audit-report/ca/report-1.csv"}


@pytest.fixture
def members(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Members]:
    """A host for which the CA issued a certificate, of which nobody heard; the report has been asked for."""
    for entered in enter(world, monkeypatch):
        world.put(**LIVE)
        entered.ec2.instances[HOST] = ("running", {})
        entered.pca.crash_after("issue_certificate")
        with pytest.raises(CrashError):
            issue(world, TOKEN, RUN)
        world.later(hours=1)
        reconcile(entered)
        world.later(hours=1)
        yield entered


def write(members: Members, old: str = "", new: str = "") -> None:
    """The report; of its text, every ``old`` is ``new``."""
    s3 = members.world.s3.raw
    members.pca.write_report(s3, issued_at=members.world.now - timedelta(hours=2))
    text = s3.get_object(**_REPORT)["Body"].read().decode()
    assert old in text
    s3.put_object(**_REPORT, Body=text.replace(old, new).encode() if old else text.encode())


def is_waited_for(members: Members) -> bool:
    """Nobody says what is not known: the request may still have a certificate."""
    (entry,) = members.world.certificates()
    assert entry.fate in ("REQUESTED", "ISSUED")
    return entry.serial is None


def is_revoked_with_its_host(members: Members) -> bool:
    (entry,) = members.world.certificates()
    members.ec2.instances[HOST] = ("terminated", {})
    terminated(members)
    return set(members.pca.revoked) == {0x0ABC, int(str(entry.serial), 16)}


_FAULTS = {
    "throttled": client_error("ThrottlingException"),
    "failed": client_error("InternalServerError", status=500),
    "denied": client_error("AccessDeniedException"),
    "not there yet": client_error("ResourceNotFoundException"),
    "in progress": client_error("RequestInProgressException"),
    "unreachable": ReadTimeoutError(endpoint_url="x"),
}


@pytest.mark.parametrize("fault", _FAULTS.values(), ids=_FAULTS)
def test_a_certificate_that_is_in_the_report_and_cannot_be_fetched_is_asked_for_again(
    members: Members, fault: Exception
) -> None:
    write(members)
    members.pca.fail("get_certificate", fault)
    reconcile(members)
    assert is_waited_for(members)
    members.world.later(hours=1)
    reconcile(members)
    assert not is_waited_for(members)
    assert members.pca.count("create_certificate_authority_audit_report") == 1
    assert is_revoked_with_its_host(members)


@pytest.mark.parametrize("operation", ["get_certificate", "describe_certificate_authority_audit_report"])
def test_who_is_interrupted_while_reading_the_report_reads_it_again(members: Members, operation: str) -> None:
    write(members)
    members.pca.crash_after(operation)
    with pytest.raises(CrashError):
        reconcile(members)
    assert is_waited_for(members)
    reconcile(members)
    assert is_revoked_with_its_host(members)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("CN=", "2.5.4.3="),
        ("CN=", "2.5.4.5=#012345678901,CN="),
        ("CN=", "O=fleet/CN="),
        ("CN=", "CN = "),
        ("CN=", "O=Fleet+CN="),
        (f"CN={HOST}", f"OU=Fleet,2.5.4.3=#0c13{HOST.encode().hex()}"),
        (f'"CN={HOST}"', f'\\"2.5.4.5=#01,2.5.4.44=#0a,CN={HOST},O=Fleet\\"'),
    ],
    ids=["number", "with hexadecimal digits", "slashes", "blanks", "of several values", "DER", "quoted otherwise"],
)
def test_a_certificate_is_found_in_whatever_form_the_report_writes_its_subject(
    members: Members, old: str, new: str
) -> None:
    write(members, old, new)
    reconcile(members)
    assert not is_waited_for(members)


@pytest.mark.parametrize("column", ["certificateArn", "subject", "issuedAt"])
def test_nothing_follows_from_a_report_that_is_written_differently_and_a_new_one_is_asked_for(
    members: Members, column: str
) -> None:
    write(members, f",{column}", f",{column}OfIt")
    reconcile(members)
    assert is_waited_for(members)
    for _ in range(6):
        members.world.later(hours=1)
        reconcile(members)
    assert is_waited_for(members)
    assert members.pca.count("create_certificate_authority_audit_report") == 2
    write(members)
    members.world.later(hours=1)
    reconcile(members)
    assert is_revoked_with_its_host(members)


def test_a_report_that_is_gone_gives_way_to_a_new_one(members: Members) -> None:
    write(members)
    members.world.s3.raw.delete_object(**_REPORT)
    for _ in range(7):
        reconcile(members)
        members.world.later(hours=1)
    assert is_waited_for(members)
    assert members.pca.count("create_certificate_authority_audit_report") == 2


def test_what_ends_the_function_does_not_end_it_for_ever(members: Members) -> None:
    """A report that takes all of its memory, for example: only departures are in time then."""
    write(members)
    members.world.later(hours=6)
    members.pca.crash_after("get_certificate")
    with pytest.raises(CrashError):
        reconcile(members)
    reconcile(members)
    assert members.pca.count("create_certificate_authority_audit_report") == 2


def test_requests_that_nothing_is_known_of_are_not_in_the_way_of_others(
    members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad day of the CA leaves thousands of them, and it may write no reports."""
    monkeypatch.setattr(unanswered, "_OF_A_REPORT", 3)
    ledger, now = members.world.ledger, members.world.now
    members.world.now = now - timedelta(days=1)
    for number in range(501):
        ledger.intend(f"i-{number:017x}", "run-0", f"{number:032x}", "00" * 32, timedelta(days=30), "")
    members.world.now = now
    certificate_arn = next(iter(members.pca.certificates))
    (entry,) = members.world.certificates()
    ledger.issued(entry, certificate_arn)
    members.world.later(hours=1)
    reconcile(members)
    assert not is_waited_for(members)
