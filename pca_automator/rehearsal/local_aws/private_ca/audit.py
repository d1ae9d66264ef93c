"""Audit reports: everything that a CA has issued, written into a bucket a while after it was asked for.

https://docs.aws.amazon.com/privateca/latest/userguide/PcaAuditReport.html
"""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import private_ca as facts
from pca_automator.rehearsal.local_aws.private_ca.authority import Authority
from pca_automator.rehearsal.local_aws.private_ca.issuing import BACKDATED

_COLUMNS = (
    "awsAccountId", "requestedByServicePrincipal", "certificateArn", "serial", "subject", "notBefore", "notAfter",
    "issuedAt", "revokedAt", "revocationReason", "templateArn",
)  # fmt: skip


@dataclass
class Report:
    """One that was asked for."""

    key: str
    status: str = "CREATING"


class Reports:
    """The reports of all CAs.

    Args:
        later: does something after a while.
        put_object: writes an object: bucket, key, body.
    """

    def __init__(
        self, later: Callable[[Callable[[], None]], None], put_object: Callable[[str, str, bytes], None]
    ) -> None:
        self._later = later
        self._put_object = put_object
        self._reports: dict[str, Report] = {}

    def create(self, authority: Authority, bucket: str, answer_format: str) -> dict[str, Any]:
        """CreateCertificateAuthorityAuditReport, for the format that is used."""
        if answer_format != "CSV":
            raise ServiceError(
                "InvalidArgsException",
                f"the local Private CA writes CSV alone, not {answer_format!r}",
                fact=facts.AUDIT_FORMAT,
            )
        report_id = str(uuid.uuid4())
        report = Report(f"audit-report/{authority.arn.rpartition('/')[2]}/{report_id}.csv")
        self._reports[report_id] = report

        def write() -> None:
            try:
                self._put_object(bucket, report.key, _csv(authority))
            except Exception:
                report.status = "FAILED"
            else:
                report.status = "SUCCESS"

        self._later(write)
        return {"AuditReportId": report_id, "S3Key": report.key}

    def describe(self, report_id: str, bucket: str = "") -> dict[str, Any]:
        """DescribeCertificateAuthorityAuditReport."""
        if report_id not in self._reports:
            raise ServiceError(
                "ResourceNotFoundException", f"Could not find audit report {report_id}", fact=facts.AUDIT_KNOWN
            )
        report = self._reports[report_id]
        return {"AuditReportStatus": report.status, "S3BucketName": bucket, "S3Key": report.key}


def _csv(authority: Authority) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, restval="")
    writer.writeheader()
    for serial, issued in list(authority.issued.items()):
        certificate = issued.certificate
        revocation = authority.revoked.get(serial)
        digits = f"{serial:x}"
        digits = digits.zfill(len(digits) + len(digits) % 2)
        writer.writerow(
            {
                "awsAccountId": authority.arn.split(":")[4],
                "certificateArn": issued.arn,
                "serial": ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)),
                "subject": certificate.subject.rfc4514_string(),
                "notBefore": _time(certificate.not_valid_before_utc),
                "notAfter": _time(certificate.not_valid_after_utc),
                "issuedAt": _time(certificate.not_valid_before_utc + BACKDATED),
                "revokedAt": _time(revocation.at) if revocation else "",
                "revocationReason": revocation.reason if revocation else "",
            }
        )
    return text.getvalue().encode()


def _time(moment: Any) -> str:
    return str(moment.strftime("%Y-%m-%dT%H:%M:%S+0000"))
