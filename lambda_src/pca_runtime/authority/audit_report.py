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

from pca_runtime.errors.kinds import ServiceRefused
from pca_runtime.errors.of_aws import translated
from pca_runtime.shared.clients import S3, AuditingCa
from pca_runtime.shared.identifiers import HOST_ID
from pca_runtime.shared.timestamps import parse_time

__all__ = ["AuditReports", "AuditedCertificate"]

# In whatever form the report writes a subject: a host's certificate has the id of the host in it. AWS's own example has
# attributes as text and as "#" with the hexadecimal digits of their DER.
_DER = re.compile(r"#((?:[0-9A-Fa-f]{2})+)")
_HOST_IDS = re.compile(rf"(?<![A-Za-z0-9-]){HOST_ID}(?![A-Za-z0-9-])")
_COLUMNS = {"certificateArn", "subject", "issuedAt"}


@dataclass(frozen=True)
class AuditedCertificate:
    """One line of the report, as far as it is needed; the host ids in it say whom it may be of."""

    certificate_arn: str
    host_ids: frozenset[str]
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
        """The lines of a report, one at a time: a CA may have issued a million.

        Raises:
            ServiceRefused: it is not written as AWS documents it, so that nothing follows from what is not in it.
        """
        with translated("GetObject"):
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
            rows = csv.DictReader(line.decode("utf-8", "replace") for line in body.iter_lines())
            if not set(rows.fieldnames or ()) >= _COLUMNS:
                message = f"the audit report {key} has no columns {', '.join(sorted(_COLUMNS))}"
                raise ServiceRefused(message, code="SERVICE_REFUSED")
            for row in rows:
                issued_at = parse_time(_seconds(row["issuedAt"] or ""))
                yield AuditedCertificate(str(row["certificateArn"]), _host_ids(str(row)), issued_at)


def _host_ids(line: str) -> frozenset[str]:
    """From all of the line: a subject that is quoted differently would fall into several columns."""
    texts = [line, *(bytes.fromhex(match[1]).decode("latin-1") for match in _DER.finditer(line))]
    return frozenset(match[0] for text in texts for match in _HOST_IDS.finditer(text))


def _seconds(text: str) -> str:
    """``2018-02-28T20:33:57+0000``, as the report writes it, in the form of this system."""
    return f"{text[:19]}Z" if re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|\+00:?00)", text) else ""
