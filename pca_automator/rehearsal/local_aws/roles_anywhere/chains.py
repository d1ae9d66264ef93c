"""Whether a certificate may open a session: end-entity requirements and the chain to the trust anchor."""

from __future__ import annotations

import datetime as dt

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from pca_automator.rehearsal.local_aws.facts import roles_anywhere as facts
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.roles_anywhere.signature import denied

_STRONG = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


def check_end_entity(certificate: x509.Certificate, now: dt.datetime) -> None:
    """The documented requirements of an end-entity certificate."""
    if certificate.version is not x509.Version.v3:
        raise denied("Incorrect certificate: must be X.509 version 3", fact=facts.END_ENTITY)
    if not list(certificate.subject):
        raise denied("Incorrect certificate: the subject is empty", fact=facts.END_ENTITY)
    if not isinstance(certificate.signature_hash_algorithm, _STRONG):
        raise denied("Incorrect certificate: signature must use SHA-256 or stronger", fact=facts.END_ENTITY)
    if _constraint(certificate):
        raise denied("Incorrect basic constraints for end entity certificate", fact=facts.END_ENTITY)
    usage = _key_usage(certificate)
    if usage is None or not usage.digital_signature:
        raise denied(
            "Incorrect key usage for end entity certificate: digitalSignature is required", fact=facts.END_ENTITY
        )
    purposes = _purposes(certificate)
    if ExtendedKeyUsageOID.CLIENT_AUTH not in purposes and not LEDGER.holds(facts.EXTENDED_KEY_USAGE):
        raise denied(
            "Incorrect extended key usage for end entity certificate: clientAuth is required",
            fact=facts.EXTENDED_KEY_USAGE,
        )
    check_validity(certificate, now)


def check_validity(certificate: x509.Certificate, now: dt.datetime) -> None:
    """Whether now lies within the certificate's validity."""
    if now < certificate.not_valid_before_utc:
        raise denied("Certificate is not valid yet", fact=facts.VALIDITY)
    if now > certificate.not_valid_after_utc:
        raise denied("Certificate expired", fact=facts.VALIDITY)


def check_chain(
    certificate: x509.Certificate, chain: list[x509.Certificate], anchors: list[x509.Certificate], now: dt.datetime
) -> None:
    """Walk from the certificate over the intermediates sent along to a CA of the trust anchor."""
    current, remaining = certificate, list(chain)
    while True:
        anchor = _issuer(current, anchors)
        if anchor is not None:
            check_validity(anchor, now)
            return
        link = _issuer(current, remaining)
        if link is None:
            raise denied("Untrusted certificate. Insufficient certificate", fact=facts.CHAIN)
        check_validity(link, now)
        remaining.remove(link)
        current = link


def _issuer(certificate: x509.Certificate, candidates: list[x509.Certificate]) -> x509.Certificate | None:
    for candidate in candidates:
        usage = _key_usage(candidate)
        if not _constraint(candidate) or (usage is not None and not usage.key_cert_sign):
            continue
        try:
            certificate.verify_directly_issued_by(candidate)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return candidate
    return None


def _constraint(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _key_usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def _purposes(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return []
