"""CertCheck: when the hosts of a run start, whatever else runs."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from handlers import cert_check
from pca_runtime.errors.kinds import AccessRefused, ConfigurationError, InvalidInput, ServiceRefused, Throttled
from pca_runtime.renewal.pace import EXPRESS_BACKLOG_MAX, Reservation
from pca_runtime.renewal.starts import StartsOfRun
from pca_runtime.shared.timestamps import parse_time

from tests.runtime.conftest import World
from tests.runtime.fakes import client_error
from tests.runtime.pki import NOW

ARN = "arn:aws:states:eu-central-1:111122223333:execution:machine"


def host_id(number: int) -> str:
    return f"i-{number:017x}"


def check(world: World, run: str = "run-1", run_input: Any = None) -> dict[str, Any]:
    world.step_functions.executions.setdefault(run, "RUNNING")
    payload = {"input": run_input or {}, "runId": run, "executionArn": f"{ARN}:{run}"}
    return world.invoke("cert_check", payload)


def enrol(world: World, numbers: range, run: str) -> dict[str, Any]:
    return check(world, run, {"hostIDs": [host_id(number) for number in numbers]})


def put(world: World, numbers: range) -> None:
    for number in numbers:
        world.put(host_id(number))


@pytest.mark.parametrize(
    ("express", "bulk", "hosts", "last"),
    [
        (None, None, 0, None),
        (Reservation(100, 2, 3), None, 3, 104),
        (None, Reservation(100, 2, 5), 5, 108),
        (Reservation(100, 2, 3), Reservation(100, 2, 5), 8, 108),
    ],
)
def test_a_lane_in_which_nothing_starts_counts_nothing(
    express: Reservation | None, bulk: Reservation | None, hosts: int, last: float | None
) -> None:
    of_run = StartsOfRun(express, bulk)
    assert (of_run.hosts, of_run.last, len(list(of_run.slots()))) == (hosts, last, hosts)


def starts(world: World, run: str = "run-1", lane: str | None = None) -> list[datetime]:
    lines = world.lines(f"runs/{run}/hosts.jsonl")
    found = [parse_time(line["startAt"]) for line in lines if lane in (None, line["lane"])]
    return [start for start in found if start is not None]


def told(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    cert_check._settings.cache_clear()


def test_a_run_over_the_fleet_starts_no_more_hosts_in_a_second_than_the_quotas_allow(world: World) -> None:
    put(world, range(60))
    check(world)
    found = starts(world)
    assert found == sorted(found)
    # 0.89 x 10 - 60 / 3600, less the express lane's share: 8.2 a second.
    assert max(Counter(found).values()) <= 9
    assert found[-1] - found[0] == timedelta(seconds=7)
    assert {line["lane"] for line in world.lines("runs/run-1/hosts.jsonl")} == {"bulk"}


def test_runs_share_the_rate_in_the_order_in_which_they_come(world: World) -> None:
    put(world, range(90))
    for number in range(3):
        enrol(world, range(30 * number, 30 * number + 30), f"enrol-{number}")
    counted = Counter(start for number in range(3) for start in starts(world, f"enrol-{number}", "bulk"))
    assert max(counted.values()) <= 9
    assert min(starts(world, "enrol-2", "bulk")) >= max(starts(world, "enrol-0", "bulk"))


def test_one_new_host_starts_at_once_while_the_fleet_is_renewed(world: World) -> None:
    put(world, range(200))
    check(world)
    put(world, range(500, 501))
    enrol(world, range(500, 501), "enrol")
    assert starts(world, "enrol") == [NOW]
    assert starts(world)[-1] > NOW + timedelta(seconds=20)


def test_the_express_lane_holds_thirty_hosts_of_a_fleet_and_the_next_go_behind_but_a_single_one_does_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(monkeypatch, PRODUCTION_SESSIONS="0")
    put(world, range(600))
    check(world)
    put(world, range(1000, 1050))
    enrol(world, range(1000, 1040), "first")
    enrol(world, range(1040, 1049), "second")
    enrol(world, range(1049, 1050), "single")
    assert len(starts(world, "first", "express")) == EXPRESS_BACKLOG_MAX
    assert starts(world, "second", "express") == []
    assert len(starts(world, "single", "express")) == 1
    assert min(starts(world, "second", "bulk")) >= max(starts(world))


def test_both_parts_of_an_enrolment_end_together(world: World) -> None:
    put(world, range(100))
    enrol(world, range(100), "enrol")
    express, bulk = starts(world, "enrol", "express"), starts(world, "enrol", "bulk")
    assert len(express) + len(bulk) == 100
    assert abs(express[-1] - bulk[-1]) <= timedelta(seconds=2)


def test_the_most_urgent_host_of_a_run_has_its_earliest_start_in_either_lane(world: World) -> None:
    put(world, range(100))
    enrol(world, range(100), "enrol")
    found = starts(world, "enrol")
    assert found == sorted(found)


def test_a_host_that_an_open_run_has_yet_to_start_is_left_out(world: World) -> None:
    put(world, range(100))
    check(world)
    answer = check(world, "run-2")
    waiting = [start for start in starts(world) if start > NOW]
    assert (answer["due"], answer["held"]) == (100 - len(waiting), len(waiting))
    world.step_functions.executions["run-1"] = "ABORTED"
    assert check(world, "run-3")["held"] == len([start for start in starts(world, "run-2") if start > NOW])


@pytest.mark.parametrize("run_input", [{"hostIDs": [host_id(99)], "force": True}, {"reissue": "all"}])
def test_who_asks_by_force_is_not_left_out(world: World, run_input: dict[str, Any]) -> None:
    put(world, range(100))
    check(world)
    assert check(world, "run-2", run_input)["held"] == 0


def test_a_list_that_is_not_written_yet_forgets_no_host(world: World) -> None:
    put(world, range(100))
    check(world)
    world.s3.fail("get_object", client_error("AccessDenied", "GetObject", 403))
    assert check(world, "run-2")["due"] == 100


def test_an_aborted_runs_starts_go_to_the_next(world: World) -> None:
    put(world, range(300))
    check(world)
    last = starts(world)[-1]
    world.step_functions.executions["run-1"] = "ABORTED"
    world.later(seconds=2)
    check(world, "run-2")
    assert starts(world, "run-2")[0] == NOW + timedelta(seconds=2)
    assert starts(world, "run-2")[-1] <= last + timedelta(seconds=3)


@pytest.mark.parametrize("status", ["RUNNING", "PENDING_REDRIVE"])
def test_a_run_that_goes_on_keeps_its_starts(world: World, status: str) -> None:
    put(world, range(300))
    check(world)
    world.step_functions.executions["run-1"] = status
    check(world, "run-2", {"reissue": "all"})
    assert starts(world, "run-2")[0] >= starts(world)[-1]


def test_a_run_whose_state_is_not_told_keeps_its_starts(world: World) -> None:
    put(world, range(300))
    check(world)
    world.step_functions.fail("describe_execution", *[client_error("AccessDeniedException", "DescribeExecution")] * 9)
    check(world, "run-2", {"reissue": "all"})
    assert starts(world, "run-2")[0] >= starts(world)[-1]


def test_a_repeated_invocation_reserves_once(world: World) -> None:
    put(world, range(100))
    check(world)
    first = starts(world)
    world.later(seconds=3)
    check(world)
    assert starts(world) == first


def test_hosts_for_which_there_is_no_start_before_the_next_run_wait_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(monkeypatch, NEXT_RUN_SECONDS="10", QUOTAS='{"CreateSession": 5}', PRODUCTION_SESSIONS="0")
    put(world, range(60))
    answer = check(world)
    # 10 s at 0.89 x 5 a second without the express lane's share, and never less than the express lane's line.
    assert (answer["due"], answer["postponed"]) == (41, 19)
    assert len(world.lines("runs/run-1/hosts.jsonl")) == 41


@pytest.mark.parametrize(
    ("operation", "code", "error"),
    [
        ("get_item", "ResourceNotFoundException", ServiceRefused),
        ("get_item", "AccessDeniedException", AccessRefused),
        ("update_item", "AccessDeniedException", AccessRefused),
        ("update_item", "ProvisionedThroughputExceededException", Throttled),
        ("query", "AccessDeniedException", AccessRefused),
    ],
)
def test_without_the_ledger_there_is_no_run(world: World, operation: str, code: str, error: type[Exception]) -> None:
    put(world, range(3))
    world.dynamodb.fail(operation, client_error(code, operation))
    with pytest.raises(error):
        check(world)
    assert world.s3.count("put_object") == 0


def test_what_the_user_says_goes_before_what_was_read_and_that_before_what_is_documented(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world, range(100))
    world.service_quotas.values["rolesanywhere"]["Rate of CreateSession requests"] = 2
    check(world)
    slow = starts(world)[-1] - starts(world)[0]
    told(monkeypatch, QUOTAS='{"CreateSession": 1000}')
    check(world, "run-2", {"reissue": "all"})
    quick = starts(world, "run-2")[-1] - starts(world, "run-2")[0]
    assert slow > timedelta(seconds=55)
    assert quick < timedelta(seconds=6)


def test_what_a_run_over_the_fleet_has_read_holds_for_single_hosts_too(world: World) -> None:
    put(world, range(100))
    world.service_quotas.values["rolesanywhere"]["Rate of CreateSession requests"] = 2
    check(world)
    world.later(hours=1)
    enrol(world, range(100), "enrol")
    assert starts(world, "enrol")[-1] - starts(world, "enrol")[0] > timedelta(seconds=50)
    assert world.cloudwatch.count("get_metric_data") == 2


def test_the_first_run_of_single_hosts_looks_itself(world: World) -> None:
    """A fleet is put in before the schedule has run once."""
    put(world, range(100))
    world.service_quotas.values["rolesanywhere"]["Rate of CreateSession requests"] = 2
    enrol(world, range(100), "enrol")
    enrol(world, range(100, 101), "another")
    assert starts(world, "enrol")[-1] - starts(world, "enrol")[0] > timedelta(seconds=50)
    assert world.cloudwatch.count("get_metric_data") == 2


def test_production_is_what_was_asked_in_the_busiest_minutes_without_a_run(world: World) -> None:
    put(world, range(100))
    moments = [NOW - timedelta(minutes=5 * number) for number in range(1, 5)]
    world.cloudwatch.series = {
        "successes": dict(zip(moments, (600, 2400, 1200, 90), strict=True)),
        "failures": {moments[0]: 300},
        "own": {moments[1]: 2000},
    }
    check(world)
    # 1,200 in five minutes are 4 a second; the minutes in which the run itself proved certificates do not count.
    assert starts(world)[-1] - starts(world)[0] == timedelta(seconds=int(99 / ((8.9 - 4) * 0.925)))


def test_an_account_that_tells_nothing_is_taken_as_documented(world: World) -> None:
    put(world, range(100))
    refused = client_error("AccessDeniedException", "Any")
    world.service_quotas.fail("list_service_quotas", refused, refused)
    world.cloudwatch.fail("get_metric_data", client_error("ValidationError", "GetMetricData"))
    assert check(world)["due"] == 100
    assert starts(world)[-1] - starts(world)[0] == timedelta(seconds=12)


def test_a_deployment_that_is_not_to_look_does_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, READ_ACCOUNT="false")
    put(world, range(3))
    check(world)
    assert (world.service_quotas.calls, world.cloudwatch.calls) == ([], [])


@pytest.mark.parametrize(
    ("variable", "value"),
    [("QUOTAS", '{"CreateSession": 0}'), ("QUOTAS", "10"), ("PRODUCTION_SESSIONS", "-1"), ("QUOTA_SHARE", "1.5")],
)
def test_a_value_that_makes_no_rate_is_refused_by_its_name(
    world: World, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    told(monkeypatch, **{variable: value})
    with pytest.raises(ConfigurationError, match=variable):
        check(world)


def test_a_quota_that_there_is_none_of_is_refused_by_its_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, QUOTAS='{"CreateSesion": 5}')
    put(world, range(1))
    with pytest.raises(InvalidInput, match="CreateSesion"):
        check(world)


def test_without_proof_create_session_bounds_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, VALIDATION_POLICY="NEVER")
    put(world, range(100))
    check(world)
    assert starts(world)[-1] - starts(world)[0] == timedelta(seconds=int(99 / (22 * 0.925)))
