"""CertDeployStatus: once the host has put the certificate in service, it is the live one in the table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pca_runtime.authority.leaf import same_serial
from pca_runtime.errors.kinds import (
    HostUnreachable,
    InstallFailed,
    LeaseLost,
    PcaAutomatorError,
    PermanentError,
    Throttled,
)
from pca_runtime.hosts.commands import HostCommands
from pca_runtime.hosts.notices import notices_of
from pca_runtime.inventory.item import HostItem, Pending
from pca_runtime.inventory.lease import InstalledCertificate, Lease
from pca_runtime.inventory.ledger import CertificateLedger
from pca_runtime.inventory.table import Inventory
from pca_runtime.renewal.install_again import InstallAgain
from pca_runtime.renewal.last_issued import CERTIFICATES_OWN
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
            ``{"state": "PENDING"|"DEPLOYED", "attempt", "commandId"}``; ``{"state": "AGAIN", "startAt"}`` where the
            proof was throttled: the certificate is to be sent once more, then; or ``{"state": "AFRESH"}`` where the
            certificate is an earlier run's, and the host cannot use it any more: it is to make a new key.

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
        except (HostUnreachable, InstallFailed) as failure:
            return {**answer, **self._failed(lease, failure)}
        if not invocation.finished:
            return answer
        result = invocation.result
        item = self._inventory.get(host_id)
        if not _answers(result, item, lease):
            raise InstallFailed(f"{host_id} answered another request than this run's", code="HOST_RESULT_FOREIGN")
        notices = self._noticed(host_id, result)
        if item and _is_recorded(item, run_id):
            # Recorded by an invocation whose answer was lost, and its event perhaps with it.
            self._events.publish(HOST_RENEWED, renewed_detail(item))
            self._ledger.live(host_id, result.get("requestId", ""))
            self._revoke(item, None)
            return {**answer, "state": "DEPLOYED"}
        if item is None or not item.holds_lease(run_id):
            raise LeaseLost(f"run {run_id} no longer holds the renewal of {host_id}", code="LEASE_LOST")
        installed = _installed(item, result.get("validated") == "true", result.get("previous", ""))
        if not same_serial(result.get("serial", ""), installed.serial):
            raise InstallFailed(f"{host_id} reports another serial than was issued", code="HOST_RESULT_FOREIGN")
        installed = replace(installed, revocation_reason=revocation_reason, notices=notices)
        if item.was_changed_meanwhile:
            # The host has what was asked for when this renewal began; what was asked for since then, the next run does.
            self._log.info("changed while it was renewed: due again", host_id=host_id)
            installed = replace(installed, renewal_date=format_time(self._clock()))
        recorded = self._inventory.record_deployed(lease, installed, self._clock())
        self._ledger.live(host_id, item.pending.host_request if item.pending else lease.request_id)
        self._events.publish(HOST_RENEWED, renewed_detail(recorded))
        self._revoke(recorded, item)
        return {**answer, "state": "DEPLOYED"}

    def _noticed(self, host_id: str, result: Mapping[str, str]) -> dict[str, str]:
        """What the host says beside a success, which is told on; the item keeps what a person should look at."""
        if result.get("throttled", "").strip("0"):
            # The proof went well in the end; but who comes next should not have to wait like this.
            self._again.throttled()
        self._report_clock(host_id, result.get("clockDifference", ""))
        notices = notices_of(result)
        if notices:
            self._log.warning("the host has to be looked at", host_id=host_id, notices=notices)
        return notices

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

    def _failed(self, lease: Lease, failure: PermanentError) -> dict[str, Any]:
        """How it goes on within this run; any other failure ends it, and the next run looks at the certificate."""
        try:
            return {
                "state": "AGAIN",
                "startAt": format_time(self._again.start(lease.host_id, lease.run_id, failure)),
            }
        except LeaseLost:
            raise
        except PermanentError:
            item = self._inventory.get(lease.host_id)
            pending = item.pending if item is not None and item.holds_lease(lease.run_id) else None
            if pending is not None and pending.csr_command_id is None and pending.install_command_id is None:
                return {"state": "AFRESH"}  # an earlier attempt has said so, and its answer was lost
            request = pending.host_request if pending is not None else lease.request_id
            self._ledger.not_installed(lease.host_id, request, failure.code)
            if pending is None or pending.key_of is None or failure.code not in CERTIFICATES_OWN:
                raise
        self._inventory.begin_afresh(lease)
        return {"state": "AFRESH"}

    def _report_clock(self, host_id: str, difference: str) -> None:
        """A host whose clock is off still has its certificate; soon it will not be able to use it."""
        if _SECONDS.fullmatch(difference) and not -_MOST_BEHIND <= int(difference) <= _MOST_AHEAD:
            self._log.warning("the clock of the host is wrong", host_id=host_id, seconds_ahead=int(difference))


def _is_recorded(item: HostItem, run_id: str) -> bool:
    return item.last_run_id == run_id and item.status == "DEPLOYED"


def _answers(result: Mapping[str, str], item: HostItem | None, lease: Lease) -> bool:
    """Whether the host's result is about what this run has sent it."""
    if item is not None and _is_recorded(item, lease.run_id):
        # Nothing is pending any more.
        return same_serial(result.get("serial", ""), item.serial or "")
    pending = item.pending if item is not None and item.holds_lease(lease.run_id) else None
    return result.get("requestId") == (pending.host_request if pending is not None else lease.request_id)


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
