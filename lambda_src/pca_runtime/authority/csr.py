"""Is this CSR one that this host may ask with? Its subject and key, nothing else, reach the CA."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID, SignatureAlgorithmOID

from pca_runtime.authority.keys import describe_key, public_key_sha256, weakness
from pca_runtime.authority.parsing import PARSE_ERRORS
from pca_runtime.errors.kinds import CsrRejected

__all__ = ["VerifiedCsr", "verify_csr"]

# An RSA-4096 CSR with one name has under 1,800 characters; IssueCertificate takes 32 KB.
_PEM_MAX = 8_192
_UTF8_STRING, _PRINTABLE_STRING = 0x0C, 0x13
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
# Not RSASSA-PSS, whose parameters may name a weaker hash beside the one that is shown.
_SIGNATURES = {
    SignatureAlgorithmOID.RSA_WITH_SHA256, SignatureAlgorithmOID.RSA_WITH_SHA384,
    SignatureAlgorithmOID.RSA_WITH_SHA512, SignatureAlgorithmOID.ECDSA_WITH_SHA256,
    SignatureAlgorithmOID.ECDSA_WITH_SHA384, SignatureAlgorithmOID.ECDSA_WITH_SHA512,
}  # fmt: skip


@dataclass(frozen=True)
class VerifiedCsr:
    """A CSR that passed every check, written again from what was parsed: nothing rides along in the PEM."""

    pem: bytes
    public_key_sha256: str

    def __repr__(self) -> str:
        return f"VerifiedCsr(public_key_sha256={self.public_key_sha256!r})"


def verify_csr(pem: str, *, host_id: str, key_algorithm: str) -> VerifiedCsr:
    """Check a CSR that came from a host, which may be in anybody's hands.

    Args:
        pem: one PEM block.
        host_id: the subject must be exactly ``CN=<host_id>``.
        key_algorithm: what the key must be, by AWS Private CA's name.

    Raises:
        CsrRejected: with a code that says which check failed. No extension and no attribute is allowed,
            because a template copies a subject alternative name from the CSR when the API call gives none
            (https://docs.aws.amazon.com/privateca/latest/userguide/template-order-of-operations.html).
    """
    try:
        return _verify(_load(pem), host_id, key_algorithm)
    except PARSE_ERRORS as error:
        raise CsrRejected(f"the CSR of {host_id} cannot be parsed", code="CSR_MALFORMED") from error


def _load(pem: str) -> x509.CertificateSigningRequest:
    if len(pem) > _PEM_MAX or pem.count("-----BEGIN ") != 1:
        raise ValueError("not one PEM block of a sensible size")
    return x509.load_pem_x509_csr(pem.encode("ascii"))


def _verify(csr: x509.CertificateSigningRequest, host_id: str, key_algorithm: str) -> VerifiedCsr:
    key = csr.public_key()
    if (found := describe_key(key)) != key_algorithm:
        raise CsrRejected(f"the CSR of {host_id} has a {found} key, {key_algorithm} is expected", code="CSR_WRONG_KEY")
    if csr.signature_algorithm_oid not in _SIGNATURES or not isinstance(csr.signature_hash_algorithm, _HASHES):
        raise CsrRejected(
            f"the CSR of {host_id} is not signed by RSA or ECDSA with SHA-256 or better", code="CSR_WEAK_SIGNATURE"
        )
    if not csr.is_signature_valid:
        raise CsrRejected(f"the CSR of {host_id} is not signed by its own key", code="CSR_BAD_SIGNATURE")
    if not _names_only(csr.subject, host_id):
        raise CsrRejected(f"the CSR's subject is not exactly CN={host_id}", code="CSR_WRONG_SUBJECT")
    if len(csr.attributes) or len(csr.extensions):
        raise CsrRejected(
            f"the CSR of {host_id} asks for extensions or carries attributes; neither is allowed",
            code="CSR_HAS_EXTENSIONS",
        )
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if csr.tbs_certrequest_bytes not in _canonical(host_id, spki):
        raise CsrRejected(
            f"the CSR of {host_id} is not in the one canonical encoding: named curve and uncompressed point, or "
            "rsaEncryption, and a common name that is UTF8String or PrintableString",
            code="CSR_NOT_CANONICAL",
        )
    if isinstance(key, rsa.RSAPublicKey) and (flaw := weakness(key.public_numbers().n)):
        raise CsrRejected(f"the RSA modulus of {host_id} {flaw}", code="CSR_WEAK_KEY")
    return VerifiedCsr(csr.public_bytes(Encoding.PEM), public_key_sha256(key))


def _names_only(subject: x509.Name, host_id: str) -> bool:
    """One relative name with one attribute, and that the common name."""
    attributes = list(subject)
    return len(attributes) == 1 and attributes[0].oid == NameOID.COMMON_NAME and attributes[0].value == host_id


def _canonical(host_id: str, spki: bytes) -> set[bytes]:
    """Every way to write the request that is allowed: version 0, the one name in one of two types, the key, nothing.

    A comparison of the whole leaves no room for a second reading, by whatever parser the CA has: a point that is
    compressed, a curve by its parameters, RSASSA-PSS for RSA, BER where DER is due.
    """
    return {
        _der(0x30, b"\x02\x01\x00" + _common_name(text, host_id) + spki + b"\xa0\x00")
        for text in (_UTF8_STRING, _PRINTABLE_STRING)
    }


def _common_name(text: int, value: str) -> bytes:
    pair = _der(0x30, b"\x06\x03\x55\x04\x03" + _der(text, value.encode("ascii")))
    return _der(0x30, _der(0x31, pair))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content
