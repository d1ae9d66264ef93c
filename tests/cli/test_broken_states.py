"""Whatever is broken, ``status`` says it, and what to type: each state alone, and all is well without it."""

from __future__ import annotations

import json
import re
import shlex
from datetime import timedelta

import pytest

from tests.cli.broken import BROKEN, DEPLOYED, FAKES
from tests.cli.conftest import Deployed, a_crl, error, stamp
from tests.documentation.test_aws_commands import check_aws
from tests.documentation.test_commands import parse


def healthy(deployed: Deployed) -> None:
    deployed.live(1)
    a_crl(deployed, 100)


def filled(command: str) -> str:
    if re.match("pca-automator (explain [A-Z]|docs )", command) or " --region " in command:
        return command
    return f"{command} --region us-east-1"


def timeless(text: str) -> str:
    return re.sub(r"--start-time \d+", "--start-time SINCE", text)


@pytest.mark.parametrize("state", FAKES)
def test_what_is_broken_is_said_with_what_to_type(deployed: Deployed, state: str) -> None:
    broken = FAKES[state]
    healthy(deployed)
    assert deployed.invoke("status").exit_code == 0
    assert broken.fake is not None
    broken.fake(deployed)
    done = deployed.invoke("status", "--output", "json")
    assert done.exit_code != 0
    assert broken.words in done.stderr
    (found,) = json.loads(done.stdout)["findings"]
    assert broken.words in found["text"]
    wanted = [filled(command) for command in broken.commands]
    assert [timeless(command) for command in found["commands"]] == wanted
    assert found["commands"] or found["who"] or "could not be looked at" in found["text"]
    lines = timeless(deployed.invoke("status").stdout).splitlines()
    for command in wanted:
        assert f"  {command}" in lines, "a command stands alone, so that it can be copied"


def test_what_somebody_else_mends_says_who() -> None:
    for name, state in BROKEN.items():
        assert state.commands or state.breaks or state.who or "bucket" in name or name == "CRL unreadable", name


def test_enough_is_broken_on_a_deployment_and_mended_by_what_is_printed() -> None:
    assert len(DEPLOYED) >= 25
    assert sum(not state.who for state in DEPLOYED.values()) >= 18


@pytest.mark.parametrize("state", FAKES)
def test_every_command_of_the_health_list_is_one_that_exists(state: str) -> None:
    for command in FAKES[state].commands:
        if shlex.split(command)[0] == "pca-automator":
            parse(command)
        else:
            check_aws(command)


@pytest.mark.parametrize(
    ("refusal", "state", "status"),
    [
        (error("AccessDeniedException", "no", "Call", 403), "refused", 4),
        (error("ThrottlingException", "slow", "Call"), "unavailable", 5),
    ],
)
@pytest.mark.parametrize(
    "operation",
    [
        "GetSchedule", "ListExecutions", "GetProfile", "ListCrls", "DescribeAlarms", "GetQueueAttributes",
        "GetMetricData", "DescribeRule", "GetEventSourceMapping", "GetFunctionConcurrency",
    ],
)  # fmt: skip
def test_a_look_that_is_refused_costs_its_own_line(
    deployed: Deployed, operation: str, refusal: Exception, state: str, status: int
) -> None:
    healthy(deployed)
    deployed.answers[operation] = refusal
    done = deployed.invoke("status", "--output", "json")
    answer = json.loads(done.stdout)
    assert answer["hosts"] == 1
    # Of some things there are several: each has a line.
    assert {found["state"] for found in answer["findings"]} == {state}
    assert (done.exit_code, done.stderr.count("\n")) == (status, 1)


def test_trouble_counts_for_more_than_what_could_not_be_seen(deployed: Deployed) -> None:
    healthy(deployed)
    deployed.answers["GetSchedule"] = error("AccessDeniedException", "no", "GetSchedule", 403)
    deployed.live(2, hours=-1)
    assert deployed.invoke("status").exit_code == 1


def test_the_number_of_calls_does_not_grow_with_the_fleet(deployed: Deployed) -> None:
    healthy(deployed)
    before = len(deployed.calls)
    deployed.invoke("status")
    alone = len(deployed.calls) - before
    for number in range(2, 40):
        deployed.live(number, status="FAILED", lastError={"code": "NO_SPACE"})
    before = len(deployed.calls)
    deployed.invoke("status")
    assert len(deployed.calls) - before == alone


def test_doctor_is_the_whole_list(deployed: Deployed) -> None:
    healthy(deployed)
    done = deployed.invoke("doctor", "--output", "json")
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)
    assert {row["result"] for row in rows} == {"ok"}
    assert {"hosts", "CA", "CRL", "profile", "trust anchor", "schedule", "alarms", "last run"} <= {
        row["part"] for row in rows
    }
    past = stamp(deployed.now - timedelta(hours=1))
    deployed.live(2, status="RENEWING", runId="run-0", leaseUntil=past)
    broken = deployed.invoke("doctor")
    assert broken.exit_code == 1
    assert "  pca-automator run --watch --region us-east-1" in broken.stdout.splitlines()
