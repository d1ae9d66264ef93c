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


def test_trouble_counts_for_more_than_what_could_not_be_seen(deployed: Deployed) -> None:
    healthy(deployed)
    deployed.answers["GetSchedule"] = error("AccessDeniedException", "no", "GetSchedule", 403)
    deployed.live(2, hours=-1)
    assert deployed.invoke("status").exit_code == 1


@pytest.mark.parametrize(
    ("confirmed", "pending", "words"),
    [("0", "0", "nobody has subscribed"), ("0", "2", "2 subscriptions wait"), ("1", "2", None), ("3", "0", None)],
)
def test_messages_that_nobody_reads_are_told_of_and_wake_nobody(
    deployed: Deployed, confirmed: str, pending: str, words: str | None
) -> None:
    healthy(deployed)
    counts = {"SubscriptionsConfirmed": confirmed, "SubscriptionsPending": pending}
    deployed.answers["GetTopicAttributes"] = {"Attributes": counts}
    status = deployed.invoke("status", "--output", "json")
    assert (status.exit_code, status.stderr) == (0, "")
    answer = json.loads(status.stdout)
    assert answer["troubles"] == []
    assert [found["state"] for found in answer["findings"]] == ([] if words is None else ["warning"])
    doctor = deployed.invoke("doctor", env={"COLUMNS": "200"})
    assert doctor.exit_code == 0
    assert deployed.invoke("verify", "--components-only").exit_code == 0
    if words is not None:
        assert words in answer["findings"][0]["text"]
        assert words in doctor.stdout
        (command,) = answer["findings"][0]["commands"]
        check_aws(command)
        assert f"  {command}" in deployed.invoke("status").stdout.splitlines()
        assert "nothing; 1 thing to know" in deployed.invoke("status").stdout


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
