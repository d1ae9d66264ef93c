"""Events of S3, EC2 and the inventory's stream, each of them lost, doubled and reordered: the end is the same.

Delivery is what the parameter says; then the schedules have their turn, as they do on AWS within the hour. What must
hold even without them stands before that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.runtime.conftest import HOST, World
from tests.runtime.membership.rig import Members, ec2_event, enter, record
from tests.runtime.revocation.test_crl_processor import event as crl_event
from tests.runtime.revocation.test_crl_processor import in_force, write
from tests.runtime.revocation.test_crl_processor import reconcile as reconcile_crl

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
