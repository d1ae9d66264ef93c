"""The inventory, as an operator sees it: who is due, how much time is left, and what is asked of the table for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pca_automator.cli.deployed import inventory
from pca_automator.cli.deployed.inventory import JUDGED, View
from pca_automator.cli.errors import FAILED, USAGE, Trouble
from tests.cli.conftest import FUNCTIONS, Deployed, deployment, host, stamp

HOUR = timedelta(hours=1)


def view(deployed: Deployed) -> View:
    """At the fixture's moment, with the next run in 12 hours."""
    return View(deployed.now, 12 * HOUR)


def got(deployed: Deployed, hours: float = 100, **attributes: Any) -> Any:
    return inventory.get(deployment(), deployed.live(1, hours, **attributes))


def refusal(look: Any) -> tuple[str, int]:
    with pytest.raises(Trouble) as raised:
        look()
    return str(raised.value), raised.value.status


def test_the_next_run_comes_when_the_deployment_says(deployed: Deployed) -> None:
    told = {**FUNCTIONS["CertCheck"], "NEXT_RUN_SECONDS": "3601"}
    deployed.answers["GetFunctionConfiguration"] = {"Environment": {"Variables": told}}
    found = View.of(deployment())
    assert found.next_run == timedelta(seconds=3601)
    assert timedelta() <= found.now - deployed.now < HOUR


@pytest.mark.parametrize(
    ("hours", "attributes", "due"),
    [
        (100, {}, False),
        (48, {}, True),
        (49, {}, False),
        # A certificate that ends before the next run, whatever its renewal date.
        (12, {"renewalDate": "9000-01-01T00:00:00Z"}, True),
        (11, {"status": "RETIRED"}, False),
        (11, {"runId": "run-1", "leaseUntil": 1}, False),
        (11, {"runId": "run-1", "leaseUntil": 0}, True),
        (100, {"status": "RENEWING", "runId": "run-1", "leaseUntil": -1}, True),
        (100, {"status": "RENEWING", "runId": "run-1", "leaseUntil": 1}, False),
        (100, {"status": "FAILED"}, False),
        (100, {"expiry": None}, True),
        (100, {"renewalDate": None}, True),
    ],
)
def test_a_host_is_due_for_whom_the_next_run_is_too_late(
    deployed: Deployed, hours: float, attributes: dict[str, Any], due: bool
) -> None:
    if isinstance(attributes.get("leaseUntil"), int):
        attributes = {**attributes, "leaseUntil": stamp(deployed.now + attributes["leaseUntil"] * HOUR)}
    found = {name: value for name, value in {**deployed.times(hours), **attributes}.items() if value is not None}
    deployed.put(host(1), **found)
    item = inventory.get(deployment(), host(1))
    assert view(deployed).is_due(item) is due
    assert view(deployed).row(item)["due"] is due
    (judged,) = inventory.these(deployment(), [host(1)], JUDGED).values()
    assert view(deployed).is_due(judged) is due


def test_a_row_holds_what_is_known_and_leaves_out_what_is_not(deployed: Deployed) -> None:
    attempt = stamp(deployed.now - HOUR)
    item = got(deployed, validated=False, lastAttempt=attempt, lastRunId="run-7", failureCount=2,
               status="FAILED", lastError={"code": "NO_SPACE"})  # fmt: skip
    assert view(deployed).row(item) == {
        "hostID": host(1), "status": "FAILED", "left": "4 d 4 h", "secondsLeft": 360_000, "due": False,
        "lastError": "NO_SPACE", **deployed.times(100), "serial": "1ab", "validated": False, "lastAttempt": attempt,
        "lastRunId": "run-7", "failureCount": 2,
    }  # fmt: skip
    deployed.put(host(2))
    assert view(deployed).row(inventory.get(deployment(), host(2))) == {
        "hostID": host(2), "status": "NEW", "left": "no certificate", "secondsLeft": None, "due": True,
        "lastError": None,
    }  # fmt: skip
    assert view(deployed).row(got(deployed, hours=-1))["secondsLeft"] == -3_600


def test_what_cannot_be_read_of_an_item_is_in_its_row(deployed: Deployed) -> None:
    row = view(deployed).row(got(deployed, failureCount="many", validated="perhaps"))
    assert row["quarantine"] == "INVENTORY_ATTRIBUTE_IMPOSSIBLE"
    assert len(row["reasons"]) == 2
    assert all(isinstance(reason, str) and reason for reason in row["reasons"])


def test_an_entry_that_is_no_host_has_a_row_with_its_key(deployed: Deployed) -> None:
    deployed.put("web-1", status="DEPLOYED")
    (entry,) = inventory.scan(deployment())
    assert not inventory.is_host(entry)
    assert inventory.quarantined_row(entry) == {
        "hostID": "entry-c4719afa76fa", "status": "QUARANTINED", "key": "web-1", "left": "", "secondsLeft": None,
        "due": False, "lastError": "HOST_ID_INVALID", "quarantine": "HOST_ID_INVALID",
        "reasons": ["not an EC2 instance id (i-…) nor a hybrid node id (mi-…)"],
    }  # fmt: skip
    deployed.live(1)
    assert [each.host_id for each in inventory.hosts(deployment(), ("status",))] == [host(1)]


def test_a_host_whose_item_cannot_be_read_is_said_with_what_explains_it(deployed: Deployed) -> None:
    """Of a kind that DynamoDB does not have yet."""
    deployed.answers["GetItem"] = {"Item": {"hostID": {"S": host(1)}, "expiry": {"NEW": "1"}}}
    words, status = refusal(lambda: inventory.get(deployment(), host(1)))
    assert words.startswith(f"{host(1)}: the item cannot be read: ")
    assert words.endswith(": pca-automator explain INVENTORY_ITEM_UNREADABLE")
    assert status == FAILED


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90m", timedelta(minutes=90)), ("24h", timedelta(hours=24)), (" 7d ", timedelta(days=7)), ("0m", timedelta()),
        ("999999m", timedelta(minutes=999_999)), ("1000000m", None), ("7", None), ("d", None), ("7w", None),
        ("-1d", None), ("1.5h", None), ("1d12h", None), ("", None),
    ],
)  # fmt: skip
def test_a_time_is_minutes_hours_or_days(text: str, span: timedelta | None) -> None:
    if span is None:
        words = f"{text!r} is not a time: give minutes, hours or days, such as 90m, 24h or 7d"
        assert refusal(lambda: inventory.parse_span(text)) == (words, USAGE)
    else:
        assert inventory.parse_span(text) == span


def test_a_list_asks_for_what_it_shows_page_by_page_and_for_all_only_where_that_is_said(deployed: Deployed) -> None:
    deployed.live(1, keyPath="/own")
    (plain,) = inventory.scan(deployment())
    (whole,) = inventory.scan(deployment(), None)
    assert ("keyPath" in plain.attributes, "keyPath" in whole.attributes) == (False, True)
    first, second = deployed.called("Scan")
    names = [first["ExpressionAttributeNames"].get(name, name) for name in first["ProjectionExpression"].split(", ")]
    assert names == [
        "hostID", "status", "expiry", "renewalDate", "serial", "validated", "runId", "leaseUntil", "lastRunId",
        "lastAttempt", "lastError", "failureCount",
    ]  # fmt: skip
    assert (first["TableName"], first["Limit"]) == ("inventory", 1_000)
    assert second == {"TableName": "inventory", "Limit": 1_000}


def test_a_host_is_read_as_it_is_now_and_none_is_taken_for_another(deployed: Deployed) -> None:
    assert got(deployed).host_id == host(1)
    asked = {"TableName": "inventory", "Key": {"hostID": {"S": host(1)}}, "ConsistentRead": True}
    assert deployed.called("GetItem") == [asked]
    assert refusal(lambda: inventory.get(deployment(), host(2))) == (
        f"the inventory has no host {host(2)}: is it another stack or Region, or is it to be added? "
        f"pca-automator hosts add {host(2)}",
        FAILED,
    )
    assert refusal(lambda: inventory.check_ids(["web-1", host(1), ""])) == (
        "'web-1', '': not an EC2 instance id (i-...) nor a hybrid node id (mi-...)", USAGE,
    )  # fmt: skip
    inventory.check_ids([host(1), "mi-00000000000000001"])
    deployed.calls.clear()
    assert refusal(lambda: inventory.get(deployment(), "web-1"))[1] == USAGE
    assert deployed.called("GetItem") == []


def test_entries_are_found_by_their_keys_and_the_whole_table_is_read_only_for_names_that_are_none(
    deployed: Deployed,
) -> None:
    deployed.live(1)
    deployed.put("web-1")
    deployed.put("web-2")
    found = inventory.entries(deployment(), [host(1), "web-1"])
    assert {name: entry.host_id for name, entry in found.items()} == {host(1): host(1), "web-1": "web-1"}
    assert deployed.called("Scan") == []
    assert {asked["ConsistentRead"] for asked in deployed.called("GetItem")} == {True}
    found = inventory.entries(deployment(), ["entry-c4719afa76fa", host(1), host(2)])
    assert {name: entry.host_id for name, entry in found.items()} == {host(1): host(1), "entry-c4719afa76fa": "web-1"}
    (asked,) = deployed.called("Scan")
    assert set(asked["ExpressionAttributeNames"].values()) == {"hostID", "status"}


def test_some_hosts_are_read_at_once_and_those_that_are_not_there_are_left_out(deployed: Deployed) -> None:
    deployed.live(1, keyPath="/own")
    found = inventory.these(deployment(), [host(1), host(2)], ("status",))
    assert {name: item.status for name, item in found.items()} == {host(1): "DEPLOYED"}
    assert "keyPath" not in found[host(1)].attributes


def test_an_empty_inventory_is_a_mistake_and_one_item_is_enough_to_know(deployed: Deployed) -> None:
    words = "the inventory is empty: put hosts in with pca-automator hosts add ID..."
    assert refusal(lambda: inventory.refuse_empty(deployment())) == (words, FAILED)
    deployed.live(1)
    inventory.refuse_empty(deployment())
    assert deployed.called("Scan")[-1] == {"TableName": "inventory", "Limit": 1}


def test_who_reads_an_item_gets_no_task_token(deployed: Deployed) -> None:
    """Whoever has it can complete the renewal."""
    item = got(deployed, pending={"requestId": "a", "taskToken": "secret", "since": "now"}, keyPath="/own")
    told = dict(inventory.item_as_json(item))
    assert told["pending"] == {"requestId": "a", "since": "now"}
    assert told["keyPath"] == "/own"
    assert item.attributes["pending"]["taskToken"] == "secret"
    assert "pending" not in inventory.item_as_json(got(deployed))


def test_a_lease_longer_than_the_deployment_gives_is_not_its_own(deployed: Deployed) -> None:
    """The limits of the reader are the deployment's."""
    told = {**FUNCTIONS["CertCheck"], "LONGEST_LEASE_SECONDS": "3600"}
    deployed.answers["GetFunctionConfiguration"] = {"Environment": {"Variables": told}}
    soon, late = (stamp(deployed.now + hours * HOUR) for hours in (0.5, 2))
    assert inventory.quarantine(got(deployed, runId="run-1", leaseUntil=soon)) == {}
    assert inventory.quarantine(got(deployed, runId="run-1", leaseUntil=late))["quarantine"]
