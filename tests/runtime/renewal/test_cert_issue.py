"""CertIssue: token and key are stored before anything is issued, and one request gives one certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pca_runtime.errors.kinds import (
    AccessRefused,
    CertificateNotReady,
    CsrRejected,
    InvalidInput,
    InvalidInventoryItem,
    IssuanceFailed,
    LeaseLost,
    ServiceUnavailable,
    Throttled,
)
from pca_runtime.shared.identifiers import request_id

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import CA_ARN, client_error
from tests.runtime.pki import make_csr, p256
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
    until_csr,
)

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "csr"


def request_of(csr: str, token: str = TOKEN) -> dict[str, Any]:
    return {**host(), "csr": csr, "taskToken": token}


def claimed(world: World, **attributes: Any) -> str:
    world.put(**attributes)
    return str(until_csr(world)["csr"])


def test_asks_for_exactly_what_the_inventory_says(world: World) -> None:
    csr = claimed(world)
    assert world.invoke("cert_issue", request_of(csr)) == {"issued": True}
    (request,) = world.pca.requests("issue_certificate")
    assert request == {
        "CertificateAuthorityArn": CA_ARN,
        "Csr": csr.encode(),
        "SigningAlgorithm": "SHA256WITHECDSA",
        "TemplateArn": "arn:aws:acm-pca:::template/EndEntityCertificate_APIPassthrough/V1",
        "Validity": {"Type": "DAYS", "Value": 7},
        "ApiPassthrough": {"Subject": {"CommonName": HOST}},
        "IdempotencyToken": request_id(RUN, HOST),
    }


def test_asks_for_what_the_profile_of_the_item_says(world: World) -> None:
    csr = claimed(world, certificateProfile="client")
    world.invoke("cert_issue", request_of(csr))
    (request,) = world.pca.requests("issue_certificate")
    assert request["TemplateArn"].endswith("/EndEntityClientAuthCertificate_APIPassthrough/V1")
    assert request["Validity"]["Value"] == 5
    assert request["ApiPassthrough"] == {"Subject": {"CommonName": HOST, "Organization": "Example GmbH"}}


def test_every_kind_of_name_reaches_the_ca_as_its_own_kind(world: World) -> None:
    csr = claimed(
        world,
        dnsNames=["A.example.com", HOST],
        ipAddresses=["10.1.2.3", "FD00:0::1"],
        uris=[f"spiffe://example.com/host/{HOST}"],
        emailAddresses=["ops@EXAMPLE.com"],
    )
    world.invoke("cert_issue", request_of(csr))
    (request,) = world.pca.requests("issue_certificate")
    assert request["ApiPassthrough"]["Extensions"]["SubjectAlternativeNames"] == [
        {"DnsName": "a.example.com"},
        {"DnsName": HOST},
        {"IpAddress": "10.1.2.3"},
        {"IpAddress": "fd00::1"},
        {"UniformResourceIdentifier": f"spiffe://example.com/host/{HOST}"},
        {"Rfc822Name": "ops@example.com"},
    ]


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"certificateProfile": "admin"}, "PROFILE_UNKNOWN"),
        ({"certificateProfile": "client", "dnsNames": ["a.example.com"]}, "PROFILE_REFUSES_NAME"),
        ({"dnsNames": ["example.com"]}, "PROFILE_REFUSES_NAME"),
        ({"dnsNames": ["a.b.example.com"]}, "PROFILE_REFUSES_NAME"),
        ({"dnsNames": ["*.example.com"]}, "PROFILE_REFUSES_NAME"),
        ({"dnsNames": ["a.example.com.evil.com"]}, "PROFILE_REFUSES_NAME"),
        ({"dnsNames": ["i-0fedcba9876543210"]}, "PROFILE_REFUSES_NAME"),
        ({"dnsNames": ["10.1.2.3"]}, "INVENTORY_ATTRIBUTE_INVALID"),
        ({"ipAddresses": ["192.0.2.1"]}, "PROFILE_REFUSES_NAME"),
        ({"ipAddresses": ["::ffff:10.1.2.3"]}, "INVENTORY_ATTRIBUTE_INVALID"),
        ({"uris": ["spiffe://example.com/host/i-0fedcba9876543210"]}, "PROFILE_REFUSES_NAME"),
        ({"uris": [f"spiffe://example.com/host/{HOST}/../admin"]}, "PROFILE_REFUSES_NAME"),
        ({"emailAddresses": ["root@evil.com"]}, "PROFILE_REFUSES_NAME"),
        ({"certificateProfile": "strong", "keyAlgorithm": "EC_prime256v1"}, "PROFILE_REFUSES_KEY"),
    ],
)
def test_a_hostile_item_gets_nothing_outside_a_profile(world: World, attributes: dict[str, Any], code: str) -> None:
    csr = claimed(world)
    world.put(**{**world.item(), **attributes})
    with pytest.raises(InvalidInventoryItem, match=code):
        world.invoke("cert_issue", request_of(csr))
    assert world.pca.calls == []


def test_token_and_fingerprint_are_stored_before_the_ca_is_asked(world: World) -> None:
    csr = claimed(world)
    seen = {}
    issue_certificate = world.pca.issue_certificate

    def look(**request: Any) -> dict[str, Any]:
        seen.update(world.item()["pending"])
        return issue_certificate(**request)

    world.pca.issue_certificate = look
    world.invoke("cert_issue", request_of(csr))
    assert seen["taskToken"] == TOKEN
    assert len(seen["publicKeySha256"]) == 64
    assert "certificateArn" not in seen


def test_an_event_that_is_faster_than_the_answer_completes_the_task_when_it_is_delivered_again(world: World) -> None:
    """Before IssueCertificate has returned nobody knows whether its certificate is ours: Lambda tries again later."""
    csr = claimed(world)
    issue_certificate = world.pca.issue_certificate

    def with_a_fast_event(**request: Any) -> dict[str, Any]:
        answer = issue_certificate(**request)
        with pytest.raises(CertificateNotReady) as early:
            world.invoke("cert_deploy", issuance_event(answer["CertificateArn"]))
        assert early.value.code == "ISSUANCE_NOT_RECORDED"
        return answer

    world.pca.issue_certificate = with_a_fast_event
    world.invoke("cert_issue", request_of(csr))
    assert not world.ssm.sent("InstallCertificate")
    assert world.step_functions.count("send_task_success") == 0
    arn = world.item()["pending"]["certificateArn"]
    assert arn in world.pca.certificates
    assert world.invoke("cert_deploy", issuance_event(arn))["state"] == "SENT"
    assert completed(world)["installCommandId"] == world.item()["pending"]["installCommandId"]


def test_a_retry_after_the_install_completes_its_own_new_token(world: World) -> None:
    world.put()
    arn = issue(world)
    world.invoke("cert_deploy", issuance_event(arn))
    csr = world.ssm.csrs[request_id(RUN, HOST)]
    assert world.invoke("cert_issue", request_of(csr, "token-2")) == {"issued": False}
    assert completed(world, "token-2") == completed(world, TOKEN)
    assert world.pca.count("issue_certificate") == 1


def test_a_retry_after_the_arn_was_stored_issues_nothing_and_waits_with_its_new_token(world: World) -> None:
    world.put()
    arn = issue(world)
    csr = world.ssm.csrs[request_id(RUN, HOST)]
    assert world.invoke("cert_issue", request_of(csr, "token-2")) == {"issued": False}
    assert world.step_functions.calls == []
    world.invoke("cert_deploy", issuance_event(arn))
    assert set(world.step_functions.outcomes) == {"token-2"}


def test_a_retry_before_the_arn_was_stored_gets_the_same_certificate(world: World) -> None:
    csr = claimed(world)
    world.pca.crash_after("issue_certificate")
    with pytest.raises(BaseException, match="issue_certificate"):
        world.invoke("cert_issue", request_of(csr))
    world.invoke("cert_issue", request_of(csr, "token-2"))
    assert len(world.pca.certificates) == 1


@pytest.mark.parametrize("file", ["subject_other_host", "extension_san", "hash_sha1", "key_EC_secp521r1"])
def test_a_csr_that_is_not_the_hosts_own_reaches_neither_table_nor_ca(world: World, file: str) -> None:
    claimed(world)
    before = world.item()
    with pytest.raises(CsrRejected):
        world.invoke("cert_issue", request_of((VECTORS / f"{file}.pem").read_text()))
    assert world.item() == before
    assert world.pca.calls == []


def test_a_second_key_within_one_request_is_refused(world: World) -> None:
    csr = claimed(world)
    world.invoke("cert_issue", request_of(csr))
    with pytest.raises(CsrRejected, match="CSR_KEY_CHANGED"):
        world.invoke("cert_issue", request_of(make_csr(HOST, p256())))
    assert world.pca.count("issue_certificate") == 1


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("ended", ["installed", "failed"])
def test_a_key_that_had_a_certificate_gets_no_other(world: World, ended: str, by_hand: bool) -> None:
    """Who has a stolen key would otherwise have the host's next certificate, too; a failed installation counts."""
    world.put(**LIVE)
    key = p256()
    first = make_csr(HOST, key)
    until_csr(world)
    world.invoke("cert_issue", request_of(first))
    if ended == "installed":
        world.invoke("cert_deploy", issuance_event(str(world.item()["pending"]["certificateArn"])))
        finish(world, completed(world))
    else:
        fail(world, "CertDeploy", "CertificateNotReady", "HOOK_FAILED: no")
    world.later(days=3)
    until_csr(world, "run-2")
    before = world.item()
    again = {**host("run-2"), "csr": make_csr(HOST, key), "taskToken": "token-2", "byHand": by_hand}
    with pytest.raises(
        CsrRejected, match=r"asks with the key of its request of 2026-.*: each certificate needs"
    ) as raised:
        world.invoke("cert_issue", again)
    assert raised.value.code == "CSR_KEY_REUSED"
    assert (world.item(), world.pca.count("issue_certificate")) == (before, 1)
    world.invoke("cert_issue", {**again, "csr": make_csr(HOST, p256())})
    assert world.pca.count("issue_certificate") == 2


def test_the_key_algorithm_of_the_item_is_what_counts(world: World) -> None:
    csr = claimed(world, keyAlgorithm="RSA_2048")
    with pytest.raises(CsrRejected, match="CSR_WRONG_KEY"):
        world.invoke("cert_issue", request_of(csr))


@pytest.mark.parametrize(
    "attributes",
    [
        {"status": "RENEWING", "runId": "other", "leaseUntil": "2026-11-23T14:00:00Z", "pending": {"requestId": "x"}},
        {"status": "RETIRED", "runId": RUN, "pending": {"requestId": request_id(RUN, HOST)}},
        {**LIVE},
    ],
)
def test_without_the_lease_nothing_is_issued(world: World, attributes: dict[str, Any]) -> None:
    csr = claimed(world)
    world.put(**attributes)
    with pytest.raises(LeaseLost):
        world.invoke("cert_issue", request_of(csr))
    assert world.pca.calls == []


def test_a_host_retired_between_reading_and_writing_gets_nothing(world: World) -> None:
    csr = claimed(world)
    get_item = world.dynamodb.raw.get_item

    class Racing:
        def __getattr__(self, operation: str) -> Any:
            return getattr(world.dynamodb, operation)

        def get_item(self, **request: Any) -> dict[str, Any]:
            answer: dict[str, Any] = get_item(**request)
            world.put(status="RETIRED")
            return answer

    from pca_runtime.inventory.table import Inventory
    from pca_runtime.renewal.issuance import Issuance
    from pca_runtime.renewal.settings import CertIssueSettings
    from pca_runtime.renewal.task_callbacks import TaskCallbacks

    issuance = Issuance(
        CertIssueSettings.load(),
        Inventory(Racing(), "inventory"),
        world.ledger,
        world.pca,
        TaskCallbacks(world.step_functions),
        world.clock,
    )
    with pytest.raises(LeaseLost):
        issuance.request(HOST, RUN, csr, TOKEN)
    assert world.pca.calls == []


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", Throttled),
        ("InternalFailure", ServiceUnavailable),
        ("InvalidStateException", IssuanceFailed),
        ("LimitExceededException", IssuanceFailed),
        ("InvalidArgsException", IssuanceFailed),
        ("MalformedCSRException", CsrRejected),
        ("AccessDeniedException", AccessRefused),
    ],
)
def test_what_the_ca_answers_has_the_names_that_the_workflow_matches(
    world: World, code: str, error: type[Exception]
) -> None:
    csr = claimed(world)
    world.pca.fail("issue_certificate", client_error(code))
    with pytest.raises(error):
        world.invoke("cert_issue", request_of(csr))
    world.invoke("cert_issue", request_of(csr))
    assert len(world.pca.certificates) == 1


def test_neither_csr_nor_token_is_in_the_error_about_a_malformed_payload(world: World) -> None:
    with pytest.raises(InvalidInput) as wrong:
        world.invoke("cert_issue", {"hostID": "x", "runId": RUN, "csr": "C-S-R", "taskToken": ["T-O-K-E-N"]})
    assert "hostID" in str(wrong.value)
    assert "taskToken" in str(wrong.value)
    assert not {"C-S-R", "T-O-K-E-N"} & set(str(wrong.value).split("'"))
    assert "T-O-K-E-N" not in str(wrong.value)
