"""The ledger of certificates: one entry for each request, written before AWS Private CA is asked.

An entry begins as the intent: which run asked, for which key. The answer of the CA, its event or, where both are lost,
its audit report adds the ARN, then serial number and end; then what became of the certificate. DynamoDB removes an
entry some time after its certificate has run out. So nothing is valid that the ledger does not know of, however many
certificates a host has, and whoever may write the inventory cannot make it forget one. docs/adr/0017 says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from pca_runtime.authority.leaf import Leaf, same_serial
from pca_runtime.errors.of_aws import error_code, translated
from pca_runtime.inventory.ledger_entries import (
    KEPT_AFTER,
    Entry,
    Fate,
    Work,
    copy_of,
    entry_of,
    epoch,
    moment,
    spare_id,
)
from pca_runtime.shared.clients import LedgerDynamoDb
from pca_runtime.shared.expressions import Expressions, from_item, to_value
from pca_runtime.shared.timestamps import format_time

__all__ = ["WORK_INDEX", "CertificateLedger", "Entry", "Fate", "Work"]

WORK_INDEX = "Work"
"""The sparse index of what is still to be done, oldest first."""
# The entry that remembers an audit report; no host has such an id.
_REPORT = "audit-report"


class CertificateLedger:
    """The table.

    Args:
        dynamodb: a DynamoDB client.
        table_name: of the ledger.
        clock: the current time.
    """

    def __init__(self, dynamodb: LedgerDynamoDb, table_name: str, clock: Callable[[], datetime]) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._clock = clock

    def of_host(self, host_id: str) -> list[Entry]:
        """Every entry of a host, the newest first; strongly consistent."""
        e = Expressions()
        request = {
            "TableName": self._table,
            "KeyConditionExpression": e.compare("hostID", "=", host_id),
            "ConsistentRead": True,
            **e.arguments(),
        }
        entries = [entry_of(item) for item in self._pages(request)]
        return sorted(entries, key=lambda entry: (entry.requested_at, entry.request_id), reverse=True)

    def waiting(self, work: Work) -> Iterator[Entry]:
        """What is to be done, what has waited longest first; read as far as it is asked for."""
        e = Expressions()
        request = {
            "TableName": self._table,
            "IndexName": WORK_INDEX,
            "KeyConditionExpression": e.compare("work", "=", work),
            **e.arguments(),
        }
        return map(entry_of, self._pages(request))

    def intend(
        self, host_id: str, run_id: str, request_id: str, public_key_sha256: str, validity: timedelta, asked: str
    ) -> tuple[bool, Entry]:
        """Write down that a certificate is about to be asked for, and what it is to be like.

        Returns:
            Whether this was written now, and the entry: of an earlier attempt, if there was one.
        """
        now = self._clock()
        values = {
            "hostID": host_id,
            "requestId": request_id,
            "runId": run_id,
            "requestedAt": format_time(now),
            "publicKeySha256": public_key_sha256,
            "fate": "REQUESTED",
            "asked": asked,
            "work": "ARN",
            "workSince": format_time(now),
            "expiresAt": epoch(now + validity + KEPT_AFTER),
        }
        return self._put(values)

    def issued(self, entry: Entry, certificate_arn: str) -> None:
        """What our own call of IssueCertificate returned; what an event brought before under another ARN moves on."""
        e = Expressions()
        known = {"certificateArn": certificate_arn, "fate": "ISSUED"}
        conditions = [e.exists("requestId"), e.absent_or("certificateArn", "=", certificate_arn)]
        found = self._update(entry.host_id, entry.request_id, e, e.set(known), [*conditions, e.absent("serial")])
        if found is None:
            self._displace(entry, certificate_arn)

    def notice(self, leaf: Leaf, certificate_arn: str) -> Entry | None:
        """A certificate of our CA has been seen, in whatever way: its entry knows it from then on.

        Which entry, its key decides. A second certificate for a key, which anybody who may issue can have made, gets an
        entry of its own, so that it is revoked with the others.

        Returns:
            The entry; ``None`` if no request of ours has this key.
        """
        if leaf.common_name is None:
            return None
        same_key = [
            entry for entry in self.of_host(leaf.common_name) if entry.public_key_sha256 == leaf.public_key_sha256
        ]
        if not same_key:
            return None
        own = next((entry for entry in same_key if entry.certificate_arn == certificate_arn), None)
        own = own or next((entry for entry in same_key if entry.certificate_arn is None), None)
        if own is None:
            own = self._spare(same_key[-1], certificate_arn)
        if own.serial is not None and own.certificate_arn == certificate_arn:
            return own
        return self._describe(own, leaf, certificate_arn)

    def live(self, host_id: str, request_id: str) -> None:
        """The host has put the certificate in service."""
        self._set(host_id, request_id, {"fate": "LIVE"})

    def not_installed(self, host_id: str, request_id: str, code: str) -> None:
        """The host has not put the certificate in service, and why; it may be tried again."""
        self._set(host_id, request_id, {"installFailed": code})

    def sent_again(self, host_id: str, request_id: str) -> None:
        """A later run is about to send it; counted before it is, so that it cannot go on for ever."""
        e = Expressions()
        times = e.path("sentAgain")
        update = f"SET {times} = if_not_exists({times}, {e.value(0)}) + {e.value(1)}"
        self._update(host_id, request_id, e, update, [e.exists("requestId")])

    def not_issued(self, entry: Entry) -> None:
        """The CA's audit report does not have it: nothing came of the request."""
        e = Expressions()
        update = e.set({"fate": "NOT_ISSUED"}) + e.remove("work", "workSince")
        self._update(entry.host_id, entry.request_id, e, update, [e.exists("requestId"), e.absent("serial")])

    def order(self, entry: Entry, reason: str, *, fate: Fate | None = None) -> Entry:
        """The certificate is to be revoked. Nothing short of the revocation, or its end, takes this back.

        One that is not known yet waits for its ARN first.
        """
        e = Expressions()
        values: dict[str, object] = {"reason": reason, **({"fate": fate} if fate else {})}
        conditions = [e.exists("requestId"), e.compare("fate", "<>", "REVOKED")]
        if entry.serial is None:
            conditions.append(e.absent("serial"))
        else:
            values |= {"work": "REVOKE", "workSince": format_time(self._clock())}
        found = self._update(entry.host_id, entry.request_id, e, e.set(values), conditions)
        if found is not None:
            return found
        now = {each.request_id: each for each in self.of_host(entry.host_id)}.get(entry.request_id)
        if now is None or now.fate == "REVOKED":
            return now or entry
        return self.order(now, reason, fate=fate)  # it has become known meanwhile

    def revoked(self, entry: Entry) -> None:
        """AWS Private CA has been told, or knows no such certificate."""
        e = Expressions()
        values = {"fate": "REVOKED", "revokedAt": format_time(self._clock())}
        update = e.set(values) + e.remove("work", "workSince")
        self._update(entry.host_id, entry.request_id, e, update, [e.exists("requestId")])

    def adopt(self, host_id: str, serial: str, not_after: datetime, reason: str) -> Entry:
        """A certificate that the inventory has and the ledger has not is to be revoked."""
        now = format_time(self._clock())
        values = {
            "hostID": host_id, "requestId": f"serial-{serial}", "runId": "", "requestedAt": now, "publicKeySha256": "",
            "fate": "LIVE", "serial": serial, "notAfter": format_time(not_after), "reason": reason, "work": "REVOKE",
            "workSince": now, "expiresAt": epoch(not_after + KEPT_AFTER),
        }  # fmt: skip
        written, entry = self._put(values)
        return entry if written or entry.reason else self.order(entry, reason)

    def knows(self, entries: list[Entry], serial: str) -> bool:
        """Whether one of these entries has the serial number."""
        return any(entry.serial is not None and same_serial(entry.serial, serial) for entry in entries)

    def _describe(self, entry: Entry, leaf: Leaf, certificate_arn: str) -> Entry:
        values: dict[str, object] = {
            "certificateArn": certificate_arn,
            "serial": leaf.serial,
            "notAfter": format_time(leaf.not_after),
            "expiresAt": epoch(leaf.not_after + KEPT_AFTER),
        }
        if entry.fate in ("REQUESTED", "NOT_ISSUED"):
            values["fate"] = "ISSUED"
        e = Expressions()
        free = [e.exists("requestId"), e.absent_or("certificateArn", "=", certificate_arn)]
        update = e.set(values) + e.remove("work", "workSince")
        found = self._update(entry.host_id, entry.request_id, e, update, [*free, e.absent("reason")])
        if found is not None:
            return found
        # It was ordered to be revoked before anybody knew what it is; or another certificate came in between.
        e = Expressions()
        ordered = {**values, "work": "REVOKE", "workSince": format_time(self._clock())}
        conditions = [e.exists("reason"), e.absent_or("certificateArn", "=", certificate_arn)]
        found = self._update(entry.host_id, entry.request_id, e, e.set(ordered), conditions)
        return found or self._describe(self._spare(entry, certificate_arn), leaf, certificate_arn)

    def _displace(self, entry: Entry, certificate_arn: str) -> None:
        """Our own certificate takes the entry; what an event brought there before it gets one of its own."""
        now = {each.request_id: each for each in self.of_host(entry.host_id)}.get(entry.request_id)
        if now is None or now.certificate_arn == certificate_arn:
            return
        if now.certificate_arn is not None:
            self._put(copy_of(now, spare_id(now, now.certificate_arn)))
        e = Expressions()
        update = e.set({"certificateArn": certificate_arn, "work": "ARN", "workSince": format_time(self._clock())})
        self._update(
            entry.host_id, entry.request_id, e, update + e.remove("serial", "notAfter"), [e.exists("requestId")]
        )

    def _spare(self, entry: Entry, certificate_arn: str) -> Entry:
        """An entry for one more certificate of the same key."""
        values = copy_of(entry, spare_id(entry, certificate_arn))
        for name in ("serial", "notAfter"):
            values.pop(name, None)
        waiting = {"work": "ARN", "workSince": format_time(self._clock())}
        return self._put({**values, "certificateArn": certificate_arn, "fate": "ISSUED", **waiting})[1]

    def _set(self, host_id: str, request_id: str, values: Mapping[str, object]) -> None:
        e = Expressions()
        conditions = [e.exists("requestId"), e.compare("fate", "<>", "REVOKED")]
        self._update(host_id, request_id, e, e.set(values), conditions)

    def remember_report(self, report_id: str | None) -> None:
        """Which audit report of the CA was asked for; ``None``: none is waited for any more."""
        now = self._clock()
        item = {"hostID": _REPORT, "requestId": _REPORT, "reportId": report_id, "askedAt": format_time(now)}
        with translated("PutItem"):
            self._dynamodb.put_item(TableName=self._table, Item={name: to_value(value) for name, value in item.items()})

    def report(self) -> tuple[str, datetime] | None:
        """The audit report that is waited for, and when it was asked for."""
        e = Expressions()
        request = {
            "TableName": self._table,
            "KeyConditionExpression": e.compare("hostID", "=", _REPORT),
            "ConsistentRead": True,
            **e.arguments(),
        }
        found = next(self._pages(request), None)
        return (found["reportId"], moment(found["askedAt"])) if found and found["reportId"] else None

    def _put(self, values: Mapping[str, object]) -> tuple[bool, Entry]:
        e = Expressions()
        with translated("PutItem"):
            try:
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item={name: to_value(value) for name, value in values.items()},
                    ConditionExpression=e.absent("requestId"),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **e.arguments(),
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                old: Any = error.response.get("Item")
                return False, entry_of(from_item(old))
        return True, entry_of(values)

    def _update(
        self, host_id: str, request_id: str, e: Expressions, update: str, conditions: list[str]
    ) -> Entry | None:
        """One conditional write. Returns the entry after it; ``None``: a condition does not hold."""
        with translated("UpdateItem"):
            try:
                answer = self._dynamodb.update_item(
                    TableName=self._table,
                    Key={"hostID": to_value(host_id), "requestId": to_value(request_id)},
                    UpdateExpression=update,
                    ConditionExpression=" AND ".join(conditions),
                    ReturnValues="ALL_NEW",
                    **e.arguments(),
                )
            except ClientError as error:
                if error_code(error) == "ConditionalCheckFailedException":
                    return None
                raise
        return entry_of(from_item(answer["Attributes"]))

    def _pages(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        while True:
            with translated("Query"):
                page = self._dynamodb.query(**request)
            yield from map(from_item, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}
