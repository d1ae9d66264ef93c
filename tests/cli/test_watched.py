"""A run that is started and watched: what is asked of AWS, what a person reads, and how it ends."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.response import StreamingBody
from rich.console import Console

from pca_automator.cli.runtime import runtime
from tests.cli.conftest import FUNCTIONS, MACHINE_ARN, RUN_ARN, Deployed, aws, error, host, table
from tests.cli.test_run import as_it_ends, watch_a_run

SEE = "It takes some minutes; to see it:\npca-automator runs watch run-1 --region us-east-1\n"
FORCED = "Forced by hand: the budget of certificates for a host and day does not hold for this run.\n"
GOES_ON = (
    "run run-1 goes on without this command; to see it again:\npca-automator runs watch run-1 --region us-east-1\n"
)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), SEE),
        ((host(1), "--force"), FORCED + SEE),
        (("--long",), f"{RUN_ARN}\n{SEE}"),
    ],
)
def test_who_starts_a_run_is_told_its_name_and_how_to_see_it(
    deployed: Deployed, arguments: tuple[str, ...], told: str
) -> None:
    deployed.live(1, hours=1)
    done = deployed.invoke("run", *arguments)
    assert (done.exit_code, table(done.stdout), done.stderr) == (0, [["run", "run-1"]], told)
    (started,) = deployed.called("StartExecution")
    assert started.keys() == {"stateMachineArn", "input"}
    assert started["stateMachineArn"] == MACHINE_ARN


@pytest.mark.parametrize(
    ("arguments", "request_", "hosts"),
    [
        ((), {}, 1),
        (("--force",), {"reissue": "all"}, 2),
        ((host(1), host(2), "--force", "--revoke-replaced"), None, 2),
        ((host(1), host(2), host(1)), {"hostIDs": [host(1), host(2)]}, 1),
    ],
)
def test_a_dry_run_shows_what_would_be_started(
    deployed: Deployed, arguments: tuple[str, ...], request_: dict[str, Any] | None, hosts: int
) -> None:
    deployed.live(1, hours=1)
    deployed.live(2)
    deployed.put(host(3), status="RETIRED")
    asked = request_ or ({"hostIDs": [host(1), host(2)], "force": True, "revokeReplaced": True} if arguments else {})
    done = deployed.invoke("run", *arguments, "--dry-run", "--output", "json")
    assert json.loads(done.stdout) == {"stateMachine": MACHINE_ARN, "hosts": hosts, "input": asked}
    told = " ".join(deployed.invoke("run", *arguments, "--dry-run").stdout.split())
    assert told == f"would renew {hosts} {'host' if hosts == 1 else 'hosts'} input {json.dumps(asked)}"


@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        ((host(1), "--force", "--revoke-replaced"), "revoke what 1 host holds at present?"),
        ((host(1), host(2), "--force", "--revoke-replaced"), "revoke what 2 hosts hold at present?"),
        (
            ("--force",),
            "issue a new certificate for every host of PcaAutomator, and revoke the present one if the deployment "
            "does so (revoke_replaced)?",
        ),
        (
            ("--force", "--no-revoke-replaced"),
            "issue a new certificate for every host of PcaAutomator, and do not revoke the present one unless the "
            "deployment always does?",
        ),
        ((host(1), "--force", "--no-revoke-replaced"), None),
        ((host(1),), None),
        ((), None),
    ],
)
def test_it_is_asked_first_where_something_is_lost(
    deployed: Deployed, arguments: tuple[str, ...], question: str | None
) -> None:
    deployed.live(1)
    deployed.live(2)
    done = deployed.invoke("run", *arguments, input="n\n")
    if question is None:
        assert (done.exit_code, "?" in done.stderr) == (0, False)
    else:
        assert done.stderr.startswith(f"{question} [y/N]:")
        assert done.stderr.endswith("error: nothing was done\n")
    assert len(deployed.called("StartExecution")) == (question is None)
    said_yes = deployed.invoke("run", *arguments, "--yes")
    assert (said_yes.exit_code, "?" in said_yes.stderr) == (0, False)


def test_a_run_of_who_is_due_is_not_held_against_the_crl(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where each run revokes what it replaces: the fleet is not revoked at once."""
    monkeypatch.setattr(runtime("revocation.crl"), "PEM_MAX", 1)
    settings: Any = deployed.answers["GetFunctionConfiguration"]
    always = {"Variables": FUNCTIONS["CertCheck"] | {"REVOKE_REPLACED": "ALWAYS"}}
    deployed.answers["GetFunctionConfiguration"] = lambda request: {
        **settings(request), **({"Environment": always} if request["FunctionName"] == "CertCheck" else {}),
    }  # fmt: skip
    deployed.live(1, hours=1)
    assert deployed.invoke("run").stderr == SEE
    assert "The CRL has" in deployed.invoke("run", "--force", "--yes").stderr


def test_who_watches_reads_how_it_ended_and_for_whom_it_went_wrong(deployed: Deployed) -> None:
    watch_a_run(deployed, ["DEPLOYED", "FAILED", "DEPLOYED", "FAILED"])
    wrong = {"code": "NO_SPACE", "phase": "CertDeploy", "message": "disk is full"}
    as_it_ends(deployed, lambda: deployed.live(2, status="FAILED", lastRunId="run-1", lastError=wrong))
    done = deployed.invoke("run", "--watch")
    assert table(done.stdout) == [
        ["run", "run-1"],
        ["execution", "SUCCEEDED"],
        ["hosts", "4"],
        ["done", "2"],
        ["failed", "2"],
        [host(2), "NO_SPACE in CertDeploy: disk is full"],
        [host(4), "? in ?: ?"],
    ]
    assert done.stderr.splitlines() == [
        "run run-1: looking for hosts that are due",
        "run run-1: 4 hosts: 4 waiting",
        "run run-1: 4 hosts: 2 done, 2 failed",
        f"error: 2 hosts were not renewed: pca-automator explain {host(2)} --region us-east-1",
    ]
    assert deployed.called("DescribeExecution") == [{"executionArn": RUN_ARN}] * 3


def test_of_many_that_failed_the_first_ten_are_told(deployed: Deployed) -> None:
    watch_a_run(deployed, ["FAILED"] * 11)
    answer = json.loads(deployed.invoke("runs", "watch", "run-1", "--output", "json").stdout)
    assert answer["failed"] == 11
    assert [each["hostID"] for each in answer["failedHosts"]] == [host(number) for number in range(1, 11)]


def test_who_failed_and_is_not_there_any_more_is_told_without_a_cause(deployed: Deployed) -> None:
    watch_a_run(deployed, ["FAILED"])
    looks = 0

    def items(_: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal looks
        looks += 1
        to_value = runtime("shared.expressions").to_value
        values = {"hostID": host(1), "status": "FAILED", "lastRunId": "run-1"}
        item = {name: to_value(value) for name, value in values.items()}
        return {"Responses": {"inventory": [item] if looks == 1 else []}, "UnprocessedKeys": {}}

    deployed.answers["BatchGetItem"] = items
    answer = json.loads(deployed.invoke("runs", "watch", "run-1", "--output", "json").stdout)
    assert answer["failedHosts"] == [{"hostID": host(1), "code": "?", "phase": "?", "message": "?"}]


@pytest.mark.parametrize(
    ("described", "told"),
    [
        ({"error": "States.Timeout", "cause": "too long"}, "the run ended TIMED_OUT: States.Timeout: too long"),
        ({"error": "States.Timeout"}, "the run ended TIMED_OUT: States.Timeout"),
        ({"cause": "c" * 301}, f"the run ended TIMED_OUT: {'c' * 300}"),
        ({}, "the run ended TIMED_OUT"),
    ],
)
def test_a_run_that_did_not_end_well_is_told_with_its_cause(
    deployed: Deployed, described: dict[str, str], told: str
) -> None:
    deployed.answers["DescribeExecution"] = {
        "executionArn": RUN_ARN, "status": "TIMED_OUT", "startDate": deployed.now, **described,
    }  # fmt: skip
    done = deployed.invoke("runs", "watch", "run-1")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (1, f"error: {told}")
    assert table(done.stdout) == [["run", "run-1"], ["execution", "TIMED_OUT"], ["hosts", "0"]]


@pytest.mark.parametrize("code", ["NoSuchKey", "404", "AccessDenied", "403"])
def test_a_list_that_is_not_written_yet_is_waited_for(deployed: Deployed, code: str) -> None:
    watch_a_run(deployed, ["DEPLOYED"])
    looks = 0

    def read(_: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise error(code, "no", "GetObject")
        written = json.dumps({"hostID": host(1)}).encode()
        return {"Body": StreamingBody(io.BytesIO(written), len(written)), "Metadata": {}}

    deployed.answers["GetObject"] = read
    done = deployed.invoke("run", "--watch")
    assert (done.exit_code, done.stderr.splitlines()[0]) == (0, "run run-1: looking for hosts that are due")
    # Read once: the hosts of a run do not change.
    assert [(request["Bucket"], request["Key"]) for request in deployed.called("GetObject")] == [
        ("work", "runs/run-1/hosts.jsonl")
    ] * 2


@pytest.mark.parametrize("code", ["NoSuchKey", "404"])
def test_a_run_that_ended_before_it_chose_its_hosts_has_none(deployed: Deployed, code: str) -> None:
    deployed.answers["GetObject"] = error(code, "no", "GetObject")
    deployed.live(1)
    done = deployed.invoke("runs", "watch", "run-1", "--output", "json")
    answer = json.loads(done.stdout)
    assert (done.exit_code, answer["status"], answer["hosts"]) == (0, "SUCCEEDED", 0)
    assert done.stderr == "run run-1: looking for hosts that are due\n"


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        ("SUCCEEDED", "AccessDenied", 4),
        ("SUCCEEDED", "403", 1),
        ("RUNNING", "NoSuchBucket", 1),
        ("RUNNING", "SlowDown", 5),
    ],
)
def test_a_list_that_cannot_be_read_is_told(deployed: Deployed, status: str, code: str, exit_code: int) -> None:
    deployed.answers["DescribeExecution"] = {"executionArn": RUN_ARN, "status": status, "startDate": deployed.now}
    deployed.answers["GetObject"] = error(code, "no", "GetObject")
    done = deployed.invoke("runs", "watch", "run-1")
    assert (done.exit_code, done.stdout) == (exit_code, "")
    assert done.stderr.startswith(GOES_ON if status == "RUNNING" else "error: ")
    assert done.stderr.splitlines()[-1].startswith("error: ")


def test_a_bucket_that_cannot_be_reached_is_told(deployed: Deployed) -> None:
    deployed.answers["GetObject"] = EndpointConnectionError(endpoint_url="https://work.example")
    done = deployed.invoke("runs", "watch", "run-1")
    assert (done.exit_code, done.stdout) == (5, "")
    assert done.stderr == "error: SERVICE_UNREACHABLE: GetObject: EndpointConnectionError\n"


def test_a_run_of_what_is_no_host_is_not_started(deployed: Deployed) -> None:
    done = deployed.invoke("run", "web-1")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: 'web-1': not an EC2 instance id")
    assert deployed.called("BatchGetItem") == []


def test_a_run_of_nobody_says_so(deployed: Deployed) -> None:
    aws("s3").put_object(Bucket="work", Key="runs/run-1/hosts.jsonl", Body=b"")
    done = deployed.invoke("runs", "watch", "run-1")
    assert (done.exit_code, done.stderr) == (0, "run run-1: 0 hosts: none is due\n")
    assert table(done.stdout) == [["run", "run-1"], ["execution", "SUCCEEDED"], ["hosts", "0"]]


@pytest.mark.parametrize("report", [{}, {"report": {"rejected": 0}}, {"report": None}, {"report": {"Payload": {}}}])
def test_a_report_without_rejected_entries_is_no_failure(deployed: Deployed, report: dict[str, Any]) -> None:
    aws("s3").put_object(Bucket="work", Key="runs/run-1/hosts.jsonl", Body=b"")
    deployed.answers["DescribeExecution"] = {
        "executionArn": RUN_ARN, "status": "SUCCEEDED", "startDate": deployed.now, "output": json.dumps(report),
    }  # fmt: skip
    assert deployed.invoke("runs", "watch", "run-1").exit_code == 0


@pytest.mark.parametrize(
    ("report", "entries"),
    [
        ({"rejected": 1}, "1 entry of the inventory is no host id"),
        ({"Payload": {"rejected": 2}}, "2 entries of the inventory are no host ids"),
    ],
)
def test_rejected_entries_are_told_whichever_way_the_report_comes(
    deployed: Deployed, report: dict[str, Any], entries: str
) -> None:
    aws("s3").put_object(Bucket="work", Key="runs/run-1/hosts.jsonl", Body=b"")
    output = json.dumps({"report": report})
    deployed.answers["DescribeExecution"] = {
        "executionArn": RUN_ARN, "status": "SUCCEEDED", "startDate": deployed.now, "output": output,
    }  # fmt: skip
    done = deployed.invoke("runs", "watch", "run-1")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (1, f"error: {entries}: see the run's report")


@pytest.mark.parametrize("looks", [1, 4])
def test_a_run_is_looked_at_every_two_seconds_and_a_line_is_written_once(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    left = iter([*["RUNNING"] * (looks - 1), "SUCCEEDED"])
    deployed.answers["DescribeExecution"] = lambda _: {
        "executionArn": RUN_ARN, "status": next(left), "startDate": deployed.now,
    }  # fmt: skip
    aws("s3").put_object(Bucket="work", Key="runs/run-1/hosts.jsonl", Body=json.dumps({"hostID": host(1)}).encode())
    deployed.live(1, status="DEPLOYED", lastRunId="run-1")
    assert deployed.invoke("run", "--watch").stderr.count("run run-1: 1 host: 1 done") == 1
    assert slept == [2.0] * (looks - 1)
    # Who is through is not looked at again.
    assert len(deployed.called("BatchGetItem")) == 1


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_program_is_shown_no_line_that_changes(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr("pca_automator.cli.verbs.run.console", lambda *, error: screen if error else None)
    drawn_by_then: list[str] = []
    waiting = SimpleNamespace(end=lambda: drawn_by_then.append(screen.file.getvalue()))  # type: ignore[attr-defined]
    monkeypatch.setattr("pca_automator.cli.verbs.run.WAITING", waiting)
    watch_a_run(deployed, ["DEPLOYED"])
    done = deployed.invoke("run", "--watch", "--output", output)
    assert isinstance(screen.file, io.StringIO)
    drawn = screen.file.getvalue()
    # The line of what is waited for has gone before another one is drawn.
    assert drawn_by_then == [""]
    assert ("run run-1: 1 host: 1 done" in drawn) == (output == "table")
    assert ("run run-1: 1 host: 1 done" in done.stderr) == (output == "json")


def test_who_was_skipped_and_until_when_is_told(deployed: Deployed) -> None:
    watch_a_run(deployed, ["RENEWING", "RENEWING"])
    done = deployed.invoke("run", "--watch")
    assert done.stderr.splitlines()[-1] == (
        f"2 hosts were skipped: taken by another run, or retired. Until when: pca-automator hosts show {host(1)}"
    )
    assert done.exit_code == 0
