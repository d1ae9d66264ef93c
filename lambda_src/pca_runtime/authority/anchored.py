"""Whether a trust anchor trusts the CA's certificate of now: a CA that was renewed may have left it behind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pca_runtime.authority.certificate_authority import look_at
from pca_runtime.errors.of_aws import translated
from pca_runtime.shared.clients import PrivateCa
from pca_runtime.shared.timestamps import format_time

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["unlike"]

# "Not before" is 60 minutes before the moment at which AWS Private CA issues.
# https://docs.aws.amazon.com/privateca/latest/APIReference/API_IssueCertificate.html
_BACKDATED = timedelta(hours=1)


def unlike(anchor: Mapping[str, Any], private_ca: PrivateCa, ca_arn: str) -> str | None:
    """What is the matter between a trust anchor and the CA that issues; ``None``: nothing that can be seen.

    A bundle is compared with the CA's certificate itself. An anchor of source ``AWS_ACM_PCA`` does not show the one it
    has, and AWS does not say whether it follows its CA. So a CA certificate that may have come after the anchor was
    last changed counts as one that the anchor may not have: AWS Private CA lets a certificate begin an hour before it
    is made. UpdateTrustAnchor is right in either case; of a certificate that another CA made, which need not begin
    earlier, this is said until an hour after its begin.
    https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_UpdateTrustAnchor.html

    Args:
        anchor: as GetTrustAnchor has it.
        private_ca: an AWS Private CA client.
        ca_arn: the CA.

    Raises:
        PcaAutomatorError: AWS Private CA did not answer.
    """
    data = (anchor.get("source") or {}).get("sourceData") or {}
    if bundle := data.get("x509CertificateData"):
        return _unlike_bundle(str(bundle), private_ca, ca_arn)
    changed = anchor.get("updatedAt")
    if data.get("acmPcaArn") != ca_arn or not isinstance(changed, datetime):
        return None
    began, changed = look_at(private_ca, ca_arn).not_before, changed.astimezone(UTC)
    if began is None or began + _BACKDATED <= changed:
        return None
    return (
        f"the CA's certificate came after {format_time(began)}, and the trust anchor was last changed "
        f"{format_time(changed)}: it may still have the one before"
    )


def _unlike_bundle(bundle: str, private_ca: PrivateCa, ca_arn: str) -> str | None:
    from cryptography import x509  # slow to load, and most anchors have no bundle

    with translated("GetCertificateAuthorityCertificate"):
        answer = private_ca.get_certificate_authority_certificate(CertificateAuthorityArn=ca_arn)
    chain = f"{answer['Certificate']}\n{answer.get('CertificateChain') or ''}"
    present = {_identity(each): each for each in x509.load_pem_x509_certificates(chain.encode())}
    trusted = x509.load_pem_x509_certificates(bundle.encode())
    ends = [
        (each.not_valid_after_utc, present[_identity(each)].not_valid_after_utc)
        for each in trusted
        if _identity(each) in present
    ]
    if not ends:
        names = ", ".join(each.subject.rfc4514_string() for each in trusted)
        return f"the trust anchor trusts {names}, and neither the CA nor those above it are among them"
    if any(has >= of_ca for has, of_ca in ends):
        return None
    has, of_ca = max(ends)
    return (
        f"the trust anchor's certificate of the CA runs out {format_time(has)}, and the CA has one until "
        f"{format_time(of_ca)} by now"
    )


def _identity(certificate: x509.Certificate) -> tuple[bytes, bytes]:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return certificate.subject.public_bytes(), key
