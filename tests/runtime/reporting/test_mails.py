"""The mails as a person reads them, from the first line to the last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pca_runtime.errors.catalogue import CATALOGUE
from pca_runtime.errors.entry import CatalogueEntry
from pca_runtime.errors.remedies import Place
from pca_runtime.inventory.attributes import Limits
from pca_runtime.inventory.gate import Gate
from pca_runtime.reporting import crl_refused, digest, run_report, too_many_departures
from pca_runtime.reporting.host_outcome import HostOutcome
from pca_runtime.reporting.noticed import Noticed
from pca_runtime.reporting.notifications import execution_url, subject_line
from pca_runtime.reporting.run_report import RunReport, span
from pca_runtime.shared.expressions import to_value
from pca_runtime.shared.timestamps import format_time

from tests.runtime.pki import NOW

ENTRIES = (
    CatalogueEntry("FULL", "host", "", "The disk is full.", "Free space (`df -h`), then: `pca-automator run <id>`"),
    CatalogueEntry("WRONG_ID", "host", "", "This is no id.", "`pca-automator hosts remove <id>`"),
    CatalogueEntry("NOTHING_TO_DO", "host", "", "It passes.", ""),
    CatalogueEntry("BESIDE", "host", "", "A hook was not run.", "Look at it: `pca-automator hosts show <id> --live`"),
    CatalogueEntry("Unknown", "service", "", "It said nothing.", "Look at the log."),
    CatalogueEntry("States.Broken", "service", "", "The map broke.", "Look again."),
)
PLACE = Place(stack="Fleet", region="r-1")
ARN = "arn:aws:states:r-1:1:execution:Renewal:run-1"
WHERE = "--stack Fleet --region r-1"


@pytest.fixture(autouse=True)
def entries() -> Iterator[None]:
    """A catalogue of the test's own: what the real one says may change any day."""
    with pytest.MonkeyPatch.context() as patch:
        for entry in ENTRIES:
            patch.setitem(CATALOGUE, entry.code, entry)  # type: ignore[arg-type]
        yield


def host(number: int, outcome: Any, phase: str = "", code: str = "", message: str = "", **left: float) -> HostOutcome:
    expiry = NOW + timedelta(**left) if left else None
    return HostOutcome(f"i-{number:08x}", outcome, expiry, phase, code, message)


HOSTS = (
    host(1, "renewed", days=7),
    HostOutcome("i-00000002", "renewed", NOW + timedelta(days=7), is_proven=False, notices=("BESIDE",)),
    host(3, "failed", "CertCSRStatus", "FULL", "there is\nno space", days=1, hours=3),
    host(4, "failed", "CertCSRStatus", "FULL", hours=-2),
    host(5, "lost", "", "NOTHING_TO_DO", "x: "),
    host(6, "notAttempted", minutes=90),
    host(7, "skipped", days=2),
    HostOutcome("x y", "rejected", None, "CertCheck", "WRONG_ID", "no id"),
    host(8, "impaired", "CertCheck", "ODD", "expiry is null", days=3),
)


def report(*hosts: HostOutcome, **fields: Any) -> RunReport:
    made = RunReport("fleet", "run-1", NOW, "s3://work/runs/run-1/report.json", **{"place": PLACE, **fields})
    for each in hosts:
        made.add(each)
    return made


BAD_RUN = f"""\
Certificate renewal of fleet, run run-1, 2026-11-23T13:15:00Z

       9  hosts in this run
       2  renewed
       2  failed
       1  lost (claimed by this run, and neither renewed nor failed)
       1  not attempted
       1  rejected
       1  impaired (what this system cannot have written counts as absent)
       1  skipped (another run has or had them, or they were retired)
       1  renewed without a proof by IAM Roles Anywhere

The run itself did not finish: States.Broken: no such key
  What happened: The map broke.
  What to do:    Look again.

WHY, AND WHAT TO DO

* 2 hosts: FULL in CertCSRStatus
  What happened: The disk is full.
  What to do:    Free space (
    df -h
                 ), then:
    pca-automator run i-00000004 {WHERE}
  Most urgent:   i-00000004, EXPIRED 2 h 0 min ago; i-00000003, 1 d 3 h left

* 1 host:\N{SPACE}
  What happened: This error has no entry in the catalogue.
  What to do:    Look at the child execution of the host in Step Functions, and at the log of the function.
  Most urgent:   i-00000006, 1 h 30 min left

* 1 host: NOTHING_TO_DO
  What happened: It passes.
  Most urgent:   i-00000005, no certificate

* 1 host: ODD in CertCheck
  What happened: This error has no entry in the catalogue.
  What to do:    Look at the child execution of the host in Step Functions, and at the log of the function.
  Most urgent:   i-00000008, 3 d 0 h left

* 1 host: WRONG_ID in CertCheck
  What happened: This is no id.
  What to do:
    pca-automator hosts remove 'x y' {WHERE}
  Most urgent:   x y, rejected

RENEWED, BUT SOMETHING IS NOT AS IT SHOULD BE

* 1 host: BESIDE
  What happened: A hook was not run.
  Look at it:
  pca-automator hosts show i-00000002 --live {WHERE}
  Hosts:         i-00000002

HOSTS, MOST URGENT FIRST

  i-00000004            EXPIRED 2 h 0 min ago   CertCSRStatus FULL
  i-00000005            no certificate          NOTHING_TO_DO: x
  i-00000006            1 h 30 min left
  i-00000003            1 d 3 h left            CertCSRStatus FULL: there is no space
  x y                   rejected                CertCheck WRONG_ID: no id
  i-00000008            3 d 0 h left            CertCheck ODD: expiry is null

WHEN IT IS REPAIRED

  The most urgent host:
    pca-automator run i-00000004 --force --watch {WHERE}
  All due:
    pca-automator run --watch {WHERE}

  The next run of the schedule takes up who is due by itself. A host that was asked for before its time and
  is not due yet is renewed by a command with its id and --force alone.

DETAILS

  Report:    s3://work/runs/run-1/report.json
  Run:       https://r-1.console.aws.amazon.com/states/home?region=r-1#/v2/executions/details/{ARN}
  Map run:
    aws stepfunctions list-map-runs --execution-arn {ARN} --region r-1
"""


def bad_run() -> RunReport:
    started = NOW - timedelta(minutes=2, seconds=3)
    made = report(*HOSTS, execution_arn=ARN, map_error="States.Broken: no such key", started_at=started)
    made.due = 9
    return made


def test_a_run_that_went_badly_reads_like_this() -> None:
    assert run_report.message_of(bad_run()) == BAD_RUN
    assert run_report.subject_of(bad_run()) == (
        "[fleet] certificate renewal: 6 hosts need attention, EXPIRED 2 h 0 min ago (FULL)"
    )


def test_a_test_with_one_cause_reads_like_this() -> None:
    made = report(HostOutcome("mi-00000000000000001", "failed", None, "", "NOTHING_TO_DO", ""), place=Place())
    made.due = 1
    text = run_report.message_of(made)
    assert text.startswith(
        "Certificate renewal of fleet, run run-1, 2026-11-23T13:15:00Z\n\n"
        "A test of pca-automator verify, with entries of its own: none of your hosts is in it.\n\n"
        "       1  host in this run\n       1  failed\n\nWHY, AND WHAT TO DO\n\n* 1 host: NOTHING_TO_DO\n"
    )
    assert "  The host:\n    pca-automator run mi-00000000000000001 --force --watch\n  All due:\n" in text
    assert text.endswith("DETAILS\n\n  Report:    s3://work/runs/run-1/report.json\n")
    assert run_report.subject_of(made) == (
        "[fleet] TEST: certificate renewal: 1 host needs attention, no certificate (NOTHING_TO_DO)"
    )


def test_a_run_without_trouble_says_only_how_it_was() -> None:
    made = report(host(1, "renewed", days=7), map_error="States.Timeout")
    assert made.needs_attention
    assert not made.is_self_test
    assert run_report.subject_of(made) == "[fleet] certificate renewal: the run did not finish"
    assert not report(host(1, "renewed", days=7)).needs_attention
    assert "WHY" not in run_report.message_of(made)
    assert "HOSTS" not in run_report.message_of(made)
    without_a_code = report(host(6, "notAttempted", minutes=90))
    assert run_report.subject_of(without_a_code).endswith("1 host needs attention, 1 h 30 min left")


def test_the_report_of_a_run_says_the_same_to_machines() -> None:
    document = bad_run().as_json()
    hosts, causes = document.pop("hosts"), document.pop("causes")
    assert document == {
        "automation": "fleet", "runId": "run-1", "at": "2026-11-23T13:15:00Z", "startedAt": "2026-11-23T13:12:57Z",
        "seconds": 123, "due": 9, "renewed": 2, "failed": 2, "lost": 1, "notAttempted": 1, "rejected": 1,
        "impaired": 1, "skipped": 1, "unproven": 1, "needsAttention": True, "mapError": "States.Broken: no such key",
        "execution": execution_url(ARN), "details": "s3://work/runs/run-1/report.json", "causesLeftOut": 0,
        "notices": [
            {
                "code": "BESIDE", "hosts": 1, "meaning": "A hook was not run.",
                "remedy": "Look at it: `pca-automator hosts show <id> --live`", "first": ["i-00000002"],
            }
        ],
        "hostsLeftOut": 0,
    }  # fmt: skip
    assert causes[0] == {
        "phase": "CertCSRStatus", "code": "FULL", "hosts": 2, "meaning": "The disk is full.",
        "remedy": "Free space (`df -h`), then: `pca-automator run <id>`", "mostUrgent": "i-00000004",
    }  # fmt: skip
    assert [cause["code"] for cause in causes] == ["FULL", "", "NOTHING_TO_DO", "ODD", "WRONG_ID"]
    assert hosts[0] == {
        "hostID": "i-00000004", "outcome": "failed", "expiry": "2026-11-23T11:15:00Z", "secondsLeft": -7_200,
        "phase": "CertCSRStatus", "code": "FULL",
    }  # fmt: skip
    assert hosts[1] == {
        "hostID": "i-00000005", "outcome": "lost", "expiry": None, "secondsLeft": None, "code": "NOTHING_TO_DO",
        "message": "x: ",
    }  # fmt: skip
    assert (report().as_json()["startedAt"], report().as_json()["seconds"], report().as_json()["mapError"]) == (
        None, None, ""
    )  # fmt: skip


@pytest.mark.parametrize(("count", "named", "more"), [(3, 3, ""), (4, 3, "; and 1 more")])
def test_three_hosts_of_a_cause_are_named(count: int, named: int, more: str) -> None:
    text = run_report.message_of(
        report(*(host(number, "failed", "P", "ODD", days=number) for number in range(1, count + 1)))
    )
    hosts = "; ".join(f"i-{number:08x}, {number} d 0 h left" for number in range(1, named + 1))
    assert f"  Most urgent:   {hosts}{more}\n" in text


@pytest.mark.parametrize("count", [40, 41, 42])
def test_forty_hosts_and_forty_causes_are_shown_and_what_is_left_out_is_counted(count: int) -> None:
    made = report(*(host(number, "failed", "P", f"CODE_{number:03}", days=1) for number in range(count)))
    lines = run_report.message_of(made).splitlines()
    assert sum(line.startswith("  i-") for line in lines) == 40
    assert sum(line.startswith("* 1 host: CODE_") for line in lines) == 40
    left_out = count - 40
    assert (f"  ... and {left_out} more:" in lines) is (left_out > 0)
    assert (f"    pca-automator hosts list --failed {WHERE}" in lines) is (left_out > 0)
    rarer = [line for line in lines if "rarer" in line]
    assert rarer == ([f"* and {left_out} rarer cause{'s' if left_out > 1 else ''}"] if left_out else [])
    document = made.as_json()
    assert (len(document["causes"]), document["causesLeftOut"], len(document["hosts"])) == (40, left_out, count)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(), "0 h 0 min"), (timedelta(seconds=59), "0 h 0 min"), (timedelta(seconds=60), "0 h 1 min"),
        (timedelta(minutes=59), "0 h 59 min"), (timedelta(minutes=60), "1 h 0 min"),
        (timedelta(hours=23, minutes=59), "23 h 59 min"), (timedelta(hours=24), "1 d 0 h"),
        (timedelta(days=2, hours=1, minutes=59), "2 d 1 h"),
    ],
)  # fmt: skip
def test_a_length_of_time_is_days_and_hours_or_hours_and_minutes(length: timedelta, words: str) -> None:
    assert span(length) == words


def test_who_expires_this_second_has_expired() -> None:
    assert "EXPIRED 0 h 0 min ago" in run_report.message_of(report(host(1, "failed", "P", "ODD", days=0)))
    assert "0 h 0 min left" in run_report.message_of(report(host(1, "failed", "P", "ODD", seconds=1)))


def test_what_hosts_said_beside_is_counted_and_the_first_twenty_are_named() -> None:
    noticed = Noticed()
    for number in range(21):
        noticed.add(f"i-{number:08x}", ["BESIDE"])
    noticed.add("i-x", ["ODD", "BESIDE"])
    noticed.add("i-y", [])
    assert noticed.hosts == 22
    assert [(each["code"], each["hosts"], len(each["first"])) for each in noticed.as_json()] == [
        ("BESIDE", 22, 20), ("ODD", 1, 1)
    ]  # fmt: skip
    lines = noticed.lines(PLACE)
    assert lines[:2] == ["RENEWED, BUT SOMETHING IS NOT AS IT SHOULD BE", ""]
    assert lines[2] == "* 22 hosts: BESIDE"
    assert lines[5] == f"  pca-automator hosts show i-00000000 --live {WHERE}"
    assert lines[6].endswith("i-00000012, i-00000013 and 2 more")
    assert Noticed().lines(PLACE) == []


GATE = Gate(lambda: NOW, Limits(lease=timedelta(hours=1), validity=timedelta(days=7)))
FULL = {"phase": "CertCSR", "code": "FULL", "message": "no space"}


def item(number: int, status: str, expiry: timedelta, renewal: timedelta, **more: Any) -> dict[str, Any]:
    dates = {"expiry": format_time(NOW + expiry), "renewalDate": format_time(NOW + renewal)}
    return {"hostID": f"i-{number:08x}", "status": status, **dates, **more}


FLEET: tuple[dict[str, Any], ...] = (
    item(1, "DEPLOYED", timedelta(days=5), timedelta(days=3), validated=True),
    item(2, "DEPLOYED", timedelta(days=2), timedelta(0), validated=False),
    item(3, "DEPLOYED", timedelta(0), timedelta(days=-1)),
    {"hostID": "i-00000004"},
    item(5, "FAILED", timedelta(hours=12, minutes=1), timedelta(hours=1), validated=True, lastError=FULL),
    item(6, "FAILED", timedelta(hours=12), timedelta(hours=1), validated=True, lastError={"phase": "CertCSR"}),
    {"hostID": "nobody"},
    {"hostID": "i-00000007", "expiry": True},
)


def fleet(*items: dict[str, Any], **fields: Any) -> digest.Digest:
    entries = [{name: to_value(value) for name, value in each.items()} for each in items]
    made = digest.gather("fleet", map(GATE.admit, entries), NOW, timedelta(hours=12))
    made.place, made.authority, made.crl = PLACE, "ACTIVE", "of today"
    made.troubles = fields.get("troubles", [])
    return made


DIGEST = f"""\
Certificates of fleet, 2026-11-23T13:15:00Z

       7  hosts
       5  due now, or before the next run
       1  overdue: the certificate has run out
       2  without a certificate
       2  with a certificate that IAM Roles Anywhere was not asked about
       2  failed in their last renewal
       2  in quarantine: not to be read, or not in every attribute

  Least time left:   EXPIRED 0 h 0 min ago, i-00000003
  99 of 100 have:    EXPIRED 0 h 0 min ago
  CA:                ACTIVE
  CRL in force:      of today

NEEDS A PERSON

* one: has run out
    pca-automator doctor
* two

WHY, AND WHAT TO DO

* 1 host: FULL in CertCSR
  What happened: The disk is full.
  What to do:    Free space (
    df -h
                 ), then:
    pca-automator run i-00000005 {WHERE}
  Most urgent:   i-00000005, 12 h 1 min left

* 1 host: Unknown in CertCSR
  What happened: It said nothing.
  What to do:    Look at the log.
  Most urgent:   i-00000006, 12 h 0 min left

FAILED, MOST URGENT FIRST

  i-00000006            12 h 0 min              CertCSR Unknown
  i-00000005            12 h 1 min              CertCSR FULL

IN QUARANTINE

  nobody                HOST_ID_INVALID: not an EC2 instance id (i-…) nor a hybrid node id (mi-…)
  i-00000007            INVENTORY_ATTRIBUTE_IMPOSSIBLE: expiry is the truth value true; this system writes a time such\
 as 2026-11-23T13:15:00Z, within the validity that this deployment gives, 7 d; it counts as absent
  Each with its reason:
    pca-automator hosts lint {WHERE}

More:
    pca-automator status {WHERE}
"""


def test_a_digest_reads_like_this() -> None:
    troubles = [("one: has run out", ["pca-automator doctor"]), ("two", [])]
    made = fleet(*FLEET, troubles=troubles)
    assert digest.message_of(made) == DIGEST
    assert digest.subject_of(made) == ("[fleet] least time left EXPIRED 0 h 0 min ago, 2 things need a person: one")
    made.troubles = troubles[1:]
    assert digest.subject_of(made).endswith("1 thing needs a person: two")


def test_the_digest_of_a_healthy_fleet_reads_like_this() -> None:
    made = fleet(FLEET[0])
    assert digest.subject_of(made) == "[fleet] certificates: all well, least time left 5 d 0 h"
    assert (
        digest.message_of(made).partition("quarantine")[2]
        == f"""\
: not to be read, or not in every attribute

  Least time left:   5 d 0 h, i-00000001
  99 of 100 have:    5 d 0 h
  CA:                ACTIVE
  CRL in force:      of today

More:
    pca-automator status {WHERE}
"""
    )
    nobody = digest.message_of(fleet())
    assert "  Least time left:   no certificate\n  99 of 100 have:    no certificate\n" in nobody


def test_a_key_that_is_no_id_is_shown_without_what_a_mail_would_act_on() -> None:
    lines = digest.message_of(fleet({"hostID": f"a\x1b{'x' * 99}"})).splitlines()
    assert any(line.startswith(f"  a?{'x' * 98}…  HOST_ID_INVALID: ") for line in lines)


def test_of_two_that_end_in_the_same_second_always_the_same_is_named_first() -> None:
    ends = [{**FLEET[0], "hostID": f"i-0000000{number}"} for number in (3, 1, 2)]
    assert fleet(*ends).least == (NOW + timedelta(days=5), "i-00000001")


@pytest.mark.parametrize("count", [20, 21])
def test_a_digest_shows_twenty_hosts_of_a_kind_and_counts_the_others(count: int) -> None:
    failed = [{"hostID": f"i-{number:08x}", "status": "FAILED"} for number in range(count)]
    wrong = [{"hostID": f"wrong-{number}"} for number in range(count)]
    lines = digest.message_of(fleet(*failed, *wrong)).splitlines()
    assert sum(line.startswith("  i-") for line in lines) == 20
    assert sum(line.startswith("  wrong-") for line in lines) == 20
    assert lines.count("  ... and 1 more:") == count - 20
    assert lines.count(f"    pca-automator hosts list --failed {WHERE}") == count - 20
    assert lines.count("  ... and 1 more, each with its reason:") == count - 20
    assert lines.count("  Each with its reason:") == 21 - count


@pytest.mark.parametrize(
    ("code", "left", "subject", "still"),
    [
        ("CRL_SHRUNK", 7_200.0, "CRL refused: CRL_SHRUNK, the one in force ends in 2 h 0 min",
         "The CRL that was in force before still is."),
        ("CRL_SHRUNK", 0.0, "CRL refused: CRL_SHRUNK, the one in force HAS RUN OUT",
         "The CRL that was in force before still is."),
        ("CRL_SHRUNK", None, "CRL refused: CRL_SHRUNK", "The CRL that was in force before still is."),
        ("CRL_DISABLED", 7_200.0, "CRL refused: CRL_DISABLED, no revocation is enforced", "No CRL is enforced."),
    ],
)  # fmt: skip
def test_a_refused_crl_says_whether_one_is_in_force(code: str, left: float | None, subject: str, still: str) -> None:
    entry = CatalogueEntry(code, "service", "", "Bad.", "Look: `aws x <arn> <bucket>`. And: `aws y <crl>`")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CATALOGUE, code, entry)  # type: ignore[arg-type]
        patch.setattr("pca_runtime.errors.catalogue.HINTS", {})
        assert crl_refused.subject_of("fleet", code, left) == f"[fleet] {subject}"
        text = crl_refused.message_of(code, "it is bad", PLACE, ca_arn="arn:ca", bucket="crls", crl_ids=["c1", "c2"])
        assert text == (
            "The certificate revocation list of arn:ca was not brought into force.\n\n"
            f"Why:        it is bad\nCode:       {code}\nWhat to do:\nLook:\n  aws x arn:ca crls --region r-1\n"
            f"And:\n  aws y c1 --region r-1\n  aws y c2 --region r-1\n\n{still}\n"
        )
        without = crl_refused.message_of(code, "it is bad", PLACE, ca_arn="arn:ca", bucket="crls")
        assert f"And:\n  pca-automator doctor {WHERE}\n" in without


@pytest.mark.parametrize(("count", "which", "more"), [(50, "them", ""), (51, "the first of them", "... and 1 more")])
def test_a_fleet_that_seems_to_be_gone_reads_like_this(count: int, which: str, more: str) -> None:
    gone = [f"i-{number:08x}" for number in range(count)]
    assert too_many_departures.subject_of("fleet", gone) == f"[fleet] {count} hosts seem to be gone: please look"
    shown = "\n".join(gone[:50])
    assert too_many_departures.message_of(gone, 90, PLACE) == (
        f"{count} of 90 hosts of the inventory are unknown to EC2 or Systems Manager, or terminated.\n"
        "That is more than leave within an hour, so none of them was retired and nothing was revoked.\n\n"
        f"{shown}\n{more}\nIf they are gone, retire {which}:\n"
        f"  pca-automator hosts retire {' '.join(gone[:50])} {WHERE}\n"
    )


@pytest.mark.parametrize(
    ("name", "words", "subject"),
    [
        ("fleet", "x", "[fleet] x"),
        ("n" * 97, "x", f"[{'n' * 93}...] x"),
        ("n" * 96, "x", f"[{'n' * 96}] x"),
        ("n" * 40, "x" * 100, f"[{'n' * 13}...] {'x' * 81}"),
        ("n" * 16, "x" * 100, f"[{'n' * 16}] {'x' * 81}"),
        ("fl\u00f6te", "a\nb\x7f", "[fl?te] a b?"),
    ],
)
def test_a_subject_gives_the_name_what_room_there_is(name: str, words: str, subject: str) -> None:
    assert subject_line(name, words) == subject
    assert len(subject) <= 100


@pytest.mark.parametrize("arn", ["", "arn:aws:states:r-1:1:execution:Renewal", f"{ARN}:x"])
def test_what_is_no_execution_has_no_link(arn: str) -> None:
    assert execution_url(arn) == ""
