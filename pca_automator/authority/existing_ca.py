"""A CA that the account already has."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_s3 as s3

from pca_automator._internal.arguments import check_fields
from pca_automator.authority.algorithms import SigningAlgorithm, UsageMode


@dataclass(frozen=True)
class ExistingCertificateAuthority:
    """An active CA, with what cannot be read from its ARN; it stands where a created one would.

    https://docs.aws.amazon.com/privateca/latest/userguide/ca-lifecycle.html

    Args:
        certificate_authority: imported by its ARN.
        crl_bucket: where it writes its CRL, sending events to EventBridge. Default: nothing listens for CRLs.
        signing_algorithm: how it signs; must fit its key. Default: SHA256WITHRSA.
        usage_mode: what it may issue. Default: general purpose.

    Raises:
        ValueError: a value has another type.
    """

    certificate_authority: acmpca.ICertificateAuthority
    crl_bucket: s3.IBucket | None = None
    signing_algorithm: SigningAlgorithm = SigningAlgorithm.SHA256WITHRSA
    usage_mode: UsageMode = UsageMode.GENERAL_PURPOSE

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def activation(self) -> None:
        """Nothing to wait for: it is active."""
        return None

    @property
    def certificate_pem(self) -> None:
        """Not known at synthesis."""
        return None

    @property
    def common_name(self) -> None:
        """Not known at synthesis."""
        return None

    @property
    def crl_expiry(self) -> None:
        """Not known at synthesis."""
        return None

    @property
    def validity(self) -> None:
        """Not known at synthesis."""
        return None
