"""Requests of which nobody knows what came: what is asked of the CA, when, and what follows from its answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pca_runtime.authority.audit_report import AuditedCertificate
from pca_runtime.errors.kinds import CertificateNotReady, ServiceRefused, Throttled
from pca_runtime.revocation import unanswered
from pca_runtime.revocation.unanswered import Unanswered

from tests.runtime.fakes import CA_ARN
from tests.runtime.pki import NOW, Ca, make_csr
from tests.runtime.revocation.ledger import HOST, MemoryLedger, entry
from tests.runtime.stub import Said

_OTHER = "i-0123456789abcdef1"
_ARN = f"{CA_ARN}/certificate/0a"
_PEM = Ca().issue(make_csr(HOST))
_LATER = NOW + timedelta(hours=1)


class Certificates:
    """Of the CA: by ARN, text or what goes wrong."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def certificate(self, certificate_arn: str) -> str | None:
        self.asked.append(certificate_arn)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]


class Reports:
    """One report, in a state, with lines."""

    def __init__(self, state: str = "SUCCESS", *lines: AuditedCertificate, error: Exception | None = None) -> None:
        self._state, self._lines, self._error = state, lines, error
        self.calls: list[tuple[str, ...]] = []

    def ask(self) -> str:
        self.calls.append(("ask",))
        if self._error is not None:
            raise self._error
        return "report-2"

    def state(self, report_id: str) -> tuple[str, str]:
        self.calls.append(("state", report_id))
        return self._state, "report.csv"

    def certificates(self, key: str) -> Iterator[AuditedCertificate]:
        self.calls.append(("read", key))
        yield from self._lines


def _settled(
    ledger: MemoryLedger,
    certificates: Certificates,
    reports: Reports | None,
    *moments: datetime,
    said: Said | None = None,
) -> int:
    left = list(moments)
    found = Unanswered(
        ledger,  # type: ignore[arg-type]
        certificates,  # type: ignore[arg-type]
        reports,  # type: ignore[arg-type]
        lambda: left.pop(0) if left else NOW,
        said or Said(),
    )
    return found.settle(_LATER)


@pytest.mark.parametrize(
    ("answer", "known", "done", "said"),
    [
        (_PEM, 1, [("notice", HOST, _ARN)], []),
        (None, 1, [("not issued", "request-None--60")], []),
        (CertificateNotReady("not yet"), 0, [], []),
        ("unreadable", 0, [], [("not readable", {"host_id": HOST, "certificate_arn": _ARN})]),
        (
            Throttled("slow", code="SERVICE_THROTTLED"),
            0,
            [],
            [("not fetched", {"host_id": HOST, "code": "SERVICE_THROTTLED", "reason": "slow"})],
        ),
    ],
)
def test_a_certificate_whose_arn_is_known_is_fetched(
    answer: Any, known: int, done: list[Any], said: list[tuple[str, dict[str, str]]]
) -> None:
    ledger, certificates, log = MemoryLedger(entry(None, certificate_arn=_ARN)), Certificates(answer), Said()
    ledger.noticed = entry("0a")
    assert _settled(ledger, certificates, None, said=log) == known
    assert certificates.asked == [_ARN]
    assert ledger.done == [("waiting", "ARN"), *done]
    assert log.lines == [("warning", text, fields) for text, fields in said]


def test_a_certificate_that_the_ledger_takes_for_anothers_is_not_known() -> None:
    ledger = MemoryLedger(entry(None, certificate_arn=_ARN))
    assert _settled(ledger, Certificates(_PEM), None) == 0
    assert ("not issued", "request-None--60") not in ledger.done


@pytest.mark.parametrize(("minutes", "asked"), [(-20, [_ARN]), (-19.99, []), (-21, [_ARN]), (5, [])])
def test_a_request_is_looked_at_when_it_is_surely_over(minutes: float, asked: list[str]) -> None:
    certificates = Certificates(None)
    _settled(MemoryLedger(entry(None, minutes=minutes, certificate_arn=_ARN)), certificates, None)
    assert certificates.asked == asked


def test_when_the_time_is_over_no_more_are_looked_at() -> None:
    certificates = Certificates(None)
    ledger = MemoryLedger(*(entry(None, minutes=-60 - each, certificate_arn=f"{_ARN}{each}") for each in range(3)))
    assert _settled(ledger, certificates, None, NOW, NOW, _LATER) == 1
    assert certificates.asked == [f"{_ARN}0"]


def test_without_an_arn_a_report_is_asked_for_once() -> None:
    ledger, reports = MemoryLedger(entry(None)), Reports()
    assert _settled(ledger, Certificates(), reports) == 0
    assert (reports.calls, ledger.done[1:]) == ([("ask",)], [("report", "report-2")])


def test_where_nothing_waits_no_report_is_asked_for() -> None:
    reports = Reports()
    assert _settled(MemoryLedger(entry(None, minutes=0)), Certificates(), reports) == 0
    assert reports.calls == []


def test_a_ca_that_gives_no_report_is_told_and_what_else_is_known_counts() -> None:
    ledger, log = MemoryLedger(entry(None), entry(None, minutes=-90), entry(None, certificate_arn=_ARN)), Said()
    error = ServiceRefused("disabled", code="SERVICE_REFUSED")
    assert _settled(ledger, Certificates(None), Reports(error=error), said=log) == 1
    fields = {"waiting": 2, "code": "SERVICE_REFUSED", "reason": "disabled"}
    assert log.lines == [("warning", "no audit report", fields)]


def _asked(ledger: MemoryLedger, hours: float = 0.5) -> MemoryLedger:
    ledger.asked_at = ("report-1", NOW - timedelta(hours=hours))
    return ledger


@pytest.mark.parametrize(
    ("state", "hours", "calls", "done"),
    [
        ("CREATING", 0.5, [("state", "report-1")], []),
        ("CREATING", 5.99, [("state", "report-1")], []),
        ("CREATING", 6, [("state", "report-1")], [("report", None)]),
        ("FAILED", 0.5, [("state", "report-1")], [("report", None)]),
    ],
)
def test_a_report_is_waited_for_but_not_for_ever(state: str, hours: float, calls: list[Any], done: list[Any]) -> None:
    ledger, reports = _asked(MemoryLedger(entry(None)), hours), Reports(state)
    assert _settled(ledger, Certificates(), reports) == 0
    assert (reports.calls, ledger.done[1:]) == (calls, done)


def _line(host: str = HOST, *, minutes: float | None = -60) -> AuditedCertificate:
    issued_at = None if minutes is None else NOW + timedelta(minutes=minutes)
    return AuditedCertificate(_ARN, frozenset({host}), issued_at)


@pytest.mark.parametrize(
    ("line", "fetched"),
    [
        (_line(), True),
        (_line(minutes=None), True),
        (_line(minutes=-65), True),
        (_line(minutes=-65.02), False),
        (_line(_OTHER), False),
    ],
)
def test_what_may_be_the_certificate_of_a_request_is_fetched(line: AuditedCertificate, fetched: bool) -> None:
    ledger, certificates = _asked(MemoryLedger(entry(None))), Certificates(_PEM)
    ledger.noticed = entry("0a")
    reports = Reports("SUCCESS", line)
    assert _settled(ledger, certificates, reports) == int(fetched)
    assert certificates.asked == ([_ARN] if fetched else [])
    assert reports.calls[-1] == ("read", "report.csv")
    assert ledger.done[-1] == ("report", None)


@pytest.mark.parametrize(
    ("answer", "over"),
    [(_PEM, True), (None, False), ("unreadable", False), (Throttled("slow"), False), (CertificateNotReady("x"), False)],
)
def test_nothing_follows_for_a_host_whose_certificate_could_not_be_read(answer: Any, over: bool) -> None:
    ledger = _asked(MemoryLedger(entry(None), entry(None, _OTHER, minutes=-70)))
    _settled(ledger, Certificates(answer), Reports("SUCCESS", _line()))
    written = [each for each in ledger.done if each[0] == "not issued"]
    others = [("not issued", "request-None--70")]
    assert written == ([("not issued", "request-None--60"), *others] if over else others)
    assert (("report", None) in ledger.done) is over


@pytest.mark.parametrize(("minutes", "never"), [(-35.02, True), (-35, False), (-34, False)])
def test_what_the_report_could_have_seen_and_has_not_was_never_issued(minutes: float, never: bool) -> None:
    ledger = _asked(MemoryLedger(entry(None, minutes=minutes)))
    assert _settled(ledger, Certificates(), Reports("SUCCESS")) == 0
    assert (("not issued", f"request-None-{minutes:g}") in ledger.done) is never
    assert ledger.done[-1] == ("report", None)


@pytest.mark.parametrize(("moments", "read"), [(4, "the lines"), (5, "the requests")])
def test_who_has_no_more_time_reads_the_report_again(moments: int, read: str) -> None:
    ledger, log = _asked(MemoryLedger(entry(None))), Said()
    ledger.noticed = entry("0a")
    times = [NOW] * (moments - 1) + [_LATER]
    known = _settled(ledger, Certificates(_PEM), Reports("SUCCESS", _line()), *times, said=log)
    assert ("report", None) not in ledger.done
    if read == "the lines":
        assert known == 0
        assert log.lines == [("warning", "the audit report is not read to its end", {"report": "report.csv"})]
    else:
        assert (known, log.lines) == (1, [])
    assert [each for each in ledger.done if each[0] == "not issued"] == []


def test_of_many_requests_as_many_are_looked_for_as_one_report_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unanswered, "_OF_A_REPORT", 2)
    ledger = _asked(MemoryLedger(*(entry(None, minutes=-60 - each) for each in range(4))))
    _settled(ledger, Certificates(), Reports("SUCCESS"))
    assert [each[1] for each in ledger.done if each[0] == "not issued"] == ["request-None--60", "request-None--61"]
