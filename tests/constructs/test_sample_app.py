"""The sample app: every parameter of the context reaches the template, and the outputs name the parts."""

from __future__ import annotations

import inspect
import json
import re
from functools import cache
from typing import Any

import pytest
from aws_cdk.assertions import Template

from app import SampleStack
from pca_automator import (
    Alarms,
    Authority,
    FunctionSettings,
    HostSettings,
    Pace,
    PcaCertificateAutomation,
    Polling,
    RenewalTimes,
)
from tests.constructs.renewal.looks import looks
from tests.synthesis import ROOT, actions, new_app, resources, sample_template, state_machine_definition, statements

# No value is the default.
CONTEXT: dict[str, Any] = {
    "alarms": "false",
    "architecture": "x86_64",
    "caCertificatePath": "/opt/tls/ca",
    "caCommonName": "Somebody's Root",
    "caCountry": "DE",
    "caKeyAlgorithm": "EC_secp384r1",
    "caOrganization": "Somebody Ltd",
    "caValidityDays": "1000",
    "certificatePath": "/opt/tls/certs",
    "certificateProfiles": '{"web": {"dnsNames": ["*.web.example.com"], "usages": ["SERVER_AUTH", "CLIENT_AUTH"]}}',
    "csrPath": "/opt/tls/store",
    "dashboard": "false",
    "digestSchedule": "cron(0 7 * * ? *)",
    "enrolByTag": "CertManaged=true, Stage=prod",
    "hooksPath": "/opt/tls/hooks",
    "immediateEnrolment": "false",
    "instanceTags": "Team=pki",
    "issuanceBudget": "3",
    "keyAlgorithm": "EC_prime256v1",
    "keyPath": "/opt/tls/private",
    "maxConcurrency": "7",
    "notificationEmail": "one@example.com, two@example.com",
    "pollAttempts": "4",
    "productionSessions": "2.5",
    "profileTag": "CertificateProfile",
    "quotaShare": "0.5",
    "quotas": "CreateSession=50, IssueCertificate=100",
    "pollFirstSeconds": "3",
    "pollIntervalSeconds": "9",
    "renewalThresholdDays": "3",
    "revokeOnRetire": "NEVER",
    "revokeReplaced": "ON_KEY_COMPROMISE",
    "schedule": "rate(6 hours)",
    "scheduleIntervalHours": "6",
    "signingAlgorithm": "SHA512WITHECDSA",
    "signingHelperPath": "/opt/tls/bin",
    "snapStart": "true",
    "toleratedFailurePercentage": "10",
    "validationPolicy": "REQUIRED",
    "validityDays": "5",
    "versionsKept": "4",
}
# The name of the stack, and a size that only makes synthesis warn: they change no resource.
WITHOUT_RESOURCES = {"stackName", "expectedHosts"}
DAY = 86_400


@cache
def template() -> dict[str, Any]:
    document: dict[str, Any] = Template.from_stack(SampleStack(new_app(**CONTEXT), "Sample")).to_json()
    return document


def environment(name: str) -> dict[str, Any]:
    """The variables of one function."""
    found: dict[str, Any]
    (found,) = (
        variables
        for resource in resources(template(), "AWS::Lambda::Function").values()
        if (variables := resource["Properties"]["Environment"]["Variables"])["POWERTOOLS_SERVICE_NAME"] == name
    )
    return found


def only(resource_type: str) -> dict[str, Any]:
    """The properties of the one resource of a type."""
    (resource,) = resources(template(), resource_type).values()
    properties: dict[str, Any] = resource["Properties"]
    return properties


def kinds() -> set[str]:
    return {resource["Type"] for resource in template()["Resources"].values()}


def names_read() -> set[str]:
    """Every context name that app.py reads."""
    source = (ROOT / "app.py").read_text(encoding="utf-8")
    return set(re.findall(r"(?:read|try_get_context)\(\"(\w+)\"", source))


def props_table() -> list[str]:
    """The rows of the README's table of props."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Every prop\n")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ") and not line.startswith(("| -", "| Prop"))]


def test_every_parameter_that_the_app_reads_is_tried_here() -> None:
    assert names_read() == set(CONTEXT) | WITHOUT_RESOURCES


def test_the_directories_of_the_hosts_are_the_contexts() -> None:
    deploy = environment("CertDeploy")
    assert {name: deploy[name] for name in deploy if name.endswith("_PATH")} == {
        "CACERT_PATH": CONTEXT["caCertificatePath"],
        "CERT_PATH": CONTEXT["certificatePath"],
        "KEY_PATH": CONTEXT["keyPath"],
        "SIGNINGHELPER_PATH": CONTEXT["signingHelperPath"],
    }


def test_keys_validity_threshold_and_policies_are_the_contexts() -> None:
    issue, deploy = environment("CertIssue"), environment("CertDeploy")
    assert (issue["KEY_ALGORITHM"], environment("CertCSR")["KEY_ALGORITHM"]) == ("EC_prime256v1", "EC_prime256v1")
    assert (issue["SIGNING_ALGORITHM"], issue["VALIDITY_DAYS"]) == ("SHA512WITHECDSA", "5")
    assert issue["ISSUANCE_BUDGET"] == "3"
    assert deploy["RENEWAL_THRESHOLD_SECONDS"] == str(3 * DAY)
    assert environment("CertCheck")["REVOKE_REPLACED"] == "ON_KEY_COMPROMISE"
    assert environment("CertRetire")["REVOKE_ON_RETIRE"] == "NEVER"


def test_the_profiles_are_the_contexts() -> None:
    assert json.loads(environment("CertIssue")["CERTIFICATE_PROFILES"]) == {
        "default": {"usages": ["CLIENT_AUTH", "SERVER_AUTH"]},
        "web": {"dns_names": ["*.web.example.com"], "usages": ["CLIENT_AUTH", "SERVER_AUTH"]},
    }


def test_the_ca_is_the_contexts() -> None:
    authority = only("AWS::ACMPCA::CertificateAuthority")
    subject = {"Country": "DE", "Organization": "Somebody Ltd", "CommonName": "Somebody's Root"}
    assert authority["Subject"] == subject
    assert authority["KeyAlgorithm"] == "EC_secp384r1"
    assert only("AWS::ACMPCA::Certificate")["Validity"] == {"Type": "DAYS", "Value": 1000}


def test_the_workflow_is_the_contexts() -> None:
    definition = state_machine_definition(template())
    renew = definition["States"]["RenewHosts"]
    assert (renew["MaxConcurrency"], renew["ToleratedFailurePercentage"]) == (7, 10)
    assert looks(renew["ItemProcessor"], "CertCSRStatus") == [3, 9, 18, 27, 36]
    (schedule,) = (
        resource["Properties"]
        for name, resource in resources(template(), "AWS::Scheduler::Schedule").items()
        if "WorkflowSchedule" in name
    )
    assert schedule["ScheduleExpression"] == "rate(6 hours)"
    assert environment("CertCheck")["NEXT_RUN_SECONDS"] == str(6 * 3600)


def test_the_digest_is_sent_when_the_context_says() -> None:
    (schedule,) = (
        resource["Properties"]
        for name, resource in resources(template(), "AWS::Scheduler::Schedule").items()
        if "DigestSchedule" in name
    )
    assert schedule["ScheduleExpression"] == CONTEXT["digestSchedule"]
    assert environment("CertDigest")["NEXT_RUN_SECONDS"] == str(6 * 3600)


def test_everybody_who_is_to_be_told_is_subscribed() -> None:
    subscriptions = resources(template(), "AWS::SNS::Subscription").values()
    assert {(each["Properties"]["Protocol"], each["Properties"]["Endpoint"]) for each in subscriptions} == {
        ("email", "one@example.com"),
        ("email", "two@example.com"),
    }


def test_what_is_switched_off_is_not_there_and_tags_are_heeded() -> None:
    assert not kinds() & {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"}
    names = {r["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
             for r in resources(template(), "AWS::Lambda::Function").values()}  # fmt: skip
    assert "CertEnroll" not in names
    assert "CertRegister" in names
    assert json.loads(environment("CertRegister")["ENROL_TAGS"]) == {"CertManaged": "true", "Stage": "prod"}
    assert environment("CertRegister")["PROFILE_TAG"] == "CertificateProfile"
    sends = [s for s in statements(template(), "CertCSRRole") if "ssm:SendCommand" in actions(s) and "Condition" in s]
    assert [s["Condition"] for s in sends] == [{"StringEquals": {"ssm:resourceTag/Team": "pki"}}]


def test_cdk_json_says_the_defaults_and_nothing_else() -> None:
    """Whoever reads cdk.json reads how the construct behaves without it; only the CA's subject is an example."""
    written = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    subject = {name: written[name] for name in ("caCountry", "caOrganization", "caCommonName")}
    assert set(written) <= names_read()
    assert Template.from_stack(SampleStack(new_app(**subject), "PcaAutomator")).to_json() == sample_template()


OBJECTS: dict[str, Any] = {
    "authority=Authority.created(…)": Authority.created,
    "authority=Authority.existing(…)": Authority.existing,
    "hosts=HostSettings(…)": HostSettings,
    "times=RenewalTimes(…)": RenewalTimes,
    "pace=Pace(…)": Pace,
    "polling=Polling(…)": Polling,
    "functions=FunctionSettings(…)": FunctionSettings,
    "alarms=Alarms(…)": Alarms,
}


def test_the_readme_lists_every_prop_and_every_context_value() -> None:
    rows = [[cell.strip() for cell in row.split("|")] for row in props_table()]
    listed: dict[str, set[str]] = {}
    owner = ""
    for _, prop, argument, default, *_ in rows:
        owner = prop.strip("`") or owner
        assert default, f"{prop} {argument} without its default"
        listed.setdefault(owner, set()).update(re.findall(r"`(\w+)`", argument))
    plain = {name for prop, names in listed.items() if not names for name in re.findall(r"\w+", prop)}
    objects = {prop: names for prop, names in listed.items() if names}
    signature = inspect.signature(PcaCertificateAutomation.__init__)
    given = {name for name, each in signature.parameters.items() if each.kind is each.KEYWORD_ONLY}
    assert plain | {prop.partition("=")[0] for prop in objects} - {"polling"} == given
    assert objects == {prop: set(inspect.signature(made).parameters) for prop, made in OBJECTS.items()}
    context = {name for row in rows for name in re.findall(r"`(\w+)`", row[4])}
    assert context == names_read() - {"stackName"}


@pytest.mark.parametrize(
    ("output", "resource_type"),
    {
        "CertificateAuthorityArn": "AWS::ACMPCA::CertificateAuthority",
        "CrlBucketName": "AWS::S3::Bucket",
        "EncryptionKeyArn": "AWS::KMS::Key",
        "InventoryTableName": "AWS::DynamoDB::Table",
        "NotificationTopicArn": "AWS::SNS::Topic",
        "ProfileArn": "AWS::RolesAnywhere::Profile",
        "StateMachineArn": "AWS::StepFunctions::StateMachine",
        "TestRoleArn": "AWS::IAM::Role",
        "TrustAnchorArn": "AWS::RolesAnywhere::TrustAnchor",
    }.items(),
)
def test_the_outputs_name_the_parts(output: str, resource_type: str) -> None:
    value = sample_template()["Outputs"][output]["Value"]
    logical_id = value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
    assert sample_template()["Resources"][logical_id]["Type"] == resource_type
