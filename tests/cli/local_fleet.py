"""The sample app in the local AWS with a fleet of simulated hosts, and what an operator does with it in a day."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from pca_automator.cli.deployed import overrides
from pca_automator.rehearsal.local_aws.settings import Settings
from pca_automator.rehearsal.stage import deployed
from pca_automator.rehearsal.stage.cdk import Cdk
from pca_automator.rehearsal.stage.hosts import Member, build_fleet, inventory_item
from pca_automator.rehearsal.stage.process import LocalAws

ROOT = Path(__file__).resolve().parent.parent.parent
STACK_TAGS = {"team": "pki"}
_SETTLED_SECONDS = 900
# The last hosts are not in the CSV file: they are put into the inventory in other ways.
_BY_HAND = 2


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
def local_fleet(
    directory: Path, hosts: int = 8, context: Mapping[str, str] | None = None, other_answers: str = ""
) -> Iterator[LocalFleet]:
    """Start the local AWS, deploy the sample app, and build the hosts; nobody is in the inventory yet."""
    settings = Settings(fleet=directory / "fleet", crl_seconds=0.5, other_answers=other_answers)
    with LocalAws(directory, settings, wait_scale=0.05, auth=True) as aws:
        cdk = Cdk(ROOT, aws, directory / "cdk.out")
        cdk.bootstrap()
        cdk.deploy(context, tags=STACK_TAGS)
        members = build_fleet(directory / "fleet", hosts, deployed.find(aws), aws.endpoint, None)
        yield LocalFleet(aws, members, _write_csv(directory / "hosts.csv", members[:-_BY_HAND]))


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
