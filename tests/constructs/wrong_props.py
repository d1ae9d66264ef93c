"""Values that synthesis refuses, each alone; ``docs/refusals.md`` shows what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_acmpca as acmpca

from pca_automator import KeyAlgorithm, RevocationPolicy, SigningAlgorithm, UsageMode


@dataclass(frozen=True)
class Wrong:
    """Props of the construct, of which a function is called with the stack, and a pattern of the message."""

    given: dict[str, Any]
    message: str

    def props(self, stack: Stack) -> dict[str, Any]:
        return {name: value(stack) if isinstance(value, Callable) else value for name, value in self.given.items()}


def existing_authority(stack: Stack) -> acmpca.ICertificateAuthority:
    arn = "arn:aws:acm-pca:eu-central-1:111122223333:certificate-authority/11111111-2222-3333-4444-555555555555"
    return acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "Existing", arn)


WRONG = {
    "threshold as long as the validity": Wrong(
        {"renewal_threshold": Duration.days(7)},
        r"renewal_threshold is 7 days and validity is 7 days: .* must be shorter",
    ),
    "threshold longer than the validity": Wrong(
        {"validity": Duration.days(3), "renewal_threshold": Duration.days(5)},
        r"renewal_threshold is 5 days and validity is 3 days",
    ),
    "validity beyond a short-lived CA": Wrong(
        {"validity": Duration.days(8)}, r"validity is 8 days: a CA in short-lived mode issues at most 7 days"
    ),
    "validity not in whole days": Wrong({"validity": Duration.hours(36)}, r"must be whole days"),
    "RSA CA key with ECDSA signature": Wrong(
        {"signing_algorithm": SigningAlgorithm.SHA256WITHECDSA},
        r"signing_algorithm is SHA256WITHECDSA .* RSA_2048: allowed with this key: SHA256WITHRSA, SHA384WITHRSA",
    ),
    "EC CA key with RSA signature": Wrong(
        {"ca_key_algorithm": KeyAlgorithm.EC_PRIME256V1, "signing_algorithm": SigningAlgorithm.SHA256WITHRSA},
        r"allowed with this key: SHA256WITHECDSA",
    ),
    "relative path": Wrong(
        {"certificate_path": "etc/pki"}, r"certificate_path is 'etc/pki': it must be an absolute path"
    ),
    "parent segment": Wrong({"key_path": "/etc/../root"}, r"key_path is '/etc/../root'"),
    "shell in a path": Wrong({"csr_path": "/tmp/$(reboot)"}, r"csr_path is '/tmp/\$\(reboot\)'"),
    "newline in a path": Wrong({"hooks_path": "/etc/x\n"}, r"hooks_path is '/etc/x\\n'"),
    "root directory": Wrong({"signing_helper_path": "/"}, r"signing_helper_path is '/'"),
    "malformed e-mail": Wrong(
        {"notification_emails": ["nobody"]}, r"notification_emails is 'nobody': .* e-mail address"
    ),
    "second e-mail malformed": Wrong({"notification_emails": ["a@example.com", "b@@example.com"]}, r"'b@@example.com'"),
    "interval beyond the threshold": Wrong(
        {"schedule_interval": Duration.days(2)}, r"schedule_interval is 2 days and renewal_threshold is 2 days"
    ),
    "jitter beyond what is left": Wrong(
        {"renewal_jitter": Duration.days(5)}, r"renewal_jitter is 5 days .* what the validity leaves"
    ),
    "no concurrency": Wrong({"max_concurrency": 0}, r"max_concurrency is 0: .* from 1 to 10000"),
    "percentage": Wrong({"tolerated_failure_percentage": 101}, r"tolerated_failure_percentage is 101"),
    "poll attempts": Wrong({"poll_attempts": 0}, r"poll_attempts is 0: .* from 1 to 100"),
    "poll interval": Wrong(
        {"poll_interval": Duration.hours(1)}, r"poll_interval is 1 hour: it must be from 1 second to 10"
    ),
    "issuance timeout": Wrong({"issuance_timeout": Duration.seconds(1)}, r"issuance_timeout is 1 second"),
    "versions kept": Wrong({"versions_kept": 0}, r"versions_kept is 0"),
    "country": Wrong({"ca_country": "Germany"}, r"ca_country is 'Germany': .* two-letter"),
    "organisation": Wrong({"ca_organization": ""}, r"ca_organization is '': it must have 1 to 64 characters"),
    "common name": Wrong({"ca_common_name": "x" * 65}, r"ca_common_name is 'x+': .* 1 to 64"),
    "empty common name": Wrong({"ca_common_name": ""}, r"ca_common_name is '': .* 1 to 64"),
    "CA validity": Wrong({"ca_validity": Duration.days(1)}, r"ca_validity is 1 day"),
    "existing CA that is described": Wrong(
        {"certificate_authority": existing_authority, "ca_country": "DE", "ca_validity": Duration.days(365)},
        r"certificate_authority is given together with ca_country, ca_validity",
    ),
    "created CA with a mode": Wrong(
        {"certificate_authority_usage_mode": UsageMode.GENERAL_PURPOSE},
        r"certificate_authority_usage_mode is given without certificate_authority",
    ),
    "validity beyond an existing short-lived CA": Wrong(
        {
            "certificate_authority": existing_authority,
            "certificate_authority_usage_mode": UsageMode.SHORT_LIVED,
            "validity": Duration.days(8),
        },
        r"validity is 8 days: a CA in short-lived mode issues at most 7 days",
    ),
    "relative CA path": Wrong({"ca_certificate_path": "certs"}, r"ca_certificate_path is 'certs'"),
    "hook timeout": Wrong(
        {"hook_timeout": Duration.hours(1)}, r"hook_timeout is 1 hour: it must be from 1 second to 10"
    ),
    "interval of nothing": Wrong(
        {"schedule_interval": Duration.seconds(0)}, r"schedule_interval is 0 .* from 1 minute"
    ),
    "runway of a healthy fleet": Wrong(
        {"runway_alarm": Duration.hours(40)}, r"runway_alarm is 1 day 16 hours and .* would be in alarm"
    ),
    "runway of nothing": Wrong({"runway_alarm": Duration.seconds(0)}, r"runway_alarm is 0 .* from 1 minute"),
    "CA expiry alarm from the start": Wrong(
        {"ca_validity": Duration.days(60), "ca_expiry_alarm": Duration.days(60)},
        r"ca_expiry_alarm is 60 days and ca_validity is 60 days.*new CA",
    ),
    "CRL alarm from the start": Wrong(
        {"crl_expiry_alarm": Duration.days(7)}, r"crl_expiry_alarm is 7 days and crl_expiry is 7 days.*new CRL"
    ),
    "no share of a CRL": Wrong(
        {"crl_size_alarm_percentage": 0}, r"crl_size_alarm_percentage is 0: it must be from 1 to 100"
    ),
    "no hosts": Wrong({"expected_hosts": 0}, r"expected_hosts is 0: .* from 1 to"),
    "half a host": Wrong({"expected_hosts": 1.5}, r"expected_hosts is 1.5: .* whole number"),
    "no tag": Wrong({"enrol_by_tag": {}}, r"enrol_by_tag is empty"),
    "tag without a value": Wrong({"enrol_by_tag": {"Pki": ""}}, r"has an empty value for 'Pki'"),
    "tag with a pattern": Wrong({"enrol_by_tag": {"Pki": "*"}}, r"takes .* in a tag's value for a pattern"),
    "another enumeration's value": Wrong(
        {"revoke_replaced": RevocationPolicy.ALWAYS},
        r"revoke_replaced is <RevocationPolicy.ALWAYS: 'ALWAYS'>: it must be one of ReplacementRevocation.NEVER, "
        r"ReplacementRevocation.ON_KEY_COMPROMISE, ReplacementRevocation.ALWAYS$",
    ),
    "a string for an enumeration": Wrong(
        {"revoke_on_retire": "NEVER"},
        r"revoke_on_retire is 'NEVER': it must be one of RevocationPolicy.ALWAYS, RevocationPolicy.NEVER$",
    ),
}
