"""Certificate revocation lists: is this one ours, whole, current and newer? Pure functions of bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import CRLEntryExtensionOID

from pca_runtime.authority.parsing import PARSE_ERRORS
from pca_runtime.errors.kinds import CrlRefused
from pca_runtime.revocation.crl_size import PEM_MAX

__all__ = ["PEM_MAX", "Crl", "check_crl", "check_scope", "check_size", "crl_in_force", "load_crl"]

# Of the clocks of AWS's services, which are set by one time source.
_SKEW = timedelta(seconds=10)
_NUMBER_END = 1 << 160
# A CA makes them for 1 to 5,000 days (ExpirationInDays); what is in force for longer would hide for years that nothing
# follows. https://docs.aws.amazon.com/privateca/latest/APIReference/API_CrlConfiguration.html
_LONGEST = timedelta(days=5_001)
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
# One block and nothing beside it: of two, each reader may take another one.
_PEM = re.compile(rb"\s*-----BEGIN X509 CRL-----\s[A-Za-z0-9+/=\s]+-----END X509 CRL-----\s*")
# Not the issuer of an entry, which makes a CRL indirect.
_ENTRY_EXTENSIONS = {CRLEntryExtensionOID.CRL_REASON, CRLEntryExtensionOID.INVALIDITY_DATE}


@dataclass(frozen=True)
class Crl:
    """A parsed CRL."""

    number: int
    entries: int
    next_update: datetime
    pem: bytes
    parsed: x509.CertificateRevocationList


def load_crl(data: bytes) -> Crl:
    """Parse a CRL, DER as AWS Private CA writes it or PEM as IAM Roles Anywhere keeps it.

    Raises:
        CrlRefused: it cannot be parsed, or lacks a number or a nextUpdate.
    """
    try:
        pem = data.lstrip().startswith(b"-----BEGIN")
        if pem and not _PEM.fullmatch(data):
            raise ValueError("not one PEM block alone")
        parsed = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
        if not _is_version_2(parsed.tbs_certlist_bytes):
            raise ValueError("a CRL with extensions is of version 2 (RFC 5280, section 5.1.2.1)")
        number = parsed.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        if not 0 <= number < _NUMBER_END:
            raise ValueError("a CRL number is not negative and has at most 20 octets (RFC 5280, section 5.2.3)")
        entries = _count(parsed)
        next_update = parsed.next_update_utc
    except PARSE_ERRORS as error:
        raise CrlRefused("the CRL cannot be parsed", code="CRL_MALFORMED") from error
    except x509.ExtensionNotFound as error:
        raise CrlRefused("the CRL has no CRL number, so its age is unknown", code="CRL_MALFORMED") from error
    if next_update is None:
        raise CrlRefused("the CRL has no nextUpdate, so it would never go stale", code="CRL_MALFORMED")
    if next_update <= parsed.last_update_utc:
        raise CrlRefused("the CRL's nextUpdate is not after its thisUpdate", code="CRL_MALFORMED")
    if next_update - parsed.last_update_utc > _LONGEST:
        raise CrlRefused(
            "the CRL is in force longer than any CA makes one, so it would hide its age", code="CRL_MALFORMED"
        )
    return Crl(number, entries, next_update, parsed.public_bytes(Encoding.PEM), parsed)


def _is_version_2(signed: bytes) -> bool:
    """The version is the first thing that is signed; cryptography takes one without it, which is of version 1."""
    header = 2 + (signed[1] & 0x7F if signed[1] & 0x80 else 0)
    return signed[header : header + 3] == b"\x02\x01\x01"


def _count(crl: x509.CertificateRevocationList) -> int:
    """The entries. Each is read: cryptography parses lazily, and what cannot be read must not be found out later."""
    serials = set()
    for entry in crl:
        if not 0 < entry.serial_number < _NUMBER_END or not all(each.oid for each in entry.extensions):
            raise ValueError("a serial number is positive and has at most 20 octets (RFC 5280, section 4.1.2.2)")
        serials.add(entry.serial_number)
    if len(serials) != len(crl):
        raise ValueError("a certificate is revoked once, and which of two entries holds nobody can say")
    return len(serials)


def check_crl(crl: Crl, ca_pem: str, now: datetime) -> None:
    """Is it the complete and current CRL of this CA?

    Args:
        crl: the candidate.
        ca_pem: the CA's own certificate.
        now: the injected clock's time.

    Raises:
        CrlRefused: foreign, a delta, a part, with something that this code does not know and must, not begun, expired
            or too large.
    """
    ca = x509.load_pem_x509_certificate(ca_pem.encode("ascii"))
    if not _issued_by(crl.parsed, ca):
        raise CrlRefused("the CRL is not issued and signed by our CA", code="CRL_FOREIGN")
    if not _is_signed_soundly(crl.parsed):
        raise CrlRefused("the CRL is not signed by RSA or ECDSA with SHA-256 or better", code="CRL_UNSUPPORTED")
    check_scope(crl.parsed)
    if crl.parsed.last_update_utc > now + _SKEW:
        begins = crl.parsed.last_update_utc.isoformat()
        raise CrlRefused(f"the CRL is of {begins}, which is still to come", code="CRL_FROM_THE_FUTURE")
    late = max((entry.revocation_date_utc for entry in crl.parsed), default=now)
    if late > now + _SKEW:
        raise CrlRefused(f"the CRL has an entry of {late.isoformat()}, still to come", code="CRL_FROM_THE_FUTURE")
    if crl.next_update <= now:
        raise CrlRefused(f"the CRL was to be replaced before {crl.next_update.isoformat()}", code="CRL_EXPIRED")
    check_size(len(crl.pem))


def check_scope(crl: x509.CertificateRevocationList) -> None:
    """Does it speak of every certificate of its issuer, and say nothing that would have to be understood and is not?

    AWS Private CA's complete CRLs have an authority key identifier and a number, and entries with a reason. What is
    critical and unknown makes the whole CRL unusable (RFC 5280, section 5.2); IAM Roles Anywhere may read it otherwise.

    Raises:
        CrlRefused: it does not.
    """
    if _has(crl, x509.DeltaCRLIndicator):
        raise CrlRefused("a delta CRL would lose the revocations before it", code="CRL_FOREIGN")
    if _has(crl, x509.IssuingDistributionPoint):
        raise CrlRefused(
            "the CRL has an issuing distribution point: it is for a part of the certificates", code="CRL_PARTIAL"
        )
    for extension in crl.extensions:
        if extension.critical:
            raise _unknown("extension", extension.oid)
    for entry in crl:
        for extension in entry.extensions:
            if extension.critical or extension.oid not in _ENTRY_EXTENSIONS:
                raise _unknown("entry extension", extension.oid)
            if extension.value == x509.CRLReason(x509.ReasonFlags.remove_from_crl):
                raise CrlRefused(
                    f"the CRL takes {entry.serial_number:x} out of a list, as a delta does", code="CRL_FOREIGN"
                )


def _unknown(what: str, oid: x509.ObjectIdentifier) -> CrlRefused:
    return CrlRefused(
        f"the CRL has the {what} {oid.dotted_string}, critical or of another issuer's CRL: AWS Private CA writes none",
        code="CRL_UNSUPPORTED",
    )


def check_size(pem_bytes: int) -> None:
    """Raises CrlRefused above what IAM Roles Anywhere takes."""
    if pem_bytes > PEM_MAX:
        message = f"the CRL has {pem_bytes} bytes in PEM, IAM Roles Anywhere takes {PEM_MAX}"
        raise CrlRefused(message, code="CRL_TOO_LARGE")


def crl_in_force(data: bytes, ca_pem: str) -> Crl | None:
    """The CRL that Roles Anywhere holds; ``None``: it is unreadable, partial or another CA's, and must be replaced."""
    try:
        crl = load_crl(data)
        check_scope(crl.parsed)
    except CrlRefused:
        return None
    ca = x509.load_pem_x509_certificate(ca_pem.encode("ascii"))
    return crl if _issued_by(crl.parsed, ca) else None


def _issued_by(crl: x509.CertificateRevocationList, ca: x509.Certificate) -> bool:
    """Name, key identifier and signature: any two alone can be imitated or reused."""
    key = ca.public_key()
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return False
    try:
        named = crl.issuer == ca.subject and _names_key(crl, ca)
        return named and crl.is_signature_valid(key)
    except PARSE_ERRORS:
        return False


def _is_signed_soundly(crl: x509.CertificateRevocationList) -> bool:
    """Not by RSASSA-PSS, which AWS Private CA does not use, and whose parameters may name a weaker hash."""
    parameters = crl.signature_algorithm_parameters
    return isinstance(crl.signature_hash_algorithm, _HASHES) and isinstance(parameters, padding.PKCS1v15 | ec.ECDSA)


def _names_key(crl: x509.CertificateRevocationList, ca: x509.Certificate) -> bool:
    """By its identifier, which RFC 5280 section 5.2.1 demands in every CRL; and not another certificate beside it."""
    try:
        named = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    except x509.ExtensionNotFound:
        return False
    issuer, serial = named.authority_cert_issuer, named.authority_cert_serial_number
    of_ca = issuer is None or list(issuer) == [x509.DirectoryName(ca.issuer)]
    return named.key_identifier == _subject_key(ca) and of_ca and serial in (None, ca.serial_number)


def _subject_key(ca: x509.Certificate) -> bytes:
    try:
        return ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return x509.SubjectKeyIdentifier.from_public_key(ca.public_key()).digest


def _has(crl: x509.CertificateRevocationList, extension: type[x509.ExtensionType]) -> bool:
    try:
        crl.extensions.get_extension_for_class(extension)
    except x509.ExtensionNotFound:
        return False
    return True
