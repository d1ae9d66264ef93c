"""CertRetire: a host that leaves is renewed no more, and what it holds is revoked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from botocore.exceptions import ClientError

from pca_runtime.authority.certificates import is_serial
from pca_runtime.errors.kinds import HostUnreachable, InvalidInventoryItem, Throttled
from pca_runtime.errors.of_aws import error_code, translated
from pca_runtime.hosts.commands import HostCommands, Order
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.other_certificates import held_serials
from pca_runtime.inventory.table import Inventory
from pca_runtime.membership.settings import CertRetireSettings
from pca_runtime.revocation.reasons import CESSATION, TO_REVOKE, reason_of, to_revoke
from pca_runtime.revocation.revoker import Revoker
from pca_runtime.shared.clients import DynamoDb
from pca_runtime.shared.expressions import Expressions, to_value
from pca_runtime.shared.log import Log
from pca_runtime.shared.timestamps import Clock, format_time, parse_time

__all__ = ["Outcome", "Retirement", "is_retired"]

# What belongs to a renewal, and what would make the host due again. Serial and expiry stay: they tell what it held.
_REMOVED = ("pending", "runId", "leaseUntil", "renewalDate", "lastError", "failureCount")
# Somebody else writes the item a handful of times within a renewal, never that often within a second.
_ROUNDS = 5


@dataclass(frozen=True)
class Outcome:
    """What came of one host: ``RETIRED``, ``ALREADY`` (finished now what was left) or ``UNKNOWN``."""

    host_id: str
    state: Literal["RETIRED", "ALREADY", "UNKNOWN"]
    revoked: int = 0


class _ChangedError(Exception):
    """The item is not any more what was read."""


def is_retired(item: HostItem) -> bool:
    """Whether the retirement is recorded. A status that a person wrote by hand lacks the moment, and is no record."""
    return item.status == "RETIRED" and parse_time(item.attributes.get("retiredAt")) is not None


class Retirement:
    """Retires hosts.

    Args:
        settings: the function's environment.
        inventory: the table, to read.
        dynamodb: a DynamoDB client, for the one write.
        revoker: tells AWS Private CA.
        commands: Run Command.
        clock: the current time.
        log: where it is said who was retired.
    """

    def __init__(
        self,
        settings: CertRetireSettings,
        inventory: Inventory,
        dynamodb: DynamoDb,
        revoker: Revoker,
        commands: HostCommands,
        clock: Clock,
        log: Log,
    ) -> None:
        self._settings = settings
        self._inventory = inventory
        self._dynamodb = dynamodb
        self._revoker = revoker
        self._commands = commands
        self._clock = clock
        self._log = log

    def retire(self, host_id: str, reason: str = CESSATION) -> Outcome:
        """Record the retirement with everything that is to be revoked, then revoke.

        A renewal in flight loses the host with the first write: nothing it does later is recorded, and the certificate
        that it had issued is revoked too.

        Raises:
            RetryableError: trying again can help; what was recorded is not lost.
        """
        for _ in range(_ROUNDS):
            item = self._inventory.get(host_id)
            if item is None:
                return Outcome(host_id, "UNKNOWN")
            if is_retired(item):
                return Outcome(host_id, "ALREADY", self.finish(item))
            try:
                retired = self._record(item, reason)
            except _ChangedError:
                continue
            self._log.info("retired", host_id=host_id, revocation_reason=reason)
            return Outcome(host_id, "RETIRED", self.finish(retired))
        raise Throttled(f"{host_id} was changed {_ROUNDS} times while it was being retired", code="SERVICE_THROTTLED")

    def finish(self, item: HostItem) -> int:
        """Revoke what the item is waiting for, from this attempt or an earlier one. Returns how many."""
        return self._revoker.finish(item.host_id, to_revoke(item), reason_of(item))

    def finish_removed(self, item: HostItem, *, gone: bool) -> int:
        """Revoke what a removed item was waiting for and, if the machine is gone, what it held.

        A machine that is still there keeps its certificate until that runs out: an item can be removed by mistake,
        and a revocation cannot be taken back.

        Args:
            item: as it was.
            gone: whether the machine is terminated or deregistered.

        Returns:
            How many were revoked.

        Raises:
            RetryableError: trying again can help.
        """
        held = self._serials(item) if gone and item.status != "RETIRED" else set()
        count = self.finish(item)
        return count + self._revoker.finish(item.host_id, sorted(held - set(to_revoke(item))), CESSATION)

    def remove_from_host(self, item: HostItem) -> str | None:
        """Have the host delete key and certificate. Returns the command id; ``None``: it cannot be reached."""
        try:
            return self._commands.send(self._order(item))
        except (HostUnreachable, InvalidInventoryItem) as error:
            self._log.info("not removed from the host", host_id=item.host_id, code=error.code, reason=error.message)
            return None

    def _record(self, item: HostItem, reason: str) -> HostItem:
        """One write, if the item still is what the serials were taken from.

        Raises:
            _ChangedError: it is not; look again.
        """
        e = Expressions()
        values = {"status": "RETIRED", "retiredAt": format_time(self._clock()), "revocationReason": reason}
        serials = self._serials(item)
        if serials and not _is_set_of_texts(item.attributes.get(TO_REVOKE, set())):
            # Somebody wrote something else, which nothing can be added to.
            update = e.set({**values, TO_REVOKE: serials}) + e.remove(*_REMOVED)
        else:
            update = e.set(values) + e.remove(*_REMOVED)
            if serials:
                # "ADD" to a set: what waits from before stays.
                update += f" ADD {e.path(TO_REVOKE)} {e.value(serials)}"
        conditions = [e.exists("hostID")]
        for path, value in _witnesses(item).items():
            conditions.append(e.absent(path) if value is _ABSENT else e.compare(path, "=", value))
        with translated("UpdateItem"):
            try:
                self._dynamodb.update_item(
                    TableName=self._settings.table_name,
                    Key={"hostID": to_value(item.host_id)},
                    UpdateExpression=update,
                    ConditionExpression=" AND ".join(conditions),
                    **e.arguments(),
                )
            except ClientError as error:
                if error_code(error) == "ConditionalCheckFailedException":
                    raise _ChangedError from error
                raise
        waiting = {*to_revoke(item), *serials}
        return HostItem.of({**item.attributes, **values, TO_REVOKE: waiting})

    def _serials(self, item: HostItem) -> set[str]:
        """Every certificate that the host may hold and that has not run out."""
        if self._settings.revoke_on_retire == "NEVER":
            return set()
        serials = set(held_serials(item, self._clock()))
        pending = item.pending
        if pending and not is_serial(pending.serial) and pending.certificate_arn:
            serials |= {serial for serial in (self._revoker.serial_of(pending.certificate_arn),) if serial}
        return serials

    def _order(self, item: HostItem) -> Order:
        overrides, settings = item.overrides(), self._settings
        return Order(
            document=settings.remove_document,
            host_id=item.host_id,
            purpose="retire",
            delivery_seconds=settings.command_timeout_seconds,
            parameters={
                "hostID": item.host_id,
                **overrides.directories(settings),
            },
        )


def _is_set_of_texts(value: object) -> bool:
    return isinstance(value, set) and all(isinstance(each, str) for each in value)


_ABSENT = object()


def _witnesses(item: HostItem) -> dict[str, object]:
    """What must not have changed between reading and writing: whose renewal it is, and every certificate.

    As it is in the table, whatever its type.
    """
    pending = item.attributes.get("pending")
    known = pending if isinstance(pending, dict) else {}
    return {
        "runId": item.attributes.get("runId", _ABSENT),
        "serial": item.attributes.get("serial", _ABSENT),
        "pending.certificateArn": known.get("certificateArn", _ABSENT),
        "pending.serial": known.get("serial", _ABSENT),
    }
