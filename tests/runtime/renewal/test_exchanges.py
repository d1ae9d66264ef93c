"""Between a run, a host and the CA: what each unexpected answer leads to, with its code and its words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pca_runtime.errors.kinds import (
    CertificateMismatch,
    CertificateNotReady,
    CsrRejected,
    InstallFailed,
    IssuanceFailed,
    LeaseLost,
    PermanentError,
    ServiceRefused,
    Throttled,
)
from pca_runtime.inventory.item import HostItem
from pca_runtime.renewal.csr_generation import CsrGeneration
from pca_runtime.renewal.deployment import Deployment
from pca_runtime.renewal.settings import CertDeploySettings
from pca_runtime.renewal.start import Start
from pca_runtime.shared.identifiers import request_id

from tests.runtime.conftest import ENVIRONMENT, HOST, World
from tests.runtime.fakes import CA_ARN, CrashError, client_error
from tests.runtime.pki import NOW, make_csr, p256
from tests.runtime.renewal.steps import (
    LIVE,
    RUN,
    TOKEN,
    completed,
    finish,
    host,
    issuance_event,
    issue,
    until_csr,
)
from tests.runtime.renewal.test_last_issued import anew, failed_once, start
from tests.runtime.stub import Stub

_ARN = f"{CA_ARN}/certificate/0a"


def _deployment(client: Any = None) -> Deployment:
    nothing: Any = Stub()
    settings = CertDeploySettings.load(ENVIRONMENT)
    return Deployment(settings, nothing, nothing, client or nothing, nothing, nothing, lambda: NOW)


_EVENT = issuance_event(_ARN)


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "aws.s3"},
        {"source": None},
        {"detail-type": "ACM Private CA CRL Generation"},
        {"detail": {"result": "failure"}},
        {"detail": {}},
        {"detail": None},
        {"resources": None},
        {"resources": _ARN},
        {"resources": []},
        {"resources": [CA_ARN, 7]},
        {"resources": [CA_ARN, _ARN.replace("0001/", "0002/")]},
    ],
    ids=str,
)
def test_an_event_that_is_not_of_our_ca_asks_nobody(changes: dict[str, Any]) -> None:
    assert _deployment().on_event({**_EVENT, **changes}) == {"state": "IGNORED", "reason": "NOT_OUR_EVENT"}


def test_an_event_names_our_certificate_among_other_things() -> None:
    client = Stub(get_certificate={"Certificate": "unreadable"})
    event = {**_EVENT, "resources": [7, CA_ARN, "arn:aws:s3:::x", _ARN, f"{_ARN}b"]}
    assert _deployment(client).on_event(event) == {"state": "IGNORED", "reason": "UNREADABLE"}
    assert client.calls == [("get_certificate", {"CertificateAuthorityArn": CA_ARN, "CertificateArn": _ARN})]
    with pytest.raises(Throttled, match=r"^SERVICE_THROTTLED: GetCertificate: ThrottlingException"):
        _deployment(Stub(get_certificate=client_error("ThrottlingException"))).on_event(event)


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (lambda ca: ca.issue(make_csr("web.example.com")), "NOT_A_HOST"),
        (lambda ca: ca.issue(make_csr("i-0123456789abcdef9")), "NOT_IN_INVENTORY"),
        (lambda ca: ca.issue(make_csr(HOST)), "NOT_PENDING"),
    ],
)
def test_a_certificate_that_nobody_waits_for_is_left_alone_with_the_reason(
    world: World, certificate: Any, reason: str
) -> None:
    world.put(**LIVE)
    arn = world.pca.add(certificate(world.pca.ca))
    assert world.invoke("cert_deploy", issuance_event(arn)) == {"state": "IGNORED", "reason": reason}
    assert world.ssm.calls == []


def test_a_second_certificate_for_the_key_is_not_the_one_that_was_asked_for(world: World) -> None:
    world.put(**LIVE)
    issue(world)
    second = world.pca.add(world.pca.ca.issue(world.ssm.csrs[request_id(RUN, HOST)]))
    answer = world.invoke("cert_deploy", issuance_event(second))
    assert answer == {"state": "IGNORED", "reason": "ANOTHER_CERTIFICATE"}
    assert world.ssm.sent("InstallCertificate") == []


def test_an_event_before_the_arn_is_written_down_comes_again(world: World) -> None:
    world.put(**LIVE)
    ready = until_csr(world)
    world.pca.crash_after("issue_certificate")
    with pytest.raises(CrashError):
        world.invoke("cert_issue", {**host(), "csr": ready["csr"], "taskToken": TOKEN})
    (arn,) = world.pca.certificates
    with pytest.raises(CertificateNotReady) as early:
        world.invoke("cert_deploy", issuance_event(arn))
    assert str(early.value) == f"ISSUANCE_NOT_RECORDED: what was issued for {HOST} is not written down yet"


def _ask(world: World) -> dict[str, Any]:
    return world.invoke("cert_deploy", host())


def test_the_workflow_that_asks_itself_gets_the_command_once(world: World) -> None:
    world.put(**LIVE)
    with pytest.raises(LeaseLost):
        _ask(world)
    until_csr(world)
    with pytest.raises(IssuanceFailed) as nothing:
        _ask(world)
    assert str(nothing.value) == f"NOTHING_ISSUED: no certificate was issued for {HOST}"
    csr = world.ssm.csrs[request_id(RUN, HOST)]
    world.invoke("cert_issue", {**host(), "csr": csr, "taskToken": TOKEN})
    first = _ask(world)
    assert first == {"state": "PENDING", "installCommandId": first["installCommandId"], "attempt": 0}
    assert _ask(world) == first
    assert len(world.ssm.sent("InstallCertificate")) == 1
    assert TOKEN not in world.step_functions.outcomes


def test_while_another_invocation_installs_the_event_is_ignored_and_the_workflow_told_to_wait(world: World) -> None:
    world.put(**LIVE)
    arn = issue(world)
    world.ssm.crash_after("send_command")
    with pytest.raises(CrashError):
        world.invoke("cert_deploy", issuance_event(arn))
    assert world.invoke("cert_deploy", issuance_event(arn)) == {"state": "IGNORED", "reason": "IN_PROGRESS"}
    with pytest.raises(CertificateNotReady) as busy:
        _ask(world)
    assert str(busy.value) == f"INSTALL_IN_PROGRESS: another invocation is installing on {HOST}"
    world.later(seconds=89)
    assert world.invoke("cert_deploy", issuance_event(arn))["state"] == "IGNORED"
    world.later(seconds=2)
    assert world.invoke("cert_deploy", issuance_event(arn))["state"] == "SENT"


def test_a_command_that_cannot_be_sent_lets_the_next_delivery_send_it(world: World) -> None:
    world.put(**LIVE)
    arn = issue(world)
    world.ssm.fail("send_command", client_error("ThrottlingException"))
    with pytest.raises(Throttled):
        world.invoke("cert_deploy", issuance_event(arn))
    assert world.invoke("cert_deploy", issuance_event(arn))["state"] == "SENT"


@pytest.mark.parametrize("by_event", [True, False])
def test_a_certificate_that_was_not_asked_for_is_refused_and_revoked(world: World, by_event: bool) -> None:
    world.put(**LIVE)
    arn = issue(world)
    csr = world.ssm.csrs[request_id(RUN, HOST)]
    world.pca.certificates[arn] = world.pca.ca.issue(csr, validity=timedelta(days=90))
    if by_event:
        answer = world.invoke("cert_deploy", issuance_event(arn))
        assert answer == {"state": "FAILED", "code": "CERTIFICATE_NOT_AS_REQUESTED"}
        told = world.step_functions.outcomes[TOKEN]
        assert (told["taskToken"], told["error"]) == (TOKEN, "CertificateMismatch")
        assert told["cause"].startswith("CERTIFICATE_NOT_AS_REQUESTED: ")
    else:
        with pytest.raises(CertificateMismatch):
            _ask(world)
    (entry,) = world.certificates()
    assert (entry.fate, entry.reason) == ("REFUSED", "UNSPECIFIED")
    assert entry.install_failed == (None if by_event else "CERTIFICATE_NOT_AS_REQUESTED")
    assert world.ssm.sent("InstallCertificate") == []


def test_a_host_that_is_not_there_fails_its_task_with_the_reason(world: World) -> None:
    world.put(**LIVE)
    arn = issue(world)
    world.ssm.unknown.add(HOST)
    answer = world.invoke("cert_deploy", issuance_event(arn))
    assert answer == {"state": "FAILED", "code": "HOST_UNKNOWN_TO_SSM"}
    assert world.step_functions.outcomes[TOKEN]["error"] == "HostUnreachable"


def test_a_csr_with_another_key_than_the_one_before_is_refused_with_the_reason(world: World) -> None:
    world.put()
    ready = until_csr(world)
    asked = {**host(), "taskToken": TOKEN}
    world.pca.fail("issue_certificate", client_error("ThrottlingException"))
    with pytest.raises(Throttled, match="IssueCertificate: ThrottlingException"):
        world.invoke("cert_issue", {**asked, "csr": ready["csr"]})
    with pytest.raises(CsrRejected) as changed:
        world.invoke("cert_issue", {**asked, "csr": make_csr(HOST, p256())})
    assert str(changed.value) == f"CSR_KEY_CHANGED: the key of {HOST} changed within one request"
    assert world.invoke("cert_issue", {**asked, "csr": ready["csr"]}) == {"issued": True}
    assert world.invoke("cert_issue", {**asked, "csr": ready["csr"]}) == {"issued": False}
    assert len(world.pca.certificates) == 1


def test_a_key_that_had_a_certificate_is_refused_by_the_time_of_its_request(world: World) -> None:
    world.put()
    ready = until_csr(world)
    world.invoke("cert_issue", {**host(), "csr": ready["csr"], "taskToken": TOKEN})
    world.put()
    world.ssm.csrs[request_id("run-2", HOST)] = ready["csr"]
    again = until_csr(world, "run-2")
    with pytest.raises(CsrRejected) as reused:
        world.invoke("cert_issue", {**host("run-2"), "csr": again["csr"], "taskToken": "token-2"})
    assert str(reused.value) == (
        f"CSR_KEY_REUSED: {HOST} asks with the key of its request of 2026-11-23T13:15:00Z: each certificate needs a "
        "key of its own"
    )


def _installing(world: World, **attributes: Any) -> dict[str, Any]:
    world.put(**{**LIVE, **attributes})
    world.invoke("cert_deploy", issuance_event(issue(world)))
    return completed(world)


def _says(world: World, install: dict[str, Any], **words: str) -> None:
    known = {"requestId": request_id(RUN, HOST), "serial": str(world.item()["pending"]["serial"]), "validated": "true"}
    line = " ".join(f"{name}={value}" for name, value in {**known, **words}.items())
    world.ssm.invocations[install["installCommandId"]]["StandardOutputContent"] = f"PCA_RESULT {line}\n"


def _logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if "message" in line]


@pytest.mark.parametrize(
    ("difference", "wrong"),
    [("300", False), ("301", True), ("-60", False), ("-61", True), ("0", False), ("", False), ("x", False),
     ("9" * 11, True), ("9" * 12, False), ("1.5", False)],
)  # fmt: skip
def test_a_clock_that_is_off_is_told_and_the_renewal_stands(
    world: World, difference: str, wrong: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    install = _installing(world)
    _says(world, install, clockDifference=difference)
    assert finish(world, install)["state"] == "DEPLOYED"
    told = [each for each in _logged(capsys) if each["message"] == "the clock of the host is wrong"]
    assert [(each["level"], each["host_id"], each["seconds_ahead"]) for each in told] == (
        [("WARNING", HOST, int(difference))] if wrong else []
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ({"requestId": "0" * 32}, "HOST_RESULT_FOREIGN", f"{HOST} answered another request than this run's"),
        ({"serial": "0a"}, "HOST_RESULT_FOREIGN", f"{HOST} reports another serial than was issued"),
    ],
)
def test_an_answer_to_something_else_is_said_to_be_one(
    world: World, words: dict[str, str], code: str, message: str
) -> None:
    install = _installing(world)
    _says(world, install, **words)
    with pytest.raises(InstallFailed) as failed:
        finish(world, install)
    assert (failed.value.code, failed.value.message) == (code, message)


def test_what_was_asked_for_meanwhile_is_due_at_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    install = _installing(world)
    key = {"hostID": {"S": HOST}}
    world.dynamodb.raw.update_item(
        TableName="inventory",
        Key=key,
        UpdateExpression="SET dnsNames = :names",
        ExpressionAttributeValues={":names": {"SS": ["a.example.com"]}},
    )
    finish(world, install)
    assert world.item()["renewalDate"] == "2026-11-23T13:15:00Z"
    (told,) = [each for each in _logged(capsys) if each["message"] == "changed while it was renewed: due again"]
    assert (told["level"], told["host_id"]) == ("INFO", HOST)


def test_a_failure_is_kept_with_the_certificate_by_the_hosts_own_code(world: World) -> None:
    install = _installing(world)
    world.ssm.invocations[install["installCommandId"]] = {
        "Status": "Failed", "StandardOutputContent": "PCA_ERROR NO_SPACE full\n", "ResponseCode": 1,
    }  # fmt: skip
    with pytest.raises(InstallFailed, match=r"^NO_SPACE: "):
        finish(world, install)
    (entry,) = world.certificates()
    assert (entry.install_failed, entry.fate) == ("NO_SPACE", "ISSUED")


@pytest.mark.parametrize("code", ["PENDING_REQUEST_MISSING", "CHAIN_INVALID", "NO_SPACE"])
def test_a_certificate_of_before_that_can_never_be_installed_makes_the_host_begin_afresh(
    world: World, code: str
) -> None:
    failed_once(world, "HOOK_FAILED")
    assert start(world, "run-2") == {"state": "ISSUED", "startAt": "2026-11-23T13:15:00Z", "requeues": 0}
    install = world.invoke("cert_deploy", host("run-2"))
    world.ssm.invocations[install["installCommandId"]] = {
        "Status": "Failed", "StandardOutputContent": f"PCA_ERROR {code} gone\n", "ResponseCode": 1,
    }  # fmt: skip
    if code == "NO_SPACE":
        with pytest.raises(InstallFailed):
            finish(world, install, "run-2")
        return
    afresh = {"state": "AFRESH", "attempt": 1, "commandId": install["installCommandId"]}
    assert finish(world, install, "run-2") == afresh
    assert finish(world, install, "run-2") == afresh, "an answer that was lost is given again"
    (entry,) = world.certificates()
    assert entry.install_failed == code
    assert anew(world, "run-2", start(world, "run-2"))["state"] == "PENDING"


def test_a_failure_of_a_host_that_is_no_longer_ours_is_told_as_it_is(world: World) -> None:
    install = _installing(world)
    world.put(**LIVE)
    world.ssm.invocations[install["installCommandId"]] = {
        "Status": "Failed", "StandardOutputContent": "PCA_ERROR CHAIN_INVALID x\n", "ResponseCode": 1,
    }  # fmt: skip
    with pytest.raises(InstallFailed, match=r"^CHAIN_INVALID: "):
        finish(world, install)
    (entry,) = world.certificates()
    assert entry.install_failed == "CHAIN_INVALID"


def test_a_throttled_proof_waits_and_then_sends_the_same_certificate(world: World) -> None:
    install = _installing(world)
    world.ssm.invocations[install["installCommandId"]] = {
        "Status": "Failed", "StandardOutputContent": "PCA_ERROR ROLES_ANYWHERE_THROTTLED x\n", "ResponseCode": 1,
    }  # fmt: skip
    again = finish(world, install)
    assert (again["state"], again["attempt"], again["commandId"]) == ("AGAIN", 1, install["installCommandId"])
    assert set(again) == {"state", "attempt", "commandId", "startAt"}
    # From its start: four polls of 15 seconds, and eight minutes of retries.
    item = HostItem.of(world.item(), world.now)
    assert item.lease_until is not None
    assert item.lease_until.strftime("%Y-%m-%dT%H:%M:%SZ") == (
        (NOW + timedelta(seconds=540)).strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    assert again["startAt"] == "2026-11-23T13:15:00Z"


class _Gate:
    def __init__(self, later: Start | None = None) -> None:
        self._later = later
        self.asked: list[str] = []

    def later(self, run_id: str, _start: Start) -> Start | None:
        self.asked.append(run_id)
        return self._later


class _Held:
    """An inventory with one item."""

    def __init__(self, **attributes: Any) -> None:
        self._item = HostItem.of({"hostID": HOST, **attributes}, NOW) if attributes else None

    def get(self, _host_id: str) -> HostItem | None:
        return self._item

    def claim(self, *_: Any) -> Any:
        raise ServiceRefused("claimed")


_MINE = {"status": "RENEWING", "runId": RUN, "leaseUntil": "2026-11-23T13:30:00Z"}


@pytest.mark.parametrize(
    ("attributes", "requeues", "judged"),
    [(_MINE, 5, False), (_MINE, 4, True), ({**_MINE, "runId": "other"}, 5, True), ({}, 5, True)],
)
def test_only_a_retry_of_a_host_at_its_last_place_in_the_line_is_not_judged_again(
    attributes: dict[str, Any], requeues: int, judged: bool
) -> None:
    gate = _Gate()
    settings: Any = type("Settings", (), {"lease_seconds": 60})()
    nothing: Any = Stub()
    generation = CsrGeneration(settings, _Held(**attributes), nothing, gate, nothing, lambda: NOW)  # type: ignore[arg-type]
    begin = Start(NOW, "bulk", 100, requeues)
    with pytest.raises(PermanentError, match="claimed"):
        generation.start(HOST, RUN, None, begin)
    assert gate.asked == ([RUN] if judged else [])
    later = CsrGeneration(
        settings,
        _Held(),  # type: ignore[arg-type]
        nothing,
        _Gate(replace(begin, at=NOW + timedelta(seconds=9), requeues=5)),  # type: ignore[arg-type]
        nothing,
        lambda: NOW,
    )
    assert later.start(HOST, RUN, None, begin) == {"state": "WAIT", "startAt": "2026-11-23T13:15:09Z", "requeues": 5}


def _failed(world: World, install: dict[str, Any], code: str) -> None:
    world.ssm.invocations[install["installCommandId"]] = {
        "Status": "Failed", "StandardOutputContent": f"PCA_ERROR {code} x\n", "ResponseCode": 1,
    }  # fmt: skip


def test_a_repeated_answer_after_the_record_is_known_by_its_serial(world: World) -> None:
    install = _installing(world)
    serial = str(world.item()["pending"]["serial"])
    finish(world, install)
    answer = world.ssm.invocations[install["installCommandId"]]
    answer["StandardOutputContent"] = f"PCA_RESULT requestId=other serial=00{serial.upper()}\n"
    assert finish(world, install)["state"] == "DEPLOYED"
    answer["StandardOutputContent"] = f"PCA_RESULT requestId={request_id(RUN, HOST)} serial=0a\n"
    with pytest.raises(InstallFailed, match=r"^HOST_RESULT_FOREIGN: "):
        finish(world, install)


def test_what_a_host_says_beside_its_success_is_in_the_log(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    install = _installing(world)
    _says(world, install, notices="HELPER_GONE")
    finish(world, install)
    (told,) = [each for each in _logged(capsys) if each["message"] == "the host has to be looked at"]
    assert (told["level"], told["host_id"], told["notices"]) == ("WARNING", HOST, {"HELPER_GONE": ""})


def _raw(table: str, **key: str) -> dict[str, Any]:
    return {"TableName": table, "Key": {name: {"S": value} for name, value in key.items()}}


def test_a_request_of_which_no_key_is_written_down_is_for_the_key_that_is_asked_for_now(world: World) -> None:
    world.put()
    ready = until_csr(world)
    world.dynamodb.raw.update_item(**_raw("inventory", hostID=HOST), UpdateExpression="REMOVE pending.keyAlgorithm")
    assert world.invoke("cert_issue", {**host(), "csr": ready["csr"], "taskToken": TOKEN}) == {"issued": True}


def test_the_key_that_the_host_has_made_counts_for_what_was_asked_for_then(world: World) -> None:
    world.put()
    ready = until_csr(world)
    world.dynamodb.raw.update_item(
        **_raw("inventory", hostID=HOST),
        UpdateExpression="SET keyAlgorithm = :key",
        ExpressionAttributeValues={":key": {"S": "RSA_2048"}},
    )
    assert world.invoke("cert_issue", {**host(), "csr": ready["csr"], "taskToken": TOKEN}) == {"issued": True}


def test_a_claim_lasts_for_a_whole_renewal_and_a_request_is_known_for_its_certificates_life(world: World) -> None:
    world.put(certificateProfile="client")
    world.invoke("cert_csr", host())
    # Two commands of a minute each, twenty minutes for the CA, and eight for retries.
    assert world.item()["leaseUntil"] == "2026-11-23T13:45:00Z"
    issue(world)
    key = _raw("ledger", hostID=HOST, requestId=request_id(RUN, HOST))
    entry = world.dynamodb.raw.get_item(**key)["Item"]
    assert entry["expiresAt"] == {"N": str(int(NOW.timestamp()) + (5 + 2) * 86_400)}


def test_a_certificate_is_counted_as_sent_again_by_a_later_run_alone(world: World) -> None:
    failed_once(world, "HOOK_FAILED")
    assert [each.sent_again for each in world.certificates()] == [0]
    start(world, "run-2")
    world.invoke("cert_deploy", host("run-2"))
    assert [each.sent_again for each in world.certificates()] == [1]


def test_an_installation_of_which_the_item_knows_nothing_yet_does_not_begin_afresh(world: World) -> None:
    install = _installing(world)
    world.dynamodb.raw.update_item(**_raw("inventory", hostID=HOST), UpdateExpression="REMOVE pending.installCommandId")
    _failed(world, install, "CHAIN_INVALID")
    with pytest.raises(InstallFailed, match=r"^CHAIN_INVALID: "):
        finish(world, install)


def test_a_throttled_command_lets_the_host_go_and_a_person_who_forces_gets_a_new_key(world: World) -> None:
    failed_once(world, "HOOK_FAILED")
    forced = start(world, "run-2", by_hand=True)
    assert forced["state"] == "SENT"
    assert len(world.ssm.sent("GenerateCsr")) == 2


def test_a_failure_of_a_host_that_another_run_renews_does_not_begin_that_renewal_afresh(world: World) -> None:
    install = _installing(world)
    lease = {"status": "RENEWING", "runId": "other", "leaseUntil": "2026-11-23T13:30:00Z"}
    world.put(**lease, pending={"requestId": request_id("other", HOST)})
    _failed(world, install, "CHAIN_INVALID")
    with pytest.raises(InstallFailed, match=r"^CHAIN_INVALID: "):
        finish(world, install)
