"""CertDeployStatus: once the host has put the certificate in service, it is the live one in the table."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from pca_runtime.authority.certificates import same_serial
from pca_runtime.errors.kinds import InstallFailed, LeaseLost, PcaAutomatorError, Throttled
from pca_runtime.hosts.commands import HostCommands
from pca_runtime.hosts.notices import notices_of
from pca_runtime.inventory.item import HostItem, Pending
from pca_runtime.inventory.lease import InstalledCertificate, Lease
from pca_runtime.inventory.ledger import CertificateLedger
from pca_runtime.inventory.table import Inventory
from pca_runtime.renewal.install_again import InstallAgain
from pca_runtime.reporting.events import HOST_RENEWED, Events, renewed_detail
from pca_runtime.revocation.orders import Orders
from pca_runtime.revocation.reasons import reason_of
from pca_runtime.shared.log import Log
from pca_runtime.shared.timestamps import Clock, format_time

__all__ = ["DeploymentStatus"]

_SERIAL = re.compile(r"[0-9a-f]{1,40}")
_SECONDS = re.compile(r"-?[0-9]{1,11}")
# Seconds by which a host's clock may differ from the time at which its command was sent. Ahead, the command's way is
# part of it; AWS refuses signatures that are five minutes off.
_MOST_BEHIND = 60
_MOST_AHEAD = 300


class DeploymentStatus:
    """Polls the install command and records its success.

    Args:
        inventory: the table.
        ledger: of certificates.
        commands: Run Command.
        orders: has replaced certificates revoked.
        events: where the renewal is told of.
        again: sends a certificate again whose proof was throttled.
        clock: the current time.
        log: where a wrong clock of the host is told of, and a revocation that waits.
    """

    def __init__(
        self,
        inventory: Inventory,
        ledger: CertificateLedger,
        commands: HostCommands,
        orders: Orders,
        events: Events,
        again: InstallAgain,
        clock: Clock,
        log: Log,
    ) -> None:
        self._inventory = inventory
        self._commands = commands
        self._ledger = ledger
        self._orders = orders
        self._events = events
        self._again = again
        self._clock = clock
        self._log = log

    def poll(
        self, host_id: str, run_id: str, command_id: str, attempt: int, *, revocation_reason: str | None = None
    ) -> dict[str, Any]:
        """Ask once; on success record, in one write and once, and revoke what was replaced if that is asked for.

        Args:
            host_id: the host.
            run_id: of the run that renews it.
            command_id: of the install command.
            attempt: how often it was asked for before.
            revocation_reason: why the replaced certificate is revoked; ``None``: it is not.

        Returns:
            ``{"state": "PENDING"|"DEPLOYED", "attempt", "commandId"}``, or ``{"state": "AGAIN", "startAt"}`` where
            the proof was throttled: the certificate is to be sent once more, then.

        Raises:
            InstallFailed: the host kept its old pair, with the host's own code and words.
            HostUnreachable: the command never reached the host.
            LeaseLost: the host is no longer this run's.
        """
        lease = Lease(host_id, run_id)
        answer = {"state": "PENDING", "attempt": attempt + 1, "commandId": command_id}
        try:
            invocation = self._commands.poll(command_id, host_id, InstallFailed)
        except Throttled:
            self._again.throttled()
            return answer
        except InstallFailed as failure:
            return {**answer, "state": "AGAIN", "startAt": format_time(self._start_again(lease, failure))}
        if not invocation.finished:
            return answer
        result = invocation.result
        if result.get("requestId") != lease.request_id:
            raise InstallFailed(f"{host_id} answered another request than this run's", code="HOST_RESULT_FOREIGN")
        if result.get("throttled", "").strip("0"):
            # The proof went well in the end; but who comes next should not have to wait like this.
            self._again.throttled()
        self._report_clock(host_id, result.get("clockDifference", ""))
        notices = notices_of(result)
        if notices:
            self._log.warning("the host has to be looked at", host_id=host_id, notices=notices)
        item = self._inventory.get(host_id)
        if item and item.last_run_id == run_id and item.status == "DEPLOYED":
            # Recorded by an invocation whose answer was lost, and its event perhaps with it.
            self._events.publish(HOST_RENEWED, renewed_detail(item))
            self._ledger.live(host_id, lease.request_id)
            self._revoke(item, None)
            return {**answer, "state": "DEPLOYED"}
        if item is None or not item.holds_lease(run_id):
            raise LeaseLost(f"run {run_id} no longer holds the renewal of {host_id}", code="LEASE_LOST")
        installed = _installed(item, result.get("validated") == "true", result.get("previous", ""))
        if not same_serial(result.get("serial", ""), installed.serial):
            raise InstallFailed(f"{host_id} reports another serial than was issued", code="HOST_RESULT_FOREIGN")
        installed = replace(installed, revocation_reason=revocation_reason, notices=notices)
        recorded = self._inventory.record_deployed(lease, installed, self._clock())
        self._ledger.live(host_id, lease.request_id)
        self._events.publish(HOST_RENEWED, renewed_detail(recorded))
        self._revoke(recorded, item)
        return {**answer, "state": "DEPLOYED"}

    def _revoke(self, item: HostItem, before: HostItem | None) -> None:
        """The renewal is done and recorded, so it does not fail for this; CertRetire's reconciliation tries again.

        Args:
            item: as recorded.
            before: as it was before.
        """
        if item.revocation_order is None:
            return
        try:
            ordered = self._orders.replaced(item, reason_of(item), before)
            self._inventory.order_is_written(item)
            self._orders.carry_out(ordered)
        except PcaAutomatorError as error:
            self._log.warning("not revoked yet", host_id=item.host_id, code=error.code, reason=error.message)

    def _start_again(self, lease: Lease, failure: InstallFailed) -> datetime:
        """When the certificate is sent once more; any other failure goes on, and the certificate is of no use."""
        try:
            return self._again.start(lease.host_id, lease.run_id, failure)
        except InstallFailed:
            self._ledger.not_installed(lease.host_id, lease.request_id, failure.code)
            raise

    def _report_clock(self, host_id: str, difference: str) -> None:
        """A host whose clock is off still has its certificate; soon it will not be able to use it."""
        if _SECONDS.fullmatch(difference) and not -_MOST_BEHIND <= int(difference) <= _MOST_AHEAD:
            self._log.warning("the clock of the host is wrong", host_id=host_id, seconds_ahead=int(difference))


def _installed(item: HostItem, validated: bool, previous: str) -> InstalledCertificate:
    """The pending certificate as the live one. What it replaced, the host knows better than the table."""
    pending = item.pending or Pending("")
    if not (pending.serial and pending.expiry and pending.renewal_date and pending.certificate_arn):
        raise InstallFailed(f"nothing was to be installed on {item.host_id}", code="NOTHING_ISSUED")
    before = previous if _SERIAL.fullmatch(previous) else item.serial
    replaced = before if before is not None and not same_serial(before, pending.serial) else None
    return InstalledCertificate(
        certificate_arn=pending.certificate_arn,
        serial=pending.serial,
        expiry=pending.expiry,
        renewal_date=pending.renewal_date,
        validated=validated,
        previous_serial=replaced,
    )
