"""What starts, quotas, files and tasks ask of AWS: every parameter, and every error by the name of its operation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pca_runtime.errors.kinds import InstallFailed, PcaAutomatorError, ServiceRefused, Throttled
from pca_runtime.renewal.account_use import AccountUse
from pca_runtime.renewal.issued import issued_until
from pca_runtime.renewal.open_runs import OpenRuns
from pca_runtime.renewal.start_items import Account, Block, Lane, account_of, brake_of, lane_of, milliseconds, slot_time
from pca_runtime.renewal.start_ledger import StartLedger
from pca_runtime.renewal.task_callbacks import TaskCallbacks
from pca_runtime.renewal.work_files import WorkFiles, hosts_key, rejected_key, report_key
from pca_runtime.shared.expressions import to_value

from tests.runtime.conftest import World
from tests.runtime.fakes import client_error
from tests.runtime.pki import NOW
from tests.runtime.renewal.steps import RUN
from tests.runtime.stub import Stub, says_what_was_throttled, told

T = NOW.timestamp()
_EXECUTION = "arn:aws:states:eu-central-1:111122223333:execution:machine"


def _nobody(_: str, error: PcaAutomatorError) -> None:
    raise error


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_task_that_is_gone_is_no_error(code: str) -> None:
    client = Stub(send_task_success=client_error(code), send_task_failure=client_error(code))
    callbacks = TaskCallbacks(client)
    assert callbacks.installing("token", "command") is False
    assert callbacks.failed("token", InstallFailed("x", code="HOOK_FAILED")) is False


def test_a_task_is_completed_with_what_the_workflow_matches() -> None:
    client = Stub(send_task_success={}, send_task_failure={})
    callbacks = TaskCallbacks(client)
    assert callbacks.installing("token-1", "command-1") is True
    assert callbacks.failed("token-2", InstallFailed("x" * 40_000, code="HOOK_FAILED")) is True
    assert client.calls == [
        (
            "send_task_success",
            {
                "taskToken": "token-1",
                "output": '{"state": "PENDING", "installCommandId": "command-1", "attempt": 0}',
            },
        ),
        (
            "send_task_failure",
            {"taskToken": "token-2", "error": "InstallFailed", "cause": ("HOOK_FAILED: " + "x" * 40_000)[:32_768]},
        ),
    ]


def _ledger(client: Any) -> StartLedger:
    return StartLedger(client, "starts")


def _use(client: Any, unknown: Callable[[str, PcaAutomatorError], None] = _nobody) -> AccountUse:
    return AccountUse(client, client, "fleet", "PcaAutomator", unknown)


def _runs(client: Any, unknown: Callable[[str, PcaAutomatorError], None] = _nobody) -> OpenRuns:
    return OpenRuns(client, _ledger(client), WorkFiles(client, "work"), f"{_EXECUTION}:own", unknown)


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("batch_get_item", lambda client: _ledger(client).traffic("bulk", RUN)),
        ("get_item", lambda client: _ledger(client).lane("bulk")),
        ("query", lambda client: _ledger(client).runs_ahead(NOW)),
        ("update_item", lambda client: _ledger(client).remember(Account(hosts_total=1))),
        ("put_object", lambda client: WorkFiles(client, "work").write_json("k", {})),
        ("put_object", lambda client: WorkFiles(client, "work").write_lines("k", [], NOW)),
        ("get_object", lambda client: WorkFiles(client, "work").read_lines("k")),
        ("send_task_success", lambda client: TaskCallbacks(client).installing("t", "c")),
        ("send_task_failure", lambda client: TaskCallbacks(client).failed("t", InstallFailed("x"))),
        ("get_metric_data", lambda client: issued_until(client, {}, None, None, NOW)),
        ("get_metric_data", lambda client: _use(client).look(NOW, Account(issued=1, issued_until=NOW))),
        ("describe_execution", lambda client: _runs(client).has_ended("other")),
    ],
)
def test_an_error_names_the_operation(method: str, call: Callable[[Any], object]) -> None:
    if method == "get_metric_data":

        def asked(client: Stub) -> object:
            client._answers["list_service_quotas"] = {"Quotas": []}
            try:
                return call(client)
            finally:
                client.calls[:] = client.calls[-1:]

        says_what_was_throttled(method, asked)
    else:
        says_what_was_throttled(method, call)


def test_an_error_of_the_quotas_names_the_operation_and_the_service() -> None:
    unknown: list[tuple[str, str]] = []
    client = Stub(
        list_service_quotas=client_error("ThrottlingException"), get_metric_data=client_error("AccessDeniedException")
    )
    seen = _use(client, told(unknown)).look(NOW, Account(issued=7, issued_until=NOW - timedelta(days=1)))
    assert unknown == [
        ("certificates of the CA", "ACCESS_REFUSED"),
        ("quotas of acm-pca", "SERVICE_THROTTLED"),
        ("quotas of rolesanywhere", "SERVICE_THROTTLED"),
        ("use of CreateSession", "ACCESS_REFUSED"),
    ]
    assert seen == Account(None, {}, None, NOW, 7, NOW - timedelta(days=1))
    with pytest.raises(Throttled, match="ListServiceQuotas: Thr"):
        _use(client).look(NOW, Account(issued=7, issued_until=NOW))


def _metric() -> dict[str, Any]:
    dimensions = [{"Name": "Automation", "Value": "fleet"}]
    return {"Namespace": "PcaAutomator", "MetricName": "CertificatesIssued", "Dimensions": dimensions}


def test_the_account_is_asked_for_quotas_and_for_a_day_of_sessions_page_by_page() -> None:
    first, second = NOW - timedelta(minutes=10), NOW - timedelta(minutes=5)
    client = Stub(
        list_service_quotas=[
            {"Quotas": [{"QuotaName": "Rate of IssueCertificate requests", "Value": 30.0}, {}], "NextToken": "more"},
            {"Quotas": [{"QuotaName": "Rate of GetCertificate requests", "Value": 0}, {"QuotaName": "x", "Value": 5}]},
            {"Quotas": [{"QuotaName": "Rate of CreateSession requests", "Value": 12}]},
        ],
        get_metric_data=[
            {"MetricDataResults": [{"Id": "successes", "Timestamps": [first], "Values": [600.0]}], "NextToken": "2"},
            {
                "MetricDataResults": [
                    {"Id": "successes", "Timestamps": [second], "Values": [300.0]},
                    {"Id": "failures", "Timestamps": [second], "Values": [30.0]},
                    {"Id": "own", "Timestamps": [first, second], "Values": [5.0, 0.0]},
                    {"Id": "something else", "Timestamps": [first], "Values": [5.0]},
                ]
            },
        ],
    )
    seen = _use(client).look(NOW, Account(issued=7, issued_until=NOW))
    assert seen.quotas == {"IssueCertificate": 30.0, "CreateSession": 12.0}
    # The busier five minutes were a run's own.
    assert seen.production == 330 / 300
    listed = [request for name, request in client.calls if name == "list_service_quotas"]
    assert listed == [
        {"ServiceCode": "acm-pca", "MaxResults": 100},
        {"ServiceCode": "acm-pca", "MaxResults": 100, "NextToken": "more"},
        {"ServiceCode": "rolesanywhere", "MaxResults": 100},
    ]
    asked, more = [request for name, request in client.calls if name == "get_metric_data"]
    assert more == {**asked, "NextToken": "2"}
    assert (asked["StartTime"], asked["EndTime"]) == (NOW - timedelta(days=1), NOW)
    assert asked["MetricDataQueries"] == [
        {
            "Id": "successes",
            "Expression": "SUM(SEARCH('{AWS/RolesAnywhere,Operation,TrustAnchorArn} "
            'MetricName="Success" Operation="CreateSession"\', \'Sum\', 300))',
            "ReturnData": True,
        },
        {
            "Id": "failures",
            "Expression": "SUM(SEARCH('{AWS/RolesAnywhere,ErrorType,Operation} "
            'MetricName="Failure" Operation="CreateSession"\', \'Sum\', 300))',
            "ReturnData": True,
        },
        {"Id": "own", "MetricStat": {"Metric": _metric(), "Period": 300, "Stat": "Sum"}, "ReturnData": True},
    ]


@pytest.mark.parametrize(
    ("asked", "own", "production"),
    [
        ({}, {}, None),
        ({0: 300.0}, {}, 1.0),
        ({0: 300.0, 5: 900.0}, {5: 1.0}, 1.0),
        ({0: 300.0, 5: 900.0}, {0: 10.0, 5: 300.0}, 2.0),
        ({0: 300.0}, {0: 400.0}, 0.0),
    ],
)
def test_production_is_what_was_asked_for_less_our_own(
    asked: dict[int, float], own: dict[int, float], production: float | None
) -> None:
    def series(name: str, values: dict[int, float]) -> dict[str, Any]:
        moments = [NOW - timedelta(minutes=each) for each in values]
        return {"Id": name, "Timestamps": moments, "Values": list(values.values())}

    results = [series("successes", asked), series("failures", {}), series("own", own)]
    client = Stub(list_service_quotas={}, get_metric_data={"MetricDataResults": results})
    assert _use(client).look(NOW, Account(issued=0, issued_until=NOW)).production == production


def test_certificates_are_counted_by_whole_hours_behind_what_is_counted() -> None:
    until = NOW - timedelta(hours=5, minutes=15)  # 08:00
    hours = [until + timedelta(hours=each) for each in range(-1, 6)]
    client = Stub(
        get_metric_data=[
            {
                "MetricDataResults": [{"Timestamps": hours, "Values": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]}],
                "NextToken": "2",
            },
            {"MetricDataResults": [{"Timestamps": [until], "Values": [0.4]}]},
        ]
    )
    end = NOW - timedelta(hours=1, minutes=15)  # 12:00, whose hour is not over at 13:15
    assert issued_until(client, _metric(), 1000, until, NOW) == (1000 + 2 + 4 + 8 + 16, end)
    asked = {
        "MetricDataQueries": [
            {
                "Id": "issued",
                "MetricStat": {"Metric": _metric(), "Period": 3600, "Stat": "Sum"},
                "ReturnData": True,
            }
        ],
        "StartTime": until,
        "EndTime": end,
    }
    assert client.calls == [("get_metric_data", asked), ("get_metric_data", {**asked, "NextToken": "2"})]


def test_a_lane_is_read_as_it_is_now() -> None:
    key = {"id": {"S": "express"}, "at": {"N": "0"}}
    item = {
        **key, "until": {"N": "2500"}, "rate": {"N": "4.5"}, "tailRun": {"S": RUN}, "tailFrom": {"N": "1500"},
    }  # fmt: skip
    client = Stub(get_item=[{"Item": item}, {}])
    assert _ledger(client).lane("express") == Lane(2.5, 4.5, Block(RUN, 1.5, 2.5))
    assert _ledger(client).lane("express") == Lane(None, None, None)
    assert client.calls[0] == ("get_item", {"TableName": "starts", "Key": key, "ConsistentRead": True})


def test_what_a_host_is_told_of_its_lane_is_one_consistent_request() -> None:
    def key(name: str) -> dict[str, Any]:
        return {"id": {"S": name}, "at": {"N": "0"}}

    found = [
        {**key("bulk"), "until": {"N": "5000"}},
        {**key("traffic"), "factor": {"N": "0.75"}, "throttledAt": {"N": "7000"}, "loweredAt": {"N": "6000"}},
        key(f"returned {RUN}"),
    ]
    client = Stub(
        batch_get_item=[
            {"Responses": {"starts": found}, "UnprocessedKeys": {}},
            {"Responses": {}},
            {"Responses": {}, "UnprocessedKeys": {"starts": {}}},
        ]
    )
    traffic = _ledger(client).traffic("bulk", RUN)
    assert (traffic.lane.until, traffic.returned) == (5.0, True)
    assert (traffic.brake.factor, traffic.brake.throttled_at, traffic.brake.lowered_at) == (0.75, 7.0, 6.0)
    empty = _ledger(client).traffic("bulk", RUN)
    assert (empty.lane, empty.returned, empty.brake.factor) == (Lane(), False, 1.0)
    keys = [key("bulk"), key("traffic"), key(f"returned {RUN}")]
    assert client.calls[0][1] == {"RequestItems": {"starts": {"Keys": keys, "ConsistentRead": True}}}
    with pytest.raises(Throttled) as raised:
        _ledger(client).traffic("bulk", RUN)
    assert raised.value.code == "SERVICE_THROTTLED"


def test_blocks_that_are_not_over_are_asked_for_page_by_page() -> None:
    def block(run: str, first: int, end: int) -> dict[str, Any]:
        values = {"id": "bulk", "at": end, "run": run, "from": first}
        return {name: to_value(value) for name, value in values.items()}

    last = {"id": {"S": "bulk"}, "at": {"N": "1"}}
    client = Stub(
        query=[
            {"Items": [block("run-1", 0, 9_000)], "LastEvaluatedKey": last},
            {"Items": [block("run-2", 9_000, 12_000), block("run-1", 12_000, 20_000)]},
            {"Items": [block("run-2", 0, 11_000)]},
        ]
    )
    assert _ledger(client).runs_ahead(NOW) == {"run-1": 20.0, "run-2": 12.0}
    asked = {
        "TableName": "starts",
        "KeyConditionExpression": "#id = :v0 AND #at > :v1",
        "ExpressionAttributeNames": {"#id": "id", "#at": "at"},
        "ExpressionAttributeValues": {":v0": {"S": "bulk"}, ":v1": {"N": str(round(T * 1000))}},
        "ConsistentRead": True,
    }
    express = {**asked["ExpressionAttributeValues"], ":v0": {"S": "express"}}  # type: ignore[dict-item]
    assert [request for _, request in client.calls] == [
        asked, {**asked, "ExclusiveStartKey": last}, {**asked, "ExpressionAttributeValues": express},
    ]  # fmt: skip


def test_what_a_reservation_leaves_in_the_table(world: World) -> None:
    ledger = _ledger(world.dynamodb)

    def row(name: str, at: int) -> dict[str, Any]:
        key = {"id": {"S": name}, "at": {"N": str(at)}}
        return dict(world.dynamodb.raw.get_item(TableName="starts", Key=key).get("Item", {}))

    now = round(T * 1000)
    assert ledger.reserve("bulk", "run-1", 10, 4.0, NOW) is not None
    end = now + 2_500
    expires = str(end // 1000 + 15 * 86_400)
    lane = row("bulk", 0)
    assert float(lane.pop("rate")["N"]) == 4
    assert lane == {
        "id": {"S": "bulk"}, "at": {"N": "0"}, "until": {"N": str(end)}, "tailRun": {"S": "run-1"},
        "tailFrom": {"N": str(now)},
    }  # fmt: skip
    assert row("bulk", end) == {
        "id": {"S": "bulk"}, "at": {"N": str(end)}, "run": {"S": "run-1"}, "from": {"N": str(now)},
        "expires": {"N": expires},
    }  # fmt: skip
    assert ledger.requeue("bulk", 0.5, NOW) == end / 1000
    behind = row("bulk", 0)
    assert (behind["until"], behind["tailRun"], behind["tailFrom"]) == (
        {"N": str(end + 500)}, {"S": ""}, {"N": str(end)},
    )  # fmt: skip
    assert float(behind["rate"]["N"]) == 4
    assert ledger.requeue("bulk", 0.0001, NOW) == (end + 500) / 1000
    assert row("bulk", 0)["until"] == {"N": str(end + 501)}


def test_a_run_that_has_ended_is_noted_for_as_long_as_it_may_be_redriven(world: World) -> None:
    ledger = _ledger(world.dynamodb)
    ledger.reserve("bulk", "run-1", 10, 1.0, NOW)
    assert ledger.give_back("bulk", lambda run: run == "run-1", NOW + timedelta(seconds=4)) == ["run-1"]
    key = {"id": {"S": "returned run-1"}, "at": {"N": "0"}}
    noted = world.dynamodb.raw.get_item(TableName="starts", Key=key)["Item"]
    assert noted == {**key, "expires": {"N": str(int(T) + 4 + 15 * 86_400)}}
    lane = ledger.lane("bulk")
    assert (lane.until, lane.tail) == (T + 4, None)
    assert ledger.give_back("bulk", lambda _: True, NOW + timedelta(seconds=4)) == []


@pytest.mark.parametrize(
    ("latest", "taken"), [(10.0, True), (9.999, False), (0.0, False)], ids=["exactly", "a moment before", "at once"]
)
def test_a_start_may_be_as_late_as_was_said_and_no_later(world: World, latest: float, taken: bool) -> None:
    ledger = _ledger(world.dynamodb)
    ledger.reserve("express", "run-1", 10, 1.0, NOW)
    reserved = ledger.reserve("express", "run-2", 1, 1.0, NOW, latest=T + latest)
    assert (reserved is not None) is taken
    assert ledger.lane("express").until == T + (11 if taken else 10)


def test_what_was_seen_of_an_account_is_kept_with_its_units(world: World) -> None:
    ledger = _ledger(world.dynamodb)
    assert ledger.account() == Account()
    seen = Account(12, {"CreateSession": 10.5}, 0.25, NOW, 7, NOW - timedelta(hours=1))
    ledger.remember(seen)
    assert ledger.account() == seen
    ledger.remember(Account(issued=9))  # until when is not known
    ledger.remember(Account())
    assert ledger.account() == seen
    ledger.remember(Account(hosts_total=13))
    assert ledger.account().hosts_total == 13
    key = {"id": {"S": "account"}, "at": {"N": "0"}}
    item = world.dynamodb.raw.get_item(TableName="starts", Key=key)["Item"]
    assert set(item) == {"id", "at", "hostsTotal", "quotas", "measuredAt", "production", "issued", "issuedUntil"}
    assert item["measuredAt"] == {"N": str(round(T * 1000))}


def test_items_without_anything_say_nothing() -> None:
    assert account_of({}) == Account()
    assert account_of({"quotas": None}) == Account()
    assert lane_of({"until": 1000, "tailRun": "", "tailFrom": 0}) == Lane(1.0, None, None)
    assert lane_of({"until": 1000, "tailRun": "run"}) == Lane(1.0, None, None)
    assert lane_of({"rate": 3}) == Lane()
    assert (brake_of({}).factor, brake_of({}).throttled_at, brake_of({}).lowered_at) == (1.0, None, None)
    assert milliseconds(NOW + timedelta(microseconds=1_600)) == round(T * 1000) + 2
    assert slot_time(T + 0.999) == NOW


def test_an_error_while_a_start_is_written_is_no_refusal() -> None:
    client = Stub(get_item={}, query={"Items": []}, update_item=client_error("ResourceNotFoundException"))
    with pytest.raises(ServiceRefused) as raised:
        _ledger(client).reserve("bulk", RUN, 1, 1.0, NOW)
    assert isinstance(raised.value.__cause__, ClientError)
    client = Stub(put_item=client_error("ThrottlingException"), get_item={}, query={"Items": []})
    client._answers["update_item"] = {"Attributes": {"until": to_value(round(T * 1000) + 1000)}}
    with pytest.raises(Throttled, match="PutItem: "):
        _ledger(client).reserve("bulk", RUN, 1, 1.0, NOW)


def test_a_lane_that_changes_again_and_again_is_throttling() -> None:
    changed = client_error("ConditionalCheckFailedException")
    changed.response["Item"] = {"until": to_value(round(T * 1000) + 1000)}  # type: ignore[typeddict-unknown-key]
    client = Stub(update_item=changed, get_item={}, query={"Items": []})
    with pytest.raises(Throttled, match="lane bulk of the start ledger changed 50 times meanwhile") as raised:
        _ledger(client).requeue("bulk", 1, NOW)
    assert raised.value.code == "SERVICE_THROTTLED"
    assert len(client.calls) == 50
    assert {request["ReturnValuesOnConditionCheckFailure"] for _, request in client.calls} == {"ALL_OLD"}
    assert {request["ReturnValues"] for _, request in client.calls} == {"ALL_NEW"}


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("SUCCEEDED", True),
        ("FAILED", True),
        ("TIMED_OUT", True),
        ("ABORTED", True),
        ("RUNNING", False),
        ("PENDING_REDRIVE", False),
    ],
)
def test_a_run_is_looked_at_once_by_its_arn(status: str, ended: bool) -> None:
    client = Stub(describe_execution={"status": status})
    runs = _runs(client)
    assert (runs.has_ended("other"), runs.has_ended("other")) == (ended, ended)
    assert client.calls == [("describe_execution", {"executionArn": f"{_EXECUTION}:other"})]
    assert runs.has_ended("own") is False


def test_a_run_that_nobody_knows_any_more_is_over_and_one_that_is_not_told_goes_on() -> None:
    assert _runs(Stub(describe_execution=client_error("ExecutionDoesNotExist"))).has_ended("other") is True
    unknown: list[tuple[str, str]] = []
    refused = _runs(Stub(describe_execution=client_error("AccessDeniedException")), told(unknown))
    assert (refused.has_ended("other"), unknown) == (False, [("other", "ACCESS_REFUSED")])
    nothing = Stub()
    assert OpenRuns(nothing, _ledger(nothing), WorkFiles(nothing, "work"), "", _nobody).has_ended("other") is False
    assert nothing.calls == []


def _block(run: str) -> dict[str, Any]:
    end = round(T * 1000) + 9_000
    return {name: to_value(value) for name, value in {"id": "bulk", "at": end, "run": run, "from": 0}.items()}


class _Body:
    def __init__(self, *lines: str) -> None:
        self._lines = lines

    def iter_lines(self) -> Any:
        return iter(line.encode() for line in self._lines)


def test_hosts_that_another_run_has_yet_to_start_are_those_with_a_start_to_come() -> None:
    lines = [
        '{"hostID": "later", "startAt": "2026-11-23T13:15:01Z"}',
        "",
        '{"hostID": "now", "startAt": "2026-11-23T13:15:00Z"}',
        '{"hostID": "never"}',
    ]
    client = Stub(
        query=[{"Items": [_block("own"), _block("going"), _block("over")]}, {"Items": []}],
        describe_execution=[{"status": "RUNNING"}, {"status": "SUCCEEDED"}],
        get_object={"Body": _Body(*lines), "Metadata": {}},
    )
    assert _runs(client).hosts_ahead(NOW) == {"later"}
    read = [request for name, request in client.calls if name == "get_object"]
    assert read == [{"Bucket": "work", "Key": "runs/going/hosts.jsonl"}]


def test_a_list_that_is_not_there_holds_nobody_back_and_is_told() -> None:
    unknown: list[tuple[str, str]] = []
    client = Stub(
        query=[{"Items": [_block("going")]}, {"Items": []}],
        describe_execution={"status": "RUNNING"},
        get_object=client_error("AccessDenied"),
    )
    assert _runs(client, told(unknown)).hosts_ahead(NOW) == set()
    assert unknown == [("going", "ACCESS_REFUSED")]


def test_files_of_a_run_have_their_names_types_and_the_time_of_the_choice() -> None:
    assert (hosts_key("r"), rejected_key("r"), report_key("r")) == (
        "runs/r/hosts.jsonl", "runs/r/rejected.jsonl", "runs/r/report.json",
    )  # fmt: skip
    written: list[bytes] = []

    class Keeping(Stub):
        def put_object(self, **request: Any) -> dict[str, Any]:
            body = request.pop("Body")
            written.append(body if isinstance(body, bytes) else body.read())
            self.calls.append(("put_object", request))
            return {}

    body = _Body('{"a":1}', " ", "{}")
    chosen = {"Body": body, "Metadata": {"started-at": "2026-11-23T13:15:00Z"}}
    client = Keeping(get_object=[chosen, {"Body": _Body()}])
    files = WorkFiles(client, "work")
    assert files.write_lines("k", iter([{"a": 1}, {"ü": None}]), NOW) == 2
    files.write_json("j", {"ü": [1]})
    assert written == [b'{"a":1}\n{"\\u00fc":null}\n', '{\n "ü": [\n  1\n ]\n}'.encode()]
    assert [request for _, request in client.calls] == [
        {
            "Bucket": "work", "Key": "k", "ContentType": "application/x-ndjson",
            "Metadata": {"started-at": "2026-11-23T13:15:00Z"},
        },
        {"Bucket": "work", "Key": "j", "ContentType": "application/json"},
    ]  # fmt: skip
    read = files.read_lines("k")
    assert (read.started_at, list(read.lines)) == (NOW, [{"a": 1}, {}])
    assert files.read_lines("k").started_at is None
    assert client.calls[-1] == ("get_object", {"Bucket": "work", "Key": "k"})
