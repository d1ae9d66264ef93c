"""Real certificates, CSRs and CRLs for tests, made with cryptography; nothing of X.509 is mocked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_SHA256 = hashes.SHA256()
NOW = datetime(2026, 11, 23, 13, 15, tzinfo=UTC)


def p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


BOTH = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH)


def name(common_name: str, **more: str | None) -> x509.Name:
    oids = {"O": NameOID.ORGANIZATION_NAME, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME}
    attributes = [x509.NameAttribute(oids[key], value) for key, value in more.items() if value]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def pem_of(thing: x509.CertificateSigningRequest | x509.Certificate) -> str:
    return thing.public_bytes(Encoding.PEM).decode()


def make_csr(
    subject: x509.Name | str,
    key: Key | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey | None = None,
    *,
    extensions: Sequence[x509.ExtensionType] = (),
    challenge: bytes | None = None,
    algorithm: hashes.HashAlgorithm | None = _SHA256,
) -> str:
    """A CSR in PEM."""
    builder = x509.CertificateSigningRequestBuilder()
    builder = builder.subject_name(name(subject) if isinstance(subject, str) else subject)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    if challenge is not None:
        builder = builder.add_attribute(x509.oid.AttributeOID.CHALLENGE_PASSWORD, challenge)
    return pem_of(builder.sign(key or p256(), algorithm))


def key_usage(*usages: str) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{each: each in usages for each in names})


@dataclass
class Ca:
    """A CA that signs what a test asks for, right or wrong."""

    common_name: str = "Test CA"
    key: Key = field(default_factory=p256)
    made_at: datetime = NOW

    def __post_init__(self) -> None:
        subject = name(self.common_name)
        self.certificate = (
            self._builder(subject, self.key.public_key(), self.made_at, timedelta(days=3650))
            .add_extension(x509.BasicConstraints(True, 0), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        return pem_of(self.certificate)

    def _builder(
        self, subject: x509.Name, public_key: object, start: datetime, validity: timedelta
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name(self.common_name))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start - timedelta(hours=1))
            .not_valid_after(start + validity)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )

    def issue(
        self,
        csr_pem: str | bytes,
        *,
        subject: x509.Name | None = None,
        names: Sequence[x509.GeneralName] = (),
        ca: bool = False,
        start: datetime = NOW,
        validity: timedelta = timedelta(days=7),
        usages: Sequence[str] | None = ("digital_signature", "key_encipherment"),
        purposes: Sequence[x509.ObjectIdentifier] = BOTH,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> str:
        """A leaf in PEM as the template for clients and servers gives it; the subject is the CSR's unless given."""
        csr = x509.load_pem_x509_csr(csr_pem.encode() if isinstance(csr_pem, str) else csr_pem)
        builder = self._builder(subject or csr.subject, csr.public_key(), start, validity)
        builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
        if usages is not None:
            builder = builder.add_extension(key_usage(*usages), critical=True)
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
        return pem_of(builder.sign(self.key, hashes.SHA256()))

    def crl(
        self,
        number: int | None,
        *,
        revoked: int = 0,
        start: datetime = NOW,
        validity: timedelta = timedelta(days=7),
        issuer: x509.Name | None = None,
        authority: bool = True,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> bytes:
        """A CRL in DER, as AWS Private CA writes it."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer or name(self.common_name))
            .last_update(start - timedelta(hours=1))
            .next_update(start + validity)
        )
        if number is not None:
            builder = builder.add_extension(x509.CRLNumber(number), critical=False)
        if authority:
            identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
            builder = builder.add_extension(identifier, critical=False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        for serial in range(1, revoked + 1):
            entry = x509.RevokedCertificateBuilder().serial_number(2**120 + serial).revocation_date(start).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)
