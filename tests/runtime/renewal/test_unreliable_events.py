"""Events of S3, EC2, AWS Private CA and the inventory's stream, each lost, doubled and reordered: the end is the same.

Delivery is what the parameter says; then the schedules have their turn, as they do on AWS within the hour. What must
hold even without them stands before that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pca_runtime.revocation.crl import load_crl
from pca_runtime.shared.timestamps import format_time

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import client_error
from tests.runtime.membership.rig import Members, ec2_event, enter, record
from tests.runtime.renewal.steps import completed, finish, host, issuance_event, issue
from tests.runtime.renewal.test_cert_check import metrics
from tests.runtime.revocation.test_crl_processor import event as crl_event
from tests.runtime.revocation.test_crl_processor import in_force, write
from tests.runtime.revocation.test_crl_processor import reconcile as reconcile_crl
from tests.runtime.revocation.test_crl_source import generation

LIVE = {
    "status": "DEPLOYED",
    "serial": "0abc",
    "expiry": "2026-11-30T13:15:00Z",
    "renewalDate": "2026-11-28T13:15:00Z",
    "lastRunId": "run-0",
}
TAGS = {"CertManaged": "true"}
WAYS = ["lost", "doubled", "reordered"]


@pytest.fixture
def members(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Members]:
    yield from enter(world, monkeypatch)


def started(members: Members) -> None:
    body = json.dumps(ec2_event(HOST, "running"))
    members.invoke("cert_register", {"Records": [{"messageId": "m", "body": body}]})


def terminated(members: Members) -> None:
    members.invoke("cert_retire", ec2_event(HOST, "terminated"))


def reconcile(members: Members) -> None:
    """What the schedules do within an hour."""
    members.invoke("cert_retire", {"reconcile": True})
    members.invoke("cert_register", {})


def scheduled_run(members: Members) -> int:
    """CertCheck of the run at 03:15: how many hosts it renews."""
    answer: int = members.world.invoke("cert_check", {"input": {}, "runId": "scheduled"})["due"]
    return answer


def enrolled(members: Members) -> list[Any]:
    return list(members.runs.started.values())


@pytest.mark.parametrize(("way", "deliveries"), [("lost", 0), ("doubled", 3), ("reordered", 2)])
def test_s3_events_of_new_crls(members: Members, way: str, deliveries: int) -> None:
    """Reordered: the event of the older CRL comes when the newer one is there already."""
    world = members.world
    write(world, world.pca.ca.crl(1))
    if way == "doubled":
        crl_event(world)
    write(world, world.pca.ca.crl(2, revoked=1))
    for _ in range(deliveries):
        crl_event(world)
    assert in_force(world) == ([] if way == "lost" else [2])
    reconcile_crl(world)
    assert in_force(world) == [2]
    assert world.inbox.messages() == []


@pytest.mark.parametrize("way", WAYS)
def test_ec2_events_of_an_instance_that_ends(members: Members, way: str) -> None:
    """Reordered: its start is told of after its end."""
    members.world.put(**LIVE)
    members.ec2.instances[HOST] = ("terminated", TAGS)
    members.ssm.nodes[HOST] = ("Online", TAGS)  # for some minutes, Systems Manager still shows it so
    if way == "doubled":
        terminated(members)
    if way != "lost":
        terminated(members)
        started(members)
        assert members.pca.revoked == {0x0ABC: "CESSATION_OF_OPERATION"}
    reconcile(members)
    reconcile(members)
    assert members.pca.revoked == {0x0ABC: "CESSATION_OF_OPERATION"}
    assert members.pca.count("revoke_certificate") == 1
    assert members.world.item()["status"] == "RETIRED"
    assert scheduled_run(members) == 0


@pytest.mark.parametrize("way", WAYS)
def test_ec2_events_of_an_instance_that_starts(members: Members, way: str) -> None:
    """Reordered: its end, from before it was started once more, is told of after its start; nobody loses anything."""
    members.ec2.instances[HOST] = ("running", TAGS)
    members.ssm.nodes[HOST] = ("Online", TAGS)
    if way != "lost":
        started(members)
    if way == "doubled":
        started(members)
    reconcile(members)
    assert members.world.item()["enrolledBy"] == "tag"
    if way == "reordered":
        members.invoke("cert_retire", ec2_event(HOST, "stopped"))
    assert members.world.item().get("status") is None
    assert scheduled_run(members) == 1


@pytest.mark.parametrize("way", WAYS)
def test_stream_events_of_a_host_that_is_put_in(members: Members, way: str) -> None:
    """Reordered: it comes after the run that it asked for, so it must not renew the host again."""
    members.world.put()
    inserted = {"Records": [record(1, None, {"hostID": HOST})]}
    if way == "lost":
        assert scheduled_run(members) == 1
        return
    if way == "reordered":
        members.world.put(**LIVE)
    for _ in range(2 if way == "doubled" else 1):
        members.invoke("cert_enroll", inserted)
    (run_input,) = enrolled(members)
    due = members.world.invoke("cert_check", {"input": run_input, "runId": "enrol"})["due"]
    assert due == (0 if way == "reordered" else 1)


@pytest.mark.parametrize("way", WAYS)
def test_stream_events_of_an_override_that_is_changed(members: Members, way: str) -> None:
    """Reordered: it comes when the item has been changed once more. A run is told of hosts, not of what items say."""
    first, second = ({**LIVE, "certPath": path} for path in ("/srv/first", "/srv/second"))
    changed = [
        {"Records": [record(1, {"hostID": HOST, **LIVE}, {"hostID": HOST, **first})]},
        {"Records": [record(2, {"hostID": HOST, **first}, {"hostID": HOST, **second})]},
    ]
    members.world.put(**second)
    for each in {"lost": [], "doubled": [changed[1]] * 3, "reordered": changed[::-1]}[way]:
        members.invoke("cert_enroll", each)
    assert len(enrolled(members)) == {"lost": 0, "doubled": 1, "reordered": 2}[way]
    for run_input in enrolled(members):
        assert run_input == {"hostIDs": [HOST], "force": True, "automatic": True}
    assert members.world.item()["certPath"] == "/srv/second"
    # Without the event it is made good by the scheduled run that renews the host.
    members.world.later(days=6)
    assert scheduled_run(members) == 1


@pytest.mark.parametrize("way", WAYS)
def test_stream_events_of_a_host_that_is_removed(members: Members, way: str) -> None:
    """Reordered: after the event of its instance's end, which finds no item any more, or before the item's return."""
    retired = {
        **LIVE,
        "status": "RETIRED",
        "retiredAt": "2026-11-23T13:00:00Z",
        "revocationOrder": "CESSATION_OF_OPERATION",
    }
    members.ec2.instances[HOST] = ("terminated", {})
    removed = {"Records": [record(1, {"hostID": HOST, **retired}, None)]}
    if way == "lost":
        # Lambda tries for twelve hours, then the record is in the dead-letter queue; before the removal, an hour is
        # enough for the reconciliation.
        members.world.put(**retired)
        reconcile(members)
    if way == "reordered":
        terminated(members)
    for _ in range({"lost": 0, "doubled": 2, "reordered": 1}[way]):
        members.invoke("cert_retire", removed)
        members.invoke("cert_enroll", removed)
    assert set(members.pca.revoked) == {0x0ABC}
    assert enrolled(members) == []
    assert way == "lost" or members.world.item() == {}


@pytest.mark.parametrize("hours", [0.2, 2, 23])
def test_an_end_of_before_a_host_came_back_is_told_of_late_and_retires_nobody(members: Members, hours: float) -> None:
    """The host was put in again after it; EC2 knows the instance as one that runs, or does not answer."""
    members.world.put(**LIVE, enrolledAt=format_time(members.world.now - timedelta(minutes=6)))
    before = members.world.item()
    ended = format_time(members.world.now - timedelta(hours=hours))
    for states in ({HOST: ("running", TAGS)}, {}):
        members.ec2.instances = states
        for _ in range(2):
            answer = members.invoke("cert_retire", {**ec2_event(HOST, "terminated"), "time": ended})
            assert answer == {"retired": 0, "revoked": 0, "unknown": []}
    assert (members.world.item(), members.pca.revoked) == (before, {})


@pytest.mark.parametrize("sign", ["brought back", "asked for a certificate", "nothing"])
def test_what_a_host_did_after_its_end_overtakes_the_event(members: Members, sign: str) -> None:
    """Also an event that comes within minutes. EC2 does not answer, so that nothing else speaks for the host."""
    world = members.world
    just_now = format_time(world.now - timedelta(minutes=1))
    world.put(**LIVE, **({"retiredAt": just_now} if sign == "brought back" else {}))
    if sign == "asked for a certificate":
        world.issued("0abc", minutes=-1)
    members.ec2.fail("describe_instances", client_error("RequestLimitExceeded", "DescribeInstances"))
    late = {**ec2_event(HOST, "terminated"), "time": format_time(world.now - timedelta(minutes=2))}
    members.invoke("cert_retire", late)
    # Without any sign the event is believed.
    assert (world.item()["status"] == "RETIRED") is (sign == "nothing")


def test_a_certificate_that_went_live_after_it_overtakes_an_end_that_ec2_knows_nothing_of(members: Members) -> None:
    members.world.put(**LIVE, lastAttempt=format_time(members.world.now - timedelta(minutes=1)))
    late = {**ec2_event(HOST, "terminated"), "time": format_time(members.world.now - timedelta(minutes=2))}
    members.invoke("cert_retire", late)
    assert (members.world.item()["status"], members.pca.revoked) == ("DEPLOYED", {})
    members.ec2.instances[HOST] = ("shutting-down", TAGS)  # what EC2 itself says comes first
    members.invoke("cert_retire", late)
    assert (members.world.item()["status"], len(members.pca.revoked)) == ("RETIRED", 1)


@pytest.mark.parametrize("hours", [0, 0.5, 20])
@pytest.mark.parametrize("answers", [True, False])
def test_an_end_that_nothing_newer_speaks_against_is_believed_or_left_to_the_reconciliation(
    members: Members, hours: float, answers: bool
) -> None:
    """However late, and whether EC2 answers or not: the certificate is revoked by the event or within the hour."""
    members.world.put(**LIVE)
    members.ec2.instances[HOST] = ("terminated", {})
    if not answers and hours:  # one that is on time is believed without a question
        members.ec2.fail("describe_instances", client_error("RequestLimitExceeded", "DescribeInstances"))
    ended = format_time(members.world.now - timedelta(hours=hours))
    members.invoke("cert_retire", {**ec2_event(HOST, "terminated"), "time": ended})
    assert (members.world.item()["status"] == "RETIRED") is (hours < 1 or answers)
    reconcile(members)
    assert members.pca.revoked == {0x0ABC: "CESSATION_OF_OPERATION"}


@pytest.mark.parametrize("status", ["RETIRED", "DEPLOYED"])
def test_a_removal_that_is_told_of_late_revokes_nothing_that_was_asked_for_since(members: Members, status: str) -> None:
    """What was ordered then is revoked, and the certificate that the host has got since stays in force."""
    world = members.world
    world.issued("0abc", minutes=-300)
    world.issued("0abd", minutes=-299.5)  # the stream rounds the time of the removal down
    old = {**LIVE, "status": status, "retiredAt": format_time(world.now), "revocationOrder": "SUPERSEDED"}
    removal = record(1, {"hostID": HOST, **old, "serial": "0abd" if status == "DEPLOYED" else "0abc"}, None)
    removal["dynamodb"]["ApproximateCreationDateTime"] = (world.now - timedelta(minutes=300)).timestamp()
    world.issued("0abe", minutes=-200)
    world.issued("0abf", minutes=-100)
    world.put(**LIVE | {"serial": "0abf"})
    members.ec2.instances[HOST] = ("running", TAGS)
    for _ in range(2):
        members.invoke("cert_retire", {"Records": [removal]})
    assert set(members.pca.revoked) == ({0x0ABC, 0x0ABD} if status == "RETIRED" else {0x0ABC})
    reconcile(members)
    assert 0x0ABF not in members.pca.revoked


def test_a_removal_of_no_known_time_spares_what_the_host_holds_now(members: Members) -> None:
    world = members.world
    world.issued("0abc", minutes=-300)
    world.issued("0abf", minutes=-100)
    world.put(**LIVE | {"serial": "0abf"})
    members.ec2.instances[HOST] = ("running", TAGS)
    old = {**LIVE, "status": "RETIRED", "retiredAt": format_time(world.now), "revocationOrder": "KEY_COMPROMISE"}
    members.invoke("cert_retire", {"Records": [record(1, {"hostID": HOST, **old}, None)]})
    assert members.pca.revoked == {0x0ABC: "KEY_COMPROMISE"}


@pytest.mark.parametrize("way", WAYS)
def test_events_that_a_crl_could_not_be_written(members: Members, capsys: pytest.CaptureFixture[str], way: str) -> None:
    """Reordered: the CRL that came after it is in force already, so that nobody is called for what is over."""
    world = members.world
    write(world, world.pca.ca.crl(1))
    reconcile_crl(world)
    failed = generation()
    body = json.loads(failed["body"])
    minutes = -1 if way == "reordered" else 1
    body["time"] = format_time(load_crl(world.pca.ca.crl(1)).parsed.last_update_utc + timedelta(minutes=minutes))
    failed["body"] = json.dumps(body)
    for _ in range({"lost": 0, "doubled": 2, "reordered": 2}[way]):
        assert crl_event(world, failed) == {"batchItemFailures": []}
    assert len(world.inbox.messages()) == {"lost": 0, "doubled": 2, "reordered": 0}[way]
    if way == "lost":
        reconcile_crl(world)
        # A CRL that nobody writes anew runs out, in the metrics of every look and their alarm.
        assert metrics(capsys)["CrlSecondsToNextUpdate"] > 0
    assert in_force(world) == [1]


@pytest.mark.parametrize("way", WAYS)
def test_events_of_certificates(members: Members, way: str) -> None:
    """Reordered: the event of the renewal before comes while the next one waits for its own, and after that."""
    world = members.world
    world.put()
    old = issue(world, "token-old", "run-0")
    world.invoke("cert_deploy", issuance_event(old))
    finish(world, completed(world, "token-old"), "run-0")
    world.later(days=5)
    arn = issue(world)
    repeated = {"lost": [], "doubled": [arn, arn], "reordered": [old, arn, old]}[way]
    for each in repeated:
        world.invoke("cert_deploy", issuance_event(each))
    # Without an event the workflow asks by itself.
    install = world.invoke("cert_deploy", host()) if way == "lost" else completed(world)
    assert finish(world, install)["state"] == "DEPLOYED"
    deployed = world.item()
    for each in repeated:
        assert world.invoke("cert_deploy", issuance_event(each))["state"] == "IGNORED"
    assert world.item() == deployed
    assert deployed["certificateArn"] == arn
    assert len(members.ssm.sent("InstallCertificate")) == 2
    assert {entry.fate for entry in world.certificates()} == {"LIVE"}
