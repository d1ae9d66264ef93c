"""CertDeploy: events that come twice, late, early, lost or from strangers change nothing they should not."""

from __future__ import annotations

import json
import ssl
from base64 import b64decode
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from pca_runtime.errors.kinds import (
    AccessRefused,
    CertificateMismatch,
    CertificateNotReady,
    HostUnreachable,
    InvalidInput,
    InvalidInventoryItem,
    IssuanceFailed,
    LeaseLost,
    Throttled,
)
from pca_runtime.shared.identifiers import request_id

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import CA_ARN, CrashError, client_error
from tests.runtime.pki import Ca, make_csr, name
from tests.runtime.renewal.steps import (
    LIVE,
    RUN,
    TOKEN,
    completed,
    fail,
    finish,
    host,
    issuance_event,
    issue,
    renew,
    until_csr,
)

OTHER = "i-0fedcba9876543210"


def own_csr(world: World) -> str:
    return world.ssm.csrs[request_id(RUN, HOST)]


def ignored(world: World, event: dict[str, Any], reason: str) -> None:
    """The event is ignored for this reason, and the table, the host and the task are as before."""
    before, sent, told = world.item(), len(world.ssm.calls), len(world.step_functions.calls)
    assert world.invoke("cert_deploy", event) == {"state": "IGNORED", "reason": reason}
    assert (world.item(), len(world.ssm.calls), len(world.step_functions.calls)) == (before, sent, told)


def test_installs_with_the_certificate_and_its_chain_and_says_so_once(world: World) -> None:
    world.put()
    arn = issue(world)
    answer = world.invoke("cert_deploy", issuance_event(arn))
    (request,) = world.ssm.sent("InstallCertificate")
    parameters = {key: value[0] for key, value in request["Parameters"].items()}
    assert b64decode(parameters["certificate"]) == ssl.PEM_cert_to_DER_cert(world.pca.certificates[arn])
    assert b64decode(parameters["chain"]) == ssl.PEM_cert_to_DER_cert(world.pca.ca.pem)
    assert parameters["requestId"] == request_id(RUN, HOST)
    assert answer == {"state": "SENT", "installCommandId": completed(world)["installCommandId"]}
    pending = world.item()["pending"]
    assert pending["expiry"] == "2026-11-30T13:15:00Z"
    assert pending["renewalDate"] == "2026-11-28T13:15:00Z"


def test_a_doubled_event_sends_no_second_command(world: World) -> None:
    world.put()
    arn = issue(world)
    first = world.invoke("cert_deploy", issuance_event(arn))
    assert world.invoke("cert_deploy", issuance_event(arn)) == first
    assert len(world.ssm.sent("InstallCertificate")) == 1


def test_a_late_event_changes_nothing(world: World) -> None:
    world.put()
    arn = issue(world)
    world.invoke("cert_deploy", issuance_event(arn))
    finish(world, completed(world))
    ignored(world, issuance_event(arn), "NOT_PENDING")


def test_an_event_after_the_failure_changes_nothing(world: World) -> None:
    world.put(**LIVE)
    arn = issue(world)
    fail(world, "CertIssue", "States.Timeout", "")
    ignored(world, issuance_event(arn), "NOT_PENDING")


def test_an_event_of_the_last_renewal_does_not_disturb_this_one(world: World) -> None:
    world.put()
    renew(world, "run-0")
    old = world.item()["certificateArn"]
    issue(world)
    ignored(world, issuance_event(old), "ANOTHER_KEY")


def test_an_event_before_the_csr_was_accepted_changes_nothing(world: World) -> None:
    world.put()
    until_csr(world)
    arn = world.pca.add(world.pca.ca.issue(own_csr(world)))
    ignored(world, issuance_event(arn), "ANOTHER_KEY")


def test_a_strangers_certificate_with_the_name_of_a_host_changes_nothing(world: World) -> None:
    """Other users of the CA may have anything certified."""
    world.put(**LIVE)
    arn = world.pca.add(world.pca.ca.issue(make_csr(HOST)))
    ignored(world, issuance_event(arn), "NOT_PENDING")
    issue(world)
    ignored(world, issuance_event(arn), "ANOTHER_KEY")


def test_one_host_cannot_have_its_certificate_installed_on_another(world: World) -> None:
    world.put()
    world.put(OTHER)
    issue(world, token="token-other", host_id=OTHER)
    csr = world.ssm.csrs[request_id(RUN, OTHER)]
    arn = world.pca.add(world.pca.ca.issue(csr, subject=name(HOST)))
    ignored(world, issuance_event(arn), "NOT_PENDING")


@pytest.mark.parametrize("subject", ["web server", "i-bad", f"{HOST}\n", "i-00000000;reboot"])
def test_certificates_that_are_no_hosts_are_ignored(world: World, subject: str) -> None:
    arn = world.pca.add(world.pca.ca.issue(make_csr(subject)))
    ignored(world, issuance_event(arn), "NOT_A_HOST")


def test_hosts_outside_the_inventory_are_ignored(world: World) -> None:
    arn = world.pca.add(world.pca.ca.issue(make_csr(OTHER)))
    ignored(world, issuance_event(arn), "NOT_IN_INVENTORY")


def test_a_certificate_that_cannot_be_read_is_ignored(world: World) -> None:
    ignored(world, issuance_event(world.pca.add("rubbish")), "UNREADABLE")


@pytest.mark.parametrize(
    "change",
    [
        {"detail": {"result": "failure"}},
        {"detail": None},
        {"source": "my.app"},
        {"detail-type": "ACM Private CA CRL Generation"},
        {"resources": [CA_ARN]},
        {"resources": "x"},
        {"resources": [CA_ARN[:-1] + "2", CA_ARN[:-1] + "2/certificate/abc"]},
    ],
)
def test_other_events_do_not_even_reach_the_ca(world: World, change: dict[str, Any]) -> None:
    world.put()
    arn = issue(world)
    ignored(world, {**issuance_event(arn), **change}, "NOT_OUR_EVENT")
    assert world.pca.count("get_certificate") == 0


def test_a_replayed_csr_with_a_strangers_names_neither_installs_nor_fails_the_renewal(world: World) -> None:
    """The CSR is no secret: somebody with access to the CA has it certified with a name of their own."""
    world.put()
    arn = issue(world)
    evil = world.pca.add(world.pca.ca.issue(own_csr(world), names=[x509.DNSName("admin.example.com")]))
    ignored(world, issuance_event(evil), "ANOTHER_CERTIFICATE")
    world.invoke("cert_deploy", issuance_event(arn))
    assert finish(world, completed(world))["state"] == "DEPLOYED"


@pytest.mark.parametrize("names", [[], [x509.DNSName("admin.example.com")]], ids=["as ours", "with a name"])
def test_no_event_installs_anything_before_it_is_known_which_certificate_is_ours(
    world: World, names: list[x509.GeneralName]
) -> None:
    """The events of strangers come first, and last, and in between; ours is delivered again."""
    world.put()
    arn = issue(world)
    pending = world.item()["pending"]
    del pending["certificateArn"]
    world.put(**{**{key: value for key, value in world.item().items() if key != "hostID"}, "pending": pending})
    evil = world.pca.add(world.pca.ca.issue(own_csr(world), names=names))
    for event in (evil, arn, evil):
        with pytest.raises(CertificateNotReady) as early:
            world.invoke("cert_deploy", issuance_event(event))
        assert early.value.code == "ISSUANCE_NOT_RECORDED"
    assert not world.ssm.sent("InstallCertificate")
    world.put(
        **{
            **{key: value for key, value in world.item().items() if key != "hostID"},
            "pending": {**pending, "certificateArn": arn},
        }
    )
    ignored(world, issuance_event(evil), "ANOTHER_CERTIFICATE")
    assert world.invoke("cert_deploy", issuance_event(arn))["state"] == "SENT"


def test_our_own_certificate_with_a_name_too_many_fails_the_task_at_once(world: World) -> None:
    world.put(**LIVE)
    issue_in_a_changed_way = world.pca.ca.issue
    world.pca.ca.issue = lambda csr, **_: issue_in_a_changed_way(csr, names=[x509.DNSName("x.example.com")])
    arn = issue(world)
    answer = world.invoke("cert_deploy", issuance_event(arn))
    assert answer == {"state": "FAILED", "code": "CERTIFICATE_NOT_AS_REQUESTED"}
    failure = world.step_functions.outcomes[TOKEN]
    assert failure["error"] == "CertificateMismatch"
    assert "x.example.com" in failure["cause"]
    assert len(world.ssm.sent("InstallCertificate")) == 0


def test_a_host_that_cannot_be_reached_fails_the_task_at_once(world: World) -> None:
    world.put()
    arn = issue(world)
    world.ssm.unknown.add(HOST)
    assert world.invoke("cert_deploy", issuance_event(arn))["code"] == "HOST_UNKNOWN_TO_SSM"
    failure = world.step_functions.outcomes[TOKEN]
    assert failure["error"] == "HostUnreachable"
    assert failure["cause"].startswith("HOST_UNKNOWN_TO_SSM: ")


def test_an_override_broken_meanwhile_fails_the_task_and_names_it(world: World) -> None:
    world.put()
    arn = issue(world)
    world.put(**{**{key: value for key, value in world.item().items() if key != "hostID"}, "keyMode": "0777"})
    world.invoke("cert_deploy", issuance_event(arn))
    assert world.step_functions.outcomes[TOKEN]["error"] == "InvalidInventoryItem"
    with pytest.raises(InvalidInventoryItem):
        world.invoke("cert_deploy", host())


def test_a_retired_host_gets_nothing(world: World) -> None:
    world.put()
    arn = issue(world)
    world.put(**{**{key: value for key, value in world.item().items() if key != "hostID"}, "status": "RETIRED"})
    ignored(world, issuance_event(arn), "NOT_PENDING")
    with pytest.raises(LeaseLost):
        world.invoke("cert_deploy", host())


def test_throttling_is_raised_and_the_next_delivery_sends_at_once(world: World) -> None:
    world.put()
    arn = issue(world)
    world.ssm.fail("send_command", client_error("ThrottlingException"))
    with pytest.raises(Throttled):
        world.invoke("cert_deploy", issuance_event(arn))
    assert world.invoke("cert_deploy", issuance_event(arn))["state"] == "SENT"
    assert len(world.ssm.sent("InstallCertificate")) == 1


def test_a_certificate_that_is_not_ready_is_worth_a_retry(world: World) -> None:
    world.put()
    arn = issue(world)
    world.pca.fail("get_certificate", client_error("RequestInProgressException"))
    with pytest.raises(CertificateNotReady):
        world.invoke("cert_deploy", issuance_event(arn))
    assert world.invoke("cert_deploy", issuance_event(arn))["state"] == "SENT"


def test_a_second_delivery_during_the_first_sends_nothing(world: World) -> None:
    world.put()
    arn = issue(world)
    send = world.ssm.send_command
    answers = []

    def send_while_the_event_comes_again(**request: Any) -> dict[str, Any]:
        world.ssm.send_command = send
        answers.append(world.invoke("cert_deploy", issuance_event(arn)))
        with pytest.raises(CertificateNotReady, match="INSTALL_IN_PROGRESS"):
            world.invoke("cert_deploy", host())
        return send(**request)

    world.ssm.send_command = send_while_the_event_comes_again
    assert world.invoke("cert_deploy", issuance_event(arn))["state"] == "SENT"
    assert answers == [{"state": "IGNORED", "reason": "IN_PROGRESS"}]
    assert len(world.ssm.sent("InstallCertificate")) == 1


def test_after_a_crash_while_sending_the_claim_runs_out_and_the_workflows_call_sends(world: World) -> None:
    world.put()
    arn = issue(world)
    # The first is the ledger's: what was issued is known before anything is done with it.
    world.dynamodb.crash_after("update_item", 2)
    with pytest.raises(CrashError):
        world.invoke("cert_deploy", issuance_event(arn))
    assert world.invoke("cert_deploy", issuance_event(arn))["reason"] == "IN_PROGRESS"
    world.later(seconds=90)
    install = world.invoke("cert_deploy", host())
    assert finish(world, install)["state"] == "DEPLOYED"
    assert len(world.ssm.sent("InstallCertificate")) == 1


def test_a_lost_event_is_replaced_by_the_workflows_call(world: World) -> None:
    world.put()
    issue(world)
    world.later(seconds=120)
    install = world.invoke("cert_deploy", host())
    assert install["state"] == "PENDING"
    assert install["attempt"] == 0
    assert world.step_functions.calls == []
    assert finish(world, install)["state"] == "DEPLOYED"


def test_an_event_after_the_workflows_call_meets_a_task_that_is_gone_and_that_is_fine(world: World) -> None:
    world.put()
    arn = issue(world)
    install = world.invoke("cert_deploy", host())
    world.step_functions.gone.add(TOKEN)
    assert world.invoke("cert_deploy", issuance_event(arn))["installCommandId"] == install["installCommandId"]
    assert len(world.ssm.sent("InstallCertificate")) == 1


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_task_that_is_gone_is_no_error(world: World, code: str) -> None:
    world.put()
    arn = issue(world)
    world.step_functions.fail("send_task_success", client_error(code))
    assert world.invoke("cert_deploy", issuance_event(arn))["state"] == "SENT"
    assert world.step_functions.count("send_task_failure") == 0


def test_a_refused_callback_is_an_error(world: World) -> None:
    world.put()
    arn = issue(world)
    refused = client_error("AccessDeniedException")
    world.step_functions.fail("send_task_success", refused)
    world.step_functions.fail("send_task_failure", refused)
    with pytest.raises(AccessRefused):
        world.invoke("cert_deploy", issuance_event(arn))


def test_the_workflows_call_without_a_certificate_says_so(world: World) -> None:
    world.put()
    until_csr(world)
    with pytest.raises(IssuanceFailed, match="NOTHING_ISSUED"):
        world.invoke("cert_deploy", host())


def test_the_workflows_call_checks_the_certificate_too(world: World) -> None:
    world.put()
    arn = issue(world)
    world.pca.certificates[arn] = Ca().issue(make_csr(HOST))
    with pytest.raises(CertificateMismatch, match="its key is not the key of the CSR"):
        world.invoke("cert_deploy", host())
    assert len(world.ssm.sent("InstallCertificate")) == 0


def test_the_workflows_call_for_an_unreachable_host_says_so(world: World) -> None:
    world.put()
    issue(world)
    world.ssm.unknown.add(HOST)
    with pytest.raises(HostUnreachable):
        world.invoke("cert_deploy", host())
    assert world.step_functions.calls == []


def test_what_is_neither_event_nor_call_is_invalid(world: World) -> None:
    with pytest.raises(InvalidInput):
        world.invoke("cert_deploy", {"hostID": HOST})


def test_the_output_of_the_task_is_json_that_the_workflow_reads(world: World) -> None:
    world.put()
    world.invoke("cert_deploy", issuance_event(issue(world)))
    output = json.loads(world.step_functions.outcomes[TOKEN]["output"])
    assert output.keys() == {"state", "installCommandId", "attempt"}
    assert output == world.invoke("cert_deploy", host())


def test_a_certificate_that_was_not_asked_for_is_refused_where_the_ledger_has_lost_the_request(world: World) -> None:
    world.put(**LIVE)
    arn = issue(world)
    world.pca.certificates[arn] = world.pca.ca.issue(own_csr(world), validity=timedelta(days=90))
    (entry,) = world.certificates()
    key = {"hostID": {"S": HOST}, "requestId": {"S": entry.request_id}}
    world.dynamodb.delete_item(TableName="ledger", Key=key)
    answer = world.invoke("cert_deploy", issuance_event(arn))
    assert answer == {"state": "FAILED", "code": "CERTIFICATE_NOT_AS_REQUESTED"}
    assert world.step_functions.outcomes[TOKEN]["error"] == "CertificateMismatch"
    assert world.ssm.sent("InstallCertificate") == []
