"""A renewal from the schedule to the record, through the handlers, as the workflow calls them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography import x509
from pca_runtime.errors.kinds import PcaAutomatorError

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import CrashError
from tests.runtime.renewal.steps import (
    LIVE,
    RUN,
    TOKEN,
    USERS,
    completed,
    fail,
    finish,
    host,
    issuance_event,
    issue,
    renew,
    until_csr,
)


def test_a_new_host_is_live_after_one_pass(world: World) -> None:
    world.put()
    check = world.invoke("cert_check", {"input": {}, "runId": RUN})
    assert (check["due"], check["rejected"], check["total"]) == (1, 0, 1)

    arn = issue(world)
    world.invoke("cert_deploy", issuance_event(arn))
    install = completed(world)
    assert install == {"state": "PENDING", "installCommandId": install["installCommandId"], "attempt": 0}
    assert finish(world, install)["state"] == "DEPLOYED"

    item = world.item()
    assert item["status"] == "DEPLOYED"
    assert item["expiry"] == "2026-11-30T13:15:00Z"
    assert item["renewalDate"] == "2026-11-28T13:15:00Z"
    assert item["certificateArn"] == arn
    assert item["validated"] is True
    assert item["lastRunId"] == RUN
    assert not {"pending", "runId", "leaseUntil", "lastError", "failureCount"} & item.keys()
    assert world.pca.count("issue_certificate") == 1
    assert len(world.ssm.sent("GenerateCsr")) == len(world.ssm.sent("InstallCertificate")) == 1

    report = world.invoke("cert_report", {"runId": RUN, "bucket": "work", "key": check["key"]})
    assert (report["renewed"], report["failed"], report["published"]) == (1, 0, False)
    assert world.sns.count("publish") == 0


def inventory_writes(world: World) -> list[dict[str, Any]]:
    return [each for each in world.dynamodb.requests("update_item") if each["TableName"] == "inventory"]


def test_a_renewal_replaces_the_live_certificate_in_one_write_and_keeps_what_the_user_wrote(world: World) -> None:
    world.put(**LIVE, **USERS, failureCount=3, lastError={"code": "X"})
    arn = issue(world)
    world.invoke("cert_deploy", issuance_event(arn))
    before = world.item()
    assert {name: before[name] for name in ("serial", "expiry", "renewalDate", "certificateArn")} == {
        name: LIVE[name] for name in ("serial", "expiry", "renewalDate", "certificateArn")
    }
    writes = len(inventory_writes(world))
    finish(world, completed(world))
    assert len(inventory_writes(world)) == writes + 1

    item = world.item()
    assert {name: item[name] for name in USERS} == USERS
    assert item["previousSerial"] == LIVE["serial"]
    assert int(item["serial"], 16) == x509.load_pem_x509_certificate(world.pca.certificates[arn].encode()).serial_number
    assert not {"pending", "runId", "leaseUntil", "lastError", "failureCount"} & item.keys()


def test_a_healthy_renewal_makes_no_more_api_calls_than_these(world: World) -> None:
    world.put(**LIVE)
    renew(world)
    assert (world.ssm.count("send_command"), world.ssm.count("get_command_invocation")) == (2, 2)
    assert (world.pca.count("issue_certificate"), world.pca.count("get_certificate")) == (1, 1)
    assert world.step_functions.count("send_task_success") == 1
    assert len(inventory_writes(world)) == 7
    assert world.dynamodb.count("get_item") == 3
    # The ledger: the intent, the ARN, the certificate, the installation. What it is asked: how many certificates the
    # host has had today, before one more is issued; and whose key the event's certificate has.
    assert world.dynamodb.count("put_item") == 1
    assert world.dynamodb.count("update_item") == 7 + 3
    assert world.dynamodb.count("query") == 2


def test_the_overrides_of_the_item_reach_both_documents_and_the_ca(world: World) -> None:
    world.put(**USERS, keyAlgorithm="EC_prime256v1", certMode="0444", bundle=True, fileOwner="app")
    renew(world)
    (csr,), (install,) = world.ssm.sent("GenerateCsr"), world.ssm.sent("InstallCertificate")
    for request in (csr, install):
        assert request["Parameters"]["certPath"] == ["/srv/my certs"]
        assert request["Parameters"]["keyPath"] == ["/srv/keys"]
        assert request["Parameters"]["cacertPath"] == ["/etc/pca-automator/certs"]
    expected = {
        "fileOwner": ["app"], "fileGroup": ["ssl-cert"], "certMode": ["0444"], "keyMode": ["0640"],
        "bundle": ["true"], "signinghelperPath": ["/usr/local/bin"],
    }  # fmt: skip
    assert {name: install["Parameters"][name] for name in expected} == expected
    (issued,) = world.pca.requests("issue_certificate")
    assert issued["ApiPassthrough"] == {
        "Subject": {"CommonName": HOST},
        "Extensions": {"SubjectAlternativeNames": [{"DnsName": "a.example.com"}, {"DnsName": "b.example.com"}]},
    }


# Each entry: the service and operation after whose nth call the function dies.
CRASHES = [
    ("cert_csr", "dynamodb", "update_item"),
    ("cert_csr", "ssm", "send_command"),
    ("cert_issue", "dynamodb", "get_item"),
    ("cert_issue", "dynamodb", "update_item"),
    ("cert_issue", "pca", "issue_certificate"),
    ("cert_deploy", "pca", "get_certificate"),
    ("cert_deploy", "dynamodb", "update_item"),
    ("cert_deploy", "ssm", "send_command"),
    ("cert_deploy", "step_functions", "send_task_success"),
    ("cert_deploy_status", "ssm", "get_command_invocation"),
    ("cert_deploy_status", "dynamodb", "update_item"),
]


@pytest.mark.parametrize(("step", "service", "operation"), CRASHES)
@pytest.mark.parametrize("nth", [1, 2])
def test_a_crash_at_any_point_and_a_retry_end_well_with_one_certificate(
    world: World, step: str, service: str, operation: str, nth: int
) -> None:
    """Retries come 100 s later, as late as the workflow's, so an abandoned claim has run out."""
    world.put(**LIVE, **USERS)
    crashed = []

    def attempt(name: str, payload: dict[str, object]) -> dict[str, object]:
        if name == step and not crashed:
            crashed.append(name)
            getattr(world, service).crash_after(operation, nth)
            try:
                answer = world.invoke(name, payload)
                getattr(world, service).disarm()
                return answer
            except CrashError:
                world.later(seconds=100)
        return world.invoke(name, payload)

    sent = attempt("cert_csr", {**host()})
    ready = attempt("cert_csr_status", {**host(), "commandId": sent["commandId"], "attempt": 0})
    attempt("cert_issue", {**host(), "csr": ready["csr"], "taskToken": TOKEN})
    arn = world.item()["pending"]["certificateArn"]
    attempt("cert_deploy", issuance_event(arn))
    install = completed(world)
    assert attempt("cert_deploy_status", {**host(), "commandId": install["installCommandId"], "attempt": 0})[
        "state"
    ] == ("DEPLOYED")

    assert crashed
    item = world.item()
    assert item["status"] == "DEPLOYED"
    assert {name: item[name] for name in USERS} == USERS
    assert len(world.pca.certificates) == 1
    # Only a crash between SendCommand and the write that remembers it can send twice; the documents bear it.
    between = {("cert_csr", "ssm"): "GenerateCsr", ("cert_deploy", "ssm"): "InstallCertificate"}
    for document in ("GenerateCsr", "InstallCertificate"):
        twice = nth == 1 and between.get((step, service)) == document
        assert len(world.ssm.sent(document)) == (2 if twice else 1)
        assert len({request["Parameters"]["requestId"][0] for request in world.ssm.sent(document)}) == 1


def test_everything_twice_is_as_good_as_once(world: World) -> None:
    """Every invocation is repeated with the same payload, as at-least-once delivery and retries do."""
    world.put(**LIVE)

    def twice(name: str, payload: dict[str, object]) -> dict[str, object]:
        world.invoke(name, payload)
        return world.invoke(name, payload)

    sent = twice("cert_csr", {**host()})
    ready = twice("cert_csr_status", {**host(), "commandId": sent["commandId"], "attempt": 0})
    twice("cert_issue", {**host(), "csr": ready["csr"], "taskToken": TOKEN})
    twice("cert_deploy", issuance_event(world.item()["pending"]["certificateArn"]))
    install = completed(world)
    assert twice("cert_deploy_status", {**host(), "commandId": install["installCommandId"], "attempt": 0})["state"] == (
        "DEPLOYED"
    )
    assert world.pca.count("issue_certificate") == 1
    assert len(world.ssm.sent("GenerateCsr")) == len(world.ssm.sent("InstallCertificate")) == 1


def test_a_failed_renewal_keeps_the_live_certificate_and_what_the_user_wrote(world: World) -> None:
    world.put(**LIVE, **USERS)
    until_csr(world)
    fail(world, "CertIssue", "CsrRejected", json.dumps({"errorMessage": "CSR_WRONG_SUBJECT: not yours"}))
    item = world.item()
    kept = ("serial", "expiry", "renewalDate", "certificateArn", "validated")
    assert {name: item[name] for name in kept} == {name: LIVE[name] for name in kept}
    assert {name: item[name] for name in USERS} == USERS
    assert item["status"] == "FAILED"
    assert not {"pending", "runId", "leaseUntil"} & item.keys()


def test_two_overlapping_runs_renew_a_host_once(world: World) -> None:
    world.put(**LIVE)
    check = {run: world.invoke("cert_check", {"input": {}, "runId": run}) for run in ("run-a", "run-b")}
    assert [check[run]["due"] for run in check] == [1, 1]
    arn = issue(world, run="run-a")

    during = world.invoke("cert_csr", {**host("run-b"), "startedAt": check["run-b"]["startedAt"]})
    assert during == {"state": "SKIPPED", "reason": "BUSY"}

    world.later(seconds=40)
    world.invoke("cert_deploy", issuance_event(arn))
    finish(world, completed(world), run="run-a")
    after = world.invoke("cert_csr", {**host("run-b"), "startedAt": check["run-b"]["startedAt"]})
    assert after == {"state": "SKIPPED", "reason": "ALREADY_DONE"}
    assert world.pca.count("issue_certificate") == 1

    world.later(minutes=1)
    report = world.invoke("cert_report", {"runId": "run-b", "bucket": "work", "key": check["run-b"]["key"]})
    assert (report["skipped"], report["notAttempted"], report["published"]) == (1, 0, False)


def test_a_run_that_lost_its_lease_changes_nothing_any_more(world: World) -> None:
    world.put(**LIVE)
    arn = issue(world, run="run-a")
    world.later(hours=1)
    issue(world, token="token-b", run="run-b")
    before = world.item()

    assert world.invoke("cert_deploy", issuance_event(arn))["reason"] == "ANOTHER_KEY"
    csr = world.ssm.csrs[world.ssm.sent("GenerateCsr")[0]["Parameters"]["requestId"][0]]
    for name, payload in (
        ("cert_issue", {**host("run-a"), "csr": csr, "taskToken": TOKEN}),
        ("cert_deploy", host("run-a")),
    ):
        with pytest.raises(PcaAutomatorError, match="LEASE_LOST"):
            world.invoke(name, payload)
    assert world.invoke("cert_csr", host("run-a")) == {"state": "SKIPPED", "reason": "BUSY"}
    assert fail(world, "CertIssue", "LeaseLost", "LEASE_LOST: x", run="run-a")["recorded"] is False
    assert world.item() == before


@pytest.mark.parametrize("error", ["LeaseLost", "InstallFailed"])
def test_a_run_that_comes_too_late_does_not_fail_a_host_that_another_run_has_renewed(world: World, error: str) -> None:
    """A workflow that was slow, or was redriven hours later: its failure is not the host's."""
    world.put(**LIVE)
    check = world.invoke("cert_check", {"input": {}, "runId": "run-a"})
    issue(world, run="run-a")
    world.later(hours=1)
    renew(world, "run-b")
    before = world.item()
    world.events.events.clear()

    late = fail(world, "CertDeployStatus", error, "x", run="run-a", startedAt=check["startedAt"])
    assert late["recorded"] is False
    assert world.item() == before
    assert world.events.events == []

    report = world.invoke("cert_report", {"runId": "run-a", "bucket": "work", "key": check["key"]})
    assert (report["skipped"], report["failed"]) == (1, 0)


def test_a_run_that_lost_its_lease_to_one_that_died_is_recorded(world: World) -> None:
    world.put(**LIVE)
    check = world.invoke("cert_check", {"input": {}, "runId": "run-a"})
    issue(world, run="run-a")
    world.later(hours=1)
    issue(world, token="token-b", run="run-b")
    world.later(hours=1)
    assert fail(world, "CertDeploy", "LeaseLost", "x", run="run-a", startedAt=check["startedAt"])["recorded"]
    assert world.item()["status"] == "FAILED"
