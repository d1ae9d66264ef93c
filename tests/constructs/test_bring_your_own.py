"""What the account already has is used, nothing is made beside it, and both are seen through the same properties."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, RemovalPolicy, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rolesanywhere as rolesanywhere
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match, Template

from pca_automator import (
    Authority,
    FunctionNetwork,
    FunctionSettings,
    PcaCertificateAutomation,
    RenewalTimes,
    UsageMode,
)
from tests.synthesis import as_list, automation, new_app, plain, plain_template, resources, statements, template_of

REGION, ACCOUNT = "eu-central-1", "111122223333"
CA_ARN = f"arn:aws:acm-pca:{REGION}:{ACCOUNT}:certificate-authority/11111111-2222-3333-4444-555555555555"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/66666666-7777-8888-9999-000000000000"
TABLE_ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/hosts"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:pki-failures"
ANCHOR_ARN = f"arn:aws:rolesanywhere:{REGION}:{ACCOUNT}:trust-anchor/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
LAYER_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:dependencies:7"


def new_stack(app: App | None = None) -> Stack:
    return Stack(app or new_app(), "Consumer", env=Environment(account=ACCOUNT, region=REGION))


def table(stack: Stack, **attributes: str) -> dynamodb.ITable:
    return dynamodb.Table.from_table_attributes(stack, "Hosts", table_arn=TABLE_ARN, **attributes)  # type: ignore[arg-type]


@cache
def brought() -> PcaCertificateAutomation:
    stack = new_stack()
    return PcaCertificateAutomation(
        stack,
        "Automation",
        authority=Authority.existing(
            acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "CA", CA_ARN),
            crl_bucket=s3.Bucket.from_bucket_name(stack, "Crls", "corporate-crls"),
            usage_mode=UsageMode.SHORT_LIVED,
        ),
        encryption_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN),
        functions=FunctionSettings(
            architecture=lambda_.Architecture.X86_64,
            dependency_layer=lambda_.LayerVersion.from_layer_version_arn(stack, "Layer", LAYER_ARN),
            log_retention=logs.RetentionDays.ONE_MONTH,
            network=FunctionNetwork(
                vpc=ec2.Vpc.from_vpc_attributes(
                    stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"], private_subnet_ids=["subnet-1"]
                ),
                security_groups=[ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-1")],
                subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            ),
        ),
        instance_tags={"certificates": "managed"},
        profile_roles=[iam.Role.from_role_arn(stack, "Role", f"arn:aws:iam::{ACCOUNT}:role/workload")],
        removal_policy=RemovalPolicy.DESTROY,
        table=table(stack, table_stream_arn=f"{TABLE_ARN}/stream/2026-01-01T00:00:00.000"),
        topic=sns.Topic.from_topic_arn(stack, "Topic", TOPIC_ARN),
        trust_anchor=rolesanywhere.CfnTrustAnchor.from_trust_anchor_arn(stack, "Anchor", ANCHOR_ARN),
    )


@cache
def template() -> dict[str, Any]:
    return template_of(brought())


@pytest.mark.parametrize(
    "kind",
    [
        "AWS::ACMPCA::CertificateAuthority",
        "AWS::ACMPCA::Certificate",
        "AWS::DynamoDB::Table",
        "AWS::KMS::Key",
        "AWS::Lambda::LayerVersion",
        "AWS::RolesAnywhere::TrustAnchor",
        "AWS::SNS::Topic",
        "AWS::EC2::SecurityGroup",
    ],
)
def test_nothing_is_made_beside_what_is_given(kind: str) -> None:
    # The ledgers are the system's own, whatever is given.
    made = [name for name, each in template()["Resources"].items() if each["Type"] == kind and "Ledger" not in name]
    assert made == []
    if kind not in ("AWS::EC2::SecurityGroup", "AWS::Lambda::LayerVersion"):
        assert resources(plain_template(), kind)


def test_what_is_used_is_exposed() -> None:
    used = brought()
    assert used.certificate_authority.certificate_authority_arn == CA_ARN
    assert used.private_ca is None
    assert used.crl_bucket is not None
    assert used.crl_bucket.bucket_name == "corporate-crls"
    assert used.encryption_key.key_arn == KEY_ARN
    assert used.table.table_arn == TABLE_ARN
    assert used.topic.topic_arn == TOPIC_ARN
    assert used.trust.trust_anchor_arn == ANCHOR_ARN


def test_what_is_made_is_exposed_as_well() -> None:
    made = plain()
    known = Stack.of(made).resolve(
        {
            "AWS::ACMPCA::CertificateAuthority": made.certificate_authority.certificate_authority_arn,
            "AWS::KMS::Key": made.encryption_key.key_arn,
            "AWS::DynamoDB::Table": made.table.table_arn,
            "AWS::RolesAnywhere::TrustAnchor": made.trust.trust_anchor_arn,
        }
    )
    for kind, arn in known.items():
        assert set(arn["Fn::GetAtt"][:1]) <= set(resources(plain_template(), kind))
    assert made.private_ca is not None
    assert made.crl_bucket is made.private_ca.crl_bucket


def test_the_functions_run_where_and_as_the_user_says() -> None:
    functions = resources(template(), "AWS::Lambda::Function")
    # The CDK's own, which empties a bucket that is to go with its stack, has no settings.
    (emptying,) = (name for name in functions if "POWERTOOLS_SERVICE_NAME" not in json.dumps(functions[name]))
    assert emptying.startswith("CustomS3AutoDeleteObjects")
    del functions[emptying]
    assert len(functions) > 10
    for function in functions.values():
        properties = function["Properties"]
        assert properties["Architectures"] == ["x86_64"]
        assert properties["Layers"] == [LAYER_ARN]
        assert properties["VpcConfig"] == {"SecurityGroupIds": ["sg-1"], "SubnetIds": ["subnet-1"]}
    for group in resources(template(), "AWS::Logs::LogGroup").values():
        assert group["Properties"]["RetentionInDays"] == 30
        assert group["Properties"]["KmsKeyId"] == KEY_ARN
        assert group["DeletionPolicy"] == "Delete"


def test_commands_reach_tagged_hosts_alone() -> None:
    sends = [each for each in statements(template()) if "ssm:SendCommand" in as_list(each["Action"])]
    hosts = [each for each in sends if "document" not in json.dumps(each["Resource"])]
    assert len(hosts) >= 3, "GenerateCsr, InstallCertificate and RemoveCertificate are sent"
    for statement in hosts:
        assert statement["Condition"]["StringEquals"] == {"ssm:resourceTag/certificates": "managed"}


def test_the_profile_offers_the_given_role() -> None:
    (profile,) = resources(template(), "AWS::RolesAnywhere::Profile").values()
    assert f"arn:aws:iam::{ACCOUNT}:role/workload" in profile["Properties"]["RoleArns"]


def test_a_table_without_a_stream_enrols_at_the_next_run_and_says_so() -> None:
    stack = new_stack()
    construct = PcaCertificateAutomation(stack, "Automation", table=table(stack))
    assert construct.enrolment is None
    assert Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp(".*has no stream.*"))


def test_an_existing_ca_without_a_bucket_gets_no_crl_pipeline() -> None:
    stack = new_stack()
    authority = acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "CA", CA_ARN)
    construct = PcaCertificateAutomation(stack, "Automation", authority=Authority.existing(authority))
    assert construct.crl_distribution is None
    assert construct.crl_alarms is None
    assert construct.alarms is not None
    assert "UnhandledEvents" in [alarm.node.id for alarm in construct.alarms.node.children]


def test_the_functions_run_on_the_python_of_the_users_choice() -> None:
    older = automation(functions=FunctionSettings(runtime=lambda_.Runtime.PYTHON_3_12))
    for kind, key in (("AWS::Lambda::Function", "Runtime"), ("AWS::Lambda::LayerVersion", "CompatibleRuntimes")):
        for each in resources(template_of(older), kind).values():
            assert as_list(each["Properties"][key]) == ["python3.12"]


@pytest.mark.parametrize("runtime", [lambda_.Runtime.PYTHON_3_9, lambda_.Runtime.NODEJS_22_X])
def test_another_runtime_than_the_functions_are_made_for_is_refused(runtime: lambda_.Runtime) -> None:
    with pytest.raises(ValueError, match=rf"runtime is {runtime.name}: it must be a Python runtime from"):
        FunctionSettings(runtime=runtime)


def test_a_created_ca_may_be_for_longer_certificates() -> None:
    month = RenewalTimes(validity=Duration.days(30))
    made = automation(authority=Authority.created(usage_mode=UsageMode.GENERAL_PURPOSE), times=month)
    (authority,) = resources(template_of(made), "AWS::ACMPCA::CertificateAuthority").values()
    assert authority["Properties"]["UsageMode"] == "GENERAL_PURPOSE"


def key_warnings(stack: Stack) -> list[str]:
    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp(".*encryption_key is imported.*"))
    return [str(each.entry.data) for each in found]


def test_a_key_of_the_same_app_lets_logs_and_alarms_use_it() -> None:
    stack = new_stack()
    PcaCertificateAutomation(stack, "Automation", encryption_key=kms.Key(stack, "Mine"))
    (key,) = resources(Template.from_stack(stack).to_json(), "AWS::KMS::Key").values()
    logs_service, alarms = (
        each for each in key["Properties"]["KeyPolicy"]["Statement"] if "Service" in each["Principal"]
    )
    assert f"logs.{REGION}." in json.dumps(logs_service["Principal"])
    assert "kms:EncryptionContext:aws:logs:arn" in logs_service["Condition"]["ArnLike"]
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert key_warnings(stack) == []


def test_the_policy_that_an_imported_key_needs_is_said_at_synthesis() -> None:
    (said,) = key_warnings(Stack.of(brought()))
    for part in (f"logs.{REGION}.", "cloudwatch.amazonaws.com", "kms:EncryptionContext:aws:logs:arn"):
        assert part in said
