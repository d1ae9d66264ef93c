#!/usr/bin/env python3
"""The sample app: one stack, every parameter of the system read from context (``cdk.json`` or ``-c name=value``)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

from aws_cdk import App, CfnOutput, Duration, Environment, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from pca_automator import (
    Alarms,
    Authority,
    CertificateProfile,
    CertificateUsage,
    FunctionSettings,
    HostSettings,
    KeyAlgorithm,
    Pace,
    PcaCertificateAutomation,
    Polling,
    RenewalTimes,
    ReplacementRevocation,
    RevocationPolicy,
    SigningAlgorithm,
    ValidationPolicy,
)

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


class SampleStack(Stack):
    """The automation with the parameters of the context, and outputs to find its parts by."""

    def __init__(self, scope: Construct, id: str, *, env: Environment | None = None) -> None:
        super().__init__(
            scope, id, env=env, description="Certificates of AWS Private CA for a fleet of hosts (pca-automator)"
        )
        self.automation = PcaCertificateAutomation(self, "Automation", **self._parameters())
        self._add_outputs()

    def _parameters(self) -> dict[str, Any]:
        """What the context sets; what it does not set keeps the construct's default."""
        read = self._read
        return {
            "alarms": Alarms() if read("alarms", _switch) is not False else Alarms.none(),
            "authority": Authority.created(
                **_given(
                    common_name=read("caCommonName", str),
                    country=read("caCountry", str),
                    key_algorithm=read("caKeyAlgorithm", _one_of(KeyAlgorithm)),
                    organization=read("caOrganization", str),
                    signing_algorithm=read("signingAlgorithm", _one_of(SigningAlgorithm)),
                    validity=read("caValidityDays", _days),
                )
            ),
            "functions": FunctionSettings(
                **_given(architecture=read("architecture", _architecture), snap_start=read("snapStart", _switch))
            ),
            "hosts": self._host_settings(),
            "profiles": read("certificateProfiles", _profiles),
            "pace": Pace(
                polling=Polling(
                    **_given(
                        attempts=read("pollAttempts", int),
                        first=read("pollFirstSeconds", _seconds),
                        interval=read("pollIntervalSeconds", _seconds),
                    )
                ),
                **_given(
                    issuance_budget=read("issuanceBudget", int),
                    max_concurrency=read("maxConcurrency", int),
                    production_sessions=read("productionSessions", float),
                    quota_share=read("quotaShare", float),
                    quotas=read("quotas", _rates),
                    tolerated_failure_percentage=read("toleratedFailurePercentage", float),
                ),
            ),
            "times": RenewalTimes(
                interval=read("scheduleIntervalHours", _hours),
                threshold=read("renewalThresholdDays", _days),
                validity=read("validityDays", _days),
            ),
            **_given(
                dashboard=read("dashboard", _switch),
                digest_schedule=read("digestSchedule", scheduler.ScheduleExpression.expression),
                enrol_by_tag=read("enrolByTag", _tags),
                expected_hosts=read("expectedHosts", int),
                immediate_enrolment=read("immediateEnrolment", _switch),
                instance_tags=read("instanceTags", _tags),
                notification_emails=read("notificationEmail", _list),
                profile_tag=read("profileTag", str),
                revoke_on_retire=read("revokeOnRetire", _one_of(RevocationPolicy)),
                revoke_replaced=read("revokeReplaced", _one_of(ReplacementRevocation)),
                schedule=read("schedule", scheduler.ScheduleExpression.expression),
            ),
        }

    def _host_settings(self) -> HostSettings:
        read = self._read
        return HostSettings(
            **_given(
                ca_certificate_path=read("caCertificatePath", str),
                certificate_path=read("certificatePath", str),
                csr_path=read("csrPath", str),
                hooks_path=read("hooksPath", str),
                key_algorithm=read("keyAlgorithm", _one_of(KeyAlgorithm)),
                key_path=read("keyPath", str),
                signing_helper_path=read("signingHelperPath", str),
                validation_policy=read("validationPolicy", _one_of(ValidationPolicy)),
                versions_kept=read("versionsKept", int),
            )
        )

    def _read(self, name: str, convert: Callable[[str], T]) -> T | None:
        given = self.node.try_get_context(name)
        if given in (None, ""):
            return None
        try:
            # cdk.json may hold an object; on the command line it is JSON.
            return convert(json.dumps(given) if isinstance(given, dict) else str(given))
        except ValueError as error:
            raise ValueError(f"context value {name} is {given!r}: {error}") from error

    def _add_outputs(self) -> None:
        automation = self.automation
        outputs = {
            "AutomationName": automation.automation_name,
            "CertificateAuthorityArn": automation.certificate_authority.certificate_authority_arn,
            "CrlBucketName": automation.crl_bucket.bucket_name if automation.crl_bucket else "",
            "DeadLetterQueueArn": automation.dead_letters.queue_arn,
            "EncryptionKeyArn": automation.encryption_key.key_arn,
            "InventoryTableArn": automation.table.table_arn,
            "InventoryTableName": automation.table.table_name,
            "NotificationTopicArn": automation.topic.topic_arn,
            "ProfileArn": automation.trust.profile_arn,
            "RetireFunctionArn": automation.retire_function_arn,
            "StateMachineArn": automation.state_machine.state_machine_arn,
            "TestRoleArn": automation.trust.test_role.role_arn,
            "TrustAnchorArn": automation.trust.trust_anchor_arn,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)


def _given(**arguments: Any) -> dict[str, Any]:
    """The arguments that the context has a value for."""
    return {name: value for name, value in arguments.items() if value is not None}


def _profiles(value: str) -> dict[str, CertificateProfile]:
    """An object by profile: ``usages``, ``validityDays``, ``keyAlgorithm``, ``organization``, ``dnsNames``, ..."""
    try:
        declared = json.loads(value)
    except json.JSONDecodeError as error:
        raise ValueError(f"allowed is a JSON object of profiles, such as {_PROFILE_EXAMPLE}: {error}") from error
    if not isinstance(declared, dict) or not all(isinstance(each, dict) for each in declared.values()):
        raise ValueError(f"allowed is a JSON object of profiles, such as {_PROFILE_EXAMPLE}")
    return {name: _profile(name, given) for name, given in declared.items()}


_PROFILE_EXAMPLE = '{"web": {"dnsNames": ["*.web.example.com"]}}'


def _profile(name: str, given: dict[str, Any]) -> CertificateProfile:
    known: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "dnsNames": ("dns_names", _same),
        "emailAddresses": ("email_addresses", _same),
        "ipAddresses": ("ip_addresses", _same),
        "keyAlgorithm": ("key_algorithm", _one_of(KeyAlgorithm)),
        "organization": ("organization", _same),
        "organizationalUnit": ("organizational_unit", _same),
        "uris": ("uris", _same),
        "usages": ("usages", lambda usages: {_one_of(CertificateUsage)(each) for each in usages}),
        "validityDays": ("validity", lambda days: Duration.days(int(days))),
        "wildcards": ("wildcards", _same),
    }
    if unknown := sorted(given.keys() - known.keys()):
        raise ValueError(f"the profile {name} has {', '.join(unknown)}: allowed are {', '.join(known)}")
    return CertificateProfile(**{known[key][0]: known[key][1](value) for key, value in given.items()})


def _same(value: Any) -> Any:
    return value


def _one_of(values: type[E]) -> Callable[[str], E]:
    def convert(value: str) -> E:
        allowed = {each.value: each for each in values}
        if value not in allowed:
            raise ValueError(f"allowed: {', '.join(allowed)}")
        return allowed[value]

    return convert


def _days(value: str) -> Duration:
    return Duration.days(int(value))


def _hours(value: str) -> Duration:
    return Duration.hours(int(value))


def _seconds(value: str) -> Duration:
    return Duration.seconds(int(value))


def _list(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _rates(value: str) -> dict[str, float]:
    return {name: float(rate) for name, rate in _tags(value).items()}


def _switch(value: str) -> bool:
    allowed = {"true": True, "false": False}
    if value.lower() not in allowed:
        raise ValueError(f"allowed: {', '.join(allowed)}")
    return allowed[value.lower()]


def _tags(value: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in _list(value)]
    if not all(name and equals for name, equals, _ in pairs):
        raise ValueError("allowed: name=value, several separated by commas")
    return {name.strip(): text.strip() for name, _, text in pairs}


def _architecture(value: str) -> lambda_.Architecture:
    allowed = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
    if value not in allowed:
        raise ValueError(f"allowed: {', '.join(allowed)}")
    return allowed[value]


def main() -> None:
    """Synthesize; the CDK CLI sets account and Region where it knows them."""
    app = App()
    environment = Environment(
        account=os.environ.get("CDK_DEFAULT_ACCOUNT"), region=os.environ.get("CDK_DEFAULT_REGION")
    )
    SampleStack(app, app.node.try_get_context("stackName") or "PcaAutomator", env=environment)
    app.synth()


if __name__ == "__main__":
    main()
