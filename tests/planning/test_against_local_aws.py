"""A plan beside the deployed workflow: the same fleet, the same quotas, and the times that were measured there."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pca_automator.planning.assumed import Assumed
from pca_automator.planning.hosts import Proof
from pca_automator.planning.scenario import Played, Scenario
from pca_automator.planning.simulation import play
from pca_automator.planning.workflow import of_app
from pca_automator.rehearsal.scenario.world import Inventory
from pca_automator.rehearsal.stage import deployed
from pca_automator.rehearsal.stage.deployed import Automation
from pca_automator.rehearsal.stage.hosts import build_fleet, inventory_item
from pca_automator.rehearsal.stage.process import LocalAws
from tests.examples.account import ROOT, WAIT_SCALE, account

pytestmark = [pytest.mark.long, pytest.mark.rehearsal]

APP = """
from aws_cdk import App, Stack
from pca_automator import Pace, PcaCertificateAutomation, Polling

app = App()
# More polls than usual: a busy machine makes a host slower than any is, and nothing else.
pace = Pace(production_sessions=0, polling=Polling(attempts=100))
PcaCertificateAutomation(Stack(app, "Fleet"), "Automation", immediate_enrolment=False, pace=pace)
app.synth()
"""
# In the account's own time, of which twenty seconds pass in a real one. A machine with two cores renews more than a
# host in a real second, so that the quotas are what bounds it.
QUOTAS = {"CreateSession": 0.05, "IssueCertificate": 0.125, "GetCertificate": 0.375}
DEPTH_SECONDS = 200.0
"""A bucket of the local AWS holds what one of AWS is believed to hold, with a two-hundredth of its rate."""
EXACT = ("SendCommand", "IssueCertificate", "CreateSession")
"""What each host asks for once or twice, whatever the machine; polls and retries depend on how quick it is."""


LOOK, REQUEUED = 3, 3
"""The states of one more look, and of one more wait for a start."""
HEALTHY = 11
"""The states of a child whose commands are done at the first look."""
ASIDE = (
    "CertDeploy",
    *(f"WaitFor{name}Status{more}" for name in ("CertCSR", "CertDeploy") for more in ("Longer", "Again")),
)
"""States that a child passes besides: where the CA's event is late, and where a command is not done at a look."""
PARENT = 8
"""The states of the run itself, at most."""


@dataclass
class Seen:
    """What a run of the deployed workflow did; times in seconds of the account."""

    seconds: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    transitions: list[int] = field(default_factory=list)
    aside: int = 0
    renewed: int = 0
    residence: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def run_of(aws: LocalAws, automation: Automation, hosts: int) -> Seen:
    """One run over the whole fleet, under the quotas."""
    states, seen = aws.client("stepfunctions"), Seen()
    aws.control("settings", {"quotas": json.dumps(QUOTAS)})
    aws.control("counters", {"reset": True})
    began = time.monotonic()
    arn = states.start_execution(stateMachineArn=automation.state_machine, input='{"reissue": "all"}')["executionArn"]
    while states.describe_execution(executionArn=arn)["status"] == "RUNNING":
        assert time.monotonic() < began + 300 + 5 * hosts, "the run did not end in time"
        time.sleep(0.2)
    seen.seconds = (time.monotonic() - began) / WAIT_SCALE
    quotas = aws.control("quotas")
    aws.control("settings", {"quotas": ""})
    counted = aws.control("counters")
    for call in counted["api_calls"]:
        seen.calls[call["operation"]] += call["count"]
    for name, counts in quotas.items():
        seen.calls[name] = counts["asked"] - counts["refused"]
    again = {child: sum(states.values()) for child, states in counted["entered_again"].items()}
    seen.transitions = [count - again.get(child, 0) for child, count in counted["transitions"].items()]
    seen.aside = sum(passed(counted, state) for state in ASIDE)
    items = Inventory(aws, automation.table).items().values()
    seen.renewed = sum(item["lastRunId"] == arn.rpartition(":")[2] and item["status"] == "DEPLOYED" for item in items)
    for state, taken in counted["seconds"].items():
        seen.residence[state] = [each / WAIT_SCALE for each in taken]
    return seen


def passed(counted: Any, state: str) -> int:
    """Children that entered a state, once or more often."""
    again = sum(states.get(state, 0) for states in counted["entered_again"].values())
    return len(counted["seconds"].get(state, ())) - again


def assumed_of(aws: LocalAws, seen: Seen) -> Assumed:
    """The times of this machine: pairs of the fifth and the ninety-fifth of a hundred."""
    commands: dict[str, list[float]] = defaultdict(list)
    for page in aws.client("ssm").get_paginator("list_commands").paginate():
        for command in page["Commands"]:
            (host,) = command["InstanceIds"]
            answer = aws.client("ssm").get_command_invocation(CommandId=command["CommandId"], InstanceId=host)
            taken = seconds_of(answer["ExecutionEndDateTime"]) - command["RequestedDateTime"].timestamp()
            kind = "install" if "Install" in command["DocumentName"] else "csr"
            commands[kind].append(taken / WAIT_SCALE)
    functions = [*seen.residence["CertCSR"], *seen.residence["CertCSRStatus"], *seen.residence["CertDeployStatus"]]
    function = middle(functions)
    return Assumed(
        csr=middle(commands["csr"]),
        install=middle(commands["install"]),
        function=function,
        check=middle(functions),
        report=middle(functions),
        depth_seconds=DEPTH_SECONDS,
        # CertIssue ends when CertDeploy has sent the command: two functions and the event.
        issuance_event=tuple(max(0.0, each - sum(function)) for each in middle(seen.residence["CertIssue"])),  # type: ignore[arg-type]
    )


def seconds_of(moment: Any) -> float:
    return datetime.fromisoformat(str(moment)).timestamp() if isinstance(moment, str) else float(moment.timestamp())


def middle(values: list[float]) -> tuple[float, float]:
    found = sorted(values)
    assert found
    return found[len(found) // 20], found[-1 - len(found) // 20]


def planned(assembly: Path, hosts: int, assumed: Assumed) -> Played:
    # What a host does is done in real time, also its pauses before it asks for a session again.
    usual = Proof()
    proof = Proof(usual.first / WAIT_SCALE, usual.most / WAIT_SCALE, usual.deadline / WAIT_SCALE)
    scenario = Scenario(hosts, production=0, rates=QUOTAS, proof=proof, singles=None, assumed=assumed)
    return play(of_app(assembly), scenario)


def let_through(played: Played, api: str) -> int:
    meter = played.meters[api]
    return meter.calls.total() - meter.throttled.total()


def further_looks(played: Played) -> int:
    """Polls that found no answer yet."""
    return sum(played.invocations[name] - played.renewed for name in ("CertCSRStatus", "CertDeployStatus"))


@pytest.mark.parametrize("hosts", [25, 200])
def test_a_plan_says_what_the_deployed_workflow_does(
    hosts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with account(tmp_path, tmp_path / "assembly") as local:
        local.deploy(APP)
        automation = deployed.find(local.aws)
        members = build_fleet(tmp_path / "fleet", hosts, automation, local.aws.endpoint, None)
        for member in members:
            Inventory(local.aws, automation.table).put(inventory_item(member))
        seen = run_of(local.aws, automation, hosts)
        assumed = assumed_of(local.aws, seen)
    played = planned(tmp_path / "assembly", hosts, assumed)
    print(f"{hosts} hosts: {seen.seconds:.0f} s seen, {played.seconds:.0f} s planned, {assumed}")
    assert seen.renewed == played.renewed == hosts
    assert {name: seen.calls[name] for name in EXACT} == {name: let_through(played, name) for name in EXACT}
    # Each child, without what it passed again.
    assert sum(seen.transitions) - seen.aside == hosts * HEALTHY
    looked = further_looks(played) * LOOK
    assert 0 < played.transitions - played.requeues * REQUEUED - looked - hosts * HEALTHY <= PARENT
    assert abs(played.seconds - seen.seconds) <= 0.2 * seen.seconds
