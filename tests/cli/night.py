"""Three in the morning: a fleet in trouble, and what whoever is woken types first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pca_automator.rehearsal.local_aws.run_command.hosts import Faults
from pca_automator.rehearsal.stage import deployed
from tests.cli.day import Step
from tests.cli.local_fleet import LocalFleet

ASLEEP = "Three in the morning."


def night(fleet: LocalFleet) -> Iterator[Step]:
    """The fleet is enrolled; then agents are lost, a certificate runs out, and somebody disables the profile."""
    lost, gone, silent, late = fleet.members[:4]
    yield Step("Put the fleet into the inventory.", ["hosts", "add", "--from-csv", fleet.csv.name])
    yield Step(
        "Three hosts cannot be renewed.",
        ["run", lost.id, gone.id, silent.id, "--force", "--watch"],
        status=1,
        before=lambda: _break(fleet),
    )
    yield Step(ASLEEP, ["status"], status=1, before=lambda: _darken(fleet))
    yield Step("On one page, for whoever joins the call.", ["report", "--html", "night.html", "--json", "night.json"])
    yield Step("Whose certificate has run out?", ["hosts", "show", late.id])


def _break(fleet: LocalFleet) -> None:
    fleet.settle()
    lost, gone, silent = fleet.members[:3]
    lost.host.set_faults(Faults(unknown=True))
    gone.host.set_faults(Faults(unknown=True))
    silent.host.set_faults(Faults(never_answers=True))


def _darken(fleet: LocalFleet) -> None:
    """An hour ago a certificate ended that nobody had renewed, and half an hour ago the profile was disabled."""
    automation = deployed.find(fleet.aws)
    ends = {"expiry": timedelta(hours=1), "renewalDate": timedelta(hours=49)}
    for name, ago in ends.items():
        fleet.aws.client("dynamodb").update_item(
            TableName=automation.table,
            Key={"hostID": {"S": fleet.members[3].id}},
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": {"S": f"{datetime.now(UTC) - ago:%Y-%m-%dT%H:%M:%SZ}"}},
        )
    fleet.aws.client("rolesanywhere").disable_profile(profileId=automation.profile.rpartition("/")[2])
