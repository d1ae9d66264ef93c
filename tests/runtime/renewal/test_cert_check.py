"""CertCheck: nobody is forgotten, whatever the size of the fleet or the state of the table."""

from __future__ import annotations

import json
from array import array
from datetime import datetime, timedelta
from typing import Any

import pytest
from handlers import cert_check
from pca_runtime.errors.kinds import AccessRefused, InvalidInput, Throttled
from pca_runtime.renewal.selection import Selection
from pca_runtime.shared.timestamps import format_time

from tests.runtime.conftest import World
from tests.runtime.fakes import client_error
from tests.runtime.pki import NOW, Ca
from tests.runtime.renewal.steps import LIVE, RUN


def check(world: World, run_input: Any = None, run: str = RUN) -> dict[str, Any]:
    return world.invoke("cert_check", {"input": {} if run_input is None else run_input, "runId": run})


def due(world: World, run: str = RUN) -> list[str]:
    return [line["hostID"] for line in world.lines(f"runs/{run}/hosts.jsonl")]


def rejected(world: World, run: str = RUN) -> dict[str, str]:
    return {line["hostID"]: line["code"] for line in world.lines(f"runs/{run}/rejected.jsonl")}


def host_id(number: int) -> str:
    return f"i-{number:017x}"


def live(left: timedelta, renewal: timedelta, **more: Any) -> dict[str, Any]:
    """A host whose certificate has this much time left, and its renewal date this far ahead."""
    dates = {"expiry": format_time(NOW + left), "renewalDate": format_time(NOW + renewal)}
    return {"status": "DEPLOYED", "serial": "0a", **dates, **more}


DAY = timedelta(days=1)


def test_lists_the_due_hosts_least_time_left_first(world: World) -> None:
    world.put(host_id(1), **live(5 * DAY, 3 * DAY))
    world.put(host_id(2), **live(2 * DAY, timedelta(0)))
    world.put(host_id(3))
    world.put(host_id(4), **live(-DAY, -3 * DAY))
    world.put(host_id(5), **live(DAY, -DAY))
    answer = check(world)
    assert answer == {
        "runId": RUN,
        "bucket": "work",
        "key": f"runs/{RUN}/hosts.jsonl",
        "due": 4,
        "held": 0,
        "postponed": 0,
        "lastStart": "2026-11-23T13:15:00Z",
        "rejected": 0,
        "total": 5,
        "startedAt": "2026-11-23T13:15:00Z",
        "revokeReplaced": False,
        "revocationReason": "SUPERSEDED",
        "byHand": False,
    }
    # Expired, then no certificate (as if it expired now), then by time left.
    start = {"startAt": "2026-11-23T13:15:00Z", "lane": "bulk"}
    assert world.lines(answer["key"]) == [
        {"hostID": host_id(4), "expiry": "2026-11-22T13:15:00Z", **start},
        {"hostID": host_id(3), "expiry": None, **start},
        {"hostID": host_id(5), "expiry": "2026-11-24T13:15:00Z", **start},
        {"hostID": host_id(2), "expiry": "2026-11-25T13:15:00Z", **start},
    ]
    assert rejected(world) == {}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"status": "RETIRED"}, False),
        ({**live(-DAY, -DAY), "status": "RETIRED"}, False),
        (live(2 * DAY, DAY, status="FAILED"), False),
        (live(timedelta(hours=12), DAY, status="FAILED"), True),
        ({"status": "FAILED"}, True),
        (live(2 * DAY, -DAY, runId="r", leaseUntil="2026-11-23T13:15:01Z", status="RENEWING"), False),
        (live(2 * DAY, DAY, runId="r", leaseUntil="2026-11-23T13:15:00Z", status="RENEWING"), True),
        ({"expiry": "2026-11-30", "renewalDate": "2026-11-23"}, True),
        ({"expiry": "2026-11-30", "renewalDate": "2026-11-24"}, False),
        ({"expiry": "2026-11-30T00:00:00Z", "renewalDate": "23/12/2026"}, True),
        ({"expiry": "2026-11-30T00:00:00Z", "renewalDate": "2027-99-99"}, True),
        ({"expiry": "never", "renewalDate": "2027-01-01"}, True),
        ({"expiry": 5, "renewalDate": {"a": "map"}}, True),
        ({"status": 7}, True),
    ],
)
def test_who_is_due(world: World, attributes: dict[str, Any], expected: bool) -> None:
    world.put(host_id(1), **attributes)
    assert check(world)["due"] == expected


def test_a_malformed_id_is_rejected_and_stops_nobody(world: World) -> None:
    world.put("i-bad")
    world.put("x\n\u2028; reboot")
    world.put("y" * 500)
    world.put(host_id(1))
    answer = check(world)
    assert (answer["due"], answer["rejected"], answer["total"]) == (1, 3, 4)
    assert due(world) == [host_id(1)]
    assert set(rejected(world).values()) == {"HOST_ID_INVALID"}
    assert all(len(name) <= 101 and name.isprintable() for name in rejected(world))


def test_reads_past_the_first_megabyte(world: World) -> None:
    """A page of Scan ends at 1 MB; the sample that this project replaces forgot the rest."""
    for number in range(120):
        world.put(host_id(number), note="x" * 30_000)
    assert check(world)["due"] == 120
    assert world.dynamodb.count("scan") > 4
    assert all(
        request["ConsistentRead"] and "ProjectionExpression" in request for request in world.dynamodb.requests("scan")
    )
    assert sorted({request["Segment"] for request in world.dynamodb.requests("scan")}) == [0, 1, 2, 3]


class ManyHosts:
    """A table of any size in pages; moto would take minutes for it."""

    def __init__(self, hosts: int, ledger: Any, page: int = 2_500) -> None:
        self._hosts, self._page, self._ledger = hosts, page, ledger
        self.largest_page = 0

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._ledger, operation)

    def scan(self, **request: Any) -> dict[str, Any]:
        mine = range(request["Segment"], self._hosts, request["TotalSegments"])
        start = int(request.get("ExclusiveStartKey", {"hostID": {"S": "0"}})["hostID"]["S"])
        page = mine[start : start + self._page]
        self.largest_page = max(self.largest_page, len(page))
        items = [
            {
                "hostID": {"S": host_id(number)},
                "status": {"S": "DEPLOYED"},
                "expiry": {"S": format_time(NOW + timedelta(minutes=number))},
                "renewalDate": {"S": "2026-11-23T00:00:00Z"},
            }
            for number in page
        ]
        answer: dict[str, Any] = {"Items": items, "Count": len(items), "ScannedCount": len(items)}
        if start + self._page < len(mine):
            answer["LastEvaluatedKey"] = {"hostID": {"S": str(start + self._page)}}
        return answer


def test_ten_thousand_hosts_are_all_listed_in_order(world: World) -> None:
    world.dynamodb = ManyHosts(10_000, world.dynamodb)
    answer = check(world)
    assert (answer["due"], answer["total"]) == (10_000, 10_000)
    assert due(world) == [host_id(number) for number in range(10_000)]
    assert len(json.dumps(answer)) < 1_000


def test_the_hosts_that_were_asked_for_and_only_those(world: World) -> None:
    world.put(host_id(1), **live(5 * DAY, 3 * DAY))
    world.put(host_id(2), **live(5 * DAY, 3 * DAY))
    world.put(host_id(3))
    wanted = {"hostIDs": [host_id(1), host_id(3), host_id(3)]}
    assert check(world, wanted)["due"] == 1
    assert due(world) == [host_id(3)]
    assert check(world, {**wanted, "force": True}, "run-2")["due"] == 2
    assert due(world, "run-2") == [host_id(3), host_id(1)]
    assert world.dynamodb.count("scan") == 0


def test_ids_that_cannot_be_renewed_are_rejected_by_name(world: World) -> None:
    world.put(host_id(1), status="RETIRED")
    world.put(host_id(2))
    answer = check(world, {"hostIDs": [host_id(1), host_id(2), host_id(3), "i-bad"], "force": True})
    assert (answer["due"], answer["rejected"], answer["total"]) == (1, 3, 4)
    assert rejected(world) == {
        host_id(1): "HOST_RETIRED",
        host_id(3): "HOST_NOT_IN_INVENTORY",
        "i-bad": "HOST_ID_INVALID",
    }


def test_more_than_a_batch_of_ids_and_keys_left_unprocessed(world: World) -> None:
    for number in range(230):
        world.put(host_id(number))
    batch = world.dynamodb.raw.batch_get_item
    sizes = []

    def reluctant(**request: Any) -> dict[str, Any]:
        keys = request["RequestItems"]["inventory"]["Keys"]
        sizes.append(len(keys))
        now, later = keys[:70], keys[70:]
        request["RequestItems"]["inventory"]["Keys"] = now
        answer: dict[str, Any] = batch(**request)
        rest = {"inventory": {**request["RequestItems"]["inventory"], "Keys": later}}
        return {**answer, "UnprocessedKeys": rest if later else {}}

    world.dynamodb.batch_get_item = reluctant
    assert check(world, {"hostIDs": [host_id(number) for number in range(230)]})["due"] == 230
    assert sizes == [100, 30, 100, 30, 30]


def test_keys_that_stay_unprocessed_are_throttling_and_not_an_endless_loop(world: World) -> None:
    world.dynamodb.batch_get_item = lambda **request: {"Responses": {}, "UnprocessedKeys": request["RequestItems"]}
    with pytest.raises(Throttled):
        check(world, {"hostIDs": [host_id(1)]})


@pytest.mark.parametrize(
    "run_input",
    [
        {"reissue": "all"},
        {"reissue": "all", "revokeReplaced": True},
        {"hostIDs": [host_id(number) for number in range(1, 8)], "force": True, "revokeReplaced": True},
    ],
)
def test_after_a_compromise_who_could_be_abused_longest_comes_first(world: World, run_input: dict[str, Any]) -> None:
    """Hosts that would run out before the next run stand before them, least time left first."""
    half_a_day = timedelta(hours=12)
    world.put(host_id(1), **live(3 * DAY, DAY, runId="r", leaseUntil="2026-11-23T14:00:00Z", status="RENEWING"))
    world.put(host_id(2), **live(7 * DAY, 5 * DAY))
    world.put(host_id(3), **live(half_a_day + timedelta(seconds=1), -DAY))
    world.put(host_id(4), **live(half_a_day, -DAY))
    world.put(host_id(5))
    world.put(host_id(6), **live(-DAY, -2 * DAY))
    world.put(host_id(7), status="RETIRED", expiry="2026-11-30T00:00:00Z")
    assert check(world, run_input)["due"] == 6
    assert due(world) == [host_id(number) for number in (6, 5, 4, 2, 1, 3)]


FORCED = {"hostIDs": [host_id(1)], "force": True}
EVERYTHING = {"reissue": "all"}
NO, SUPERSEDED, COMPROMISED = (False, "SUPERSEDED"), (True, "SUPERSEDED"), (True, "KEY_COMPROMISE")


@pytest.mark.parametrize(
    ("run_input", "said", "never", "on_key_compromise", "always"),
    [
        ({}, None, NO, NO, SUPERSEDED),
        ({}, False, NO, NO, SUPERSEDED),
        (FORCED, None, NO, NO, SUPERSEDED),
        (FORCED, False, NO, NO, SUPERSEDED),
        (FORCED, True, COMPROMISED, COMPROMISED, COMPROMISED),
        (EVERYTHING, None, NO, COMPROMISED, SUPERSEDED),
        (EVERYTHING, False, NO, NO, SUPERSEDED),
        (EVERYTHING, True, COMPROMISED, COMPROMISED, COMPROMISED),
    ],
)
def test_policy_and_input_decide_whether_the_run_revokes_and_why(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    run_input: dict[str, Any],
    said: bool | None,
    never: tuple[bool, str],
    on_key_compromise: tuple[bool, str],
    always: tuple[bool, str],
) -> None:
    whole = run_input if said is None else {**run_input, "revokeReplaced": said}
    for policy, expected in {"NEVER": never, "ON_KEY_COMPROMISE": on_key_compromise, "ALWAYS": always}.items():
        monkeypatch.setenv("REVOKE_REPLACED", policy)
        cert_check._settings.cache_clear()
        answer = check(world, whole)
        assert (answer["revokeReplaced"], answer["revocationReason"]) == expected, policy


def test_as_many_hosts_are_asked_for_as_an_execution_can_be_started_with(world: World) -> None:
    most = {"hostIDs": [f"mi-{number:017x}" for number in range(10_000)], "force": True, "revokeReplaced": True}
    answer = check(world, most)
    state = {**most, "check": {"Payload": answer}, "report": {"Payload": "x" * 10_000}}
    assert len(json.dumps(state)) <= 262_144
    too_many = {**most, "hostIDs": [*most["hostIDs"], "i-01234567"]}
    with pytest.raises(InvalidInput, match=r"1 to 10,000 ids"):
        check(world, too_many, "run-2")


@pytest.mark.parametrize(
    ("run_input", "named"),
    [
        ({"hostIds": ["i-01234567"]}, "hostIds"),
        ({"hostIDs": []}, "hostIDs"),
        ({"hostIDs": "i-01234567"}, "hostIDs"),
        ({"hostIDs": [7]}, "hostIDs"),
        ({"force": True}, "force is only allowed with hostIDs"),
        ({"hostIDs": ["i-01234567"], "force": "yes"}, "force"),
        ({"reissue": "some"}, "reissue"),
        ({"reissue": "all", "hostIDs": ["i-01234567"]}, "exclude each other"),
        ({"revokeReplaced": True}, "only allowed with reissue, or with hostIDs and force"),
        ({"hostIDs": ["i-01234567"], "revokeReplaced": True}, "only allowed with reissue"),
        ({"reissue": "all", "revokeReplaced": "no"}, "revokeReplaced"),
        ({"reissue": "all", "dryRun": True}, "dryRun"),
        ([], "input"),
        ("all", "input"),
    ],
)
def test_an_input_that_is_not_understood_starts_nothing_and_is_named(world: World, run_input: Any, named: str) -> None:
    world.put(host_id(1))
    with pytest.raises(InvalidInput, match=named):
        check(world, run_input)
    assert world.s3.calls == []


def test_an_error_in_one_segment_is_an_error_of_the_whole(world: World) -> None:
    world.put(host_id(1))
    world.dynamodb.fail("scan", client_error("AccessDeniedException"))
    with pytest.raises(AccessRefused):
        check(world)
    assert world.s3.calls == []


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What CloudWatch would read out of the log."""
    found: dict[str, Any] = {}
    for line in capsys.readouterr().out.splitlines():
        document = json.loads(line)
        for group in document.get("_aws", {}).get("CloudWatchMetrics", []):
            assert group["Namespace"] == "PcaAutomator"
            assert group["Dimensions"] == [["Automation"]]
            assert document["Automation"] == "fleet"
            for metric in group["Metrics"]:
                (found[metric["Name"]],) = document[metric["Name"]]
    return found


def test_the_fleets_figures_are_metrics(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.put(host_id(1), **live(5 * DAY, 3 * DAY))
    world.put(host_id(2), **live(DAY, -DAY))
    world.put(host_id(3), **live(-400 * DAY, -402 * DAY))
    world.put(host_id(4), status="RETIRED")
    check(world)
    assert metrics(capsys) == {
        "HostsTotal": 3,
        "HostsDue": 2,
        "HostsOverdue": 1,
        "EntriesQuarantined": 0,
        "LeastSecondsLeft": 0,
        "FirstPercentileSecondsLeft": 0,
        "CaSecondsLeft": 3650 * 86_400,
        "TrustAnchorUnfit": 0,
        "CaCertificatesIssued": 0,
    }


@pytest.mark.parametrize(("hosts", "percentile"), [(100, 2), (101, 2), (200, 3), (1_000, 11), (50, 1), (1, 1)])
def test_one_certificate_in_a_hundred_may_have_less_than_the_first_percentile(hosts: int, percentile: int) -> None:
    selection = Selection(left=array("d", reversed(range(1, hosts + 1))))
    assert selection.first_percentile_left == percentile
    assert sum(left < percentile for left in selection.left) <= hosts / 100


def test_the_first_percentile_of_many_threads_is_that_of_the_fleet(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(120):
        world.put(host_id(number), **live(timedelta(hours=number + 1), DAY))
    check(world)
    found = metrics(capsys)
    assert (found["LeastSecondsLeft"], found["FirstPercentileSecondsLeft"]) == (3600, 2 * 3600)


@pytest.mark.parametrize("status", ["DISABLED", "EXPIRED", "FAILED", "PENDING_CERTIFICATE"])
def test_a_ca_that_cannot_issue_has_no_time_left(world: World, capsys: pytest.CaptureFixture[str], status: str) -> None:
    world.pca.status = status
    check(world)
    assert metrics(capsys)["CaSecondsLeft"] == 0


def test_a_ca_that_does_not_answer_keeps_no_host_from_being_renewed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.put(host_id(1))
    world.pca.fail("describe_certificate_authority", client_error("AccessDeniedException"))
    assert check(world)["due"] == 1
    assert "CaSecondsLeft" not in metrics(capsys)


@pytest.mark.parametrize("what", ["disabled", "left behind", "a bundle of another"])
def test_an_anchor_that_does_not_fit_is_measured_by_each_run_over_the_fleet(
    world: World, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    anchor = world.roles_anywhere.anchor
    match what:
        case "disabled":
            anchor["enabled"] = False
        case "left behind":
            anchor["updatedAt"] = NOW - DAY
        case _:
            source = {"x509CertificateData": Ca("Another").pem}
            anchor["source"] = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": source}
    check(world)
    assert metrics(capsys)["TrustAnchorUnfit"] == 1
    check(world, {"hostIDs": [host_id(1)]})
    assert "TrustAnchorUnfit" not in metrics(capsys)


@pytest.mark.parametrize("operation", ["get_trust_anchor", "get_certificate_authority_certificate"])
def test_an_anchor_that_is_not_shown_keeps_no_host_from_being_renewed(
    world: World, capsys: pytest.CaptureFixture[str], operation: str
) -> None:
    world.put(host_id(1))
    source = {"x509CertificateData": world.pca.ca.pem}
    world.roles_anywhere.anchor["source"] = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": source}
    refusing = world.roles_anywhere if operation == "get_trust_anchor" else world.pca
    refusing.fail(operation, client_error("AccessDeniedException"))
    assert check(world)["due"] == 1
    assert "TrustAnchorUnfit" not in metrics(capsys)


def test_the_runway_is_measured_also_when_nothing_is_due(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.put(host_id(1), **live(5 * DAY, 3 * DAY))
    world.put(host_id(2), **live(4 * DAY, 2 * DAY))
    check(world)
    assert metrics(capsys)["LeastSecondsLeft"] == 4 * 86_400


def test_a_run_over_some_hosts_says_nothing_about_the_fleet(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.put(host_id(1), **LIVE)
    check(world, {"hostIDs": [host_id(1)]})
    assert metrics(capsys) == {}


def test_an_empty_fleet_is_no_error(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(world)["due"] == 0
    assert due(world) == []
    found = metrics(capsys)
    assert {name: found[name] for name in ("HostsTotal", "HostsDue", "HostsOverdue")} == dict.fromkeys(
        ("HostsTotal", "HostsDue", "HostsOverdue"), 0
    )
    assert not {"LeastSecondsLeft", "FirstPercentileSecondsLeft"} & found.keys()


def test_remembers_when_it_chose(world: World) -> None:
    check(world)
    stored = world.s3.raw.get_object(Bucket="work", Key=f"runs/{RUN}/hosts.jsonl")["Metadata"]["started-at"]
    assert datetime.fromisoformat(stored) == NOW
