"""From a CSR to a certificate: what IssueCertificate checks and puts into it."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography import x509

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import private_ca as facts
from pca_automator.rehearsal.local_aws.private_ca import templates
from pca_automator.rehearsal.local_aws.private_ca.algorithms import hash_for
from pca_automator.rehearsal.local_aws.private_ca.authority import Authority

_CSR_BYTES: int = facts.CSR_BYTES.value
BACKDATED: dt.timedelta = facts.BACKDATED.value
_SHORT_LIVED: dt.timedelta = facts.SHORT_LIVED.value
_UNITS = {"DAYS": 1, "MONTHS": 30, "YEARS": 365}


def build_certificate(
    authority: Authority, request: Mapping[str, Any], csr_pem: bytes, now: dt.datetime
) -> x509.Certificate:
    """Check an IssueCertificate request and sign the certificate."""
    template = templates.find(request.get("TemplateArn"))
    if authority.status != "ACTIVE" and not (template.authority and authority.status == "PENDING_CERTIFICATE"):
        raise ServiceError(
            "InvalidStateException", f"The certificate authority is {authority.status}", fact=facts.STATE
        )
    csr = _verified_csr(csr_pem)
    passthrough = request.get("ApiPassthrough") or {}
    subject = templates.subject_of(template, csr, passthrough)
    extensions = templates.requested_extensions(template, csr, passthrough)
    names = any(isinstance(extension.value, x509.SubjectAlternativeName) for extension in extensions)
    if not list(subject) and not names:
        raise ServiceError(
            "MalformedCSRException", "The CSR has neither a subject nor alternative names", fact=facts.CSR_NAMES
        )
    # What is renewed is the CA itself, and nothing that could outlive it.
    is_own = template.authority and csr.public_key() == authority.key.public_key()
    not_after = _not_after(authority, template, request["Validity"], now, is_own=is_own)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.subject)
        .public_key(csr.public_key())
        .serial_number(secrets.randbits(126) | 1 << 126)
        .not_valid_before(_not_before(request, now))
        .not_valid_after(not_after)
    )
    for extension in [*extensions, *_fixed_extensions(authority, template, csr)]:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(authority.key, hash_for(request["SigningAlgorithm"], authority.key))


def _verified_csr(pem: bytes) -> x509.CertificateSigningRequest:
    if len(pem) > _CSR_BYTES:
        raise ServiceError("ValidationException", f"Csr is longer than {_CSR_BYTES} bytes", fact=facts.CSR_BYTES)
    try:
        csr = x509.load_pem_x509_csr(pem)
        valid = csr.is_signature_valid
    except Exception as error:  # every parser error of cryptography means the same to the caller
        raise ServiceError("MalformedCSRException", f"The CSR cannot be read: {error}", fact=facts.CSR_FORM) from error
    if not valid:
        raise ServiceError(
            "MalformedCSRException", "The CSR's signature does not verify with its own key", fact=facts.CSR_FORM
        )
    return csr


def _not_before(request: Mapping[str, Any], now: dt.datetime) -> dt.datetime:
    wanted = request.get("ValidityNotBefore")
    return _moment(wanted, now) if wanted else now - BACKDATED


def _not_after(
    authority: Authority, template: templates.Template, validity: Mapping[str, Any], now: dt.datetime, *, is_own: bool
) -> dt.datetime:
    end = _moment(validity, now)
    if end <= now:
        raise ServiceError(
            "ValidationException", "The certificate would end before it begins", fact=facts.VALIDITY_ORDER
        )
    # A minute of grace: the request names days, and the clock has gone on since it was made.
    if authority.short_lived and not template.authority and end > now + _SHORT_LIVED + dt.timedelta(minutes=1):
        raise ServiceError(
            "ValidationException",
            "A short-lived certificate authority issues certificates of 7 days at most",
            fact=facts.SHORT_LIVED,
        )
    if not is_own and authority.certificate is not None and end > authority.certificate.not_valid_after_utc:
        raise ServiceError(
            "ValidationException", "The certificate would outlive the certificate authority", fact=facts.WITHIN_CA
        )
    return end


def _moment(validity: Mapping[str, Any], now: dt.datetime) -> dt.datetime:
    kind, value = validity["Type"], int(validity["Value"])
    if kind in _UNITS:
        return now + dt.timedelta(days=_UNITS[kind] * value)
    if kind == "ABSOLUTE":
        return dt.datetime.fromtimestamp(value, dt.UTC)
    if kind == "END_DATE":
        text = str(validity["Value"])
        form = "%y%m%d%H%M%S" if len(text) == 12 else "%Y%m%d%H%M%S"
        return dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC)
    raise ServiceError("ValidationException", f"Validity type {kind!r} is not supported", fact=facts.VALIDITY_KIND)


def _fixed_extensions(
    authority: Authority, template: templates.Template, csr: x509.CertificateSigningRequest
) -> list[x509.Extension[x509.ExtensionType]]:
    values: list[x509.ExtensionType] = [
        x509.SubjectKeyIdentifier.from_public_key(csr.public_key()),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
    ]
    crl = authority.crl_configuration
    omitted = (crl.get("CrlDistributionPointExtensionConfiguration") or {}).get("OmitExtension")
    if crl and not omitted and not (template.authority and authority.kind == "ROOT"):
        host = crl.get("CustomCname") or f"{crl['S3BucketName']}.s3.{authority.arn.split(':')[3]}.amazonaws.com"
        where = x509.UniformResourceIdentifier(f"http://{host}/{authority.crl_key}")
        values.append(x509.CRLDistributionPoints([x509.DistributionPoint([where], None, None, None)]))
    return [x509.Extension(value.oid, False, value) for value in values]
