"""Certificates: what a leaf says, and whether it is the one that was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from pca_runtime.authority.keys import public_key_sha256
from pca_runtime.authority.parsing import PARSE_ERRORS
from pca_runtime.errors.kinds import CertificateMismatch

__all__ = ["Leaf", "check_leaf", "is_serial", "load_leaf", "same_serial", "serial_hex"]

# At most 20 octets (RFC 5280, section 4.1.2.2), with colons between them or without.
_SERIAL = re.compile(r"[0-9a-fA-F]{1,2}(:?[0-9a-fA-F]{1,2}){0,19}")


@dataclass(frozen=True)
class Leaf:
    """What the checks and the inventory need of a certificate."""

    common_name: str | None
    other_subject_attributes: int
    dns_names: frozenset[str]
    other_names: int
    is_ca: bool
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


def _describe(certificate: x509.Certificate) -> Leaf:
    subject = list(certificate.subject)
    if certificate.serial_number <= 0:
        raise ValueError("a serial number is positive (RFC 5280, section 4.1.2.2)")
    common_names = [str(name.value) for name in subject if name.oid == NameOID.COMMON_NAME]
    names = _alternative_names(certificate)
    dns_names = [name.value.lower() for name in names if isinstance(name, x509.DNSName)]
    return Leaf(
        common_name=common_names[0] if len(common_names) == 1 else None,
        other_subject_attributes=len(subject) - len(common_names),
        dns_names=frozenset(dns_names),
        other_names=len(names) - len(dns_names),
        is_ca=_is_ca(certificate),
        serial=serial_hex(certificate.serial_number),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        public_key_sha256=public_key_sha256(certificate.public_key()),
    )


def _alternative_names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def check_leaf(leaf: Leaf, *, host_id: str, dns_names: Iterable[str], expected_key_sha256: str, now: datetime) -> None:
    """Is this the certificate that was asked for? The last look before it goes to the host.

    Raises:
        CertificateMismatch: with the code ``CERTIFICATE_NOT_AS_REQUESTED`` and what is wrong.
    """
    wrong = []
    if leaf.public_key_sha256 != expected_key_sha256:
        wrong.append("its key is not the key of the CSR")
    if leaf.common_name != host_id or leaf.other_subject_attributes:
        wrong.append(f"its subject is not exactly CN={host_id}")
    if extra := sorted(leaf.dns_names - set(dns_names)):
        wrong.append(f"it has names that the inventory does not give: {', '.join(extra)[:300]}")
    if leaf.other_names:
        wrong.append("it has alternative names that are not DNS names")
    if leaf.is_ca:
        wrong.append("it is a CA certificate")
    if leaf.not_after <= now:
        wrong.append("it has expired")
    if wrong:
        message = f"the certificate for {host_id} is not the one that was asked for: {'; '.join(wrong)}"
        raise CertificateMismatch(message, code="CERTIFICATE_NOT_AS_REQUESTED")
