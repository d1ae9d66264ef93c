"""Payloads and environments: every field by its name outside, what it is where nothing is said, and its limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from pca_runtime.authority.profiles import CertificateProfile
from pca_runtime.errors.kinds import ConfigurationError, InvalidInput
from pca_runtime.renewal import payloads, settings
from pca_runtime.renewal.replacement import revocation_reason
from pca_runtime.renewal.start import LANES, Start
from pca_runtime.revocation.settings import CrlProcessorSettings
from pca_runtime.shared.payloads import Payload
from pca_runtime.shared.settings import FunctionSettings

from tests.runtime.conftest import ENVIRONMENT, HOST
from tests.runtime.fakes import ANCHOR_ARN, CA_ARN, REGION
from tests.runtime.pki import NOW

_HOST = {"hostID": HOST, "runId": "run-1"}
_COMMAND = {**_HOST, "commandId": "command-1", "attempt": 3}
_ERROR = {"Error": "InstallFailed", "Cause": "HOOK_FAILED: x"}

# What each function is sent, whole, as the workflow sends it, and what the function then knows.
_WHOLE: list[tuple[type[Payload], dict[str, Any], dict[str, Any]]] = [
    (
        payloads.CheckRequest,
        {"input": {"a": [1]}, "runId": "run-1", "executionArn": "arn"},
        {"input": {"a": [1]}, "run_id": "run-1", "execution_arn": "arn"},
    ),
    (payloads.HostRequest, _HOST, {"host_id": HOST, "run_id": "run-1"}),
    (
        payloads.CsrRequest,
        {
            **_HOST, "startedAt": "2026-11-23T13:00:00Z", "startAt": "2026-11-23T13:15:00Z", "lane": "express",
            "runHosts": 9, "requeues": 2, "byHand": True,
        },
        {
            "host_id": HOST, "run_id": "run-1", "started_at": "2026-11-23T13:00:00Z",
            "start_at": "2026-11-23T13:15:00Z", "lane": "express", "run_hosts": 9, "requeues": 2, "by_hand": True,
        },
    ),
    (
        payloads.CommandRequest,
        _COMMAND,
        {"host_id": HOST, "run_id": "run-1", "command_id": "command-1", "attempt": 3},
    ),
    (
        payloads.DeployStatusRequest,
        {**_COMMAND, "revokeReplaced": True, "revocationReason": "KEY_COMPROMISE"},
        {
            "host_id": HOST, "run_id": "run-1", "command_id": "command-1", "attempt": 3, "revoke_replaced": True,
            "revocation_reason": "KEY_COMPROMISE",
        },
    ),
    (
        payloads.IssueRequest,
        {**_HOST, "csr": "pem", "taskToken": "token", "byHand": True},
        {"host_id": HOST, "run_id": "run-1", "csr": "pem", "task_token": "token", "by_hand": True},
    ),
    (
        payloads.FailureRequest,
        {**_HOST, "phase": "CertDeploy", "error": _ERROR, "startedAt": "2026-11-23T13:00:00Z"},
        {
            "host_id": HOST, "run_id": "run-1", "phase": "CertDeploy",
            "error": payloads.WorkflowError(error="InstallFailed", cause="HOOK_FAILED: x"),
            "started_at": "2026-11-23T13:00:00Z",
        },
    ),
    (
        payloads.ReportRequest,
        {"runId": "run-1", "bucket": "work", "key": "k", "executionArn": "arn", "mapError": _ERROR},
        {
            "run_id": "run-1", "bucket": "work", "key": "k", "execution_arn": "arn",
            "map_error": payloads.WorkflowError(error="InstallFailed", cause="HOOK_FAILED: x"),
        },
    ),
]  # fmt: skip
# What is so where nothing is said.
_DEFAULTS: dict[type[Payload], dict[str, Any]] = {
    payloads.CheckRequest: {"execution_arn": ""},
    payloads.HostRequest: {},
    payloads.CsrRequest: {
        "started_at": None, "start_at": None, "lane": "bulk", "run_hosts": 0, "requeues": 0, "by_hand": None,
    },
    payloads.CommandRequest: {},
    payloads.DeployStatusRequest: {"revoke_replaced": False, "revocation_reason": "SUPERSEDED"},
    payloads.IssueRequest: {"by_hand": False},
    payloads.FailureRequest: {"error": payloads.WorkflowError(error="", cause=""), "started_at": None},
    payloads.ReportRequest: {"execution_arn": "", "map_error": None},
}  # fmt: skip


def _values(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.model_fields}


@pytest.mark.parametrize(("model", "sent", "known"), _WHOLE, ids=lambda each: getattr(each, "__name__", ""))
def test_what_is_sent_is_known_and_what_is_not_sent_has_its_default(
    model: type[Payload], sent: dict[str, Any], known: dict[str, Any]
) -> None:
    assert _values(model.parse(sent)) == known
    outside = {model.outside(name): name for name in known}
    assert set(outside) == set(sent)
    needed = {called: sent[called] for called, name in outside.items() if name not in _DEFAULTS[model]}
    assert _values(model.parse(needed)) == {**known, **_DEFAULTS[model]}
    for called in needed:
        with pytest.raises(InvalidInput, match=f"^INPUT_INVALID: {called}: it is missing"):
            model.parse({each: value for each, value in needed.items() if each != called})


@pytest.mark.parametrize(
    ("model", "field", "wrong", "right"),
    [
        (payloads.HostRequest, "hostID", ["i-1", "", None, f" {HOST}"], ["mi-0123456789abcdef0", "i-01234567"]),
        (payloads.HostRequest, "runId", ["", "a b", None], ["a", "a-b_c"]),
        (payloads.CsrRequest, "lane", ["slow", "", None], ["bulk", "express"]),
        (payloads.CsrRequest, "runHosts", [-1, 0.5, True], [0, 1]),
        (payloads.CsrRequest, "requeues", [-1, "x"], [0, 1]),
        (payloads.CsrRequest, "byHand", ["true", 1], [True, False, None]),
        (payloads.CsrRequest, "startAt", [7], [None, "anything"]),
        (payloads.CommandRequest, "attempt", [-1, None], [0, 1]),
        (payloads.CommandRequest, "commandId", ["", None], ["c"]),
        (payloads.DeployStatusRequest, "revokeReplaced", [None, "true"], [True, False]),
        (payloads.DeployStatusRequest, "revocationReason", ["UNSPECIFIED", None], ["KEY_COMPROMISE", "SUPERSEDED"]),
        (payloads.IssueRequest, "csr", ["", None], ["c"]),
        (payloads.IssueRequest, "taskToken", ["", None], ["c"]),
        (payloads.IssueRequest, "byHand", [None, 1], [True, False]),
        (
            payloads.FailureRequest, "phase", ["CertCheck", "", None],
            ["CertCSR", "CertCSRStatus", "CertIssue", "CertDeploy", "CertDeployStatus"],
        ),
        (payloads.FailureRequest, "error", [], [None, "text", 7, {}, {"Error": None, "Cause": {"a": 1}}]),
        (payloads.ReportRequest, "bucket", ["", None], ["b"]),
        (payloads.ReportRequest, "key", ["", None], ["k"]),
        (payloads.ReportRequest, "mapError", ["x"], [None, {}]),
        (payloads.CheckRequest, "input", [None, [], "{}"], [{}, {"x": 1}]),
    ],
)  # fmt: skip
def test_what_a_field_takes_and_what_it_refuses_by_its_name(
    model: type[Payload], field: str, wrong: list[Any], right: list[Any]
) -> None:
    whole = next(sent for each, sent, _ in _WHOLE if each is model)
    for value in right:
        model.parse({**whole, field: value})
    for value in wrong:
        with pytest.raises(InvalidInput, match=f"^INPUT_INVALID: {field}"):
            model.parse({**whole, field: value})


@pytest.mark.parametrize(
    ("given", "error", "cause"),
    [
        ({"Error": "E", "Cause": "C"}, "E", "C"),
        ({"Error": 7, "Cause": {"a": 1}}, "7", '{"a": 1}'),
        ({"Error": None}, "", ""),
        ("words", "", "words"),
        (None, "", ""),
        ([1], "", "[1]"),
    ],
)
def test_no_failure_is_refused_for_its_form(given: Any, error: str, cause: str) -> None:
    read = payloads.FailureRequest.parse({**_HOST, "phase": "CertCSR", "error": given}).error
    assert (read.error, read.cause) == (error, cause)


@pytest.mark.parametrize(
    "secret", ["csr", "task_token"], ids=["the CSR is in no log", "who has the token completes the task"]
)
def test_secrets_are_in_no_repr(secret: str) -> None:
    request = payloads.IssueRequest.parse({**_HOST, "csr": "a-secret-csr", "taskToken": "a-secret-task_token"})
    assert f"a-secret-{secret}" not in repr(request)
    assert HOST in repr(request)


def test_a_reserved_start_has_all_that_the_gate_judges_by() -> None:
    sent = {**_HOST, "startAt": "2026-11-23T13:15:00Z", "lane": "express", "runHosts": 9, "requeues": 2}
    assert payloads.CsrRequest.parse(sent).start == Start(NOW, "express", 9, 2)
    assert payloads.CsrRequest.parse(_HOST).start is None
    assert payloads.CsrRequest.parse({**_HOST, "startAt": "soon"}).start is None
    assert LANES == ("bulk", "express")


_IDS = [f"i-{number:017x}" for number in range(10_001)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"force": True}, 'force is only allowed with hostIDs; {"reissue": "all"} renews every host'),
        ({"hostIDs": _IDS[:1], "reissue": "all"}, "reissue and hostIDs exclude each other"),
        ({"revokeReplaced": True}, "revokeReplaced is only allowed with reissue, or with hostIDs and force"),
        (
            {"hostIDs": _IDS[:1], "revokeReplaced": True},
            "revokeReplaced is only allowed with reissue, or with hostIDs and force",
        ),
        ({"hostIDs": []}, "hostIDs: allowed is a list of 1 to 10,000"),
        ({"hostIDs": _IDS}, "hostIDs: allowed is a list of 1 to 10,000"),
        ({"hostIDs": [7]}, "hostIDs.0: allowed is a text"),
        ({"reissue": "some"}, "reissue: allowed is all"),
        ({"force": "yes"}, "force: allowed are true and false"),
        ({"automatic": 1}, "automatic: allowed are true and false"),
        ({"revokeReplaced": 1}, "revokeReplaced: allowed are true and false"),
        ({"hostIds": []}, "hostIds: allowed are automatic, force, hostIDs, reissue, revokeReplaced"),
    ],
)
def test_an_input_that_makes_no_sense_is_refused_with_what_does(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        payloads.RunInput.parse(given)
    assert words in str(refused.value)
    assert str(refused.value).endswith(
        '; allowed are {}, {"hostIDs": [1 to 10,000 ids], "force": true|false} and {"reissue": "all"}, the forced '
        'ones also with "revokeReplaced": true|false'
    )


@pytest.mark.parametrize(
    ("given", "by_hand", "never", "on_compromise", "always"),
    [
        ({}, False, None, None, "SUPERSEDED"),
        ({"hostIDs": None}, False, None, None, "SUPERSEDED"),
        ({"hostIDs": _IDS[:10_000], "automatic": True}, False, None, None, "SUPERSEDED"),
        ({"hostIDs": ["x"], "force": True, "automatic": True}, False, None, None, "SUPERSEDED"),
        ({"hostIDs": ["x"], "force": True}, True, None, None, "SUPERSEDED"),
        ({"hostIDs": ["x"], "force": True, "revokeReplaced": True}, True, *["KEY_COMPROMISE"] * 3),
        ({"hostIDs": ["x"], "force": True, "revokeReplaced": False}, True, None, None, "SUPERSEDED"),
        ({"reissue": "all"}, True, None, "KEY_COMPROMISE", "SUPERSEDED"),
        ({"reissue": "all", "revokeReplaced": True}, True, *["KEY_COMPROMISE"] * 3),
        ({"reissue": "all", "revokeReplaced": False}, True, None, None, "SUPERSEDED"),
    ],
)
def test_who_has_forced_a_run_and_what_it_revokes(
    given: dict[str, Any], by_hand: bool, never: str | None, on_compromise: str | None, always: str | None
) -> None:
    wanted = payloads.RunInput.parse(given)
    assert wanted.by_hand is by_hand
    assert revocation_reason(wanted, "NEVER") == never
    assert revocation_reason(wanted, "ON_KEY_COMPROMISE") == on_compromise
    assert revocation_reason(wanted, "ALWAYS") == always


_TOPIC = f"arn:aws:sns:{REGION}:123456789012:failures"
_PROFILES = {
    name: CertificateProfile.read(each) for name, each in json.loads(ENVIRONMENT["CERTIFICATE_PROFILES"]).items()
}
# By variable: the field, and what it is in a function whose environment is that of the tests.
_VARIABLES: dict[str, Any] = {
    "AUTOMATION_NAME": "fleet",
    "CA_ARN": CA_ARN,
    "CACERT_PATH": "/etc/pca-automator/certs",
    "CERT_PATH": "/etc/pca-automator/certs",
    "CERTIFICATE_PROFILES": _PROFILES,
    "CRL_BUCKET": "crls",
    "CRL_NAME": "pca-automator",
    "GENERATE_CSR_DOCUMENT": "GenerateCsr",
    "INSTALL_DOCUMENT": "InstallCertificate",
    "ISSUANCE_BUDGET": 10,
    "ISSUANCE_TIMEOUT_SECONDS": 1200,
    "KEY_ALGORITHM": "EC_prime256v1",
    "KEY_PATH": "/etc/pca-automator/private",
    "LEDGER_TABLE": "ledger",
    "POLL_ATTEMPTS": 4,
    "POLL_INTERVAL_SECONDS": 15,
    "RENEWAL_JITTER_SECONDS": 0,
    "RENEWAL_THRESHOLD_SECONDS": 172_800,
    "SIGNING_ALGORITHM": "SHA256WITHECDSA",
    "SIGNINGHELPER_PATH": "/usr/local/bin",
    "STARTS_TABLE_NAME": "starts",
    "TABLE_NAME": "inventory",
    "TOPIC_ARN": _TOPIC,
    "TRUST_ANCHOR_ARN": ANCHOR_ARN,
    "VALIDATION_POLICY": "IF_PRESENT",
    "WORK_BUCKET": "work",
}
_TABLE = {"TABLE_NAME"}
_COMMANDS = {"CERT_PATH", "KEY_PATH", "CACERT_PATH", "POLL_INTERVAL_SECONDS", "POLL_ATTEMPTS"}
_OF_PROFILES = {*_TABLE, "CERTIFICATE_PROFILES", "KEY_ALGORITHM", "VALIDITY_DAYS"}
_NEEDED: dict[type[FunctionSettings], set[str]] = {
    settings.CertCheckSettings: {
        *_TABLE, "STARTS_TABLE_NAME", "CA_ARN", "TRUST_ANCHOR_ARN", "WORK_BUCKET", "VALIDATION_POLICY",
    },
    settings.CertCsrSettings: {
        *_OF_PROFILES, *_COMMANDS, "STARTS_TABLE_NAME", "CA_ARN", "ISSUANCE_TIMEOUT_SECONDS", "GENERATE_CSR_DOCUMENT",
        "LEDGER_TABLE",
    },
    settings.CertCsrStatusSettings: {"STARTS_TABLE_NAME"},
    settings.CertIssueSettings: {
        *_OF_PROFILES, "STARTS_TABLE_NAME", "CA_ARN", "LEDGER_TABLE", "ISSUANCE_BUDGET", "SIGNING_ALGORITHM",
    },
    settings.CertDeploySettings: {
        *_OF_PROFILES, *_COMMANDS, "STARTS_TABLE_NAME", "CA_ARN", "INSTALL_DOCUMENT", "LEDGER_TABLE",
        "RENEWAL_THRESHOLD_SECONDS", "RENEWAL_JITTER_SECONDS", "SIGNINGHELPER_PATH",
    },
    settings.CertDeployStatusSettings: {
        *_TABLE, "STARTS_TABLE_NAME", "CA_ARN", "LEDGER_TABLE", "POLL_INTERVAL_SECONDS", "POLL_ATTEMPTS",
    },
    settings.CertReportSettings: {*_TABLE, "TOPIC_ARN", "WORK_BUCKET"},
    CrlProcessorSettings: {"CA_ARN", "LEDGER_TABLE", "TRUST_ANCHOR_ARN", "CRL_BUCKET", "CRL_NAME", "TOPIC_ARN"},
}  # fmt: skip
_OPTIONAL: Mapping[str, Any] = {
    "stack_name": "", "aws_region": "", "longest_lease_seconds": None, "validity_days": None,
    "next_run_seconds": 43_200, "quotas": {}, "production_sessions": None, "quota_share": 1.0, "read_account": True,
    "powertools_metrics_namespace": "PcaAutomator", "scan_segments": 4, "revoke_replaced": "NEVER",
}  # fmt: skip


@pytest.mark.parametrize("model", _NEEDED, ids=lambda each: each.__name__)
def test_each_function_reads_its_variables_and_names_the_one_that_is_missing(model: type[FunctionSettings]) -> None:
    needed = {"AUTOMATION_NAME", *_NEEDED[model]}
    environment = {name: ENVIRONMENT[name] for name in needed}
    loaded = model.load(environment)
    for name in model.model_fields:
        variable = name.upper()
        expected = 7 if variable in needed and variable == "VALIDITY_DAYS" else _VARIABLES.get(variable)
        assert getattr(loaded, name) == (expected if variable in needed else _OPTIONAL[name]), name
    for variable in needed:
        rest = {name: value for name, value in environment.items() if name != variable}
        with pytest.raises(ConfigurationError, match=f"^environment variable {variable}: it is missing"):
            model.load(rest)


@pytest.mark.parametrize(
    ("variable", "right", "wrong"),
    [
        ("CA_ARN", {"arn:aws-cn:acm-pca:x": "arn:aws-cn:acm-pca:x"}, ["ca", ""]),
        ("TRUST_ANCHOR_ARN", {}, ["anchor"]),
        ("VALIDATION_POLICY", {each: each for each in ("REQUIRED", "IF_PRESENT", "NEVER")}, ["ALWAYS", ""]),
        ("REVOKE_REPLACED", {each: each for each in ("NEVER", "ON_KEY_COMPROMISE", "ALWAYS")}, ["", "never"]),
        ("QUOTAS", {'{"CreateSession": 0.5}': {"CreateSession": 0.5}}, ['{"CreateSession": 0}', "[]", "x"]),
        ("PRODUCTION_SESSIONS", {"": None, "0": 0.0, "2.5": 2.5}, ["-0.1", "x"]),
        ("QUOTA_SHARE", {"1": 1.0, "0.01": 0.01}, ["0", "1.01"]),
        ("READ_ACCOUNT", {"true": True, "false": False, "False": False}, ["yes", ""]),
        ("SCAN_SEGMENTS", {"1": 1, "64": 64}, ["0", "65"]),
        ("NEXT_RUN_SECONDS", {"0": 0, "1": 1}, ["-1", ""]),
        ("LONGEST_LEASE_SECONDS", {"1": 1}, ["0"]),
        ("WORK_BUCKET", {"b": "b"}, [""]),
        ("STARTS_TABLE_NAME", {"b": "b"}, [""]),
    ],
)
def test_what_a_variable_takes_and_what_it_refuses_by_its_name(
    variable: str, right: dict[str, Any], wrong: list[str]
) -> None:
    for text, value in right.items():
        loaded = settings.CertCheckSettings.load({**ENVIRONMENT, variable: text})
        assert getattr(loaded, variable.lower()) == value
    for text in wrong:
        with pytest.raises(ConfigurationError, match=f"^environment variable {variable}"):
            settings.CertCheckSettings.load({**ENVIRONMENT, variable: text})


@pytest.mark.parametrize(
    "algorithm",
    ["SHA256WITHRSA", "SHA384WITHRSA", "SHA512WITHRSA", "SHA256WITHECDSA", "SHA384WITHECDSA", "SHA512WITHECDSA"],
)
def test_every_way_to_sign_that_the_ca_has_can_be_told(algorithm: str) -> None:
    """https://docs.aws.amazon.com/privateca/latest/APIReference/API_IssueCertificate.html"""
    loaded = settings.CertIssueSettings.load({**ENVIRONMENT, "SIGNING_ALGORITHM": algorithm})
    assert loaded.signing_algorithm == algorithm


def test_a_lease_lasts_longer_than_what_it_is_for() -> None:
    whole = {**ENVIRONMENT, "POLL_INTERVAL_SECONDS": "20", "POLL_ATTEMPTS": "9", "ISSUANCE_TIMEOUT_SECONDS": "120"}
    assert settings.CertCsrSettings.load(whole).lease_seconds == 2 * 180 + 120 + 480
    assert settings.CertDeployStatusSettings.load(whole).lease_seconds == 180 + 480
    assert settings.CertCsrSettings.load(whole).command_timeout_seconds == 180
    assert settings.CertCsrSettings.load({**whole, "POLL_ATTEMPTS": "1"}).command_timeout_seconds == 30
    assert settings.CertCheckSettings.load(ENVIRONMENT).next_run == timedelta(hours=12)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_a_template_is_of_the_cas_partition(partition: str) -> None:
    loaded = settings.CertIssueSettings.load({**ENVIRONMENT, "CA_ARN": CA_ARN.replace(":aws:", f":{partition}:")})
    assert loaded.template_arn("X/V1") == f"arn:{partition}:acm-pca:::template/X/V1"
