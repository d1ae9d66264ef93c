"""A certificate authority and what it has issued and revoked."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import private_ca as facts
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.private_ca.algorithms import PrivateKey, generate_key, hash_for
from pca_automator.rehearsal.local_aws.private_ca.names import distinguished_name


@dataclasses.dataclass
class Issued:
    """One issued certificate; it can be fetched from ``ready_at`` on (monotonic seconds)."""

    arn: str
    certificate: x509.Certificate
    ready_at: float

    @property
    def pem(self) -> str:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


@dataclasses.dataclass(frozen=True)
class Revocation:
    """One revoked serial number."""

    at: dt.datetime
    reason: str


@dataclasses.dataclass
class Authority:
    """One certificate authority."""

    arn: str
    kind: str
    usage_mode: str
    configuration: Mapping[str, Any]
    revocation: dict[str, Any]
    key: PrivateKey
    subject: x509.Name
    created_at: dt.datetime
    csr: str
    status: str = "PENDING_CERTIFICATE"
    certificate: x509.Certificate | None = None
    chain: str = ""
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    permissions: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    issued: dict[int, Issued] = dataclasses.field(default_factory=dict)
    revoked: dict[int, Revocation] = dataclasses.field(default_factory=dict)
    crl_number: int = 0
    crl_pending: bool = False

    @classmethod
    def create(cls, request: Mapping[str, Any], account: str, region: str, now: dt.datetime) -> Authority:
        """Make an authority with a new key, waiting for its certificate."""
        configuration = request["CertificateAuthorityConfiguration"]
        key = generate_key(configuration["KeyAlgorithm"])
        subject = distinguished_name(configuration["Subject"])
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        csr = builder.sign(key, hash_for(configuration["SigningAlgorithm"], key))
        return cls(
            arn=f"arn:aws:acm-pca:{region}:{account}:certificate-authority/{uuid.uuid4()}",
            kind=request["CertificateAuthorityType"],
            usage_mode=request.get("UsageMode") or "GENERAL_PURPOSE",
            configuration=configuration,
            revocation=dict(request.get("RevocationConfiguration") or {}),
            key=key,
            subject=subject,
            created_at=now,
            csr=csr.public_bytes(serialization.Encoding.PEM).decode(),
            tags={tag["Key"]: tag.get("Value", "") for tag in request.get("Tags") or []},
        )

    @property
    def id(self) -> str:
        """The UUID at the end of the ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def short_lived(self) -> bool:
        """Whether certificates may live 7 days at most."""
        return self.usage_mode == "SHORT_LIVED_CERTIFICATE"

    @property
    def crl_configuration(self) -> Mapping[str, Any]:
        """The CRL configuration if CRLs are enabled, else empty."""
        configuration: Mapping[str, Any] = self.revocation.get("CrlConfiguration") or {}
        return configuration if configuration.get("Enabled") else {}

    @property
    def crl_key(self) -> str:
        """The S3 key of the CRL."""
        custom = self.crl_configuration.get("CustomPath")
        folder = custom if custom and LEDGER.holds(facts.CRL_CUSTOM_PATH) else "crl"
        return f"{folder}/{self.id}.crl"

    @property
    def points_to_crl(self) -> bool:
        """Whether its certificates carry the CRL's address."""
        extension = self.crl_configuration.get("CrlDistributionPointExtensionConfiguration") or {}
        return not extension.get("OmitExtension")

    def install(self, certificate_pem: bytes, chain_pem: bytes | None) -> None:
        """Take the authority's own certificate, which must carry its key."""
        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem)
        except ValueError as error:
            raise ServiceError("MalformedCertificateException", str(error), fact=facts.OWN_CERTIFICATE) from error
        if certificate.public_key() != self.key.public_key():
            raise ServiceError(
                "CertificateMismatchException",
                "The certificate's key is not the authority's key",
                fact=facts.OWN_CERTIFICATE,
            )
        if self.status not in ("PENDING_CERTIFICATE", "ACTIVE"):
            raise ServiceError("InvalidStateException", f"The certificate authority is {self.status}", fact=facts.STATE)
        self.certificate = certificate
        self.chain = (chain_pem or b"").decode()
        self.status = "ACTIVE"

    @property
    def certificate_pem(self) -> str:
        """The authority's own certificate as PEM."""
        if self.certificate is None:
            raise ServiceError(
                "InvalidStateException", "The certificate authority has no certificate yet", fact=facts.STATE
            )
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def describe(self) -> dict[str, Any]:
        """The CertificateAuthority structure of the API."""
        described: dict[str, Any] = {
            "Arn": self.arn,
            "OwnerAccount": self.arn.split(":")[4],
            "CreatedAt": self.created_at.timestamp(),
            "LastStateChangeAt": self.created_at.timestamp(),
            "Type": self.kind,
            "Status": self.status,
            "UsageMode": self.usage_mode,
            "KeyStorageSecurityStandard": "FIPS_140_2_LEVEL_3_OR_HIGHER",
            "CertificateAuthorityConfiguration": dict(self.configuration),
            "RevocationConfiguration": self.revocation or {"CrlConfiguration": {"Enabled": False}},
        }
        if self.certificate is not None:
            described["Serial"] = f"{self.certificate.serial_number:x}"
            described["NotBefore"] = self.certificate.not_valid_before_utc.timestamp()
            described["NotAfter"] = self.certificate.not_valid_after_utc.timestamp()
        return described
