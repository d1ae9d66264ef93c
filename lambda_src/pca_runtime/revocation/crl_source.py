"""Where the CA says that it writes its CRL: what is read elsewhere would be missing for ever, and nobody told."""

from __future__ import annotations

from typing import Any

from pca_runtime.errors.kinds import CrlRefused
from pca_runtime.errors.of_aws import translated
from pca_runtime.shared.clients import PrivateCa

__all__ = ["NOT_WRITTEN", "check_source", "failure_of", "written_at"]

NOT_WRITTEN = "CRL_NOT_WRITTEN"
_GENERATION = "ACM Private CA CRL Generation"


def written_at(private_ca: PrivateCa, ca_arn: str) -> tuple[str, str]:
    """Bucket and key of the complete CRL that the CA is configured to write.

    https://docs.aws.amazon.com/privateca/latest/APIReference/API_CrlConfiguration.html

    Args:
        private_ca: an AWS Private CA client.
        ca_arn: the CA.

    Raises:
        CrlRefused: it writes none (``CRL_SWITCHED_OFF``), or a partitioned one (``CRL_PARTITIONED``).
    """
    with translated("DescribeCertificateAuthority"):
        answer = private_ca.describe_certificate_authority(CertificateAuthorityArn=ca_arn)
    revocation = answer["CertificateAuthority"].get("RevocationConfiguration") or {}
    crl: dict[str, Any] = revocation.get("CrlConfiguration") or {}
    if not crl.get("Enabled"):
        raise CrlRefused("the CA writes no CRL: no revocation reaches IAM Roles Anywhere", code="CRL_SWITCHED_OFF")
    if crl.get("CrlType") == "PARTITIONED":
        raise CrlRefused(
            "the CA writes partitioned CRLs, and IAM Roles Anywhere takes two for a trust anchor",
            code="CRL_PARTITIONED",
        )
    return str(crl.get("S3BucketName")), f"{crl.get('CustomPath') or 'crl'}/{ca_arn.rsplit('/', 1)[-1]}.crl"


def check_source(private_ca: PrivateCa, ca_arn: str, bucket: str, key: str) -> None:
    """Compare what the CA is configured to write with what is read here.

    Args:
        private_ca: an AWS Private CA client.
        ca_arn: the CA.
        bucket: where its CRL is read.
        key: of the object that is read.

    Raises:
        CrlRefused: as :func:`written_at`, or it writes another object (``CRL_ELSEWHERE``); names both.
    """
    written = written_at(private_ca, ca_arn)
    if written != (bucket, key):
        raise CrlRefused(
            f"the CA writes its CRL to {'/'.join(written)}, and {bucket}/{key} is read here", code="CRL_ELSEWHERE"
        )


def failure_of(event: object, ca_arn: str) -> str | None:
    """Why the CA could not write its CRL, if this is its event about that; else None.

    https://docs.aws.amazon.com/privateca/latest/userguide/CloudWatchEvents.html
    """
    if not isinstance(event, dict) or event.get("detail-type") != _GENERATION or event.get("source") != "aws.acm-pca":
        return None
    detail, resources = event.get("detail"), event.get("resources")
    if not isinstance(detail, dict) or not isinstance(resources, list) or ca_arn not in resources:
        return None
    return str(detail.get("reason") or "no reason given") if detail.get("result") == "failure" else None
