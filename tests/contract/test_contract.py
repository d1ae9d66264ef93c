"""What joins the worlds: environment, payloads, error names, patterns, document parameters."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pca_runtime.errors import kinds as errors
from pca_runtime.membership import settings as membership_settings
from pca_runtime.observability import invocation
from pca_runtime.renewal import payloads
from pca_runtime.renewal import settings as renewal_settings
from pca_runtime.reporting import events
from pca_runtime.revocation import reasons
from pca_runtime.revocation import settings as revocation_settings
from pca_runtime.shared import identifiers, settings

from pca_automator._internal import assets, validation
from pca_automator.authority.algorithms import KeyAlgorithm, SigningAlgorithm
from pca_automator.functions.factory import METRIC_NAMESPACE
from pca_automator.hosts.settings import ValidationPolicy
from pca_automator.renewal.states import RETRYABLE_ERRORS
from pca_automator.reporting import events as automation_events
from pca_automator.revocation.policies import ReplacementRevocation, RevocationPolicy
from pca_automator.ssm_documents import SEALED, load_document
from tests.synthesis import resources, sample_template, state_machine_definition

SETTINGS = {
    "CertCheck": renewal_settings.CertCheckSettings,
    "CertCSR": renewal_settings.CertCsrSettings,
    "CertCSRStatus": renewal_settings.CertCsrStatusSettings,
    "CertIssue": renewal_settings.CertIssueSettings,
    "CertDeploy": renewal_settings.CertDeploySettings,
    "CertDeployStatus": renewal_settings.CertDeployStatusSettings,
    "CertEnroll": membership_settings.CertEnrollSettings,
    "CertRetire": membership_settings.CertRetireSettings,
    "CertFailure": settings.TableSettings,
    "CertReport": renewal_settings.CertReportSettings,
    "CRLProcessor": revocation_settings.CrlProcessorSettings,
}
COMMON = {"AUTOMATION_NAME", "POWERTOOLS_SERVICE_NAME"}


def functions() -> dict[str, dict[str, Any]]:
    """Every deployed function by its service name."""
    found = {}
    for resource in resources(sample_template(), "AWS::Lambda::Function").values():
        properties = resource["Properties"]
        found[properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]] = properties
    return found


@pytest.mark.parametrize("name", SETTINGS)
def test_each_function_gets_the_environment_its_settings_read(name: str) -> None:
    given = {
        variable: value if isinstance(value, str) else "arn:aws:service:region:account:resolved-at-deployment"
        for variable, value in functions()[name]["Environment"]["Variables"].items()
    }
    model = SETTINGS[name].load(given)
    fields = {field.upper() for field in SETTINGS[name].model_fields}
    assert set(given) - COMMON <= fields, "a variable nobody reads"
    assert model.automation_name == given["AUTOMATION_NAME"]


def test_what_cert_check_answers_is_what_cert_deploy_status_takes() -> None:
    """Else the reason of a revocation is dropped on the way, for payloads ignore what they do not know."""
    definition = state_machine_definition(sample_template())
    renew = definition["States"]["RenewHosts"]
    status = renew["ItemProcessor"]["States"]["CertDeployStatus"]
    sent = {name.removesuffix(".$") for name in status["Parameters"]["Payload"]}
    assert sent == {field.alias or name for name, field in payloads.DeployStatusRequest.model_fields.items()}
    assert set(get_args(payloads.RunReason)) == {reasons.KEY_COMPROMISE, reasons.SUPERSEDED} <= set(reasons.REASONS)


def test_metrics_are_written_where_alarms_and_dashboard_look_for_them() -> None:
    assert not any("POWERTOOLS_METRICS_NAMESPACE" in each["Environment"]["Variables"] for each in functions().values())
    assert invocation._NAMESPACE == METRIC_NAMESPACE


def test_every_handler_exists() -> None:
    for name, properties in functions().items():
        module, attribute = properties["Handler"].rsplit(".", 1)
        assert callable(getattr(importlib.import_module(module), attribute)), name


def test_what_the_workflow_retries_is_what_the_code_raises() -> None:
    retryable = {each.__name__ for each in errors.RetryableError.__subclasses__()}
    assert set(RETRYABLE_ERRORS) == retryable


def test_one_name_runs_through_state_function_and_handler() -> None:
    definition = state_machine_definition(sample_template())
    states = definition["States"] | definition["States"]["RenewHosts"]["ItemProcessor"]["States"]
    logical_ids = {name: logical_id for logical_id, name in _service_names().items()}
    for name, state in states.items():
        if state["Type"] == "Task":
            function = name.removesuffix("AfterStop")
            assert state["Parameters"]["FunctionName"] == logical_ids[function]
            handler = functions()[function]["Handler"].split(".")[1]
            assert handler.replace("_", "") == function.lower()


def _service_names() -> dict[str, str]:
    return {
        logical_id: resource["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        for logical_id, resource in resources(sample_template(), "AWS::Lambda::Function").items()
    }


def test_patterns_are_the_same_in_all_worlds() -> None:
    parameters = load_document("InstallCertificate")["parameters"]
    assert f"^{identifiers.PATH}$" == validation.PATH_PATTERN
    assert validation.PATH_MAX_LENGTH == identifiers.PATH_MAX
    for name in ("certPath", "keyPath", "cacertPath", "signinghelperPath"):
        assert parameters[name]["allowedPattern"] == validation.PATH_PATTERN
    for name in ("csrPath", "hooksPath"):
        assert SEALED[name]["allowedPattern"] == validation.PATH_PATTERN
        assert SEALED[name]["maxChars"] == validation.PATH_MAX_LENGTH
    assert parameters["hostID"]["allowedPattern"] == f"^{identifiers.HOST_ID}$"
    assert parameters["requestId"]["allowedPattern"] == f"^{identifiers.REQUEST_ID}$"


def test_no_allowed_pattern_admits_a_character_with_a_meaning_to_a_shell() -> None:
    for document in ("GenerateCsr", "InstallCertificate", "InspectCertificate", "RemoveCertificate"):
        for name, parameter in load_document(document)["parameters"].items():
            pattern = re.compile(parameter["allowedPattern"])
            for character in "'\"`$;&|<>(){}[]!*?~#\\\n\r\t":
                for text in (character, f"/a{character}", f"a{character}b", f"/a{character}/b"):
                    assert not pattern.fullmatch(text), (document, name, text)


def test_algorithms_and_policies_are_the_same_in_all_worlds() -> None:
    environment = {
        "KEY_ALGORITHM": {each.value for each in KeyAlgorithm},
        "REVOKE_ON_RETIRE": {each.value for each in RevocationPolicy},
        "REVOKE_REPLACED": {each.value for each in ReplacementRevocation},
        "SIGNING_ALGORITHM": {each.value for each in SigningAlgorithm},
    }
    literal = {
        "KEY_ALGORITHM": settings.KeyAlgorithm,
        "REVOKE_ON_RETIRE": membership_settings.RevocationPolicy,
        "REVOKE_REPLACED": renewal_settings.ReplacementRevocation,
        "SIGNING_ALGORITHM": renewal_settings.SigningAlgorithm,
    }
    for variable, values in environment.items():
        assert set(literal[variable].__args__) == values
    pattern = re.compile(load_document("GenerateCsr")["parameters"]["keyAlgorithm"]["allowedPattern"])
    assert all(pattern.fullmatch(value) for value in environment["KEY_ALGORITHM"])
    policies = re.compile(SEALED["validationPolicy"]["allowedPattern"])
    assert all(policies.fullmatch(each.value) for each in ValidationPolicy)


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("lambda_src/handlers", {"aws_cdk", "pca_automator"}),
        ("lambda_src/pca_runtime", {"aws_cdk", "pca_automator"}),
        ("pca_automator/rehearsal", {"aws_cdk", "handlers", "pca_runtime"}),
        ("pca_automator/cli", {"aws_cdk", "handlers", "pca_runtime"}),
        ("pca_automator/planning", {"aws_cdk", "boto3", "handlers", "pca_runtime"}),
        ("pca_automator/pictures", {"aws_cdk", "boto3", "handlers", "pca_runtime"}),
        ("pca_automator/ssm_documents", {"aws_cdk", "boto3"}),
        ("pca_automator/functions/packages", {"aws_cdk", "boto3", "handlers", "pca_runtime"}),
        ("pca_automator/_internal", {"boto3", "handlers", "pca_runtime"}),
    ],
)
def test_the_worlds_do_not_import_each_other(folder: str, forbidden: set[str]) -> None:
    files = sorted((assets.lambda_source().parent / folder).rglob("*.py"))
    assert files
    for file in files:
        assert not imported_packages(file) & forbidden, file


def imported_packages(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_events_have_one_name_where_they_are_published_and_where_rules_match_them() -> None:
    for name in ("HOST_RENEWED", "HOST_RENEWAL_FAILED", "RUN_REPORT"):
        assert getattr(automation_events, name) == getattr(events, name)
    assert automation_events.EVENT_SOURCE == events.SOURCE


def test_no_function_sleeps() -> None:
    for file in assets.lambda_source().rglob("*.py"):
        assert "time" not in imported_packages(file) or "sleep(" not in file.read_text(encoding="utf-8"), file
