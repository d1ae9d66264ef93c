"""A Sid for each statement in the policies of the roles that this library makes.

By its Sid a statement is named in findings of IAM Access Analyzer, in reviews and in lists of what changed. The CDK's
grants make statements without one, and IAM wants each to be the only one of its name in its policy.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jsii
from aws_cdk import Aspects, IAspect, Stack
from aws_cdk import aws_iam as iam
from constructs import IConstruct

__all__ = ["name_statements"]

# After whatever an app's own aspects add to a policy (500), and what the CDK moves into another one (200).
_PRIORITY = 900
_READING = re.compile(r"BatchGet|Describe|Get|Head|List|Query|Scan")
# The last word of a resource's construct id, which stands in its logical id before the CDK's eight digits.
_LAST_WORD = re.compile(r'([A-Z][a-z]+)[0-9A-F]{8}"')


def name_statements(scope: IConstruct) -> None:
    """Give every statement of each policy below a construct a Sid, whoever adds it, and whenever.

    What has one keeps it. Those that would share one are numbered. They are short, for a template has 1 MB.

    Args:
        scope: a role or a policy.
    """
    Aspects.of(scope).add(_Sids(), priority=_PRIORITY)


@jsii.implements(IAspect)
class _Sids:
    def visit(self, node: IConstruct) -> None:
        """Name the statements of a policy; they are in their last order only when everything has been added."""
        if not isinstance(node, (iam.CfnPolicy, iam.CfnManagedPolicy)):
            return
        document = Stack.of(node).resolve(node.policy_document)
        given = [statement.get("Sid") for statement in document["Statement"]]
        taken = {sid for sid in given if sid}
        for number, statement in enumerate(document["Statement"]):
            if not given[number]:
                sid = _only_one(_what_for(statement), taken)
                taken.add(sid)
                node.add_property_override(f"PolicyDocument.Statement.{number}.Sid", sid)


def _what_for(statement: Mapping[str, Any]) -> str:
    """The one action, such as ``IssueCertificate``; for several, what they are about: ``ReadHosts``, ``UseKey``."""
    actions = [_listed(statement.get(name)) for name in ("Action", "NotAction")]
    names = [re.sub(r"[^A-Za-z0-9]", "", str(each).rpartition(":")[2]) for each in actions[0] or actions[1]]
    about = _LAST_WORD.search(json.dumps(statement.get("Resource")))
    if len(names) == 1 or about is None:
        return names[0] or "Any"
    return f"{'Read' if all(map(_READING.match, names)) else 'Use'}{about[1]}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _only_one(sid: str, taken: set[str]) -> str:
    number, found = 2, sid
    while found in taken:
        number, found = number + 1, f"{sid}{number}"
    return found
