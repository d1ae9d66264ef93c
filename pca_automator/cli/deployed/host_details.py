"""Everything about one host: the item, what went wrong, its commands, and what is on the host itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed import ledger, overrides
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.runtime import runtime

Pairs = list[tuple[str, Any]]

_HISTORY = 10


def details(deployment: Deployment, item: Any, *, long: bool = False) -> tuple[dict[str, Any], Pairs]:
    """As JSON, and as lines for a table; ``long``: documents are called as AWS calls them."""
    view = fleet.View.of(deployment)
    row, history = view.row(item), _history(deployment, item.host_id)
    own = {name: item.attributes[name] for name in overrides.names() if name in item.attributes}
    answer = {**fleet.item_as_json(item), **row, "lastError": dict(item.last_error) or None, "history": history}
    table: Pairs = [
        ("status", row["status"]),
        ("time left", row["left"]),
        ("certificate", f"serial {item.serial}, until {fleet.moment(item.expiry)}" if item.serial else "none"),
        ("proven with Roles Anywhere", item.validated),
        ("due", f"{'now' if row['due'] else fleet.moment(item.renewal_date) or 'no'}"),
        ("overrides", ", ".join(f"{name}={_value(value)}" for name, value in own.items()) or "none"),
        ("last run", _last_run(item)),
    ]
    # The live one, and what was asked for and not put in service, or replaced before its time.
    entries = ledger.certificates(deployment, item.host_id)
    answer["certificates"] = [ledger.as_json(entry) for entry in entries]
    table.append(("may be valid", f"{len(entries)} in the ledger" if entries else "none in the ledger"))
    table += [(f"  {fleet.moment(entry.requested_at)}", ledger.as_line(entry)) for entry in entries]
    if item.run_id:
        table.append(("in flight", f"run {item.run_id}, until {fleet.moment(item.lease_until)}"))
    table += notices(deployment, item)
    if item.last_error:
        table += explanation(deployment, item)
    table += [("counts as absent", fault.sentence) for fault in item.faults]
    table += [("history", "" if history else "none that Systems Manager keeps")]
    named = (each["document"] if long else deployment.short_of(each["document"]) for each in history)
    table += [(f"  {each['at']}", f"{name}  {each['status']}") for each, name in zip(history, named, strict=True)]
    return answer, table


def notices(deployment: Deployment, item: Any) -> Pairs:
    """What the host said beside the success of its last renewal, and what to do."""
    found: Pairs = []
    for code, detail in item.notices.items():
        found += [
            ("has to be looked at", f"{code}{f' ({detail})' if detail else ''}"),
            ("what happened", runtime("errors.catalogue").lookup(code).meaning),
            ("what to do", in_words(remedy_for(deployment, item.host_id, code))),
        ]
    return found


def explanation(deployment: Deployment, item: Any) -> Pairs:
    """Why the last renewal failed, and what to do."""
    error = item.last_error
    code, message = str(error.get("code", "")), str(error.get("message", ""))
    catalogue = runtime("errors.catalogue")
    return [
        ("failed in", f"{error.get('phase', '?')}, {error.get('at', '?')}"),
        ("code", code),
        ("message", message),
        ("what happened", catalogue.lookup(code).meaning),
        ("what to do", in_words(remedy_for(deployment, item.host_id, code, message))),
    ]


def remedy_for(deployment: Deployment, host_id: str, code: str, message: str = "") -> list[tuple[bool, str]]:
    """The catalogue's remedy in its lines, each with whether it is a command; what is known is filled in."""
    remedy = runtime("errors.catalogue").remedy_for(code, message)
    values = {**values_for(deployment, remedy), **runtime("errors.remedies").values_in(message), "id": host_id}
    return list(deployment.place.lines(remedy, values))


def values_for(deployment: Deployment, remedy: str) -> dict[str, str | list[str]]:
    """What stands for the words between angle brackets of a remedy; each is looked up if it is in it."""
    lookups: dict[str, Callable[[], str | list[str]]] = {
        "arn": lambda: deployment.authority,
        "anchor": lambda: deployment.sealed["trustAnchorArn"].rpartition("/")[2],
        "profile": lambda: deployment.sealed["profileArn"].rpartition("/")[2],
        "bucket": lambda: deployment.settings("CRLProcessor")["CRL_BUCKET"],
        "crl": lambda: _crls(deployment),
        "key": lambda: _key(deployment),
    }
    found = {name: look() for name, look in lookups.items() if f"<{name}>" in remedy}
    return {name: value for name, value in found.items() if value}


def _crls(deployment: Deployment) -> list[str]:
    """The deployment's CRL; where there is none of its name, each of its trust anchor."""
    settings = deployment.settings("CRLProcessor")
    anchored = runtime("revocation.anchored_crls").anchored_crls(
        deployment.aws.client("rolesanywhere"), settings["TRUST_ANCHOR_ARN"]
    )
    entries = list(anchored)
    ours = [entry for entry in entries if entry.get("name") == settings["CRL_NAME"]]
    return [str(entry["crlId"]) for entry in ours or entries]


def _key(deployment: Deployment) -> str:
    """The key of the table, which the functions and the topic use, too."""
    table = deployment.aws.client("dynamodb").describe_table(TableName=deployment.table)["Table"]
    return str(table.get("SSEDescription", {}).get("KMSMasterKeyArn", ""))


def in_words(lines: list[tuple[bool, str]]) -> str:
    """A remedy in a table: its prose. A command would be folded there; it stands below the table, to be copied."""
    return "\n".join(line for is_command, line in lines if not is_command) or "type what stands below"


def as_text(lines: list[tuple[bool, str]]) -> str:
    """A remedy in a program's words: prose and commands, one after the other."""
    return " ".join(line for _, line in lines)


def _value(value: Any) -> str:
    return ",".join(sorted(map(str, value))) if isinstance(value, (list, set)) else str(value)


def _last_run(item: Any) -> str:
    if item.last_run_id is None:
        return "none"
    return f"{item.last_run_id}, {fleet.moment(item.last_attempt) or '?'}"


def _history(deployment: Deployment, host_id: str) -> list[dict[str, str]]:
    """The last commands of this deployment on the host; Systems Manager keeps them for 30 days."""
    from botocore.exceptions import ClientError

    try:
        return _commands(deployment, host_id)
    except ClientError as error:
        # Systems Manager may say so of a host that it does not know, or no more: what the inventory knows is asked for.
        if error.response["Error"]["Code"] == "InvalidInstanceId":
            return []
        raise


def _commands(deployment: Deployment, host_id: str) -> list[dict[str, str]]:
    documents = {resource.physical_id for resource in deployment.of_type("AWS::SSM::Document")}
    pages = deployment.aws.client("ssm").get_paginator("list_command_invocations")
    found: list[dict[str, str]] = []
    for page in pages.paginate(InstanceId=host_id, PaginationConfig={"MaxItems": 200}):
        found += [
            {
                "at": _moment(each.get("RequestedDateTime")),
                "document": str(each["DocumentName"]),
                "status": str(each.get("StatusDetails") or each.get("Status")),
                "commandId": str(each["CommandId"]),
            }
            for each in page["CommandInvocations"]
            if each["DocumentName"] in documents
        ]
    return sorted(found, key=lambda each: each["at"], reverse=True)[:_HISTORY]


def _moment(value: Any) -> str:
    return str(runtime("shared.timestamps").format_time(value)) if value is not None else "?"
