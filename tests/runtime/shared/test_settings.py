"""The environment of the functions fails at cold start, naming the variable."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pca_runtime.errors.kinds import ConfigurationError
from pca_runtime.renewal import settings as renewal
from pca_runtime.reporting.settings import CertDigestSettings
from pca_runtime.revocation.settings import CrlProcessorSettings
from pca_runtime.shared import settings

from tests.runtime.conftest import ENVIRONMENT, World

MODELS = [
    settings.FunctionSettings,
    settings.TableSettings,
    renewal.CertCheckSettings,
    renewal.CertCsrSettings,
    renewal.CertIssueSettings,
    renewal.CertDeploySettings,
    renewal.CertReportSettings,
    CrlProcessorSettings,
    CertDigestSettings,
    renewal.CertDeployStatusSettings,
]


@pytest.mark.parametrize("model", MODELS)
def test_reads_the_contracts_environment_and_ignores_the_rest(model: type[settings.FunctionSettings]) -> None:
    loaded = model.load({**ENVIRONMENT, "PATH": "/bin", "_HANDLER": "x"})
    assert loaded.automation_name == "fleet"


@pytest.mark.parametrize("model", MODELS)
def test_every_missing_variable_is_named(model: type[settings.FunctionSettings]) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        model.load({})
    for name, field in model.model_fields.items():
        assert (name.upper() in str(wrong.value)) == field.is_required()


@pytest.mark.parametrize(
    ("model", "variable", "value"),
    [
        (renewal.CertCsrSettings, "POLL_INTERVAL_SECONDS", "0"),
        (renewal.CertCsrSettings, "KEY_ALGORITHM", "RSA_1024"),
        (renewal.CertCsrSettings, "ISSUANCE_TIMEOUT_SECONDS", "soon"),
        (renewal.CertIssueSettings, "SIGNING_ALGORITHM", "SHA1WITHRSA"),
        (renewal.CertIssueSettings, "VALIDITY_DAYS", "0"),
        (renewal.CertIssueSettings, "CERTIFICATE_PROFILES", "{"),
        (renewal.CertDeploySettings, "CERTIFICATE_PROFILES", '{"default": {"usages": ["CODE_SIGNING"]}}'),
        (renewal.CertCsrSettings, "CERTIFICATE_PROFILES", '{"default": {"usages": []}}'),
        (renewal.CertIssueSettings, "CA_ARN", "my-ca"),
        (renewal.CertCheckSettings, "REVOKE_REPLACED", "SOMETIMES"),
        (renewal.CertCheckSettings, "SCAN_SEGMENTS", "0"),
        (renewal.CertCheckSettings, "SCAN_SEGMENTS", "65"),
        (renewal.CertCheckSettings, "QUOTAS", '{"SendCommand": 0}'),
        (renewal.CertCheckSettings, "QUOTA_SHARE", "0"),
        (renewal.CertCheckSettings, "QUOTA_SHARE", "1.01"),
        (renewal.CertCheckSettings, "PRODUCTION_SESSIONS", "-1"),
        (renewal.CertCheckSettings, "READ_ACCOUNT", "perhaps"),
        (renewal.CertCsrSettings, "POLL_INTERVAL_SECONDS", "601"),
        (renewal.CertCsrSettings, "POLL_ATTEMPTS", "101"),
        (renewal.CertCsrSettings, "TABLE_NAME", ""),
        (renewal.CertReportSettings, "TOPIC_ARN", ""),
    ],
)
def test_a_wrong_value_names_its_variable(model: type[settings.FunctionSettings], variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=variable):
        model.load({**ENVIRONMENT, variable: value})


@pytest.mark.parametrize(("interval", "attempts", "command", "lease"), [("15", "12", 180, 960), ("1", "1", 30, 602)])
def test_command_timeout_and_lease_follow_from_the_polling(
    interval: str, attempts: str, command: int, lease: int
) -> None:
    polling = {"POLL_INTERVAL_SECONDS": interval, "POLL_ATTEMPTS": attempts, "ISSUANCE_TIMEOUT_SECONDS": "120"}
    loaded = renewal.CertCsrSettings.load({**ENVIRONMENT, **polling})
    assert (loaded.command_timeout_seconds, loaded.lease_seconds) == (command, lease)


def test_check_has_defaults_for_what_the_contract_gives_defaults() -> None:
    without_default = (
        "AUTOMATION_NAME", "CA_ARN", "STARTS_TABLE_NAME", "TABLE_NAME", "TRUST_ANCHOR_ARN", "VALIDATION_POLICY",
        "WORK_BUCKET",
    )  # fmt: skip
    environment = {name: ENVIRONMENT[name] for name in without_default}
    loaded = renewal.CertCheckSettings.load(environment)
    assert (loaded.scan_segments, loaded.next_run) == (4, timedelta(hours=12))
    assert loaded.revoke_replaced == "NEVER"
    assert (loaded.quotas, loaded.production_sessions, loaded.quota_share) == ({}, None, 1.0)
    assert loaded.read_account is True
    assert loaded.powertools_metrics_namespace == "PcaAutomator"
    assert (loaded.longest_lease_seconds, loaded.validity_days) == (None, None)
    assert (loaded.stack_name, loaded.aws_region) == ("", "")


@pytest.mark.parametrize(
    ("variable", "value", "attribute", "read"),
    [
        ("READ_ACCOUNT", "false", "read_account", False),
        ("READ_ACCOUNT", "true", "read_account", True),
        ("PRODUCTION_SESSIONS", "", "production_sessions", None),
        ("PRODUCTION_SESSIONS", "0", "production_sessions", 0.0),
        ("QUOTA_SHARE", "1", "quota_share", 1.0),
        ("QUOTA_SHARE", "0.01", "quota_share", 0.01),
        ("QUOTAS", '{"SendCommand": 0.5}', "quotas", {"SendCommand": 0.5}),
        ("SCAN_SEGMENTS", "64", "scan_segments", 64),
        ("NEXT_RUN_SECONDS", "0", "next_run_seconds", 0),
    ],
)
def test_what_the_construct_may_give_is_read_as_it_was_meant(
    variable: str, value: str, attribute: str, read: object
) -> None:
    loaded = renewal.CertCheckSettings.load({**ENVIRONMENT, variable: value})
    assert (getattr(loaded, attribute), type(getattr(loaded, attribute))) == (read, type(read))


def test_a_function_with_a_broken_environment_says_so_instead_of_working(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TABLE_NAME")
    with pytest.raises(ConfigurationError, match="TABLE_NAME"):
        world.invoke("cert_csr", {"hostID": "i-01234567", "runId": "r"})
    assert world.dynamodb.calls == []


@pytest.mark.parametrize("algorithm", ["RSA", "ECDSA"])
@pytest.mark.parametrize("digest", ["SHA256", "SHA384", "SHA512"])
def test_every_signing_algorithm_that_the_ca_may_have_is_read(digest: str, algorithm: str) -> None:
    name = f"{digest}WITH{algorithm}"
    assert renewal.CertIssueSettings.load({**ENVIRONMENT, "SIGNING_ALGORITHM": name}).signing_algorithm == name
