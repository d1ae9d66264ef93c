"""What a fleet costs in a month: list prices of us-east-1, read in 2026, times what the plan counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# USD. https://aws.amazon.com/private-ca/pricing/
_CA = {"SHORT_LIVED_CERTIFICATE": 50.0, "GENERAL_PURPOSE": 400.0}
_SHORT_LIVED_CERTIFICATE = 0.058
_TIERS = ((1_000, 0.75), (9_000, 0.35), (float("inf"), 0.001))
# https://aws.amazon.com/step-functions/pricing/
_TRANSITION = 0.025 / 1_000
# https://aws.amazon.com/lambda/pricing/ (arm64)
_INVOCATION = 0.20 / 1_000_000
_GIB_SECOND = 0.0000133334
_FUNCTION_GIB = 0.25
# https://aws.amazon.com/dynamodb/pricing/on-demand/: a renewal writes its item some nine times, each in the table and
# once more in the ledger of starts, and reads it six times; items have less than a kilobyte.
_WRITE, _READ = 0.625 / 1_000_000, 0.125 / 1_000_000
_WRITES, _READS = 10, 8
# https://aws.amazon.com/eventbridge/pricing/
_EVENT = 1.0 / 1_000_000
# https://aws.amazon.com/kms/pricing/; a request for each file, topic and log, and the table's once in five minutes.
_KEY, _KEY_REQUEST = 1.0, 0.03 / 10_000
_KEY_REQUESTS = 5
# https://aws.amazon.com/cloudwatch/pricing/: ten alarms, a dashboard and the metrics, as docs/operations.md counts.
_WATCHING = 1.0 + 3.0 + 2.0
_LOG_GB, _LOGGED_KB = 0.50, 18.0


@dataclass(frozen=True)
class Renewals:
    """What a month has.

    Args:
        count: renewals.
        transitions: of the workflow, for each.
        invocations: of functions, for each.
        function_seconds: of one invocation, on average.
        usage_mode: of the CA, as AWS Private CA names it.
    """

    count: float
    transitions: float
    invocations: float
    function_seconds: float
    usage_mode: str = "SHORT_LIVED_CERTIFICATE"


def monthly(renewals: Renewals) -> dict[str, float]:
    """USD a month by service, and their ``total``."""
    n = renewals.count
    invocations = n * renewals.invocations
    found: dict[str, Any] = {
        "AWS Private CA: the CA": _CA[renewals.usage_mode],
        "AWS Private CA: certificates": _certificates(n, renewals.usage_mode),
        "Step Functions": n * renewals.transitions * _TRANSITION,
        "Lambda": invocations * (_INVOCATION + renewals.function_seconds * _FUNCTION_GIB * _GIB_SECOND),
        "DynamoDB": n * (_WRITES * _WRITE + _READS * _READ),
        "EventBridge": n * _EVENT,
        "KMS": _KEY + n * _KEY_REQUESTS * _KEY_REQUEST,
        "CloudWatch": _WATCHING + n * _LOGGED_KB / 1_000_000 * _LOG_GB,
    }
    rounded = {name: round(usd, 2) for name, usd in found.items()}
    return {**rounded, "total": round(sum(rounded.values()), 2)}


def _certificates(count: float, usage_mode: str) -> float:
    if usage_mode == "SHORT_LIVED_CERTIFICATE":
        return count * _SHORT_LIVED_CERTIFICATE
    usd, left = 0.0, count
    for size, price in _TIERS:
        taken = min(left, size)
        usd += taken * price
        left -= taken
    return usd
