"""CertDeployStatus: once the host has put the certificate in service, it is the live one in the table."""

from __future__ import annotations

import re
from typing import Any

from pca_runtime.certificates import same_serial
from pca_runtime.errors import InstallFailed, LeaseLost
from pca_runtime.host_commands import HostCommands
from pca_runtime.host_item import HostItem, Pending
from pca_runtime.inventory import Inventory
from pca_runtime.lease import InstalledCertificate, Lease
from pca_runtime.timestamps import Clock

__all__ = ["DeploymentStatus"]

_SERIAL = re.compile(r"[0-9a-f]{1,40}")


class DeploymentStatus:
    """Polls the install command and records its success.

    Args:
        inventory: the table.
        commands: Run Command.
        clock: the current time.
    """

    def __init__(self, inventory: Inventory, commands: HostCommands, clock: Clock) -> None:
        self._inventory = inventory
        self._commands = commands
        self._clock = clock

    def poll(self, host_id: str, run_id: str, command_id: str, attempt: int) -> dict[str, Any]:
        """Ask once; on success record, in one write and once.

        Returns:
            ``{"state": "PENDING"|"DEPLOYED", "attempt", "commandId"}``.

        Raises:
            InstallFailed: the host kept its old pair, with the host's own code and words.
            HostUnreachable: the command never reached the host.
            LeaseLost: the host is no longer this run's.
        """
        invocation = self._commands.poll(command_id, host_id, InstallFailed)
        answer = {"state": "PENDING", "attempt": attempt + 1, "commandId": command_id}
        if not invocation.finished:
            return answer
        lease = Lease(host_id, run_id)
        result = invocation.result
        if result.get("requestId") != lease.request_id:
            raise InstallFailed(f"{host_id} answered another request than this run's", code="HOST_RESULT_FOREIGN")
        item = self._inventory.get(host_id)
        if item and item.last_run_id == run_id and item.status == "DEPLOYED":
            return {**answer, "state": "DEPLOYED"}
        if item is None or not item.holds_lease(run_id):
            raise LeaseLost(f"run {run_id} no longer holds the renewal of {host_id}", code="LEASE_LOST")
        installed = _installed(item, result.get("validated") == "true", result.get("previous", ""))
        if not same_serial(result.get("serial", ""), installed.serial):
            raise InstallFailed(f"{host_id} reports another serial than was issued", code="HOST_RESULT_FOREIGN")
        self._inventory.record_deployed(lease, installed, self._clock())
        return {**answer, "state": "DEPLOYED"}


def _installed(item: HostItem, validated: bool, previous: str) -> InstalledCertificate:
    """The pending certificate as the live one. What it replaced, the host knows better than the table."""
    pending = item.pending or Pending("")
    if not (pending.serial and pending.expiry and pending.renewal_date and pending.certificate_arn):
        raise InstallFailed(f"nothing was to be installed on {item.host_id}", code="NOTHING_ISSUED")
    before = previous if _SERIAL.fullmatch(previous) else item.serial
    return InstalledCertificate(
        certificate_arn=pending.certificate_arn,
        serial=pending.serial,
        expiry=pending.expiry,
        renewal_date=pending.renewal_date,
        validated=validated,
        previous_serial=before if isinstance(before, str) and not same_serial(before, pending.serial) else None,
    )
