"""What goes wrong is one line on standard error and an exit status, for every verb."""

from __future__ import annotations

import botocore.exceptions
import pytest

from tests.cli.conftest import Answer, Deployed, error, host

ON_DEPLOYMENTS = {
    "hosts add": ("hosts", "add", host(1)),
    "hosts list": ("hosts", "list"),
    "hosts list jsonl": ("hosts", "list", "--output", "jsonl"),
    "hosts show": ("hosts", "show", host(1)),
    "hosts set": ("hosts", "set", host(1), "--override", "bundle=true"),
    "hosts retire": ("hosts", "retire", host(1), "--yes"),
    "hosts remove-copies": ("hosts", "remove-copies", host(1), "--other", host(9), "--yes"),
    "run": ("run",),
    "run ID": ("run", host(1)),
    "status": ("status",),
    "explain": ("explain", host(1)),
    "revoke": ("revoke", host(1), "--yes"),
    "verify": ("verify", "--yes"),
}
ON_HOSTS = ("hosts show", "hosts set", "hosts retire", "hosts remove-copies", "run ID", "explain", "revoke")
ON_FLEETS = ("hosts list", "hosts list jsonl", "run")
FAILURES: dict[str, tuple[Answer, int, str]] = {
    "unknown stack": (error("ValidationError", "Stack with id PcaAutomator does not exist"), 3, "there is no stack"),
    "no automation in the stack": ({"StackResourceSummaries": []}, 3, "has no PcaCertificateAutomation"),
    "no credentials": (botocore.exceptions.NoCredentialsError(), 4, "no AWS credentials"),
    "expired credentials": (error("ExpiredToken", "expired"), 4, "does not accept the credentials"),
    "access denied": (error("AccessDenied", "User is not authorized"), 4, "AWS denies"),
    "throttling": (error("Throttling", "Rate exceeded"), 5, "AWS throttles"),
    "service failure": (error("InternalFailure", status=500), 5, "AWS failed"),
    "no way to AWS": (botocore.exceptions.EndpointConnectionError(endpoint_url="https://x"), 5, "cannot be reached"),
}


def expect_one_line(result: object, status: int, words: str) -> None:
    stderr, code = result.stderr, result.exit_code  # type: ignore[attr-defined]
    assert code == status, stderr
    lines = [line for line in stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, stderr
    assert words in lines[0]
    assert "Traceback" not in stderr
    assert result.stdout == ""  # type: ignore[attr-defined]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_deployment_that_cannot_be_asked(deployed: Deployed, failure: str) -> None:
    answer, status, words = FAILURES[failure]
    deployed.answers["ListStackResources"] = answer
    for arguments in ON_DEPLOYMENTS.values():
        expect_one_line(deployed.invoke(*arguments), status, words)


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("AccessDeniedException", 4, "AWS denies"),
        ("ProvisionedThroughputExceededException", 5, "AWS throttles"),
        ("ResourceNotFoundException", 1, "ResourceNotFoundException"),
    ],
)
def test_a_table_that_cannot_be_used(deployed: Deployed, code: str, status: int, words: str) -> None:
    for operation in ("Scan", "GetItem", "BatchGetItem", "PutItem"):
        deployed.answers[operation] = error(code, "no", operation)
    for verb, arguments in ON_DEPLOYMENTS.items():
        if verb != "status":
            expect_one_line(deployed.invoke(*arguments), status, words)
    # Beside the table there is more to see.
    done = deployed.invoke("status")
    assert (done.exit_code, done.stderr.count("\n")) == (status, 1)
    assert words in done.stderr
    assert "next run" in done.stdout


@pytest.mark.parametrize("verb", ON_HOSTS)
def test_no_such_host(deployed: Deployed, verb: str) -> None:
    expect_one_line(deployed.invoke(*ON_DEPLOYMENTS[verb]), 1, f"the inventory has no host {host(1)}")


@pytest.mark.parametrize("verb", ON_FLEETS)
def test_an_empty_fleet(deployed: Deployed, verb: str) -> None:
    result = deployed.invoke(*ON_DEPLOYMENTS[verb])
    assert result.stdout in ("", "[]\n")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "the inventory is empty" in result.stderr


def test_an_empty_fleet_is_no_reason_not_to_look_at_the_rest(deployed: Deployed) -> None:
    done = deployed.invoke("status")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "the inventory is empty" in done.stderr
    assert "next run" in done.stdout


def test_an_unknown_profile(deployed: Deployed) -> None:
    expect_one_line(deployed.invoke("status", "--profile", "nobody"), 4, "nobody")


def test_a_function_without_a_readable_environment(deployed: Deployed) -> None:
    deployed.answers["GetFunctionConfiguration"] = {"Environment": {"Error": {"ErrorCode": "AccessDenied"}}}
    expect_one_line(deployed.invoke("status"), 4, "cannot be read")


def test_a_defect_of_our_own_is_said_to_be_one(deployed: Deployed) -> None:
    deployed.answers["ListStackResources"] = ZeroDivisionError("defect")
    done = deployed.invoke("status")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr == "error: a fault of the command itself, please report it: ZeroDivisionError: defect\n"
