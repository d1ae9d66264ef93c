"""A private CA of the automation's own: root, activated, with a CRL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

from aws_cdk import Duration, RemovalPolicy, Stack, Token
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_s3 as s3
from constructs import Construct

from pca_automator._internal import buckets, validation
from pca_automator._internal.acknowledge import acknowledge, in_packs
from pca_automator._internal.arguments import checked
from pca_automator._internal.removal import except_on_create
from pca_automator.authority.algorithms import KeyAlgorithm, SigningAlgorithm, UsageMode
from pca_automator.authority.crl_bucket import let_private_ca_write, writing_statements
from pca_automator.authority.pins import AuthorityPins


class PrivateCertificateAuthority(Construct):
    """A root CA that signs the hosts' certificates, and the bucket it writes its CRL to.

    CA, activation, CRL bucket and bucket policy are retained when the stack goes: certificates live on, and a CA
    cannot be made again.

    https://docs.aws.amazon.com/privateca/latest/userguide/create-CA.html

    Args:
        common_name: common name of the CA's subject.
        country: two-letter country of the CA's subject. Default: none in the subject.
        organization: organisation of the CA's subject. Default: none in the subject.
        validity: how long the CA's own certificate is valid, 30 days to 30 years. Default: ten years.
        key_algorithm: the CA's key. Default: RSA 2048.
        signing_algorithm: how the CA signs. Default: the usual one for its key.
        usage_mode: what it may issue. Default: short-lived, certificates of at most seven days.
        crl_expiry: how long a CRL is valid (``nextUpdate``), 1 to 5,000 days. Default: seven days.
        crl_bucket: bucket to write the CRL to, in this account; its policy must let AWS Private CA write. Default: an
            encrypted, versioned bucket without public access is created.
        accepted_certificates: certificates of further CAs that the hosts accept, each with its issuers up to the root,
            PEM, while this CA is exchanged. Default: none.
        access_log_bucket: where the CRL bucket logs access. Default: no access log.
        removal_policy: of CA and bucket. Default: retain.

    Raises:
        ValueError: a value outside what AWS Private CA allows; names the value and what is allowed.
    """

    certificate_authority: acmpca.ICertificateAuthority
    """The CA; whatever uses it waits for its activation."""
    common_name: str
    """Common name of its subject."""
    crl_bucket: s3.IBucket
    """Where it writes its CRL."""
    crl_expiry: Duration
    """How long a CRL is valid."""
    key_algorithm: KeyAlgorithm
    """Its key."""
    pins: AuthorityPins
    """The keys that the hosts accept: its own and those of ``accepted_certificates``."""
    signing_algorithm: SigningAlgorithm
    """How it signs."""
    usage_mode: UsageMode
    """What it may issue."""
    validity: Duration
    """How long its own certificate is valid from its creation."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        common_name: str,
        country: str | None = None,
        organization: str | None = None,
        validity: Duration | None = None,
        key_algorithm: KeyAlgorithm = KeyAlgorithm.RSA_2048,
        signing_algorithm: SigningAlgorithm | None = None,
        usage_mode: UsageMode = UsageMode.SHORT_LIVED,
        crl_expiry: Duration | None = None,
        crl_bucket: s3.IBucket | None = None,
        accepted_certificates: Sequence[str] = (),
        access_log_bucket: s3.IBucket | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        super().__init__(scope, id)
        check_description(
            common_name=common_name, country=country, organization=organization, validity=validity,
            key_algorithm=key_algorithm, signing_algorithm=signing_algorithm, crl_expiry=crl_expiry,
        )  # fmt: skip
        self.key_algorithm = key_algorithm
        self.signing_algorithm = signing_algorithm or SigningAlgorithm.for_key(key_algorithm)
        self.usage_mode = usage_mode
        self.common_name = common_name
        self.validity = validity or Duration.days(3650)
        accepted = AuthorityPins.of("accepted_certificates", accepted_certificates)
        self.crl_expiry = crl_expiry or Duration.days(7)
        self.crl_bucket = crl_bucket or self._make_crl_bucket(access_log_bucket, removal_policy)
        if crl_bucket is not None:
            let_private_ca_write(self, crl_bucket)
        authority = self._make_authority(
            acmpca.CfnCertificateAuthority.SubjectProperty(
                country=country, organization=organization, common_name=common_name
            )
        )
        self._certificate = self._certify(authority)
        self.pins = AuthorityPins.of("certificate", [self.certificate_pem]) + accepted
        self._activation = acmpca.CfnCertificateAuthorityActivation(
            self,
            "Activation",
            certificate_authority_arn=authority.attr_arn,
            certificate=self.certificate_pem,
            status="ACTIVE",
        )
        for resource in (authority, self._activation):
            resource.apply_removal_policy(except_on_create(removal_policy))

        self.certificate_authority = acmpca.CertificateAuthority.from_certificate_authority_arn(
            self, "Issuer", authority.attr_arn
        )
        # Nobody may use the CA before it is activated.
        self.certificate_authority.node.add_dependency(self._activation)

    def _make_authority(
        self, subject: acmpca.CfnCertificateAuthority.SubjectProperty
    ) -> acmpca.CfnCertificateAuthority:
        authority = acmpca.CfnCertificateAuthority(
            self,
            "Authority",
            type="ROOT",
            usage_mode=self.usage_mode.value,
            key_algorithm=self.key_algorithm.value,
            signing_algorithm=self.signing_algorithm.value,
            subject=subject,
            revocation_configuration=acmpca.CfnCertificateAuthority.RevocationConfigurationProperty(
                crl_configuration=_crl_configuration(self.crl_bucket, self.crl_expiry)
            ),
        )
        if isinstance(self.crl_bucket, s3.Bucket) and self.crl_bucket.policy is not None:
            # The CA proves that it can write when it is created, so the policy must be there first.
            authority.node.add_dependency(self.crl_bucket.policy)
        return authority

    @property
    def activation(self) -> acmpca.CfnCertificateAuthorityActivation:
        """Depend on this to use the CA only once it is active."""
        return self._activation

    @property
    def certificate_pem(self) -> str:
        """Its own certificate, which CloudFormation knows once it is issued."""
        return self._certificate.attr_certificate

    def _make_crl_bucket(self, access_log_bucket: s3.IBucket | None, removal_policy: RemovalPolicy) -> s3.Bucket:
        bucket = buckets.private_bucket(
            self, "CrlBucket", access_log_bucket=access_log_bucket, removal_policy=removal_policy
        )
        buckets.send_events(bucket)
        bucket.add_lifecycle_rule(noncurrent_version_expiration=Duration.days(90))
        for statement in writing_statements(Stack.of(self), bucket):
            bucket.add_to_resource_policy(statement)
        acknowledge(
            bucket,
            dict.fromkeys(
                in_packs("S3DefaultEncryptionKMS"),
                "A CRL is public by nature; SSE-S3 has no key policy that could stop AWS Private CA from publishing a "
                "revocation.",
            ),
        )
        return bucket

    def _certify(self, authority: acmpca.CfnCertificateAuthority) -> acmpca.CfnCertificate:
        return acmpca.CfnCertificate(
            self,
            "RootCertificate",
            certificate_authority_arn=authority.attr_arn,
            certificate_signing_request=authority.attr_certificate_signing_request,
            signing_algorithm=self.signing_algorithm.value,
            template_arn=f"arn:{Stack.of(self).partition}:acm-pca:::template/RootCACertificate/V1",
            validity=acmpca.CfnCertificate.ValidityProperty(type="DAYS", value=self.validity.to_days()),
        )


def check_description(
    *,
    common_name: str,
    country: str | None,
    organization: str | None,
    validity: Duration | None,
    key_algorithm: KeyAlgorithm,
    signing_algorithm: SigningAlgorithm | None,
    crl_expiry: Duration | None,
) -> None:
    """Refuse what AWS Private CA would refuse when the CA is made, minutes into a deployment.

    Raises:
        ValueError: names the value and what is allowed.
    """
    if _is_known(country) and not (len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()):
        raise ValueError(f"country is {country!r}: it must be a two-letter ISO 3166 code in capitals, such as 'DE'")
    for name, value in (("organization", organization), ("common_name", common_name)):
        if _is_known(value) and not 1 <= len(value) <= 64:
            raise ValueError(f"{name} is {value!r}: it must have 1 to 64 characters")
    if validity is not None:
        validation.duration("validity", validity, Duration.days(30), Duration.days(365 * 30))
    if crl_expiry is not None:
        validation.duration("crl_expiry", crl_expiry, Duration.days(1), Duration.days(5000))
    if signing_algorithm is not None:
        signing_algorithm.check_fits(key_algorithm)


def _is_known(value: str | None) -> TypeGuard[str]:
    return value is not None and not Token.is_unresolved(value)


def _crl_configuration(bucket: s3.IBucket, expiry: Duration) -> acmpca.CfnCertificateAuthority.CrlConfigurationProperty:
    return acmpca.CfnCertificateAuthority.CrlConfigurationProperty(
        enabled=True,
        s3_bucket_name=bucket.bucket_name,
        # The default ACL is public, which the bucket's public-access block refuses.
        s3_object_acl="BUCKET_OWNER_FULL_CONTROL",
        expiration_in_days=expiry.to_days(),
        # IAM Roles Anywhere never fetches a distribution point, and nobody else can read this bucket.
        crl_distribution_point_extension_configuration=(
            acmpca.CfnCertificateAuthority.CrlDistributionPointExtensionConfigurationProperty(omit_extension=True)
        ),
    )
