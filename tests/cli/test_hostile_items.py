"""A hundred items that nobody should write, among healthy hosts, in a deployment: nobody else notices."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pca_automator.rehearsal.stage import deployed
from tests.cli.local_fleet import LocalFleet, local_fleet

pytestmark = [pytest.mark.long, pytest.mark.rehearsal]

HEALTHY = 20
# Every type of DynamoDB, and of numbers and times what its own SDK or this system cannot take.
VALUES: list[dict[str, Any]] = [
    {"S": ""}, {"S": "x" * 10_000}, {"S": "9999-12-31T23:59:59Z"}, {"S": "a\x1b[2Jb"}, {"N": "1" + "0" * 100},
    {"N": "-1E-130"}, {"B": b"\xff\x00"}, {"BOOL": True}, {"NULL": True}, {"SS": ["a", "b"]}, {"NS": ["1", "2.5"]},
    {"BS": [b"a"]},
    {"L": [{"N": "1"}, {"M": {"x": {"S": "y"}}}]}, {"M": {"serial": {"N": "7"}, "code": {"NULL": True}}},
]  # fmt: skip
ATTRIBUTES = (
    "status", "serial", "expiry", "renewalDate", "certificateArn", "validated", "runId", "leaseUntil", "pending",
    "lastRunId", "lastAttempt", "lastError", "failureCount", "previousSerial", "retiredAt", "certPath", "dnsNames",
    "keyMode", "bundle",
)  # fmt: skip


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFleet]:
    with local_fleet(tmp_path_factory.mktemp("hostile"), HEALTHY) as found:
        yield found


def hostile() -> list[dict[str, Any]]:
    """Each attribute with types in turn, so that each type is there several times; and keys that are no host ids."""
    pairs = [(name, value) for number, value in enumerate(VALUES) for name in ATTRIBUTES[number % 2 :: 2]]
    items = [{"hostID": {"S": f"i-{number:017x}"}, name: value} for number, (name, value) in enumerate(pairs, 0xBAD000)]
    keys = ["web-1", "\x1b[2J" + "k" * 2_000, "i-1; reboot", "\N{RIGHT-TO-LEFT OVERRIDE}i-0"]
    return [*items[: 100 - len(keys)], *({"hostID": {"S": key}} for key in keys)]


def test_a_hundred_hostile_items_stop_nobody(fleet: LocalFleet) -> None:
    table = deployed.find(fleet.aws).table
    dynamodb = fleet.aws.client("dynamodb")
    for item in hostile():
        dynamodb.put_item(TableName=table, Item=item)
    healthy = [member.id for member in fleet.members]
    assert fleet.command(["hosts", "add", *healthy]).returncode == 0
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        rows = {row["hostID"]: row for row in fleet.rows()}
        if all(rows[each]["status"] == "DEPLOYED" for each in healthy):
            break
        time.sleep(3)
    assert {each: rows[each]["status"] for each in healthy} == dict.fromkeys(healthy, "DEPLOYED")
    watched = fleet.command(["run", "--watch"])
    assert "SUCCEEDED" in watched.stdout
    linted = fleet.command(["hosts", "lint", "--output", "jsonl"])
    named = {json.loads(line)["hostID"] for line in linted.stdout.splitlines() if line.startswith("{")}
    assert not named & set(healthy)
    # What a failed renewal has written anew is right again, and the host is told of as failed.
    failed = {row["hostID"] for row in fleet.rows("--failed") if row["lastError"] or row.get("quarantine")}
    assert len(named | failed) == 100
    for verb in ("status", "hosts list", "hosts list --failed", "hosts list --due", "hosts lint", "verify"):
        output = fleet.command(verb.split()).stdout
        assert "Traceback" not in output, verb
        assert "\x1b[2J" not in output, verb


def invoked(fleet: LocalFleet, payload: dict[str, Any]) -> dict[str, Any]:
    """CertRetire, once."""
    answer = fleet.aws.client("lambda").invoke(
        FunctionName=deployed.find(fleet.aws).retire, Payload=json.dumps(payload).encode()
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    return found


def test_departures_and_revocations_take_as_many_steps_as_ever_beside_them(fleet: LocalFleet) -> None:
    """One invocation retires who is gone and revokes what it had; one command does it by hand."""
    node, *_ = (member.id for member in fleet.members if member.id.startswith("mi-"))
    by_hand, gone, *_ = (member.id for member in fleet.members if member.id.startswith("i-"))
    left = fleet.command(["hosts", "retire", by_hand, "--yes"])
    assert "1 retired" in left.stdout, left.stdout
    # The event is lost, and for a node there is none: only the comparison finds them, among a hundred unknown entries.
    fleet.aws.control("settings", {"instance_events": 0})
    fleet.aws.client("ec2").terminate_instances(InstanceIds=[gone])
    fleet.aws.control("settings", {"instance_events": 1})
    fleet.aws.client("ssm").deregister_managed_instance(InstanceId=node)
    answer = invoked(fleet, {"reconcile": True})
    assert (answer["retired"], answer["revoked"]) == (2, 2)
    for host_id in (by_hand, gone, node):
        shown = json.loads(fleet.command(["hosts", "show", host_id, "--output", "json"]).stdout)
        assert shown["status"] == "RETIRED", shown
        assert shown["certificates"] == [], "of what a host was issued, what may be valid is listed"
        assert fates(fleet, host_id) == {"REVOKED"}
    assert invoked(fleet, {"reconcile": True})["revoked"] == 0


def fates(fleet: LocalFleet, host_id: str) -> set[str]:
    """Of everything that a host was issued, as the ledger has it."""
    found = fleet.aws.client("dynamodb").query(
        TableName=deployed.find(fleet.aws).ledger,
        KeyConditionExpression="hostID = :host",
        ExpressionAttributeValues={":host": {"S": host_id}},
        ConsistentRead=True,
    )
    return {item["fate"]["S"] for item in found["Items"]}
