"""Hosts that somebody has invented, and that look as if they were gone, hold up nobody who really is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runtime.conftest import HOST, World
from tests.runtime.membership.rig import LIVE, NODE, Members, enter, reconcile
from tests.runtime.renewal.steps import renew

INVENTED = [f"i-{number:017x}" for number in range(0xBAD000, 0xBAD000 + 40)]


@pytest.fixture
def members(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Members]:
    yield from enter(world, monkeypatch)


def invent(members: Members, *host_ids: str) -> None:
    """As whoever may write items can write them: with a certificate that never was."""
    for host_id in host_ids:
        members.world.put(host_id, **LIVE)


def fleet(members: Members, hosts: int) -> list[str]:
    """Real hosts, with real certificates, all running."""
    found = [f"i-{number:017x}" for number in range(1, hosts + 1)]
    for host_id in found:
        members.world.put(host_id)
        members.ec2.instances[host_id] = ("running", {})
        renew(members.world, f"run-{host_id}", host_id)
    return found


@pytest.mark.parametrize("invented", [11, 40])
def test_one_reconciliation_retires_and_revokes_who_is_gone_among_hosts_that_never_were(
    members: Members, invented: int
) -> None:
    first, *_ = fleet(members, 5)
    invent(members, *INVENTED[:invented])
    members.ec2.instances[first] = ("terminated", {})
    answer = reconcile(members)
    assert (answer["retired"], answer["revoked"], answer["refused"]) == (1, 1, invented)
    assert members.world.item(first)["status"] == "RETIRED"
    # Nobody is silent about them: a person looks at what seems to be gone and is not believed.
    (message,) = members.world.inbox.messages()
    assert message["Subject"] == f"[fleet] {invented} hosts seem to be gone: please look"
    assert first not in message["Message"]


def test_a_node_for_whom_there_is_no_event_is_retired_among_hosts_that_never_were(members: Members) -> None:
    members.world.put(NODE)
    renew(members.world, "run-1", NODE)
    for host_id in fleet(members, 3):
        members.ssm.nodes[host_id] = ("Online", {})
    invent(members, *INVENTED)
    assert reconcile(members)["retired"] == 1
    assert members.world.item(NODE)["status"] == "RETIRED"


def test_a_fleet_that_really_seems_to_be_gone_is_believed_no_more_for_invented_hosts_beside_it(
    members: Members,
) -> None:
    """Ten times as many invented hosts make no share of the fleet small."""
    for host_id in fleet(members, 6):
        del members.ec2.instances[host_id]
    for number in range(0xFAD000, 0xFAD000 + 200):
        members.world.put(f"i-{number:017x}")
    invent(members, *INVENTED)
    assert reconcile(members) | {"revoked": 0} == {"retired": 0, "revoked": 0, "unknown": [], "refused": 46}
    assert members.pca.revoked == {}


def test_hosts_that_never_were_are_retired_by_nobody(members: Members) -> None:
    invent(members, *INVENTED)
    members.ec2.instances[HOST] = ("running", {})
    assert reconcile(members)["refused"] == len(INVENTED)
    assert members.pca.revoked == {}
