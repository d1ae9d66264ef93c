"""What is asked of AWS about revocations: every parameter, and every error by the name of its operation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pca_runtime.authority.lifetime import Cycle
from pca_runtime.errors.kinds import AccessRefused, CrlRefused, Throttled
from pca_runtime.inventory.item import HostItem
from pca_runtime.revocation import reasons
from pca_runtime.revocation.anchored_crls import anchored_crls
from pca_runtime.revocation.crl_processing import CrlOutcome, CrlProcessing
from pca_runtime.revocation.crl_size import entries_of
from pca_runtime.revocation.crl_source import check_source, failure_of
from pca_runtime.revocation.revoker import Revoker
from pca_runtime.revocation.settings import CrlProcessorSettings

from tests.runtime.conftest import ENVIRONMENT
from tests.runtime.fakes import ANCHOR_ARN, CA_ARN, client_error
from tests.runtime.pki import NOW, Ca, make_csr
from tests.runtime.stub import Said, Stub, says_what_was_throttled

_HOST = "i-0123456789abcdef0"
_SERIAL = "0a1b2c"
_CA = Ca()
_SETTINGS = CrlProcessorSettings.read(ENVIRONMENT)
_KEY = f"crl/{CA_ARN.rsplit('/', 1)[-1]}.crl"
_NONE_THERE = client_error("ResourceNotFoundException")


def _revoker(client: Any) -> Revoker:
    return Revoker(client, CA_ARN, Said())


def _processing(client: Any) -> CrlProcessing:
    return CrlProcessing(_SETTINGS, client, client, client, lambda _: False, lambda: NOW)


def _whole(**answers: Any) -> Stub:
    """Everything that is asked until a CRL is in force; the last word is the test's."""
    usual = {
        "get_certificate_authority_certificate": {"Certificate": _CA.pem},
        "describe_certificate_authority": {
            "CertificateAuthority": {
                "RevocationConfiguration": {"CrlConfiguration": {"Enabled": True, "S3BucketName": "crls"}}
            }
        },
        "list_crls": {"crls": []},
        "import_crl": {},
        "update_crl": {},
    }
    return Stub(**{**usual, **answers})


def _object(data: bytes) -> dict[str, Any]:
    class Body:
        def read(self) -> bytes:
            return data

    return {"ContentLength": len(data), "Body": Body()}


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("list_crls", lambda client: list(anchored_crls(client, ANCHOR_ARN))),
        ("describe_certificate_authority", lambda client: check_source(client, CA_ARN, "crls")),
        ("get_certificate", lambda client: _revoker(client).certificate("arn")),
        ("get_certificate_authority_certificate", lambda client: _processing(client).bring_into_force()),
    ],
)
def test_an_error_names_the_operation(method: str, call: Callable[[Any], object]) -> None:
    says_what_was_throttled(method, call)


@pytest.mark.parametrize(
    ("method", "name"), [("get_object", "GetObject"), ("import_crl", "ImportCrl"), ("update_crl", "UpdateCrl")]
)
def test_an_error_in_the_middle_names_the_operation(method: str, name: str) -> None:
    older = {"crlId": "1", "name": "pca-automator", "trustAnchorArn": ANCHOR_ARN, "crlData": b"unreadable"}
    answers: dict[str, Any] = {"get_object": _object(_CA.crl(2)), "list_crls": {"crls": []}}
    if method == "update_crl":
        answers["list_crls"] = {"crls": [older]}
    with pytest.raises(Throttled) as raised:
        _processing(_whole(**{**answers, method: client_error("ThrottlingException")})).bring_into_force()
    assert raised.value.message.startswith(f"{name}: ThrottlingException: ")


def test_the_first_crl_is_imported_enabled_under_its_name_at_its_anchor() -> None:
    crl = _CA.crl(2, revoked=3)
    stub = _whole(get_object=_object(crl))
    outcome = _processing(stub).bring_into_force()
    pem = x509.load_der_x509_crl(crl).public_bytes(Encoding.PEM)
    assert stub.calls == [
        ("get_certificate_authority_certificate", {"CertificateAuthorityArn": CA_ARN}),
        ("describe_certificate_authority", {"CertificateAuthorityArn": CA_ARN}),
        ("list_crls", {}),
        ("get_object", {"Bucket": "crls", "Key": _KEY}),
        ("import_crl", {"name": "pca-automator", "crlData": pem, "trustAnchorArn": ANCHOR_ARN, "enabled": True}),
        ("get_object", {"Bucket": "crls", "Key": _KEY}),
    ]
    assert outcome == CrlOutcome(
        "IMPORTED",
        2,
        "",
        "",
        {
            "CrlMissing": 0.0,
            "CrlBytes": len(pem),
            "CrlEntries": 3,
            "CrlSecondsToNextUpdate": 7 * 86_400.0,
            "CrlAgeSeconds": 3_600.0,
            "CrlsAccepted": 1,
        },
        (),
        NOW - timedelta(hours=1),
    )


def test_an_older_crl_in_force_is_updated_in_its_place_and_measured_as_the_new_one() -> None:
    in_force = {
        "crlId": "crl-1", "name": "pca-automator", "trustAnchorArn": ANCHOR_ARN, "enabled": True,
        "crlData": _CA.crl(1, validity=timedelta(days=2)),
    }  # fmt: skip
    crl = _CA.crl(2)
    stub = _whole(list_crls={"crls": [in_force]}, get_object=_object(crl))
    outcome = _processing(stub).bring_into_force()
    ((_, request),) = [each for each in stub.calls if each[0] == "update_crl"]
    assert (request["crlId"], request["name"], set(request)) == (
        "crl-1", "pca-automator", {"crlId", "name", "crlData"},
    )  # fmt: skip
    assert (outcome.state, outcome.number, outcome.crl_ids, outcome.as_of) == (
        "UPDATED", 2, (), NOW - timedelta(hours=1),
    )  # fmt: skip
    assert outcome.metrics["CrlSecondsToNextUpdate"] == 7 * 86_400.0
    assert outcome.metrics["CrlsAccepted"] == 1


def test_a_refusal_is_counted_with_what_it_is_about_and_what_is_in_force() -> None:
    in_force = {
        "crlId": "crl-1", "name": "pca-automator", "trustAnchorArn": ANCHOR_ARN, "enabled": False,
        "crlData": _CA.crl(2, validity=timedelta(days=2)),
    }  # fmt: skip
    stub = _whole(list_crls={"crls": [in_force]}, get_object=_object(in_force["crlData"]))
    outcome = _processing(stub).bring_into_force()
    assert (outcome.state, outcome.number, outcome.code, outcome.crl_ids) == (
        "REFUSED", None, "CRL_DISABLED", ("crl-1",),
    )  # fmt: skip
    assert outcome.message == "the CRL crl-1 is disabled: no revocation is enforced"
    assert outcome.metrics["CrlsRefused"] == 1
    assert "CrlsAccepted" not in outcome.metrics
    assert outcome.metrics["CrlSecondsToNextUpdate"] == 2 * 86_400.0
    assert outcome.metrics["CrlAgeSeconds"] == 3_600.0


def test_a_crl_that_is_in_force_counts_neither_way() -> None:
    data = _CA.crl(2)
    in_force = {"crlId": "crl-1", "name": "pca-automator", "trustAnchorArn": ANCHOR_ARN, "crlData": data}
    outcome = _processing(_whole(list_crls={"crls": [in_force]}, get_object=_object(data))).bring_into_force()
    assert (outcome.state, outcome.number, outcome.as_of) == ("IN_FORCE", 2, NOW - timedelta(hours=1))
    assert not {"CrlsAccepted", "CrlsRefused"} & set(outcome.metrics)


@pytest.mark.parametrize("code", ["NoSuchKey", "404"])
@pytest.mark.parametrize("issued", [False, True])
def test_a_crl_that_is_not_there_is_missed_from_an_hour_after_the_first_certificate(code: str, issued: bool) -> None:
    asked = []

    def issued_before(moment: Any) -> bool:
        asked.append(moment)
        return issued

    stub = _whole(get_object=client_error(code))
    outcome = CrlProcessing(_SETTINGS, stub, stub, stub, issued_before, lambda: NOW).bring_into_force()
    assert outcome == CrlOutcome("NO_CRL_YET", metrics={"CrlMissing": float(issued)})
    assert asked == [NOW - timedelta(hours=1)]


@pytest.mark.parametrize(
    ("event", "concerns"),
    [
        ({"detail": {"bucket": {"name": "crls"}, "object": {"key": _KEY}}}, True),
        ({"detail": {"bucket": {"name": "crls"}, "object": {"key": f"a/b/{_KEY}"}}}, True),
        ({"detail": {"bucket": {"name": "crls"}, "object": {"key": _KEY.removeprefix("crl/")}}}, False),
        ({"detail": {"bucket": {"name": "crls"}, "object": {"key": "crl/other.crl"}}}, False),
        ({"detail": {"bucket": {"name": "other"}, "object": {"key": _KEY}}}, False),
        ({"detail": {"bucket": {"name": "crls"}, "object": {}}}, False),
        ({"detail": {"bucket": "crls", "object": {"key": _KEY}}}, False),
        ({"detail": {"bucket": {"name": "crls"}, "object": _KEY}}, False),
        ({"detail": []}, False),
        ({}, False),
        ([], False),
        (None, False),
    ],
)
def test_only_an_event_of_the_cas_own_crl_concerns_it(event: object, concerns: bool) -> None:
    assert _processing(Stub()).concerns(event) is concerns


@pytest.mark.parametrize(
    ("configuration", "bucket", "code"),
    [
        (None, "crls", "CRL_SWITCHED_OFF"),
        ({}, "crls", "CRL_SWITCHED_OFF"),
        ({"Enabled": False, "S3BucketName": "crls"}, "crls", "CRL_SWITCHED_OFF"),
        ({"Enabled": True, "CrlType": "PARTITIONED", "S3BucketName": "crls"}, "crls", "CRL_PARTITIONED"),
        ({"Enabled": True, "CrlType": "COMPLETE", "S3BucketName": "other"}, "crls", "CRL_ELSEWHERE"),
    ],
)
def test_a_crl_that_cannot_come_is_refused_by_its_code(
    configuration: dict[str, Any] | None, bucket: str, code: str
) -> None:
    described = {"RevocationConfiguration": None if configuration is None else {"CrlConfiguration": configuration}}
    with pytest.raises(CrlRefused) as refused:
        check_source(Stub(describe_certificate_authority={"CertificateAuthority": described}), CA_ARN, bucket)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        (None, (_KEY,)),
        ("", (_KEY,)),
        ("crl", (_KEY,)),
        ("/a/b/", (f"a/b/{_KEY.removeprefix('crl/')}", _KEY)),
    ],
)
def test_the_crl_is_looked_for_under_its_path_and_then_at_the_usual_place(
    path: str | None, keys: tuple[str, ...]
) -> None:
    configuration = {"Enabled": True, "S3BucketName": "crls", "CustomPath": path}
    described = {"CertificateAuthority": {"RevocationConfiguration": {"CrlConfiguration": configuration}}}
    assert check_source(Stub(describe_certificate_authority=described), CA_ARN, "crls") == keys


_FAILURE = {
    "source": "aws.acm-pca",
    "detail-type": "ACM Private CA CRL Generation",
    "resources": [CA_ARN],
    "detail": {"result": "failure", "reason": "no access to the bucket"},
}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "no access to the bucket"),
        ({"detail": {"result": "failure"}}, "no reason given"),
        ({"detail": {"result": "success", "reason": "x"}}, None),
        ({"detail": None}, None),
        ({"resources": ["arn:other"]}, None),
        ({"resources": CA_ARN}, None),
        ({"source": "aws.s3"}, None),
        ({"detail-type": "ACM Private CA Certificate Issuance"}, None),
    ],
)
def test_why_a_crl_was_not_written_is_read_from_the_cas_own_event_alone(
    changes: dict[str, Any], reason: str | None
) -> None:
    assert failure_of({**_FAILURE, **changes}, CA_ARN) == reason
    assert failure_of([], CA_ARN) is None


def test_all_pages_are_asked_for_and_only_the_anchors_own_crls_are_given() -> None:
    ours = {"crlId": "1", "trustAnchorArn": ANCHOR_ARN}
    stub = Stub(
        list_crls=[
            {"crls": [ours, {"crlId": "2", "trustAnchorArn": "arn:other"}, {"crlId": "3"}], "nextToken": "more"},
            {"nextToken": "last"},
            {"crls": [{**ours, "crlId": "4"}]},
        ]
    )
    assert [each["crlId"] for each in anchored_crls(stub, ANCHOR_ARN)] == ["1", "4"]
    assert stub.calls == [("list_crls", {}), ("list_crls", {"nextToken": "more"}), ("list_crls", {"nextToken": "last"})]


def _leaf(host: str = _HOST, *, ca: bool = False) -> dict[str, str]:
    return {"Certificate": _CA.issue(make_csr(host), ca=ca)}


@pytest.mark.parametrize(
    ("found", "anothers"),
    [
        ([_NONE_THERE, _NONE_THERE], False),
        ([_leaf()], False),
        ([_NONE_THERE, _leaf()], False),
        ([_leaf("i-0123456789abcdef1")], True),
        ([_NONE_THERE, _leaf("i-0123456789abcdef1")], True),
        ([_leaf(ca=True)], True),
        ([{"Certificate": "unreadable"}], True),
    ],
)
def test_whose_a_certificate_is_the_ca_says(found: list[Any], anothers: bool) -> None:
    stub = Stub(get_certificate=list(found))
    assert _revoker(stub).is_anothers(_HOST, "0A:1b:2C") is anothers
    written = [f"{CA_ARN}/certificate/{digits}" for digits in ("0" * 26 + "0a1b2c", "a1b2c")]
    assert stub.calls == [
        ("get_certificate", {"CertificateAuthorityArn": CA_ARN, "CertificateArn": arn}) for arn in written[: len(found)]
    ]


@pytest.mark.parametrize("code", ["InvalidArnException", "RequestFailedException", "ResourceNotFoundException"])
def test_what_is_no_certificate_is_none(code: str) -> None:
    assert _revoker(Stub(get_certificate=client_error(code))).certificate("arn") is None
    with pytest.raises(AccessRefused):
        _revoker(Stub(get_certificate=client_error("AccessDeniedException"))).certificate("arn")


@pytest.mark.parametrize(
    ("answer", "came"),
    [
        ({}, "REVOKED"),
        (client_error("RequestAlreadyProcessedException"), "BEFORE"),
        (client_error("ResourceNotFoundException"), "UNKNOWN"),
    ],
)
def test_a_serial_is_revoked_with_its_reason_and_the_log_says_so(answer: Any, came: str) -> None:
    said = Said()
    stub = Stub(get_certificate=_NONE_THERE, revoke_certificate=answer)
    assert Revoker(stub, CA_ARN, said).revoke(_HOST, _SERIAL, "SUPERSEDED") == came
    assert stub.calls[-1] == (
        "revoke_certificate",
        {"CertificateAuthorityArn": CA_ARN, "CertificateSerial": "0a:1b:2c", "RevocationReason": "SUPERSEDED"},
    )
    ((level, _, fields),) = said.lines
    assert (level, fields["host_id"], fields["serial"]) == ("info", _HOST, _SERIAL)
    assert fields.get("revocation_reason") == ("SUPERSEDED" if came == "REVOKED" else None)
    assert ("why" in fields) is (came != "REVOKED")


def test_anothers_certificate_is_not_revoked_and_the_log_warns() -> None:
    said = Said()
    stub = Stub(get_certificate=_leaf("i-0123456789abcdef1"))
    assert Revoker(stub, CA_ARN, said).revoke(_HOST, _SERIAL, "SUPERSEDED") == "ANOTHERS"
    assert said.lines == [
        ("warning", "not revoked: the certificate is another's", {"host_id": _HOST, "serial": _SERIAL})
    ]


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("ConcurrentModificationException", Throttled, "RevokeCertificate: ConcurrentModificationException"),
        ("RequestInProgressException", Throttled, "RevokeCertificate: RequestInProgressException"),
        ("ThrottlingException", Throttled, "RevokeCertificate: ThrottlingException: ThrottlingException happened"),
        ("AccessDeniedException", AccessRefused, "RevokeCertificate: AccessDeniedException: AccessDeniedException ha"),
    ],
)
def test_a_revocation_that_was_not_taken_is_an_error(code: str, kind: type[Exception], message: str) -> None:
    stub = Stub(get_certificate=_NONE_THERE, revoke_certificate=client_error(code))
    with pytest.raises(kind) as raised:
        _revoker(stub).revoke(_HOST, _SERIAL, "SUPERSEDED")
    assert str(raised.value.message).startswith(message)  # type: ignore[attr-defined]
    assert raised.value.code == ("SERVICE_THROTTLED" if kind is Throttled else "ACCESS_REFUSED")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("serial", "form"),
    [("0a1b", "0a:1b"), ("a1b", "0a:1b"), ("00:0A:1B", "0a:1b"), ("f", "0f"), ("123456", "12:34:56")],
)
def test_a_serial_has_two_digits_between_colons(serial: str, form: str) -> None:
    assert reasons.colon_form(serial) == form


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"revocationOrder": "KEY_COMPROMISE", "revocationReason": "SUPERSEDED"}, "KEY_COMPROMISE"),
        ({"revocationOrder": "because", "revocationReason": "AFFILIATION_CHANGED"}, "AFFILIATION_CHANGED"),
        ({"revocationReason": "because", "status": "RETIRED"}, "CESSATION_OF_OPERATION"),
        ({"status": "RETIRED"}, "CESSATION_OF_OPERATION"),
        ({"status": "DEPLOYED"}, "SUPERSEDED"),
        ({}, "SUPERSEDED"),
        *(({"revocationReason": reason}, reason) for reason in reasons.REASONS),
    ],
)
def test_why_an_items_certificates_are_revoked_is_its_word_if_the_ca_takes_it(
    attributes: dict[str, Any], reason: str
) -> None:
    assert reasons.reason_of(HostItem.of({"hostID": _HOST, **attributes})) == reason


def test_the_reasons_are_those_of_the_api() -> None:
    """https://docs.aws.amazon.com/privateca/latest/APIReference/API_RevokeCertificate.html"""
    assert set(reasons.REASONS) == {
        "UNSPECIFIED", "KEY_COMPROMISE", "CERTIFICATE_AUTHORITY_COMPROMISE", "AFFILIATION_CHANGED", "SUPERSEDED",
        "CESSATION_OF_OPERATION", "PRIVILEGE_WITHDRAWN", "A_A_COMPROMISE",
    }  # fmt: skip


_WEEK = Cycle(timedelta(days=7), timedelta(days=2), timedelta(days=1))


@pytest.mark.parametrize(
    ("replaced", "leaving", "entries"), [(False, False, 0), (True, False, 5556), (False, True, 475), (True, True, 6031)]
)
def test_a_crl_has_what_was_replaced_and_who_left_until_it_runs_out(
    replaced: bool, leaving: bool, entries: int
) -> None:
    """10,000 hosts, a new certificate each 4.5 days that has 2.5 days left; 100 hosts leave a day with 4.75 days."""
    assert entries_of(10_000, _WEEK, replaced=replaced, leaving=leaving) == entries
