"""CertIssue: the verified CSR goes to AWS Private CA, once for each request."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pca_runtime.authority.csr import VerifiedCsr, verify_csr
from pca_runtime.authority.profiles import CertificateRequest
from pca_runtime.errors.kinds import CsrRejected
from pca_runtime.errors.of_aws import translated
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.lease import Lease
from pca_runtime.inventory.ledger import CertificateLedger, Entry
from pca_runtime.inventory.table import Inventory
from pca_runtime.renewal.budget import check_budget
from pca_runtime.renewal.settings import CertIssueSettings
from pca_runtime.renewal.task_callbacks import TaskCallbacks
from pca_runtime.shared.clients import PrivateCa
from pca_runtime.shared.timestamps import Clock, format_time

__all__ = ["Issuance"]


class Issuance:
    """Requests the certificate.

    Args:
        settings: the function's environment.
        inventory: the table.
        ledger: of certificates; it knows of each request before the CA does.
        private_ca: an AWS Private CA client.
        callbacks: completes the task when an earlier attempt has come further than this one knows.
        clock: the current time.
    """

    def __init__(
        self,
        settings: CertIssueSettings,
        inventory: Inventory,
        ledger: CertificateLedger,
        private_ca: PrivateCa,
        callbacks: TaskCallbacks,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._inventory = inventory
        self._ledger = ledger
        self._private_ca = private_ca
        self._callbacks = callbacks
        self._clock = clock

    def request(self, host_id: str, run_id: str, csr: str, task_token: str, *, by_hand: bool = False) -> bool:
        """Verify, remember token and key, *then* issue: the issuance event may come before this returns.

        Args:
            host_id: the host.
            run_id: of the run that renews it.
            csr: what the host made.
            task_token: of the task that waits.
            by_hand: a person has forced the run, so that the budget of the host does not hold.

        Returns:
            Whether IssueCertificate was called.

        Raises:
            CsrRejected: the CSR is not one that this host may ask with.
            InvalidInventoryItem: its item asks for what no declared profile allows.
            LeaseLost: the host is no longer this run's.
            IssuanceBudgetExceeded: the host had as many certificates within a day as it gets.
            IssuanceFailed: the CA refused.
        """
        lease = Lease(host_id, run_id)
        item = self._inventory.held(host_id, run_id)
        wanted = self._with_the_key(self._settings.request_for(host_id, item.overrides()), item)
        verified = verify_csr(csr, host_id=host_id, key_algorithm=wanted.key_algorithm)
        known = item.pending.public_key_sha256 if item.pending else None
        if known not in (None, verified.public_key_sha256):
            raise CsrRejected(f"the key of {host_id} changed within one request", code="CSR_KEY_CHANGED")
        entries = self._ledger.of_host(host_id)
        self._refuse_former_key(lease, entries, verified)
        if not by_hand:
            self._within_budget(item, lease, entries)
        entry, wanted = self._intended(lease, wanted, verified)
        pending = self._inventory.store_request(lease, verified.public_key_sha256, task_token).pending
        if pending and pending.install_command_id:
            self._callbacks.installing(task_token, pending.install_command_id)
            return False
        if pending and pending.certificate_arn:
            return False
        certificate_arn = self._issue(lease, wanted, verified)
        self._ledger.issued(entry, certificate_arn)
        self._inventory.store_certificate_arn(lease, certificate_arn)
        return True

    def _with_the_key(self, wanted: CertificateRequest, item: HostItem) -> CertificateRequest:
        """The host has made its key already, if that is allowed; who asks for another by now gets it next time."""
        made = item.pending.key_algorithm if item.pending else None
        if made is None or not wanted.profile.allows_key(made):
            return wanted
        return replace(wanted, key_algorithm=made)

    def _intended(self, lease: Lease, wanted: CertificateRequest, csr: VerifiedCsr) -> tuple[Entry, CertificateRequest]:
        """The entry of this request. An earlier attempt may have asked already, and the CA takes no second wording."""
        validity = timedelta(days=wanted.validity_days)
        key = csr.public_key_sha256
        _, entry = self._ledger.intend(lease.host_id, lease.run_id, lease.request_id, key, validity, wanted.as_text())
        if entry.public_key_sha256 != key:
            raise CsrRejected(f"the key of {lease.host_id} changed within one request", code="CSR_KEY_CHANGED")
        return entry, CertificateRequest.of_text(lease.host_id, entry.asked) if entry.asked else wanted

    def _refuse_former_key(self, lease: Lease, entries: list[Entry], csr: VerifiedCsr) -> None:
        """A renewal that is to end what somebody may do with a key must not certify that key once more."""
        same = (each for each in entries if each.public_key_sha256 == csr.public_key_sha256)
        former = next((each for each in same if each.certificate_request != lease.request_id), None)
        if former is not None:
            asked = format_time(former.requested_at)
            raise CsrRejected(
                f"{lease.host_id} asks with the key of its request of {asked}: each certificate needs a key of its own",
                code="CSR_KEY_REUSED",
            )

    def _within_budget(self, item: HostItem, lease: Lease, entries: list[Entry]) -> None:
        if not any(entry.request_id == lease.request_id for entry in entries):
            check_budget(item.host_id, entries, self._settings.issuance_budget, item.failure_count, self._clock())

    def _issue(self, lease: Lease, wanted: CertificateRequest, csr: VerifiedCsr) -> str:
        """One certificate for each request: the CA honours the token for five minutes, longer than retries.

        https://docs.aws.amazon.com/privateca/latest/APIReference/API_IssueCertificate.html
        """
        with translated("IssueCertificate"):
            answer = self._private_ca.issue_certificate(
                CertificateAuthorityArn=self._settings.ca_arn,
                Csr=csr.pem,
                SigningAlgorithm=self._settings.signing_algorithm,
                TemplateArn=self._settings.template_arn(wanted.template),
                Validity={"Type": "DAYS", "Value": wanted.validity_days},
                ApiPassthrough=wanted.api_passthrough(),
                IdempotencyToken=lease.request_id,
            )
        return str(answer["CertificateArn"])
