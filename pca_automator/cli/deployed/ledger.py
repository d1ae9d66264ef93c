"""The ledger of certificates: everything that was asked for, for a host, and what became of it."""

from __future__ import annotations

from typing import Any

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.runtime import runtime


def certificates(deployment: Deployment, host_id: str) -> list[Any]:
    """The entries of a host that may be valid, the newest first."""
    clock = runtime("shared.timestamps").utc_now
    table = deployment.settings("CertDeploy")["LEDGER_TABLE"]
    ledger = runtime("inventory.ledger").CertificateLedger(deployment.aws.client("dynamodb"), table, clock)
    return [entry for entry in ledger.of_host(host_id) if entry.may_be_valid(clock())]


def as_json(entry: Any) -> dict[str, Any]:
    """One entry of ``hosts show``."""
    row = {
        "serial": entry.serial,
        "fate": entry.fate,
        "notAfter": fleet.moment(entry.not_after),
        "requestedAt": fleet.moment(entry.requested_at),
        "runId": entry.run_id,
        "certificateArn": entry.certificate_arn,
        "toBeRevoked": entry.reason,
        "installFailed": entry.install_failed,
    }
    return {name: value for name, value in row.items() if value is not None}


def as_line(entry: Any) -> str:
    """The same for a table."""
    what = f"serial {entry.serial}" if entry.serial else "nobody knows yet whether it was issued"
    end = f", until {fleet.moment(entry.not_after)}" if entry.not_after else ""
    revoked = f", to be revoked: {entry.reason}" if entry.reason else ""
    return f"{entry.fate.lower()}, {what}{end}{revoked}"


def serials(deployment: Deployment, item: Any) -> list[str]:
    """Everything that a host may hold: what the ledger knows, and the live one."""
    known = [str(entry.serial) for entry in certificates(deployment, item.host_id) if entry.serial]
    valid = item.serial and (item.expiry is None or item.expiry > fleet.View.of(deployment).now)
    same = runtime("authority.leaf").same_serial
    if valid and not any(same(item.serial, serial) for serial in known):
        known.append(item.serial)
    return known
