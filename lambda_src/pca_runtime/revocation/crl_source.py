"""Where the CA says that it writes its CRL: what is read elsewhere would be missing for ever, and nobody told."""

from __future__ import annotations

from typing import Any

from pca_runtime.errors.kinds import CrlRefused
from pca_runtime.errors.of_aws import translated
from pca_runtime.shared.clients import PrivateCa

__all__ = ["NOT_WRITTEN", "check_source", "crl_name", "failure_of", "usual_key"]

NOT_WRITTEN = "CRL_NOT_WRITTEN"
_GENERATION = "ACM Private CA CRL Generation"


def crl_name(ca_arn: str) -> str:
    """The name of the object with the complete CRL, without its path: the CA's id is the last part of its ARN."""
    return f"{ca_arn.rsplit('/', 1)[-1]}.crl"


def usual_key(ca_arn: str) -> str:
    """The key of a complete CRL without a CustomPath."""
    return f"crl/{crl_name(ca_arn)}"


def check_source(private_ca: PrivateCa, ca_arn: str, bucket: str) -> tuple[str, ...]:
    """Ask the CA where it writes its complete CRL, and compare that with where it is read.

    https://docs.aws.amazon.com/privateca/latest/APIReference/API_CrlConfiguration.html

    Args:
        private_ca: an AWS Private CA client.
        ca_arn: the CA.
        bucket: where its CRL is read.

    Returns:
        The keys under which the CRL may lie, to be tried in this order. There is more than one with a CustomPath: AWS
        describes it for the parts of a partitioned CRL, and does not say whether a complete one follows it.

    Raises:
        CrlRefused: it writes none (``CRL_SWITCHED_OFF``), a partitioned one (``CRL_PARTITIONED``) or into another
            bucket (``CRL_ELSEWHERE``).
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
    path, written = str(crl.get("CustomPath") or "").strip("/"), crl.get("S3BucketName")
    keys = dict.fromkeys([f"{path}/{crl_name(ca_arn)}" if path else usual_key(ca_arn), usual_key(ca_arn)])
    if written != bucket:
        raise CrlRefused(
            f"the CA writes its CRL to the bucket {written}, as {next(iter(keys))}, and {bucket} is read here",
            code="CRL_ELSEWHERE",
        )
    return tuple(keys)


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
