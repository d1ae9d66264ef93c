"""Reasoned exceptions from compliance rules, recorded at the smallest construct.

cdk-nag's packs and checkov read what is recorded here, in a consumer's own run too, so that it is clean with no line of
theirs. https://github.com/cdklabs/cdk-nag, https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from importlib.metadata import version
from typing import Any

import aws_cdk
from aws_cdk import CfnResource, Stack
from aws_cdk import aws_iam as iam
from constructs import IConstruct

# The releases of aws-cdk-lib from which on it records acknowledgements of rules, and those of single findings, whose
# names have "::" in them. Before, cdk-nag 3 cannot be told (it asks for 2.257 itself), and cdk-nag 2 alone is.
_VALIDATIONS, _VALIDATIONS_OF_FINDINGS = (2, 257), (2, 269)
_CDK = tuple(int(number) for number in version("aws-cdk-lib").split(".")[:2])
# Where it is kept for older releases, until it is written for cdk-nag 2.
_ACKNOWLEDGED = "pca-automator:acknowledged"
_INLINE = "It goes with its role."
# What was acknowledged where since an automation began to be made: to read it back from the metadata takes jsii
# milliseconds for each construct, and an automation has three hundred of them.
Acknowledged = dict[str, dict[str, str]]
_noted: ContextVar[Acknowledged | None] = ContextVar("_noted", default=None)


def note_acknowledgements() -> Acknowledged:
    """Path of the construct to rules and reasons, of all that is acknowledged from here on until the next call."""
    noted: Acknowledged = {}
    _noted.set(noted)
    return noted


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Record why each rule does not apply to this construct.

    Args:
        construct: the resource itself, or its L2.
        reasons: rule id (for example ``AwsSolutions-SQS3``) to a reason an auditor accepts.
    """
    if (noted := _noted.get()) is not None:
        noted.setdefault(construct.node.path, {}).update(reasons)
    for rule, reason in reasons.items():
        if (_VALIDATIONS_OF_FINDINGS if "::" in rule else _VALIDATIONS) <= _CDK:
            aws_cdk.Validations.of(construct).acknowledge(aws_cdk.Acknowledgment(id=rule, reason=reason))
        else:
            construct.node.add_metadata(_ACKNOWLEDGED, {rule: reason})


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


def acknowledge_grant(grantee: iam.IGrantable, wildcards: Mapping[str, str]) -> None:
    """Record at whoever got a grant why each of its resources has a wildcard.

    Args:
        grantee: a role, a user, a managed policy or what has one of them; made in this app or imported into it.
        wildcards: resource ARN as it stands in the policy (tokens are fine) to the reason.
    """
    principal = grantee.grant_principal
    holder = grantee if isinstance(grantee, iam.ManagedPolicy) else principal
    if isinstance(holder, (iam.Role, iam.User, iam.Group, iam.ManagedPolicy)):
        acknowledge_policy(holder, wildcards)
        write_for_cdk_nag_2(holder)


def write_for_cdk_nag_2(root: IConstruct, noted: Acknowledged | None = None) -> None:
    """Write what is acknowledged below a construct into the metadata of its resources, where cdk-nag 2 looks for it.

    cdk-nag 3 takes an acknowledgement of a construct for all that is below it; cdk-nag 2 reads each resource alone. So
    this comes last, when the resources are there. https://github.com/cdklabs/cdk-nag/blob/v2/README.md

    Args:
        root: the construct.
        noted: all that is acknowledged below it. Default: what the constructs' metadata say.
    """
    acknowledged: Acknowledged = {}
    for construct in root.node.find_all():
        path = construct.node.path
        inherited = acknowledged.get(path.rpartition("/")[0], {})
        acknowledged[path] = inherited | (_recorded_at(construct) if noted is None else noted.get(path, {}))
        if acknowledged[path] and isinstance(construct, CfnResource):
            resource_type = construct.cfn_resource_type
            rules = {rule: why for rule, why in acknowledged[path].items() if _is_about(rule, resource_type)}
            suppressions = _suppressions(rules, construct)
            if suppressions:
                construct.add_metadata("cdk_nag", {"rules_to_suppress": suppressions})
                _say_once(construct, {each["reason"] for each in suppressions})


def _say_once(resource: CfnResource, reasons: set[str]) -> None:
    """Let checkov's comments not repeat the reasons that stand beside them."""
    skips = (resource.get_metadata("checkov") or {}).get("skip", [])
    if skips:
        shorter = [{**each, "comment": "cdk_nag" if each["comment"] in reasons else each["comment"]} for each in skips]
        resource.add_metadata("checkov", {"skip": shorter})


def _recorded_at(construct: IConstruct) -> dict[str, str]:
    found: dict[str, str] = {}
    keys = {_ACKNOWLEDGED}
    if _CDK >= _VALIDATIONS:
        keys.add(aws_cdk.Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    for entry in construct.node.metadata:
        if entry.type in keys:
            found |= {_RULE.sub("", rule): reason for rule, reason in entry.data.items()}
    return found


# The kind of the validation, which the CDK puts in front of a rule.
_RULE = re.compile(r"^\w+::")
# cdk-nag 2 wants a reason of ten characters and more.
_SAME_REASON = "see above."


def _suppressions(rules: Mapping[str, str], resource: CfnResource) -> list[dict[str, Any]]:
    """As cdk-nag 2 reads them, in few bytes: four automations must fit into one template.

    Rules that share a reason follow one another, and it stands once; what a policy does not have is left out of what is
    said of its role.
    """
    wildcards = _wildcards(resource)
    by_reason: dict[str, dict[str, list[str]]] = {}
    for rule, reason in sorted(rules.items()):
        name, _, finding = rule.removesuffix("]").partition("[")
        if not finding or wildcards is None or finding in wildcards:
            by_reason.setdefault(reason, {}).setdefault(name, []).extend([finding] if finding else [])
    return [
        {"id": name, "reason": _SAME_REASON if number else reason} | ({"applies_to": findings} if findings else {})
        for reason, names in by_reason.items()
        for number, (name, findings) in enumerate(names.items())
    ]


def _wildcards(resource: CfnResource) -> set[str] | None:
    """What cdk-nag can find in a policy of IAM; None for other resources."""
    if not isinstance(resource, (iam.CfnPolicy, iam.CfnManagedPolicy)):
        return None
    document = Stack.of(resource).resolve(resource.policy_document)
    return {
        f"{kind}::{_as_finding(each)}"
        for statement in document["Statement"]
        for kind in ("Action", "Resource")
        for each in _listed(statement.get(kind, []))
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# By the word in a rule's name: the resources that it looks at.
_ABOUT = {
    "IAM4": ("AWS::IAM::Role",),
    "IAM5": ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"),
    "IAMNoInlinePolicy": ("AWS::IAM::Policy",),
    "LambdaEventSourceMapping": ("AWS::Lambda::EventSourceMapping",),
    "Lambda": ("AWS::Lambda::Function",),
    "SQS": ("AWS::SQS::Queue",),
    "S3": ("AWS::S3::Bucket",),
    "SNS": ("AWS::SNS::Subscription", "AWS::SNS::Topic"),
    "DynamoDB": ("AWS::DynamoDB::Table",),
}


def _is_about(rule: str, resource_type: str) -> bool:
    name = rule.partition("[")[0]
    types = next((types for word, types in _ABOUT.items() if word in name), None)
    return types is None or resource_type in types


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
