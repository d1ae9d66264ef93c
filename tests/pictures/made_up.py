"""Data of fleets, runs and rehearsals of any size, with every kind of trouble in them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from pca_automator.cli.runtime import runtime
from pca_automator.pictures.causes import causes_of
from pca_automator.pictures.data import (
    Certificate,
    Crl,
    Expectation,
    Finding,
    Host,
    Measure,
    Phase,
    Renewal,
    Report,
    Run,
    Trouble,
)
from pca_automator.pictures.words import left

NOW = datetime(2026, 11, 26, 3, 2, tzinfo=UTC)
_DAY = timedelta(days=1)
# How often, of a thousand hosts, and what happens.
_TROUBLES = (
    (12, Trouble(phase="CertCSR", code="HOST_UNKNOWN_TO_SSM", message="Systems Manager knows no such host")),
    (7, Trouble(phase="CertDeployStatus", code="HOOK_FAILED", message="10-reload: nginx: [emerg] cannot bind: $x <y>")),
    (3, Trouble(phase="CertCSRStatus", code="DIRECTORY_NOT_WRITABLE", message="/etc/pca-automator is read-only")),
)


def serial(*words: object) -> str:
    """A serial number as AWS Private CA gives them: 127 bits."""
    return hashlib.sha256(repr(words).encode()).hexdigest()[:32]


def host_id(number: int) -> str:
    """Of an instance, or for every fifth of a hybrid node."""
    return f"{'mi' if number % 5 == 4 else 'i'}-{serial(number)[:17]}"


def trouble_of(number: int) -> Trouble | None:
    """What is wrong with a host."""
    lot, begin = (number * 617) % 1000, 0
    for share, trouble in _TROUBLES:
        if begin <= lot < begin + share:
            return trouble
        begin += share
    return None


def fleet(count: int, at: datetime = NOW, certificates: int = 2) -> Report:
    """A fleet, renewed two days before the end, at three in the morning."""
    hosts, entries, renewals = [], [], []
    for number in range(count):
        trouble = trouble_of(number)
        over = trouble is not None and number % 3 == 0
        well = _DAY * (2 + (number * 7919) % 500 / 100)
        spare = -timedelta(hours=5) if over else timedelta(hours=8 + number % 20) if trouble else well
        name, expiry = host_id(number), at + spare
        attempt = at - timedelta(hours=12) + timedelta(seconds=number % 900)
        hosts.append(
            Host(
                host_id=name,
                status="FAILED" if trouble else "DEPLOYED",
                expiry=expiry,
                renewal_date=expiry - 2 * _DAY,
                serial=serial(number, 0),
                due=trouble is not None,
                proven=True,
                last_run_id="run-1",
                last_attempt=attempt,
                trouble=trouble,
            )
        )
        for age in range(certificates):
            end = expiry - age * 5 * _DAY
            entries.append(
                Certificate(
                    host_id=name,
                    serial=serial(number, age),
                    requested_at=end - 7 * _DAY,
                    not_after=end,
                    fate="REVOKED" if age and number % 9 == 0 else "LIVE",
                    run_id=f"run-{age}",
                    revoked_at=end - _DAY if age and number % 9 == 0 else None,
                    reason="KEY_COMPROMISE" if age and number % 9 == 0 else None,
                )
            )
        renewals.append(
            Renewal(
                host_id=name,
                run_id="run-1",
                started_at=attempt - timedelta(seconds=50 + number % 40),
                ended_at=attempt,
                outcome="failed" if trouble else "renewed",
                trouble=trouble,
            )
        )
    place = runtime("errors.remedies").Place(stack="FleetCertificates", region="eu-central-1")

    def remedy(host: Host) -> Any:
        assert host.trouble is not None
        words = runtime("errors.catalogue").remedy_for(host.trouble.code, host.trouble.message)
        return place.lines(words, {"id": host.host_id})

    failed = sum(host.trouble is not None for host in hosts)
    return Report(
        kind="fleet",
        title="fleet (stack FleetCertificates, eu-central-1)",
        at=at,
        next_run=at + timedelta(hours=12, minutes=13),
        next_run_text="2026-11-26T15:15:00Z",
        threshold_seconds=172_800,
        facts=[
            ("hosts", f"{count:,}"),
            ("due", f"{failed:,}"),
            ("certificates that ran out", f"{sum(host.expiry is not None and host.expiry <= at for host in hosts):,}"),
            ("failed", f"{failed:,}"),
            ("least time left", left(min((host.expiry - at for host in hosts if host.expiry), default=None))),
            ("next run", "2026-11-26 15:15 UTC"),
        ],
        findings=[
            Finding(
                part="hosts",
                text=f"{failed} hosts failed",
                state="trouble",
                commands=["pca-automator hosts list --failed"],
            ),
            Finding(part="CA", text="ACTIVE, until 2036-01-01", state="ok"),
            Finding(part="alarms", text="could not be looked at: AWS denies DescribeAlarms", state="refused"),
        ],
        causes=causes_of(hosts, at, place, remedy),
        hosts=hosts,
        runs=[
            Run(
                run_id=f"run-{number}",
                status="FAILED" if number == 4 else "SUCCEEDED",
                started_at=at - number * _DAY / 2,
                ended_at=at - number * _DAY / 2 + timedelta(minutes=11),
                counts={"renewed": count // 10, "failed": number % 2, "skipped": 0},
                cause="States.ItemReaderFailed" if number == 4 else "",
            )
            for number in range(1, 15)
        ],
        renewals=renewals,
        certificates=entries,
        crl=Crl(
            enabled=True,
            entries=3_000,
            bytes=199_615,
            allowed_bytes=300_000,
            next_update=at + 3 * _DAY,
            history=[Measure(at=at - _DAY * (14 - day), bytes=100_000 + 7_000 * day) for day in range(15)],
        ),
        notes=["production: GetMetricData was refused"],
    )


def rehearsal(count: int) -> Report:
    """A rehearsal of so many hosts: each is renewed in two phases, and one expectation does not hold."""
    base = fleet(count, certificates=5)
    begin = NOW - timedelta(minutes=20)
    phases = [
        Phase(
            name=name,
            what=what,
            started_at=begin + timedelta(minutes=2 * place),
            ended_at=begin + timedelta(minutes=2 * place, seconds=100),
            expectations=[
                Expectation(what="the run succeeds", expected="SUCCEEDED", seen="SUCCEEDED", held=True),
                Expectation(
                    what=f"every host of {name}", expected="4", seen="4" if name != "d" else "3", held=name != "d"
                ),
            ],
        )
        for place, (name, what) in enumerate(
            {"a": "first certificates", "b": "a second run", "c": "forced renewal", "d": "four bad hosts"}.items()
        )
    ]
    renewals = [
        Renewal(
            host_id=each.host_id,
            run_id=f"run-{phase.name}",
            started_at=phase.started_at + timedelta(seconds=each_at),
            ended_at=phase.started_at + timedelta(seconds=each_at + 9),
            outcome=each.outcome,
            trouble=each.trouble,
        )
        for phase in (phases[0], phases[2])
        for each_at, each in ((number % 90, each) for number, each in enumerate(base.renewals))
    ]
    return base.model_copy(
        update={
            "kind": "rehearsal",
            "title": f"a rehearsal of {count} hosts",
            "phases": phases,
            "runs": [],
            "renewals": renewals,
        }
    )
