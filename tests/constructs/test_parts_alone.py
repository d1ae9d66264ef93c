"""Each public part works without the others that it does not name: what a consumer composes by hand."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from pca_automator import (
    CertificateLedger,
    CrlDistribution,
    ExistingCertificateAuthority,
    FailureNotifications,
    FunctionFactory,
    HostDocuments,
    HostFunctions,
    HostInventory,
    HostRenewal,
    HostSettings,
    Polling,
    PrivateCertificateAuthority,
    RenewalTimes,
    RenewalWorkflow,
    RolesAnywhereTrust,
    SigningAlgorithm,
    StartLedger,
)
from tests.constructs.renewal.looks import looks
from tests.synthesis import new_app, resources, state_machine_definition

CA_ARN = "arn:aws:acm-pca:eu-central-1:111122223333:certificate-authority/11111111-2222-3333-4444-555555555555"


def new_stack() -> Stack:
    return Stack(new_app(), "Consumer")


def template_of(stack: Stack) -> dict[str, Any]:
    document: dict[str, Any] = Template.from_stack(stack).to_json()
    return document


def existing_ca(stack: Stack) -> ExistingCertificateAuthority:
    return ExistingCertificateAuthority(
        certificate_authority=acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "CA", CA_ARN),
        signing_algorithm=SigningAlgorithm.SHA256WITHECDSA,
    )


def test_a_ca_with_its_crl_pipeline() -> None:
    stack = new_stack()
    key = kms.Key(stack, "Key")
    authority = PrivateCertificateAuthority(stack, "Authority", common_name="Root", crl_expiry=Duration.days(2))
    trust = RolesAnywhereTrust(stack, "Trust", authority=authority)
    CrlDistribution(
        stack,
        "Revocation",
        authority=authority,
        dead_letters=sqs.Queue(stack, "DeadLetters"),
        factory=FunctionFactory(stack, "Functions", automation_name="crls", encryption_key=key),
        ledger=CertificateLedger(stack, "Ledger", access_log_bucket=s3.Bucket(stack, "Logs"), encryption_key=key),
        notifications=FailureNotifications(stack, "Notifications", encryption_key=key),
        trust=trust,
    )
    template = template_of(stack)
    (function,) = resources(template, "AWS::Lambda::Function").values()
    assert function["Properties"]["Handler"] == "handlers.crl_processor.handler"
    (made,) = resources(template, "AWS::ACMPCA::CertificateAuthority").values()
    crl = made["Properties"]["RevocationConfiguration"]["CrlConfiguration"]
    assert (crl["Enabled"], crl["ExpirationInDays"]) == (True, 2)
    assert not [each for each in template["Resources"].values() if each["Type"] == "AWS::StepFunctions::StateMachine"]


def test_a_trust_for_roles_of_the_consumers_own() -> None:
    stack = new_stack()
    trust = RolesAnywhereTrust(stack, "Trust", authority=existing_ca(stack))
    role = iam.Role(stack, "Workload", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    trust.grant_assume_role_anywhere(role)
    trust.create_profile(stack, "Workloads", roles=[role])
    template = template_of(stack)
    assert len(resources(template, "AWS::RolesAnywhere::Profile")) == 2
    assert {each["Type"] for each in template["Resources"].values()} == {
        "AWS::IAM::Role", "AWS::RolesAnywhere::Profile", "AWS::RolesAnywhere::TrustAnchor",
    }  # fmt: skip


def test_the_documents_for_a_workflow_of_the_consumers_own() -> None:
    stack = new_stack()
    documents = HostDocuments(stack, "Documents", instance_tags={"fleet": "web"})
    role = iam.Role(stack, "Sender", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
    documents.grant_send(role, "InspectCertificate")
    template = template_of(stack)
    assert len(resources(template, "AWS::SSM::Document")) == 4
    (policy,) = resources(template, "AWS::IAM::Policy").values()
    assert all(
        statement["Action"] == "ssm:SendCommand" for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    )


def test_the_workflow_with_parts_of_the_consumers_own() -> None:
    stack = new_stack()
    authority, key = existing_ca(stack), kms.Key(stack, "Key")
    dead_letters = sqs.Queue(stack, "DeadLetters")
    factory = FunctionFactory(stack, "Functions", automation_name="fleet", encryption_key=key)
    inventory = HostInventory(stack, "Inventory", encryption_key=key)
    interval = Duration.seconds(20)
    polling = Polling(interval=interval, attempts=9, issuance_timeout=Duration.minutes(1), first=interval)
    starts = StartLedger(stack, "StartLedger", encryption_key=key)
    trust = RolesAnywhereTrust(stack, "Trust", authority=authority)
    functions = HostFunctions(
        stack,
        "HostFunctions",
        authority=authority,
        dead_letters=dead_letters,
        documents=HostDocuments(stack, "Documents", pins=authority.pins, trust=trust),
        factory=factory,
        inventory=inventory,
        ledger=CertificateLedger(stack, "Ledger", access_log_bucket=s3.Bucket(stack, "LedgerLogs"), encryption_key=key),
        polling=polling,
        settings=HostSettings(),
        starts=starts,
        times=RenewalTimes(validity=Duration.days(3), threshold=Duration.days(1)),
    )
    RenewalWorkflow(
        stack,
        "Workflow",
        access_log_bucket=s3.Bucket(stack, "Logs"),
        authority=authority,
        dead_letters=dead_letters,
        encryption_key=key,
        factory=factory,
        host_renewal=HostRenewal(stack, "HostRenewal", functions=functions, polling=polling),
        host_settings=HostSettings(),
        inventory=inventory,
        notifications=FailureNotifications(stack, "Notifications", encryption_key=key),
        starts=starts,
        trust_anchor_arn=trust.trust_anchor_arn,
    )
    template = template_of(stack)
    variables = [each["Properties"]["Environment"] for each in resources(template, "AWS::Lambda::Function").values()]
    policies = {each["Variables"]["REVOKE_REPLACED"] for each in variables if "REVOKE_REPLACED" in each["Variables"]}
    assert policies == {"NEVER"}
    definition = state_machine_definition(template)
    assert definition["States"]["RenewHosts"]["MaxConcurrency"] == 10_000
    child = definition["States"]["RenewHosts"]["ItemProcessor"]
    assert looks(child, "CertCSRStatus") == looks(child, "CertDeployStatus") == [20 * number for number in range(1, 10)]
