"""How hosts leave, and when those that came are renewed."""

from __future__ import annotations

import json
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import FAILED, Trouble
from pca_automator.cli.runtime import runtime

# CertRetire takes them one after the other, some two seconds each at worst, and the client waits 30 s for an answer.
_AT_ONCE = 10


def renewed_when(deployment: Deployment) -> str:
    """When hosts that were added or changed are renewed, for a person."""
    if deployment.function("CertEnroll"):
        return "They are renewed within a minute."
    return "They are renewed at the next scheduled run, or now with pca-automator run."


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


def restore_item(deployment: Deployment, host_id: str) -> bool:
    """Take the retirement from an item, which is enrolled like a new one then. Returns whether it still was retired."""
    from botocore.exceptions import ClientError

    e = runtime("shared.expressions").Expressions()
    update = e.remove("status", "retiredAt", "revocationReason")
    # What is still to be revoked must not be forgotten with the retirement.
    condition = f"{e.compare('status', '=', 'RETIRED')} AND {e.absent('revocationOrder')}"
    try:
        deployment.aws.client("dynamodb").update_item(
            TableName=deployment.table,
            Key={"hostID": {"S": host_id}},
            UpdateExpression=update.strip(),
            ConditionExpression=condition,
            **e.arguments(),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return False
        raise
    return True
