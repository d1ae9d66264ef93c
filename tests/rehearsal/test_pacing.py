"""Paced starts in the local AWS: several automations, runs beside each other, runs that are stopped and redriven."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pca_automator.rehearsal.scenario.world import Inventory
from pca_automator.rehearsal.stage import deployed
from pca_automator.rehearsal.stage.deployed import Automation
from pca_automator.rehearsal.stage.hosts import Member, build_fleet, inventory_item
from pca_automator.rehearsal.stage.process import LocalAws
from tests.examples.account import ROOT, account

pytestmark = [pytest.mark.long, pytest.mark.rehearsal]

HOSTS = 12
# Of the account's time, of which twenty seconds pass in one: two sessions a second, an automation's part of them one.
QUOTAS = {"CreateSession": 0.1, "IssueCertificate": 0.25, "GetCertificate": 0.75}
APP = """
from aws_cdk import App, Stack
from pca_automator import Pace, PcaCertificateAutomation

app = App()
stack = Stack(app, "Both")
for name in ("One", "Two"):
    PcaCertificateAutomation(stack, name, pace=Pace(quota_share=0.5, production_sessions=0))
app.synth()
"""
RATE = 0.9 * 0.1 * 0.5


@dataclass
class Fleet:
    """An automation and its hosts."""

    aws: LocalAws
    automation: Automation
    members: list[Member]

    @property
    def inventory(self) -> Inventory:
        return Inventory(self.aws, self.automation.table)

    def put(self, members: list[Member]) -> None:
        for member in members:
            self.inventory.put(inventory_item(member))

    def statuses(self) -> set[str]:
        return {str(item.get("status")) for item in self.inventory.items().values()}

    def start(self, data: dict[str, Any]) -> str:
        """The ARN of a run."""
        states = self.aws.client("stepfunctions")
        answer = states.start_execution(stateMachineArn=self.automation.state_machine, input=json.dumps(data))
        return str(answer["executionArn"])

    def status(self, arn: str) -> str:
        return str(self.aws.client("stepfunctions").describe_execution(executionArn=arn)["status"])

    def forget_starts(self) -> None:
        """What is left of other tests: time passes as quickly for hosts that wait, but not for a lane."""
        client = self.aws.client("dynamodb")
        for item in client.scan(TableName=self.automation.starts, ConsistentRead=True)["Items"]:
            client.delete_item(TableName=self.automation.starts, Key={"id": item["id"], "at": item["at"]})

    def taken_until(self) -> datetime:
        """When the next host of the bulk lane may start."""
        key = {"id": {"S": "bulk"}, "at": {"N": "0"}}
        item = self.aws.client("dynamodb").get_item(TableName=self.automation.starts, Key=key, ConsistentRead=True)
        return datetime.fromtimestamp(int(item["Item"]["until"]["N"]) / 1000, tz=UTC)

    def runs(self) -> list[str]:
        """The names of all runs."""
        states = self.aws.client("stepfunctions")
        found = states.list_executions(stateMachineArn=self.automation.state_machine)["executions"]
        return [str(each["name"]) for each in found]

    def starts(self, run: str) -> dict[str, datetime]:
        """When a run starts its hosts, as its list says; empty where it is not written yet."""
        s3 = self.aws.client("s3")
        for bucket in s3.list_buckets()["Buckets"]:
            listed = s3.list_objects_v2(Bucket=bucket["Name"], Prefix=f"runs/{run}/hosts.jsonl")
            for entry in listed.get("Contents", []):
                body = s3.get_object(Bucket=bucket["Name"], Key=entry["Key"])["Body"].read()
                lines = [json.loads(line) for line in body.splitlines()]
                return {line["hostID"]: datetime.fromisoformat(line["startAt"]) for line in lines}
        return {}


def until(check: Callable[[], bool], what: str, seconds: float = 900) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


@pytest.fixture(scope="module")
def fleets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fleet, Fleet]]:
    directory = tmp_path_factory.mktemp("pacing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        with account(directory, directory / "assembly") as local:
            local.deploy(APP)
            local.aws.control("settings", {"quotas": json.dumps(QUOTAS)})
            yield _fleets(local.aws, directory)


def _fleets(aws: LocalAws, directory: Path) -> tuple[Fleet, Fleet]:
    one, two = deployed.find_all(aws)
    # Hosts are the account's: each automation has its own of them, and the first one for later.
    members = build_fleet(directory / "fleet", 2 * HOSTS + 1, one, aws.endpoint, None)
    return Fleet(aws, one, members[:HOSTS] + members[2 * HOSTS :]), Fleet(aws, two, members[HOSTS : 2 * HOSTS])


def test_two_automations_that_enrol_at_once_keep_the_accounts_quotas_together(fleets: tuple[Fleet, Fleet]) -> None:
    one, two = fleets
    one.put(one.members[:HOSTS])
    two.put(two.members)
    for fleet in fleets:
        until(lambda fleet=fleet: fleet.statuses() == {"DEPLOYED"}, "not every host has a certificate")  # type: ignore[misc]
        starts = sorted(start for run in fleet.runs() for start in fleet.starts(run).values())
        assert len(starts) >= HOSTS
        # Both lanes together, each rounded down to whole seconds.
        least = (HOSTS - 1) / RATE * 0.9
        assert (starts[-1] - starts[0]).total_seconds() >= least
    calls = one.aws.control("quotas")
    assert calls["CreateSession"]["asked"] >= 2 * HOSTS


def test_a_new_host_does_not_wait_for_a_run_of_the_fleet(fleets: tuple[Fleet, Fleet]) -> None:
    one, _ = fleets
    one.forget_starts()
    before = set(one.runs())
    run = one.start({"reissue": "all"})
    name = run.rpartition(":")[2]
    until(lambda: len(one.starts(name)) == HOSTS, "the run has no list")
    one.put(one.members[HOSTS:])
    until(lambda: one.status(run) == "SUCCEEDED" and one.statuses() == {"DEPLOYED"}, "not every host was renewed")
    added = {member.id for member in one.members[HOSTS:]}
    enrolled = {host: start for each in set(one.runs()) - before - {name} for host, start in one.starts(each).items()}
    assert enrolled.keys() == added
    assert max(enrolled.values()) < max(one.starts(name).values())


def test_a_stopped_run_gives_its_starts_back_and_a_redriven_one_reserves_again(fleets: tuple[Fleet, Fleet]) -> None:
    one, _ = fleets
    one.forget_starts()
    states = one.aws.client("stepfunctions")
    run = one.start({"reissue": "all"})
    name = run.rpartition(":")[2]
    until(lambda: len(one.starts(name)) == HOSTS + 1, "the run has no list")
    states.stop_execution(executionArn=run)
    last = max(one.starts(name).values())

    single = one.start({"hostIDs": [one.members[0].id], "force": True})
    until(lambda: one.status(single) == "SUCCEEDED", "the single host was not renewed")
    assert one.taken_until() < last, "the stopped run still holds what it will not use"

    def redriven() -> bool:
        try:
            states.redrive_execution(executionArn=run)
        except states.exceptions.ExecutionNotRedrivable:
            return False
        return True

    until(redriven, "the stopped run does not end")
    until(lambda: one.status(run) == "SUCCEEDED", "the redriven run did not end well")
    items = one.inventory.items()
    assert {str(item["status"]) for item in items.values()} == {"DEPLOYED"}
    of_the_run = {host for host, item in items.items() if item["lastRunId"] == name}
    assert of_the_run >= {member.id for member in one.members} - {one.members[0].id}
