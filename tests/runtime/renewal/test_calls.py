"""What a renewal asks of hosts and the CA: every parameter, as the promises have it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pca_runtime.errors.kinds import CsrFailed, PcaAutomatorError
from pca_runtime.shared.identifiers import request_id

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import CA_ARN
from tests.runtime.pki import NOW
from tests.runtime.renewal.steps import LIVE, RUN, USERS, completed, finish, issuance_event, issue, renew

T = NOW.timestamp()
_EXECUTION = "arn:aws:states:eu-central-1:111122223333:execution:machine"


def _nobody(_: str, error: PcaAutomatorError) -> None:
    raise error


def test_a_renewal_sends_each_host_what_its_item_says_and_the_ca_what_was_promised(world: World) -> None:
    world.put(**LIVE, **USERS, bundle=True, certMode="0444", fileOwner="app", signinghelperPath="/opt/helper")
    renew(world)
    request = request_id(RUN, HOST)
    directories = {
        "certPath": ["/srv/my certs"], "keyPath": ["/srv/keys"], "cacertPath": ["/etc/pca-automator/certs"],
    }  # fmt: skip
    asked, installed = world.ssm.requests("send_command")
    assert asked == {
        "DocumentName": "GenerateCsr",
        "DocumentVersion": "$LATEST",
        "InstanceIds": [HOST],
        "Comment": "pca-automator csr run-1",
        "TimeoutSeconds": 60,
        "Parameters": {
            **directories, "hostID": [HOST], "requestId": [request], "keyAlgorithm": ["EC_prime256v1"],
        },
    }  # fmt: skip
    ((arn, pem),) = world.pca.certificates.items()
    certificate = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    chain = world.pca.ca.certificate.public_bytes(Encoding.DER)
    assert installed == {
        "DocumentName": "InstallCertificate",
        "DocumentVersion": "$LATEST",
        "InstanceIds": [HOST],
        "Comment": "pca-automator install run-1",
        "TimeoutSeconds": 60,
        "Parameters": {
            **directories,
            "hostID": [HOST],
            "requestId": [request],
            "signinghelperPath": ["/opt/helper"],
            "certificate": [base64.b64encode(certificate).decode()],
            "chain": [base64.b64encode(chain).decode()],
            "sentAt": [str(int(T))],
            "fileOwner": ["app"],
            "fileGroup": ["ssl-cert"],
            "certMode": ["0444"],
            "keyMode": ["0640"],
            "bundle": ["true"],
        },
    }
    (issued,) = world.pca.requests("issue_certificate")
    assert issued.pop("Csr").startswith(b"-----BEGIN CERTIFICATE REQUEST-----\n")
    assert issued == {
        "CertificateAuthorityArn": CA_ARN,
        "SigningAlgorithm": "SHA256WITHECDSA",
        "TemplateArn": "arn:aws:acm-pca:::template/EndEntityCertificate_APIPassthrough/V1",
        "Validity": {"Type": "DAYS", "Value": 7},
        "ApiPassthrough": {
            "Subject": {"CommonName": HOST},
            "Extensions": {
                "SubjectAlternativeNames": [{"DnsName": "a.example.com"}, {"DnsName": "b.example.com"}]
            },
        },
        "IdempotencyToken": request,
    }  # fmt: skip
    assert world.pca.requests("get_certificate") == [{"CertificateAuthorityArn": CA_ARN, "CertificateArn": arn}]
    assert [each["InstanceId"] for each in world.ssm.requests("get_command_invocation")] == [HOST, HOST]


def test_what_the_item_does_not_say_is_the_deployments(world: World) -> None:
    world.put(certificateProfile="client")
    renew(world)
    parameters = world.ssm.requests("send_command")[1]["Parameters"]
    assert {name: parameters[name] for name in ("fileOwner", "fileGroup", "certMode", "keyMode", "bundle")} == {
        "fileOwner": [""], "fileGroup": [""], "certMode": [""], "keyMode": [""], "bundle": ["false"],
    }  # fmt: skip
    assert parameters["signinghelperPath"] == ["/usr/local/bin"]
    (issued,) = world.pca.requests("issue_certificate")
    assert issued["ApiPassthrough"] == {"Subject": {"CommonName": HOST, "Organization": "Example GmbH"}}
    assert issued["Validity"] == {"Type": "DAYS", "Value": 5}
    assert issued["TemplateArn"].endswith("/EndEntityClientAuthCertificate_APIPassthrough/V1")


def test_the_item_tells_everything_about_the_certificate_that_was_put_in_service(world: World) -> None:
    world.put(**LIVE, **USERS)
    arn = issue(world)
    pending = world.item()["pending"]
    assert set(pending) == {
        "requestId",
        "csrCommandId",
        "keyAlgorithm",
        "publicKeySha256",
        "taskToken",
        "certificateArn",
    }
    world.invoke("cert_deploy", issuance_event(arn))
    finish(world, completed(world))
    item = world.item()
    serial = f"{x509.load_pem_x509_certificate(world.pca.certificates[arn].encode()).serial_number:x}"
    assert {name: item.get(name) for name in [*LIVE, "previousSerial", "pending", "runId", "leaseUntil"]} == {
        "status": "DEPLOYED", "serial": serial, "expiry": "2026-11-30T13:15:00Z", "certificateArn": arn,
        "renewalDate": "2026-11-28T13:15:00Z", "validated": True, "lastRunId": RUN, "previousSerial": "0abc",
        "lastAttempt": "2026-11-23T13:15:00Z", "pending": None, "runId": None, "leaseUntil": None,
    }  # fmt: skip
    (entry,) = world.certificates()
    assert (entry.fate, entry.serial, entry.certificate_arn, entry.run_id, entry.request_id) == (
        "LIVE", serial, arn, RUN, request_id(RUN, HOST),
    )  # fmt: skip


_CSR = "-----BEGIN CERTIFICATE REQUEST-----\nQQ==\n-----END CERTIFICATE REQUEST-----\n"


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("PCA_RESULT requestId=other\n" + _CSR, "HOST_RESULT_FOREIGN"),
        (f"PCA_RESULT requestId={request_id(RUN, HOST)}\n", "HOST_RESULT_MISSING"),
        (_CSR + _CSR + f"PCA_RESULT requestId={request_id(RUN, HOST)}\n", "HOST_RESULT_MISSING"),
    ],
)
def test_an_answer_without_the_one_csr_of_this_run_says_why(world: World, output: str, code: str) -> None:
    world.put()
    sent = world.invoke("cert_csr", {"hostID": HOST, "runId": RUN})
    world.ssm.invocations[sent["commandId"]]["StandardOutputContent"] = output
    with pytest.raises(CsrFailed) as failed:
        world.invoke("cert_csr_status", {"hostID": HOST, "runId": RUN, "commandId": sent["commandId"], "attempt": 0})
    assert failed.value.code == code
    assert HOST in failed.value.message


def test_a_csr_is_waited_for_and_then_given_with_what_the_workflow_goes_on_with(world: World) -> None:
    world.put()
    sent = world.invoke("cert_csr", {"hostID": HOST, "runId": RUN})
    assert sent == {"state": "SENT", "commandId": sent["commandId"], "attempt": 0}
    world.ssm.invocations[sent["commandId"]]["Status"] = "InProgress"
    poll = {"hostID": HOST, "runId": RUN, "commandId": sent["commandId"]}
    waiting = {"state": "PENDING", "attempt": 3, "commandId": sent["commandId"]}
    assert world.invoke("cert_csr_status", {**poll, "attempt": 2}) == waiting
    world.ssm.invocations[sent["commandId"]]["Status"] = "Success"
    ready = world.invoke("cert_csr_status", {**poll, "attempt": 3})
    assert ready.pop("csr").endswith("-----END CERTIFICATE REQUEST-----\n")
    assert ready == {"state": "READY", "attempt": 4, "commandId": sent["commandId"]}


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"status": "RETIRED"}, "RETIRED"),
        ({**LIVE, "lastRunId": RUN}, "ALREADY_DONE"),
        ({"status": "RENEWING", "runId": "other", "leaseUntil": "2026-11-23T14:00:00Z"}, "BUSY"),
    ],
)
def test_a_host_that_is_not_to_be_renewed_is_skipped_with_the_reason(
    world: World, attributes: dict[str, Any], reason: str
) -> None:
    world.put(**attributes)
    assert world.invoke("cert_csr", {"hostID": HOST, "runId": RUN}) == {"state": "SKIPPED", "reason": reason}
    assert world.ssm.calls == []
