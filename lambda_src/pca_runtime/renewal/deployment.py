"""CertDeploy: the certificate that was issued goes to the one host that asked for it, in one command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pca_runtime.authority.certificates import load_leaf, one_line
from pca_runtime.authority.leaf import Leaf
from pca_runtime.authority.profiles import CertificateRequest
from pca_runtime.errors.kinds import (
    CertificateMismatch,
    CertificateNotReady,
    InvalidInventoryItem,
    IssuanceFailed,
    LeaseLost,
    PcaAutomatorError,
    PermanentError,
)
from pca_runtime.errors.of_aws import translated
from pca_runtime.hosts.commands import HostCommands, Order
from pca_runtime.inventory.due import RenewalPolicy
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.lease import IssuedCertificate, Lease
from pca_runtime.inventory.ledger import CertificateLedger, Entry
from pca_runtime.inventory.table import Inventory
from pca_runtime.renewal.settings import CertDeploySettings
from pca_runtime.renewal.task_callbacks import TaskCallbacks, installing_output
from pca_runtime.revocation.reasons import UNSPECIFIED
from pca_runtime.shared.clients import PrivateCa
from pca_runtime.shared.identifiers import is_host_id
from pca_runtime.shared.timestamps import Clock, format_time

__all__ = ["DETAIL_TYPE", "Deployment"]

DETAIL_TYPE = "ACM Private CA Certificate Issuance"

# Longer than the function's timeout of 60 s: an invocation that still runs is never overtaken. Shorter
# than the issuance timeout of 120 s: after a crash the workflow's own call finds the claim expired.
_INSTALL_CLAIM = timedelta(seconds=90)
_IN_PROGRESS = "INSTALL_IN_PROGRESS"


@dataclass(frozen=True)
class _Issued:
    arn: str
    pem: str
    chain: str
    leaf: Leaf


class Deployment:
    """Installs certificates.

    Args:
        settings: the function's environment.
        inventory: the table.
        ledger: of certificates.
        private_ca: an AWS Private CA client.
        commands: Run Command.
        callbacks: completes the task that CertIssue waits in.
        clock: the current time.
    """

    def __init__(
        self,
        settings: CertDeploySettings,
        inventory: Inventory,
        ledger: CertificateLedger,
        private_ca: PrivateCa,
        commands: HostCommands,
        callbacks: TaskCallbacks,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._inventory = inventory
        self._ledger = ledger
        self._private_ca = private_ca
        self._commands = commands
        self._callbacks = callbacks
        self._clock = clock
        self._policy = RenewalPolicy(
            timedelta(seconds=settings.renewal_threshold_seconds),
            timedelta(seconds=settings.renewal_jitter_seconds),
        )

    def on_event(self, event: dict[str, Any]) -> dict[str, Any]:
        """Answer AWS Private CA's issuance event, which may come twice, late, early, or for a stranger.

        Returns:
            ``{"state": "SENT", "installCommandId"}``, ``{"state": "FAILED", "code"}`` when the task was told
            to fail, or ``{"state": "IGNORED", "reason"}``.

        Raises:
            RetryableError: Lambda delivers the event again.
        """
        certificate_arn = self._ours(event)
        if certificate_arn is None:
            return _ignored("NOT_OUR_EVENT")
        try:
            issued = self._fetch(certificate_arn)
        except CertificateMismatch:
            return _ignored("UNREADABLE")
        # Whatever becomes of it: from here on it is known.
        noticed = self._ledger.notice(issued.leaf, certificate_arn)
        item, reason = self._addressee(issued)
        if item is None:
            return _ignored(reason)
        lease = Lease(item.host_id, str(item.run_id))
        try:
            return {"state": "SENT", "installCommandId": self._install(lease, item, issued, noticed)}
        except CertificateNotReady as busy:
            if busy.code != _IN_PROGRESS:
                raise
            # If the other one crashes, Lambda delivers *its* event again.
            return _ignored("IN_PROGRESS")
        except LeaseLost:
            return _ignored("LEASE_LOST")
        except CertificateMismatch as failure:
            if noticed is not None:
                self._ledger.order(noticed, UNSPECIFIED, fate="REFUSED")
            return self._fail_task(lease, failure)
        except PermanentError as failure:
            return self._fail_task(lease, failure)

    def on_request(self, host_id: str, run_id: str) -> dict[str, Any]:
        """Do without the event: the workflow calls when it has waited long enough.

        Returns:
            The output that the task would have had.

        Raises:
            LeaseLost: the host is no longer this run's.
            IssuanceFailed: nothing was issued for this request.
            CertificateNotReady: the CA, or another invocation, is still at it.
        """
        lease = Lease(host_id, run_id)
        item = self._inventory.held(host_id, run_id)
        pending = item.pending
        if pending and pending.install_command_id:
            return installing_output(pending.install_command_id)
        if pending is None or pending.certificate_arn is None:
            raise IssuanceFailed(f"no certificate was issued for {host_id}", code="NOTHING_ISSUED")
        if pending.key_of is not None:
            self._ledger.sent_again(host_id, pending.key_of)
        try:
            return installing_output(self._send_pending(lease, item, pending.certificate_arn))
        except LeaseLost:
            raise
        except PermanentError as failure:
            self._ledger.not_installed(host_id, pending.host_request, failure.code)
            raise

    def _send_pending(self, lease: Lease, item: HostItem, certificate_arn: str) -> str:
        issued = self._fetch(certificate_arn)
        noticed = self._ledger.notice(issued.leaf, issued.arn)
        try:
            return self._install(lease, item, issued, noticed, complete_task=False)
        except CertificateMismatch:
            if noticed is not None:
                self._ledger.order(noticed, UNSPECIFIED, fate="REFUSED")
            raise

    def _ours(self, event: dict[str, Any]) -> str | None:
        """The certificate's ARN, if the event is a success of our CA; the rule filters the same."""
        resources = event.get("resources")
        if event.get("detail-type") != DETAIL_TYPE or event.get("source") != "aws.acm-pca":
            return None
        if (event.get("detail") or {}).get("result") != "success" or not isinstance(resources, list):
            return None
        prefix = f"{self._settings.ca_arn}/certificate/"
        return next((arn for arn in resources if isinstance(arn, str) and arn.startswith(prefix)), None)

    def _fetch(self, certificate_arn: str) -> _Issued:
        with translated("GetCertificate"):
            answer = self._private_ca.get_certificate(
                CertificateAuthorityArn=self._settings.ca_arn, CertificateArn=certificate_arn
            )
        pem = str(answer["Certificate"])
        return _Issued(certificate_arn, pem, str(answer.get("CertificateChain", "")), load_leaf(pem))

    def _addressee(self, issued: _Issued) -> tuple[HostItem | None, str]:
        """Whose pending request does this answer? The key decides, not the name."""
        host_id = issued.leaf.common_name
        if host_id is None or not is_host_id(host_id):
            return None, "NOT_A_HOST"
        item = self._inventory.get(host_id)
        if item is None:
            return None, "NOT_IN_INVENTORY"
        pending = item.pending
        if pending is None or item.run_id is None or not item.holds_lease(item.run_id):
            return None, "NOT_PENDING"
        if pending.public_key_sha256 != issued.leaf.public_key_sha256:
            return None, "ANOTHER_KEY"
        if pending.certificate_arn is None:
            # Whether it is ours is known when CertIssue has written down what IssueCertificate returned, a moment
            # after. Lambda delivers the event again in a minute; if that is too late, the workflow asks itself.
            raise CertificateNotReady(
                f"what was issued for {host_id} is not written down yet", code="ISSUANCE_NOT_RECORDED"
            )
        if pending.certificate_arn != issued.arn:
            return None, "ANOTHER_CERTIFICATE"
        return item, ""

    def _install(
        self, lease: Lease, item: HostItem, issued: _Issued, noticed: Entry | None, *, complete_task: bool = True
    ) -> str:
        expected_key = item.pending.public_key_sha256 if item.pending else None
        now = self._clock()
        # What was asked for, and not what the item says meanwhile: whoever changed it makes nothing fail.
        asked = noticed.asked if noticed is not None else None
        wanted = (
            CertificateRequest.of_text(lease.host_id, asked)
            if asked is not None
            else self._settings.request_for(lease.host_id, item.overrides())
        )
        # "The ARN contains the certificate serial number", where our own call returned it.
        # https://docs.aws.amazon.com/privateca/latest/APIReference/API_GetCertificate.html
        serial = issued.arn.rpartition("/")[2]
        wanted.check(issued.leaf, expected_key_sha256=str(expected_key), now=now, serial=serial)
        described = self._described(lease, issued, self._used(item, wanted))
        may_send, item = self._inventory.claim_install(lease, described, now, _INSTALL_CLAIM)
        if may_send:
            # The ledger says for which request the host has made the key, and nobody else's word counts.
            request = noticed.certificate_request if noticed is not None else lease.request_id
            item = self._inventory.store_install_command(lease, self._send(lease, item, issued, request))
        pending = item.pending
        if pending is None or pending.install_command_id is None:
            raise CertificateNotReady(f"another invocation is installing on {lease.host_id}", code=_IN_PROGRESS)
        # After the write, with the token of the newest attempt of CertIssue: whichever of the two functions
        # comes second sees the other's write, so the task is completed in every order.
        if complete_task and pending.task_token:
            self._callbacks.installing(pending.task_token, pending.install_command_id)
        return pending.install_command_id

    def _used(self, item: HostItem, asked: CertificateRequest) -> str:
        """The fingerprint of the item, if the certificate is what it asks for by now; else one that none has."""
        try:
            overrides = item.overrides()
            if self._settings.request_for(item.host_id, overrides).as_text() == asked.as_text():
                return overrides.fingerprint()
        except InvalidInventoryItem:
            pass  # said with the next renewal
        return "changed"

    def _described(self, lease: Lease, issued: _Issued, used: str) -> IssuedCertificate:
        expiry = issued.leaf.not_after
        return IssuedCertificate(
            public_key_sha256=issued.leaf.public_key_sha256,
            certificate_arn=issued.arn,
            serial=issued.leaf.serial,
            expiry=format_time(expiry),
            renewal_date=format_time(self._policy.renewal_date(lease.host_id, expiry)),
            used=used,
        )

    def _send(self, lease: Lease, item: HostItem, issued: _Issued, request: str) -> str:
        try:
            return self._commands.send(self._order(lease, item, issued, request))
        except PcaAutomatorError:
            self._inventory.release_install(lease)
            raise

    def _order(self, lease: Lease, item: HostItem, issued: _Issued, request: str) -> Order:
        overrides = item.files()
        settings = self._settings
        return Order(
            document=settings.install_document,
            host_id=lease.host_id,
            purpose=f"install {lease.run_id}",
            delivery_seconds=settings.command_timeout_seconds,
            parameters={
                "hostID": lease.host_id,
                "requestId": request,
                **overrides.directories(settings),
                "signinghelperPath": overrides.signinghelper_path or settings.signinghelper_path,
                "certificate": one_line(issued.pem),
                "chain": one_line(issued.chain),
                "sentAt": str(int(self._clock().timestamp())),
                "fileOwner": overrides.file_owner,
                "fileGroup": overrides.file_group,
                "certMode": overrides.cert_mode,
                "keyMode": overrides.key_mode,
                "bundle": "true" if overrides.bundle else "false",
            },
        )

    def _fail_task(self, lease: Lease, failure: PermanentError) -> dict[str, Any]:
        item = self._inventory.get(lease.host_id)
        if item and item.holds_lease(lease.run_id) and item.pending and item.pending.task_token:
            self._callbacks.failed(item.pending.task_token, failure)
        return {"state": "FAILED", "code": failure.code}


def _ignored(reason: str) -> dict[str, Any]:
    return {"state": "IGNORED", "reason": reason}
