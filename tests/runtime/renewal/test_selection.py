"""Which hosts a run renews and what became of them: every reason, and every bound."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pca_runtime.errors.kinds import PermanentError
from pca_runtime.inventory.gate import Entry, Quarantined
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.ledger import Entry as Certificate
from pca_runtime.renewal import outcomes, selection
from pca_runtime.renewal.budget import allowed, check_budget
from pca_runtime.renewal.failure import read_failure
from pca_runtime.renewal.last_issued import CERTIFICATES_OWN, HOSTS_OWN, usable
from pca_runtime.renewal.outcomes import Reporter
from pca_runtime.renewal.payloads import ReportRequest, RunInput, WorkflowError
from pca_runtime.renewal.selection import Rejected, Selection, Selector
from pca_runtime.renewal.starts import Slot
from pca_runtime.renewal.work_files import WorkFile
from pca_runtime.reporting.host_outcome import HostOutcome

from tests.runtime.pki import NOW

_NEXT_RUN = timedelta(hours=12)
_A, _B, _C, _D = (f"i-0123456789abcdef{each}" for each in "abcd")


def _time(hours: float) -> str:
    return (NOW + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _item(host_id: str = _A, expiry: float | None = None, due: float | None = None, **attributes: Any) -> HostItem:
    """With a certificate until so many hours from now, which is to be renewed so many hours from now."""
    times = {"expiry": expiry, "renewalDate": due}
    written = {name: _time(hours) for name, hours in times.items() if hours is not None}
    return HostItem.of({"hostID": host_id, **written, **attributes}, NOW)


class Fleet:
    """Entries in memory, in two segments."""

    def __init__(self, *entries: Entry) -> None:
        self._entries = entries
        self.asked: list[str] = []

    def segment(self, number: int, of: int) -> Iterator[Entry]:
        return iter(self._entries[number::of])

    def entries(self, host_ids: Iterable[str]) -> Iterator[Entry]:
        self.asked = list(host_ids)
        return iter(each for each in self._entries if each.host_id in self.asked)

    def these(self, host_ids: Iterable[str]) -> list[HostItem]:
        wanted = list(host_ids)
        return [each for each in self._entries if isinstance(each, HostItem) and each.host_id in wanted]


def _select(fleet: Fleet, **wanted: Any) -> Selection:
    return Selector(fleet, 2, _NEXT_RUN).select(RunInput.parse(wanted), NOW)  # type: ignore[arg-type]


def _due(selection: Selection) -> list[str]:
    return [host_id for _, host_id in selection.due]


_BUSY = {"status": "RENEWING", "runId": "other", "leaseUntil": _time(0.5)}


@pytest.mark.parametrize(
    ("item", "due"),
    [
        (_item(), True),
        (_item(expiry=90, due=1), False),
        (_item(expiry=90, due=0), True),
        (_item(expiry=90, due=1 / 3600), False),
        (_item(expiry=12, due=11), True),
        (_item(expiry=12 + 1 / 3600, due=11), False),
        (_item(expiry=90, due=20, status="RENEWING"), True),
        (_item(**_BUSY), False),
        (_item(**{**_BUSY, "leaseUntil": _time(-0.1)}), True),
    ],
)
def test_a_run_over_the_fleet_takes_who_is_due_and_nobody_who_is_being_renewed(item: HostItem, due: bool) -> None:
    assert _due(_select(Fleet(item))) == ([_A] if due else [])
    assert _due(_select(Fleet(item), hostIDs=[_A])) == ([_A] if due else [])
    assert _due(_select(Fleet(item), hostIDs=[_A], force=True)) == [_A]
    assert _due(_select(Fleet(item), reissue="all")) == [_A]


def test_a_fleet_is_counted_and_what_runs_out_first_is_known() -> None:
    dead, short, long = _item(_A, -5, -50), _item(_B, 2, -2), _item(_C, 90, 40)
    fleet = Fleet(dead, short, long, _item(_D), Quarantined("x", "HOST_ID_INVALID", "no host"))
    found = _select(fleet)
    assert (found.total, found.overdue, found.quarantined) == (5, 1, 1)
    assert sorted(found.left) == [0, 2 * 3600, 90 * 3600]
    assert (found.least_left, Selection().least_left) == (0, None)
    assert (found.first_percentile_left, Selection().first_percentile_left) == (0, None)
    assert _due(found) == [_A, _D, _B]
    assert found.rejected == [Rejected("x", "HOST_ID_INVALID", "no host")]
    assert found.leave_out({_A, _C}) == 1
    assert _due(found) == [_D, _B]


@pytest.mark.parametrize(
    ("hours", "left", "overdue"), [(0, 0, 1), (1 / 3600, 1, 0), (-1 / 3600, 0, 1), (2**32 / 3600, 2**32 - 1, 0)]
)
def test_what_is_left_is_never_below_nothing_nor_above_what_is_kept(hours: float, left: int, overdue: int) -> None:
    item = _item(expiry=0, due=-1)
    expiry = NOW + timedelta(seconds=round(hours * 3600))
    found = _select(Fleet(HostItem(**{**vars(item), "expiry": expiry})))
    assert (list(found.left), found.overdue) == ([left], overdue)


@pytest.mark.parametrize(
    ("wanted", "order"),
    [
        ({}, [_A, _B]),
        ({"reissue": "all"}, [_A, _D, _C, _B]),
        ({"hostIDs": [_A, _B, _C, _D], "force": True}, [_A, _B, _C, _D]),
        ({"hostIDs": [_A, _B, _C, _D], "force": True, "revokeReplaced": True}, [_A, _D, _C, _B]),
    ],
)
def test_who_runs_out_first_comes_first_or_after_a_compromise_who_could_be_abused_longest(
    wanted: dict[str, Any], order: list[str]
) -> None:
    fleet = Fleet(_item(_D, 90, 40), _item(_C, 80, 40), _item(_B, 13, -2), _item(_A, 12, -3))
    assert _due(_select(fleet, **wanted)) == order


def test_ids_that_cannot_be_renewed_are_rejected_each_with_its_reason() -> None:
    fleet = Fleet(_item(_A, status="RETIRED"), _item(_B), Quarantined(_C, "ITEM_UNREADABLE", "it is a list"))
    found = _select(fleet, hostIDs=[_B, "web-1", _A, _C, _D, _B])
    assert fleet.asked == [_B, _A, _C, _D]
    assert (_due(found), found.total) == ([_B], 5)
    assert [each.as_line() for each in found.rejected] == [
        {
            "hostID": "web-1", "code": "HOST_ID_INVALID", "host": False,
            "message": "not an EC2 instance id (i-…) nor a hybrid node id (mi-…)",
        },
        {"hostID": _A, "code": "HOST_RETIRED", "message": "the host is retired", "host": False},
        {"hostID": _C, "code": "ITEM_UNREADABLE", "message": "it is a list", "host": False},
        {"hostID": _D, "code": "HOST_NOT_IN_INVENTORY", "message": "the inventory has no such host", "host": False},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "more"),
    [
        (["serial"], ""),
        (["serial", "status", "runId"], ""),
        (["serial", "status", "runId", "lastRunId"], "; and 1 more: pca-automator hosts lint"),
    ],
)
def test_what_is_wrong_with_an_item_is_told_and_the_host_is_renewed(names: list[str], more: str) -> None:
    item = _item(**{name: ["?"] for name in names})
    found = _select(Fleet(item))
    assert _due(found) == [_A]
    (rejected,) = found.rejected
    assert (rejected.host_id, rejected.code, rejected.host) == (_A, item.faults[0].code, True)
    assert rejected.message == "; ".join(fault.sentence for fault in item.faults[:3]) + more
    assert len(item.faults) == len(names)


def test_the_lines_of_a_run_say_when_each_host_starts_in_the_order_of_the_hosts() -> None:
    found = _select(Fleet(_item(_A, 2, -2), _item(_B), _item(_C, 1, -2)))
    slots = [Slot(NOW, "express"), Slot(NOW + timedelta(seconds=2), "bulk")]
    assert list(found.lines(NOW, slots)) == [
        {"hostID": _B, "expiry": None, "startAt": _time(0), "lane": "express"},
        {"hostID": _C, "expiry": _time(1), "startAt": _time(2 / 3600), "lane": "bulk"},
    ]


class Files:
    """The two lists of a run."""

    def __init__(self, listed: list[dict[str, Any]], rejected: list[dict[str, Any]], started: datetime | None) -> None:
        self._files = {"hosts": listed, "runs/run-1/rejected.jsonl": rejected}
        self._started = started

    def read_lines(self, key: str) -> WorkFile:
        return WorkFile(self._started, iter(self._files[key]))


def _outcomes(
    *items: HostItem, started: datetime | None = NOW - timedelta(hours=1), rejected: Any = (), **request: Any
) -> Any:
    listed = [{"hostID": item.host_id, "expiry": _time(5)} for item in items] or [{"hostID": _A, "expiry": _time(5)}]
    asked = ReportRequest.parse({"runId": "run-1", "bucket": "work", "key": "hosts", "executionArn": "arn", **request})
    reporter = Reporter("fleet", Fleet(*items), Files(listed, list(rejected), started))  # type: ignore[arg-type]
    return reporter.report(asked, NOW)


_ERROR = {"phase": "CertCSR", "code": "NO_SPACE", "message": "full", "at": _time(-0.5)}
_LOST = "claimed by this run, and neither renewed nor failed"
_NEVER = "the run never got to this host"


@pytest.mark.parametrize(
    ("attributes", "outcome"),
    [
        ({"status": "RETIRED", "lastRunId": "run-1"}, HostOutcome(_A, "skipped", NOW + timedelta(hours=5))),
        (
            {"lastRunId": "run-1", "lastError": _ERROR},
            HostOutcome(_A, "failed", NOW + timedelta(hours=9), "CertCSR", "NO_SPACE", "full"),
        ),
        ({"runId": "run-1"}, HostOutcome(_A, "lost", NOW + timedelta(hours=9), "", "HOST_LOST", _LOST)),
        (_BUSY, HostOutcome(_A, "skipped", NOW + timedelta(hours=9))),
        ({"lastAttempt": _time(-0.99)}, HostOutcome(_A, "skipped", NOW + timedelta(hours=9))),
        (
            {"lastAttempt": _time(-1)},
            HostOutcome(_A, "notAttempted", NOW + timedelta(hours=9), "", "HOST_NOT_ATTEMPTED", _NEVER),
        ),
        ({}, HostOutcome(_A, "notAttempted", NOW + timedelta(hours=9), "", "HOST_NOT_ATTEMPTED", _NEVER)),
    ],
)
def test_what_became_of_a_host_is_read_from_its_item(attributes: dict[str, Any], outcome: HostOutcome) -> None:
    report = _outcomes(_item(expiry=9, due=1, **attributes))
    assert dict(report.counts) == {outcome.outcome: 1}
    assert report.trouble == ([] if outcome.outcome == "skipped" else [outcome])
    assert report.due == 1


def test_a_host_that_is_gone_was_skipped_and_without_a_begin_nobody_was_taken_meanwhile() -> None:
    assert dict(_outcomes().counts) == {"skipped": 1}
    assert dict(_outcomes(_item(lastAttempt=_time(-0.5)), started=None).counts) == {"notAttempted": 1}


@pytest.mark.parametrize(("validated", "unproven"), [(True, 0), (False, 1), (None, 1)])
def test_a_renewed_host_is_proven_or_counted_as_not(validated: bool | None, unproven: int) -> None:
    values = {} if validated is None else {"validated": validated}
    report = _outcomes(_item(lastRunId="run-1", status="DEPLOYED", notices={"HOOKS_SKIPPED": "a"}, **values))
    assert (dict(report.counts), report.unproven, report.trouble) == ({"renewed": 1}, unproven, [])


def test_a_report_tells_which_run_it_is_about_and_what_was_rejected() -> None:
    rejected = [
        {"hostID": "x", "code": "HOST_ID_INVALID", "message": "no host", "host": False},
        {"hostID": _B, "code": "INVENTORY_ATTRIBUTE_INVALID", "message": "serial is wrong", "host": True},
    ]
    report = _outcomes(rejected=rejected, mapError={"Error": "States.Timeout", "Cause": "x" * 2_000})
    assert (report.automation, report.run_id, report.now, report.execution_arn) == ("fleet", "run-1", NOW, "arn")
    assert report.details == "s3://work/runs/run-1/report.json"
    assert report.started_at == NOW - timedelta(hours=1)
    assert report.map_error == ("States.Timeout: " + "x" * 2_000)[:1_000]
    assert report.trouble == [
        HostOutcome("x", "rejected", None, "CertCheck", "HOST_ID_INVALID", "no host"),
        HostOutcome(_B, "impaired", None, "CertCheck", "INVENTORY_ATTRIBUTE_INVALID", "serial is wrong"),
    ]
    assert _outcomes().map_error == ""
    assert _outcomes(mapError={"Error": "E"}).map_error == "E"
    assert _outcomes(mapError={"Cause": "C"}).map_error == "C"


@pytest.mark.parametrize(
    ("error", "cause", "code", "message"),
    [
        ("InstallFailed", json.dumps({"errorMessage": "HOOK_FAILED: ended\n"}), "HOOK_FAILED", "ended"),
        ("InstallFailed", " HOOK_FAILED: ended ", "HOOK_FAILED", "ended"),
        ("States.Timeout", "", "States.Timeout", "States.Timeout without a cause"),
        ("", "", "Unknown", "Unknown without a cause"),
        ("E", json.dumps({"errorMessage": 7}), "E", '{"errorMessage": 7}'),
        ("E", json.dumps(["x"]), "E", '["x"]'),
        ("E", "[" * 100_000, "E", "[" * 1_000),
        ("E" * 65, "x" * 1_001, "E" * 64, "x" * 1_000),
    ],
)
def test_the_error_of_a_run_is_the_hosts_code_or_else_its_name(error: str, cause: str, code: str, message: str) -> None:
    found = read_failure("CertDeploy", WorkflowError(error=error, cause=cause))
    assert found.as_last_error(NOW) == {"phase": "CertDeploy", "code": code, "message": message, "at": _time(0)}


def _certificate(hours: float, **more: Any) -> Certificate:
    values: dict[str, Any] = {
        "host_id": _A, "request_id": f"r{hours}", "run_id": "run", "requested_at": NOW + timedelta(hours=hours),
        "public_key_sha256": "k", "fate": "LIVE",
    }  # fmt: skip
    return Certificate(**{**values, **more})


@pytest.mark.parametrize(
    ("entry", "counts"),
    [
        (_certificate(-23.99), True),
        (_certificate(-24), False),
        (_certificate(-1, fate="NOT_ISSUED"), False),
        (_certificate(-1, request_id="r+spare"), False),
        (_certificate(-1, run_id=""), False),
        (_certificate(-1, fate="REVOKED"), True),
    ],
)
def test_what_was_issued_within_a_day_counts_against_the_budget(entry: Certificate, counts: bool) -> None:
    if counts:
        with pytest.raises(PermanentError):
            check_budget(_A, [entry], 1, 0, NOW)
    else:
        check_budget(_A, [entry], 1, 0, NOW)


@pytest.mark.parametrize(
    ("failures", "words"),
    [
        (0, "had 4 certificates within a day, 3 are allowed; the next at 2026-11-24T10:15:00Z, or with a run"),
        (3, "had 4 certificates within a day, 2 are allowed after 3 failures in a row; the next at 2026-11-24T11:15:"),
    ],
)
def test_who_has_used_the_budget_is_told_when_there_is_room(failures: int, words: str) -> None:
    entries = [_certificate(hours) for hours in (-4, -3, -2, -1)]
    with pytest.raises(PermanentError) as refused:
        check_budget(_A, entries, 3, failures, NOW)
    assert str(refused.value).startswith(f"ISSUANCE_BUDGET_EXCEEDED: {_A} {words}")
    assert str(refused.value).endswith(", or with a run that a person forces")
    assert [allowed(10, each) for each in range(5)] == [10, 10, 5, 2, 2]
    check_budget(_A, entries[:2], 3, 0, NOW)


_USABLE = _certificate(
    -1, fate="ISSUED", certificate_arn="arn", not_after=NOW + timedelta(hours=1, seconds=1), asked="{}"
)


@pytest.mark.parametrize(
    ("change", "taken"),
    [
        ({}, True),
        ({"not_after": NOW + timedelta(hours=1)}, False),
        ({"sent_again": 1}, False),
        *(({"sent_again": 9, "install_failed": code}, True) for code in sorted(HOSTS_OWN)),
        *(({"install_failed": code}, False) for code in sorted(CERTIFICATES_OWN)),
        ({"install_failed": "VERIFY_FAILED"}, True),
        ({"install_failed": "VERIFY_FAILED", "sent_again": 1}, False),
    ],
    ids=str,
)
def test_a_certificate_is_sent_again_while_most_of_its_life_is_left_and_the_host_is_at_fault(
    change: dict[str, Any], taken: bool
) -> None:
    entry = Certificate(**{**vars(_USABLE), **change})
    assert (usable([entry], "{}", NOW) is entry) is taken
    assert usable([], "{}", NOW) is None


def test_of_each_item_everything_is_read_that_is_judged_and_nothing_large() -> None:
    assert set(selection.ATTRIBUTES) == {
        "status", "serial", "expiry", "renewalDate", "validated", "runId", "leaseUntil", "lastRunId", "lastAttempt",
        "failureCount",
    }  # fmt: skip
    assert set(outcomes.ATTRIBUTES) == {
        "status", "expiry", "runId", "leaseUntil", "lastRunId", "lastAttempt", "lastError", "validated", "notices",
    }  # fmt: skip
