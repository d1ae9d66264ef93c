"""Telling AWS Private CA of a revocation; what is to be revoked stands in the ledger until then."""

from __future__ import annotations

from typing import Literal

from botocore.exceptions import ClientError

from pca_runtime.errors.kinds import CertificateMismatch, Throttled
from pca_runtime.errors.of_aws import error_code, translated
from pca_runtime.revocation.reasons import colon_form
from pca_runtime.shared.clients import RevokingCa
from pca_runtime.shared.log import Log

__all__ = ["Revoked", "Revoker"]

Revoked = Literal["REVOKED", "BEFORE", "UNKNOWN", "ANOTHERS"]
"""What came of one serial: revoked now; before; the CA does not know it; it is another host's, and stays."""

# Not of this CA (it was replaced): there is nothing that could be revoked here.
_NOTHING_TO_DO: dict[str, Revoked] = {
    "RequestAlreadyProcessedException": "BEFORE",
    "ResourceNotFoundException": "UNKNOWN",
}
# An ARN that is made of a serial number which the CA never gave may be none at all.
_NO_CERTIFICATE = {"InvalidArnException", "RequestFailedException", "ResourceNotFoundException"}
_AT_ONCE = {"ConcurrentModificationException", "RequestInProgressException"}


class Revoker:
    """Revokes single certificates.

    Args:
        private_ca: an AWS Private CA client. RevokeCertificate takes 20 requests a second, not adjustable; this sends
            one after the other. https://docs.aws.amazon.com/general/latest/gr/pca.html
        ca_arn: the CA.
        log: where it is said what was revoked, and what not.
    """

    def __init__(self, private_ca: RevokingCa, ca_arn: str, log: Log) -> None:
        self._private_ca = private_ca
        self._ca_arn = ca_arn
        self._log = log

    def certificate(self, certificate_arn: str) -> str | None:
        """PEM of a certificate of our CA; ``None``: there is none."""
        with translated("GetCertificate"):
            try:
                answer = self._private_ca.get_certificate(
                    CertificateAuthorityArn=self._ca_arn, CertificateArn=certificate_arn
                )
            except ClientError as error:
                if error_code(error) in _NO_CERTIFICATE:
                    return None
                raise
        return str(answer["Certificate"])

    def is_anothers(self, host_id: str, serial: str) -> bool:
        """Whether the CA issued this certificate to somebody else.

        Whoever may write an item must not be able to have any certificate of the CA revoked; where the CA is shared,
        that of a subordinate CA is among them. "The ARN contains the certificate serial number":
        https://docs.aws.amazon.com/privateca/latest/APIReference/API_GetCertificate.html
        Where nothing is found under it, RevokeCertificate knows best.
        """
        from pca_runtime.authority.certificates import load_leaf  # reading certificates is rare here, and slow to load

        number = int(serial.replace(":", ""), 16)
        # It is not said whether the ARN has the serial's leading zeros.
        written = dict.fromkeys((f"{number:032x}", f"{number:x}"))
        found = (self.certificate(f"{self._ca_arn}/certificate/{digits}") for digits in written)
        pem = next((each for each in found if each is not None), None)
        if pem is None:
            return False
        try:
            leaf = load_leaf(pem)
        except CertificateMismatch:
            return True  # what was issued for a host has been read before
        return leaf.common_name != host_id or leaf.is_ca

    def revoke(self, host_id: str, serial: str, reason: str) -> Revoked:
        """Revoke one certificate that is this host's.

        Args:
            host_id: the host whose certificate it must be.
            serial: hexadecimal, with or without colons.
            reason: one of :data:`~pca_runtime.revocation.reasons.REASONS`.

        Raises:
            PcaAutomatorError: AWS Private CA did not take it.
        """
        if self.is_anothers(host_id, serial):
            self._log.warning("not revoked: the certificate is another's", host_id=host_id, serial=serial)
            return "ANOTHERS"
        with translated("RevokeCertificate"):
            try:
                self._private_ca.revoke_certificate(
                    CertificateAuthorityArn=self._ca_arn,
                    CertificateSerial=colon_form(serial),
                    RevocationReason=reason,
                )
            except ClientError as error:
                code = error_code(error)
                if code in _AT_ONCE:
                    raise Throttled(f"RevokeCertificate: {code}", code="SERVICE_THROTTLED") from error
                if code not in _NOTHING_TO_DO:
                    raise
                self._log.info("nothing to revoke", host_id=host_id, serial=serial, why=code)
                return _NOTHING_TO_DO[code]
        self._log.info("revoked", host_id=host_id, serial=serial, revocation_reason=reason)
        return "REVOKED"
