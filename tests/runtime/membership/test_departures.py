"""What the reconciliation keeps of a fleet, and how it asks who is gone: no more of either than it needs."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from pca_runtime.inventory.gate import Gate
from pca_runtime.membership.departures import Departures

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def instance(number: int) -> str:
    return f"i-{number:017x}"


def node(number: int) -> str:
    return f"mi-{number:017x}"


class Account:
    """EC2 and Systems Manager, which count what they are asked."""

    def __init__(self, states: dict[str, str], nodes: list[str]) -> None:
        self.states, self.nodes = states, nodes
        self.asked: list[int] = []

    def describe_instances(self, **request: Any) -> dict[str, Any]:
        (wanted,) = (each["Values"] for each in request["Filters"])
        self.asked.append(len(wanted))
        found = [{"InstanceId": each, "State": {"Name": self.states[each]}} for each in wanted if each in self.states]
        return {"Reservations": [{"Instances": found}]}

    def describe_instance_information(self, **_: Any) -> dict[str, Any]:
        return {"InstanceInformationList": [{"InstanceId": each} for each in self.nodes]}


def departures(account: Account, items: tuple[dict[str, Any], ...] = ()) -> Departures:
    table: Any = SimpleNamespace(scan=lambda **_: {"Items": [{k: {"S": v} for k, v in each.items()} for each in items]})
    services: Any = account
    return Departures(table, "table", services, services, Gate(lambda: NOW))


def test_of_a_live_host_its_id_is_kept_and_whether_it_had_a_certificate() -> None:
    live = {"hostID": instance(1), "status": "DEPLOYED", "serial": "0a"}
    new = {"hostID": instance(2)}
    gone = {"hostID": instance(3), "status": "RETIRED", "retiredAt": "2026-11-25T00:00:00Z"}
    roll = departures(Account({}, []), (live, new, gone)).roll(10)
    assert roll.live == {instance(1): True, instance(2): False}
    assert roll.unfinished == []


@pytest.mark.parametrize("most", [0, 2, 5, 9])
def test_of_those_that_were_not_finished_no_more_are_kept_than_are_worked_off(most: int) -> None:
    items = tuple({"hostID": instance(number), "status": "RETIRED"} for number in range(5))
    roll = departures(Account({}, []), items).roll(most)
    assert [item.host_id for item in roll.unfinished] == [instance(number) for number in range(min(most, 5))]


def test_every_instance_is_asked_for_once_two_hundred_at_a_time() -> None:
    hosts = {instance(number): True for number in range(450)}
    account = Account(dict.fromkeys(hosts, "running") | {instance(7): "terminated", instance(449): "shutting-down"}, [])
    assert departures(account).gone(hosts) == [instance(7), instance(449)]
    assert account.asked == [200, 200, 50]


def test_who_is_unknown_is_gone_if_it_had_a_certificate() -> None:
    live = {instance(1): True, instance(2): False, node(1): True, node(2): False, node(3): True, "web-1": True}
    account = Account({}, [node(3)])
    assert departures(account).gone(live) == [instance(1), node(1)]


def test_without_nodes_nobody_asks_for_nodes() -> None:
    account = Account({instance(1): "running"}, [])
    account.describe_instance_information = None  # type: ignore[assignment,method-assign]
    assert departures(account).gone({instance(1): True}) == []
    assert departures(account).gone({}) == []
