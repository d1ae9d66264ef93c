"""The digest: off unless asked for, and then a function that only reads."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_scheduler as scheduler
from pca_runtime.reporting.settings import CertDigestSettings

from pca_automator import Authority, PcaCertificateAutomation
from tests.constructs.membership.test_membership import refuse_silent_failures
from tests.constructs.test_compliance import PACKS, findings
from tests.contract.test_contract import COMMON
from tests.synthesis import actions, automation, new_app, resources, sample_template, statements, template_of

DAILY = scheduler.ScheduleExpression.cron(hour="7", minute="0")


@cache
def daily() -> PcaCertificateAutomation:
    return automation(digest_schedule=DAILY)


@cache
def template() -> dict[str, Any]:
    return template_of(daily())


def environment(document: dict[str, Any]) -> dict[str, Any]:
    (found,) = (
        variables
        for each in resources(document, "AWS::Lambda::Function").values()
        if (variables := each["Properties"].get("Environment", {}).get("Variables", {})).get("POWERTOOLS_SERVICE_NAME")
        == "CertDigest"
    )
    assert isinstance(found, dict)
    return found


def test_there_is_none_unless_it_is_asked_for() -> None:
    assert not [name for name in sample_template()["Resources"] if "Digest" in name]


def test_it_is_sent_when_the_prop_says_and_what_could_not_start_is_kept() -> None:
    found = resources(template(), "AWS::Scheduler::Schedule")
    (schedule,) = (each["Properties"] for name, each in found.items() if "DigestSchedule" in name)
    assert schedule["ScheduleExpression"] == "cron(0 7 * * ? *)"
    assert schedule["Target"]["DeadLetterConfig"]
    refuse_silent_failures(template())


def test_it_may_read_and_publish_and_nothing_else() -> None:
    allowed = {action for each in statements(template(), "CertDigestRole") for action in actions(each)}
    beside = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    # To the dead-letter queue, what failed.
    beside |= {"sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"}
    work = {
        "acm-pca:DescribeCertificateAuthority", "acm-pca:GetCertificateAuthorityCertificate", "dynamodb:Scan",
        "rolesanywhere:GetTrustAnchor", "rolesanywhere:ListCrls", "sns:Publish",
    }  # fmt: skip
    assert work <= allowed
    # Table and topic are encrypted with the automation's key, which each service uses in the name of its caller.
    assert {action for action in allowed if not action.startswith("kms:")} == work | beside


def test_it_gets_the_environment_its_settings_read() -> None:
    given = {
        variable: value if isinstance(value, str) else "arn:aws:service:region:account:resolved-at-deployment"
        for variable, value in environment(template()).items()
    }
    read = {field.upper() for field in CertDigestSettings.model_fields}
    # Lambda itself says the Region; a function that sets the variable is refused.
    assert set(given) - COMMON == read - {"AUTOMATION_NAME", "AWS_REGION"}
    (processor,) = (
        each["Properties"]["Environment"]["Variables"]
        for each in resources(template(), "AWS::Lambda::Function").values()
        if "CRLProcessor" in str(each["Properties"].get("Environment"))
    )
    assert CertDigestSettings.load(given).crl_name == processor["CRL_NAME"]


def test_without_a_crl_it_looks_at_none() -> None:
    arn = "arn:aws:acm-pca:eu-central-1:111122223333:certificate-authority/11111111-2222-3333-4444-555555555555"
    stack = Stack(new_app(), "Consumer")
    authority = acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "CA", arn)
    bare = template_of(
        PcaCertificateAutomation(stack, "Automation", authority=Authority.existing(authority), digest_schedule=DAILY)
    )
    allowed = {action for each in statements(bare, "CertDigestRole") for action in actions(each)}
    assert "rolesanywhere:ListCrls" not in allowed
    assert (environment(bare)["CRL_NAME"], environment(bare)["CRL_BUCKET"]) == ("", "")
    assert "rolesanywhere:GetTrustAnchor" in allowed


@pytest.mark.parametrize("pack", PACKS)
def test_it_has_no_finding(pack: str) -> None:
    assert findings(pack, Stack.of(daily())) == []
