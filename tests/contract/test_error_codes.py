"""The catalogue has every code that anybody says, and no code that nobody says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from pca_runtime.errors import kinds as errors
from pca_runtime.errors.catalogue import CATALOGUE, remedy_for
from pca_runtime.errors.of_aws import translation_of
from pca_runtime.errors.service_codes import HINTS
from pca_runtime.hosts.commands import HostCommands

from pca_automator._internal import assets
from pca_automator.cli.deployed.host_live import _compare
from pca_automator.cli.runtime import runtime
from pca_automator.renewal.states import LAMBDA_TROUBLE

ROOT = assets.lambda_source().parent
DOCUMENTS = ROOT / "pca_automator" / "ssm_documents"
SOURCES = (ROOT / "lambda_src", ROOT / "pca_automator")
# Names that Step Functions and Lambda give by themselves to what went wrong; no source of ours has to name them.
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
NAMED_BY_AWS = {
    *LAMBDA_TROUBLE, "States.ExceedToleratedFailureThreshold", "States.ItemReaderFailed", "States.ResultWriterFailed",
    "States.TaskFailed", "States.Timeout",
}  # fmt: skip
CODE = r"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)\b"
SAID_BY_SCRIPTS = re.compile(rf"(?:\bfail|\bmust|\bgo_back|\bproblem|PCA_ERROR) +{CODE}|_code={CODE}")


def scripts() -> str:
    """What runs on a host, without comments."""
    lines = [line for path in sorted(DOCUMENTS.rglob("*.sh")) for line in path.read_text("utf-8").splitlines()]
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def constants() -> Iterator[str]:
    """Every text and class name in our sources, but for the catalogue itself."""
    for folder in SOURCES:
        for path in folder.rglob("*.py"):
            if path.name.startswith("catalogue_") or "rehearsal" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
                elif isinstance(node, ast.ClassDef):
                    yield node.name


def test_every_code_that_a_script_says_is_in_the_catalogue() -> None:
    said = {code for match in SAID_BY_SCRIPTS.finditer(scripts()) for code in match.groups() if code}
    assert len(said) > 20
    assert said <= CATALOGUE.keys()


def test_every_code_of_the_catalogue_is_said_by_somebody() -> None:
    words = set(re.findall(r"[A-Z][A-Z0-9_]+", scripts())) | set(constants())
    assert CATALOGUE.keys() - words - NAMED_BY_AWS == set()
    assert CATALOGUE.keys() >= NAMED_BY_AWS


def test_hints_belong_to_codes_of_the_catalogue() -> None:
    assert HINTS.keys() <= CATALOGUE.keys()


def test_what_the_command_finds_on_a_host_is_in_the_catalogue() -> None:
    item = runtime("inventory.item").HostItem.of({"hostID": "i-0123456789abcdef0", "serial": "ab"})
    (found,) = _compare(item, {"live": {"serial": "cd"}})["problems"]
    assert found in CATALOGUE


def aws_says(code: str, message: str = "", operation: str = "Operation") -> tuple[str, str]:
    error = translation_of(ClientError({"Error": {"Code": code, "Message": message}}, operation), operation)
    return error.code, error.message


def the_host_says(sentence: str) -> tuple[str, str]:
    return "ROLES_ANYWHERE_REJECTED", f"IAM Roles Anywhere: {sentence}"


class _Answers:
    """A Systems Manager that answers with one ending."""

    def __init__(self, status: str) -> None:
        self._status = status

    def get_command_invocation(self, **_: str) -> dict[str, str]:
        return {"Status": "TimedOut", "StatusDetails": self._status}


def run_command_says(status: str) -> tuple[str, str]:
    with pytest.raises(errors.PermanentError) as said:
        HostCommands(_Answers(status)).poll("command", "i-0123456789abcdef0", errors.CsrFailed)  # type: ignore[arg-type]
    return said.value.code, said.value.message


CAUSES = {
    "chain, at Roles Anywhere": (the_host_says("AccessDeniedException: Untrusted certificate"), "trust anchor"),
    "chain, on the host": (("CHAIN_INVALID", "the certificate does not verify"), "CA is active"),
    "anchor is disabled": (the_host_says("AccessDeniedException: Trust anchor disabled"), "enable-trust-anchor"),
    "profile is disabled": (the_host_says("AccessDeniedException: Profile is disabled"), "enable-profile"),
    "something is disabled": (the_host_says("AccessDeniedException: disabled"), "pca-automator doctor"),
    "anchor is gone": (the_host_says("ResourceNotFoundException: Trust anchor not found"), "does not exist"),
    "CRL": (the_host_says("AccessDeniedException: Certificate revoked"), "on a CRL"),
    "certificate has run out": (the_host_says("AccessDeniedException: Certificate expired"), "has expired"),
    "clock, of the request": (the_host_says("Signature expired: 20261123T0Z is now earlier than"), "clock"),
    "clock, of the certificate": (("CERTIFICATE_NOT_VALID_NOW", "not valid yet"), "clock"),
    "role": (the_host_says("AccessDeniedException: Unable to assume role"), "trust policy"),
    "Roles Anywhere throttles": (("ROLES_ANYWHERE_THROTTLED", "ThrottlingException: Rate exceeded"), "ten a second"),
    "no way to Roles Anywhere": (("ROLES_ANYWHERE_UNREACHABLE", "dial tcp: i/o timeout"), "route, proxy and DNS"),
    "TLS is broken up": (("ROLES_ANYWHERE_UNREACHABLE", "tls: first record"), "inspecting firewall"),
    "Roles Anywhere has trouble": (("ROLES_ANYWHERE_UNREACHABLE", "InternalServerException"), "Health Dashboard"),
    "the helper is for another machine": (("HELPER_BROKEN", "ELF machine 0xb7"), "architecture"),
    "agent is offline": (aws_says("InvalidInstanceId", "not in a valid state", "SendCommand"), "online"),
    "agent does not answer": (run_command_says("Undeliverable"), "amazon-ssm-agent"),
    "agent answers too late": (run_command_says("DeliveryTimedOut"), "amazon-ssm-agent"),
    "command hangs": (run_command_says("ExecutionTimedOut"), "load of the host"),
    "agent denies": (run_command_says("AccessDenied"), "names the call"),
    "tag is missing": (aws_says("AccessDeniedException", "not authorized", "SendCommand"), "lacks the tag"),
    "key policy": (aws_says("AccessDeniedException", "kms:Decrypt", "UpdateItem"), "key policy"),
    "key is disabled, at the topic": (aws_says("KMSDisabled", "arn is disabled.", "Publish"), "enable-key"),
    "key is to be deleted, at the table": (
        aws_says("AccessDeniedException", "KMS key arn is in an invalid state", "UpdateItem"),
        "cancel-key-deletion",
    ),
    "key is disabled, at the bucket": (
        aws_says("KMS.DisabledException", "arn is disabled.", "PutObject"),
        "enable-key",
    ),
    "key policy, at the topic": (aws_says("KMSAccessDenied", "no kms:Decrypt", "Publish"), "key policy"),
    "CA ends sooner": (
        aws_says("ValidationException", "The certificate validity specified exceeds the CA's validity", "Issue"),
        "Renew the CA",
    ),
    "platform": (run_command_says("InvalidPlatform"), "Only Linux"),
    "SSM throttles": (aws_says("ThrottlingException", "Rate exceeded", "SendCommand"), "next run repeats"),
    "PCA throttles": (aws_says("ThrottlingException", "Rate exceeded", "IssueCertificate"), "next run repeats"),
    "CA is not active": (aws_says("InvalidStateException", "", "IssueCertificate"), "enable it"),
    "CA is full": (aws_says("LimitExceededException", "", "IssueCertificate"), "move to a new CA"),
    "CA and template do not fit": (aws_says("InvalidArgsException", "", "IssueCertificate"), "key family"),
    "CA failed": (aws_says("RequestFailedException", "", "GetCertificate"), "Health Dashboard"),
    "CA is slow": (aws_says("RequestInProgressException", "", "GetCertificate"), "IssueCertificate quota"),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_an_opaque_error_leads_to_its_cause(cause: str) -> None:
    (code, message), words = CAUSES[cause]
    assert code in CATALOGUE
    assert words in remedy_for(code, message)


def test_every_hint_is_reached_by_some_sentence() -> None:
    reached = {remedy_for(code, message) for (code, message), _ in CAUSES.values()}
    assert {hint.remedy for hints in HINTS.values() for hint in hints} <= reached


def test_no_answer_at_all_is_a_cause_too() -> None:
    error = translation_of(ReadTimeoutError(endpoint_url="https://x"), "IssueCertificate")
    assert "VPC" in CATALOGUE[error.code].remedy


def test_the_page_says_every_code_that_the_functions_or_the_scripts_say() -> None:
    page = Path(ROOT / "docs" / "reference" / "troubleshooting.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^### (\S+)$", page, re.MULTILINE)) == CATALOGUE.keys()
