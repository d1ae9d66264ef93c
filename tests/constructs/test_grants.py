"""Grants, metrics and roles for workloads; the same from the stack that imports a deployed automation."""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from pca_automator import ImportedAutomation, PcaCertificateAutomation
from pca_automator.automation_base import AutomationBase
from tests.synthesis import actions, as_list, new_app, resources, sample_stack

PREFIX = "eu-central-1:111122223333"
DEPLOYED = {
    "automation_name": "Fleet-Automation",
    "certificate_authority_arn": f"arn:aws:acm-pca:{PREFIX}:certificate-authority/11111111-2222-3333-4444-555555555555",
    "dead_letter_queue_arn": f"arn:aws:sqs:{PREFIX}:DeadLetters",
    "encryption_key_arn": f"arn:aws:kms:{PREFIX}:key/66666666-7777-8888-9999-000000000000",
    "state_machine_arn": f"arn:aws:states:{PREFIX}:stateMachine:Renewal",
    "table_arn": f"arn:aws:dynamodb:{PREFIX}:table/hosts",
    "crl_bucket_name": "crls",
    "retire_function_arn": f"arn:aws:lambda:{PREFIX}:function:CertRetire",
}
# Who revokes must be able to write the CRL, by the hand of AWS Private CA alone.
BY_PRIVATE_CA = {"s3:GetBucketAcl", "s3:GetBucketLocation", "s3:PutObject", "s3:PutObjectAcl"}
GRANTS = {
    "grant_start_run": {
        "states:StartExecution", "states:ListExecutions", "states:DescribeExecution", "states:DescribeMapRun",
        "states:ListMapRuns",
    },
    "grant_read_inventory": {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"},
    "grant_enrol_hosts": {"dynamodb:PutItem", "dynamodb:UpdateItem"},
    "grant_retire": {"lambda:InvokeFunction"},
    "grant_revoke": {"acm-pca:RevokeCertificate", *BY_PRIVATE_CA},
}  # fmt: skip


def made() -> AutomationBase:
    return PcaCertificateAutomation(Stack(new_app(), "Consumer"), "Automation")


def imported() -> AutomationBase:
    return PcaCertificateAutomation.from_automation_attributes(Stack(new_app(), "Other"), "Automation", **DEPLOYED)


@cache
def granted(make: Callable[[], AutomationBase]) -> dict[str, list[dict[str, Any]]]:
    """The statements that a role of its own gets by each grant."""
    automation = make()
    stack = Stack.of(automation)
    roles = {grant: f"Pipeline{grant.replace('_', '')}" for grant in GRANTS}
    for grant, name in roles.items():
        getattr(automation, grant)(iam.Role(stack, name, assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com")))
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    found = {}
    for grant, role in roles.items():
        (policy,) = (each for name, each in policies.items() if name.startswith(role))
        found[grant] = policy["Properties"]["PolicyDocument"]["Statement"]
    return found


def test_who_takes_machines_down_may_retire_them_and_nothing_else() -> None:
    (statement,) = granted(made)["grant_retire"]
    assert statement["Action"] == "lambda:InvokeFunction"
    assert "CertRetire" in statement["Resource"]["Fn::GetAtt"][0]


@pytest.mark.parametrize("make", [made, imported])
@pytest.mark.parametrize("grant", GRANTS)
def test_a_grant_gives_what_it_says_and_nothing_on_everything(grant: str, make: Any) -> None:
    found = granted(make)[grant]
    others = {action for each in found for action in actions(each) if not action.startswith("kms:")}
    assert others == GRANTS[grant]
    for statement in found:
        assert "*" not in as_list(statement["Resource"])
        if any(action.startswith("kms:") for action in actions(statement)):
            assert "kms:ViaService" in statement["Condition"]["StringEquals"]
        if BY_PRIVATE_CA & set(actions(statement)):
            assert statement["Condition"] == {"Bool": {"aws:ViaAWSService": "true"}}


def test_who_enrols_hosts_writes_no_attribute_of_the_system() -> None:
    (write,) = (each for each in granted(made)["grant_enrol_hosts"] if "dynamodb:PutItem" in actions(each))
    attributes = write["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]
    assert "hostID" in attributes
    assert "certPath" in attributes
    assert not {"status", "serial", "expiryDate", "renewalDate", "pending", "leaseUntil", "runId"} & set(attributes)


def test_an_import_has_every_grant_and_metric_of_the_original() -> None:
    public = {name for name in dir(PcaCertificateAutomation) if name.startswith(("grant_", "metric", "on_"))}
    assert set(GRANTS) <= public
    assert public <= set(dir(ImportedAutomation))


def test_metrics_of_an_import_are_those_of_the_deployed_automation() -> None:
    metric = imported().metric_least_time_left()
    assert metric.dimensions == {"Automation": "Fleet-Automation"}
    assert (metric.namespace, metric.metric_name, metric.statistic) == ("PcaAutomator", "LeastSecondsLeft", "Minimum")


def test_the_sample_stacks_outputs_have_what_an_import_asks_for() -> None:
    outputs = Template.from_stack(sample_stack()).to_json()["Outputs"]
    asked = {"".join(word.capitalize() for word in name.split("_")) for name in DEPLOYED}
    assert asked - {"TableArn"} | {"InventoryTableArn"} <= set(outputs)


@cache
def trusting() -> PcaCertificateAutomation:
    """An automation with a role that was there before, and one that it has made."""
    automation = made()
    assert isinstance(automation, PcaCertificateAutomation)
    stack = Stack.of(automation)
    existing = iam.Role(stack, "Existing", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    automation.trust.grant_assume_role_anywhere(existing, subjects=["i-0123456789abcdef0"])
    automation.trust.create_role(stack, "Workload", subjects=["i-1"])
    return automation


@cache
def trust_of(role: str) -> list[dict[str, Any]]:
    template = Template.from_stack(Stack.of(trusting())).to_json()
    (found,) = (each for name, each in resources(template, "AWS::IAM::Role").items() if name.startswith(role))
    statements: list[dict[str, Any]] = found["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    return statements


def test_an_existing_role_gets_the_trust_of_a_made_one() -> None:
    other, *statements = trust_of("Existing")
    assert other["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert sorted(action for each in statements for action in actions(each)) == [
        "sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession",
    ]  # fmt: skip
    for each in statements:
        assert each["Principal"] == {"Service": "rolesanywhere.amazonaws.com"}
        assert "TrustAnchor" in json.dumps(each["Condition"]["ArnEquals"])
        assert each["Condition"]["StringLike"] == {"aws:PrincipalTag/x509Subject/CN": ["i-0123456789abcdef0"]}


def test_a_made_role_trusts_the_same_way() -> None:
    statements = trust_of("Workload")
    assert {json.dumps(each["Condition"], sort_keys=True) for each in statements} == {
        json.dumps(statements[0]["Condition"], sort_keys=True)
    }


def test_the_trust_of_an_imported_role_must_be_written_by_hand() -> None:
    automation = trusting()
    role = iam.Role.from_role_name(Stack.of(automation), "Imported", "workload")
    with pytest.raises(ValueError, match=r"role is Consumer/Imported, which this app only imports.*sts:TagSession"):
        automation.trust.grant_assume_role_anywhere(role)


def test_who_starts_runs_may_watch_the_executions_of_their_hosts() -> None:
    machine = DEPLOYED["state_machine_arn"]
    run, each = (machine.replace("stateMachine", kind) for kind in ("execution", "mapRun"))
    watched = {
        "states:DescribeExecution": [f"{run}:a-run", f"{run}/RenewHosts:a-host"],
        "states:DescribeMapRun": [f"{each}/RenewHosts:a-map"],
        "states:ListExecutions": [machine, f"{each}/RenewHosts:a-map"],
    }
    statements = Stack.of(imported()).resolve(granted(imported)["grant_start_run"])
    for action, arns in watched.items():
        allowed = [arn for each in statements if action in actions(each) for arn in as_list(each["Resource"])]
        patterns = [_as_pattern(arn) for arn in allowed]
        for arn in arns:
            assert any(fnmatchcase(arn, pattern) for pattern in patterns), (action, arn, patterns)


def _as_pattern(arn: Any) -> str:
    """An ARN of a stack without account and Region, as one of the deployed automation's."""
    if isinstance(arn, str):
        return arn
    known = {"AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "111122223333"}
    return "".join(part if isinstance(part, str) else known[part["Ref"]] for part in arn["Fn::Join"][1])
