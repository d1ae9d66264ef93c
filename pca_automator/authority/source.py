"""Where the certificates come from: a CA that is created, or one that the account already has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_s3 as s3
from constructs import Construct

from pca_automator._internal.arguments import check_fields
from pca_automator.authority.algorithms import KeyAlgorithm, SigningAlgorithm, UsageMode
from pca_automator.authority.existing_ca import ExistingCertificateAuthority
from pca_automator.authority.issuing import IssuingAuthority
from pca_automator.authority.pins import AuthorityPins
from pca_automator.authority.private_ca import PrivateCertificateAuthority, check_description


class Authority(ABC):
    """The CA of an automation: :meth:`created` or :meth:`existing`.

    Each takes what its kind of CA has, so that a mixture of the two cannot be written down.

    https://docs.aws.amazon.com/privateca/latest/userguide/create-CA.html
    """

    _MADE_BY = "an Authority: Authority.created(...) or Authority.existing(...)"
    """What to write where one is due."""

    @staticmethod
    def created(
        *,
        common_name: str = "pca-automator",
        country: str | None = None,
        organization: str | None = None,
        validity: Duration | None = None,
        key_algorithm: KeyAlgorithm = KeyAlgorithm.RSA_2048,
        signing_algorithm: SigningAlgorithm | None = None,
        usage_mode: UsageMode = UsageMode.SHORT_LIVED,
        crl_bucket: s3.IBucket | None = None,
        crl_expiry: Duration | None = None,
        accepted_certificates: Sequence[str] = (),
    ) -> Authority:
        """A root CA of the automation's own, activated, with a CRL.

        Args:
            common_name: of the CA's subject. Default: ``pca-automator``.
            country: of the CA's subject, two letters. Default: none.
            organization: of the CA's subject. Default: none.
            validity: of the CA's own certificate, 30 days to 30 years. Default: ten years.
            key_algorithm: the CA's key. Default: RSA 2048.
            signing_algorithm: how the CA signs; must fit its key. Default: the usual one for its key.
            usage_mode: what it may issue. Default: short-lived, certificates of at most seven days.
            crl_bucket: bucket to write the CRL to, in this account; its policy must let AWS Private CA write, and it
                must send its events to EventBridge. Default: a bucket is created.
            crl_expiry: how long a CRL is valid (``nextUpdate``), 1 to 5,000 days. Default: seven days.
            accepted_certificates: certificates of further CAs that the hosts accept, PEM, each with its issuers up to
                the root: of the next CA before this one is exchanged, or of the one before it. Default: none.

        Raises:
            ValueError: a value outside what AWS Private CA allows; names the value and what is allowed.
        """
        return _Created(
            common_name=common_name,
            country=country,
            organization=organization,
            validity=validity,
            key_algorithm=key_algorithm,
            signing_algorithm=signing_algorithm,
            usage_mode=usage_mode,
            crl_bucket=crl_bucket,
            crl_expiry=crl_expiry,
            accepted_certificates=accepted_certificates,
        )

    @staticmethod
    def existing(
        certificate_authority: acmpca.ICertificateAuthority,
        *,
        crl_bucket: s3.IBucket | None = None,
        signing_algorithm: SigningAlgorithm = SigningAlgorithm.SHA256WITHRSA,
        usage_mode: UsageMode = UsageMode.GENERAL_PURPOSE,
        certificate: str | None = None,
        accepted_certificates: Sequence[str] = (),
    ) -> Authority:
        """An active CA of this account, with what cannot be read from its ARN.

        Args:
            certificate_authority: imported by its ARN.
            crl_bucket: where it writes its CRL, sending events to EventBridge. Default: nothing listens for CRLs.
            signing_algorithm: how it signs; must fit its key. Default: SHA256WITHRSA.
            usage_mode: what it may issue. Default: general purpose.
            certificate: its own certificate and those above it up to the root, PEM, as ``aws acm-pca
                get-certificate-authority-certificate`` gives them. The hosts take no certificate of any other CA.
                Default: they take one of any CA, and synthesis warns (``pca-automator:unpinned``).
            accepted_certificates: certificates of further CAs that the hosts accept, PEM, each with its issuers up to
                the root: of the next CA before this one is exchanged, or of the one before it. Default: none.

        Raises:
            ValueError: a certificate is no PEM, not of a CA, or its issuers up to the root are missing; or a value has
                another type.
        """
        return _Existing(
            ExistingCertificateAuthority(
                certificate_authority=certificate_authority,
                crl_bucket=crl_bucket,
                signing_algorithm=signing_algorithm,
                usage_mode=usage_mode,
                certificate=certificate,
                accepted_certificates=accepted_certificates,
            )
        )

    @abstractmethod
    def bind(
        self,
        scope: Construct,
        id: str,
        *,
        access_log_bucket: s3.IBucket | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> IssuingAuthority:
        """The CA itself; the automation calls this once.

        Args:
            scope: where a created CA belongs.
            id: its construct id.
            access_log_bucket: where a created CRL bucket logs access. Default: no access log.
            removal_policy: of a created CA and its bucket. Default: retain.
        """


@dataclass(frozen=True, kw_only=True)
class _Created(Authority):
    common_name: str
    country: str | None
    organization: str | None
    validity: Duration | None
    key_algorithm: KeyAlgorithm
    signing_algorithm: SigningAlgorithm | None
    usage_mode: UsageMode
    crl_bucket: s3.IBucket | None
    crl_expiry: Duration | None
    accepted_certificates: Sequence[str]

    def __post_init__(self) -> None:
        check_fields(self)
        check_description(
            common_name=self.common_name,
            country=self.country,
            organization=self.organization,
            validity=self.validity,
            key_algorithm=self.key_algorithm,
            signing_algorithm=self.signing_algorithm,
            crl_expiry=self.crl_expiry,
        )
        AuthorityPins.of("accepted_certificates", self.accepted_certificates)

    def bind(
        self,
        scope: Construct,
        id: str,
        *,
        access_log_bucket: s3.IBucket | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> PrivateCertificateAuthority:
        return PrivateCertificateAuthority(
            scope,
            id,
            access_log_bucket=access_log_bucket,
            removal_policy=removal_policy,
            common_name=self.common_name,
            country=self.country,
            organization=self.organization,
            validity=self.validity,
            key_algorithm=self.key_algorithm,
            signing_algorithm=self.signing_algorithm,
            usage_mode=self.usage_mode,
            crl_bucket=self.crl_bucket,
            crl_expiry=self.crl_expiry,
            accepted_certificates=self.accepted_certificates,
        )


@dataclass(frozen=True)
class _Existing(Authority):
    authority: ExistingCertificateAuthority

    def bind(
        self,
        scope: Construct,  # noqa: ARG002 - nothing is made
        id: str,  # noqa: ARG002
        *,
        access_log_bucket: s3.IBucket | None = None,  # noqa: ARG002
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,  # noqa: ARG002
    ) -> ExistingCertificateAuthority:
        return self.authority
