"""What the functions of joining and leaving ask AWS, to the parameter, and what they make of every page."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from pca_runtime.errors.kinds import InvalidInput, Throttled
from pca_runtime.inventory.gate import Gate
from pca_runtime.membership.departures import Departures, too_many
from pca_runtime.membership.enrolment import Enrolment, Gathered, gather
from pca_runtime.membership.payloads import (
    RetireRequest,
    happened_at,
    removed_items,
    running_instance,
    terminated_instance,
)
from pca_runtime.membership.registration import Registration

from tests.runtime.fakes import client_error
from tests.runtime.membership.rig import ec2_event, image, record
from tests.runtime.pki import NOW

GATE = Gate(lambda: NOW)
TAGS = {"CertManaged": "true", "Stage": "prod"}


class Scripted:
    """Answers what it was given, one after the other, and keeps every request."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            self.requests.append((operation, json.loads(json.dumps(request))))
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def instance(number: int) -> str:
    return f"i-{number:017x}"


def node(number: int) -> str:
    return f"mi-{number:017x}"


def registration(dynamodb: Any = None, ec2: Any = None, ssm: Any = None, profile_tag: str = "") -> Registration:
    return Registration(dynamodb, "inventory", ec2, ssm, TAGS, lambda: NOW, profile_tag=profile_tag)


def test_instances_are_asked_for_by_id_state_and_every_tag() -> None:
    ec2 = Scripted(
        {"Reservations": [{"Instances": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]}, {"Instances": [
            {"InstanceId": "i-3"}]}]}, {},
    )  # fmt: skip
    assert registration(ec2=ec2).tagged(("i-1", "i-2", "i-3")) == {"i-1", "i-2", "i-3"}
    assert registration(ec2=ec2).tagged(["i-4"]) == set()
    assert ec2.requests[0] == ("describe_instances", {"Filters": [
        {"Name": "instance-id", "Values": ["i-1", "i-2", "i-3"]},
        {"Name": "instance-state-name", "Values": ["running"]},
        {"Name": "tag:CertManaged", "Values": ["true"]}, {"Name": "tag:Stage", "Values": ["prod"]},
    ]})  # fmt: skip


def nodes(*online: str, offline: str = "", token: str = "") -> dict[str, Any]:
    entries = [{"InstanceId": each, "PingStatus": "Online"} for each in online]
    entries += [{"InstanceId": offline, "PingStatus": "ConnectionLost"}, {"InstanceId": "x"}] if offline else []
    return {"InstanceInformationList": entries, **({"NextToken": token} if token else {})}


def test_systems_manager_is_asked_page_by_page_who_is_online() -> None:
    ssm = Scripted(nodes("i-1", offline="i-2", token="more"), nodes("i-3"))
    assert registration(ssm=ssm).online(("i-1", "i-2", "i-3")) == {"i-1", "i-3"}
    first = {"Filters": [{"Key": "InstanceIds", "Values": ["i-1", "i-2", "i-3"]}], "MaxResults": 50}
    assert ssm.requests == [
        ("describe_instance_information", first),
        ("describe_instance_information", {**first, "NextToken": "more"}),
    ]
    assert registration(ssm=Scripted()).online([]) == set()


def test_a_node_is_online_and_tagged_if_it_is_so_for_each_tag() -> None:
    ssm = Scripted(nodes("mi-2", "mi-1", "mi-3"), nodes("mi-3", "mi-1", "mi-4"))
    assert registration(ssm=ssm).online_and_tagged() == ["mi-1", "mi-3"]
    assert [request["Filters"] for _, request in ssm.requests] == [
        [{"Key": "tag:CertManaged", "Values": ["true"]}], [{"Key": "tag:Stage", "Values": ["prod"]}]
    ]  # fmt: skip
    assert registration(ssm=Scripted({}, {})).online_and_tagged() == []


def test_who_is_missing_is_put_in_once_under_the_condition_that_nobody_is_there() -> None:
    dynamodb = Scripted({"Responses": {"inventory": [image(hostID=instance(2))]}}, {})
    assert registration(dynamodb).register([instance(1), "web-1", instance(2), instance(1)]) == [instance(1)]
    asked, put = dynamodb.requests
    assert [key["hostID"]["S"] for key in asked[1]["RequestItems"]["inventory"]["Keys"]] == [instance(1), instance(2)]
    assert put == ("put_item", {
        "TableName": "inventory",
        "Item": image(hostID=instance(1), enrolledAt="2026-11-23T13:15:00Z", enrolledBy="tag"),
        "ConditionExpression": "attribute_not_exists(#hostID)",
        "ExpressionAttributeNames": {"#hostID": "hostID"},
    })  # fmt: skip


def test_tags_are_read_of_two_hundred_instances_at_a_time_and_of_each_node() -> None:
    hosts = [*(instance(number) for number in range(201)), node(1), node(2)]
    described = [
        {"Reservations": [{"Instances": [
            {"InstanceId": each, "Tags": [{"Key": "Other", "Value": "x"}, {"Key": "Profile", "Value": "web"}]}
        ]} for each in part]}
        for part in (hosts[:200], hosts[200:201])
    ]  # fmt: skip
    ec2 = Scripted(*described)
    ssm = Scripted({"TagList": [{"Key": "Profile", "Value": "client"}]}, {})
    dynamodb = Scripted(*[{"Responses": {}}] * 3, *[{}] * 203)
    assert registration(dynamodb, ec2, ssm, "Profile").register(hosts) == hosts
    assert [request for _, request in ec2.requests] == [
        {"Filters": [{"Name": "instance-id", "Values": part}]} for part in (hosts[:200], hosts[200:201])
    ]
    assert ssm.requests == [
        ("list_tags_for_resource", {"ResourceType": "ManagedInstance", "ResourceId": each}) for each in hosts[201:]
    ]
    puts = [request["Item"] for operation, request in dynamodb.requests if operation == "put_item"]
    assert [item.get("certificateProfile", {}).get("S") for item in puts] == ["web"] * 201 + ["client", None]
    without_tags = Scripted({"Reservations": [{"Instances": [{"InstanceId": instance(1)}]}]})
    table = Scripted({"Responses": {}}, {})
    assert registration(table, without_tags, None, "Profile").register([instance(1)]) == [instance(1)]
    assert registration(Scripted({"Responses": {}}), Scripted({}), None, "P").register([instance(1)]) == []


BUSY = client_error("ThrottlingException")


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("DescribeInstances", lambda: registration(ec2=Scripted(BUSY)).tagged(["i-1"])),
        ("DescribeInstanceInformation", lambda: registration(ssm=Scripted(BUSY)).online(["i-1"])),
        ("BatchGetItem", lambda: registration(Scripted(BUSY)).register([instance(1)])),
        ("PutItem", lambda: registration(Scripted({"Responses": {}}, BUSY)).register([instance(1)])),
        ("DescribeInstances",
         lambda: registration(Scripted({"Responses": {}}), Scripted(BUSY), None, "P").register([instance(1)])),
        ("ListTagsForResource",
         lambda: registration(Scripted({"Responses": {}}), None, Scripted(BUSY), "P").register([node(1)])),
        ("Scan", lambda: departures(Scripted(BUSY)).roll(1)),
        ("DescribeInstances", lambda: departures(ec2=Scripted(BUSY)).state("i-1")),
        ("DescribeInstanceInformation", lambda: departures(ssm=Scripted(BUSY)).gone({node(1): True})),
        ("StartExecution", lambda: Enrolment(Scripted(BUSY), "arn").start(Gathered(["a"]))),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_trouble_is_told_of_with_the_operation_that_had_it(operation: str, call: Any) -> None:
    with pytest.raises(Throttled) as trouble:
        call()
    assert trouble.value.message.startswith(f"{operation}: ThrottlingException")


def departures(dynamodb: Any = None, ec2: Any = None, ssm: Any = None) -> Departures:
    return Departures(dynamodb, "inventory", ec2, ssm, GATE)


def states(*known: tuple[str, str], token: str = "") -> dict[str, Any]:
    instances = [{"InstanceId": name, "State": {"Name": state}} for name, state in known]
    return {"Reservations": [{"Instances": instances}], **({"NextToken": token} if token else {})}


def test_the_states_of_instances_are_read_page_by_page() -> None:
    ec2 = Scripted(states((instance(1), "running"), token="more"), states((instance(2), "terminated")))
    hosts = {instance(1): True, instance(2): False}
    assert departures(ec2=ec2).gone(hosts) == [instance(2)]
    first = {"Filters": [{"Name": "instance-id", "Values": list(hosts)}], "MaxResults": 1_000}
    assert ec2.requests == [("describe_instances", first), ("describe_instances", {**first, "NextToken": "more"})]
    assert departures(ec2=Scripted({})).state(instance(1)) is None
    assert departures(ec2=Scripted(states((instance(1), "stopped")))).state(instance(1)) == "stopped"


@pytest.mark.parametrize("state", ["pending", "running", "stopping", "stopped"])
def test_who_may_come_back_is_not_gone(state: str) -> None:
    assert departures(ec2=Scripted(states((instance(1), state)))).gone({instance(1): True}) == []


def test_all_hybrid_nodes_are_read_page_by_page() -> None:
    ssm = Scripted(nodes(node(1), token="more"), nodes(node(2)))
    assert departures(ssm=ssm).gone({node(1): True, node(2): True, node(3): True}) == [node(3)]
    first = {"Filters": [{"Key": "ResourceType", "Values": ["ManagedInstance"]}], "MaxResults": 50}
    assert [request for _, request in ssm.requests] == [first, {**first, "NextToken": "more"}]
    assert departures(ssm=Scripted({})).gone({node(1): True}) == [node(1)]


def test_the_inventory_is_read_page_by_page_and_no_more_of_it_than_leaving_needs() -> None:
    retired = {"status": "RETIRED", "retiredAt": "2026-11-22T00:00:00Z"}
    items = [
        {"hostID": "web-1"}, {"hostID": instance(1), "status": "FAILED", "serial": "0a"}, {"hostID": instance(2)},
        {"hostID": instance(3), **retired}, {"hostID": instance(4), "status": "RETIRED"},
        {"hostID": instance(5), **retired, "revocationOrder": "SUPERSEDED"},
        {"hostID": instance(6), "serial": "0b", "revocationOrder": "SUPERSEDED"},
    ]  # fmt: skip
    pages = [{"Items": [image(**each)], "LastEvaluatedKey": image(hostID="x")} for each in items[:-1]]
    dynamodb = Scripted(*pages, {"Items": [image(**items[-1])]})
    roll = departures(dynamodb).roll(10)
    assert roll.live == {instance(1): True, instance(2): False, instance(6): True}
    assert [item.host_id for item in roll.unfinished] == [instance(4), instance(5), instance(6)]
    names = [
        "hostID", "status", "serial", "expiry", "retiredAt", "revocationReason", "revocationOrder", "runId"
    ]  # fmt: skip
    first = {
        "TableName": "inventory", "ProjectionExpression": ", ".join(f"#{name}" for name in names),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
    }  # fmt: skip
    assert dynamodb.requests[0] == ("scan", first)
    assert dynamodb.requests[1] == ("scan", {**first, "ExclusiveStartKey": image(hostID="x")})


@pytest.mark.parametrize(
    ("gone", "live", "is_it"),
    [
        (1, 1, False), (2, 2, False), (2, 3, False), (3, 6, False), (3, 5, True), (10, 20, False), (10, 100, False),
        (11, 100, True), (11, 119, False), (11, 110, False), (12, 119, True), (100, 1_000, False), (101, 1_000, True),
    ],
)  # fmt: skip
def test_so_many_may_leave_at_once(gone: int, live: int, is_it: bool) -> None:
    """Ten, or a tenth of the fleet; of a small one not more than half, beyond two."""
    assert too_many([""] * gone, live) is is_it


NEW, LIVE = {"hostID": instance(1)}, {"hostID": instance(1), "status": "DEPLOYED"}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([record(1, None, NEW), record(2, NEW, {**NEW, "keyMode": "0400"})], ([instance(1)], [], [], 0)),
        ([record(1, None, NEW), record(2, LIVE, {**LIVE, "keyMode": "0400"})], ([instance(1)], [], [], 0)),
        ([record(1, LIVE, {**LIVE, "keyMode": "0400"}), record(2, LIVE, LIVE)], ([], [instance(1)], [], 0)),
        ([record(1, LIVE, {**LIVE, "keyMode": "0400"}), record(2, LIVE, None)], ([], [], [instance(1)], 0)),
        ([record(1, LIVE, None), record(2, None, NEW)], ([instance(1)], [], [], 0)),
        ([record(1, None, {**NEW, "runId": "r"})], ([], [], [], 0)),
        ([record(1, None, {**NEW, "renewalDate": "2026-11-28"})], ([], [], [], 0)),
        ([record(1, NEW, {**NEW, "runId": "r"})], ([], [], [], 0)),
        ([record(1, None, {**LIVE, "keyMode": "0400"})], ([], [], [], 0)),
        ([{**record(1, LIVE, {**LIVE, "keyMode": "0400"}), "eventName": "INSERT"}], ([], [], [], 0)),
        ([record(1, None, {"hostID": "b"}), record(2, {"hostID": "a"}, None)], ([], [], ["a"], 0)),
        ([record(1, None, {"hostID": instance(2)}), record(2, None, NEW)], ([instance(1), instance(2)], [], [], 0)),
        ([{"eventName": "INSERT", "dynamodb": {"Keys": {"hostID": 7}}}], ([], [], [], 1)),
        ([{"eventName": "INSERT", "dynamodb": {"Keys": {"hostID": {"S": instance(1)}}, "NewImage": 7}}],
         ([], [], [], 1)),
        ([7], ([], [], [], 1)),
        ([{"eventName": "INSERT", "dynamodb": {"Keys": image(hostID=instance(1)), "NewImage": {
            "hostID": {"S": instance(1)}, "x": {"Y": 1}}}}], ([], [], [], 1)),
    ],
)  # fmt: skip
def test_the_last_word_about_each_host_counts(records: Any, expected: Any) -> None:
    found = gather(records, GATE)
    assert (list(found.enrol), list(found.changed), list(found.removed), found.unreadable) == expected


def test_a_batch_is_known_by_its_records_and_each_run_by_what_it_is_for() -> None:
    """The names must not change with an update: a batch that comes again would start its runs again."""
    steps = Scripted({}, {}, client_error("ExecutionAlreadyExists", "StartExecution"))
    gathered = gather([record(1, None, NEW), record(2, None, {"hostID": instance(2)})], GATE)
    assert list(gathered.sequence) == ["1", "2"]
    changed = Gathered([instance(1)], [instance(2)], sequence=gathered.sequence)
    names = Enrolment(steps, "arn:machine").start(changed)  # type: ignore[arg-type]
    batch = "22074227d8462b39403011e0bc4c5e7a"
    assert names == [f"enrol-{batch}-0", f"changed-{batch}-0"]
    assert [request for _, request in steps.requests] == [
        {"stateMachineArn": "arn:machine", "name": names[0], "input": json.dumps({"hostIDs": [instance(1)]})},
        {
            "stateMachineArn": "arn:machine", "name": names[1],
            "input": json.dumps({"hostIDs": [instance(2)], "force": True, "automatic": True}),
        },
    ]  # fmt: skip
    assert Enrolment(steps, "arn:machine").start(Gathered([instance(1)], sequence=["1", "2"])) == names[:1]  # type: ignore[arg-type]


def test_who_is_to_be_retired_is_said_by_id_or_left_to_the_reconciliation() -> None:
    by_hand = RetireRequest.parse({"hostIDs": [instance(1)]})
    assert (by_hand.host_ids, by_hand.reconcile, by_hand.reason, by_hand.remove_from_host) == (
        [instance(1)], None, "CESSATION_OF_OPERATION", True
    )  # fmt: skip
    other = RetireRequest.parse({"hostIDs": [instance(1)] * 500, "reason": "KEY_COMPROMISE", "removeFromHost": False})
    assert (other.reason, other.remove_from_host) == ("KEY_COMPROMISE", False)
    assert RetireRequest.parse({"reconcile": True}).reconcile is True
    for wrong in ({"hostIDs": [instance(1)] * 501}, {"hostIDs": []}, {}, {"hostIDs": [instance(1)], "reconcile": True}):
        with pytest.raises(InvalidInput, match="hostIDs"):
            RetireRequest.parse(wrong)
    with pytest.raises(InvalidInput, match=r'allowed are {"hostIDs": \[at most 500\]'):
        RetireRequest.parse({"hostIDs": [instance(1)], "other": 1})
    with pytest.raises(InvalidInput, match=r"must be one of .*KEY_COMPROMISE"):
        RetireRequest.parse({"hostIDs": [instance(1)], "reason": "BECAUSE"})


EVENT = ec2_event(instance(1), "terminated")


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (EVENT, instance(1)), ([EVENT], None), ({**EVENT, "source": "aws.ssm"}, None),
        ({**EVENT, "detail-type": "EC2 Instance Rebalance Recommendation"}, None), ({**EVENT, "detail": [1]}, None),
        (ec2_event(instance(1), "running"), None), (ec2_event("web-1", "terminated"), None),
        ({**EVENT, "detail": {"state": "terminated"}}, None),
        ({**EVENT, "detail": {"state": "terminated", "instance-id": [instance(1)]}}, None),
    ],
)  # fmt: skip
def test_only_ec2_s_own_word_about_an_instance_counts(event: Any, found: str | None) -> None:
    assert terminated_instance(event) == found
    starts = event == ec2_event(instance(1), "running")
    assert running_instance(json.dumps(event)) == (instance(1) if starts else None)


def test_when_an_event_happened_is_read_where_it_says_so() -> None:
    assert happened_at({"time": "2026-11-23T13:15:00Z"}) == NOW
    assert happened_at({}) is happened_at({"time": 7}) is None


@pytest.mark.parametrize(
    ("seconds", "at"),
    [
        (NOW.timestamp(), NOW), (int(NOW.timestamp()), NOW), (None, None), (True, None), ("1", None),
        (float("inf"), None), (float("nan"), None), (1e30, None),
    ],
)  # fmt: skip
def test_when_an_item_was_removed_is_read_where_the_stream_says_so(seconds: Any, at: Any) -> None:
    removal = record(1, NEW, None)
    removal["dynamodb"]["ApproximateCreationDateTime"] = seconds
    (found,), unreadable = removed_items([removal], GATE)
    assert (found.item.host_id, found.at, unreadable) == (instance(1), at, 0)


def test_removed_items_are_found_among_whatever_the_stream_holds() -> None:
    odd = {"hostID": {"S": instance(1)}, "x": {"Y": 1}}
    records: list[Any] = [
        record(1, None, NEW), record(2, NEW, None), record(3, {"hostID": "web-1"}, None),
        record(5, {"hostID": "web-2"}, None), record(4, NEW, None), 7, {},
        {"eventName": "REMOVE"}, {"eventName": "REMOVE", "dynamodb": {"OldImage": 7}},
        {"eventName": "REMOVE", "dynamodb": {"OldImage": odd}},
    ]  # fmt: skip
    found, unreadable = removed_items(records, GATE)
    assert [each.item.host_id for each in found] == [instance(1), instance(1)]
    assert [each.at for each in found] == [None, None]
    assert unreadable == 5


def test_a_late_record_is_of_the_moment_that_it_tells() -> None:
    removal = record(1, NEW, None)
    removal["dynamodb"]["ApproximateCreationDateTime"] = (NOW - timedelta(hours=3)).timestamp()
    assert removed_items([removal], GATE)[0][0].at == NOW - timedelta(hours=3)
