"""A host that leaves loses its certificate, whichever event is lost, comes twice or comes late."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pca_runtime.errors.kinds import (
    AccessRefused,
    CertificateNotReady,
    InvalidInput,
    LeaseLost,
    PcaAutomatorError,
    Throttled,
)
from pca_runtime.revocation.reasons import colon_form

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import CA_ARN, CrashError, client_error
from tests.runtime.membership.rig import (
    LIVE,
    NODE,
    PAST,
    Members,
    ec2_event,
    enter,
    reconcile,
    record,
    terminated,
)
from tests.runtime.pki import make_csr, p256
from tests.runtime.renewal.steps import TOKEN, completed, finish, host, issuance_event, issue, until_csr


@pytest.fixture
def members(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Members]:
    yield from enter(world, monkeypatch)


def test_a_terminated_instance_is_retired_and_its_certificate_revoked(members: Members) -> None:
    members.world.put(**LIVE, certPath="/etc/x")
    assert terminated(members) == {"retired": 1, "revoked": 1, "unknown": []}
    item = members.world.item()
    assert (item["status"], item["retiredAt"]) == ("RETIRED", "2026-11-23T13:15:00Z")
    assert (item["serial"], item["expiry"], item["certPath"]) == ("0abc", "2026-11-30T13:15:00Z", "/etc/x")
    assert not {"revocationOrder", "renewalDate", "pending", "runId", "leaseUntil"} & item.keys()
    assert [(each.serial, each.fate) for each in members.world.certificates()] == [("0abc", "REVOKED")]
    assert members.pca.revoked == {0x0ABC: "CESSATION_OF_OPERATION"}


@pytest.mark.parametrize(("serial", "colons"), [("0abc", "0a:bc"), ("abc", "0a:bc"), ("f", "0f"), ("FF00", "ff:00")])
def test_serials_go_out_in_the_form_that_the_ca_takes(serial: str, colons: str) -> None:
    assert colon_form(serial) == colons


def test_an_event_that_comes_twice_revokes_once(members: Members) -> None:
    members.world.put(**LIVE)
    terminated(members)
    assert terminated(members) == {"retired": 0, "revoked": 0, "unknown": []}
    assert members.pca.count("revoke_certificate") == 1


def test_other_peoples_instances_and_other_events_change_nothing(members: Members) -> None:
    assert terminated(members)["unknown"] == [HOST]
    assert members.world.item() == {}
    members.world.put(**LIVE)
    for event in (
        ec2_event(HOST, "stopped"),
        ec2_event("i-1; rm", "terminated"),
        {**ec2_event(HOST, "terminated"), "source": "mine"},
        {"detail-type": "x", "detail": None},
    ):
        assert members.invoke("cert_retire", event)["retired"] == 0
    assert members.world.item()["status"] == "DEPLOYED"


def test_with_the_policy_never_a_host_is_retired_and_nothing_revoked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for members in enter(world, monkeypatch, REVOKE_ON_RETIRE="NEVER"):
        world.put(**LIVE)
        assert terminated(members) == {"retired": 1, "revoked": 0, "unknown": []}
        assert world.item()["status"] == "RETIRED"
        assert members.pca.revoked == {}


@pytest.mark.parametrize(
    ("attributes", "revoked"),
    [
        ({**LIVE, "expiry": PAST}, set()),
        ({**LIVE, "expiry": "soon"}, {0x0ABC}),
        ({**LIVE, "previousSerial": "0d"}, {0x0ABC}),
        ({**LIVE, "serial": "../.."}, set()),
        ({}, set()),
    ],
)
def test_everything_that_is_still_valid_is_revoked(
    members: Members, attributes: dict[str, Any], revoked: set[int]
) -> None:
    members.world.put(**attributes)
    terminated(members)
    assert set(members.pca.revoked) == revoked


def test_a_crash_after_the_retirement_was_recorded_loses_no_revocation(members: Members) -> None:
    members.world.put(**LIVE)
    members.world.dynamodb.crash_after("update_item")
    with pytest.raises(CrashError):
        terminated(members)
    assert members.world.item()["revocationOrder"] == "CESSATION_OF_OPERATION"
    assert terminated(members)["revoked"] == 1
    assert "revocationOrder" not in members.world.item()


def test_a_crash_after_the_revocation_revokes_again_without_an_error(members: Members) -> None:
    members.world.put(**LIVE)
    members.pca.crash_after("revoke_certificate")
    with pytest.raises(CrashError):
        terminated(members)
    terminated(members)
    assert set(members.pca.revoked) == {0x0ABC}
    assert "revocationOrder" not in members.world.item()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", Throttled),
        ("ConcurrentModificationException", Throttled),
        ("RequestInProgressException", Throttled),
        ("AccessDeniedException", AccessRefused),
    ],
)
def test_a_revocation_that_fails_is_repeated_by_the_reconciliation(
    members: Members, code: str, error: type[Exception]
) -> None:
    members.world.put(**LIVE)
    members.pca.fail("revoke_certificate", client_error(code))
    with pytest.raises(error):
        terminated(members)
    assert members.world.item()["status"] == "RETIRED"
    assert reconcile(members)["revoked"] == 1
    assert set(members.pca.revoked) == {0x0ABC}


def test_a_certificate_of_another_ca_holds_nothing_up(members: Members) -> None:
    members.world.put(**LIVE)
    members.pca.foreign.add(0x0ABC)
    terminated(members)
    assert "revocationOrder" not in members.world.item()


def test_a_serial_number_of_which_no_arn_can_be_made_holds_nothing_up(members: Members) -> None:
    members.world.put(**LIVE)
    members.pca.fail("get_certificate", *(client_error("InvalidArnException") for _ in range(2)))
    terminated(members)
    assert "revocationOrder" not in members.world.item()


@pytest.mark.parametrize("digits", ["{:032x}", "{:x}"])
def test_a_strangers_certificate_is_known_with_and_without_leading_zeros(members: Members, digits: str) -> None:
    stranger = members.pca.ca.issue(make_csr("i-0fedcba9876543210", p256()))
    arn = f"{CA_ARN}/certificate/{digits.format(0x0ABC)}"
    members.pca.certificates[arn] = stranger
    members.world.put(**LIVE)
    terminated(members)
    assert members.pca.revoked == {}


def test_a_subordinate_ca_that_is_named_like_a_host_is_not_revoked(members: Members) -> None:
    """Where the CA is shared: one item would take every certificate below that CA with it."""
    subordinate = members.pca.ca.issue(make_csr(HOST, p256()), ca=True)
    members.pca.certificates[f"{CA_ARN}/certificate/{0x0ABC:032x}"] = subordinate
    members.world.put(**LIVE)
    terminated(members)
    assert members.pca.revoked == {}
    assert "toRevoke" not in members.world.item()


def test_a_renewal_in_flight_cannot_bring_a_retired_host_back(members: Members) -> None:
    world = members.world
    world.put()
    arn = issue(world)
    world.invoke("cert_deploy", issuance_event(arn))
    install = completed(world)
    serial = int(world.item()["pending"]["serial"], 16)
    terminated(members)
    assert set(members.pca.revoked) == {serial}
    with pytest.raises(LeaseLost):
        finish(world, install)
    world.invoke("cert_failure", {**host(), "phase": "CertDeployStatus", "error": {"Error": "LeaseLost", "Cause": ""}})
    assert world.item()["status"] == "RETIRED"


def test_a_certificate_that_was_issued_but_not_yet_fetched_is_revoked_too(members: Members) -> None:
    world = members.world
    world.put(**LIVE)
    ready = until_csr(world)
    world.invoke("cert_issue", {**host(), "csr": ready["csr"], "taskToken": TOKEN})
    assert "serial" not in world.item()["pending"]
    members.pca.fail("get_certificate", client_error("RequestInProgressException"))
    with pytest.raises(CertificateNotReady):
        terminated(members)
    terminated(members)
    assert len(members.pca.revoked) == 2
    world.invoke("cert_deploy", issuance_event(next(iter(members.pca.certificates))))
    assert world.ssm.sent("InstallCertificate") == []
    assert world.item()["status"] == "RETIRED"


def test_a_certificate_that_cannot_be_fetched_now_is_ordered_and_keeps_no_other_one_waiting(
    members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = members.world
    world.put(**LIVE)
    ready = until_csr(world)
    world.invoke("cert_issue", {**host(), "csr": ready["csr"], "taskToken": TOKEN})
    new, get = next(iter(members.pca.certificates)), members.pca.get_certificate

    def refused(**request: Any) -> Any:
        if request["CertificateArn"] == new:
            raise client_error("AccessDeniedException")
        return get(**request)

    monkeypatch.setattr(members.pca, "get_certificate", refused)
    terminated(members)
    assert len(members.pca.revoked) == 1
    assert world.item()["status"] == "RETIRED"


def test_a_retirement_that_meets_the_end_of_a_renewal_looks_again(members: Members) -> None:
    """CertDeployStatus records the new certificate between CertRetire's read and its write."""
    world = members.world
    world.put(**LIVE)
    world.issued("0f")
    world.issued("0abc", minutes=-1)
    read = world.dynamodb.get_item

    def overtaken(**request: Any) -> Any:
        answer = read(**request)
        del world.dynamodb.get_item
        world.put(**{**LIVE, "serial": "0f", "previousSerial": "0abc"})
        return answer

    world.dynamodb.get_item = overtaken
    terminated(members)
    assert set(members.pca.revoked) == {0x0F, 0x0ABC}


def test_by_hand_a_reachable_host_also_removes_its_certificate(members: Members) -> None:
    world = members.world
    world.put(**LIVE, keyPath="/etc/own")
    world.put("i-0000000000000000a", **LIVE)
    members.ssm.unknown.add("i-0000000000000000a")
    request = {"hostIDs": [HOST, "i-0000000000000000a", "i-0000000000000000b"], "reason": "KEY_COMPROMISE"}
    answer = members.invoke("cert_retire", request)
    assert answer == {
        "retired": 2,
        "revoked": 2,
        "unknown": ["i-0000000000000000b"],
        "commands": {HOST: f"remove-{HOST}", "i-0000000000000000a": None},
    }
    assert members.pca.revoked == {0x0ABC: "KEY_COMPROMISE"}
    sent = members.ssm.sent("RemoveCertificate")[0]
    assert {name: value for name, (value,) in sent["Parameters"].items()} == {
        "hostID": HOST,
        "certPath": "/etc/pca-automator/certs",
        "keyPath": "/etc/own",
        "cacertPath": "/etc/pca-automator/certs",
    }


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"hostIDs": []},
        {"hostIDs": ["web-1"]},
        {"hostIDs": [HOST], "reconcile": True},
        {"reconcile": False},
        {"hostIDs": [HOST], "reason": "BECAUSE"},
        {"hostIDs": [HOST], "dryRun": True},
    ],
)
def test_an_input_that_is_not_understood_retires_nobody(members: Members, payload: dict[str, Any]) -> None:
    members.world.put(**LIVE)
    with pytest.raises(InvalidInput):
        members.invoke("cert_retire", payload)
    assert members.world.item()["status"] == "DEPLOYED"


def test_one_hosts_trouble_does_not_keep_the_others(members: Members) -> None:
    first, second = "i-0000000000000000a", "i-0000000000000000b"
    members.world.put(first, **LIVE)
    members.world.put(second, **{**LIVE, "serial": "0e"})
    members.pca.fail("revoke_certificate", client_error("ThrottlingException"))
    with pytest.raises(Throttled):
        members.invoke("cert_retire", {"hostIDs": [first, second]})
    assert set(members.pca.revoked) == {0x0E}
    assert members.world.item(first)["status"] == "RETIRED"


def test_the_reconciliation_retires_whom_no_event_told_of(members: Members) -> None:
    world = members.world
    fleet = {"i-0000000000000000a": "terminated", "i-0000000000000000b": "stopped", "i-0000000000000000c": "running"}
    for number, (host_id, state) in enumerate(fleet.items()):
        members.ec2.instances[host_id] = (state, {})
        world.put(host_id, **{**LIVE, "serial": f"{number + 1:02x}"})
    world.put("i-0000000000000000d", **{**LIVE, "serial": "0d"})  # EC2 has forgotten it
    world.put("i-0000000000000000e")  # not started yet
    world.put(NODE, **{**LIVE, "serial": "0e"})  # deregistered
    for number in range(3):
        world.put(f"mi-{number:017x}", **LIVE)
        members.ssm.nodes[f"mi-{number:017x}"] = ("ConnectionLost", {})
    world.put("mi-aaaaaaaaaaaaaaaaa")  # put in ahead of its registration
    assert reconcile(members) == {"retired": 3, "revoked": 3, "unknown": []}
    assert set(members.pca.revoked) == {0x01, 0x0D, 0x0E}
    assert reconcile(members) == {"retired": 0, "revoked": 0, "unknown": []}


@pytest.mark.parametrize("hosts", [3, 9, 20])
def test_a_fleet_that_seems_to_be_gone_is_not_revoked_but_asked_about(members: Members, hosts: int) -> None:
    for number in range(hosts):
        members.world.put(f"i-{number:017x}", **{**LIVE, "serial": f"{number + 1:02x}"})
    answer = reconcile(members)
    assert answer == {"retired": 0, "revoked": 0, "unknown": [], "refused": hosts}
    assert members.pca.revoked == {}
    (message,) = members.world.sns.requests("publish")
    assert f"{hosts} of {hosts} hosts" in message["Message"]
    assert len(message["Subject"]) <= 100


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "EndpointConnectionError", "RequestLimitExceeded"])
def test_without_ec2_what_was_begun_is_finished_and_the_reconciliation_fails_all_the_same(
    members: Members, code: str
) -> None:
    """In subnets without a way to EC2, say: nobody is known to be gone, but no revocation may wait for that."""
    members.world.put(**{**LIVE, "status": "RETIRED"})
    members.world.put(host_id="i-0fedcba9876543210", **{**LIVE, "serial": "0DEF"})
    members.ec2.fail("describe_instances", client_error(code))
    with pytest.raises(PcaAutomatorError):
        reconcile(members)
    assert set(members.pca.revoked) == {0x0ABC}
    assert members.world.item()["retiredAt"]


def test_a_status_that_a_person_wrote_by_hand_is_carried_out(members: Members) -> None:
    members.world.put(**{**LIVE, "status": "RETIRED"})
    assert reconcile(members)["revoked"] == 1
    assert set(members.pca.revoked) == {0x0ABC}
    assert members.world.item()["retiredAt"]


def test_a_mistyped_id_in_the_inventory_does_not_stop_the_reconciliation(members: Members) -> None:
    members.world.put("web-1", status="RETIRED")
    assert reconcile(members)["retired"] == 0


def test_a_host_that_is_removed_while_it_is_retired_does_not_come_back_as_an_empty_item(members: Members) -> None:
    world = members.world
    world.put(**LIVE)
    revoke = members.pca.revoke_certificate

    def removed(**request: Any) -> Any:
        world.dynamodb.delete_item(TableName="inventory", Key={"hostID": {"S": HOST}})
        return revoke(**request)

    members.pca.revoke_certificate = removed  # type: ignore[method-assign]
    terminated(members)
    assert world.item() == {}


def removed(members: Members, *items: dict[str, Any]) -> dict[str, Any]:
    records = [record(number, item, None) for number, item in enumerate(items)]
    return members.invoke("cert_retire", {"Records": records})


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_removed_item_of_a_machine_that_is_there_leaves_its_certificate_alone(members: Members, state: str) -> None:
    members.ec2.instances[HOST] = (state, {})
    assert removed(members, {"hostID": HOST, **LIVE}) == {"removed": 1, "revoked": 0}
    assert members.pca.revoked == {}
    assert members.world.item() == {}


@pytest.mark.parametrize("state", ["shutting-down", "terminated", "absent"])
def test_a_removed_item_of_a_machine_that_is_gone_takes_its_certificates_with_it(members: Members, state: str) -> None:
    if state != "absent":
        members.ec2.instances[HOST] = (state, {})
    members.world.issued("0a")
    assert removed(members, {"hostID": HOST, **LIVE})["revoked"] == 2
    assert members.pca.revoked == {0x0ABC: "CESSATION_OF_OPERATION", 0x0A: "CESSATION_OF_OPERATION"}
    assert terminated(members)["unknown"] == [HOST]
    assert members.world.item() == {}


def test_a_removed_item_that_never_had_a_certificate_is_nothing_to_revoke(members: Members) -> None:
    assert removed(members, {"hostID": HOST})["revoked"] == 0


def test_what_a_removed_item_was_waiting_for_is_revoked_although_the_machine_is_there(members: Members) -> None:
    members.ec2.instances[HOST] = ("running", {})
    retired = {"status": "RETIRED", "retiredAt": PAST, "revocationReason": "KEY_COMPROMISE"}
    removed(members, {"hostID": HOST, **LIVE, **retired, "revocationOrder": "KEY_COMPROMISE"})
    members.world.issued("0a", minutes=-1)
    members.world.issued("0b")
    removed(members, {"hostID": HOST, **LIVE, "serial": "0b", "revocationOrder": "SUPERSEDED"})
    assert members.pca.revoked == {0x0ABC: "KEY_COMPROMISE", 0x0A: "SUPERSEDED"}
    assert members.world.item() == {}


def test_with_the_policy_never_a_removed_item_revokes_only_what_was_decided_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for members in enter(world, monkeypatch, REVOKE_ON_RETIRE="NEVER"):
        world.issued("0a")
        decided = {"status": "RETIRED", "retiredAt": PAST, "revocationOrder": "KEY_COMPROMISE"}
        removed(members, {"hostID": HOST, **LIVE, "serial": "0a"})
        assert members.pca.revoked == {}
        removed(members, {"hostID": HOST, **LIVE, "serial": "0a", **decided})
        assert members.pca.revoked == {0x0A: "KEY_COMPROMISE"}


def test_a_removal_that_comes_twice_or_meets_trouble_revokes_all_in_the_end(members: Members) -> None:
    other = {"hostID": "i-0000000000000000b", **LIVE, "serial": "0b"}
    records = ({"hostID": HOST, **LIVE}, other)
    members.pca.fail("revoke_certificate", client_error("ThrottlingException"))
    with pytest.raises(Throttled):
        removed(members, *records)
    assert set(members.pca.revoked) == {0x0B}
    removed(members, *records)
    assert set(members.pca.revoked) == {0x0ABC, 0x0B}


def test_records_of_the_stream_that_are_no_removal_of_a_host_do_nothing(members: Members) -> None:
    before, after = {"hostID": HOST, **LIVE}, {"hostID": HOST, **LIVE, "keyMode": "0440"}
    odd: list[Any] = [record(1, before, after), record(2, None, before), record(3, {"hostID": "web-1"}, None), {}]
    odd.append({"eventName": "REMOVE", "dynamodb": {"OldImage": {}}})
    assert members.invoke("cert_retire", {"Records": odd}) == {"removed": 0, "revoked": 0}


@pytest.mark.parametrize("removed_before", range(6))
def test_no_step_of_a_renewal_brings_a_removed_item_back(members: Members, removed_before: int) -> None:
    world = members.world
    world.put(**LIVE)
    made: dict[str, Any] = {}
    steps: list[Callable[[], Any]] = [
        lambda: made.update(world.invoke("cert_csr", host())),
        lambda: made.update(world.invoke("cert_csr_status", {**host(), "commandId": made["commandId"], "attempt": 0})),
        lambda: world.invoke("cert_issue", {**host(), "csr": made["csr"], "taskToken": TOKEN}),
        lambda: world.invoke("cert_deploy", issuance_event(next(iter(members.pca.certificates)))),
        lambda: finish(world, completed(world)),
    ]
    for number, step in enumerate(steps):
        if number == removed_before:
            world.dynamodb.delete_item(TableName="inventory", Key={"hostID": {"S": HOST}})
        try:
            step()
        except (PcaAutomatorError, KeyError):  # KeyError: the task was never completed
            break
    if removed_before == len(steps):
        world.dynamodb.delete_item(TableName="inventory", Key={"hostID": {"S": HOST}})
    world.invoke("cert_failure", {**host(), "phase": "CertDeploy", "error": {"Error": "LeaseLost", "Cause": ""}})
    assert world.item() == {}
