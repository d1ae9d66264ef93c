"""What is replaced, or was sent and never recorded, is revoked where it is to be, and never another host's."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import client_error
from tests.runtime.membership.rig import (
    FUTURE,
    LIVE,
    PAST,
    Members,
    enter,
    reconcile,
    terminated,
)
from tests.runtime.renewal.steps import RUN, host, issue, until_csr


@pytest.fixture
def members(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Members]:
    yield from enter(world, monkeypatch)


def renew(members: Members, run: str, **payload: Any) -> dict[str, Any]:
    world = members.world
    sent = world.invoke("cert_csr", host(run))
    ready = world.invoke("cert_csr_status", {**host(run), "commandId": sent["commandId"], "attempt": 0})
    world.invoke("cert_issue", {**host(run), "csr": ready["csr"], "taskToken": f"token-{run}"})
    world.invoke("cert_deploy", host(run))
    command = world.item()["pending"]["installCommandId"]
    return members.invoke("cert_deploy_status", {**host(run), "commandId": command, "attempt": 0, **payload})


def test_by_default_a_replaced_certificate_runs_out_by_itself(members: Members) -> None:
    members.world.put(**LIVE)
    assert renew(members, RUN)["state"] == "DEPLOYED"
    assert members.pca.revoked == {}
    assert members.world.item()["previousExpiry"] == "2026-11-30T13:15:00Z"


def test_a_run_that_asks_for_it_revokes_what_it_replaced_once_that_is_live(members: Members) -> None:
    members.world.put(**LIVE)
    assert renew(members, RUN, revokeReplaced=True)["state"] == "DEPLOYED"
    assert members.pca.revoked == {0x0ABC: "SUPERSEDED"}
    assert members.world.item()["status"] == "DEPLOYED"
    assert "toRevoke" not in members.world.item()


def renew_as_decided(members: Members, monkeypatch: pytest.MonkeyPatch, policy: str, run: str, given: Any) -> None:
    """A renewal with what CertCheck decides from policy and input, handed on as the workflow does."""
    monkeypatch.setenv("REVOKE_REPLACED", policy)
    importlib.import_module("handlers.cert_check")._settings.cache_clear()
    decided = members.world.invoke("cert_check", {"input": given, "runId": run})
    renew(members, run, revokeReplaced=decided["revokeReplaced"], revocationReason=decided["revocationReason"])


def test_the_policy_always_revokes_without_being_asked(members: Members, monkeypatch: pytest.MonkeyPatch) -> None:
    members.world.put()
    renew_as_decided(members, monkeypatch, "ALWAYS", RUN, {})
    assert members.pca.revoked == {}
    first = int(members.world.item()["serial"], 16)
    renew_as_decided(members, monkeypatch, "ALWAYS", "run-2", {})
    assert members.pca.revoked == {first: "SUPERSEDED"}


@pytest.mark.parametrize(
    ("given", "revoked"),
    [
        ({}, {}),
        ({"reissue": "all"}, {0x0ABC: "KEY_COMPROMISE"}),
        ({"reissue": "all", "revokeReplaced": False}, {}),
    ],
)
def test_the_policy_for_compromises_revokes_when_everything_is_reissued(
    members: Members, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], revoked: dict[int, str]
) -> None:
    members.world.put(**LIVE)
    renew_as_decided(members, monkeypatch, "ON_KEY_COMPROMISE", RUN, given)
    assert members.pca.revoked == revoked
    assert members.world.item()["status"] == "DEPLOYED"


def test_a_revocation_that_fails_does_not_fail_the_renewal_and_is_repeated(members: Members) -> None:
    members.world.put(**LIVE)
    members.ec2.instances[HOST] = ("running", {})
    members.pca.fail("revoke_certificate", client_error("ThrottlingException"))
    renewed = renew(members, RUN, revokeReplaced=True, revocationReason="KEY_COMPROMISE")
    assert renewed["state"] == "DEPLOYED"
    assert members.world.item()["toRevoke"] == {"0abc"}
    assert reconcile(members)["revoked"] == 1
    # The reason stands in the item: whoever comes back to it does not know the run.
    assert members.pca.revoked == {0x0ABC: "KEY_COMPROMISE"}


def test_a_host_cannot_have_another_hosts_certificate_revoked(members: Members) -> None:
    """The host's output names a previous serial of its own choice."""
    members.world.put(**LIVE)
    install = members.ssm._install
    members.ssm._install = lambda parameters: install(parameters).replace(  # type: ignore[method-assign]
        "previous=none", "previous=0fff"
    )
    renew(members, RUN, revokeReplaced=True)
    assert set(members.pca.revoked) == {0x0ABC}


def sent(members: Members, run: str = RUN) -> str:
    """A renewal up to the install command; returns the serial that is on its way."""
    world = members.world
    issue(world, f"token-{run}", run)
    world.invoke("cert_deploy", host(run))
    return str(world.item()["pending"]["serial"])


def give_up(members: Members, run: str = RUN) -> None:
    failure = {"phase": "CertDeployStatus", "error": {"Error": "InstallTimedOut", "Cause": "x"}}
    members.world.invoke("cert_failure", {**host(run), **failure})


def stop(members: Members, _run: str = RUN) -> None:
    """The execution is aborted; nothing is recorded, and the lease runs out."""
    members.world.later(hours=2)


@pytest.mark.parametrize("end", [give_up, stop])
def test_a_certificate_that_was_sent_and_never_recorded_is_revoked_with_its_host(
    members: Members, end: Callable[[Members, str], None]
) -> None:
    """A host that was too slow for its workflow has put it in service after all."""
    members.world.put(**LIVE)
    slow = sent(members)
    end(members, RUN)
    terminated(members)
    assert set(members.pca.revoked) == {0x0ABC, int(slow, 16)}


@pytest.mark.parametrize("end", [give_up, stop])
def test_it_is_remembered_when_the_next_run_takes_the_host_and_fails_too(
    members: Members, end: Callable[[Members, str], None]
) -> None:
    members.world.put(**LIVE)
    slow = sent(members)
    end(members, RUN)
    second = sent(members, "run-2")
    end(members, "run-2")
    until_csr(members.world, "run-3")
    assert set(members.world.item()["otherSerials"]) >= {slow}
    terminated(members)
    assert set(members.pca.revoked) == {0x0ABC, int(slow, 16), int(second, 16)}


def test_it_is_revoked_also_where_a_person_wrote_the_status_meanwhile(members: Members) -> None:
    members.world.put(**LIVE)
    slow = sent(members)
    members.ec2.instances[HOST] = ("running", {})
    item = {name: value for name, value in members.world.item().items() if name != "hostID"}
    members.world.put(**{**item, "status": "RETIRED"})
    give_up(members)
    reconcile(members)
    assert set(members.pca.revoked) == {0x0ABC, int(slow, 16)}


def answering(members: Members, previous: str) -> None:
    """The host says what it had before."""
    install = members.ssm._install
    members.ssm._install = lambda parameters: install(parameters).replace(  # type: ignore[method-assign]
        "previous=none", f"previous={previous}"
    )


def test_the_next_renewal_takes_it_for_the_previous_one_and_forgets_neither(members: Members) -> None:
    members.world.put(**LIVE)
    slow = sent(members)
    expiry = members.world.item()["pending"]["expiry"]
    give_up(members)
    answering(members, slow)
    renew(members, "run-2")
    item = members.world.item()
    assert (item["previousSerial"], item["previousExpiry"]) == (slow, expiry)
    assert item["otherSerials"] == {"0abc": LIVE["expiry"]}
    terminated(members)
    assert set(members.pca.revoked) == {0x0ABC, int(slow, 16), int(item["serial"], 16)}


def test_a_host_cannot_make_the_table_forget_its_certificate(members: Members) -> None:
    """By saying that it replaced another one."""
    members.world.put(**LIVE)
    answering(members, "0fff")
    renew(members, RUN)
    live = int(members.world.item()["serial"], 16)
    terminated(members)
    assert set(members.pca.revoked) == {0x0ABC, live}


def test_a_run_that_revokes_what_it_replaced_revokes_what_was_never_recorded_too(members: Members) -> None:
    members.world.put(**LIVE)
    slow = sent(members)
    give_up(members)
    renew(members, "run-2", revokeReplaced=True)
    assert members.pca.revoked == {0x0ABC: "SUPERSEDED", int(slow, 16): "SUPERSEDED"}
    assert not {"toRevoke", "otherSerials"} & members.world.item().keys()


def test_what_has_run_out_is_forgotten(members: Members) -> None:
    members.world.put(**LIVE, otherSerials={"0d": PAST, "0e": FUTURE, "x": FUTURE, "0f": 7})
    renew(members, RUN)
    assert members.world.item()["otherSerials"] == {"0e": FUTURE}
    members.world.later(hours=12)
    renew(members, "run-2")
    # Replaced twice before its time, so it is not even the previous one any more.
    assert members.world.item()["otherSerials"] == {"0abc": LIVE["expiry"]}


def test_a_host_that_fails_for_months_does_not_outgrow_its_item(members: Members) -> None:
    many = {f"{number:x}": f"2027-01-{number // 24 + 1:02}T{number % 24:02}:00:00Z" for number in range(200)}
    members.world.put(**LIVE, otherSerials=many)
    slow = sent(members)
    give_up(members)
    kept = members.world.item()["otherSerials"]
    assert len(kept) == 30
    assert set(kept) == {f"{number:x}" for number in range(170, 200)}
    assert slow not in kept


def test_a_healthy_renewal_remembers_nothing(members: Members) -> None:
    members.world.put(**LIVE)
    renew(members, RUN)
    assert "otherSerials" not in members.world.item()
