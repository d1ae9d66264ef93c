"""A wrong value fails at synthesis with the value got and what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk.assertions import Annotations, Match

from pca_automator import (
    HostSettings,
    KeyAlgorithm,
    PcaCertificateAutomation,
    PrivateCertificateAuthority,
    SigningAlgorithm,
    UsageMode,
)
from tests.synthesis import automation, new_app, template_of

DAYS = Duration.days

WRONG = {
    "threshold as long as the validity": (
        {"renewal_threshold": DAYS(7)},
        r"renewal_threshold is 7 days and validity is 7 days: .* must be shorter",
    ),
    "threshold longer than the validity": (
        {"validity": DAYS(3), "renewal_threshold": DAYS(5)},
        r"renewal_threshold is 5 days and validity is 3 days",
    ),
    "validity beyond a short-lived CA": (
        {"validity": DAYS(8)},
        r"validity is 8 days: a CA in short-lived mode issues at most 7 days",
    ),
    "validity not in whole days": ({"validity": Duration.hours(36)}, r"must be whole days"),
    "RSA CA key with ECDSA signature": (
        {"signing_algorithm": SigningAlgorithm.SHA256WITHECDSA},
        r"signing_algorithm is SHA256WITHECDSA .* RSA_2048: allowed with this key: SHA256WITHRSA, SHA384WITHRSA",
    ),
    "EC CA key with RSA signature": (
        {"ca_key_algorithm": KeyAlgorithm.EC_PRIME256V1, "signing_algorithm": SigningAlgorithm.SHA256WITHRSA},
        r"allowed with this key: SHA256WITHECDSA",
    ),
    "relative path": ({"certificate_path": "etc/pki"}, r"certificate_path is 'etc/pki': it must be an absolute path"),
    "parent segment": ({"key_path": "/etc/../root"}, r"key_path is '/etc/../root'"),
    "shell in a path": ({"csr_path": "/tmp/$(reboot)"}, r"csr_path is '/tmp/\$\(reboot\)'"),
    "newline in a path": ({"hooks_path": "/etc/x\n"}, r"hooks_path is '/etc/x\\n'"),
    "root directory": ({"signing_helper_path": "/"}, r"signing_helper_path is '/'"),
    "malformed e-mail": ({"notification_emails": ["nobody"]}, r"notification_emails is 'nobody': .* e-mail address"),
    "second e-mail malformed": ({"notification_emails": ["a@example.com", "b@@example.com"]}, r"'b@@example.com'"),
    "interval beyond the threshold": (
        {"schedule_interval": DAYS(2)},
        r"schedule_interval is 2 days and renewal_threshold is 2 days",
    ),
    "jitter beyond what is left": (
        {"renewal_jitter": DAYS(5)},
        r"renewal_jitter is 5 days .* what the validity leaves",
    ),
    "no concurrency": ({"max_concurrency": 0}, r"max_concurrency is 0: .* from 1 to 10000"),
    "percentage": ({"tolerated_failure_percentage": 101}, r"tolerated_failure_percentage is 101"),
    "poll attempts": ({"poll_attempts": 0}, r"poll_attempts is 0: .* from 1 to 100"),
    "poll interval": ({"poll_interval": Duration.hours(1)}, r"poll_interval is 1 hour: it must be from 1 second to 10"),
    "issuance timeout": ({"issuance_timeout": Duration.seconds(1)}, r"issuance_timeout is 1 second"),
    "versions kept": ({"versions_kept": 0}, r"versions_kept is 0"),
    "country": ({"ca_country": "Germany"}, r"ca_country is 'Germany': .* two-letter"),
    "organisation": ({"ca_organization": ""}, r"ca_organization is '': it must have 1 to 64 characters"),
    "common name": ({"ca_common_name": "x" * 65}, r"ca_common_name is 'x+': .* 1 to 64"),
    "CA validity": ({"ca_validity": DAYS(1)}, r"ca_validity is 1 day"),
}


@pytest.mark.parametrize("name", WRONG)
def test_fails_with_the_value_and_what_is_allowed(name: str) -> None:
    props, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        automation(**props)


def test_fails_when_an_existing_ca_is_described() -> None:
    stack = Stack(new_app(), "Consumer")
    with pytest.raises(ValueError, match=r"certificate_authority is given together with ca_country, ca_validity"):
        PcaCertificateAutomation(
            stack,
            "Automation",
            certificate_authority=_existing(stack),
            ca_country="DE",
            ca_validity=DAYS(365),
        )


def test_a_general_purpose_ca_may_issue_for_a_month() -> None:
    stack = Stack(new_app(), "Consumer")
    construct = PcaCertificateAutomation(
        stack, "Automation", certificate_authority=_existing(stack), validity=DAYS(30), renewal_threshold=DAYS(10)
    )
    assert "AWS::ACMPCA::CertificateAuthority" not in {
        each["Type"] for each in template_of(construct)["Resources"].values()
    }


@pytest.mark.parametrize(("minutes", "warned"), [(2, 0), (3, 1)])
def test_warns_of_hooks_that_outlast_the_polls(minutes: int, warned: int) -> None:
    """Twelve polls, fifteen seconds apart."""
    construct = automation(hook_timeout=Duration.minutes(minutes))
    words = Match.string_like_regexp(r"hook_timeout is 3 minutes, but the workflow looks at a host for 180 s")
    assert len(Annotations.from_stack(Stack.of(construct)).find_warning("*", words)) == warned


def test_fails_when_an_existing_short_lived_ca_cannot_issue_for_so_long() -> None:
    stack = Stack(new_app(), "Consumer")
    with pytest.raises(ValueError, match=r"validity is 8 days: a CA in short-lived mode issues at most 7 days"):
        PcaCertificateAutomation(
            stack,
            "Automation",
            certificate_authority=_existing(stack),
            certificate_authority_usage_mode=UsageMode.SHORT_LIVED,
            validity=DAYS(8),
        )


def test_a_trailing_slash_is_not_an_error() -> None:
    assert HostSettings(certificate_path="/etc/pki/").certificate_path == "/etc/pki"


@pytest.mark.parametrize("key", list(KeyAlgorithm))
def test_the_usual_signing_algorithm_fits_every_ca_key(key: KeyAlgorithm) -> None:
    SigningAlgorithm.for_key(key).check_fits(key)


def test_the_ca_alone_checks_its_own_props() -> None:
    with pytest.raises(ValueError, match="crl_expiry is 1 hour"):
        PrivateCertificateAuthority(
            Stack(new_app(), "Consumer"), "CA", common_name="Root", crl_expiry=Duration.hours(1)
        )


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"keyAlgorithm": "DSA"}, r"context value keyAlgorithm is 'DSA'"),
        ({"validityDays": "week"}, r"context value validityDays is 'week'"),
        ({"architecture": "mips"}, r"context value architecture is 'mips': allowed: arm64, x86_64"),
    ],
)
def test_the_sample_app_names_a_wrong_context_value(context: dict[str, Any], message: str) -> None:
    from app import SampleStack

    with pytest.raises(ValueError, match=message):
        SampleStack(new_app(**context), "Sample")


def _existing(stack: Stack) -> acmpca.ICertificateAuthority:
    arn = "arn:aws:acm-pca:eu-central-1:111122223333:certificate-authority/11111111-2222-3333-4444-555555555555"
    return acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "Existing", arn)
