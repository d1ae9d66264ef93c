"""CertDeployStatus: a certificate that could not be proven for want of quota waits, and is not paid for twice."""

from __future__ import annotations

from datetime import datetime, timedelta

from pca_runtime.errors.kinds import PermanentError
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.lease import Lease
from pca_runtime.inventory.table import Inventory
from pca_runtime.renewal.start_gate import StartGate

__all__ = ["PROOF_THROTTLED", "InstallAgain"]

PROOF_THROTTLED = "ROLES_ANYWHERE_THROTTLED"
"""The host's code: IAM Roles Anywhere throttled it until it had no time left."""
# Each time the host itself has tried for minutes, and the brake has fallen; then a person has to look.
_TIMES = 3


class InstallAgain:
    """Gives a host whose proof was throttled another start, with the certificate that it has.

    Args:
        inventory: the table.
        gate: keeps the line and the brake.
        lease_seconds: what such an installation needs at most, once it has started.
    """

    def __init__(self, inventory: Inventory, gate: StartGate, lease_seconds: int) -> None:
        self._inventory = inventory
        self._gate = gate
        self._lease = timedelta(seconds=lease_seconds)

    def throttled(self) -> None:
        """AWS throttles, in whatever call it showed."""
        self._gate.note()

    def start(self, host_id: str, run_id: str, failure: PermanentError) -> datetime:
        """When the certificate is sent again.

        Raises:
            PermanentError: the failure as it was, if it has another reason, or came too often.
            LeaseLost: the host is no longer this run's.
        """
        if failure.code != PROOF_THROTTLED:
            raise failure
        item = self._inventory.held(host_id, run_id)
        if _times(item) >= _TIMES:
            raise failure
        self._gate.note()
        start = self._gate.requeue()
        self._inventory.install_again(Lease(host_id, run_id), start + self._lease)
        return start


def _times(item: HostItem) -> int:
    return item.pending.installs_again if item.pending else 0
