"""Every code that can reach a person has a meaning and a next step."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pca_runtime.errors import kinds as errors
from pca_runtime.errors.catalogue import CATALOGUE, lookup, remedy_for
from pca_runtime.membership.payloads import RetireRequest
from pca_runtime.renewal.payloads import HOST_IDS_MAX, RunInput

RUNTIME = Path(errors.__file__).parents[1]
HANDLERS = RUNTIME.parent / "handlers"
STATES = {
    "CertCheck", "CertCSR", "CertCSRStatus", "CertIssue", "CertDeploy", "CertDeployStatus", "CertReport",
    "CRLProcessor", "InspectCertificate", "RenewHosts",
}  # fmt: skip


def test_every_code_that_the_functions_raise_is_in_the_catalogue() -> None:
    text = "".join(path.read_text() for folder in (RUNTIME, HANDLERS) for path in folder.rglob("*.py"))
    raised = set(re.findall(r'code="([A-Z_]+)"', text))
    assert len(raised) > 25
    assert raised <= CATALOGUE.keys()


def test_the_contracts_host_codes_are_in_the_catalogue() -> None:
    codes = [
        "MISSING_TOOL",
        "AGENT_TOO_OLD",
        "DIRECTORY_NOT_WRITABLE",
        "NO_SPACE",
        "UNSAFE_DIRECTORY",
        "READERS_NOT_KEPT",
        "MOUNTED_ELSEWHERE",
        "LOCKED",
        "KEY_GENERATION_FAILED",
        "CSR_GENERATION_FAILED",
        "BAD_PARAMETER",
        "PENDING_REQUEST_MISSING",
        "CERTIFICATE_KEY_MISMATCH",
        "CERTIFICATE_SUBJECT_MISMATCH",
        "CERTIFICATE_NOT_VALID_NOW",
        "CHAIN_INVALID",
        "CHAIN_NOT_PINNED",
        "HELPER_MISSING",
        "ROLES_ANYWHERE_REJECTED",
        "ROLES_ANYWHERE_UNREACHABLE",
        "ROLES_ANYWHERE_THROTTLED",
        "HELPER_BROKEN",
        "SWITCH_FAILED",
        "VERIFY_FAILED",
        "HOOK_FAILED",
        "HOOK_TIMED_OUT",
        "OWNER_UNKNOWN",
        "INTERNAL",
    ]
    assert {code for code, entry in CATALOGUE.items() if entry.origin == "host"} == set(codes)


def test_the_workflows_own_errors_are_in_the_catalogue() -> None:
    for code in ("CsrTimedOut", "InstallTimedOut", "States.Timeout", "Lambda.TooManyRequestsException"):
        assert code in CATALOGUE


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_each_entry_says_what_it_means_and_what_to_do(code: str) -> None:
    entry = CATALOGUE[code]
    assert entry.code == code
    assert set(entry.phase.split()) <= STATES
    assert entry.phase
    assert len(entry.meaning) > 20
    assert len(entry.remedy) > 20
    assert (entry.meaning + entry.remedy).isascii()
    assert (entry.meaning + entry.remedy).isprintable()


def test_an_unknown_code_gets_an_honest_answer() -> None:
    entry = lookup("Runtime.ImportModuleError")
    assert entry.code == "Runtime.ImportModuleError"
    assert "no entry" in entry.meaning


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ("AccessDeniedException: Certificate revoked", "CRL"),
        ("AccessDeniedException: Untrusted certificate. Insufficient certificate", "trust anchor"),
        ("Signature expired: 20261123T131500Z is now earlier than", "clock"),
        ("AccessDeniedException: Unable to assume role", "trust policy"),
        ("something else", "Read the message"),
    ],
)
def test_opaque_sentences_of_roles_anywhere_are_read(message: str, word: str) -> None:
    assert word in remedy_for("ROLES_ANYWHERE_REJECTED", message)


def test_the_catalogue_needs_nothing_but_the_standard_library() -> None:
    """The operator's command and the documentation import it."""
    check = (
        "import sys; sys.path.insert(0, sys.argv[1]); import pca_runtime.errors.catalogue;"
        "assert not {'boto3', 'botocore', 'cryptography', 'pydantic'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", check, str(RUNTIME.parent)], check=True)


def test_the_remedy_of_a_wrong_input_names_every_right_one() -> None:
    remedy = CATALOGUE["INPUT_INVALID"].remedy
    workflow, retire = remedy.split("CertRetire takes")
    inputs = [json.loads(text.replace("i-...", "i-01234567")) for text in re.findall(r"\{[^}]*\}", workflow)]
    read = [RunInput.parse(each) for each in inputs]
    said = {name for each in read for name, field in each.model_fields.items() if getattr(each, name) != field.default}
    assert said == {"host_ids", "force", "reissue"}
    for forced in inputs[2:]:
        assert RunInput.parse({**forced, "revokeReplaced": True}).revoke_replaced
        assert RunInput.parse({**forced, "revokeReplaced": False}).revoke_replaced is False
    assert '"revokeReplaced": true or false' in workflow
    assert f"{HOST_IDS_MAX:,} ids" in workflow
    retire_inputs = re.findall(r"\{[^}]*\}", retire)
    options = dict(re.findall(r'"(reason|removeFromHost)": ("?\w+"?)', retire))
    given = json.loads(retire_inputs[0].replace("i-...", "i-01234567"))
    assert RetireRequest.parse({**given, **{name: json.loads(value) for name, value in options.items()}})
