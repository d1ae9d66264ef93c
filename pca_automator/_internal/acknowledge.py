"""Reasoned exceptions from compliance rules, recorded at the smallest construct.

cdk-nag's packs and checkov read what is recorded here, in a consumer's own run too, so that it is clean with no line of
theirs. https://github.com/cdklabs/cdk-nag, https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aws_cdk import Acknowledgment, CfnResource, Stack, Validations
from constructs import IConstruct

_INLINE = "The policy belongs to this one role and goes with it; a managed policy could be attached to somebody else."


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Record why each rule does not apply to this construct.

    Args:
        construct: the resource itself, or its L2.
        reasons: rule id (for example ``AwsSolutions-SQS3``) to a reason an auditor accepts.
    """
    Validations.of(construct).acknowledge(*(Acknowledgment(id=rule, reason=reason) for rule, reason in reasons.items()))


def skip_in_checkov(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Record in the template why checkov's checks do not apply to this resource.

    Args:
        construct: an L2 whose resource it is about.
        reasons: check id (for example ``CKV_AWS_27``) to a reason an auditor accepts.
    """
    resource = construct.node.default_child
    assert isinstance(resource, CfnResource)
    skips = [{"id": check, "comment": reason} for check, reason in sorted(reasons.items())]
    resource.add_metadata("checkov", {"skip": skips})


def in_packs(rule: str, packs: Iterable[str] = ("NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321")) -> list[str]:
    """The ids of one rule in several packs."""
    return [f"{pack}-{rule}" for pack in packs]


def acknowledge_policy(role: IConstruct, wildcards: Mapping[str, str]) -> None:
    """Record why a role's own policy is inline, and why each of its resources has a wildcard.

    Args:
        role: the role, or what holds the policy.
        wildcards: resource ARN as it stands in the policy (tokens are fine) to the reason.
    """
    stack = Stack.of(role)
    acknowledge(
        role,
        dict.fromkeys(in_packs("IAMNoInlinePolicy"), _INLINE)
        | {
            f"AwsSolutions-IAM5[Resource::{_as_finding(stack.resolve(arn))}]": reason
            for arn, reason in wildcards.items()
        },
    )


def _as_finding(resolved: Any) -> str:
    """Write a resolved value the way cdk-nag names a finding: references in angle brackets, the rest as it is."""
    if isinstance(resolved, str):
        return resolved
    match resolved:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(_as_finding(part) for part in parts)
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case _:
            return json.dumps(resolved, separators=(",", ":"))
