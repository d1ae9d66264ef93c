"""A change that a person made starts one run; what the system writes itself starts none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pca_runtime.errors.kinds import Throttled
from pca_runtime.inventory.item import Overrides
from pca_runtime.membership.enrolment import OVERRIDES

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import client_error
from tests.runtime.membership.rig import Members, enter, image, record
from tests.runtime.renewal.steps import completed, finish, issuance_event, issue

LIVE = {"status": "DEPLOYED", "serial": "0a", "expiry": "2026-11-30T00:00:00Z", "renewalDate": "2026-11-28T00:00:00Z"}
FLIGHT = {"runId": "run-1", "leaseUntil": "2026-11-23T14:00:00Z", "pending": {"requestId": "r"}}


@pytest.fixture
def members(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Members]:
    yield from enter(world, monkeypatch)


def name(number: int) -> str:
    return f"i-{number:017x}"


def enroll(members: Members, *records: dict[str, Any]) -> dict[str, Any]:
    return members.invoke("cert_enroll", {"Records": list(records)})


def item(**attributes: Any) -> dict[str, Any]:
    return {"hostID": HOST, **attributes}


def test_a_burst_of_new_hosts_starts_one_run_for_all_of_them(members: Members) -> None:
    answer = enroll(members, *(record(number, None, {"hostID": name(number)}) for number in range(50)))
    assert answer["enrolled"] == 50
    (run_input,) = members.runs.started.values()
    assert run_input == {"hostIDs": [name(number) for number in range(50)]}


def test_a_batch_that_comes_twice_starts_no_second_run(members: Members) -> None:
    batch = [record(1, None, item()), record(2, None, {"hostID": name(2)})]
    assert enroll(members, *batch)["runs"] == enroll(members, *batch)["runs"]
    assert len(members.runs.started) == 1


def test_the_next_batch_is_another_run_with_another_name(members: Members) -> None:
    enroll(members, record(1, None, item()))
    enroll(members, record(9, None, item()))
    assert len(members.runs.started) == 2


def test_a_failing_start_is_delivered_again_under_the_same_name(members: Members) -> None:
    members.runs.fail("start_execution", client_error("ThrottlingException"))
    with pytest.raises(Throttled):
        enroll(members, record(1, None, item()))
    enroll(members, record(1, None, item()))
    assert list(members.runs.started.values()) == [{"hostIDs": [HOST]}]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(item(), item(status="RENEWING", **FLIGHT), id="first claim"),
        pytest.param(item(**LIVE), item(**{**LIVE, "status": "RENEWING"}, **FLIGHT), id="claim"),
        pytest.param(
            item(status="RENEWING", **FLIGHT),
            item(status="RENEWING", **{**FLIGHT, "pending": {"requestId": "r", "csrCommandId": "c"}}),
            id="step",
        ),
        pytest.param(item(status="RENEWING", **FLIGHT), item(**LIVE), id="deployed"),
        pytest.param(item(status="RENEWING", **FLIGHT), item(**{**LIVE, "status": "FAILED"}), id="failed"),
        pytest.param(item(**LIVE), item(status="RETIRED", retiredAt="2026-11-23T13:15:00Z"), id="retired"),
        pytest.param(item(**LIVE, revocationOrder="SUPERSEDED"), item(**LIVE), id="revoked"),
        pytest.param(item(), item(keyMode="0440"), id="override before the first claim: its run is on its way"),
        pytest.param(item(**LIVE, note="a"), item(**LIVE, note="b"), id="an attribute of the user's own"),
        pytest.param(item(status="RENEWING", **FLIGHT), item(status="RENEWING", keyMode="0440", **FLIGHT), id="flight"),
    ],
)
def test_what_the_system_writes_starts_nothing(members: Members, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert enroll(members, record(1, before, after))["runs"] == []
    assert members.runs.calls == []


@pytest.mark.parametrize("status", ["DEPLOYED", "FAILED"])
@pytest.mark.parametrize("override", [{"certPath": "/a"}, {"dnsNames": ["a.example"]}, {"bundle": True}])
def test_a_changed_override_renews_the_host_although_it_is_not_due(
    members: Members, status: str, override: dict[str, Any]
) -> None:
    live = {**LIVE, "status": status}
    enroll(members, record(1, item(**live), item(**live, **override)))
    enroll(members, record(2, item(**live, **override), item(**live)))
    assert list(members.runs.started.values()) == [{"hostIDs": [HOST], "force": True, "automatic": True}] * 2


def test_an_item_put_again_as_a_whole_is_a_new_host(members: Members) -> None:
    enroll(members, record(1, item(**LIVE), item(keyMode="0440")))
    assert list(members.runs.started.values()) == [{"hostIDs": [HOST]}]


def test_a_retired_host_whose_status_is_removed_comes_back(members: Members) -> None:
    retired = item(status="RETIRED", retiredAt="2026-11-23T13:15:00Z", serial="0a")
    enroll(members, record(1, retired, item(retiredAt="2026-11-23T13:15:00Z", serial="0a")))
    assert list(members.runs.started.values()) == [{"hostIDs": [HOST]}]


def test_a_removed_item_starts_nothing_and_the_last_word_counts(members: Members) -> None:
    answer = enroll(members, record(1, None, item()), record(2, item(), None))
    assert (answer["runs"], answer["removed"]) == ([], 1)
    answer = enroll(members, record(3, item(**LIVE), None), record(4, None, item()))
    assert answer["enrolled"] == 1


def test_an_item_that_is_restored_from_a_backup_is_not_new(members: Members) -> None:
    assert enroll(members, record(1, None, item(**LIVE)))["runs"] == []


def test_a_mistyped_id_starts_nothing(members: Members) -> None:
    assert enroll(members, record(1, None, {"hostID": "web-1"}))["runs"] == []


def test_a_record_that_cannot_be_read_does_not_stop_the_stream(members: Members) -> None:
    broken = [{}, {"eventName": "INSERT", "dynamodb": {"Keys": {}}}, {"dynamodb": None}]
    answer = enroll(members, *broken, record(1, None, item()))  # type: ignore[arg-type]
    assert (answer["unreadable"], answer["enrolled"]) == (3, 1)


def test_more_hosts_than_an_input_holds_become_several_runs(members: Members) -> None:
    enroll(members, *(record(number, None, {"hostID": f"mi-{number:017x}"}) for number in range(10_001)))
    assert sorted(len(run["hostIDs"]) for run in members.runs.started.values()) == [1, 10_000]


def installed_with(**overrides: Any) -> dict[str, Any]:
    """What an item has in flight once a certificate was sent for these overrides."""
    used = Overrides.of(HOST, overrides).fingerprint()
    return {**FLIGHT, "pending": {"requestId": "r", "used": used}}


@pytest.mark.parametrize("status", ["DEPLOYED", "FAILED"])
@pytest.mark.parametrize(
    ("done_with", "then"),
    [
        ({}, {"certificateProfile": "web", "dnsNames": ["a.example"]}),
        ({"keyMode": "0440"}, {}),
        ({"uris": {"spiffe://a/b"}}, {"uris": {"spiffe://a/b", "spiffe://a/c"}}),
        ({}, {"dnsNames": 7}),
    ],
)
def test_what_was_changed_during_a_renewal_is_made_good_when_it_ends(
    members: Members, status: str, done_with: dict[str, Any], then: dict[str, Any]
) -> None:
    flight = item(status="RENEWING", **then, **installed_with(**done_with))
    live = {**LIVE, "status": status}
    answer = enroll(members, record(1, flight, item(**live, **then)))
    assert answer["changed"] == 1
    assert list(members.runs.started.values()) == [{"hostIDs": [HOST], "force": True, "automatic": True}]


@pytest.mark.parametrize(
    ("done_with", "at_the_end"),
    [
        ({}, {}),
        ({"keyMode": "0440"}, {"keyMode": "0440"}),
        ({"dnsNames": ["a.example", "b.example"]}, {"dnsNames": {"b.example", "a.example"}}),
        ({}, {"note": "an attribute of the user's own"}),
    ],
)
def test_a_renewal_with_what_is_still_asked_for_is_the_only_one(
    members: Members, done_with: dict[str, Any], at_the_end: dict[str, Any]
) -> None:
    flight = item(status="RENEWING", **at_the_end, **installed_with(**done_with))
    assert enroll(members, record(1, flight, item(**LIVE, **at_the_end)))["runs"] == []


def change(world: World, name: str, value: str) -> None:
    world.dynamodb.raw.update_item(
        TableName="inventory",
        Key={"hostID": {"S": HOST}},
        UpdateExpression="SET #n = :v",
        ExpressionAttributeNames={"#n": name},
        ExpressionAttributeValues={":v": {"S": value}},
    )


@pytest.mark.parametrize("when", ["before CertDeploy", "after CertDeploy"])
@pytest.mark.parametrize(("name", "value"), [("certificateProfile", "client"), ("certificateProfile", "nobody")])
def test_a_profile_that_is_chosen_while_the_first_certificate_is_made_comes_right_after_it(
    members: Members, name: str, value: str, when: str
) -> None:
    world = members.world
    world.put()
    arn = issue(world)
    if when == "before CertDeploy":
        change(world, name, value)
    world.invoke("cert_deploy", issuance_event(arn))
    if when == "after CertDeploy":
        change(world, name, value)
    before = world.item()
    finish(world, completed(world))
    assert world.item()["status"] == "DEPLOYED"
    assert enroll(members, record(1, before, world.item()))["changed"] == 1


def test_who_was_retired_or_removed_during_a_renewal_is_not_renewed_for_a_change(members: Members) -> None:
    flight = item(status="RENEWING", keyMode="0440", **installed_with(fileOwner="www"))
    retired = item(status="RETIRED", keyMode="0440", retiredAt="2026-11-23T13:15:00Z")
    assert enroll(members, record(1, flight, retired))["runs"] == []
    assert enroll(members, record(2, flight, None))["runs"] == []


def test_the_overrides_are_those_of_the_item_model() -> None:
    assert set(OVERRIDES) == {field.alias for field in Overrides.model_fields.values()}


def test_images_may_have_every_type_that_a_user_can_write(members: Members) -> None:
    odd = record(1, None, item())
    odd["dynamodb"]["NewImage"] |= image(tags={"a", "b"}, map={"x": None}, many=[1, 2]) | {"note": {"B": "AA=="}}
    assert enroll(members, odd)["enrolled"] == 1
