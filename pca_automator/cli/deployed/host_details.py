"""Everything about one host: the item, what went wrong, its commands, and what is on the host itself."""

from __future__ import annotations

import json
import time
from typing import Any

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed import overrides
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import FAILED, Trouble
from pca_automator.cli.runtime import runtime

Pairs = list[tuple[str, Any]]

_HISTORY = 10
_POLL_SECONDS = 1.0
# The document gives itself 60 s; Systems Manager needs a moment more to say so.
_LIVE_SECONDS = 90
_WAITING = {"Pending", "InProgress", "Delayed", ""}


def details(deployment: Deployment, item: Any) -> tuple[dict[str, Any], Pairs]:
    """As JSON, and as lines for a table."""
    view = fleet.View.of(deployment)
    row, history = view.row(item), _history(deployment, item.host_id)
    own = {name: item.attributes[name] for name in overrides.names() if name in item.attributes}
    answer = {**fleet.item_as_json(item), **row, "lastError": dict(item.last_error) or None, "history": history}
    table: Pairs = [
        ("status", row["status"]),
        ("time left", row["left"]),
        ("certificate", f"serial {item.serial}, until {item.attributes.get('expiry')}" if item.serial else "none"),
        ("proven with Roles Anywhere", item.attributes.get("validated")),
        ("due", f"{'now' if row['due'] else item.attributes.get('renewalDate', 'no')}"),
        ("overrides", ", ".join(f"{name}={_value(value)}" for name, value in own.items()) or "none"),
        ("last run", _last_run(item)),
    ]
    others = runtime("inventory.other_certificates").known_serials(item, view.now)
    if others:
        # Sent to the host and never recorded, or replaced before its time.
        table.append(("may hold, too", ", ".join(f"serial {each}, until {end}" for each, end in others.items())))
    if item.run_id:
        table.append(("in flight", f"run {item.run_id}, until {item.attributes.get('leaseUntil')}"))
    if item.last_error:
        table += explanation(item)
    table += [("history", "" if history else "none that Systems Manager keeps")]
    table += [(f"  {each['at']}", f"{each['document']}  {each['status']}") for each in history]
    return answer, table


def explanation(item: Any) -> Pairs:
    """Why the last renewal failed, and what to do."""
    error = item.last_error
    code, message = str(error.get("code", "")), str(error.get("message", ""))
    catalogue = runtime("errors.catalogue")
    return [
        ("failed in", f"{error.get('phase', '?')}, {error.get('at', '?')}"),
        ("code", code),
        ("message", message),
        ("what happened", catalogue.lookup(code).meaning),
        ("what to do", remedy_for(item.host_id, code, message)),
    ]


def remedy_for(host_id: str, code: str, message: str = "") -> str:
    """The catalogue's remedy, with the host's id in its commands."""
    remedy: str = runtime("errors.catalogue").remedy_for(code, message)
    return remedy.replace("<id>", host_id)


def _value(value: Any) -> str:
    return ",".join(sorted(map(str, value))) if isinstance(value, (list, set)) else str(value)


def _last_run(item: Any) -> str:
    if item.last_run_id is None:
        return "none"
    return f"{item.last_run_id}, {item.attributes.get('lastAttempt', '?')}"


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


def live_state(deployment: Deployment, item: Any) -> dict[str, Any]:
    """What InspectCertificate finds on the host, compared with the inventory.

    Raises:
        Trouble: the host cannot be asked, or does not answer.
    """
    command_id = _send(deployment, item)
    deadline = time.monotonic() + _LIVE_SECONDS
    while time.monotonic() < deadline:
        answer = _invocation(deployment, item.host_id, command_id)
        if answer.get("Status", "") not in _WAITING:
            return _read(item, answer)
        time.sleep(_POLL_SECONDS)
    raise Trouble(f"{item.host_id} did not answer within {_LIVE_SECONDS} s: command {command_id}", FAILED)


def _send(deployment: Deployment, item: Any) -> str:
    defaults, own = deployment.settings("CertDeploy"), item.overrides()
    answer = deployment.aws.client("ssm").send_command(
        DocumentName=deployment.document("InspectCertificate"),
        InstanceIds=[item.host_id],
        Comment=f"pca-automator hosts show {item.host_id} --live",
        TimeoutSeconds=60,
        Parameters={
            "hostID": [item.host_id],
            "csrPath": [defaults["CSR_PATH"]],
            "certPath": [own.cert_path or defaults["CERT_PATH"]],
            "keyPath": [own.key_path or defaults["KEY_PATH"]],
            "cacertPath": [own.cacert_path or defaults["CACERT_PATH"]],
            "signinghelperPath": [own.signing_helper_path or defaults["SIGNING_HELPER_PATH"]],
            "hooksPath": [defaults["HOOKS_PATH"]],
        },
    )
    return str(answer["Command"]["CommandId"])


def _invocation(deployment: Deployment, host_id: str, command_id: str) -> dict[str, Any]:
    from botocore.exceptions import ClientError

    try:
        return dict(deployment.aws.client("ssm").get_command_invocation(CommandId=command_id, InstanceId=host_id))
    except ClientError as error:
        # SendCommand returns before every part of Systems Manager knows the command.
        if error.response["Error"]["Code"] == "InvocationDoesNotExist":
            return {}
        raise


def _read(item: Any, answer: dict[str, Any]) -> dict[str, Any]:
    for line in str(answer.get("StandardOutputContent", "")).splitlines():
        if line.startswith("PCA_ERROR "):
            raise Trouble(f"{item.host_id}: {line.removeprefix('PCA_ERROR ')}", FAILED)
        if line.startswith("{"):
            return _compare(item, _parsed(item, line))
    what = answer.get("StatusDetails") or answer.get("Status")
    raise Trouble(f"{item.host_id} gave no answer: the command ended {what}", FAILED)


def _parsed(item: Any, line: str) -> dict[str, Any]:
    """The line as the script writes it; a host in wrong hands may write anything."""
    try:
        found: dict[str, Any] = json.loads(line)
    except (ValueError, RecursionError):
        raise Trouble(f"{item.host_id} gave an answer that is no JSON", FAILED) from None
    names = {"live": dict, "versions": dict, "hooks": dict, "problems": list}
    for name, kind in names.items():
        if not isinstance(found.get(name) or kind(), kind):
            raise Trouble(f"{item.host_id} gave an answer without a proper {name!r}", FAILED)
    return found


def _compare(item: Any, found: dict[str, Any]) -> dict[str, Any]:
    live, versions, hooks = (found.get(name) or {} for name in ("live", "versions", "hooks"))
    problems = [str(each) for each in found.get("problems") or []]
    if live and item.serial and str(live.get("serial", "")).lower() != item.serial:
        problems.append("NOT_THE_CERTIFICATE_OF_THE_INVENTORY")
    return {
        "clock": found.get("clock"),
        "serial": live.get("serial"),
        "notAfter": live.get("notAfter"),
        "commonName": live.get("commonName"),
        "keyMatches": live.get("keyMatches"),
        "confirmed": live.get("confirmed"),
        "versions": versions.get("names", []),
        "hooks": hooks.get("names", []),
        "helper": found.get("helper"),
        "openssl": found.get("openssl"),
        "problems": problems,
    }
