"""What the ledger of certificates is for: nothing that was issued for a host is forgotten, and all of it is revoked."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from pca_runtime.errors.kinds import Throttled

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import CrashError, client_error
from tests.runtime.membership.rig import LIVE, Members, enter, reconcile, terminated
from tests.runtime.renewal.steps import RUN, TOKEN, host, issuance_event, issue, until_csr


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


def test_a_run_that_asks_for_it_revokes_what_it_replaced_once_that_is_live(members: Members) -> None:
    members.world.put(**LIVE)
    assert renew(members, RUN, revokeReplaced=True)["state"] == "DEPLOYED"
    assert members.pca.revoked == {0x0ABC: "SUPERSEDED"}
    assert members.world.item()["status"] == "DEPLOYED"
    assert "revocationOrder" not in members.world.item()


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
    assert [each.serial for each in members.world.ledger.waiting("REVOKE")] == ["0abc"]
    assert reconcile(members)["revoked"] == 1
    # The reason stands in the ledger: whoever comes back to it does not know the run.
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
    assert slow in {each.serial for each in members.world.certificates()}
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
    members.world.issued("0abc", minutes=-1)
    slow = sent(members)
    give_up(members)
    answering(members, slow)
    renew(members, "run-2")
    item = members.world.item()
    assert item["previousSerial"] == slow
    terminated(members)
    assert set(members.pca.revoked) == {0x0ABC, int(slow, 16), int(item["serial"], 16)}


def test_a_host_cannot_make_the_table_forget_its_certificate(members: Members) -> None:
    """By saying that it replaced another one."""
    members.world.put(**LIVE)
    members.world.issued("0abc", minutes=-1)
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
    assert "revocationOrder" not in members.world.item()


def test_a_host_that_fails_for_months_keeps_no_certificate(members: Members) -> None:
    """Whatever their number: 30 days of validity and runs every 12 hours make 61 of them."""
    members.world.put(**LIVE)
    serials = {0x0ABC}
    for number in range(75):
        members.world.issued(f"1{number:02x}", days=30, minutes=number)
        serials.add(int(f"1{number:02x}", 16))
    members.world.issued("2ff", days=-1)
    terminated(members)
    # One departure carries out some; the reconciliation does the rest, and holds nobody up.
    assert 0 < len(members.pca.revoked) < len(serials)
    reconcile(members)
    assert set(members.pca.revoked) == serials
    assert list(members.world.ledger.waiting("REVOKE")) == []


def test_a_certificate_that_was_refused_is_revoked(members: Members) -> None:
    """Our own certificate with a name that nobody asked for: valid, never sent, and not to be forgotten."""
    world = members.world
    world.put(**LIVE)
    members.ec2.instances[HOST] = ("running", {})
    issued, names = members.pca.ca.issue, [x509.DNSName("evil.example")]
    members.pca.ca.issue = lambda csr, **_: issued(csr, names=names)  # type: ignore[method-assign]
    arn = issue(world, TOKEN, RUN)
    assert world.invoke("cert_deploy", issuance_event(arn))["code"] == "CERTIFICATE_NOT_AS_REQUESTED"
    (entry,) = world.certificates()
    assert (entry.fate, entry.reason) == ("REFUSED", "UNSPECIFIED")
    reconcile(members)
    assert set(members.pca.revoked) == {int(str(entry.serial), 16)}


def test_a_slow_run_s_certificate_is_known_although_another_run_has_the_host(members: Members) -> None:
    world = members.world
    world.put(**LIVE)
    arn = issue(world, TOKEN, RUN)
    world.later(hours=2)
    issue(world, "token-b", "run-b")
    assert world.invoke("cert_deploy", issuance_event(arn))["state"] == "IGNORED"
    assert {each.certificate_arn for each in world.certificates()} >= {arn}
    terminated(members)
    assert set(members.pca.revoked) == {0x0ABC, *(int(str(each.serial), 16) for each in world.certificates())}


def test_a_second_certificate_for_the_pending_key_is_known_and_goes_with_the_host(members: Members) -> None:
    """Whoever may issue from the CA can have the host's own request certified once more."""
    world = members.world
    world.put(**LIVE)
    issue(world, TOKEN, RUN)
    csr = next(iter(members.ssm.csrs.values()))
    stranger = members.pca.add(members.pca.ca.issue(csr))
    world.invoke("cert_deploy", issuance_event(stranger))
    assert {each.certificate_arn for each in world.certificates()} >= {stranger}
    terminated(members)
    assert len(members.pca.revoked) == 3


def test_a_request_whose_answer_and_event_are_lost_is_found_in_the_audit_report(members: Members) -> None:
    world = members.world
    world.put(**LIVE)
    members.ec2.instances[HOST] = ("running", {})
    members.pca.crash_after("issue_certificate")
    with pytest.raises(CrashError):
        issue(world, TOKEN, RUN)
    give_up(members)
    (entry,) = world.certificates()
    assert (entry.fate, entry.certificate_arn) == ("REQUESTED", None)
    world.later(hours=1)
    reconcile(members)
    assert [name for name, _ in members.pca.calls if "audit" in name] == ["create_certificate_authority_audit_report"]
    members.pca.write_report(world.s3.raw, issued_at=world.now - timedelta(hours=1))
    world.later(hours=1)
    reconcile(members)
    (entry,) = world.certificates()
    assert (entry.fate, entry.certificate_arn) == ("ISSUED", next(iter(members.pca.certificates)))
    members.ec2.instances[HOST] = ("terminated", {})
    terminated(members)
    assert set(members.pca.revoked) == {0x0ABC, int(str(entry.serial), 16)}


def test_a_request_that_came_to_nothing_is_settled_by_the_audit_report(members: Members) -> None:
    world = members.world
    world.put(**LIVE)
    members.ec2.instances[HOST] = ("running", {})
    members.pca.fail("issue_certificate", client_error("ThrottlingException"))
    with pytest.raises(Throttled):
        issue(world, TOKEN, RUN)
    world.later(hours=1)
    reconcile(members)
    members.pca.write_report(world.s3.raw, issued_at=world.now)
    world.later(hours=1)
    reconcile(members)
    (entry,) = world.certificates()
    assert entry.fate == "NOT_ISSUED"
    reconcile(members)
    assert members.pca.count("create_certificate_authority_audit_report") == 1
