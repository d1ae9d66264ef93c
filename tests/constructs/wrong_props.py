"""Values that synthesis refuses, each alone; ``docs/reference/refusals.md`` shows what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_acmpca as acmpca

import pca_automator
from pca_automator import KeyAlgorithm, RevocationPolicy, SigningAlgorithm, UsageMode


class Made:
    """A value of the library that is made when it is needed, so that its refusal is seen there."""

    def __init__(self, name: str, *positional: Any, **arguments: Any) -> None:
        self.name, self.positional, self.arguments = name, positional, arguments

    def make(self, stack: Stack) -> Any:
        cls, _, method = self.name.partition(".")
        maker = getattr(pca_automator, cls)
        return (
            getattr(maker, method)(*self._given(stack), **self._named(stack)) if method else maker(**self._named(stack))
        )

    def _given(self, stack: Stack) -> list[Any]:
        return [made(value, stack) for value in self.positional]

    def _named(self, stack: Stack) -> dict[str, Any]:
        return {name: made(value, stack) for name, value in self.arguments.items()}


def made(value: Any, stack: Stack) -> Any:
    if isinstance(value, Made):
        return value.make(stack)
    if isinstance(value, dict):
        return {name: made(each, stack) for name, each in value.items()}
    return value(stack) if isinstance(value, Callable) else value


@dataclass(frozen=True)
class Wrong:
    """Props of the construct, of which a function is called with the stack, and a pattern of the message."""

    given: dict[str, Any]
    message: str

    def props(self, stack: Stack) -> dict[str, Any]:
        return {name: made(value, stack) for name, value in self.given.items()}


def existing_authority(stack: Stack) -> acmpca.ICertificateAuthority:
    arn = "arn:aws:acm-pca:eu-central-1:111122223333:certificate-authority/11111111-2222-3333-4444-555555555555"
    return acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "Existing", arn)


def authority(**arguments: Any) -> dict[str, Any]:
    return {"authority": Made("Authority.created", **arguments)}


def existing(**arguments: Any) -> dict[str, Any]:
    return {"authority": Made("Authority.existing", existing_authority, **arguments)}


def hosts(**arguments: Any) -> dict[str, Any]:
    return {"hosts": Made("HostSettings", **arguments)}


def times(**arguments: Any) -> dict[str, Any]:
    return {"times": Made("RenewalTimes", **arguments)}


def profiles(**arguments: Any) -> dict[str, Any]:
    return {"profiles": {"web": Made("CertificateProfile", **arguments)}}


def pace(**arguments: Any) -> dict[str, Any]:
    return {"pace": Made("Pace", **arguments)}


def polling(**arguments: Any) -> dict[str, Any]:
    return pace(polling=Made("Polling", **arguments))


def alarms(**arguments: Any) -> dict[str, Any]:
    return {"alarms": Made("Alarms", **arguments)}


def functions(**arguments: Any) -> dict[str, Any]:
    return {"functions": Made("FunctionSettings", **arguments)}


WRONG = {
    "a star in a label": Wrong(
        profiles(dns_names=["web*.example.com"]), r"dns_names has 'web\*.example.com': it must be a pattern such as"
    ),
    "a name without a domain": Wrong(profiles(dns_names=["*"]), r"dns_names has '\*': it must be a pattern such as"),
    "a star for a host of a URI": Wrong(profiles(uris=["spiffe://*/web"]), r"uris has 'spiffe://\*/web'"),
    "an address for a network": Wrong(profiles(ip_addresses=["10.0.0.1/8"]), r"ip_addresses has '10.0.0.1/8'"),
    "no usage": Wrong(profiles(usages=set()), r"usages is empty: give at least one"),
    "a usage as text": Wrong(profiles(usages={"SERVER_AUTH"}), r"usages has 'SERVER_AUTH' at 0: .* Certificate"),
    "a profile shorter than the threshold": Wrong(
        profiles(validity=Duration.days(2)), r"threshold is 2 days and validity of the profile 'web' is 2 days"
    ),
    "a profile beyond a short-lived CA": Wrong(
        profiles(validity=Duration.days(8)), r"validity of the profile 'web' is 8 days: a CA in short-lived mode"
    ),
    "a profile with a name of another form": Wrong(
        {"profiles": {"web server": Made("CertificateProfile")}}, r"profiles has the name 'web server': it must have"
    ),
    "profiles that fill the environment": Wrong(
        profiles(dns_names=[f"host-{number}.a-rather-long-name.example.com" for number in range(80)]),
        r"profiles take [0-9,]+ bytes of the functions' environment: allowed are 2,800",
    ),
    "threshold as long as the validity": Wrong(
        times(threshold=Duration.days(7)), r"threshold is 7 days and validity is 7 days: .* must be shorter"
    ),
    "threshold longer than the validity": Wrong(
        times(validity=Duration.days(3), threshold=Duration.days(5)), r"threshold is 5 days and validity is 3 days"
    ),
    "validity beyond a short-lived CA": Wrong(
        times(validity=Duration.days(8)), r"validity is 8 days: a CA in short-lived mode issues at most 7 days"
    ),
    "validity not in whole days": Wrong(times(validity=Duration.hours(36)), r"validity is .* must be whole days"),
    "RSA CA key with ECDSA signature": Wrong(
        authority(signing_algorithm=SigningAlgorithm.SHA256WITHECDSA),
        r"signing_algorithm is SHA256WITHECDSA .* RSA_2048: allowed with this key: SHA256WITHRSA, SHA384WITHRSA",
    ),
    "EC CA key with RSA signature": Wrong(
        authority(key_algorithm=KeyAlgorithm.EC_PRIME256V1, signing_algorithm=SigningAlgorithm.SHA256WITHRSA),
        r"allowed with this key: SHA256WITHECDSA",
    ),
    "relative path": Wrong(
        hosts(certificate_path="etc/pki"), r"certificate_path is 'etc/pki': it must be an absolute path"
    ),
    "parent segment": Wrong(hosts(key_path="/etc/../root"), r"key_path is '/etc/../root'"),
    "shell in a path": Wrong(hosts(csr_path="/tmp/$(reboot)"), r"csr_path is '/tmp/\$\(reboot\)'"),
    "newline in a path": Wrong(hosts(hooks_path="/etc/x\n"), r"hooks_path is '/etc/x\\n'"),
    "root directory": Wrong(hosts(signing_helper_path="/"), r"signing_helper_path is '/'"),
    "malformed e-mail": Wrong(
        {"notification_emails": ["nobody"]}, r"notification_emails is 'nobody': .* e-mail address"
    ),
    "second e-mail malformed": Wrong({"notification_emails": ["a@example.com", "b@@example.com"]}, r"'b@@example.com'"),
    "one e-mail instead of a list": Wrong(
        {"notification_emails": "a@example.com"}, r"notification_emails is 'a@example.com': it must be a list of text"
    ),
    "a number among the e-mails": Wrong(
        {"notification_emails": ["a@example.com", 7]}, r"notification_emails has 7 at 1: it must be text"
    ),
    "interval beyond the threshold": Wrong(
        times(interval=Duration.days(2)), r"interval is 2 days and threshold is 2 days"
    ),
    "jitter beyond what is left": Wrong(
        times(jitter=Duration.days(5)), r"jitter is 5 days .* what the validity leaves"
    ),
    "days without a unit": Wrong(times(validity=7), r"validity is 7: it must be a Duration, such as Duration.days"),
    "a quota of another call": Wrong(
        pace(quotas={"CreateSesion": 50}), r"quotas has 'CreateSesion': it must be one of CreateSession, .*SendCommand"
    ),
    "a quota of zero": Wrong(pace(quotas={"CreateSession": 0}), r"quotas\['CreateSession'\] is 0: it must be above 0"),
    "production below zero": Wrong(pace(production_sessions=-1), r"production_sessions is -1: it must be 0 or more"),
    "more than the whole quota": Wrong(pace(quota_share=1.5), r"quota_share is 1.5: it must be above 0, at most 1"),
    "no concurrency": Wrong(pace(max_concurrency=0), r"max_concurrency is 0: .* from 1 to 10000"),
    "a number as text": Wrong(pace(max_concurrency="10"), r"max_concurrency is '10': it must be a whole number"),
    "no certificates": Wrong(
        pace(issuance_budget=0), r"issuance_budget is 0: it must be a whole number from 1 to 1000"
    ),
    "no budget": Wrong(pace(issuance_budget=None), r"issuance_budget is None: it must be a whole number"),
    "a budget beyond all measure": Wrong(pace(issuance_budget=1_001), r"issuance_budget is 1001: .* from 1 to 1000"),
    "half a certificate": Wrong(pace(issuance_budget=2.5), r"issuance_budget is 2.5: it must be a whole number"),
    "percentage": Wrong(pace(tolerated_failure_percentage=101), r"tolerated_failure_percentage is 101"),
    "poll attempts": Wrong(polling(attempts=0), r"attempts is 0: .* from 1 to 100"),
    "poll interval": Wrong(polling(interval=Duration.hours(1)), r"interval is 1 hour: it must be from 1 second to 10"),
    "a first look at once": Wrong(polling(first=Duration.seconds(0)), r"first is 0 seconds: it must be from 1 second"),
    "a first look behind the second": Wrong(
        polling(first=Duration.seconds(16)), r"first is 16 seconds and interval is 15 seconds: .* must not come after"
    ),
    "a first look between seconds": Wrong(
        polling(first=Duration.millis(2500)), r"first is 2 seconds 500 millis: it must be whole seconds"
    ),
    "a fraction of a jitter": Wrong(times(jitter=Duration.millis(1500)), r"jitter is 1 second 500 millis: .* whole"),
    "issuance timeout": Wrong(polling(issuance_timeout=Duration.seconds(1)), r"issuance_timeout is 1 second"),
    "versions kept": Wrong(hosts(versions_kept=0), r"versions_kept is 0"),
    "yes for a number": Wrong(hosts(versions_kept=True), r"versions_kept is True: it must be a whole number"),
    "country": Wrong(authority(country="Germany"), r"country is 'Germany': .* two-letter"),
    "organisation": Wrong(authority(organization=""), r"organization is '': it must have 1 to 64 characters"),
    "common name": Wrong(authority(common_name="x" * 65), r"common_name is 'x+': .* 1 to 64"),
    "empty common name": Wrong(authority(common_name=""), r"common_name is '': .* 1 to 64"),
    "CA validity": Wrong(authority(validity=Duration.days(1)), r"validity is 1 day: it must be from 30 days"),
    "CRL expiry": Wrong(authority(crl_expiry=Duration.hours(1)), r"crl_expiry is 1 hour: it must be from 1 day"),
    "a CA's ARN for an authority": Wrong(
        {"authority": "arn:aws:acm-pca:eu-central-1:111122223333:certificate-authority/x"},
        r"authority is 'arn:.*': it must be an Authority: Authority.created\(...\) or Authority.existing\(...\)",
    ),
    "a CA's ARN for an imported CA": Wrong(
        {"authority": Made("Authority.existing", "arn:aws:acm-pca:eu-central-1:111122223333:certificate-authority/x")},
        r"certificate_authority is 'arn:.*': it must be an aws_acmpca.ICertificateAuthority",
    ),
    "validity beyond an existing short-lived CA": Wrong(
        existing(usage_mode=UsageMode.SHORT_LIVED) | times(validity=Duration.days(8)),
        r"validity is 8 days: a CA in short-lived mode issues at most 7 days",
    ),
    "relative CA path": Wrong(hosts(ca_certificate_path="certs"), r"ca_certificate_path is 'certs'"),
    "hook timeout": Wrong(hosts(hook_timeout=Duration.hours(1)), r"hook_timeout is 1 hour: it must be from 1 second"),
    "interval of nothing": Wrong(times(interval=Duration.seconds(0)), r"interval is 0 .* from 1 minute"),
    "runway of a healthy fleet": Wrong(
        alarms(runway=Duration.hours(40)), r"runway is 1 day 16 hours and threshold minus interval .* would be in alarm"
    ),
    "runway of nothing": Wrong(alarms(runway=Duration.seconds(0)), r"runway is 0 .* from 1 minute"),
    "CA expiry alarm from the start": Wrong(
        authority(validity=Duration.days(60)) | alarms(ca_expiry=Duration.days(60)),
        r"ca_expiry is 60 days and the CA's validity is 60 days.*new CA",
    ),
    "CRL alarm from the start": Wrong(
        alarms(crl_next_update=Duration.days(7)),
        r"crl_next_update is 7 days and the CA's crl_expiry is 7 days.*new CRL",
    ),
    "no share of a CRL": Wrong(alarms(crl_size_percentage=0), r"crl_size_percentage is 0: it must be from 1 to 100"),
    "CRL alarm without a CRL": Wrong(
        existing() | alarms(crl_size_percentage=50), r"crl_size_percentage is given, but no CRL is distributed: give"
    ),
    "no for alarms": Wrong({"alarms": False}, r"alarms is False: it must be of the type Alarms"),
    "no hosts": Wrong({"expected_hosts": 0}, r"expected_hosts is 0: .* from 1 to"),
    "half a host": Wrong({"expected_hosts": 1.5}, r"expected_hosts is 1.5: .* whole number"),
    "hosts as text": Wrong({"expected_hosts": "10"}, r"expected_hosts is '10': .* whole number"),
    "no tag": Wrong({"enrol_by_tag": {}}, r"enrol_by_tag is empty"),
    "tag without a value": Wrong({"enrol_by_tag": {"Pki": ""}}, r"has an empty value for 'Pki'"),
    "a tag for profiles, and nobody who joins by tags": Wrong(
        {"profile_tag": "Profile"}, r"profile_tag is 'Profile' without enrol_by_tag: it is read of machines that join"
    ),
    "an empty tag for profiles": Wrong(
        {"enrol_by_tag": {"Pki": "on"}, "profile_tag": ""}, r"profile_tag is '': it must be the key of a tag"
    ),
    "tag with a pattern": Wrong({"enrol_by_tag": {"Pki": "*"}}, r"takes .* in a tag's value for a pattern"),
    "tag with a list": Wrong(
        {"instance_tags": {"Pki": ["on"]}}, r"instance_tags has \['on'\] at 'Pki': it must be text"
    ),
    "no as text": Wrong({"dashboard": "false"}, r"dashboard is 'false': it must be True or False"),
    "another enumeration's value": Wrong(
        {"revoke_replaced": RevocationPolicy.ALWAYS},
        r"revoke_replaced is <RevocationPolicy.ALWAYS: 'ALWAYS'>: it must be one of ReplacementRevocation.NEVER, "
        r"ReplacementRevocation.ON_KEY_COMPROMISE, ReplacementRevocation.ALWAYS$",
    ),
    "a string for an enumeration": Wrong(
        {"revoke_on_retire": "NEVER"},
        r"revoke_on_retire is 'NEVER': it must be one of RevocationPolicy.ALWAYS, RevocationPolicy.NEVER$",
    ),
    "a string for a key algorithm": Wrong(
        hosts(key_algorithm="RSA_2048"), r"key_algorithm is 'RSA_2048': it must be one of KeyAlgorithm.RSA_2048, "
    ),
    "a string for an architecture": Wrong(
        functions(architecture="arm64"), r"architecture is 'arm64': it must be an aws_lambda.Architecture$"
    ),
    "an ARN for a key": Wrong(
        {"encryption_key": "arn:aws:kms:eu-central-1:111122223333:key/x"},
        r"encryption_key is 'arn:.*': it must be an aws_kms.IKey or None$",
    ),
    "a schedule as text": Wrong(
        {"schedule": "rate(6 hours)"}, r"schedule is 'rate.*': it must be an aws_scheduler.ScheduleExpression or None$"
    ),
}
