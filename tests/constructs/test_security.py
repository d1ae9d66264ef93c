"""Least privilege, encryption, retention: what a reviewer of the template would look for."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter
from typing import Any

import pytest
from aws_cdk import RemovalPolicy

from pca_automator.authority.roles_anywhere import HOST_SUBJECTS
from tests.constructs.promises.access import WITHOUT_RESOURCE_TYPE
from tests.synthesis import actions, as_list, automation, resources, sample_template, statements, template_of

STATEFUL = {
    "AWS::ACMPCA::CertificateAuthority",
    "AWS::ACMPCA::CertificateAuthorityActivation",
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return sample_template()


def test_a_wildcard_resource_stands_only_where_no_resource_type_exists(template: dict[str, Any]) -> None:
    wild = {
        action
        for statement in statements(template)
        if "*" in as_list(statement["Resource"])
        for action in actions(statement)
    }
    assert wild <= WITHOUT_RESOURCE_TYPE
    assert "ssm:GetCommandInvocation" in wild  # the collection above found something


def test_no_action_has_a_wildcard(template: dict[str, Any]) -> None:
    assert [a for statement in statements(template) for a in actions(statement) if "*" in a] == []


@pytest.mark.parametrize(
    ("function", "document"), [("CertCSRRole", "GenerateCsr"), ("CertDeployRole", "InstallCertificate")]
)
def test_commands_are_sent_with_our_own_documents_alone(template: dict[str, Any], function: str, document: str) -> None:
    sends = [s for s in statements(template, function) if "ssm:SendCommand" in actions(s)]
    texts = [json.dumps(resource) for statement in sends for resource in as_list(statement["Resource"])]
    documents = [text for text in texts if ":document/" in text]
    assert len(documents) == 1
    assert document in documents[0]
    assert sorted(text.split(":")[-1].strip('"]}') for text in texts if text not in documents) == [
        "instance/*",
        "managed-instance/*",
    ]


@pytest.mark.parametrize("function", ["CertCheck", "CertReport"])
def test_functions_write_files_with_the_one_call_they_make(template: dict[str, Any], function: str) -> None:
    written = [each for each in statements(template, f"{function}Role") if "s3:PutObject" in actions(each)]
    assert [actions(each) for each in written] == [["s3:PutObject"]]


def test_certificates_are_issued_with_one_template_from_one_ca(template: dict[str, Any]) -> None:
    (issue,) = (s for s in statements(template) if "acm-pca:IssueCertificate" in actions(s))
    allowed = issue["Condition"]["StringEquals"]["acm-pca:TemplateArn"]["Fn::Join"][1]
    assert allowed[-1] == ":acm-pca:::template/EndEntityCertificate_APIPassthrough/V1"
    assert issue["Resource"]["Fn::GetAtt"][0].startswith("AutomationPrivateCAAuthority")


def test_whoever_revokes_may_have_aws_write_each_object_that_private_ca_writes(template: dict[str, Any]) -> None:
    """AWS does not say which of them is tried: https://docs.aws.amazon.com/privateca/latest/userguide/crl-planning.html"""
    written = {"*.crl", "audit-report/*", "acm-pca-permission-test-key", "acm-pca-permission-test-key-private"}
    policies = [each["Properties"]["PolicyDocument"] for each in resources(template, "AWS::IAM::Policy").values()]
    revoking = [
        each["Statement"]
        for each in policies
        if any("acm-pca:RevokeCertificate" in actions(statement) for statement in each["Statement"])
    ]
    assert revoking
    for each in revoking:
        on_behalf = [s for s in each if s.get("Condition") == {"Bool": {"aws:ViaAWSService": "true"}}]
        arns = [arn for s in on_behalf if "s3:PutObject" in actions(s) for arn in as_list(s["Resource"])]
        assert {arn["Fn::Join"][1][-1].removeprefix("/") for arn in arns} == written


def test_the_test_role_may_do_nothing_and_trusts_our_anchor_and_hosts_alone(template: dict[str, Any]) -> None:
    (role,) = (r for name, r in resources(template, "AWS::IAM::Role").items() if "TestRole" in name)
    assert not {"Policies", "ManagedPolicyArns"} & set(role["Properties"])
    attached = [json.dumps(p["Properties"]["Roles"]) for p in resources(template, "AWS::IAM::Policy").values()]
    assert not [roles for roles in attached if "TestRole" in roles]
    trust = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert sorted(action for statement in trust for action in actions(statement)) == [
        "sts:AssumeRole",
        "sts:SetSourceIdentity",
        "sts:TagSession",
    ]
    for statement in trust:
        condition = statement["Condition"]
        assert "TrustAnchor" in json.dumps(condition["ArnEquals"]["aws:SourceArn"])
        assert condition["StringLike"] == {"aws:PrincipalTag/x509Subject/CN": list(HOST_SUBJECTS)}
        # AWS shows aws:SourceAccount in no example for this service: what it may not send, no policy may demand.
        assert condition["StringEquals"] == {"aws:PrincipalTag/x509Issuer/CN": "Example Fleet Root CA"}


@pytest.mark.parametrize(
    ("name", "is_host"),
    [
        ("i-01234567", True), ("i-0123456789abcdef0", True), ("mi-0123456789abcdef0", True), ("i-", False),
        ("i-anything", True), ("i-0123456", False), ("i-0123456789abcdef01", False), ("i-payments-service", False),
        ("mi-01234567", False), ("ci-0123456789abcdef0", False), ("*", False),
    ],
)  # fmt: skip
def test_the_default_trust_takes_names_of_the_length_of_a_hosts_id(name: str, is_host: bool) -> None:
    """IAM knows no class of characters: a word of eight letters still passes, which the pages say."""
    assert any(fnmatchcase(name, subject) for subject in HOST_SUBJECTS) is is_host


@pytest.mark.parametrize("service", ["acm-pca.amazonaws.com", "states.amazonaws.com", "scheduler.amazonaws.com"])
def test_service_principals_are_bound_to_this_account(template: dict[str, Any], service: str) -> None:
    documents = [r["Properties"]["AssumeRolePolicyDocument"] for r in resources(template, "AWS::IAM::Role").values()]
    documents += [p["Properties"]["PolicyDocument"] for p in resources(template, "AWS::S3::BucketPolicy").values()]
    found = [
        statement
        for document in documents
        for statement in document["Statement"]
        if isinstance(statement["Principal"], dict) and statement["Principal"].get("Service") == service
    ]
    assert found
    assert all(s["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"} for s in found)


def test_whatever_holds_state_survives_the_stack(template: dict[str, Any]) -> None:
    kinds = set()
    for name, resource in template["Resources"].items():
        if resource["Type"] in STATEFUL:
            kinds.add(resource["Type"])
            # A failed first deployment leaves no CA that costs; a protected table and a bucket with objects cannot go,
            # and a bucket that stays is never without its policy.
            stays = resource["Type"] in ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::S3::BucketPolicy")
            kept = "Retain" if stays else "RetainExceptOnCreate"
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (kept, "Retain"), name
    assert kinds == STATEFUL


def test_the_workflow_goes_with_its_role_and_its_log_is_in_nobodys_way(template: dict[str, Any]) -> None:
    (machine,) = resources(template, "AWS::StepFunctions::StateMachine").values()
    assert machine["DeletionPolicy"] == "Delete"
    names = [
        json.dumps(group["Properties"]["LogGroupName"])
        for group in resources(template, "AWS::Logs::LogGroup").values()
        if "LogGroupName" in group["Properties"]
    ]
    # The prefix is exempt from the account's limit on resource policies; a stack's id comes once.
    assert [name for name in names if "/aws/vendedlogs/states/" in name and "AWS::StackId" in name] == names
    assert len(names) == 1


def test_the_inventory_is_protected(template: dict[str, Any]) -> None:
    (table,) = (each for name, each in resources(template, "AWS::DynamoDB::Table").items() if "Hosts" in name)
    properties = table["Properties"]
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["SSESpecification"]["SSEType"] == "KMS"
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["KeySchema"] == [{"AttributeName": "hostID", "KeyType": "HASH"}]


def test_everything_is_encrypted(template: dict[str, Any]) -> None:
    assert all("KmsKeyId" in g["Properties"] for g in resources(template, "AWS::Logs::LogGroup").values())
    assert all("RetentionInDays" in g["Properties"] for g in resources(template, "AWS::Logs::LogGroup").values())
    assert all("KmsMasterKeyId" in t["Properties"] for t in resources(template, "AWS::SNS::Topic").values())
    assert all(q["Properties"]["SqsManagedSseEnabled"] is True for q in resources(template, "AWS::SQS::Queue").values())
    (key,) = resources(template, "AWS::KMS::Key").values()
    assert key["Properties"]["EnableKeyRotation"] is True


def test_buckets_are_private_versioned_and_tls_only(template: dict[str, Any]) -> None:
    policies = json.dumps([p["Properties"] for p in resources(template, "AWS::S3::BucketPolicy").values()])
    for name, bucket in resources(template, "AWS::S3::Bucket").items():
        properties = bucket["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}, name
        assert "BucketEncryption" in properties, name
        assert name in policies, name
    assert policies.count("aws:SecureTransport") == len(resources(template, "AWS::S3::Bucket"))


def crl_bucket(template: dict[str, Any]) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """Its logical id, its properties, and the statements of its policy."""
    ((name, bucket),) = ((n, b) for n, b in resources(template, "AWS::S3::Bucket").items() if "CrlBucket" in n)
    (policy,) = (
        p["Properties"]["PolicyDocument"]["Statement"]
        for p in resources(template, "AWS::S3::BucketPolicy").values()
        if p["Properties"]["Bucket"] == {"Ref": name}
    )
    return name, bucket["Properties"], policy


def test_the_crl_bucket_is_encrypted_cleans_up_and_sends_events(template: dict[str, Any]) -> None:
    _, properties, _ = crl_bucket(template)
    (encryption,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    rules = properties["LifecycleConfiguration"]["Rules"]
    assert {"NoncurrentVersionExpiration": {"NoncurrentDays": 90}, "Status": "Enabled"} in rules
    assert {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Status": "Enabled"} in rules
    # The CRL itself is never expired: the next one may be a month away.
    assert not [rule for rule in rules if "ExpirationInDays" in rule]
    assert properties["NotificationConfiguration"]["EventBridgeConfiguration"] == {"EventBridgeEnabled": True}


def test_only_the_accounts_own_private_ca_may_write_to_the_crl_bucket_and_nobody_without_tls(
    template: dict[str, Any],
) -> None:
    name, _, policy = crl_bucket(template)
    allowed = [statement for statement in policy if statement["Effect"] == "Allow"]
    assert {action for statement in allowed for action in actions(statement)} == {
        "s3:GetBucketAcl",
        "s3:GetBucketLocation",
        "s3:PutObject",
        "s3:PutObjectAcl",
    }
    for statement in allowed:
        assert statement["Principal"] == {"Service": "acm-pca.amazonaws.com"}
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert ":certificate-authority/*" in json.dumps(statement["Condition"]["ArnLike"]["aws:SourceArn"])
        assert name in json.dumps(statement["Resource"])
    denied = [statement["Condition"] for statement in policy if statement["Effect"] == "Deny"]
    assert denied == [{"Bool": {"aws:SecureTransport": "false"}}, {"NumericLessThan": {"s3:TlsVersion": 1.2}}]


def test_everything_can_also_be_deleted_in_an_order_that_works() -> None:
    """CloudFormation deletes against the order of creation: the CA goes before the policy that lets it write."""
    found = template_of(automation(removal_policy=RemovalPolicy.DESTROY))
    for kind in STATEFUL:
        for name, resource in resources(found, kind).items():
            assert resource.get("DeletionPolicy", "Delete") == "Delete", name
    order = deletion_order(found)
    policy = next(name for name in resources(found, "AWS::S3::BucketPolicy") if "CrlBucket" in name)
    (authority,) = resources(found, "AWS::ACMPCA::CertificateAuthority")
    (activation,) = resources(found, "AWS::ACMPCA::CertificateAuthorityActivation")
    (anchor,) = resources(found, "AWS::RolesAnywhere::TrustAnchor")
    (table,) = (name for name in resources(found, "AWS::DynamoDB::Table") if "Hosts" in name)
    streams = [
        name
        for name, mapping in resources(found, "AWS::Lambda::EventSourceMapping").items()
        if "StartingPosition" in mapping["Properties"]
    ]
    assert order.index(anchor) < order.index(activation) < order.index(authority) < order.index(policy)
    assert max(order.index(name) for name in streams) < order.index(table)


def deletion_order(template: dict[str, Any]) -> list[str]:
    """One of CloudFormation's orders: nothing goes before what depends on it or refers to it. A cycle is an error."""
    names = set(template["Resources"])
    needs = {
        name: {each for each in names - {name} if f'"{each}"' in json.dumps(resource)}
        for name, resource in template["Resources"].items()
    }
    return list(TopologicalSorter(needs).static_order())[::-1]


def test_the_crl_bucket_is_ready_before_the_ca(template: dict[str, Any]) -> None:
    (authority,) = resources(template, "AWS::ACMPCA::CertificateAuthority").values()
    assert any("CrlBucketPolicy" in each for each in authority["DependsOn"])
    crl = authority["Properties"]["RevocationConfiguration"]["CrlConfiguration"]
    assert crl["S3ObjectAcl"] == "BUCKET_OWNER_FULL_CONTROL"
    assert crl["CrlDistributionPointExtensionConfiguration"] == {"OmitExtension": True}


def test_the_trust_anchor_waits_for_the_active_ca(template: dict[str, Any]) -> None:
    (anchor,) = resources(template, "AWS::RolesAnywhere::TrustAnchor").values()
    assert any("Activation" in each for each in anchor["DependsOn"])


def test_sessions_last_the_shortest_time_there_is(template: dict[str, Any]) -> None:
    (profile,) = resources(template, "AWS::RolesAnywhere::Profile").values()
    assert profile["Properties"]["DurationSeconds"] == 900


def test_execution_data_is_not_logged(template: dict[str, Any]) -> None:
    (machine,) = resources(template, "AWS::StepFunctions::StateMachine").values()
    assert machine["Properties"]["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert machine["Properties"]["LoggingConfiguration"]["Level"] == "ALL"


def test_no_resource_has_a_fixed_name(template: dict[str, Any]) -> None:
    """Two automations fit into one account. IAM Roles Anywhere requires names; theirs are the construct's path."""
    name_properties = {
        "AWS::DynamoDB::Table": "TableName",
        "AWS::IAM::Role": "RoleName",
        "AWS::Lambda::Function": "FunctionName",
        "AWS::S3::Bucket": "BucketName",
        "AWS::SNS::Topic": "TopicName",
        "AWS::SSM::Document": "Name",
        "AWS::Scheduler::Schedule": "Name",
        "AWS::StepFunctions::StateMachine": "StateMachineName",
    }
    for resource_type, prop in name_properties.items():
        for name, resource in resources(template, resource_type).items():
            assert prop not in resource.get("Properties", {}), name
