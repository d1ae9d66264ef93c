"""What a part of the automation may ask about the CA that issues, whoever made it."""

from __future__ import annotations

from typing import Protocol

from aws_cdk import Duration
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_s3 as s3
from constructs import IDependable

from pca_automator.authority.algorithms import SigningAlgorithm, UsageMode
from pca_automator.authority.pins import AuthorityPins


class IssuingAuthority(Protocol):
    """The CA that issues the hosts' certificates: a created one, or one that the account already has.

    :class:`PrivateCertificateAuthority` and :class:`ExistingCertificateAuthority` are such; so is whatever has these
    attributes.

    https://docs.aws.amazon.com/privateca/latest/userguide/ca-lifecycle.html
    """

    @property
    def certificate_authority(self) -> acmpca.ICertificateAuthority:
        """The CA; whatever uses it waits for its activation."""

    @property
    def activation(self) -> IDependable | None:
        """Depend on this to use the CA only once it is active; None where it is active already."""

    @property
    def certificate_pem(self) -> str | None:
        """Its own certificate, as a token; None where it is not known at synthesis."""

    @property
    def common_name(self) -> str | None:
        """Common name of its subject; None where it is not known at synthesis."""

    @property
    def crl_bucket(self) -> s3.IBucket | None:
        """Where it writes its CRL; None where nothing listens for CRLs."""

    @property
    def crl_expiry(self) -> Duration | None:
        """How long a CRL is valid; None where it is not known at synthesis."""

    @property
    def pins(self) -> AuthorityPins:
        """The public keys that the hosts accept in a chain; none: they accept any."""

    @property
    def signing_algorithm(self) -> SigningAlgorithm:
        """How it signs."""

    @property
    def usage_mode(self) -> UsageMode:
        """What it may issue."""

    @property
    def validity(self) -> Duration | None:
        """How long its own certificate is valid from its creation; None where it is not known at synthesis."""
