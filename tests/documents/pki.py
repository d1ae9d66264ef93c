"""A certificate authority for tests, made with ``cryptography`` so that openssl is not checked against itself."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = dt.timedelta(days=1)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def one_line(text: str) -> str:
    """As the documents take certificates: DER in base64, with dots between; of what is no PEM, base64."""
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]+)-----END CERTIFICATE-----\n", text)
    return ".".join(block.replace("\n", "") for block in blocks) or base64.b64encode(text.encode()).decode()


def key_sha256(certificate: x509.Certificate) -> str:
    """What pins a CA."""
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(spki).hexdigest()


@dataclass
class Authority:
    """A root, or an intermediate if it has a parent."""

    common_name: str = "Test Root CA"
    parent: Authority | None = None
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    ends: dt.timedelta = 3650 * DAY
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        issuer = self.parent or self
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name(self.common_name))
            .issuer_name(name(issuer.common_name))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - DAY)
            .not_valid_after(now() + self.ends)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(issuer.key, hashes.SHA256())
        )

    @property
    def chain(self) -> str:
        """From this authority up to its root, as AWS Private CA returns it."""
        return pem(self.certificate) + (self.parent.chain if self.parent else "")

    def issue(
        self,
        csr: str,
        *,
        common_name: str | None = None,
        starts: dt.timedelta = -dt.timedelta(hours=1),
        ends: dt.timedelta = 7 * DAY,
        serial: int | None = None,
    ) -> x509.Certificate:
        """A leaf with the public key of a request; like AWS Private CA it is valid from an hour ago."""
        request = x509.load_pem_x509_csr(csr.encode())
        assert request.is_signature_valid
        return (
            x509.CertificateBuilder()
            .subject_name(name(common_name) if common_name else request.subject)
            .issuer_name(self.certificate.subject)
            .public_key(request.public_key())
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(now() + starts)
            .not_valid_after(now() + ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
