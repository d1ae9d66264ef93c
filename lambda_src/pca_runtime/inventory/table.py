"""The inventory table as a lease: claim, remember the steps, record the end. Every write is conditional.

No write touches what a user wrote, and serial and expiry of the live certificate change in one place only:
:meth:`Inventory.record_deployed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from pca_runtime.inventory.failed import record_failed
from pca_runtime.inventory.gate import Gate
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.item_updates import ConditionError, ItemUpdates
from pca_runtime.inventory.lease import Claim, InstalledCertificate, IssuedBefore, IssuedCertificate, Lease
from pca_runtime.inventory.lease_conditions import IN_FLIGHT, held, lease_lost, not_in_inventory
from pca_runtime.inventory.retired import REVOCATION_ORDER, order_is_written, record_retired
from pca_runtime.inventory.waiting import begin_afresh, install_again, install_issued, let_go
from pca_runtime.shared.clients import DynamoDb
from pca_runtime.shared.expressions import Expressions
from pca_runtime.shared.timestamps import format_time

__all__ = ["Inventory"]


class Inventory:
    """The table.

    Args:
        dynamodb: a DynamoDB client.
        table_name: the inventory table.
        gate: reads what it holds. Default: one with the real clock and the limits of any deployment.
    """

    def __init__(self, dynamodb: DynamoDb, table_name: str, gate: Gate | None = None) -> None:
        self._items = ItemUpdates(dynamodb, table_name, gate or Gate())

    def get(self, host_id: str) -> HostItem | None:
        """The item now, strongly consistent."""
        return self._items.get(host_id)

    def held(self, host_id: str, run_id: str) -> HostItem:
        """The item, if this run holds its lease.

        Raises:
            HostNotInInventory: there is no such item.
            LeaseLost: another run, or nobody, holds it.
        """
        item = self.get(host_id)
        if item is None:
            raise not_in_inventory(host_id)
        if not item.holds_lease(run_id) or item.pending is None:
            raise lease_lost(host_id, run_id)
        return item

    def claim(self, lease: Lease, now: datetime, duration: timedelta, listed_at: datetime | None = None) -> Claim:
        """Take the host for this run, or resume what this run began.

        Args:
            lease: who claims.
            now: the injected clock's time.
            duration: how long nobody else may claim.
            listed_at: when the run chose its hosts; a host that any run finished later is left alone, so that
                overlapping runs do not renew it twice.

        Raises:
            HostNotInInventory: there is no such item.
        """
        until = format_time(now + duration)
        mine = {
            "status": "RENEWING",
            "runId": lease.run_id,
            "leaseUntil": until,
            "pending": {"requestId": lease.request_id},
        }

        def request(e: Expressions, seen: HostItem | None) -> tuple[str, list[str]]:
            if seen is not None:
                return e.set(mine), []
            expired = e.absent_or("leaseUntil", "<=", format_time(now))
            free = f"({e.compare('runId', '<>', lease.run_id)} AND {expired})"
            conditions = [
                e.exists("hostID"),
                e.absent_or("status", "<>", "RETIRED"),
                e.absent_or("lastRunId", "<>", lease.run_id),
                f"({e.absent('runId')} OR {free})",
            ]
            if listed_at is not None:
                conditions.append(e.absent_or("lastAttempt", "<=", format_time(listed_at)))
            return e.set(mine), conditions

        def permits(item: HostItem) -> bool:
            done = listed_at is not None and item.last_attempt is not None and item.last_attempt > listed_at
            taken = item.pending is not None if item.run_id == lease.run_id else item.is_busy(now)
            return not (done or taken or item.status == "RETIRED" or item.last_run_id == lease.run_id)

        try:
            return Claim("CLAIMED", self._items.update_judged(lease.host_id, request, permits))
        except ConditionError as failed:
            return self._why_not_claimed(lease, failed.item, until)

    def _why_not_claimed(self, lease: Lease, item: HostItem | None, until: str) -> Claim:
        if item is None:
            raise not_in_inventory(lease.host_id)
        if item.status == "RETIRED":
            return Claim("RETIRED", item)
        if item.run_id == lease.run_id and item.pending is not None:
            return Claim("CLAIMED", self._held_update_or_lost(lease, {"leaseUntil": until}))
        if item.run_id is not None and item.last_run_id != lease.run_id:
            return Claim("BUSY", item)
        return Claim("ALREADY_DONE", item)

    def let_go(self, lease: Lease) -> None:
        """Give a claim back from which nothing has come: anybody may claim the host."""
        let_go(self._items, lease)

    def store_csr_command(self, lease: Lease, command_id: str, key_algorithm: str) -> str:
        """Remember the CSR command; of two invocations that sent one each, the first to write wins.

        Args:
            lease: who writes.
            command_id: of the command.
            key_algorithm: of the key that the host is to make.

        Returns:
            The command id to follow.
        """
        try:
            values = {"pending.csrCommandId": command_id, "pending.keyAlgorithm": key_algorithm}
            self._held_update(lease, values, absent=("pending.csrCommandId",))
        except ConditionError as failed:
            stored = self._still_held(lease, failed.item).pending
            if stored is None or stored.csr_command_id is None:
                raise lease_lost(lease.host_id, lease.run_id) from None
            return stored.csr_command_id
        return command_id

    def install_issued(self, lease: Lease, before: IssuedBefore) -> None:
        """Go on with a certificate that an earlier run had issued. See :mod:`pca_runtime.inventory.waiting`."""
        install_issued(self._items, lease, before)

    def begin_afresh(self, lease: Lease) -> None:
        """Forget such a certificate: the host is to make a new key. See :mod:`pca_runtime.inventory.waiting`."""
        begin_afresh(self._items, lease)

    def store_request(self, lease: Lease, public_key_sha256: str, task_token: str) -> HostItem:
        """Remember whose key is to be certified and who waits for it, *before* anything is issued.

        Returns:
            The item after the write: it shows how far an earlier attempt, or CertDeploy, has come.
        """
        values = {"pending.publicKeySha256": public_key_sha256, "pending.taskToken": task_token}
        return self._held_update_or_lost(lease, values)

    def store_certificate_arn(self, lease: Lease, certificate_arn: str) -> None:
        """Remember what was issued; if the issuance event was faster, what it stored stays."""
        try:
            self._held_update(lease, {"pending.certificateArn": certificate_arn}, absent=("pending.certificateArn",))
        except ConditionError as failed:
            self._still_held(lease, failed.item)

    def claim_install(
        self, lease: Lease, certificate: IssuedCertificate, now: datetime, duration: timedelta
    ) -> tuple[bool, HostItem]:
        """Remember the certificate and take the right to send the one install command.

        Returns:
            Whether this invocation may send, and the item; when not, another one has sent or is sending.
        """
        e = Expressions()
        conditions = [
            e.compare("pending.publicKeySha256", "=", certificate.public_key_sha256),
            e.absent("pending.installCommandId"),
            e.absent_or("pending.installClaimUntil", "<=", format_time(now)),
        ]
        values = {
            "pending.certificateArn": certificate.certificate_arn,
            "pending.serial": certificate.serial,
            "pending.expiry": certificate.expiry,
            "pending.renewalDate": certificate.renewal_date,
            "pending.installClaimUntil": format_time(now + duration),
            "pending.used": certificate.used,
        }
        try:
            return True, self._held_update(lease, values, expressions=e, extra=conditions)
        except ConditionError as failed:
            return False, self._still_held(lease, failed.item)

    def release_install(self, lease: Lease) -> None:
        """Give the right to send back after a SendCommand that failed, so that a retry need not wait."""
        e = Expressions()
        update = e.remove("pending.installClaimUntil").strip()
        try:
            self._items.update(lease.host_id, e, update, [*held(e, lease), e.absent("pending.installCommandId")])
        except ConditionError:
            return

    def install_again(self, lease: Lease, until: datetime) -> int:
        """Forget the install command, so that the same certificate is sent once more; returns how often that was done.

        Args:
            lease: who holds the host.
            until: how long nobody else may claim it.

        Raises:
            LeaseLost: the host is no longer this run's.
        """
        return install_again(self._items, lease, until)

    def store_install_command(self, lease: Lease, command_id: str) -> HostItem:
        """Remember the install command.

        Returns:
            The item after the write, with the newest task token.
        """
        return self._held_update_or_lost(lease, {"pending.installCommandId": command_id})

    def record_deployed(self, lease: Lease, installed: InstalledCertificate, now: datetime) -> HostItem:
        """The renewal has ended well: one write makes the pending certificate the live one.

        Returns:
            The item after the write, or as it is when this run had recorded it before.

        Raises:
            LeaseLost: the host is no longer this run's.
        """
        e = Expressions()
        values: dict[str, object] = {
            "status": "DEPLOYED",
            "serial": installed.serial,
            "expiry": installed.expiry,
            "renewalDate": installed.renewal_date,
            "certificateArn": installed.certificate_arn,
            "validated": installed.validated,
            "lastRunId": lease.run_id,
            "lastAttempt": format_time(now),
        }
        if installed.validated:
            # Stays when a later one is not proven: that a host has lost its proof would not be seen otherwise.
            values["provenAt"] = format_time(now)
        if installed.notices:
            values["notices"] = dict(installed.notices)
        if installed.previous_serial is not None:
            values["previousSerial"] = installed.previous_serial
        if installed.revocation_reason is not None:
            # With the record or not at all: a crash before the ledger has the orders must not lose them.
            values |= dict.fromkeys(("revocationReason", REVOCATION_ORDER), installed.revocation_reason)
        gone = [*IN_FLIGHT, "lastError", "failureCount", *(() if installed.notices else ("notices",))]
        update = e.set(values) + e.remove(*gone)
        try:
            return self._items.update(lease.host_id, e, update, held(e, lease))
        except ConditionError as failed:
            if failed.item and failed.item.last_run_id == lease.run_id and failed.item.status == "DEPLOYED":
                return failed.item
            raise lease_lost(lease.host_id, lease.run_id) from None

    def record_failed(
        self,
        host_id: str,
        run_id: str,
        last_error: Mapping[str, str],
        now: datetime,
        listed_at: datetime | None = None,
    ) -> tuple[bool, HostItem | None]:
        """The renewal has failed: say why and let the host go. See :mod:`pca_runtime.inventory.failed`."""
        return record_failed(self._items, host_id, run_id, last_error, now, listed_at)

    def record_retired(self, host_id: str, reason: str, now: datetime, *, revoke: bool) -> HostItem | None:
        """The host leaves: nothing that a renewal does later is recorded. See :mod:`pca_runtime.inventory.retired`."""
        return record_retired(self._items, host_id, reason, now, revoke=revoke)

    def order_is_written(self, item: HostItem) -> None:
        """Every certificate that the item's order of revocation is about has it in the ledger."""
        order_is_written(self._items, item)

    def _held_update_or_lost(self, lease: Lease, values: Mapping[str, object]) -> HostItem:
        try:
            return self._held_update(lease, values)
        except ConditionError:
            raise lease_lost(lease.host_id, lease.run_id) from None

    def _held_update(
        self,
        lease: Lease,
        values: Mapping[str, object],
        *,
        absent: tuple[str, ...] = (),
        expressions: Expressions | None = None,
        extra: list[str] | None = None,
    ) -> HostItem:
        e = expressions or Expressions()
        conditions = [*held(e, lease), *(e.absent(path) for path in absent), *(extra or [])]
        return self._items.update(lease.host_id, e, e.set(values), conditions)

    def _still_held(self, lease: Lease, item: HostItem | None) -> HostItem:
        if item is None or not item.holds_lease(lease.run_id):
            raise lease_lost(lease.host_id, lease.run_id) from None
        if item.pending is None or item.pending.request_id != lease.request_id:
            raise lease_lost(lease.host_id, lease.run_id) from None
        return item
