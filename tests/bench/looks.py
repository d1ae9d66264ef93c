"""What the first look gains: the same fleet renewed with it and without it, in turn, where a second lasts a second."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pca_automator.rehearsal.scenario.world import Inventory
from pca_automator.rehearsal.stage import deployed
from pca_automator.rehearsal.stage.deployed import Automation
from pca_automator.rehearsal.stage.hosts import build_fleet, inventory_item
from pca_automator.rehearsal.stage.process import LocalAws
from tests.examples.account import ROOT, account

APP = """
from aws_cdk import App, Duration, Stack
from pca_automator import Pace, PcaCertificateAutomation, Polling

app = App()
stack = Stack(app, "Looks")
for name, first in (("With", 5), ("Without", 15)):
    pace = Pace(production_sessions=0, polling=Polling(first=Duration.seconds(first)))
    PcaCertificateAutomation(stack, name, immediate_enrolment=False, pace=pace)
app.synth()
"""
ROUNDS = 2


@dataclass(frozen=True)
class Run:
    """One run over a fleet: seconds of the run, and of a host from its command until its certificate is in service."""

    name: str
    seconds: float
    median: float
    slowest: float
    transitions: float
    invocations: float


def runs(hosts: int) -> Iterator[Run]:
    """Runs with the first look and without it, in turn."""
    os.environ["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        with account(directory, directory / "assembly", wait_scale=1) as local:
            local.deploy(APP)
            automations = deployed.find_all(local.aws)
            # Hosts are the account's: each automation has its own of them.
            members = build_fleet(directory / "fleet", 2 * hosts, automations[0], local.aws.endpoint, None)
            for number, member in enumerate(members):
                inventory = Inventory(local.aws, automations[number // hosts].table)
                inventory.put(inventory_item(member))
            for _ in range(ROUNDS):
                for automation in automations:
                    yield _run(local.aws, automation, hosts)


def _run(aws: LocalAws, automation: Automation, hosts: int) -> Run:
    states, inventory = aws.client("stepfunctions"), Inventory(aws, automation.table)
    aws.control("counters", {"reset": True})
    begin = time.monotonic()
    arn = states.start_execution(stateMachineArn=automation.state_machine, input='{"reissue": "all"}')["executionArn"]
    run = arn.rpartition(":")[2]
    claimed: dict[str, float] = {}
    taken: dict[str, float] = {}
    while states.describe_execution(executionArn=arn)["status"] == "RUNNING":
        if time.monotonic() > begin + 300 + 5 * hosts:
            raise RuntimeError(f"the run of {hosts} hosts did not end in time")
        for host, item in inventory.items().items():
            if item.get("runId") == run:
                claimed.setdefault(host, time.monotonic())
            if host in claimed and item.get("lastRunId") == run and item.get("status") == "DEPLOYED":
                taken.setdefault(host, time.monotonic() - claimed[host])
        time.sleep(0.5)
    seconds = time.monotonic() - begin
    renewed = sum(item.get("lastRunId") == run for item in inventory.items().values())
    if renewed != hosts or len(taken) < hosts // 2:
        raise RuntimeError(f"{renewed} of {hosts} hosts were renewed, {len(taken)} seen")
    counted = aws.control("counters")
    return Run(
        automation.name,
        seconds,
        statistics.median(taken.values()),
        max(taken.values()),
        sum(counted["transitions"].values()) / hosts,
        sum(counted["invocations"].values()) / hosts,
    )
