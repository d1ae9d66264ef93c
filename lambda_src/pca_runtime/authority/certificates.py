"""Certificates: what a leaf says."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pca_runtime.authority.keys import public_key_sha256
from pca_runtime.authority.names import Names
from pca_runtime.authority.parsing import PARSE_ERRORS
from pca_runtime.errors.kinds import CertificateMismatch

__all__ = ["TEMPLATE_EXTENSIONS", "Leaf", "is_serial", "load_leaf", "one_line", "same_serial", "serial_hex"]

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

# What an end-entity template gives: the last two if the CA is configured to write CRLs or to answer OCSP.
TEMPLATE_EXTENSIONS = frozenset(
    kind.oid.dotted_string
    for kind in (
        x509.BasicConstraints, x509.AuthorityKeyIdentifier, x509.SubjectKeyIdentifier, x509.KeyUsage,
        x509.ExtendedKeyUsage, x509.SubjectAlternativeName, x509.CRLDistributionPoints, x509.AuthorityInformationAccess,
    )
)  # fmt: skip
_SERIAL_BITS = 160
# At most 20 octets (RFC 5280, section 4.1.2.2), with colons between them or without.
_SERIAL = re.compile(r"[0-9a-fA-F]{1,2}(:?[0-9a-fA-F]{1,2}){0,19}")


@dataclass(frozen=True)
class Leaf:
    """What the checks and the inventory need of a certificate."""

    common_name: str | None
    subject: tuple[tuple[str, str], ...]
    names: Names
    other_names: int
    usages: frozenset[str]
    key_usage: frozenset[str]
    is_ca: bool
    extensions: frozenset[str]
    serial: str
    not_before: datetime
    not_after: datetime
    public_key_sha256: str


def serial_hex(number: int) -> str:
    """Lower-case hex without colons and leading zeros: the form in the table and on the hosts."""
    return f"{number:x}"


def is_serial(value: object) -> bool:
    """Whether it is the text of a serial number; what stands in the table may be anything."""
    return isinstance(value, str) and _SERIAL.fullmatch(value) is not None and value.strip("0:") != ""


def same_serial(one: str, other: str) -> bool:
    """Whether two hex texts are the same number, however they are padded or cased."""
    try:
        return int(one.replace(":", ""), 16) == int(other.replace(":", ""), 16)
    except ValueError:
        return False


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
