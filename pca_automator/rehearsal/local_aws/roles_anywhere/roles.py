"""The IAM roles that MiniStack keeps, as CreateSession sees them."""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_evaluator
from ministack.services import iam, sts

from pca_automator.rehearsal.local_aws import emulator

_PRINCIPAL = "rolesanywhere.amazonaws.com"
_ACTIONS = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
_DEFAULT_SECONDS = 3600


class EmulatorRoles:
    """Evaluates trust policies with MiniStack's own condition operators."""

    def trusts(self, role_arn: str, context: Mapping[str, str]) -> bool:
        """Whether the role's trust policy allows all three actions of Roles Anywhere in this context."""
        role = _role(role_arn)
        if role is None:
            return False
        document = role.get("AssumeRolePolicyDocument") or "{}"
        policy = document if isinstance(document, dict) else json.loads(unquote(document))
        statements = policy.get("Statement") or []
        statements = [statements] if isinstance(statements, dict) else statements
        return all(_allows(statements, action, role_arn, context) for action in _ACTIONS)

    def longest_session(self, role_arn: str) -> int:
        """MaxSessionDuration of the role."""
        return int((_role(role_arn) or {}).get("MaxSessionDuration") or _DEFAULT_SECONDS)

    def vend(self, role_arn: str, session_name: str, seconds: int) -> dict[str, str]:
        """Credentials that MiniStack knows, so that they can be used against it."""
        account, role = role_arn.split(":")[4], role_arn.rpartition("/")[2]
        access_key = f"ASIA{secrets.token_hex(8).upper()}"
        ends = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
        secret, token = secrets.token_hex(20), secrets.token_urlsafe(64)
        sts.register_session(
            access_key,
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session_name}",
                "UserId": f"{role}:{session_name}",
                "SecretAccessKey": secret,
                "SessionToken": token,
                "Expiration": ends.timestamp(),
            },
        )
        return {
            "accessKeyId": access_key,
            "secretAccessKey": secret,
            "sessionToken": token,
            "expiration": ends.isoformat(timespec="seconds").replace("+00:00", "Z"),
        }


def _role(role_arn: str) -> dict[str, Any] | None:
    role: dict[str, Any] | None = iam._roles.get(role_arn.rpartition("/")[2])
    return role


def _allows(statements: list[Any], action: str, role_arn: str, context: Mapping[str, str]) -> bool:
    evaluated = iam_evaluator.EvalContext(
        principal_arn=_PRINCIPAL,
        principal_type="Service",
        principal_account=emulator.account_id(),
        action=action,
        resource_arn=role_arn,
        region=emulator.region(),
        principal_keys={key.lower(): value for key, value in context.items()},
    )
    allowed = False
    for statement in statements:
        if not _names_roles_anywhere(statement.get("Principal")) or not iam_evaluator._action_matches(
            action, _list(statement.get("Action")), _list(statement.get("NotAction"))
        ):
            continue
        if iam_evaluator._conditions_met(statement.get("Condition") or {}, evaluated):
            if statement.get("Effect") == "Deny":
                return False
            allowed = True
    return allowed


def _names_roles_anywhere(principal: Any) -> bool:
    return isinstance(principal, dict) and _PRINCIPAL in _list(principal.get("Service"))


def _list(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)
