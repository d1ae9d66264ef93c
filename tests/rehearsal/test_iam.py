"""IAM enforcement reaches the services added here: what a role's policy does not allow is refused and counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from pca_automator.rehearsal.local_aws.run_command.hosts import Fleet
from pca_automator.rehearsal.local_aws.settings import Settings
from pca_automator.rehearsal.stage.process import REGION, LocalAws
from tests.rehearsal.test_local_services import csr_for, make_authority
from tests.synthesis import actions, as_list, resources, sample_template

CLIENT = "arn:aws:acm-pca:::template/EndEntityClientAuthCertificate_APIPassthrough/V1"
DOCUMENT = json.dumps(
    {
        "schemaVersion": "2.2",
        "mainSteps": [{"action": "aws:runShellScript", "name": "S", "inputs": {"runCommand": ["true"]}}],
    }
)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    directory: Path = tmp_path_factory.mktemp("strict")
    with LocalAws(directory, Settings(fleet=directory / "fleet"), auth=True) as running:
        yield running


def as_role(aws: LocalAws, name: str, statements: list[dict[str, Any]]) -> Any:
    """A client factory with the permissions of a new role."""
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
    session = aws.client("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
    return lambda service: boto3.client(
        service,
        endpoint_url=aws.endpoint,
        region_name=REGION,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )


def error_code(call: Any, **arguments: Any) -> str:
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_issue_certificate_is_bound_to_its_authority_and_template(strict: LocalAws) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    strict.client("s3").create_bucket(Bucket="crls")
    authority = make_authority(strict, "crls")
    condition = {"StringEquals": {"acm-pca:TemplateArn": CLIENT}}
    allow = {"Effect": "Allow", "Action": "acm-pca:IssueCertificate", "Resource": authority, "Condition": condition}
    issue = as_role(strict, "issuer", [allow])("acm-pca").issue_certificate
    request = {
        "CertificateAuthorityArn": authority,
        "Csr": csr_for(rsa.generate_private_key(65537, 2048), "i-01234567"),
        "SigningAlgorithm": "SHA256WITHRSA",
        "Validity": {"Type": "DAYS", "Value": 1},
    }
    assert error_code(issue, **request, TemplateArn=CLIENT) == ""
    assert error_code(issue, **request) == "AccessDeniedException"  # the default template is another one
    assert error_code(issue, **{**request, "CertificateAuthorityArn": authority + "x"}) == "AccessDeniedException"
    denials = strict.control("counters")["denials"]
    assert any("acm-pca:IssueCertificate" in denial for denial in denials)


def test_who_revokes_must_be_able_to_write_the_crl(strict: LocalAws) -> None:
    strict.client("s3").create_bucket(Bucket="revoked")
    authority = make_authority(strict, "revoked")
    revoke = {"Effect": "Allow", "Action": "acm-pca:RevokeCertificate", "Resource": authority}
    write = {
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::revoked/crl/{authority.rpartition('/')[2]}.crl",
        "Condition": {"Bool": {"aws:ViaAWSService": "true"}},
    }
    request = {"CertificateAuthorityArn": authority, "CertificateSerial": "0a", "RevocationReason": "SUPERSEDED"}
    without = as_role(strict, "without", [revoke])("acm-pca").revoke_certificate
    assert error_code(without, **request) == "InvalidRequestException"
    writer = as_role(strict, "writer", [revoke, write])
    assert error_code(writer("acm-pca").revoke_certificate, **request) == "ResourceNotFoundException"  # no such serial
    put = writer("s3").put_object
    assert error_code(put, Bucket="revoked", Key=write["Resource"].partition("/")[2], Body=b"") == "AccessDenied"


def test_send_command_is_checked_for_the_document_and_each_host(strict: LocalAws) -> None:
    fleet = Fleet(strict.directory / "fleet")
    for host in ("i-01234567", "i-89abcdef", "mi-0123456789abcdef0"):
        fleet.add(host)
    for name in ("Allowed", "Other"):
        strict.client("ssm").create_document(Name=name, Content=DOCUMENT, DocumentType="Command")
    base = f"{REGION}:000000000000"
    resources = [
        f"arn:aws:ssm:{base}:document/Allowed",
        f"arn:aws:ec2:{base}:instance/i-01234567",
        f"arn:aws:ssm:{base}:managed-instance/*",
    ]
    allow = {"Effect": "Allow", "Action": "ssm:SendCommand", "Resource": resources}
    send = as_role(strict, "sender", [allow])("ssm").send_command
    assert error_code(send, DocumentName="Allowed", InstanceIds=["i-01234567"]) == ""
    assert error_code(send, DocumentName="Allowed", InstanceIds=["mi-0123456789abcdef0"]) == ""
    assert error_code(send, DocumentName="Allowed", InstanceIds=["i-89abcdef"]) == "AccessDeniedException"
    assert error_code(send, DocumentName="Other", InstanceIds=["i-01234567"]) == "AccessDeniedException"


@pytest.mark.parametrize(
    ("action", "operation", "request_"),
    [
        ("lambda:GetFunctionConcurrency", "get_function_concurrency", {"FunctionName": "nobodys"}),
        ("lambda:GetEventSourceMapping", "get_event_source_mapping", {"UUID": "00000000-0000-0000-0000-000000000000"}),
    ],
)
def test_who_may_only_look_at_a_function_does_not_need_to_write_to_it(
    strict: LocalAws, action: str, operation: str, request_: dict[str, str]
) -> None:
    allow = {"Effect": "Allow", "Action": action, "Resource": "*"}
    looks = as_role(strict, operation, [allow])("lambda")
    assert error_code(getattr(looks, operation), **request_) in ("", "ResourceNotFoundException")
    write, delete = operation.replace("get_function", "delete_function"), operation.replace("get_event", "delete_event")
    for other in {write, delete} - {operation}:
        assert error_code(getattr(looks, other), **request_) == "AccessDeniedException"


def test_the_tags_of_a_node_are_the_nodes(strict: LocalAws) -> None:
    fleet = Fleet(strict.directory / "fleet")
    for node in ("mi-0123456789abcdef0", "mi-0123456789abcdef1"):
        fleet.add(node)
    node_arn = f"arn:aws:ssm:{REGION}:000000000000:managed-instance/mi-0123456789abcdef0"
    allow = {"Effect": "Allow", "Action": "ssm:ListTagsForResource", "Resource": node_arn}
    listed = as_role(strict, "reader", [allow])("ssm").list_tags_for_resource
    about = {"ResourceType": "ManagedInstance"}
    assert error_code(listed, **about, ResourceId="mi-0123456789abcdef0") == ""
    assert error_code(listed, **about, ResourceId="mi-0123456789abcdef1") == "AccessDeniedException"
    tag = as_role(strict, "reader-alone", [allow])("ssm").add_tags_to_resource
    tags = [{"Key": "a", "Value": "b"}]
    assert error_code(tag, **about, ResourceId="mi-0123456789abcdef0", Tags=tags) == "AccessDeniedException"


def test_put_events_is_bound_to_its_source_and_detail_type(strict: LocalAws) -> None:
    condition = {"StringEquals": {"events:source": "ours", "events:detail-type": "News"}}
    bus = f"arn:aws:events:{REGION}:000000000000:event-bus/default"
    allow = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus, "Condition": condition}
    put = as_role(strict, "publisher", [allow])("events").put_events
    entry = {"Source": "ours", "DetailType": "News", "Detail": "{}"}
    assert error_code(put, Entries=[entry]) == ""
    assert error_code(put, Entries=[{**entry, "Source": "theirs"}]) == "AccessDeniedException"
    assert error_code(put, Entries=[{**entry, "DetailType": "Gossip"}]) == "AccessDeniedException"
    assert error_code(put, Entries=[{**entry, "EventBusName": "other"}]) == "AccessDeniedException"


def test_crls_are_checked_by_operation_and_id(strict: LocalAws) -> None:
    allow = {"Effect": "Allow", "Action": "rolesanywhere:ListCrls", "Resource": "*"}
    client = as_role(strict, "lister", [allow])("rolesanywhere")
    assert error_code(client.list_crls) == ""
    assert error_code(client.get_crl, crlId="00000000-0000-0000-0000-000000000000") == "AccessDeniedException"
    assert error_code(client.list_profiles) == "AccessDeniedException"


@pytest.mark.parametrize("otherwise", ["", "private-ca.revoker-object"])
def test_the_objects_that_the_product_grants_let_it_revoke_in_both_worlds(strict: LocalAws, otherwise: str) -> None:
    """AWS does not say which object is tried; one alone is refused in one of the worlds."""
    name = f"granted-{len(otherwise)}"
    strict.client("s3").create_bucket(Bucket=name)
    authority = make_authority(strict, name)
    granted = {arn["Fn::Join"][1][-1] for arn in written_by_revokers()}
    assert len(granted) > 1
    request = {"CertificateAuthorityArn": authority, "CertificateSerial": "0a", "RevocationReason": "SUPERSEDED"}

    def answer(role: str, objects: set[str]) -> str:
        write = {
            "Effect": "Allow",
            "Action": "s3:PutObject",
            "Resource": [f"arn:aws:s3:::{name}{each}" for each in sorted(objects)],
            "Condition": {"Bool": {"aws:ViaAWSService": "true"}},
        }
        revoke = {"Effect": "Allow", "Action": "acm-pca:RevokeCertificate", "Resource": authority}
        return error_code(as_role(strict, f"{name}-{role}", [revoke, write])("acm-pca").revoke_certificate, **request)

    strict.control("settings", {"other_answers": otherwise})
    try:
        assert answer("all", granted) == "ResourceNotFoundException"  # no such serial
        tried = next(each for each in granted if each.endswith("-test-key" if otherwise else ".crl"))
        assert answer("less", granted - {tried}) == "InvalidRequestException"
    finally:
        strict.control("settings", {"other_answers": ""})


def written_by_revokers() -> list[dict[str, Any]]:
    """What CertRetire may have AWS write, in the product's template."""
    policies = [each["Properties"] for each in resources(sample_template(), "AWS::IAM::Policy").values()]
    (statements,) = (
        each["PolicyDocument"]["Statement"]
        for each in policies
        if each["Roles"] and "CertRetire" in json.dumps(each["Roles"])
    )
    on_behalf = [each for each in statements if "aws:ViaAWSService" in json.dumps(each.get("Condition", {}))]
    return [arn for each in on_behalf if "s3:PutObject" in actions(each) for arn in as_list(each["Resource"])]
