"""CertDeployStatus: once the host has put the certificate in service, it is the live one in the table."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from pca_runtime.authority.certificates import same_serial
from pca_runtime.errors.kinds import InstallFailed, LeaseLost, PcaAutomatorError, Throttled
from pca_runtime.hosts.commands import HostCommands
from pca_runtime.inventory.item import HostItem, Pending
from pca_runtime.inventory.lease import InstalledCertificate, Lease
from pca_runtime.inventory.other_certificates import known_serials, others_after
from pca_runtime.inventory.table import Inventory
from pca_runtime.renewal.install_again import InstallAgain
from pca_runtime.reporting.events import HOST_RENEWED, Events, renewed_detail
from pca_runtime.revocation.reasons import reason_of, to_revoke
from pca_runtime.revocation.revoker import Revoker
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
        commands: Run Command.
        revoker: revokes replaced certificates.
        events: where the renewal is told of.
        again: sends a certificate again whose proof was throttled.
        clock: the current time.
        log: where a wrong clock of the host is told of, and a revocation that waits.
    """

    def __init__(
        self,
        inventory: Inventory,
        commands: HostCommands,
        revoker: Revoker,
        events: Events,
        again: InstallAgain,
        clock: Clock,
        log: Log,
    ) -> None:
        self._inventory = inventory
        self._commands = commands
        self._revoker = revoker
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
        answer = {"state": "PENDING", "attempt": attempt + 1, "commandId": command_id}
        try:
            invocation = self._commands.poll(command_id, host_id, InstallFailed)
        except Throttled:
            self._again.throttled()
            return answer
        except InstallFailed as failure:
            start = self._again.start(host_id, run_id, failure)
            return {**answer, "state": "AGAIN", "startAt": format_time(start)}
        if not invocation.finished:
            return answer
        lease = Lease(host_id, run_id)
        result = invocation.result
        if result.get("requestId") != lease.request_id:
            raise InstallFailed(f"{host_id} answered another request than this run's", code="HOST_RESULT_FOREIGN")
        self._report_clock(host_id, result.get("clockDifference", ""))
        item = self._inventory.get(host_id)
        if item and item.last_run_id == run_id and item.status == "DEPLOYED":
            # Recorded by an invocation whose answer was lost, and its event perhaps with it.
            self._events.publish(HOST_RENEWED, renewed_detail(item))
            self._revoke(item)
            return {**answer, "state": "DEPLOYED"}
        if item is None or not item.holds_lease(run_id):
            raise LeaseLost(f"run {run_id} no longer holds the renewal of {host_id}", code="LEASE_LOST")
        now = self._clock()
        installed = _installed(item, result.get("validated") == "true", result.get("previous", ""), now)
        if not same_serial(result.get("serial", ""), installed.serial):
            raise InstallFailed(f"{host_id} reports another serial than was issued", code="HOST_RESULT_FOREIGN")
        if revocation_reason is not None:
            replaced = _replaced(item, installed.serial, now)
            installed = replace(installed, to_revoke=replaced, revocation_reason=revocation_reason, others={})
        recorded = self._inventory.record_deployed(lease, installed, now)
        self._events.publish(HOST_RENEWED, renewed_detail(recorded))
        self._revoke(recorded)
        return {**answer, "state": "DEPLOYED"}

    def _revoke(self, item: HostItem) -> None:
        """The renewal is done and recorded, so it does not fail for this; CertRetire's reconciliation tries again."""
        try:
            self._revoker.finish(item.host_id, to_revoke(item), reason_of(item))
        except PcaAutomatorError as error:
            self._log.warning("not revoked yet", host_id=item.host_id, code=error.code, reason=error.message)

    def _report_clock(self, host_id: str, difference: str) -> None:
        """A host whose clock is off still has its certificate; soon it will not be able to use it."""
        if _SECONDS.fullmatch(difference) and not -_MOST_BEHIND <= int(difference) <= _MOST_AHEAD:
            self._log.warning("the clock of the host is wrong", host_id=host_id, seconds_ahead=int(difference))


def _installed(item: HostItem, validated: bool, previous: str, now: datetime) -> InstalledCertificate:
    """The pending certificate as the live one. What it replaced, the host knows better than the table.

    When that runs out, the table alone says, so that a date beside ``previousSerial`` vouches for it.
    """
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
        previous_expiry=_expiry_of(item, before, now) if before is not None else None,
        others=others_after(item, pending.serial, replaced, now),
    )


def _expiry_of(item: HostItem, serial: str, now: datetime) -> str | None:
    """Of a certificate of this host that the table knows."""
    if item.serial is not None and same_serial(item.serial, serial):
        return format_time(item.expiry) if item.expiry else None
    others = known_serials(item, now).items()
    return next((expiry for other, expiry in others if same_serial(other, serial)), None)


def _replaced(item: HostItem, live: str, now: datetime) -> frozenset[str]:
    """What the table knows to be replaced. The host's own word would let it have another host's serial revoked."""
    known = set(others_after(item, live, None, now))
    serial = item.serial
    if serial is not None and _SERIAL.fullmatch(serial) and not same_serial(serial, live):
        known.add(serial)
    return frozenset(known)
