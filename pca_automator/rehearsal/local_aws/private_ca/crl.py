"""The certificate revocation list of an authority: DER, version 2, as AWS Private CA writes it."""

from __future__ import annotations

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from pca_automator.rehearsal.local_aws.private_ca.algorithms import hash_for
from pca_automator.rehearsal.local_aws.private_ca.authority import Authority, Revocation

REASONS = {
    "UNSPECIFIED": x509.ReasonFlags.unspecified,
    "KEY_COMPROMISE": x509.ReasonFlags.key_compromise,
    "CERTIFICATE_AUTHORITY_COMPROMISE": x509.ReasonFlags.ca_compromise,
    "AFFILIATION_CHANGED": x509.ReasonFlags.affiliation_changed,
    "SUPERSEDED": x509.ReasonFlags.superseded,
    "CESSATION_OF_OPERATION": x509.ReasonFlags.cessation_of_operation,
    "PRIVILEGE_WITHDRAWN": x509.ReasonFlags.privilege_withdrawn,
    "A_A_COMPROMISE": x509.ReasonFlags.aa_compromise,
}
_DEFAULT_DAYS = 7


def next_crl(authority: Authority, now: dt.datetime) -> bytes:
    """Number and sign the next CRL; certificates that ran out are no longer in it."""
    authority.crl_number += 1
    days = int(authority.crl_configuration.get("ExpirationInDays") or _DEFAULT_DAYS)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(now - dt.timedelta(minutes=60))
        .next_update(now + dt.timedelta(days=days))
        .add_extension(x509.CRLNumber(authority.crl_number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    for serial, revocation in sorted(authority.revoked.items()):
        issued = authority.issued.get(serial)
        if issued is None or issued.certificate.not_valid_after_utc > now:
            builder = builder.add_revoked_certificate(_entry(serial, revocation))
    digest = hash_for(authority.configuration["SigningAlgorithm"], authority.key)
    return builder.sign(authority.key, digest).public_bytes(serialization.Encoding.DER)


def _entry(serial: int, revocation: Revocation) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(revocation.at)
    if revocation.reason != "UNSPECIFIED":
        builder = builder.add_extension(x509.CRLReason(REASONS[revocation.reason]), critical=False)
    return builder.build()
