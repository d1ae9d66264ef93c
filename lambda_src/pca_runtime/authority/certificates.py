"""Certificates, read. Who only needs what a leaf says takes :mod:`pca_runtime.authority.leaf`, which reads none."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pca_runtime.authority.keys import public_key_sha256
from pca_runtime.authority.leaf import Leaf, serial_hex
from pca_runtime.authority.names import Names
from pca_runtime.authority.parsing import PARSE_ERRORS
from pca_runtime.errors.kinds import CertificateMismatch

__all__ = ["load_leaf", "one_line"]

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

# As AWS Private CA calls them; others keep the number of their type.
_ATTRIBUTES = {
    NameOID.COMMON_NAME: "CommonName",
    NameOID.ORGANIZATION_NAME: "Organization",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OrganizationalUnit",
}
_USAGES = {ExtendedKeyUsageOID.CLIENT_AUTH: "CLIENT_AUTH", ExtendedKeyUsageOID.SERVER_AUTH: "SERVER_AUTH"}
_KEY_USES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
_KINDS: Mapping[str, tuple[type[x509.GeneralName], Callable[[str], str]]] = {
    "dns_names": (x509.DNSName, str.lower),
    "ip_addresses": (x509.IPAddress, str),
    "uris": (x509.UniformResourceIdentifier, str),
    "email_addresses": (x509.RFC822Name, str),
}

# At most 20 octets (RFC 5280, section 4.1.2.2).
_SERIAL_BITS = 160


def load_leaf(pem: str) -> Leaf:
    """Read the first certificate of a PEM text.

    Raises:
        CertificateMismatch: it cannot be parsed.
    """
    try:
        return _describe(x509.load_pem_x509_certificate(pem.encode("ascii")))
    except PARSE_ERRORS as error:
        raise CertificateMismatch("the certificate cannot be parsed", code="CERTIFICATE_MALFORMED") from error


def one_line(pem: str) -> str:
    """Certificates as the documents take them: each as DER in base64, with dots between.

    Raises:
        CertificateMismatch: there is none, or what is there is none.
    """
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode("ascii"))
    except PARSE_ERRORS as error:
        raise CertificateMismatch("the chain cannot be parsed", code="CERTIFICATE_MALFORMED") from error
    return ".".join(b64encode(each.public_bytes(Encoding.DER)).decode("ascii") for each in certificates)


def _describe(certificate: x509.Certificate) -> Leaf:
    if certificate.serial_number <= 0 or certificate.serial_number.bit_length() > _SERIAL_BITS:
        raise ValueError("a serial number is positive and has at most 20 octets (RFC 5280, section 4.1.2.2)")
    subject = tuple(
        (_ATTRIBUTES.get(name.oid, name.oid.dotted_string), str(name.value)) for name in certificate.subject
    )
    common_names = [value for name, value in subject if name == "CommonName"]
    names, other_names = _alternative_names(certificate)
    return Leaf(
        common_name=common_names[0] if len(common_names) == 1 else None,
        subject=subject,
        names=names,
        other_names=other_names,
        usages=_usages(certificate),
        key_usage=_key_usage(certificate),
        is_ca=_is_ca(certificate),
        extensions=frozenset(each.oid.dotted_string for each in certificate.extensions),
        serial=serial_hex(certificate.serial_number),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        public_key_sha256=public_key_sha256(certificate.public_key()),
    )


def _alternative_names(certificate: x509.Certificate) -> tuple[Names, int]:
    """The names of the kinds that can be asked for, and how many others there are."""
    found = _extension(certificate, x509.SubjectAlternativeName)
    everything = [] if found is None else list(found)
    by_kind = {
        kind: tuple(sorted(form(str(name.value)) for name in everything if isinstance(name, general_name)))
        for kind, (general_name, form) in _KINDS.items()
    }
    return Names(**by_kind), len(everything) - sum(map(len, by_kind.values()))


def _usages(certificate: x509.Certificate) -> frozenset[str]:
    found = _extension(certificate, x509.ExtendedKeyUsage)
    return frozenset() if found is None else frozenset(_USAGES.get(use, use.dotted_string) for use in found)


def _key_usage(certificate: x509.Certificate) -> frozenset[str]:
    found = _extension(certificate, x509.KeyUsage)
    if found is None:
        return frozenset()
    # Two of them have no meaning without key agreement, and cannot be asked for then.
    uses = [use for use in _KEY_USES if not use.endswith("_only") or found.key_agreement]
    return frozenset(use for use in uses if getattr(found, use))


def _is_ca(certificate: x509.Certificate) -> bool:
    found = _extension(certificate, x509.BasicConstraints)
    return found is not None and found.ca


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
