"""CertEnroll: what a change of the inventory asks for, and the one run that a burst of changes starts.

The system writes the table too, some nine times for each renewal. What must start a run is what a *person* changed:
a new host, an override, a host that comes back. The judgement looks at what the record says before and after, so it
is the same for a record that comes twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from botocore.exceptions import ClientError

from pca_runtime.errors.kinds import InvalidInventoryItem
from pca_runtime.errors.of_aws import error_code, translated
from pca_runtime.inventory.gate import Gate
from pca_runtime.inventory.item import HostItem
from pca_runtime.renewal.payloads import HOST_IDS_MAX
from pca_runtime.shared.clients import StepFunctions
from pca_runtime.shared.identifiers import is_host_id

__all__ = ["Enrolment", "Gathered", "gather"]

# What a person may write beside hostID; everything else in an item is the system's.
OVERRIDES = (
    "bundle", "cacertPath", "certMode", "certPath", "certificateProfile", "dnsNames", "emailAddresses", "fileGroup",
    "fileOwner", "ipAddresses", "keyAlgorithm", "keyMode", "keyPath", "signinghelperPath", "uris",
)  # fmt: skip

Change = Literal["ENROL", "CHANGED", "REMOVED"]

# Each item of the system has fields that no person writes: with one of them the host is known already.
_KNOWN = ("status", "renewalDate", "runId")


@dataclass(frozen=True)
class Gathered:
    """What a batch of stream records asks for."""

    enrol: Sequence[str] = ()
    changed: Sequence[str] = ()
    removed: Sequence[str] = ()
    unreadable: int = 0
    sequence: Sequence[str] = field(default=(), repr=False)


def gather(records: Iterable[Mapping[str, Any]], gate: Gate) -> Gathered:
    """Judge every record and keep the last word about each host.

    A record that cannot be read is counted and left out: a stream stands still behind one that raises.

    Args:
        records: of the inventory's stream.
        gate: reads their images.
    """
    last: dict[str, Change] = {}
    sequence: list[str] = []
    unreadable = 0
    for record in records:
        try:
            host_id, change = _judge(record, gate)
            sequence.append(str(record["dynamodb"]["SequenceNumber"]))
        except (AttributeError, InvalidInventoryItem, KeyError, TypeError, ValueError):
            unreadable += 1
            continue
        if change == "CHANGED" and last.get(host_id) == "ENROL":
            continue  # the run that enrols it reads the item as it is then
        if change is not None:
            last[host_id] = change
    chosen = {wanted: sorted(host for host, change in last.items() if change == wanted) for wanted in _CHANGES}
    return Gathered(chosen["ENROL"], chosen["CHANGED"], chosen["REMOVED"], unreadable, sequence)


_CHANGES: tuple[Change, ...] = ("ENROL", "CHANGED", "REMOVED")


def _judge(record: Mapping[str, Any], gate: Gate) -> tuple[str, Change | None]:
    images = record["dynamodb"]
    host_id = str(images["Keys"]["hostID"]["S"])
    if record["eventName"] == "REMOVE":
        return host_id, "REMOVED"
    if not is_host_id(host_id):
        # The next scheduled run reports it; a run of its own for every mistyped id would say it once more.
        return host_id, None
    after = gate.host(images["NewImage"])
    before = gate.host(images["OldImage"]) if images.get("OldImage") else None
    if not _is_known(after):
        # New, put again as a whole, or brought back from retirement by removing its status.
        return host_id, "ENROL" if before is None or _is_known(before) else None
    if record["eventName"] != "MODIFY" or before is None or after.status not in ("DEPLOYED", "FAILED"):
        # RENEWING: the record of its end shows what was changed meanwhile. RETIRED: nothing is renewed.
        return host_id, None
    return host_id, "CHANGED" if _is_changed(before, after) else None


def _is_changed(before: HostItem, after: HostItem) -> bool:
    """Whether a person has written something that the host has not been renewed with."""
    if before.status == "RENEWING":
        return before.was_changed_meanwhile
    return _overrides(before) != _overrides(after)


def _is_known(item: HostItem) -> bool:
    """Whether the system has written the item, or a person what no person should have."""
    return any(name in item.attributes for name in _KNOWN)


def _overrides(item: HostItem) -> dict[str, Any]:
    return {name: item.attributes.get(name) for name in OVERRIDES}


class Enrolment:
    """Starts the same workflow that the schedule starts.

    Args:
        step_functions: a Step Functions client.
        state_machine_arn: the renewal workflow.
    """

    def __init__(self, step_functions: StepFunctions, state_machine_arn: str) -> None:
        self._step_functions = step_functions
        self._state_machine_arn = state_machine_arn

    def start(self, gathered: Gathered) -> list[str]:
        """One run for the new hosts, one for the changed ones; more only above 10,000 hosts.

        The names follow from the records' sequence numbers: a batch that is delivered again finds its runs there.
        New hosts are not forced, so that a record that comes late renews nobody a second time.

        Returns:
            The names of the runs.

        Raises:
            RetryableError: Lambda delivers the batch again.
        """
        batch = hashlib.sha256("|".join(gathered.sequence).encode()).hexdigest()[:32]
        names = []
        for kind, host_ids, force in (("enrol", gathered.enrol, False), ("changed", gathered.changed, True)):
            for number, part in enumerate(_parts(host_ids)):
                names.append(f"{kind}-{batch}-{number}")
                self._start(names[-1], {"hostIDs": list(part), **({"force": True, "automatic": True} if force else {})})
        return names

    def _start(self, name: str, run_input: Mapping[str, Any]) -> None:
        with translated("StartExecution"):
            try:
                self._step_functions.start_execution(
                    stateMachineArn=self._state_machine_arn, name=name, input=json.dumps(run_input)
                )
            except ClientError as error:
                # An earlier delivery of the same batch has started it.
                if error_code(error) != "ExecutionAlreadyExists":
                    raise


def _parts(host_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    rest = iter(host_ids)
    while part := list(islice(rest, HOST_IDS_MAX)):
        yield part
