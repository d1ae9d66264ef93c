"""Every statement of every policy that the library writes has a Sid, and no other of its policy has the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from tests.synthesis import everything, full_template, new_app, template_of

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
SID = re.compile(r"[A-Za-z0-9]{1,40}")


def policies(template: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The statements of each policy of a role, wherever it stands."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            found[name] = properties["PolicyDocument"]["Statement"]
        for number, inline in enumerate(properties.get("Policies", [])):
            found[f"{name}.{number}"] = inline["PolicyDocument"]["Statement"]
    return found


def expect_unique_sids(template: dict[str, Any]) -> None:
    found = policies(template)
    assert len(found) > 15
    for name, statements in found.items():
        sids = [statement.get("Sid", "") for statement in statements]
        assert all(SID.fullmatch(sid) for sid in sids), (name, sids)
        assert len(set(sids)) == len(sids), (name, sids)
        assert all({"Effect", "Action", "Resource"} <= statement.keys() for statement in statements), name


def test_each_statement_of_every_part_has_a_sid_of_its_own() -> None:
    expect_unique_sids(full_template())


def test_the_cdks_merging_of_statements_takes_no_sid_away() -> None:
    """Whether it merges is a flag of the app; where it does, fewer statements are there, in another order."""
    app = new_app(**{"@aws-cdk/aws-iam:minimizePolicies": True})
    merged = template_of(everything(app))
    expect_unique_sids(merged)
    assert sum(map(len, policies(merged).values())) < sum(map(len, policies(full_template()).values()))


def test_what_an_app_adds_later_gets_one_too_and_what_has_one_keeps_it() -> None:
    automation = everything()
    function = automation.departure.cert_retire
    assert isinstance(function, lambda_.Function)
    for sid in (None, None, "Theirs", "SendCommand"):
        statement = iam.PolicyStatement(sid=sid, actions=["s3:GetObject"], resources=[f"arn:aws:s3:::other/{sid}"])
        function.add_to_role_policy(statement)
    function.add_to_role_policy(iam.PolicyStatement(actions=["s3:*"], resources=["arn:aws:s3:::third"]))
    template = template_of(automation)
    expect_unique_sids(template)
    (statements,) = (each for name, each in policies(template).items() if "CertRetireRole" in name)
    theirs = {str(each["Resource"]): each["Sid"] for each in statements if "other" in str(each["Resource"])}
    assert theirs["arn:aws:s3:::other/Theirs"] == "Theirs"
    assert theirs["arn:aws:s3:::other/SendCommand"] == "SendCommand"
    assert template_of(automation) == template, "synthesized again it is the same"


@pytest.mark.parametrize(
    ("role", "sids"),
    [
        ("CertIssueRole", {"IssueCertificate", "UseHosts", "UseCertificates", "UseLog"}),
        ("CertDeployRole", {"GetCertificate", "SendCommand", "SendCommand2", "SendTaskSuccess"}),
    ],
)
def test_a_sid_says_what_its_statement_is_for(role: str, sids: set[str]) -> None:
    (statements,) = (each for name, each in policies(full_template()).items() if role in name)
    assert sids <= {statement["Sid"] for statement in statements}
