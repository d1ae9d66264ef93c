"""What is handed in is looked at: each resource that a user gives, as far as synthesis can know it.

What is wrong is refused; what cannot be known from here is a warning with the statement to add. ``CHECKS`` is the whole
list; docs/handed-in.md has it for people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from aws_cdk import Annotations, Arn, ArnFormat, Aws, CfnResource, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct, IConstruct

CHECKS = {
    "topic is FIFO": "refused: neither alarms nor mail go to a FIFO topic",
    "topic of another Region": "refused: an alarm publishes in its own Region alone",
    "topic with a key of this app": "the roles that publish and CloudWatch are let use the key",
    "topic of another account": "warned (`topic-policy`): the statements that its policy needs",
    "topic that is imported": "warned (`topic-key`): if it has a key, the statements that its policy needs",
    "table of another Region or account": "refused: the functions look for it by its name, in their own",
    "table with another key": "refused: the partition key must be `hostID`, a string, without a sort key",
    "table whose stream has not both images": "refused while hosts are enrolled or removed by it",
    "CRL bucket of this app without EventBridge": "warned (`crl-events`): CRLs are then found by the hourly look alone",
    "CRL bucket of another Region or account": "warned (`crl-events`): likewise, for its events stay there",
    "CRL bucket of this app, created CA": "its policy, and its key's, are extended for AWS Private CA",
    "CRL bucket that is imported, created CA": "warned (`crl-bucket-policy`): the statements that its policy needs",
    "CA whose ARN is none": "refused",
    "CA of another Region": "refused: a trust anchor trusts a CA of its own Region",
    "CA of another account": "refused without a trust anchor of its certificate; warned (`shared-ca`) with one",
    "CA of this app with another usage mode": "refused: certificates would be too long-lived for it",
    "CA of this app with a key of another family": "refused: it cannot sign with that algorithm",
    "CA of this app and a CRL bucket": "refused where the CA writes no CRL, a partitioned one or into another bucket",
    "trust anchor of another Region or account": "refused: it would trust nobody here",
    "trust anchor of this app that is disabled": "refused: no host would get a session",
    "trust anchor of this app of another CA": (
        "warned (`anchor-ca`): it must be one above the CA that issues, and the hosts' chain lead there"
    ),
    "layer that is an archive, a folder or of this app": (
        "refused: a package is missing, changed, older than the pinned one or for another platform; "
        "warned (`layer-versions`): newer ones"
    ),
    "layer that is imported": "warned (`layer-unseen`): nobody can see into it from here",
    "key that is an alias": "refused: policies and tables name keys",
    "key of another Region": "refused: a key serves its own Region",
    "key of this app that is asymmetric or disabled": "refused, also as the key of a topic, table or CRL bucket",
}
"""What is looked at, and what becomes of it."""


def arn_part(arn: str, part: str) -> str | None:
    """Region, account or another component of an ARN; None where it is a token, or this stack's own."""
    if Token.is_unresolved(arn):
        return None
    found = getattr(Arn.split(arn, ArnFormat.SLASH_RESOURCE_NAME), part)
    return found if found and not Token.is_unresolved(found) else None


def owners(scope: IConstruct, arn: str) -> list[str]:
    """The accounts in whose name events of a resource come: this one, and another that is known to own it.

    AWS does not say whether whoever shares a CA hears of it in the owner's name or in his own.
    """
    owner = arn_part(arn, "account")
    return [Aws.ACCOUNT_ID] if owner in (None, Stack.of(scope).account) else [Aws.ACCOUNT_ID, str(owner)]


def same_region(scope: IConstruct, name: str, arn: str, why: str) -> None:
    """Refuse a resource of another Region than the stack's, where both are known.

    Raises:
        ValueError: names the argument, its ARN, the stack's Region and why.
    """
    _same("Region", arn_part(arn, "region"), Stack.of(scope).region, f"{name} is {arn}", why)


def same_account(scope: IConstruct, name: str, arn: str, why: str) -> None:
    """Refuse a resource of another account than the stack's, where both are known.

    Raises:
        ValueError: names the argument, its ARN, the stack's account and why.
    """
    _same("account", arn_part(arn, "account"), Stack.of(scope).account, f"{name} is {arn}", why)


def _same(what: str, found: str | None, own: str, given: str, why: str) -> None:
    if found and not Token.is_unresolved(own) and found != own:
        raise ValueError(f"{given}, of {what} {found}, but the stack is in {own}: {why}")


def properties_of(resource: CfnResource) -> dict[str, Any]:
    """What the template will say of a resource, as far as it is known by now; names begin with a small letter."""
    # What is settled late, such as the stream of a global table, has no value that its property could return.
    properties: dict[str, Any] = Stack.of(resource).resolve(resource._cfn_properties)
    return properties


def resource_of(construct: object) -> CfnResource | None:
    """The CloudFormation resource of a construct that is made in this app; None for an import."""
    if not isinstance(construct, Construct):
        return None
    resource = construct.node.default_child
    return resource if isinstance(resource, CfnResource) else None


def warn_of_statements(scope: IConstruct, slug: str, what: str, statements: Sequence[iam.PolicyStatement]) -> None:
    """A warning with the statements that somebody else's policy needs.

    Args:
        scope: gets the warning; the statements are written as its stack resolves them.
        slug: the warning's id behind ``pca-automator:``.
        what: what is the matter, in words that the statements follow.
        statements: to add by hand.
    """
    written = json.dumps(Stack.of(scope).resolve([each.to_statement_json() for each in statements]))
    Annotations.of(scope).add_warning_v2(f"pca-automator:{slug}", f"{what}: {written}")


def let_use_key(key: kms.IKey, statements: Iterable[iam.PolicyStatement]) -> list[iam.PolicyStatement]:
    """Add statements to a key's policy; those that could not be added, for the key is imported, come back."""
    return [each for each in statements if not key.add_to_resource_policy(each).statement_added]


def check_key(scope: IConstruct, name: str, key: kms.IKey) -> None:
    """Refuse what is no key of this stack's Region.

    Raises:
        ValueError: it is an alias, or a key of another Region.
    """
    if (":alias/" in key.key_arn and not Token.is_unresolved(key.key_arn)) or isinstance(key, kms.Alias):
        raise ValueError(
            f"{name} is {key.key_arn if not Token.is_unresolved(key.key_arn) else key.node.path}, an alias: give the "
            "key itself, such as kms.Key.from_lookup finds by its alias"
        )
    same_region(scope, name, key.key_arn, "a key serves its own Region; give one of this Region")
    check_encrypts(name, key)


def check_encrypts(name: str, key: kms.IKey | None) -> None:
    """Refuse a key of this app that AWS services cannot encrypt with; None, an alias or an import is not looked at.

    https://docs.aws.amazon.com/kms/latest/developerguide/symmetric-asymmetric.html

    Raises:
        ValueError: it is asymmetric, for HMACs, or disabled.
    """
    resource = resource_of(key)
    if not isinstance(resource, kms.CfnKey):
        return
    described = properties_of(resource)
    spec = described.get("keySpec", "SYMMETRIC_DEFAULT")
    if described.get("keyUsage", "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT" or spec != "SYMMETRIC_DEFAULT":
        raise ValueError(
            f"{name} is {resource.node.path} with key spec {spec}: AWS services encrypt with keys of SYMMETRIC_DEFAULT "
            "and ENCRYPT_DECRYPT; give such a key"
        )
    if described.get("enabled") is False:
        raise ValueError(f"{name} is {resource.node.path}, which is disabled: give a key that is enabled")
