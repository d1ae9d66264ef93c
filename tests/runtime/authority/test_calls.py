"""What is asked of AWS about the CA: every parameter, and every error by the name of its operation."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pca_runtime.authority.anchored import unlike
from pca_runtime.authority.audit_report import AuditedCertificate, AuditReports
from pca_runtime.authority.certificate_authority import Authority, look_at
from pca_runtime.errors.kinds import ServiceRefused

from tests.runtime.fakes import CA_ARN
from tests.runtime.pki import NOW, Ca
from tests.runtime.stub import Stub, says_what_was_throttled

_HOST, _OTHER = "i-0123456789abcdef0", "mi-0123456789abcdef1"
_REPORT_ID = "11111111-0000-4000-8000-000000000001"


class Body(io.BytesIO):
    """As botocore gives an object."""

    def iter_lines(self) -> Any:
        return iter(self.read().splitlines())


def _reports(client: Any) -> AuditReports:
    return AuditReports(client, client, CA_ARN, "audit")


def _bundle(client: Any) -> object:
    anchor = {"source": {"sourceData": {"x509CertificateData": Ca().pem}}}
    return unlike(anchor, client, CA_ARN)


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("describe_certificate_authority", lambda client: look_at(client, CA_ARN)),
        ("get_certificate_authority_certificate", _bundle),
        ("create_certificate_authority_audit_report", lambda client: _reports(client).ask()),
        ("describe_certificate_authority_audit_report", lambda client: _reports(client).state(_REPORT_ID)),
        ("get_object", lambda client: next(_reports(client).certificates("report.csv"))),
    ],
)
def test_an_error_names_the_operation(method: str, call: Callable[[Any], object]) -> None:
    says_what_was_throttled(method, call)


def test_the_ca_is_described_by_its_arn_with_times_in_utc() -> None:
    elsewhere = NOW.astimezone().replace(microsecond=0)
    stub = Stub(
        describe_certificate_authority={
            "CertificateAuthority": {"Status": "ACTIVE", "NotBefore": elsewhere, "NotAfter": elsewhere}
        }
    )
    assert look_at(stub, CA_ARN) == Authority("ACTIVE", NOW, NOW)
    assert look_at(stub, CA_ARN).not_after.tzinfo is UTC  # type: ignore[union-attr]
    assert stub.calls[0] == ("describe_certificate_authority", {"CertificateAuthorityArn": CA_ARN})


def test_a_ca_without_a_certificate_has_no_time_left() -> None:
    stub = Stub(describe_certificate_authority={"CertificateAuthority": {"Status": "PENDING_CERTIFICATE"}})
    assert look_at(stub, CA_ARN) == Authority("PENDING_CERTIFICATE", None, None)
    assert look_at(stub, CA_ARN).seconds_left(NOW) == 0.0
    assert str(look_at(stub, CA_ARN)) == "PENDING_CERTIFICATE, until unknown"


@pytest.mark.parametrize(
    ("status", "left", "seconds"),
    [("ACTIVE", 90, 90.0), ("ACTIVE", 0, 0.0), ("ACTIVE", -5, 0.0), ("DISABLED", 90, 0.0)],
)
def test_only_an_active_ca_has_time_left(status: str, left: int, seconds: float) -> None:
    authority = Authority(status, NOW + timedelta(seconds=left))
    assert authority.seconds_left(NOW) == seconds
    assert str(Authority("ACTIVE", datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC))) == "ACTIVE, until 2027-01-02T03:04:05Z"


def test_a_report_is_asked_for_as_csv_in_the_bucket() -> None:
    stub = Stub(
        create_certificate_authority_audit_report={"AuditReportId": _REPORT_ID, "S3Key": "x"},
        describe_certificate_authority_audit_report=[
            {"AuditReportStatus": "CREATING"},
            {"AuditReportStatus": "SUCCESS", "S3Key": "audit-report/x.csv"},
        ],
    )
    reports = _reports(stub)
    assert reports.ask() == _REPORT_ID
    assert reports.state(_REPORT_ID) == ("CREATING", "")
    assert reports.state(_REPORT_ID) == ("SUCCESS", "audit-report/x.csv")
    described = {"CertificateAuthorityArn": CA_ARN, "AuditReportId": _REPORT_ID}
    assert stub.calls == [
        (
            "create_certificate_authority_audit_report",
            {"CertificateAuthorityArn": CA_ARN, "S3BucketName": "audit", "AuditReportResponseFormat": "CSV"},
        ),
        ("describe_certificate_authority_audit_report", described),
        ("describe_certificate_authority_audit_report", described),
    ]


def _lines(*rows: str) -> list[AuditedCertificate]:
    text = "\n".join(["awsAccountId,certificateArn,serial,subject,issuedAt", *rows])
    stub = Stub(get_object={"Body": Body(text.encode("latin-1"))})
    found = list(_reports(stub).certificates("report.csv"))
    assert stub.calls == [("get_object", {"Bucket": "audit", "Key": "report.csv"})]
    return found


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-02-28T20:33:57Z", datetime(2026, 2, 28, 20, 33, 57, tzinfo=UTC)),
        ("2026-02-28T20:33:57+0000", datetime(2026, 2, 28, 20, 33, 57, tzinfo=UTC)),
        ("2026-02-28T20:33:57+00:00", datetime(2026, 2, 28, 20, 33, 57, tzinfo=UTC)),
        ("2026-02-28T20:33:57+0100", None),
        ("2026-02-28", None),
        ("", None),
    ],
)
def test_a_time_is_read_in_each_form_of_utc_and_is_unknown_in_any_other(written: str, read: datetime | None) -> None:
    assert _lines(f"1,arn:1,0a,CN={_HOST},{written}") == [AuditedCertificate("arn:1", frozenset({_HOST}), read)]


@pytest.mark.parametrize(
    ("subject", "hosts"),
    [
        (f"CN={_HOST}", {_HOST}),
        (f'"CN={_HOST},O=x"', {_HOST}),
        (f"CN={_HOST},OU={_OTHER}", {_HOST, _OTHER}),
        (f"2.5.4.3=#1613{_HOST.encode().hex()}", {_HOST}),
        (f"2.5.4.3=#1613{_HOST.encode().hex().upper()}", {_HOST}),
        (f"CN=x{_HOST}", set()),
        (f"CN={_HOST}0", set()),
        ("CN=web\xff", set()),
        ("", set()),
    ],
)
def test_the_hosts_of_a_line_are_found_in_whatever_form_it_has(subject: str, hosts: set[str]) -> None:
    (line,) = _lines(f"1,arn:1,0a,{subject},2026-02-28T20:33:57Z")
    assert line.host_ids == hosts


def test_a_line_that_is_cut_short_has_no_time() -> None:
    assert _lines("1,arn:1,0a") == [AuditedCertificate("arn:1", frozenset(), None)]


@pytest.mark.parametrize("header", ["", "certificateArn,subject", "subject,issuedAt,arn", "certificateArn,issuedAt"])
def test_a_report_without_its_columns_says_which_are_missing(header: str) -> None:
    stub = Stub(get_object={"Body": Body(f"{header}\nx,y,z\n".encode())})
    with pytest.raises(ServiceRefused) as refused:
        list(_reports(stub).certificates("report.csv"))
    assert refused.value.code == "SERVICE_REFUSED"
    assert refused.value.message == "the audit report report.csv has no columns certificateArn, issuedAt, subject"


def _anchor(bundle: str = "", **source: Any) -> dict[str, Any]:
    return {"source": {"sourceData": {"x509CertificateData": bundle, **source} if bundle else source}}


def _own(ca: Ca, chain: str | None = None) -> Stub:
    return Stub(get_certificate_authority_certificate={"Certificate": ca.pem, "CertificateChain": chain})


def test_a_bundle_is_like_the_ca_if_one_of_its_certificates_lasts_as_long() -> None:
    old = Ca()
    new, above, other = Ca(key=old.key, made_at=NOW + timedelta(days=400)), Ca("Root"), Ca("Other")
    assert unlike(_anchor(old.pem + new.pem), _own(new), CA_ARN) is None
    assert unlike(_anchor(old.pem), _own(old), CA_ARN) is None
    assert unlike(_anchor(above.pem), _own(new, above.pem), CA_ARN) is None
    assert unlike(_anchor(old.pem), _own(new), CA_ARN) == (
        "the trust anchor's certificate of the CA runs out 2036-11-20T13:15:00Z, and the CA has one until "
        "2037-12-25T13:15:00Z by now"
    )
    assert unlike(_anchor(other.pem + above.pem), _own(new), CA_ARN) == (
        "the trust anchor trusts CN=Other, CN=Root, and neither the CA nor those above it are among them"
    )
    stub = _own(old)
    unlike(_anchor(old.pem), stub, CA_ARN)
    assert stub.calls == [("get_certificate_authority_certificate", {"CertificateAuthorityArn": CA_ARN})]


@pytest.mark.parametrize(
    ("anchor", "began", "told"),
    [
        (_anchor(acmPcaArn=CA_ARN) | {"updatedAt": NOW}, NOW - timedelta(hours=1), False),
        (_anchor(acmPcaArn=CA_ARN) | {"updatedAt": NOW}, NOW - timedelta(minutes=59, seconds=59), True),
        (_anchor(acmPcaArn=CA_ARN) | {"updatedAt": NOW}, None, False),
        (_anchor(acmPcaArn=CA_ARN) | {"updatedAt": "2026"}, NOW, False),
        (_anchor(acmPcaArn=CA_ARN), NOW, False),
        (_anchor(acmPcaArn=f"{CA_ARN}x") | {"updatedAt": NOW}, NOW, False),
        ({"updatedAt": NOW}, NOW, False),
        ({"source": None, "updatedAt": NOW}, NOW, False),
        ({"source": {"sourceData": None}, "updatedAt": NOW}, NOW, False),
    ],
)
def test_an_anchor_that_may_have_the_certificate_of_before_is_told(
    anchor: dict[str, Any], began: datetime | None, told: bool
) -> None:
    stub = Stub(describe_certificate_authority={"CertificateAuthority": {"Status": "ACTIVE", "NotBefore": began}})
    words = (
        "the CA's certificate came after 2026-11-23T12:15:01Z, and the trust anchor was last changed "
        "2026-11-23T13:15:00Z: it may still have the one before"
    )
    assert unlike(anchor, stub, CA_ARN) == (words if told else None)
