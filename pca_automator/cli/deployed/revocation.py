"""Retiring hosts and revoking certificates."""

from __future__ import annotations

import json
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import FAILED, Trouble
from pca_automator.cli.runtime import runtime

ATTRIBUTES = ("status", "serial", "previousSerial", "expiry", "otherSerials", "pending")
CESSATION = "CESSATION_OF_OPERATION"

# CertRetire takes them one after the other, some two seconds each at worst, and the client waits 30 s for an answer.
_AT_ONCE = 10
# https://docs.aws.amazon.com/privateca/latest/APIReference/API_RevokeCertificate.html
_DONE_BEFORE = "RequestAlreadyProcessedException"


def reasons(deployment: Deployment) -> list[str]:
    """Every reason that AWS Private CA knows, as its own API says."""
    operation = deployment.aws.client("acm-pca").meta.service_model.operation_model("RevokeCertificate")
    return [str(name) for name in operation.input_shape.members["RevocationReason"].enum]


def revokes(deployment: Deployment) -> bool:
    """Whether the deployment revokes what a retired host holds."""
    return deployment.settings("CertRetire").get("REVOKE_ON_RETIRE") == "ALWAYS"


def retire(deployment: Deployment, host_ids: list[str], *, remove_from_host: bool) -> dict[str, Any]:
    """Have CertRetire do it: only the deployed function may write the system's attributes.

    Raises:
        Trouble: the function failed, or knows a host no more.
    """
    total: dict[str, Any] = {"retired": 0, "revoked": 0, "commands": {}}
    for start in range(0, len(host_ids), _AT_ONCE):
        chunk = host_ids[start : start + _AT_ONCE]
        answer = _invoke(deployment, {"hostIDs": chunk, "removeFromHost": remove_from_host})
        total["retired"] += answer.get("retired", 0)
        total["revoked"] += answer.get("revoked", 0)
        total["commands"] |= answer.get("commands", {})
    return total


def _invoke(deployment: Deployment, payload: dict[str, Any]) -> dict[str, Any]:
    deployment.settings("CertRetire")  # says it if there is none
    answer = deployment.aws.client("lambda").invoke(
        FunctionName=deployment.function("CertRetire"), Payload=json.dumps(payload).encode()
    )
    body: Any = json.loads(answer["Payload"].read() or b"{}")
    if answer.get("FunctionError"):
        what = body.get("errorMessage") or body.get("errorType") or answer["FunctionError"]
        raise Trouble(f"CertRetire failed: {what}; it is safe to repeat", FAILED)
    return dict(body)


def revoke_item(deployment: Deployment, item: Any, reason: str = CESSATION, *, previous: bool = True) -> int:
    """Revoke what an item says that its host holds. Returns how many certificates."""
    serials = held(item, previous=previous)
    for serial in serials:
        revoke_serial(deployment, serial, reason)
    return len(serials)


def held(item: Any, *, previous: bool) -> list[str]:
    """The serials of what a host may hold: the live one, and what was sent to it and never recorded."""
    names = ("serial", "previousSerial") if previous else ("serial",)
    others = runtime("inventory.other_certificates").others_with_pending(item, runtime("shared.timestamps").utc_now())
    is_serial = runtime("authority.certificates").is_serial
    recorded = [item.attributes[name] for name in names if is_serial(item.attributes.get(name))]
    return list(dict.fromkeys([*recorded, *others]))


def revoke_serial(deployment: Deployment, serial: str, reason: str) -> bool:
    """Revoke one certificate. Returns ``False`` if it had been revoked before."""
    from botocore.exceptions import ClientError

    digits = serial.replace(":", "")
    try:
        deployment.aws.client("acm-pca").revoke_certificate(
            CertificateAuthorityArn=deployment.authority,
            # RevokeCertificate takes pairs of digits with colons between them.
            CertificateSerial=bytes.fromhex(digits.zfill(len(digits) + len(digits) % 2)).hex(":"),
            RevocationReason=reason,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == _DONE_BEFORE:
            return False
        raise
    return True
