"""A CA that the account already has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Token
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_s3 as s3

from pca_automator._internal.arguments import check_fields
from pca_automator.authority.algorithms import SigningAlgorithm, UsageMode
from pca_automator.authority.pins import AuthorityPins

_END = "-----END CERTIFICATE-----\n"


@dataclass(frozen=True)
class ExistingCertificateAuthority:
    """An active CA, with what cannot be read from its ARN; it stands where a created one would.

    https://docs.aws.amazon.com/privateca/latest/userguide/ca-lifecycle.html

    Args:
        certificate_authority: imported by its ARN.
        crl_bucket: where it writes its CRL, sending events to EventBridge. Default: nothing listens for CRLs.
        signing_algorithm: how it signs; must fit its key. Default: SHA256WITHRSA.
        usage_mode: what it may issue. Default: general purpose.
        certificate: its own certificate and those above it up to the root, PEM. The hosts take no certificate of any
            other CA. Default: they take one of any CA, and synthesis warns.
        accepted_certificates: the same of further CAs that the hosts accept, while this one is exchanged.
            Default: none.

    Raises:
        ValueError: a certificate is no PEM, not of a CA, or its issuers up to the root are missing; or a value has
            another type.
    """

    certificate_authority: acmpca.ICertificateAuthority
    crl_bucket: s3.IBucket | None = None
    signing_algorithm: SigningAlgorithm = SigningAlgorithm.SHA256WITHRSA
    usage_mode: UsageMode = UsageMode.GENERAL_PURPOSE
    certificate: str | None = None
    accepted_certificates: Sequence[str] = ()

    @property
    def pins(self) -> AuthorityPins:
        """The keys that the hosts accept; none without ``certificate``: the others alone would shut this CA out."""
        if self.certificate is None:
            return AuthorityPins()
        own = AuthorityPins.of("certificate", [self.certificate])
        return own + AuthorityPins.of("accepted_certificates", self.accepted_certificates)

    def __post_init__(self) -> None:
        check_fields(self)
        _ = self.pins

    @property
    def activation(self) -> None:
        """Nothing to wait for: it is active."""
        return None

    @property
    def certificate_pem(self) -> str | None:
        """Its own certificate, without those above it; None without ``certificate``."""
        if self.certificate is None or Token.is_unresolved(self.certificate):
            return self.certificate
        own, end, _ = self.certificate.partition(_END)
        return own + end

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
