"""``pca-automator run``."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from rich.console import Console

from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.run import stage_of
from tests.cli.conftest import RUN_ARN, Deployed, a_crl, aws, host


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), {}),
        ((host(1),), {"hostIDs": [host(1)]}),
        ((host(1), host(1), "--force"), {"hostIDs": [host(1)], "force": True}),
        (("--force", "--yes"), {"reissue": "all"}),
        (("--force", "--yes", "--revoke-replaced"), {"reissue": "all", "revokeReplaced": True}),
        (("--force", "--yes", "--no-revoke-replaced"), {"reissue": "all", "revokeReplaced": False}),
    ],
)
def test_what_is_asked_for_is_what_is_started(
    deployed: Deployed, arguments: tuple[str, ...], expected: dict[str, Any]
) -> None:
    deployed.live(1)
    done = deployed.invoke("run", *arguments, "--output", "json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout) == {"runId": "run-1", "executionArn": RUN_ARN}
    (started,) = deployed.called("StartExecution")
    assert json.loads(started["input"]) == expected


def test_the_whole_fleet_is_reissued_only_when_somebody_says_so(deployed: Deployed) -> None:
    deployed.live(1)
    assert deployed.invoke("run", "--force", input="n\n").exit_code == 1
    assert deployed.invoke("run", "--force", input="").exit_code == 2
    assert deployed.invoke("run", "--force", "--dry-run").exit_code == 0
    assert deployed.called("StartExecution") == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "revoke the present one if the deployment does so"),
        (("--revoke-replaced",), "and revoke the present one?"),
        (("--no-revoke-replaced",), "do not revoke the present one"),
    ],
)
def test_the_question_says_what_happens_to_the_present_certificates(
    deployed: Deployed, arguments: tuple[str, ...], words: str
) -> None:
    deployed.live(1)
    done = deployed.invoke("run", "--force", *arguments, input="n\n")
    assert (done.exit_code, words in done.stderr) == (1, True)


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_run_that_would_outgrow_the_crl_says_so_before_it_starts_and_what_to_do_instead(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    # 565 bytes and 66 for each entry: three hosts do not fit, two do.
    monkeypatch.setattr(runtime("revocation.crl"), "PEM_MAX", 700)
    deployed.answers["ListCrls"] = {"crls": []}
    for number in range(1, 4):
        deployed.live(number)
    deployed.put(host(4), status="RETIRED", expiry=deployed.times(100)["expiry"])
    deployed.put(host(5))
    done = deployed.invoke("run", "--force", "--revoke-replaced", *more, input="n\n")
    assert "revokes the certificates of 3 hosts. The CRL has 0 entries and grows to 764 bytes" in done.stderr
    assert "IAM Roles Anywhere takes 700," in done.stderr
    assert "make a new CA" in done.stderr
    assert deployed.called("StartExecution") == []


def test_of_several_crls_our_own_is_the_one_that_grows(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime("revocation.crl"), "PEM_MAX", 700)
    a_crl(deployed, 100, revoked=(1, 2, 3))
    deployed.live(1)
    done = deployed.invoke("run", "--force", "--revoke-replaced", input="n\n")
    assert "revokes the certificates of 1 host. The CRL has 3 entries" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--force", "--no-revoke-replaced"),
        ("--force",),  # this deployment revokes nothing by itself
        (host(1), host(2), "--force", "--revoke-replaced"),
        (),
    ],
)
def test_a_run_whose_revocations_fit_says_nothing_of_the_crl(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(runtime("revocation.crl"), "PEM_MAX", 700)
    deployed.answers["ListCrls"] = {"crls": []}
    for number in range(1, 4):
        deployed.live(number)
    done = deployed.invoke("run", *arguments, "--yes")
    assert done.exit_code == 0, done.stderr
    assert "The CRL has" not in done.stderr
    assert len(deployed.called("StartExecution")) == 1


def test_entries_that_are_no_hosts_are_in_nobody_s_way(deployed: Deployed) -> None:
    deployed.live(1, hours=1)
    deployed.put("web-1", status="DEPLOYED")
    for arguments in (["--dry-run"], ["--force", "--dry-run"]):
        done = deployed.invoke("run", *arguments)
        assert (done.exit_code, "1 host" in done.stdout) == (0, True), done.output


def test_a_retired_host_is_not_run(deployed: Deployed) -> None:
    deployed.live(1, status="RETIRED")
    done = deployed.invoke("run", host(1))
    assert (done.exit_code, "is retired" in done.stderr) == (1, True)
    assert deployed.called("StartExecution") == []


def test_revoke_replaced_needs_force(deployed: Deployed) -> None:
    deployed.live(1)
    done = deployed.invoke("run", host(1), "--revoke-replaced")
    assert (done.exit_code, "force" in done.stderr) == (2, True)
    assert deployed.called("StartExecution") == []


STAGES: dict[str, tuple[dict[str, Any], str]] = {
    "not there any more": ({}, "skipped"),
    "not claimed": ({"status": "DEPLOYED"}, "waiting"),
    "claimed": ({"status": "RENEWING", "runId": "run-1", "pending": {"requestId": "r"}}, "CSR"),
    "requested": ({"runId": "run-1", "pending": {"requestId": "r", "csrCommandId": "c"}}, "CSR"),
    "to be issued": ({"runId": "run-1", "pending": {"requestId": "r", "publicKeySha256": "k"}}, "issue"),
    "to be installed": ({"runId": "run-1", "pending": {"publicKeySha256": "k", "installCommandId": "c"}}, "deploy"),
    "installed": ({"runId": "run-1", "pending": {"publicKeySha256": "k", "serial": "1ab"}}, "deploy"),
    "claimed and not begun": ({"status": "RENEWING", "runId": "run-1"}, "waiting"),
    "through": ({"status": "DEPLOYED", "lastRunId": "run-1"}, "done"),
    "failed": ({"status": "FAILED", "lastRunId": "run-1"}, "failed"),
    "another run's": ({"status": "RENEWING", "runId": "run-2", "pending": {"requestId": "r"}}, "waiting"),
    "retired": ({"status": "RETIRED", "runId": "run-1"}, "skipped"),
}


@pytest.mark.parametrize("case", STAGES)
def test_stage(case: str) -> None:
    attributes, expected = STAGES[case]
    item = runtime("inventory.item").HostItem.of({"hostID": host(1), **attributes}) if attributes else None
    assert stage_of(item, "run-1") == expected


def watch_a_run(deployed: Deployed, ends: list[str], status: str = "SUCCEEDED", rejected: int = 0) -> None:
    """Three looks: before CertCheck has written the list, in the middle, at the end."""
    looks = 0

    def describe(_: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal looks
        looks += 1
        if looks == 2:
            body = "".join(json.dumps({"hostID": host(number)}) + "\n" for number in range(1, len(ends) + 1))
            aws("s3").put_object(Bucket="work", Key="runs/run-1/hosts.jsonl", Body=body.encode())
        if looks == 3:
            for number, end in enumerate(ends, 1):
                deployed.live(number, status=end, lastRunId="run-1")
        output = json.dumps({"report": {"Payload": {"rejected": rejected}}})
        return {"status": "RUNNING" if looks < 3 else status, "output": output, "startDate": deployed.now}

    for number in range(1, len(ends) + 1):
        deployed.live(number)
    deployed.answers["DescribeExecution"] = describe


def as_it_ends(deployed: Deployed, then: Callable[[], None]) -> None:
    """What becomes of the watched run's hosts just before somebody reads that it has ended."""
    described: Any = deployed.answers["DescribeExecution"]

    def describe(request: Mapping[str, Any]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = described(request)
        if answer["status"] != "RUNNING":
            then()
        return answer

    deployed.answers["DescribeExecution"] = describe


def test_watch_shows_progress_and_counts_what_the_table_says(deployed: Deployed) -> None:
    watch_a_run(deployed, ["DEPLOYED"] * 3 + ["FAILED"])
    done = deployed.invoke("run", "--watch", "--output", "json")
    assert done.exit_code == 1
    answer = json.loads(done.stdout)
    statuses = [item["status"] for item in deployed.items().values()]
    assert answer["hosts"] == 4
    assert (answer["done"], answer["failed"]) == (statuses.count("DEPLOYED"), statuses.count("FAILED"))
    assert "run run-1: looking for hosts that are due" in done.stderr
    assert "run run-1: 4 hosts: 4 waiting" in done.stderr
    assert "error: 1 host was not renewed:" in done.stderr


def test_watch_on_a_terminal_is_one_line_that_changes(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr("pca_automator.cli.verbs.run.console", lambda **_: screen)
    watch_a_run(deployed, ["DEPLOYED"] * 2)
    done = deployed.invoke("run", "--watch")
    assert done.exit_code == 0
    assert isinstance(screen.file, io.StringIO)
    assert "2 hosts: 2 done" in screen.file.getvalue()
    # What is left over for a log is the final table alone.
    assert done.stderr == ""


def test_watch_of_a_good_run_is_good(deployed: Deployed) -> None:
    watch_a_run(deployed, ["DEPLOYED"])
    assert deployed.invoke("run", "--watch").exit_code == 0


def test_watch_says_that_a_host_was_skipped_and_where_to_look(deployed: Deployed) -> None:
    """A run that was stopped keeps its hosts for a quarter of an hour."""
    watch_a_run(deployed, ["RENEWING"])
    done = deployed.invoke("run", "--watch")
    assert "1 host was skipped:" in done.stderr
    assert f"pca-automator hosts show {host(1)}" in done.stderr


def test_watch_counts_who_never_had_a_turn_as_skipped_and_who_is_still_at_it_as_not_renewed(deployed: Deployed) -> None:
    watch_a_run(deployed, ["DEPLOYED", "FAILED", "DEPLOYED"])

    def then() -> None:
        trouble = {"code": "NO_SPACE", "phase": "CertDeploy", "message": "disk is full"}
        deployed.live(2, status="FAILED", lastRunId="run-1", lastError=trouble)
        deployed.live(3, status="RENEWING", runId="run-1", pending={"requestId": "r", "publicKeySha256": "k"})
        deployed.live(4, lastRunId="run-0")

    as_it_ends(deployed, then)
    deployed.live(4)
    done = deployed.invoke("runs", "watch", "run-1", "--output", "json")
    assert json.loads(done.stdout) == {
        "runId": "run-1", "status": "SUCCEEDED", "hosts": 3, "waiting": 0, "CSR": 0, "issue": 1, "deploy": 0, "done": 1,
        "failed": 1, "skipped": 0,
        "failedHosts": [{"hostID": host(2), "code": "NO_SPACE", "phase": "CertDeploy", "message": "disk is full"}],
    }  # fmt: skip
    assert done.exit_code == 1
    assert "error: 2 hosts were not renewed: pca-automator explain" in done.stderr
    assert f"explain {host(2)}" in done.stderr


def test_watch_of_a_run_that_was_over_before_anybody_had_a_turn(deployed: Deployed) -> None:
    watch_a_run(deployed, ["DEPLOYED"] * 2)

    def then() -> None:
        for number in (1, 2):
            deployed.live(number, lastRunId="run-0")

    as_it_ends(deployed, then)
    done = deployed.invoke("runs", "watch", "run-1", "--output", "json")
    answer = json.loads(done.stdout)
    assert (answer["waiting"], answer["skipped"], done.exit_code) == (0, 2, 0)
    assert "2 hosts were skipped: taken by another run, or retired." in done.stderr


def test_watch_of_a_good_run_still_says_which_entries_are_no_hosts(deployed: Deployed) -> None:
    watch_a_run(deployed, ["DEPLOYED"], rejected=2)
    done = deployed.invoke("run", "--watch")
    assert (done.exit_code, "2 entries of the inventory are no host ids" in done.stderr) == (1, True)


def test_watch_of_a_stopped_run_says_so(deployed: Deployed) -> None:
    watch_a_run(deployed, ["DEPLOYED"], status="ABORTED")
    done = deployed.invoke("run", "--watch")
    assert (done.exit_code, "the run ended ABORTED" in done.stderr) == (1, True)


def test_watch_looks_again_only_at_hosts_that_are_not_through(deployed: Deployed) -> None:
    watch_a_run(deployed, ["DEPLOYED"] * 2)
    deployed.invoke("run", "--watch", "--output", "json")
    asked = [len(request["RequestItems"]["inventory"]["Keys"]) for request in deployed.called("BatchGetItem")]
    assert asked == [2, 2]
