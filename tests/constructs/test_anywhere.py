"""The same construct in every app: twice in a stack, in a Stage, in other partitions, under every feature flag."""

from __future__ import annotations

import json
import tarfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, NestedStack, RemovalPolicy, Stack, Stage, Tags, pipelines
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template
from constructs import Construct

from pca_automator import PcaCertificateAutomation
from tests.synthesis import NO_BUNDLING, actions, as_list, new_app, plain_template, resources, statements, template_of

# Frozen: a stateful resource whose logical id changes is replaced, and its content is lost.
STATEFUL_LOGICAL_IDS = {
    "AWS::ACMPCA::CertificateAuthority": ["AutomationPrivateCAAuthority5A683C0F"],
    "AWS::DynamoDB::Table": [
        "AutomationInventoryHostsE2CBCD42",
        "AutomationLedgerCertificates6879E1E1",
        "AutomationStartLedgerStartsAD11E239",
    ],
    "AWS::KMS::Key": ["AutomationKeyD5F46D9F"],
    "AWS::RolesAnywhere::TrustAnchor": ["AutomationRolesAnywhereTrustAnchorFBB25D9D"],
    "AWS::S3::Bucket": [
        "AutomationAccessLogs01B853F3",
        "AutomationLedgerAuditReportsD0338772",
        "AutomationPrivateCACrlBucketFD1B3671",
        "AutomationWorkflowWorkBucket6CD55594",
    ],
}


def test_two_automations_fit_into_one_stack() -> None:
    stack = Stack(new_app(), "Consumer")
    for name in ("Blue", "Green"):
        PcaCertificateAutomation(stack, name)
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::StepFunctions::StateMachine", 2)
    names = [a["Properties"]["Name"] for a in template.find_resources("AWS::RolesAnywhere::TrustAnchor").values()]
    assert len(set(names)) == 2


def test_two_stacks_of_an_app_can_be_deployed_into_one_account() -> None:
    app = new_app()
    stacks = [Stack(app, name) for name in ("Blue", "Green")]
    for stack in stacks:
        PcaCertificateAutomation(stack, "Automation")
    names = [
        anchor["Properties"]["Name"]
        for stack in stacks
        for anchor in resources(Template.from_stack(stack).to_json(), "AWS::RolesAnywhere::TrustAnchor").values()
    ]
    assert len(set(names)) == 2


def test_a_pipeline_deploys_it_in_a_stage() -> None:
    """CDK Pipelines prepare the Stage apart from the app: an asset or a token that crosses its border would fail."""

    class Fleet(Stage):
        def __init__(self, scope: Construct, id: str) -> None:
            super().__init__(scope, id, env=Environment(account="111122223333", region="eu-west-1"))
            self.stack = Stack(self, "Fleet")
            PcaCertificateAutomation(self.stack, "Automation")

    app = new_app()
    delivery = Stack(app, "Delivery", env=Environment(account="111122223333", region="eu-west-1"))
    bucket = s3.Bucket.from_bucket_name(delivery, "Sources", "sources")
    pipeline = pipelines.CodePipeline(
        delivery,
        "Pipeline",
        synth=pipelines.ShellStep(
            "Synth", input=pipelines.CodePipelineSource.s3(bucket, "app.zip"), commands=["cdk synth"]
        ),
    )
    fleet = Fleet(app, "Prod")
    pipeline.add_stage(fleet)
    app.synth()
    (deploying,) = resources(Template.from_stack(delivery).to_json(), "AWS::CodePipeline::Pipeline").values()
    assert [stage["Name"] for stage in deploying["Properties"]["Stages"]][-1] == "Prod"
    assert resources(Template.from_stack(fleet.stack).to_json(), "AWS::StepFunctions::StateMachine")


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-gov-west-1", "aws-us-gov"),
        ("cn-north-1", "aws-cn"),
        pytest.param("eu-central-1", "aws", marks=pytest.mark.long),
        pytest.param(None, None, marks=pytest.mark.long),
    ],
)
def test_every_partition_and_no_environment_at_all(region: str | None, partition: str | None) -> None:
    env = Environment(account="111122223333", region=region) if region else None
    stack = Stack(new_app(), "Consumer", env=env)
    construct = PcaCertificateAutomation(stack, "Automation")
    text = json.dumps(template_of(construct))
    assert "arn:aws:" not in text.replace("arn:aws:iam::aws:policy", "") or partition == "aws"
    assert "amazonaws.com.cn" not in text or partition == "aws-cn"


def test_stateful_resources_keep_their_logical_ids() -> None:
    template = plain_template()
    assert {kind: sorted(resources(template, kind)) for kind in STATEFUL_LOGICAL_IDS} == STATEFUL_LOGICAL_IDS


def test_a_stage_and_a_nested_stack_work() -> None:
    app = new_app()
    stack = Stack(Stage(app, "Prod", env=Environment(account="111122223333", region="eu-west-1")), "Fleet")
    nested = NestedStack(stack, "Nested")
    PcaCertificateAutomation(nested, "Automation")
    assert len(Template.from_stack(nested).find_resources("AWS::DynamoDB::Table")) == 3


def test_feature_flags_change_nothing_that_matters() -> None:
    """Every recommended flag on, and every one off: the same resources, permissions and workflow."""
    on = summary(dict.fromkeys(recommended_flags(), True))
    off = summary(dict.fromkeys(recommended_flags(), False))
    assert on == off


def recommended_flags() -> list[str]:
    """The flags of a new project, from the list that comes with aws-cdk-lib."""
    (package,) = Path(str(files("aws_cdk._jsii"))).glob("aws-cdk-lib@*.tgz")
    with tarfile.open(package) as archive:
        listed = archive.extractfile("package/recommended-feature-flags.json")
        assert listed is not None
        flags = list(json.load(listed))
    assert len(flags) > 40
    return flags


def summary(flags: dict[str, Any]) -> dict[str, Any]:
    construct = PcaCertificateAutomation(Stack(App(context=NO_BUNDLING | flags), "Consumer"), "Automation")
    template = template_of(construct)
    kinds = sorted(resource["Type"] for resource in template["Resources"].values())
    # Flags may merge statements: compare what they permit, one action on one resource at a time.
    permitted = {
        json.dumps([action, resource, statement.get("Condition")], sort_keys=True)
        for statement in statements(template)
        for action in actions(statement)
        for resource in as_list(statement["Resource"])
    }
    (machine,) = resources(template, "AWS::StepFunctions::StateMachine").values()
    return {"kinds": kinds, "permitted": permitted, "definition": json.dumps(machine["Properties"]["DefinitionString"])}


def test_a_boundary_and_tags_from_outside_reach_everything() -> None:
    app = new_app()
    stack = Stack(app, "Consumer")
    construct = PcaCertificateAutomation(stack, "Automation")
    boundary = iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", "corporate-boundary")
    iam.PermissionsBoundary.of(stack).apply(boundary)
    Tags.of(stack).add("cost-centre", "pki")
    template = template_of(construct)
    assert all("PermissionsBoundary" in role["Properties"] for role in resources(template, "AWS::IAM::Role").values())
    (table,) = (each for name, each in resources(template, "AWS::DynamoDB::Table").items() if "Hosts" in name)
    assert {"Key": "cost-centre", "Value": "pki"} in table["Properties"]["Tags"]


def test_everything_can_be_thrown_away_where_the_user_says_so() -> None:
    construct = PcaCertificateAutomation(
        Stack(new_app(), "Consumer"), "Automation", removal_policy=RemovalPolicy.DESTROY
    )
    template = template_of(construct)
    kept = [name for name, resource in template["Resources"].items() if resource.get("DeletionPolicy") == "Retain"]
    assert kept == []
    (table,) = (each for name, each in resources(template, "AWS::DynamoDB::Table").items() if "Hosts" in name)
    assert table["Properties"]["DeletionProtectionEnabled"] is False


def test_the_template_stays_small() -> None:
    template = plain_template()
    assert len(template["Resources"]) < 200
    assert len(json.dumps(template)) < 500_000
