"""How long the CA can go on issuing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pca_runtime.errors.of_aws import translated
from pca_runtime.shared.clients import PrivateCa
from pca_runtime.shared.timestamps import format_time

__all__ = ["Authority", "look_at"]


@dataclass(frozen=True)
class Authority:
    """State of the CA, and begin and end of its own certificate, ``None`` before it has one."""

    status: str
    not_after: datetime | None
    not_before: datetime | None = None

    def seconds_left(self, now: datetime) -> float:
        """How long it can still issue: nothing at all if it is not active or has run out."""
        if self.status != "ACTIVE" or self.not_after is None:
            return 0.0
        return max((self.not_after - now).total_seconds(), 0.0)

    def __str__(self) -> str:
        """For a person."""
        return f"{self.status}, until {format_time(self.not_after) if self.not_after else 'unknown'}"


def look_at(private_ca: PrivateCa, ca_arn: str) -> Authority:
    """Ask AWS Private CA.

    Raises:
        PcaAutomatorError: it did not answer.
    """
    with translated("DescribeCertificateAuthority"):
        answer = private_ca.describe_certificate_authority(CertificateAuthorityArn=ca_arn)["CertificateAuthority"]
    return Authority(str(answer["Status"]), _time(answer.get("NotAfter")), _time(answer.get("NotBefore")))


def _time(value: object) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) else None
