"""An item whose host goes back: into the line, to a certificate that waits for it, or to a new key."""

from __future__ import annotations

from datetime import datetime

from pca_runtime.inventory.item_updates import ConditionError, ItemUpdates
from pca_runtime.inventory.lease import IssuedBefore, Lease
from pca_runtime.inventory.lease_conditions import IN_FLIGHT, held, lease_lost
from pca_runtime.shared.expressions import Expressions
from pca_runtime.shared.timestamps import format_time

__all__ = ["begin_afresh", "install_again", "install_issued", "let_go"]


def let_go(items: ItemUpdates, lease: Lease) -> None:
    """Give a claim back from which nothing has come: the item is as it was before, and anybody may claim it.

    Args:
        items: the table.
        lease: who holds the host.
    """
    item = items.get(lease.host_id)
    if item is None or not item.holds_lease(lease.run_id):
        return
    e = Expressions()
    # What the status was follows from what the last renewal left.
    status = "FAILED" if item.last_error else "DEPLOYED" if item.serial is not None else None
    gone = IN_FLIGHT if status else (*IN_FLIGHT, "status")
    update = (e.set({"status": status}) if status else "") + e.remove(*gone)
    conditions = [*held(e, lease), e.absent("pending.csrCommandId")]
    try:
        items.update(lease.host_id, e, update.strip(), conditions)
    except ConditionError:
        return  # another attempt has sent the command, or somebody else has the host


def install_again(items: ItemUpdates, lease: Lease, until: datetime) -> int:
    """Forget the install command, so that the same certificate is sent to the host once more.

    Args:
        items: the table.
        lease: who holds the host.
        until: how long nobody else may claim it.

    Returns:
        How often this was done for this renewal.

    Raises:
        LeaseLost: the host is no longer this run's.
    """
    e = Expressions()
    again = e.path("pending.installsAgain")
    update = e.set({"leaseUntil": format_time(until)})
    update += f", {again} = if_not_exists({again}, {e.value(0)}) + {e.value(1)}"
    update += e.remove("pending.installCommandId", "pending.installClaimUntil")
    try:
        item = items.update(lease.host_id, e, update, held(e, lease))
    except ConditionError:
        raise lease_lost(lease.host_id, lease.run_id) from None
    return item.pending.installs_again if item.pending else 0


def install_issued(items: ItemUpdates, lease: Lease, before: IssuedBefore) -> None:
    """Go on with a certificate that an earlier run had issued and could not put in service.

    Args:
        items: the table.
        lease: who holds the host.
        before: the certificate.

    Raises:
        LeaseLost: the host is no longer this run's.
    """
    e = Expressions()
    values = {
        "pending.keyOf": before.request_id,
        "pending.publicKeySha256": before.public_key_sha256,
        "pending.certificateArn": before.certificate_arn,
    }
    _update(items, lease, e, e.set(values))


def begin_afresh(items: ItemUpdates, lease: Lease) -> None:
    """Forget a certificate of an earlier run that cannot be put in service: the host is to make a new key.

    Args:
        items: the table.
        lease: who holds the host.

    Raises:
        LeaseLost: the host is no longer this run's.
    """
    e = Expressions()
    _update(items, lease, e, e.remove(*(f"pending.{name}" for name in _OF_THE_CERTIFICATE)).strip())


_OF_THE_CERTIFICATE = (
    "keyOf", "publicKeySha256", "certificateArn", "serial", "expiry", "renewalDate", "installCommandId",
    "installClaimUntil", "installsAgain", "used",
)  # fmt: skip


def _update(items: ItemUpdates, lease: Lease, e: Expressions, update: str) -> None:
    try:
        items.update(lease.host_id, e, update, held(e, lease))
    except ConditionError:
        raise lease_lost(lease.host_id, lease.run_id) from None
