"""The sample app in the local AWS with a fleet of simulated hosts, and what an operator does with it in a day."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from pca_automator.cli import overrides
from pca_automator.rehearsal import deployed
from pca_automator.rehearsal.cdk import Cdk
from pca_automator.rehearsal.hosts import Member, build_fleet, inventory_item
from pca_automator.rehearsal.local_aws.run_command.hosts import Faults
from pca_automator.rehearsal.local_aws.settings import Settings
from pca_automator.rehearsal.process import LocalAws

ROOT = Path(__file__).resolve().parent.parent.parent
_SETTLED_SECONDS = 180


@dataclass(frozen=True)
class LocalFleet:
    """What runs, and the hosts in it."""

    aws: LocalAws
    members: list[Member]
    csv: Path

    def command(self, arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        """The command, as an operator runs it; both streams in the order in which they were written."""
        return subprocess.run(
            self.argv(arguments),
            cwd=self.csv.parent,
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )

    def argv(self, arguments: list[str]) -> list[str]:
        """The command line of a process."""
        return [sys.executable, "-m", "pca_automator.cli.main", *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a process: this local AWS, and nothing of the machine's own account."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**inherited, "PYTHONPATH": str(ROOT), **self.aws.client_environment(), **more}

    def rows(self, *options: str) -> list[dict[str, Any]]:
        """What ``hosts list`` says."""
        found: list[dict[str, Any]] = json.loads(self.command(["hosts", "list", "--output", "json", *options]).stdout)
        return found

    def settle(self) -> None:
        """Wait until no run is under way: enrolment gathers changes for some seconds before it starts one."""
        deadline = time.monotonic() + _SETTLED_SECONDS
        while time.monotonic() < deadline:
            time.sleep(3)
            if all(row["status"] in ("DEPLOYED", "FAILED") for row in self.rows()):
                return
        raise AssertionError(f"the fleet did not settle: {self.rows()}")


@contextmanager
def local_fleet(directory: Path, hosts: int = 6) -> Iterator[LocalFleet]:
    """Start the local AWS, deploy the sample app, and build the hosts; nobody is in the inventory yet."""
    settings = Settings(fleet=directory / "fleet", crl_seconds=0.5)
    with LocalAws(directory, settings, wait_scale=0.05) as aws:
        cdk = Cdk(ROOT, aws, directory / "cdk.out")
        cdk.bootstrap()
        cdk.deploy()
        members = build_fleet(directory / "fleet", hosts, deployed.find(aws), aws.endpoint, None)
        yield LocalFleet(aws, members, _write_csv(directory / "hosts.csv", members))


def _write_csv(path: Path, members: list[Member]) -> Path:
    plain = TypeDeserializer()
    items = [{name: plain.deserialize(value) for name, value in inventory_item(member).items()} for member in members]
    # The simulated hosts know directories that are no overrides.
    columns = ["hostID", *sorted({name for item in items for name in item} & set(overrides.names()))]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in item.items()} for item in items)
    return path


def _cell(value: object) -> object:
    return ";".join(sorted(value)) if isinstance(value, (list, set)) else value


@dataclass(frozen=True)
class Step:
    """One command of the day: why, what, and how it ends."""

    why: str
    arguments: list[str]
    status: int = 0
    before: Callable[[], None] = field(default=lambda: None)
    environment: Mapping[str, str] = field(default_factory=dict)


def day(fleet: LocalFleet) -> Iterator[Step]:
    """An operator's day, every verb of it."""
    first, second, third, sick = fleet.members[:4]
    yield Step("Put the fleet into the inventory.", ["hosts", "add", "--from-csv", fleet.csv.name])
    yield Step("The fleet in one screen.", ["status"], before=fleet.settle)
    yield Step("Everybody, the most urgent first.", ["hosts", "list"])
    yield Step("Nobody stops working within a day.", ["hosts", "list", "--expiring-within", "24h"])
    yield Step("One host, and what is on it.", ["hosts", "show", first.id, "--live"])
    yield Step("Another key for it.", ["hosts", "set", first.id, "--override", "keyAlgorithm=EC_prime256v1"])
    yield Step("Renew some hosts now.", ["run", first.id, second.id, "--force", "--watch"], before=fleet.settle)
    yield Step("Renew who is due.", ["run", "--watch"])
    yield Step(
        "A host has lost its agent.",
        ["run", sick.id, "--force", "--watch"],
        status=1,
        before=lambda: sick.host.set_faults(Faults(unknown=True)),
    )
    yield Step("The fleet has somebody to look after.", ["status"], status=1)
    yield Step("Who it is, for a program.", ["hosts", "list", "--failed", "--output", "jsonl"])
    yield Step("Why, and what to do.", ["explain", sick.id])
    yield Step("What a code means.", ["explain", "HOOK_FAILED"])
    yield Step(
        "The agent is back.",
        ["run", sick.id, "--force", "--watch"],
        before=lambda: sick.host.set_faults(Faults()),
    )
    yield Step("A key is out.", ["revoke", second.id, "--reason", "KEY_COMPROMISE", "--yes"])
    yield Step("A host leaves.", ["hosts", "retire", third.id, "--yes"])
    yield Step("The whole fleet anew.", ["run", "--force", "--yes", "--watch"])
    yield Step("Is the deployment whole?", ["verify", "--yes", "--hosts", "5"])
    yield Step("No such host.", ["hosts", "show", "i-0123456789abcdef0"], status=1)
    yield Step("No such stack.", ["status", "--stack", "Nowhere"], status=3)
    yield Step(
        "No credentials.",
        ["status"],
        status=4,
        environment={
            "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_CONFIG_FILE": os.devnull,
        },
    )  # fmt: skip
