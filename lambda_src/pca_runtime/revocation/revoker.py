"""Revoking certificates: what is to be revoked stands in the item until AWS Private CA has been told.

The set ``toRevoke`` is written in the same update as the cause of it (a retirement, a replacement) and its
``revocationReason``, so that no crash between the two loses a revocation: an event that comes again, or the hourly
reconciliation, finishes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from botocore.exceptions import ClientError

from pca_runtime.authority.certificates import load_leaf
from pca_runtime.errors.kinds import CertificateMismatch, Throttled
from pca_runtime.errors.of_aws import error_code, translated
from pca_runtime.revocation.reasons import TO_REVOKE, colon_form
from pca_runtime.shared.clients import DynamoDb, PrivateCa
from pca_runtime.shared.expressions import Expressions, to_value
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
_ARN_MAX = 200
_AT_ONCE = {"ConcurrentModificationException", "RequestInProgressException"}


class Revoker:
    """Revokes, and takes from the item what is revoked.

    Args:
        private_ca: an AWS Private CA client. RevokeCertificate takes 20 requests a second, not adjustable; this sends
            one after the other. https://docs.aws.amazon.com/general/latest/gr/pca.html
        dynamodb: a DynamoDB client.
        ca_arn: the CA.
        table_name: the inventory table.
        log: where it is said what was revoked, and what not.
    """

    def __init__(self, private_ca: PrivateCa, dynamodb: DynamoDb, ca_arn: str, table_name: str, log: Log) -> None:
        self._private_ca = private_ca
        self._dynamodb = dynamodb
        self._ca_arn = ca_arn
        self._table = table_name
        self._log = log

    def serial_of(self, certificate_arn: str) -> str | None:
        """The serial number of a certificate that was issued but not recorded; ``None``: it was not issued.

        Raises:
            CertificateNotReady: the CA is still at it; it will be known soon.
        """
        if len(certificate_arn) > _ARN_MAX or not certificate_arn.startswith(f"{self._ca_arn}/certificate/"):
            return None
        pem = self._certificate(certificate_arn)
        try:
            return None if pem is None else load_leaf(pem).serial
        except CertificateMismatch:
            return None

    def _certificate(self, certificate_arn: str) -> str | None:
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

    def _is_anothers(self, host_id: str, serial: str) -> bool:
        """Whether the CA issued this certificate to somebody else.

        Whoever may write an item must not be able to have any certificate of the CA revoked; where the CA is shared,
        that of a subordinate CA is among them. "The ARN contains the certificate serial number":
        https://docs.aws.amazon.com/privateca/latest/APIReference/API_GetCertificate.html
        Where nothing is found under it, RevokeCertificate knows best.
        """
        number = int(serial.replace(":", ""), 16)
        # It is not said whether the ARN has the serial's leading zeros.
        written = dict.fromkeys((f"{number:032x}", f"{number:x}"))
        found = (self._certificate(f"{self._ca_arn}/certificate/{digits}") for digits in written)
        pem = next((each for each in found if each is not None), None)
        if pem is None:
            return False
        try:
            leaf = load_leaf(pem)
        except CertificateMismatch:
            return True  # what was issued for a host has been read before
        return leaf.common_name != host_id or leaf.is_ca

    def finish(self, host_id: str, serials: Iterable[str], reason: str) -> int:
        """Revoke what an item is waiting for, one by one, and note each.

        A certificate of our CA that was not issued to this host is not revoked, and not waited for any more.

        Returns:
            How many were revoked, or had been before.

        Raises:
            PcaAutomatorError: AWS Private CA did not take one; it stays in the item.
        """
        count = 0
        for serial in serials:
            count += self.revoke(host_id, serial, reason) != "ANOTHERS"
            self._done(host_id, serial)
        return count

    def revoke(self, host_id: str, serial: str, reason: str) -> Revoked:
        """Revoke one certificate that is this host's; the item is left as it is.

        Args:
            host_id: the host whose certificate it must be.
            serial: hexadecimal, with or without colons.
            reason: one of :data:`~pca_runtime.revocation.reasons.REASONS`.

        Raises:
            PcaAutomatorError: AWS Private CA did not take it.
        """
        if self._is_anothers(host_id, serial):
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

    def _done(self, host_id: str, serial: str) -> None:
        e = Expressions()
        update = f"DELETE {e.path(TO_REVOKE)} {e.value({serial})}"
        with translated("UpdateItem"):
            try:
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key={"hostID": to_value(host_id)},
                    UpdateExpression=update,
                    # Without it, an item that was removed meanwhile would come back as an empty one.
                    ConditionExpression=e.exists("hostID"),
                    **e.arguments(),
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
