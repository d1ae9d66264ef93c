"""From what the deployment's tables hold to what a page shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from pca_automator.cli.runtime import runtime
from pca_automator.pictures.data import Certificate, Host, Outcome, Renewal, Trouble

Ends = dict[tuple[str, str], tuple[datetime | None, Trouble | None]]
"""When a host's renewal in a run ended, and why it failed, if it did; by host and run."""
_PAGE = 1_000


def host_of(entry: Any, *, due: bool = False) -> Host:
    """A host, or what is in quarantine, from what the runtime's gate read.

    Args:
        entry: a host's item, or a quarantined entry.
        due: whether a run would renew it now.
    """
    if isinstance(entry, runtime("inventory.gate").Quarantined):
        trouble = Trouble(phase="inventory", code=entry.code, message=entry.sentence)
        return Host(host_id=entry.shown, status="QUARANTINED", trouble=trouble)
    return Host(
        host_id=entry.host_id,
        status=entry.status or "NEW",
        expiry=entry.expiry,
        renewal_date=entry.renewal_date,
        serial=entry.serial,
        due=due,
        proven=entry.validated,
        last_run_id=entry.last_run_id,
        last_attempt=entry.last_attempt,
        trouble=_trouble(entry),
    )


def _trouble(item: Any) -> Trouble | None:
    if item.last_error:
        words = {name: str(item.last_error.get(name, "")) for name in ("phase", "code", "message")}
        return Trouble(phase=words["phase"], code=words["code"] or "Unknown", message=words["message"])
    if item.faults:
        fault = item.faults[0]
        return Trouble(phase="inventory", code=fault.code, message=fault.sentence)
    return None


def certificates(dynamodb: Any, table: str) -> Iterator[Certificate]:
    """Everything that the ledger of certificates has, page by page."""
    reader, plain = runtime("inventory.ledger_entries"), runtime("shared.expressions").from_item
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, PaginationConfig={"PageSize": _PAGE})
    for page in pages:
        for item in map(plain, page["Items"]):
            # The ledger also remembers which audit report of the CA it waits for.
            if "runId" in item:
                yield certificate_of(reader.entry_of(item))


def certificate_of(entry: Any) -> Certificate:
    """One entry of the ledger."""
    return Certificate(
        host_id=entry.host_id,
        serial=entry.serial,
        requested_at=entry.requested_at,
        not_after=entry.not_after,
        fate=entry.fate,
        revoked_at=entry.revoked_at,
        reason=entry.reason,
        run_id=entry.run_id,
    )


def renewals_of(
    run_ids: Iterable[str], hosts: Iterable[Host], certificates: Iterable[Certificate], ended: Ends
) -> list[Renewal]:
    """Hosts on their way through runs, as far as the tables, and what was told, say it.

    Args:
        run_ids: the runs.
        hosts: the inventory, which knows the last attempt of each.
        certificates: the ledger, which knows when each was asked for.
        ended: how renewals ended that were told of; of others, the host's last attempt counts.
    """
    wanted = {*run_ids, *(run_id for _, run_id in ended)}
    began = {
        (each.host_id, each.run_id): each.requested_at
        for each in sorted(certificates, key=lambda each: each.requested_at, reverse=True)
        if each.run_id in wanted
    }
    last: Ends = {
        (host.host_id, host.last_run_id): (host.last_attempt, host.trouble)
        for host in hosts
        if host.last_run_id in wanted and host.last_run_id is not None
    }
    found = []
    for host_id, run_id in sorted({*began, *last, *ended}):
        told = ended.get((host_id, run_id)) or last.get((host_id, run_id))
        end, trouble = told or (None, None)
        outcome: Outcome = "other" if told is None else "failed" if trouble else "renewed"
        found.append(
            Renewal(
                host_id=host_id,
                run_id=run_id,
                started_at=began.get((host_id, run_id)),
                ended_at=end,
                outcome=outcome,
                trouble=trouble,
            )
        )
    return found
