"""Certificates: what a leaf says, and whether it is the one that was asked for."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pca_runtime.authority.keys import public_key_sha256
from pca_runtime.authority.parsing import PARSE_ERRORS
from pca_runtime.errors.kinds import CertificateMismatch

__all__ = [
    "CLIENT_AUTH",
    "Asked",
    "Leaf",
    "check_leaf",
    "is_serial",
    "load_leaf",
    "one_line",
    "same_serial",
    "serial_hex",
]

CLIENT_AUTH = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string})
"""What a template of a client gives. https://docs.aws.amazon.com/privateca/latest/userguide/template-definitions.html"""

# Every end-entity template gives both bits, whatever the key is.
_SIGNING = frozenset({"digital_signature"})
_KEY_USAGES = _SIGNING | {"key_encipherment"}
# What an end-entity template gives: the last two if the CA is configured to write CRLs or to answer OCSP.
_EXTENSIONS = frozenset(
    kind.oid.dotted_string
    for kind in (
        x509.BasicConstraints, x509.AuthorityKeyIdentifier, x509.SubjectKeyIdentifier, x509.KeyUsage,
        x509.ExtendedKeyUsage, x509.SubjectAlternativeName, x509.CRLDistributionPoints, x509.AuthorityInformationAccess,
    )
)  # fmt: skip
# AWS Private CA sets not-before an hour back, for clocks that are behind; the rest is for rounding.
_BACKDATED = timedelta(hours=1, minutes=5)
_SKEW = timedelta(minutes=5)
_SERIAL_BITS = 160
_Kind = TypeVar("_Kind", bound=x509.ExtensionType)
# At most 20 octets (RFC 5280, section 4.1.2.2), with colons between them or without.
_SERIAL = re.compile(r"[0-9a-fA-F]{1,2}(:?[0-9a-fA-F]{1,2}){0,19}")


@dataclass(frozen=True)
class Asked:
    """What was asked of the CA; a certificate that says anything else, or more, is not the answer.

    Args:
        host_id: all of the subject.
        dns_names: all of the alternative names.
        public_key_sha256: of the key in the request.
        validity: from the moment of issue.
        purposes: the extended key usages that the template gives, as dotted object identifiers.
    """

    host_id: str
    dns_names: frozenset[str]
    public_key_sha256: str
    validity: timedelta
    purposes: frozenset[str] = CLIENT_AUTH


@dataclass(frozen=True)
class Leaf:
    """What the checks and the inventory need of a certificate."""

    common_name: str | None
    other_subject_attributes: int
    dns_names: frozenset[str]
    other_names: int
    is_ca: bool
    key_usages: frozenset[str]
    purposes: frozenset[str]
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
    subject = list(certificate.subject)
    if certificate.serial_number <= 0 or certificate.serial_number.bit_length() > _SERIAL_BITS:
        raise ValueError("a serial number is positive and has at most 20 octets (RFC 5280, section 4.1.2.2)")
    common_names = [str(name.value) for name in subject if name.oid == NameOID.COMMON_NAME]
    extensions = {each.oid: each.value for each in certificate.extensions}
    names = list(_value(extensions, x509.SubjectAlternativeName) or ())
    dns_names = [name.value.lower() for name in names if isinstance(name, x509.DNSName)]
    constraints = _value(extensions, x509.BasicConstraints)
    usage = _value(extensions, x509.KeyUsage)
    return Leaf(
        common_name=common_names[0] if len(common_names) == 1 else None,
        other_subject_attributes=len(subject) - len(common_names),
        dns_names=frozenset(dns_names),
        other_names=len(names) - len(dns_names),
        is_ca=constraints is not None and constraints.ca,
        key_usages=frozenset() if usage is None else _key_usages(usage),
        purposes=frozenset(each.dotted_string for each in _value(extensions, x509.ExtendedKeyUsage) or ()),
        extensions=frozenset(oid.dotted_string for oid in extensions),
        serial=serial_hex(certificate.serial_number),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        public_key_sha256=public_key_sha256(certificate.public_key()),
    )


def _value(extensions: Mapping[x509.ObjectIdentifier, x509.ExtensionType], kind: type[_Kind]) -> _Kind | None:
    found = extensions.get(kind.oid)
    return found if isinstance(found, kind) else None


def _key_usages(usage: x509.KeyUsage) -> frozenset[str]:
    """The names of the bits that are set; two of them mean nothing, and cannot be asked for, without key agreement."""
    names = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"]
    names += ["key_cert_sign", "crl_sign", *(["encipher_only", "decipher_only"] if usage.key_agreement else [])]
    return frozenset(name for name in names if getattr(usage, name))


def check_leaf(leaf: Leaf, asked: Asked, now: datetime) -> None:
    """Is this the certificate that was asked for? The last look before it goes to the host.

    Args:
        leaf: the certificate.
        asked: what was asked.
        now: not before it was issued.

    Raises:
        CertificateMismatch: with the code ``CERTIFICATE_NOT_AS_REQUESTED`` and everything that is wrong.
    """
    if wrong := [*_wrong_names(leaf, asked), *_wrong_uses(leaf, asked), *_wrong_times(leaf, asked, now)]:
        message = f"the certificate for {asked.host_id} is not the one that was asked for: {'; '.join(wrong)}"
        raise CertificateMismatch(message, code="CERTIFICATE_NOT_AS_REQUESTED")


def _wrong_names(leaf: Leaf, asked: Asked) -> Iterator[str]:
    if leaf.public_key_sha256 != asked.public_key_sha256:
        yield "its key is not the key of the CSR"
    if leaf.common_name != asked.host_id or leaf.other_subject_attributes:
        yield f"its subject is not exactly CN={asked.host_id}"
    if extra := sorted(leaf.dns_names - asked.dns_names):
        yield f"it has names that the inventory does not give: {', '.join(extra)[:300]}"
    if missing := sorted(asked.dns_names - leaf.dns_names):
        yield f"it lacks names that the inventory gives: {', '.join(missing)[:300]}"
    if leaf.other_names:
        yield "it has alternative names that are not DNS names"


def _wrong_uses(leaf: Leaf, asked: Asked) -> Iterator[str]:
    if leaf.is_ca:
        yield "it is a CA certificate"
    if not _SIGNING <= leaf.key_usages <= _KEY_USAGES:
        yield f"its key usage is {', '.join(sorted(leaf.key_usages)) or 'not there'}"
    if leaf.purposes != asked.purposes:
        yield f"its extended key usage is {', '.join(sorted(leaf.purposes)) or 'not there'}"
    if unknown := sorted(leaf.extensions - _EXTENSIONS):
        yield f"it has extensions that no template of ours gives: {', '.join(unknown)[:300]}"


def _wrong_times(leaf: Leaf, asked: Asked, now: datetime) -> Iterator[str]:
    if leaf.not_after <= now:
        yield "it has expired"
    if leaf.not_before > now + _SKEW:
        yield f"it begins at {leaf.not_before.isoformat()}, which is still to come"
    if leaf.not_after > now + asked.validity + _SKEW or leaf.not_after - leaf.not_before > asked.validity + _BACKDATED:
        yield f"it is valid until {leaf.not_after.isoformat()}, longer than the {asked.validity.days} days asked for"
