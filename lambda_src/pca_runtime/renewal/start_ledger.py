"""The ledger of starts: which times are taken, over all runs of an automation.

One item for each lane says when its next host may start, and one says how AWS throttles. DynamoDB has no maximum, so a
reservation is one of two conditional updates: behind what is taken, or, where that is over, from now.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from pca_runtime.errors.kinds import Throttled
from pca_runtime.errors.of_aws import error_code, translated
from pca_runtime.renewal.pace import Brake, Reservation
from pca_runtime.renewal.start import LANES, LaneName
from pca_runtime.renewal.start_items import (
    Account,
    Block,
    Lane,
    Traffic,
    account_of,
    block_of,
    brake_of,
    lane_of,
    milliseconds,
)
from pca_runtime.shared.clients import DynamoDb
from pca_runtime.shared.expressions import Expressions, from_item, to_value

__all__ = ["StartLedger"]

_TRAFFIC, _ACCOUNT, _RETURNED = "traffic", "account", "returned"
# Each round another reservation came between: with sixteen threads at once, two were the most that was seen.
_ROUNDS = 50
# A run lasts two intervals of the schedule at most and may be redriven for 14 days; DynamoDB then removes the item.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
_KEPT_SECONDS = 15 * 86_400


class StartLedger:
    """The table of one automation.

    Args:
        dynamodb: a DynamoDB client.
        table_name: the ledger's table.
    """

    def __init__(self, dynamodb: DynamoDb, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def lane(self, name: LaneName) -> Lane:
        """A lane as it is now, strongly consistent."""
        return lane_of(self._get(name))

    def traffic(self, name: LaneName, run_id: str) -> Traffic:
        """A lane, the brake and whether a run's starts were given back, as they are now: one request."""
        returned = f"{_RETURNED} {run_id}"
        keys = {"Keys": [_key(each) for each in (name, _TRAFFIC, returned)], "ConsistentRead": True}
        with translated("BatchGetItem"):
            answer = self._dynamodb.batch_get_item(RequestItems={self._table: keys})
        if answer.get("UnprocessedKeys"):
            raise Throttled("BatchGetItem left keys of the start ledger unprocessed", code="SERVICE_THROTTLED")
        found = {item["id"]: item for item in map(from_item, answer["Responses"].get(self._table, []))}
        return Traffic(lane_of(found.get(name, {})), brake_of(found.get(_TRAFFIC, {})), returned in found)

    def reserve(
        self, name: LaneName, run_id: str, hosts: int, rate: float, now: datetime, *, latest: float | None = None
    ) -> Reservation | None:
        """Take the next starts of a lane for a run.

        A run that asks again, as after a crash, gets what it has.

        Args:
            name: the lane.
            run_id: the run.
            hosts: how many are to start, at least one.
            rate: hosts a second of the lane.
            now: the injected clock's time.
            latest: the first start may not be later, in seconds since the epoch. Default: however late.

        Returns:
            The starts; None if the first would be later than ``latest``.

        Raises:
            RetryableError: the ledger is throttled, or cannot be reached.
            PermanentError: the ledger is not there, or may not be written. Nobody starts without it.
        """
        block = self._own(name, run_id, now) or self._take(name, run_id, hosts, rate, now, latest)
        if block is None:
            return None
        # An earlier attempt may have reserved for other numbers of hosts: they start no faster for it.
        return Reservation(block.first, max((block.end - block.first) / hosts, 1 / rate), hosts)

    def requeue(self, name: LaneName, spacing: float, now: datetime) -> float:
        """Take the next start of a lane for one host that comes late, or is held back.

        Args:
            name: the lane.
            spacing: seconds until the host behind it.
            now: the injected clock's time.

        Returns:
            The start, in seconds since the epoch.
        """
        length = max(1, math.ceil(spacing * 1000))
        block = self._advance(name, "", length, milliseconds(now), None, None)
        if block is None:
            raise AssertionError("without a latest start there is always a next one")
        return block.first

    def give_back(self, name: LaneName, has_ended: Callable[[str], bool], now: datetime) -> list[str]:
        """Free what runs that have ended left unused at the end of a lane.

        Nobody has reserved behind it, so that nobody's start moves. What lies before somebody else's stays taken.

        Args:
            name: the lane.
            has_ended: whether a run is over.
            now: the injected clock's time.

        Returns:
            The runs.
        """
        given: list[str] = []
        for _ in range(_ROUNDS):
            lane = self.lane(name)
            if lane.until is None or lane.until <= now.timestamp():
                break
            last = lane.tail or self._block(name, lane.until)
            if last is None or not has_ended(last.run_id):
                break
            # First, so that a child which is redriven now does not take a start that is freed.
            self._note_returned(last, now)
            if self._free(name, last, now):
                given.append(last.run_id)
        return given

    def runs_ahead(self, now: datetime) -> dict[str, float]:
        """Runs that have starts before them, over all lanes, and the end of the last."""
        found: dict[str, float] = {}
        for name in LANES:
            for block in self._blocks(name, now):
                found[block.run_id] = max(block.end, found.get(block.run_id, block.end))
        return found

    def note_throttled(self, now: datetime) -> Brake:
        """AWS has throttled a call: fewer start, until it has been quiet for a while.

        Of many that tell at once, one lowers the rate.

        Returns:
            The brake after it.
        """
        brake = brake_of(self._get(_TRAFFIC))
        after = brake.throttled(milliseconds(now) / 1000)
        e = Expressions()
        values: dict[str, object] = {"factor": Decimal(f"{after.factor:.6f}")}
        for attribute, time in (("throttledAt", after.throttled_at), ("loweredAt", after.lowered_at)):
            if time is not None:
                values[attribute] = round(time * 1000)
        if brake.lowered_at is None:
            condition = e.absent("loweredAt")
        else:
            condition = e.compare("loweredAt", "=", round(brake.lowered_at * 1000))
        return brake_of(self._update(_key(_TRAFFIC), e, e.set(values), [condition])[1])

    def account(self) -> Account:
        """What was last seen of the account."""
        return account_of(self._get(_ACCOUNT))

    def remember(self, account: Account) -> None:
        """Keep what was seen of the account, for runs that do not look themselves; unknown values stay as they are."""
        e = Expressions()
        values: dict[str, object] = {}
        if account.hosts_total is not None:
            values["hostsTotal"] = account.hosts_total
        if account.measured_at is not None:
            values["quotas"] = {name: Decimal(f"{rate:.6f}") for name, rate in account.quotas.items()}
            values["measuredAt"] = milliseconds(account.measured_at)
        if account.production is not None:
            values["production"] = Decimal(f"{account.production:.6f}")
        if account.issued is not None and account.issued_until is not None:
            values |= {"issued": account.issued, "issuedUntil": milliseconds(account.issued_until)}
        if values:
            self._update(_key(_ACCOUNT), e, e.set(values), [])

    def _own(self, name: LaneName, run_id: str, now: datetime) -> Block | None:
        """What the run has taken before: the lane's tail, or a block of its own."""
        tail = self.lane(name).tail
        if tail is not None and tail.run_id == run_id:
            self._remember_block(name, tail)
            return tail
        return next((block for block in self._blocks(name, now) if block.run_id == run_id), None)

    def _take(
        self, name: LaneName, run_id: str, hosts: int, rate: float, now: datetime, latest: float | None
    ) -> Block | None:
        length = max(1, math.ceil(hosts * 1000 / rate))
        limit = None if latest is None else math.floor(latest * 1000)
        block = self._advance(name, run_id, length, milliseconds(now), limit, rate)
        if block is not None:
            self._remember_block(name, block)
        return block

    def _advance(
        self, name: LaneName, run_id: str, length: int, now: int, latest: int | None, rate: float | None
    ) -> Block | None:
        """A new block at the end of the lane; None if it would begin too late. All times are milliseconds."""
        for _ in range(_ROUNDS):
            done, item = self._put_behind(name, run_id, length, now, latest, rate)
            if not done:
                until = item.get("until")
                if until is not None and int(until) >= now:
                    if latest is not None and int(until) > latest:
                        return None
                    continue
                done, item = self._put_now(name, run_id, length, now, rate)
            if done:
                end = int(item["until"])
                return Block(run_id, (end - length) / 1000, end / 1000)
        raise Throttled(f"lane {name} of the start ledger changed {_ROUNDS} times meanwhile", code="SERVICE_THROTTLED")

    def _put_behind(
        self, name: LaneName, run_id: str, length: int, now: int, latest: int | None, rate: float | None
    ) -> tuple[bool, dict[str, Any]]:
        """Behind what is taken. The right-hand sides of one update all read the item as it was."""
        e = Expressions()
        until = e.path("until")
        update = (
            f"{_lane_values(e, run_id, rate)}, {until} = {until} + {e.value(length)}, {e.path('tailFrom')} = {until}"
        )
        conditions = [e.compare("until", ">=", now)]
        if latest is not None:
            conditions.append(e.compare("until", "<=", latest))
        return self._update(_key(name), e, update, conditions)

    def _put_now(
        self, name: LaneName, run_id: str, length: int, now: int, rate: float | None
    ) -> tuple[bool, dict[str, Any]]:
        """From now, where nothing is taken any more: an idle lane saves nothing up."""
        e = Expressions()
        update = f"{_lane_values(e, run_id, rate)}, {e.path('until')} = {e.value(now + length)}"
        update += f", {e.path('tailFrom')} = {e.value(now)}"
        return self._update(_key(name), e, update, [e.absent_or("until", "<", now)])

    def _free(self, name: LaneName, last: Block, now: datetime) -> bool:
        e = Expressions()
        first, end = round(last.first * 1000), round(last.end * 1000)
        update = e.set({"until": max(milliseconds(now), first)}) + e.remove("tailRun", "tailFrom")
        return self._update(_key(name), e, update, [e.compare("until", "=", end)])[0]

    def _note_returned(self, block: Block, now: datetime) -> None:
        self._put(f"{_RETURNED} {block.run_id}", 0, {"expires": int(now.timestamp()) + _KEPT_SECONDS})

    def _remember_block(self, name: LaneName, block: Block) -> None:
        """Beside the lane: a crash before it leaves the block the lane's tail, where the next attempt finds it."""
        values = {"run": block.run_id, "from": round(block.first * 1000), "expires": int(block.end) + _KEPT_SECONDS}
        self._put(name, round(block.end * 1000), values)

    def _put(self, name: str, at: int, values: Mapping[str, object]) -> None:
        item = {**_key(name, at), **{attribute: to_value(value) for attribute, value in values.items()}}
        with translated("PutItem"):
            self._dynamodb.put_item(TableName=self._table, Item=item)

    def _block(self, name: LaneName, end: float) -> Block | None:
        item = self._get(name, round(end * 1000))
        return block_of(item) if item else None

    def _blocks(self, name: LaneName, now: datetime) -> list[Block]:
        """The blocks of a lane that are not over, in the order of their ends."""
        e = Expressions()
        condition = f"{e.compare('id', '=', name)} AND {e.compare('at', '>', milliseconds(now))}"
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ConsistentRead": True,
            **e.arguments(),
        }
        found: list[Block] = []
        while True:
            with translated("Query"):
                page = self._dynamodb.query(**request)
            found += [block_of(from_item(item)) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return found
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _get(self, name: str, at: int = 0) -> dict[str, Any]:
        with translated("GetItem"):
            answer = self._dynamodb.get_item(TableName=self._table, Key=_key(name, at), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else {}

    def _update(
        self, key: Mapping[str, Any], e: Expressions, update: str, conditions: list[str]
    ) -> tuple[bool, dict[str, Any]]:
        """One write: whether the conditions held, and the item after it, or as it is."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": key,
            "UpdateExpression": update,
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **e.arguments(),
        }
        if conditions:
            request["ConditionExpression"] = " AND ".join(conditions)
        with translated("UpdateItem"):
            try:
                answer = self._dynamodb.update_item(**request)
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                old: Any = error.response.get("Item")
                return False, from_item(old) if old else {}
        return True, from_item(answer["Attributes"])


def _key(name: str, at: int = 0) -> dict[str, Any]:
    return {"id": to_value(name), "at": to_value(at)}


def _lane_values(e: Expressions, run_id: str, rate: float | None) -> str:
    """A single host that stands behind a run's block makes its tail nobody's."""
    values: dict[str, object] = {"tailRun": run_id}
    if rate is not None:
        values["rate"] = Decimal(f"{rate:.9f}")
    return e.set(values)
