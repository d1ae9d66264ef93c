"""What is on a host itself, as InspectCertificate finds it, compared with the inventory."""

from __future__ import annotations

import json
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.deployed.host_command import DELIVERY_SECONDS, answer_of
from pca_automator.cli.errors import FAILED, Trouble
from pca_automator.cli.runtime import runtime

_A_HOSTS_OWN = ("host", "inspection")
# Twice what InspectCertificate gives to its longest text.
_TEXT_MAX = 320


def live_state(deployment: Deployment, item: Any) -> dict[str, Any]:
    """Ask the host.

    Raises:
        Trouble: the host cannot be asked, or does not answer.
        PcaAutomatorError: AWS denies or throttles the call, or cannot be reached; AWS's answer is the cause.
    """
    return _read(item, answer_of(deployment, _order(deployment, item)))


def _order(deployment: Deployment, item: Any) -> Any:
    defaults, own = deployment.settings("CertDeploy"), item.overrides()
    directories = runtime("shared.settings").HostDirectories.load(defaults)
    return runtime("hosts.commands").Order(
        document=deployment.document("InspectCertificate"),
        host_id=item.host_id,
        purpose=f"hosts show {item.host_id} --live",
        delivery_seconds=DELIVERY_SECONDS,
        parameters={
            "hostID": item.host_id,
            **own.directories(directories),
            "signinghelperPath": own.signinghelper_path or defaults["SIGNINGHELPER_PATH"],
        },
    )


def _read(item: Any, output: str) -> dict[str, Any]:
    for line in output.split("\n"):
        if line.startswith("{"):
            return _compare(item, _on_one_line(_parsed(item, line)))
    raise Trouble(f"{item.host_id} gave no answer: the command ended well and wrote nothing of it", FAILED)


def _parsed(item: Any, line: str) -> dict[str, Any]:
    """The line as the script writes it; a host in wrong hands may write anything."""
    try:
        found: dict[str, Any] = json.loads(line)
    except (ValueError, RecursionError):
        raise Trouble(f"{item.host_id} gave an answer that is no JSON", FAILED) from None
    names = {"live": dict, "versions": dict, "hooks": dict, "skipped": dict, "problems": list}
    for name, kind in names.items():
        if not isinstance(found.get(name) or kind(), kind):
            raise Trouble(f"{item.host_id} gave an answer without a proper {name!r}", FAILED)
    return found


def _on_one_line(value: Any) -> Any:
    """What the host says, without what would begin a line of its own, or turn one."""
    if isinstance(value, dict):
        return {_on_one_line(name): _on_one_line(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_on_one_line(each) for each in value]
    return runtime("shared.characters").one_line(value, _TEXT_MAX) if isinstance(value, str) else value


def _compare(item: Any, found: dict[str, Any]) -> dict[str, Any]:
    live, versions, hooks, skipped = (found.get(name) or {} for name in ("live", "versions", "hooks", "skipped"))
    said = [str(each) for each in found.get("problems") or []]
    known = runtime("errors.catalogue").lookup
    # With the code of a service a host could have the command advise to change that service.
    problems = [code for code in said if known(code).origin in _A_HOSTS_OWN]
    if len(problems) < len(said):
        problems.append("HOST_CODE_UNKNOWN")
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
        "skippedHooks": skipped.get("names", []),
        "helper": found.get("helper"),
        "openssl": found.get("openssl"),
        "unsafe": found.get("unsafe") or None,
        "problems": problems,
    }
