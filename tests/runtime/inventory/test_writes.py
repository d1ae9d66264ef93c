"""What each write of the inventory leaves in the item, to the attribute, and to whom it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pca_runtime.errors.kinds import HostNotInInventory, InvalidInventoryItem, LeaseLost, Throttled
from pca_runtime.inventory.first_certificate import issued_before
from pca_runtime.inventory.fleet import Fleet
from pca_runtime.inventory.gate import Gate, Quarantined, handle_of
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.lease import InstalledCertificate, IssuedBefore, IssuedCertificate, Lease
from pca_runtime.inventory.table import Inventory
from pca_runtime.shared.identifiers import request_id
from pca_runtime.shared.timestamps import format_time

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import client_error
from tests.runtime.membership.rig import image
from tests.runtime.membership.test_asked import Scripted
from tests.runtime.pki import NOW

RUN, OTHER = "run-1", "run-2"
LEASE = Lease(HOST, RUN)
REQUEST = request_id(RUN, HOST)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
AT, IN_AN_HOUR = "2026-11-23T13:15:00Z", "2026-11-23T14:15:00Z"
USERS = {"hostID": HOST, "keyMode": "0440", "team": "payments"}
FLIGHT = {"status": "RENEWING", "runId": RUN, "leaseUntil": IN_AN_HOUR}
MINE = {**USERS, **FLIGHT, "pending": {"requestId": REQUEST}}
ERROR = {"phase": "CertCSR", "code": "NO_SPACE", "message": "full", "at": AT}
ISSUED = IssuedCertificate("f" * 64, "arn:new", "0b", "2026-11-30T13:15:00Z", "2026-11-28T13:15:00Z", "print")


@pytest.fixture
def inventory(world: World) -> Inventory:
    return Inventory(world.dynamodb, "inventory", Gate(lambda: NOW))


def put(world: World, item: dict[str, Any]) -> None:
    world.put(**{("host_id" if name == "hostID" else name): value for name, value in item.items()})


def mine(**pending: Any) -> dict[str, Any]:
    return {**MINE, "pending": {"requestId": REQUEST, **pending}}


def test_a_claim_marks_the_host_and_forgets_what_an_earlier_run_had_in_flight(
    world: World, inventory: Inventory
) -> None:
    put(world, {**USERS, "serial": "0a", "runId": OTHER, "leaseUntil": AT, "pending": {"taskToken": "old"}})
    claim = inventory.claim(LEASE, NOW, HOUR)
    assert world.item() == {**MINE, "serial": "0a"}
    assert (claim.outcome, claim.item.host_id, claim.item.run_id) == ("CLAIMED", HOST, RUN)
    resumed = inventory.claim(LEASE, NOW + HOUR, HOUR)
    assert resumed.outcome == "CLAIMED"
    assert world.item() == {**MINE, "serial": "0a", "leaseUntil": "2026-11-23T15:15:00Z"}


LATER = "2026-11-23T13:15:01Z"
CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "free": ({}, "CLAIMED"),
    "retired": ({"status": "RETIRED"}, "RETIRED"),
    "held": ({"runId": OTHER, "leaseUntil": LATER}, "BUSY"),
    "held until now": ({"runId": OTHER, "leaseUntil": AT}, "CLAIMED"),
    "held without an end": ({"runId": OTHER}, "CLAIMED"),
    "done by this run": ({"lastRunId": RUN}, "ALREADY_DONE"),
    "done by this run and held by another": ({"lastRunId": RUN, "runId": OTHER, "leaseUntil": LATER}, "ALREADY_DONE"),
    "done by another before the list": ({"lastRunId": OTHER, "lastAttempt": AT}, "CLAIMED"),
    "done by another after the list": ({"lastRunId": OTHER, "lastAttempt": LATER}, "ALREADY_DONE"),
    "ours without a request": ({"runId": RUN, "leaseUntil": LATER}, "CLAIMED"),
    "a lease that cannot be": ({"runId": OTHER, "leaseUntil": "9999-01-01T00:00:00Z"}, "CLAIMED"),
    "done before the list beside what cannot be": (
        {"lastRunId": OTHER, "lastAttempt": AT, "leaseUntil": "9999-01-01T00:00:00Z", "runId": OTHER},
        "CLAIMED",
    ),
    "an attempt that cannot be": ({"lastAttempt": "9999-01-01T00:00:00Z"}, "CLAIMED"),
    "a request that cannot be": ({"runId": RUN, "leaseUntil": LATER, "pending": "x"}, "CLAIMED"),
}


@pytest.mark.parametrize("case", CLAIMS)
def test_a_host_is_claimed_by_one_run_at_a_time_and_once(world: World, inventory: Inventory, case: str) -> None:
    attributes, outcome = CLAIMS[case]
    put(world, {**USERS, **attributes})
    before = world.item()
    assert inventory.claim(LEASE, NOW, HOUR, NOW).outcome == outcome
    after = {**before, **FLIGHT, "pending": {"requestId": REQUEST}}
    assert world.item() == (after if outcome == "CLAIMED" else before)


def test_without_a_list_a_host_is_claimed_whenever_another_run_has_finished_it(
    world: World, inventory: Inventory
) -> None:
    put(world, {**USERS, "lastRunId": OTHER, "lastAttempt": LATER})
    assert inventory.claim(LEASE, NOW, HOUR).outcome == "CLAIMED"


def test_nobody_claims_or_holds_a_host_that_is_not_there(world: World, inventory: Inventory) -> None:
    for call in (lambda: inventory.claim(LEASE, NOW, HOUR), lambda: inventory.held(HOST, RUN)):
        with pytest.raises(HostNotInInventory, match=f"the inventory has no item {HOST}") as missing:
            call()
        assert missing.value.code == "HOST_NOT_IN_INVENTORY"
    assert world.item() == {}


@pytest.mark.parametrize("change", [{"runId": OTHER}, {"status": "RETIRED"}, {"pending": "x"}])
def test_who_does_not_hold_a_host_is_told_so(world: World, inventory: Inventory, change: dict[str, Any]) -> None:
    put(world, MINE)
    assert inventory.held(HOST, RUN).host_id == HOST
    put(world, {**MINE, **change})
    with pytest.raises(LeaseLost, match=f"run {RUN} no longer holds the renewal of {HOST}") as lost:
        inventory.held(HOST, RUN)
    assert lost.value.code == "LEASE_LOST"


def test_of_two_csr_commands_the_first_stays(world: World, inventory: Inventory) -> None:
    put(world, MINE)
    assert inventory.store_csr_command(LEASE, "first", "RSA_2048") == "first"
    assert inventory.store_csr_command(LEASE, "second", "EC_prime256v1") == "first"
    assert world.item() == mine(csrCommandId="first", keyAlgorithm="RSA_2048")


def test_a_csr_command_that_cannot_be_ours_is_no_answer(world: World, inventory: Inventory) -> None:
    put(world, mine(csrCommandId=7))
    with pytest.raises(LeaseLost):
        inventory.store_csr_command(LEASE, "second", "RSA_2048")


def test_each_step_adds_what_it_is_for_and_nothing_else(world: World, inventory: Inventory) -> None:
    put(world, MINE)
    stored = inventory.store_request(LEASE, "f" * 64, "token")
    assert stored.pending is not None
    assert stored.pending.task_token == "token"
    inventory.store_certificate_arn(LEASE, "arn:new")
    asked = {"publicKeySha256": "f" * 64, "taskToken": "token", "certificateArn": "arn:new"}
    assert world.item() == mine(**asked)
    assert inventory.claim_install(LEASE, ISSUED, NOW, timedelta(seconds=90))[0]
    known = {
        **asked, "serial": "0b", "expiry": "2026-11-30T13:15:00Z", "renewalDate": "2026-11-28T13:15:00Z",
        "used": "print",
    }  # fmt: skip
    assert world.item() == mine(**known, installClaimUntil="2026-11-23T13:16:30Z")
    inventory.release_install(LEASE)
    assert world.item() == mine(**known)
    inventory.store_install_command(LEASE, "install-1")
    inventory.release_install(LEASE)
    assert world.item() == mine(**known, installCommandId="install-1")
    assert [inventory.install_again(LEASE, NOW + 2 * HOUR) for _ in range(2)] == [1, 2]
    assert world.item() == {**mine(**known, installsAgain=2), "leaseUntil": "2026-11-23T15:15:00Z"}


def test_a_certificate_of_an_earlier_run_is_taken_up_and_given_up_whole(world: World, inventory: Inventory) -> None:
    put(world, MINE)
    inventory.install_issued(LEASE, IssuedBefore("0" * 32, "f" * 64, "arn:before"))
    assert world.item() == mine(keyOf="0" * 32, publicKeySha256="f" * 64, certificateArn="arn:before")
    whole = mine(
        taskToken="token", csrCommandId="csr", keyOf="0" * 32, publicKeySha256="f" * 64, certificateArn="arn:before",
        serial="0b", expiry=AT, renewalDate=AT, installCommandId="i", installClaimUntil=AT, installsAgain=1, used="u",
    )  # fmt: skip
    put(world, whole)
    inventory.begin_afresh(LEASE)
    assert world.item() == mine(taskToken="token", csrCommandId="csr")


WRITES: dict[str, Callable[[Inventory], Any]] = {
    "install_again": lambda inventory: inventory.install_again(LEASE, NOW),
    "install_issued": lambda inventory: inventory.install_issued(LEASE, IssuedBefore("0" * 32, "f" * 64, "arn")),
    "begin_afresh": lambda inventory: inventory.begin_afresh(LEASE),
}


@pytest.mark.parametrize("write", WRITES)
def test_no_way_back_is_open_to_who_has_lost_the_host(world: World, inventory: Inventory, write: str) -> None:
    put(world, {**MINE, "runId": OTHER})
    with pytest.raises(LeaseLost):
        WRITES[write](inventory)
    world.dynamodb.fail("update_item", client_error("ThrottlingException", "UpdateItem"))
    with pytest.raises(Throttled):
        WRITES[write](inventory)


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({}, {}),
        ({"serial": "0a"}, {"status": "DEPLOYED"}),
        ({"serial": "0a", "lastError": ERROR}, {"status": "FAILED"}),
    ],
)
def test_a_claim_from_which_nothing_came_is_given_back_as_the_host_was(
    world: World, inventory: Inventory, attributes: dict[str, Any], status: dict[str, Any]
) -> None:
    put(world, {**MINE, **attributes})
    inventory.let_go(LEASE)
    assert world.item() == {**USERS, **attributes, **status}


@pytest.mark.parametrize(
    "item", [mine(csrCommandId="csr"), {**MINE, "runId": OTHER}, {**MINE, "status": "RETIRED"}, {}]
)
def test_a_claim_from_which_something_came_or_that_is_none_stays(
    world: World, inventory: Inventory, item: dict[str, Any]
) -> None:
    if item:
        put(world, item)
    inventory.let_go(LEASE)
    assert world.item() == item


OLD = {"serial": "0a", "expiry": AT, "lastError": ERROR, "failureCount": 3, "notices": {"HELPER_GONE": ""}}


def deployed(**more: Any) -> dict[str, Any]:
    return {
        **USERS, "status": "DEPLOYED", "serial": "0b", "expiry": "2026-11-30T13:15:00Z",
        "renewalDate": "2026-11-28T13:15:00Z", "certificateArn": "arn:new", "validated": False, "lastRunId": RUN,
        "lastAttempt": AT, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("installed", "left"),
    [
        ({}, {}),
        ({"validated": True}, {"validated": True, "provenAt": AT}),
        ({"notices": {"HOOKS_SKIPPED": "a"}}, {"notices": {"HOOKS_SKIPPED": "a"}}),
        ({"previous_serial": "0a"}, {"previousSerial": "0a"}),
        (
            {"revocation_reason": "SUPERSEDED"},
            {"revocationReason": "SUPERSEDED", "revocationOrder": "SUPERSEDED"},
        ),
    ],
)
def test_the_end_of_a_renewal_is_recorded_in_one_write(
    world: World, inventory: Inventory, installed: dict[str, Any], left: dict[str, Any]
) -> None:
    put(world, {**MINE, **OLD})
    known: dict[str, Any] = {"validated": False, "previous_serial": None, **installed}
    ended = InstalledCertificate("arn:new", "0b", "2026-11-30T13:15:00Z", "2026-11-28T13:15:00Z", **known)
    assert inventory.record_deployed(LEASE, ended, NOW).status == "DEPLOYED"
    assert world.item() == deployed(**left)
    assert inventory.record_deployed(LEASE, ended, NOW + HOUR).serial == "0b", "the answer of the first was lost"
    assert world.item() == deployed(**left)
    put(world, {**world.item(), "lastRunId": OTHER})
    with pytest.raises(LeaseLost):
        inventory.record_deployed(LEASE, ended, NOW)
    put(world, {**world.item(), "lastRunId": RUN, "status": "FAILED"})
    with pytest.raises(LeaseLost):
        inventory.record_deployed(LEASE, ended, NOW)


FAILED = {"status": "FAILED", "lastError": ERROR, "lastAttempt": AT, "lastRunId": RUN}
FAILURES: dict[str, tuple[dict[str, Any], int]] = {
    "ours": (MINE, 1),
    "ours for the third time": ({**MINE, "failureCount": 2}, 3),
    "ours with a count that cannot be": ({**MINE, "failureCount": "x"}, 1),
    "ours with the largest count": ({**MINE, "failureCount": 1_000_000}, 1_000_000),
    "ours with the last count but one": ({**MINE, "failureCount": 999_999}, 1_000_000),
    "nobody's": (USERS, 1),
    "another's until now": ({**USERS, "runId": OTHER, "leaseUntil": AT}, 1),
    "another's": ({**USERS, "runId": OTHER, "leaseUntil": LATER}, 0),
    "another's with a lease that cannot be": ({**USERS, "runId": OTHER, "leaseUntil": "9999-01-01T00:00:00Z"}, 1),
    "retired": ({**USERS, "status": "RETIRED"}, 0),
    "recorded by this run": ({**MINE, "lastRunId": RUN}, 0),
    "attempted before the list": ({**USERS, "lastAttempt": AT}, 1),
    "attempted after the list": ({**USERS, "lastAttempt": LATER}, 0),
    "attempted after the list and ours": ({**MINE, "lastAttempt": LATER}, 1),
    "attempted after the list with a count that cannot be": ({**USERS, "lastAttempt": LATER, "failureCount": "x"}, 0),
    "attempted at the list with a count that cannot be": ({**USERS, "lastAttempt": AT, "failureCount": "x"}, 1),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_is_recorded_and_counted_where_no_other_end_stands(
    world: World, inventory: Inventory, case: str
) -> None:
    item, count = FAILURES[case]
    put(world, item)
    written, found = inventory.record_failed(HOST, RUN, ERROR, NOW, NOW)
    assert written is (count > 0)
    if count == 0:
        assert found is None
        assert world.item() == item
        return
    kept = {name: value for name, value in item.items() if name not in ("runId", "leaseUntil", "pending")}
    assert world.item() == {**kept, **FAILED, "failureCount": count}
    assert found is not None
    assert found.failure_count == count
    again, known = inventory.record_failed(HOST, RUN, ERROR, NOW + HOUR, NOW)
    assert (again, known) == (False, found)


def test_without_a_list_a_failure_is_recorded_whoever_attempted_last(world: World, inventory: Inventory) -> None:
    put(world, {**USERS, "lastAttempt": LATER})
    assert inventory.record_failed(HOST, RUN, ERROR, NOW)[0]
    assert inventory.record_failed("i-00000001", RUN, ERROR, NOW) == (False, None)


def test_a_retired_host_loses_what_was_in_flight_and_keeps_everything_else(world: World, inventory: Inventory) -> None:
    retired = {**USERS, "status": "RETIRED", "retiredAt": AT}
    in_flight = {"runId": RUN, "leaseUntil": IN_AN_HOUR, "pending": {"requestId": REQUEST}}
    put(world, {**retired, **in_flight})
    assert inventory.record_failed(HOST, RUN, ERROR, NOW) == (False, None)
    assert world.item() == retired
    put(world, {**retired, **in_flight, "runId": OTHER})
    assert inventory.record_failed(HOST, RUN, ERROR, NOW) == (False, None)
    assert world.item() == {**retired, **in_flight, "runId": OTHER}


@pytest.mark.parametrize("revoke", [True, False])
def test_a_host_that_leaves_keeps_what_it_held_and_loses_what_makes_it_due(
    world: World, inventory: Inventory, revoke: bool
) -> None:
    put(world, {**MINE, **OLD, "renewalDate": AT})
    retired = inventory.record_retired(HOST, "KEY_COMPROMISE", NOW, revoke=revoke)
    order = {"revocationOrder": "KEY_COMPROMISE"} if revoke else {}
    left = {**USERS, "serial": "0a", "expiry": AT, "status": "RETIRED", "retiredAt": AT}
    assert world.item() == {**left, "revocationReason": "KEY_COMPROMISE", **order}
    assert retired is not None
    assert retired.revocation_order == order.get("revocationOrder")
    assert inventory.record_retired("i-00000001", "KEY_COMPROMISE", NOW, revoke=revoke) is None


def test_an_order_that_is_written_is_taken_out_and_a_newer_one_stays(world: World, inventory: Inventory) -> None:
    put(world, {**USERS, "revocationOrder": "SUPERSEDED"})
    item = inventory.get(HOST)
    assert item is not None
    put(world, {**USERS, "revocationOrder": "KEY_COMPROMISE"})
    inventory.order_is_written(item)
    assert world.item()["revocationOrder"] == "KEY_COMPROMISE"
    put(world, {**USERS, "revocationOrder": "SUPERSEDED"})
    inventory.order_is_written(item)
    assert world.item() == USERS


def test_an_item_that_is_written_all_the_time_is_tried_five_times_and_then_left() -> None:
    """Each time it was free and was taken before the next write."""
    free: Any = client_error("ConditionalCheckFailedException", "UpdateItem")
    free.response["Item"] = image(hostID=HOST, lastAttempt="9999-01-01T00:00:00Z")
    dynamodb = Scripted(*[free] * 6)
    inventory = Inventory(dynamodb, "inventory", Gate(lambda: NOW))  # type: ignore[arg-type]
    assert inventory.claim(LEASE, NOW, HOUR, NOW).outcome == "ALREADY_DONE"
    assert len(dynamodb.requests) == 5
    first, second = (request for _, request in dynamodb.requests[:2])
    assert first["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    assert first["ReturnValues"] == "ALL_NEW"
    assert second["ConditionExpression"] == (
        "attribute_exists(#hostID) AND attribute_not_exists(#status) AND attribute_not_exists(#runId) AND "
        "attribute_not_exists(#leaseUntil) AND attribute_not_exists(#lastRunId) AND #lastAttempt = :v4 AND "
        "attribute_not_exists(#failureCount) AND attribute_not_exists(#pending)"
    )


def scripted(*answers: Any) -> tuple[Scripted, Any]:
    made = Scripted(*answers)
    return made, made


BUSY = client_error("ThrottlingException")


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("GetItem", lambda busy: Inventory(busy, "inventory").get(HOST)),
        ("UpdateItem", lambda busy: Inventory(busy, "inventory").begin_afresh(LEASE)),
        ("Scan", lambda busy: list(Fleet(busy, "inventory", ()).segment(0, 1))),
        ("BatchGetItem", lambda busy: list(Fleet(busy, "inventory", ()).these([HOST]))),
        ("Scan", lambda busy: issued_before(busy, "ledger", NOW)),
    ],
)
def test_trouble_is_told_of_with_the_operation_that_had_it(operation: str, call: Any) -> None:
    with pytest.raises(Throttled) as trouble:
        call(Scripted(BUSY))
    assert trouble.value.message.startswith(f"{operation}: ThrottlingException")


def test_an_item_is_read_as_it_was_written_last() -> None:
    dynamodb, client = scripted({"Item": image(hostID=HOST)}, {})
    inventory = Inventory(client, "inventory")
    assert inventory.get(HOST) is not None
    assert inventory.get(HOST) is None
    assert dynamodb.requests[0] == (
        "get_item", {"TableName": "inventory", "Key": image(hostID=HOST), "ConsistentRead": True}
    )  # fmt: skip


def test_a_segment_is_read_to_its_end_consistently_and_without_the_retired() -> None:
    last = image(hostID="x")
    dynamodb, client = scripted(
        {"Items": [image(hostID=HOST)], "LastEvaluatedKey": last}, {"Items": [image(hostID="web")]}
    )
    found = list(Fleet(client, "inventory", ("expiry", "status")).segment(2, 5))
    assert [type(entry) for entry in found] == [HostItem, Quarantined]
    assert dynamodb.requests[1] == ("scan", {
        "TableName": "inventory", "ProjectionExpression": "#hostID, #expiry, #status",
        "FilterExpression": "(attribute_not_exists(#status) OR #status <> :v0)", "ConsistentRead": True, "Segment": 2,
        "TotalSegments": 5, "ExclusiveStartKey": last, "ExpressionAttributeValues": {":v0": {"S": "RETIRED"}},
        "ExpressionAttributeNames": {"#hostID": "hostID", "#expiry": "expiry", "#status": "status"},
    })  # fmt: skip


def test_hosts_are_read_by_the_hundred_until_every_key_is_processed() -> None:
    hosts = [f"i-{number:017x}" for number in range(101)]
    left = {"inventory": {"Keys": [image(hostID=hosts[0])]}}
    dynamodb, client = scripted(
        {"Responses": {"inventory": [image(hostID=hosts[1]), image(hostID="web")]}, "UnprocessedKeys": left},
        {"Responses": {"inventory": [image(hostID=hosts[0])]}, "UnprocessedKeys": {}},
        {"Responses": {}},
    )
    assert [item.host_id for item in Fleet(client, "inventory", ("status",)).these(hosts)] == [hosts[1], hosts[0]]
    (_, first), (_, second), (_, third) = dynamodb.requests
    assert first == {"RequestItems": {"inventory": {
        "Keys": [image(hostID=each) for each in hosts[:100]], "ProjectionExpression": "#hostID, #status",
        "ConsistentRead": True, "ExpressionAttributeNames": {"#hostID": "hostID", "#status": "status"},
    }}}  # fmt: skip
    assert second == {"RequestItems": left}
    assert third["RequestItems"]["inventory"]["Keys"] == [image(hostID=hosts[100])]


def test_keys_that_stay_unprocessed_are_asked_for_eight_times() -> None:
    left = {"inventory": {"Keys": [image(hostID=HOST)]}}
    dynamodb, client = scripted(*[{"Responses": {}, "UnprocessedKeys": left}] * 9)
    with pytest.raises(Throttled, match="BatchGetItem left keys unprocessed 8 times") as busy:
        list(Fleet(client, "inventory", ()).entries([HOST]))
    assert busy.value.code == "SERVICE_THROTTLED"
    assert len(dynamodb.requests) == 8


def test_the_ledger_is_asked_page_by_page_for_a_certificate_of_before() -> None:
    last = image(hostID="x")
    dynamodb, client = scripted({"Items": [], "LastEvaluatedKey": last}, {"Items": [image(serial="0a")]})
    assert issued_before(client, "ledger", NOW) is True
    assert issued_before(Scripted({"Items": []}), "ledger", NOW) is False  # type: ignore[arg-type]
    first = {
        "TableName": "ledger", "FilterExpression": "attribute_exists(#serial) AND #requestedAt < :v0",
        "ProjectionExpression": "#serial", "ExpressionAttributeValues": {":v0": {"S": AT}},
        "ExpressionAttributeNames": {"#serial": "serial", "#requestedAt": "requestedAt"},
    }  # fmt: skip
    assert [request for _, request in dynamodb.requests] == [first, {**first, "ExclusiveStartKey": last}]


@pytest.mark.parametrize(
    ("lease", "days", "ends"),
    [(None, None, (timedelta(hours=40), timedelta(days=40 * 366))), (60, 7, (timedelta(minutes=1), timedelta(days=7)))],
)
def test_a_function_judges_with_the_limits_of_its_environment(lease: Any, days: Any, ends: Any) -> None:
    class Settings:
        longest_lease_seconds, validity_days = lease, days

    settings: Any = Settings
    gate, late = Gate.of(settings, lambda: NOW), timedelta(minutes=5)
    for name, longest in zip(("leaseUntil", "expiry"), ends, strict=True):
        for moment, faults in ((NOW + longest + late, 0), (NOW + longest + late + SECOND, 1)):
            assert len(gate.host(image(hostID=HOST, **{name: format_time(moment)})).faults) == faults


def test_what_is_no_host_is_refused_by_what_can_be_shown_of_it() -> None:
    gate = Gate(lambda: NOW)
    with pytest.raises(InvalidInventoryItem) as wrong:
        gate.host(image(hostID="x" * 101))
    assert (wrong.value.code, wrong.value.message) == (
        "HOST_ID_INVALID", f"{'x' * 100}…: not an EC2 instance id (i-…) nor a hybrid node id (mi-…)"
    )  # fmt: skip
    with pytest.raises(InvalidInventoryItem, match=r"the item cannot be read: .* is not supported") as odd:
        gate.host({"hostID": {"S": HOST}, "x": {"Y": "1"}})
    assert odd.value.code == "INVENTORY_ITEM_UNREADABLE"
    entry = gate.admit({"hostID": {"S": "web"}})
    assert isinstance(entry, Quarantined)
    (fault,) = entry.faults
    assert (fault.attribute, fault.code, fault.sentence) == ("hostID", entry.code, entry.sentence)
    assert gate.admit({"hostID": {"N": "7"}}) == gate.admit({}) == gate.admit({"hostID": "web"})


def test_a_name_for_what_cannot_be_typed_never_changes() -> None:
    assert handle_of("web") == "entry-4b5e57f6eb2f"
    assert handle_of(HOST) == HOST


def test_what_was_read_is_kept_as_dynamodb_has_it() -> None:
    stored = {"hostID": {"S": HOST}, "failureCount": {"N": "007"}}
    item = Gate(lambda: NOW).host(stored)
    assert json.loads(json.dumps(item.stored)) == stored
    assert item.witness("failureCount")["failureCount"] == {"N": "007"}
