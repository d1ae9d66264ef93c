"""CertCSR and CertCSRStatus: one claim, one command, and the host's own words."""

from __future__ import annotations

from typing import Any

import pytest
from pca_runtime.errors.kinds import (
    CsrFailed,
    HostNotInInventory,
    HostUnreachable,
    InvalidInput,
    InvalidInventoryItem,
    LeaseLost,
    Throttled,
)
from pca_runtime.shared.identifiers import request_id

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import client_error
from tests.runtime.renewal.steps import LIVE, RUN, USERS, fail, host, until_csr


def test_claims_the_host_and_sends_one_command(world: World) -> None:
    world.put(**LIVE, **USERS)
    sent = world.invoke("cert_csr", host())
    item = world.item()
    (request,) = world.ssm.sent("GenerateCsr")
    assert sent == {"state": "SENT", "commandId": item["pending"]["csrCommandId"], "attempt": 0}
    assert (item["status"], item["runId"], item["leaseUntil"]) == ("RENEWING", RUN, "2026-11-23T13:45:00Z")
    assert item["pending"]["requestId"] == request_id(RUN, HOST) == request["Parameters"]["requestId"][0]
    assert {name: item[name] for name in USERS} == USERS
    assert {name: item[name] for name in LIVE if name != "status"} == {
        name: value for name, value in LIVE.items() if name != "status"
    }


def test_asks_for_the_key_that_the_item_or_else_the_deployment_wants(world: World) -> None:
    world.put()
    world.put("i-01234567", keyAlgorithm="RSA_4096")
    world.invoke("cert_csr", host())
    world.invoke("cert_csr", host(host_id="i-01234567"))
    algorithms = [request["Parameters"]["keyAlgorithm"] for request in world.ssm.sent("GenerateCsr")]
    assert algorithms == [["EC_prime256v1"], ["RSA_4096"]]


def test_a_repeated_invocation_follows_the_first_command(world: World) -> None:
    world.put()
    assert world.invoke("cert_csr", host()) == world.invoke("cert_csr", host())
    assert len(world.ssm.sent("GenerateCsr")) == 1


def test_a_repeated_invocation_renews_the_lease(world: World) -> None:
    world.put()
    world.invoke("cert_csr", host())
    world.later(minutes=10)
    world.invoke("cert_csr", host())
    assert world.item()["leaseUntil"] == "2026-11-23T13:55:00Z"


def test_resumes_its_own_run_even_after_its_lease_ran_out(world: World) -> None:
    world.put()
    first = world.invoke("cert_csr", host())
    world.later(hours=2)
    assert world.invoke("cert_csr", host()) == first


def test_of_two_simultaneous_invocations_both_follow_the_command_that_was_stored_first(world: World) -> None:
    world.put()
    send = world.ssm.send_command

    def send_while_another_invocation_stores(**request: Any) -> dict[str, Any]:
        world.ssm.send_command = send
        world.invoke("cert_csr", host())
        return send(**request)

    world.ssm.send_command = send_while_another_invocation_stores
    late = world.invoke("cert_csr", host())
    assert late["commandId"] == world.item()["pending"]["csrCommandId"]
    assert list(world.ssm.invocations).index(late["commandId"]) == 0


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"status": "RETIRED"}, "RETIRED"),
        ({"status": "RENEWING", "runId": "other", "leaseUntil": "2026-11-23T13:15:01Z", "pending": {}}, "BUSY"),
        ({"status": "DEPLOYED", "lastRunId": RUN}, "ALREADY_DONE"),
        ({"status": "FAILED", "lastRunId": RUN}, "ALREADY_DONE"),
    ],
)
def test_leaves_a_host_alone_with_a_reason(world: World, attributes: dict[str, Any], reason: str) -> None:
    world.put(**attributes)
    before = world.item()
    assert world.invoke("cert_csr", host()) == {"state": "SKIPPED", "reason": reason}
    assert world.item() == before
    assert world.ssm.calls == []


def test_takes_over_from_a_run_whose_lease_ran_out(world: World) -> None:
    old = {"requestId": "0" * 32, "csrCommandId": "c", "taskToken": "t", "certificateArn": "a"}
    world.put(status="RENEWING", runId="other", leaseUntil="2026-11-23T13:15:00Z", pending=old)
    assert world.invoke("cert_csr", host())["state"] == "SENT"
    assert world.item()["pending"].keys() == {"requestId", "csrCommandId", "keyAlgorithm"}


@pytest.mark.parametrize(
    ("last_attempt", "state"),
    [("2026-11-23T13:10:01Z", "SKIPPED"), ("2026-11-23T13:10:00Z", "SENT"), ("2026-11-20", "SENT")],
)
def test_a_host_that_was_finished_after_the_run_listed_it_is_not_renewed_again(
    world: World, last_attempt: str, state: str
) -> None:
    world.put(**{**LIVE, "lastAttempt": last_attempt})
    assert world.invoke("cert_csr", {**host(), "startedAt": "2026-11-23T13:10:00Z"})["state"] == state


def test_an_unknown_host_is_an_error_and_never_becomes_an_item(world: World) -> None:
    with pytest.raises(HostNotInInventory):
        world.invoke("cert_csr", host())
    assert world.item() == {}


def test_a_wrong_override_is_named_and_nothing_is_sent(world: World) -> None:
    world.put(certPath="/tmp/$(reboot)")
    with pytest.raises(InvalidInventoryItem, match="certPath"):
        world.invoke("cert_csr", host())
    assert world.ssm.calls == []


def test_a_host_unknown_to_systems_manager_is_unreachable(world: World) -> None:
    world.put()
    world.ssm.unknown.add(HOST)
    with pytest.raises(HostUnreachable, match="HOST_UNKNOWN_TO_SSM"):
        world.invoke("cert_csr", host())


def test_after_throttling_the_retry_sends_the_one_command(world: World) -> None:
    world.put()
    world.ssm.fail("send_command", client_error("ThrottlingException"))
    with pytest.raises(Throttled):
        world.invoke("cert_csr", host())
    assert world.invoke("cert_csr", host())["state"] == "SENT"
    assert len(world.ssm.sent("GenerateCsr")) == 1


def test_a_lease_lost_while_sending_is_noticed(world: World) -> None:
    world.put()
    send = world.ssm.send_command

    def send_while_retired(**request: Any) -> dict[str, Any]:
        world.put(status="RETIRED")
        return send(**request)

    world.ssm.send_command = send_while_retired
    with pytest.raises(LeaseLost):
        world.invoke("cert_csr", host())
    assert world.item() == {"hostID": HOST, "status": "RETIRED"}


@pytest.mark.parametrize(
    "payload",
    [{}, {"hostID": HOST}, {"hostID": "i-bad; reboot", "runId": RUN}, {"hostID": HOST, "runId": "../x"}, []],
)
def test_a_malformed_payload_is_invalid_input(world: World, payload: Any) -> None:
    with pytest.raises(InvalidInput):
        world.invoke("cert_csr", payload)


def status(world: World, attempt: int = 0, **answer: Any) -> dict[str, Any]:
    world.put()
    sent = world.invoke("cert_csr", host())
    world.ssm.invocations[sent["commandId"]].update(answer)
    return world.invoke("cert_csr_status", {**host(), "commandId": sent["commandId"], "attempt": attempt})


def test_the_status_counts_its_attempts_while_it_waits(world: World) -> None:
    waiting = status(world, attempt=4, Status="Delayed")
    assert waiting == {"state": "PENDING", "attempt": 5, "commandId": waiting["commandId"]}


def test_the_csr_is_there_when_it_is_ready(world: World) -> None:
    world.put()
    ready = until_csr(world)
    assert ready["state"] == "READY"
    assert ready["csr"] == world.ssm.csrs[request_id(RUN, HOST)]


def test_the_answer_to_another_request_is_refused(world: World) -> None:
    output = f"{'-----BEGIN'} X\nPCA_RESULT requestId={'0' * 32}\n"
    with pytest.raises(CsrFailed, match="HOST_RESULT_FOREIGN"):
        status(world, StandardOutputContent=output)


def test_a_result_without_exactly_one_csr_is_refused(world: World) -> None:
    line = f"PCA_RESULT requestId={request_id(RUN, HOST)}\n"
    with pytest.raises(CsrFailed, match="gave 0 CSRs"):
        status(world, StandardOutputContent=line)


def test_the_hosts_words_reach_the_workflow(world: World) -> None:
    with pytest.raises(CsrFailed) as failed:
        status(world, Status="Failed", StandardOutputContent="PCA_ERROR UNSAFE_DIRECTORY /tmp is world-writable\n")
    assert str(failed.value) == 'UNSAFE_DIRECTORY: the host says: "/tmp is world-writable"'


@pytest.mark.parametrize("seen", [["Pending", "Delayed", "TimedOut"], ["Pending"] * 12])
def test_a_host_whose_agent_fetches_nothing_fails_and_is_due_again_whichever_status_it_has(
    world: World, seen: list[str]
) -> None:
    """AWS does not say whether it is Delayed first; one that stays Pending ends with the workflow's last poll."""
    world.put()
    sent = world.invoke("cert_csr", host())
    poll = {**host(), "commandId": sent["commandId"], "attempt": 0}
    error = ("CsrTimedOut", "the host did not finish within 180 s")
    for status in seen:
        world.ssm.invocations[sent["commandId"]].update(Status=status, StatusDetails=status)
        if status == "TimedOut":
            world.ssm.invocations[sent["commandId"]].update(StatusDetails="DeliveryTimedOut")
            with pytest.raises(HostUnreachable) as failed:
                world.invoke("cert_csr_status", poll)
            error = (type(failed.value).__name__, str(failed.value))
            break
        poll["attempt"] = world.invoke("cert_csr_status", poll)["attempt"]
    fail(world, "CertCSRStatus", *error)
    item = world.item()
    assert item["status"] == "FAILED"
    assert item["lastError"]["code"] == ("HOST_UNDELIVERABLE" if "TimedOut" in seen else "CsrTimedOut")
    assert world.invoke("cert_check", {"input": {}, "runId": "next"})["due"] == 1
