"""CertCSR and the polls: throttling is waiting, never failure, and who comes late does not push in."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from handlers import cert_csr
from pca_runtime.errors.kinds import AccessRefused, InstallFailed, Throttled
from pca_runtime.renewal.pace import REQUEUES_MAX
from pca_runtime.renewal.start_ledger import StartLedger
from pca_runtime.shared.timestamps import format_time, parse_time

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import client_error
from tests.runtime.pki import NOW
from tests.runtime.renewal.steps import LIVE, RUN, TOKEN, completed, finish, host, issuance_event, issue

THROTTLED = client_error("ThrottlingException", "Any")


def ledger(world: World) -> StartLedger:
    return StartLedger(world.dynamodb, "starts")


def start(
    world: World, at: datetime = NOW, *, run: str = RUN, host_id: str = HOST, hosts: int = 1_000, requeues: int = 0
) -> dict[str, Any]:
    """CertCSR, as the workflow calls it when the start of a host has come."""
    more = {"startAt": format_time(at), "lane": "bulk", "runHosts": hosts, "requeues": requeues}
    return world.invoke("cert_csr", {**host(run, host_id), **more})


def reserve(world: World, hosts: int, rate: float = 8, run: str = RUN) -> None:
    assert ledger(world).reserve("bulk", run, hosts, rate, world.now) is not None


def lots(monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    monkeypatch.setattr(cert_csr._generation()._gate, "_lot", lambda: value)


def test_a_host_whose_start_has_come_is_claimed(world: World) -> None:
    world.put()
    assert start(world)["state"] == "SENT"


@pytest.mark.parametrize(("seconds", "state"), [(30, "SENT"), (31, "WAIT"), (3600, "WAIT")])
def test_a_host_that_comes_late_goes_back_into_the_line(world: World, seconds: int, state: str) -> None:
    world.put(**LIVE)
    reserve(world, 1_000)
    world.later(seconds=seconds)
    before = world.item()
    answer = start(world)
    assert answer["state"] == state
    if state == "WAIT":
        assert parse_time(answer["startAt"]) == max(NOW + timedelta(seconds=125), world.now)
        assert answer["requeues"] == 0
        assert world.item() == before
        assert world.ssm.calls == []


def test_a_thousand_hosts_that_are_redriven_start_no_faster_than_the_rate(world: World) -> None:
    reserve(world, 8)
    world.later(hours=1)
    got = Counter(start(world, host_id=f"i-{number:017x}")["startAt"] for number in range(60))
    assert max(got.values()) <= 9  # 8 a second, in whole seconds


def test_a_host_of_a_run_whose_starts_were_given_back_reserves_again(world: World) -> None:
    """It is early by the clock; but since its run was aborted, its start is somebody else's."""
    world.put()
    reserve(world, 1_000)
    ledger(world).give_back("bulk", lambda run: run == RUN, NOW)
    reserve(world, 80, run="another")
    answer = start(world, NOW)
    again = parse_time(answer["startAt"])
    assert again == NOW + timedelta(seconds=10)
    # That start is its own: it does not go round in the line.
    world.later(seconds=10)
    assert start(world, again, requeues=answer["requeues"])["state"] == "SENT"


def test_a_late_host_of_such_a_run_reserves_once_as_well(world: World) -> None:
    world.put()
    reserve(world, 1_000)
    ledger(world).give_back("bulk", lambda run: run == RUN, NOW)
    world.later(hours=1)
    answer = start(world, NOW)
    assert (answer["state"], answer["requeues"]) == ("WAIT", 1)
    assert start(world, parse_time(answer["startAt"]), requeues=answer["requeues"])["state"] == "SENT"


@pytest.mark.parametrize(("lot", "state"), [(0.74, "SENT"), (0.76, "WAIT")])
def test_where_aws_throttles_a_share_of_the_hosts_goes_back(
    world: World, monkeypatch: pytest.MonkeyPatch, lot: float, state: str
) -> None:
    world.put()
    reserve(world, 80)
    ledger(world).note_throttled(NOW)
    lots(monkeypatch, lot)
    assert start(world)["state"] == state


def test_hosts_that_are_held_back_stand_as_far_apart_as_the_brake_asks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put()
    reserve(world, 80)
    ledger(world).note_throttled(NOW)
    lots(monkeypatch, 0.99)
    start(world)
    assert ledger(world).lane("bulk").until == pytest.approx(NOW.timestamp() + 10 + 1 / (0.75 * 8), abs=0.002)


def test_a_small_run_is_not_held_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put()
    ledger(world).note_throttled(NOW)
    lots(monkeypatch, 0.99)
    assert start(world, hosts=50)["state"] == "SENT"


def test_the_brake_is_off_again_when_it_has_been_quiet(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put()
    ledger(world).note_throttled(NOW)
    world.later(minutes=10)
    lots(monkeypatch, 0.99)
    assert start(world, world.now)["state"] == "SENT"


def test_a_command_that_cannot_be_sent_for_throttling_goes_back_and_lets_the_host_go(world: World) -> None:
    world.put(**LIVE)
    reserve(world, 80)
    before = world.item()
    world.ssm.fail("send_command", THROTTLED)
    answer = start(world)
    assert (answer["state"], answer["requeues"]) == ("WAIT", 1)
    assert parse_time(answer["startAt"]) == NOW + timedelta(seconds=10)
    assert world.item() == before
    assert ledger(world).traffic("bulk", RUN).brake.now(NOW.timestamp()) == 0.75
    assert start(world, NOW, hosts=50, requeues=1)["state"] == "SENT"


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        LIVE,
        {**LIVE, "status": "FAILED", "lastError": {"code": "X"}},
        {"status": "FAILED", "lastError": {"code": "X"}},
    ],
)
def test_a_host_in_the_line_is_as_it_was(world: World, attributes: dict[str, Any]) -> None:
    world.put(**attributes)
    before = world.item()
    world.ssm.fail("send_command", THROTTLED)
    start(world)
    assert world.item() == before


def test_five_times_a_host_goes_back_and_then_the_throttling_is_told(world: World) -> None:
    world.put()
    for requeues in range(REQUEUES_MAX):
        world.ssm.fail("send_command", THROTTLED)
        assert start(world, hosts=50, requeues=requeues)["requeues"] == requeues + 1
    world.ssm.fail("send_command", THROTTLED)
    with pytest.raises(Throttled):
        start(world, hosts=50, requeues=REQUEUES_MAX)


def test_the_workflows_retries_of_a_host_that_cannot_go_back_any_more_are_not_late(world: World) -> None:
    """They come up to a minute after its start; a host that went back for that would go round for ever."""
    world.put()
    for _ in range(2):
        world.ssm.fail("send_command", THROTTLED)
        with pytest.raises(Throttled):
            start(world, requeues=REQUEUES_MAX)
        world.later(seconds=62)
    assert start(world, requeues=REQUEUES_MAX)["state"] == "SENT"


def test_a_host_that_comes_late_to_its_last_start_goes_back_into_the_line(world: World) -> None:
    world.put()
    world.later(hours=1)
    assert start(world, requeues=REQUEUES_MAX)["state"] == "WAIT"


def test_a_host_of_a_run_that_an_older_definition_started_goes_on(world: World) -> None:
    world.put()
    world.dynamodb.fail("batch_get_item", client_error("AccessDeniedException"))
    assert world.invoke("cert_csr", host())["state"] == "SENT"


def test_without_the_ledger_no_host_starts(world: World) -> None:
    world.put()
    world.dynamodb.fail("batch_get_item", client_error("AccessDeniedException"))
    with pytest.raises(AccessRefused):
        start(world)
    assert world.item() == {"hostID": HOST}


def test_a_throttled_poll_for_the_csr_is_pending_and_brakes(world: World) -> None:
    world.put()
    sent = start(world)
    world.ssm.fail("get_command_invocation", THROTTLED)
    polled = {**host(), "commandId": sent["commandId"], "attempt": 3}
    answer = world.invoke("cert_csr_status", polled)
    assert answer == {"state": "PENDING", "attempt": 4, "commandId": sent["commandId"]}
    assert ledger(world).traffic("bulk", RUN).brake.now(NOW.timestamp()) == 0.75


def installing(world: World) -> dict[str, Any]:
    arn = issue(world)
    world.invoke("cert_deploy", issuance_event(arn))
    return completed(world)


def test_a_throttled_poll_of_the_installation_is_pending_and_brakes(world: World) -> None:
    world.put()
    install = installing(world)
    world.ssm.fail("get_command_invocation", THROTTLED)
    assert finish(world, install)["state"] == "PENDING"
    assert ledger(world).traffic("bulk", RUN).brake.now(NOW.timestamp()) == 0.75
    assert finish(world, install)["state"] == "DEPLOYED"


@pytest.mark.parametrize(("handler", "client", "operation"), [("cert_issue", "pca", "issue_certificate")])
def test_a_throttled_call_of_the_ca_is_tried_again_by_the_workflow_and_brakes(
    world: World, handler: str, client: str, operation: str
) -> None:
    world.put()
    sent = start(world)
    ready = world.invoke("cert_csr_status", {**host(), "commandId": sent["commandId"], "attempt": 0})
    getattr(world, client).fail(operation, THROTTLED)
    payload = {**host(), "csr": ready["csr"], "taskToken": "token"}
    with pytest.raises(Throttled):
        world.invoke(handler, payload)
    assert ledger(world).traffic("bulk", RUN).brake.now(NOW.timestamp()) == 0.75
    world.invoke(handler, payload)


def test_a_ledger_that_cannot_be_told_of_throttling_fails_nobody(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.put()
    sent = start(world)
    world.ssm.fail("get_command_invocation", THROTTLED)
    world.dynamodb.fail("get_item", client_error("AccessDeniedException"))
    polled = {**host(), "commandId": sent["commandId"], "attempt": 3}
    capsys.readouterr()
    assert world.invoke("cert_csr_status", polled)["state"] == "PENDING"
    assert "ACCESS_REFUSED" in capsys.readouterr().out, "it is in the log"


def proof_fails(world: World, install: dict[str, Any], code: str) -> None:
    """The host says so, in the way in which its documents fail."""
    world.ssm.invocations[install["installCommandId"]] = {
        "Status": "Failed",
        "StatusDetails": "Failed",
        "ResponseCode": 1,
        "StandardOutputContent": f"PCA_ERROR {code} IAM Roles Anywhere: ThrottlingException\n",
    }


def test_a_certificate_whose_proof_was_throttled_is_installed_later_and_not_paid_for_twice(world: World) -> None:
    world.put(**LIVE)
    reserve(world, 80)
    install = installing(world)
    proof_fails(world, install, "ROLES_ANYWHERE_THROTTLED")
    answer = finish(world, install)
    assert answer["state"] == "AGAIN"
    assert parse_time(answer["startAt"]) == NOW + timedelta(seconds=10)
    assert ledger(world).traffic("bulk", RUN).brake.now(NOW.timestamp()) == 0.75
    world.now = parse_time(answer["startAt"]) or NOW
    again = world.invoke("cert_deploy", host())
    assert finish(world, again)["state"] == "DEPLOYED"
    assert world.pca.count("issue_certificate") == 1
    assert len(world.ssm.sent("InstallCertificate")) == 2
    first, second = (request["Parameters"] for request in world.ssm.sent("InstallCertificate"))
    assert first["certificate"] == second["certificate"]
    assert first["requestId"] == second["requestId"]


def test_while_it_waits_the_host_stays_its_runs(world: World) -> None:
    world.put(**LIVE)
    reserve(world, 8_000)
    install = installing(world)
    proof_fails(world, install, "ROLES_ANYWHERE_THROTTLED")
    answer = finish(world, install)
    world.now = parse_time(answer["startAt"]) or NOW
    world.later(minutes=5)
    assert world.invoke("cert_csr", host("another"))["state"] == "SKIPPED"


def test_the_fourth_time_a_throttled_proof_fails_the_host(world: World) -> None:
    world.put(**LIVE)
    install = installing(world)
    for _ in range(3):
        proof_fails(world, install, "ROLES_ANYWHERE_THROTTLED")
        assert finish(world, install)["state"] == "AGAIN"
        install = world.invoke("cert_deploy", host())
    proof_fails(world, install, "ROLES_ANYWHERE_THROTTLED")
    with pytest.raises(InstallFailed, match="ROLES_ANYWHERE_THROTTLED"):
        finish(world, install)


@pytest.mark.parametrize(("said", "factor"), [("throttled=3 ", 0.75), ("throttled=0 ", 1.0), ("", 1.0)])
def test_a_proof_that_was_throttled_and_went_well_in_the_end_brakes(world: World, said: str, factor: float) -> None:
    world.put(**LIVE)
    install = installing(world)
    invocation = world.ssm.invocations[install["installCommandId"]]
    invocation["StandardOutputContent"] = invocation["StandardOutputContent"].replace("clock=x ", f"clock=x {said}")
    assert finish(world, install)["state"] == "DEPLOYED"
    assert ledger(world).traffic("bulk", RUN).brake.now(NOW.timestamp()) == factor


def test_another_failure_of_the_proof_fails_the_host_at_once(world: World) -> None:
    world.put(**LIVE)
    install = installing(world)
    proof_fails(world, install, "ROLES_ANYWHERE_REJECTED")
    with pytest.raises(InstallFailed, match="ROLES_ANYWHERE_REJECTED"):
        finish(world, install)


def test_a_healthy_renewal_asks_the_ledger_once(world: World) -> None:
    world.put(**LIVE)
    sent = start(world)
    ready = world.invoke("cert_csr_status", {**host(), "commandId": sent["commandId"], "attempt": 0})
    world.invoke("cert_issue", {**host(), "csr": ready["csr"], "taskToken": TOKEN})
    world.invoke("cert_deploy", issuance_event(str(world.item()["pending"]["certificateArn"])))
    assert finish(world, completed(world))["state"] == "DEPLOYED"
    asked = [
        (name, request)
        for name, request in world.dynamodb.calls
        if "starts" in (request.get("TableName"), *request.get("RequestItems", {}))
    ]
    assert [name for name, _ in asked] == ["batch_get_item"]


@pytest.mark.parametrize("order", ["of the file", "backwards", "mixed"])
def test_in_whatever_order_the_map_starts_them_every_host_is_renewed_once(world: World, order: str) -> None:
    """AWS does not say that children start in the order of the file: who comes too late takes another place."""
    hosts = [f"i-{number:017x}" for number in range(8)]
    for each in hosts:
        world.put(each)
    reserve(world, len(hosts), rate=0.05)
    line = [(NOW + timedelta(seconds=20 * number), each) for number, each in enumerate(hosts)]
    waiting = {"of the file": line, "backwards": line[::-1], "mixed": line[1::2] + line[::2]}[order]
    again = Counter[str]()
    while waiting:
        at, each = waiting.pop(0)
        # As the Wait before it, and a map that runs one child at a time.
        world.now = max(world.now, at)
        answer = start(world, at, host_id=each, hosts=len(hosts), requeues=again[each])
        if answer["state"] == "WAIT":
            again[each] += 1
            waiting.append((parse_time(answer["startAt"]) or NOW, each))
    commands = [request["InstanceIds"][0] for request in world.ssm.sent("GenerateCsr")]
    assert sorted(commands) == hosts
    assert bool(again) is (order != "of the file")
    assert max(again.values(), default=0) <= REQUEUES_MAX
