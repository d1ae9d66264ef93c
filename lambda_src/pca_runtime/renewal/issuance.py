"""CertIssue: the verified CSR goes to AWS Private CA, once for each request."""

from __future__ import annotations

from typing import Any

from pca_runtime.authority.csr import VerifiedCsr, verify_csr
from pca_runtime.errors.kinds import CsrRejected
from pca_runtime.errors.of_aws import translated
from pca_runtime.inventory.item import Overrides
from pca_runtime.inventory.lease import Lease
from pca_runtime.inventory.table import Inventory
from pca_runtime.renewal.settings import CertIssueSettings
from pca_runtime.renewal.task_callbacks import TaskCallbacks
from pca_runtime.shared.clients import PrivateCa

__all__ = ["Issuance", "api_passthrough"]


def api_passthrough(host_id: str, overrides: Overrides) -> dict[str, Any]:
    """Subject and names come from the inventory; the template takes these before anything in the CSR.

    https://docs.aws.amazon.com/privateca/latest/userguide/template-order-of-operations.html
    """
    passthrough: dict[str, Any] = {"Subject": {"CommonName": host_id}}
    if overrides.dns_names:
        names = [{"DnsName": name} for name in overrides.dns_names]
        passthrough["Extensions"] = {"SubjectAlternativeNames": names}
    return passthrough


class Issuance:
    """Requests the certificate.

    Args:
        settings: the function's environment.
        inventory: the table.
        private_ca: an AWS Private CA client.
        callbacks: completes the task when an earlier attempt has come further than this one knows.
    """

    def __init__(
        self,
        settings: CertIssueSettings,
        inventory: Inventory,
        private_ca: PrivateCa,
        callbacks: TaskCallbacks,
    ) -> None:
        self._settings = settings
        self._inventory = inventory
        self._private_ca = private_ca
        self._callbacks = callbacks

    def request(self, host_id: str, run_id: str, csr: str, task_token: str) -> bool:
        """Verify, remember token and key, *then* issue: the issuance event may come before this returns.

        Returns:
            Whether IssueCertificate was called.

        Raises:
            CsrRejected: the CSR is not one that this host may ask with.
            LeaseLost: the host is no longer this run's.
            IssuanceFailed: the CA refused.
        """
        lease = Lease(host_id, run_id)
        item = self._inventory.held(host_id, run_id)
        overrides = item.overrides()
        expected = overrides.key_algorithm or self._settings.key_algorithm
        verified = verify_csr(csr, host_id=host_id, key_algorithm=expected)
        known = item.pending.public_key_sha256 if item.pending else None
        if known not in (None, verified.public_key_sha256):
            raise CsrRejected(f"the key of {host_id} changed within one request", code="CSR_KEY_CHANGED")
        pending = self._inventory.store_request(lease, verified.public_key_sha256, task_token).pending
        if pending and pending.install_command_id:
            self._callbacks.installing(task_token, pending.install_command_id)
            return False
        if pending and pending.certificate_arn:
            return False
        certificate_arn = self._issue(lease, overrides, verified)
        self._inventory.store_certificate_arn(lease, certificate_arn)
        return True

    def _issue(self, lease: Lease, overrides: Overrides, csr: VerifiedCsr) -> str:
        """One certificate for each request: the CA honours the token for five minutes, longer than retries.

        https://docs.aws.amazon.com/privateca/latest/APIReference/API_IssueCertificate.html
        """
        with translated("IssueCertificate"):
            answer = self._private_ca.issue_certificate(
                CertificateAuthorityArn=self._settings.ca_arn,
                Csr=csr.pem,
                SigningAlgorithm=self._settings.signing_algorithm,
                TemplateArn=self._settings.template_arn,
                Validity={"Type": "DAYS", "Value": self._settings.validity_days},
                ApiPassthrough=api_passthrough(lease.host_id, overrides),
                IdempotencyToken=lease.request_id,
            )
        return str(answer["CertificateArn"])
