"""The CA's audit report: everything that it has issued, written into a bucket some minutes after it is asked for.

https://docs.aws.amazon.com/privateca/latest/userguide/PcaAuditReport.html
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pca_runtime.errors.of_aws import translated
from pca_runtime.shared.clients import S3, AuditingCa
from pca_runtime.shared.timestamps import parse_time

__all__ = ["AuditReports", "AuditedCertificate"]

_COMMON_NAME = re.compile(r"(?:^|,)\s*CN=([^,]+)")


@dataclass(frozen=True)
class AuditedCertificate:
    """One line of the report, as far as it is needed."""

    certificate_arn: str
    common_name: str | None
    issued_at: datetime | None


class AuditReports:
    """Asks for reports and reads them.

    Args:
        private_ca: an AWS Private CA client.
        s3: an S3 client.
        ca_arn: the CA.
        bucket: where it writes them. A new one can be had every 30 minutes.
    """

    def __init__(self, private_ca: AuditingCa, s3: S3, ca_arn: str, bucket: str) -> None:
        self._private_ca = private_ca
        self._s3 = s3
        self._ca_arn = ca_arn
        self._bucket = bucket

    def ask(self) -> str:
        """Ask for a report. Returns its id."""
        with translated("CreateCertificateAuthorityAuditReport"):
            answer = self._private_ca.create_certificate_authority_audit_report(
                CertificateAuthorityArn=self._ca_arn, S3BucketName=self._bucket, AuditReportResponseFormat="CSV"
            )
        return str(answer["AuditReportId"])

    def state(self, report_id: str) -> tuple[Literal["CREATING", "SUCCESS", "FAILED"], str]:
        """How far it has come, and its key in the bucket."""
        with translated("DescribeCertificateAuthorityAuditReport"):
            answer = self._private_ca.describe_certificate_authority_audit_report(
                CertificateAuthorityArn=self._ca_arn, AuditReportId=report_id
            )
        return answer["AuditReportStatus"], str(answer.get("S3Key", ""))

    def certificates(self, key: str) -> Iterator[AuditedCertificate]:
        """The lines of a report, one at a time: a CA may have issued a million."""
        with translated("GetObject"):
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
            for row in csv.DictReader(line.decode() for line in body.iter_lines()):
                name = _COMMON_NAME.search(row.get("subject") or "")
                issued_at = parse_time(_seconds(row.get("issuedAt") or ""))
                yield AuditedCertificate(str(row.get("certificateArn")), name[1].strip() if name else None, issued_at)


def _seconds(text: str) -> str:
    """``2018-02-28T20:33:57+0000``, as the report writes it, in the form of this system."""
    return f"{text[:19]}Z" if re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|\+00:?00)", text) else ""
