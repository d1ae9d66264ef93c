"""``pca-automator status``: the fleet in one screen."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed import lifetime, pace
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import FAILED, Trouble
from pca_automator.cli.output import counted, show
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.verb import Operator, verb

_CA_WARNING = timedelta(days=90)
# One page. Where more machines than that have joined since the schedule's last run, that run is not looked for.
_RUNS = 100
# What CertEnroll calls its runs: they say nothing about whether the schedule's work.
_OF_THE_STREAM = ("enrol-", "changed-")
_SIMPLE_CRON = re.compile(r"cron\((\d+(?:,\d+)*) (\d+(?:,\d+)*) [*?] \* [*?] \*\)")


@dataclass
class Summary:
    """Counts, and the times that are left; for 10,000 hosts some 80 kB."""

    statuses: Counter[str] = field(default_factory=Counter)
    due: int = 0
    overdue: int = 0
    seconds: list[int] = field(default_factory=list)
    least: tuple[int, str] | None = None
    quarantined: int = 0

    def add(self, view: fleet.View, item: Any) -> None:
        """Count one entry."""
        self.quarantined += bool(item.faults)
        if not fleet.is_host(item):
            return
        self.statuses[item.status or "NEW"] += 1
        if item.status == "RETIRED":
            return
        self.due += view.is_due(item)
        seconds = view.seconds_left(item)
        if seconds is None:
            return
        self.overdue += seconds <= 0
        self.seconds.append(seconds)
        self.least = min(self.least or (seconds, item.host_id), (seconds, item.host_id))

    @property
    def first_percentile(self) -> int | None:
        """99 of 100 certificates last at least this long."""
        found: int | None = runtime("inventory.runway").first_percentile(self.seconds)
        return found


@verb
def status(op: Operator) -> None:
    """The fleet in one screen; the exit status says whether something needs a person."""
    view, summary = fleet.View.of(op.deployment), Summary()
    for item in fleet.scan(op.deployment, fleet.JUDGED):
        summary.add(view, item)
    if not summary.statuses and not summary.quarantined:
        raise fleet.empty()
    runs = _runs(op.deployment)
    last, broken = runs[0] if runs else None, _broken_run(runs)
    ca, crl = _authority(op.deployment, view.now), _crl(op.deployment, view.now)
    upcoming = next_run(op.deployment, view.now)
    hosts = sum(summary.statuses.values()) - summary.statuses["RETIRED"]
    paced = pace.look(op.deployment, hosts, view.now)
    ca["certificates"] = lifetime.look(op.deployment, hosts, paced.get("certificatesIssued"), view.now)
    troubles = _troubles(summary, last, broken, ca, crl, upcoming)
    percentile = summary.first_percentile
    answer = {
        "automation": op.deployment.name,
        "hosts": hosts,
        "statuses": dict(summary.statuses),
        "due": summary.due,
        "overdue": summary.overdue,
        "quarantined": summary.quarantined,
        "leastSecondsLeft": summary.least[0] if summary.least else None,
        "leastSecondsLeftHost": summary.least[1] if summary.least else None,
        "firstPercentileSecondsLeft": percentile,
        "lastRun": last,
        "nextRun": upcoming,
        "pace": paced,
        "ca": ca,
        "crl": crl,
        "troubles": troubles,
    }
    least = f"{fleet.left(summary.least[0])} ({summary.least[1]})" if summary.least else "no host has a certificate"
    table = [
        ("hosts", answer["hosts"]),
        ("  by status", ", ".join(f"{count} {name}" for name, count in sorted(summary.statuses.items()))),
        ("due", summary.due),
        ("overdue", _overdue(summary)),
        ("in quarantine", summary.quarantined),
        ("least time left", least),
        ("99 % have at least", fleet.left(percentile) if percentile is not None else ""),
        ("last run", " ".join(str(last[name]) for name in ("status", "startedAt", "runId")) if last else "none yet"),
        ("next run", upcoming),
        ("pace", paced["summary"]),
        ("CA", f"{ca['status']}, until {ca['notAfter']}"),
        ("CA's certificates", ca["certificates"]["summary"]),
        ("CRL", crl["summary"]),
        ("needs a person", "; ".join(troubles) or "nothing"),
    ]
    show(op.output, answer, table, op.deployment.name)
    if troubles:
        raise Trouble("; ".join(troubles), FAILED)


def _troubles(
    summary: Summary,
    last: dict[str, Any] | None,
    broken: dict[str, Any] | None,
    ca: dict[str, Any],
    crl: dict[str, Any],
    upcoming: str,
) -> list[str]:
    which = "" if broken is None else "the last run" if broken is last else f"run {broken['runId']}"
    failed = summary.statuses["FAILED"]
    found = {
        f"{_overdue(summary)}: pca-automator hosts list --expiring-within 0m": summary.overdue,
        f"{counted(summary.quarantined, 'entry', 'entries')} in quarantine: pca-automator hosts lint": (
            summary.quarantined
        ),
        f"{counted(failed, 'host')} failed: pca-automator hosts list --failed": failed,
        f"{which} ended {broken['status'] if broken else ''}: pca-automator run --watch": broken,
        f"the CA is {ca['status']}: pca-automator explain CA_NOT_ACTIVE": ca["status"] != "ACTIVE",
        "the CA's own certificate runs out soon: renew it as docs/authority.md says": ca["soon"],
        f"the CA has {ca['certificates']['summary']}: make its successor as docs/authority.md says": ca["certificates"][
            "soon"
        ],
        "the CRL has run out: pca-automator explain CRL_EXPIRED": crl["expired"],
        "the schedule is disabled: deploy again": upcoming == "disabled",
    }
    return [text for text, holds in found.items() if holds]


def _overdue(summary: Summary) -> str:
    return counted(summary.overdue, "certificate has run out", "certificates have run out")


def _runs(deployment: Deployment) -> list[dict[str, Any]]:
    """The last runs, the newest first."""
    answer = deployment.aws.client("stepfunctions").list_executions(
        stateMachineArn=deployment.state_machine, maxResults=_RUNS
    )
    return [
        {
            "runId": execution["name"],
            "status": execution["status"],
            "startedAt": runtime("shared.timestamps").format_time(execution["startDate"]),
        }
        for execution in answer["executions"]
    ]


def _broken_run(runs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The newest run that broke since one went well that was not about a few hosts that had joined or changed."""
    for run in runs:
        if run["status"] not in ("RUNNING", "SUCCEEDED"):
            return run
        if run["status"] == "SUCCEEDED" and not run["runId"].startswith(_OF_THE_STREAM):
            return None
    return None


def next_run(deployment: Deployment, now: datetime) -> str:
    """When the schedule starts the next run, or its expression where that is not of the simple kind."""
    name = deployment.find("AWS::Scheduler::Schedule", "WorkflowSchedule")
    if name is None:
        return "no schedule"
    # CloudFormation's Ref is the name, or group and name.
    schedule = deployment.aws.client("scheduler").get_schedule(Name=name.rpartition("|")[2].rpartition("/")[2])
    if schedule.get("State", "ENABLED") != "ENABLED":
        return "disabled"
    expression = str(schedule["ScheduleExpression"])
    if schedule.get("ScheduleExpressionTimezone", "UTC") not in ("UTC", "Etc/UTC"):
        return f"{expression} in {schedule['ScheduleExpressionTimezone']}"
    moment = next_of_cron(expression, now)
    return expression if moment is None else str(runtime("shared.timestamps").format_time(moment))


def next_of_cron(expression: str, now: datetime) -> datetime | None:
    """The next moment of a daily cron expression with minutes and hours; ``None`` for any other expression."""
    match = _SIMPLE_CRON.fullmatch(expression)
    if match is None:
        return None
    minutes, hours = ([int(part) for part in text.split(",")] for text in match.groups())
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = (
        today + timedelta(days=day, hours=hour, minutes=minute)
        for day in (0, 1)
        for hour in hours
        for minute in minutes
    )
    return min(moment for moment in moments if moment > now)


def _authority(deployment: Deployment, now: datetime) -> dict[str, Any]:
    answer = deployment.aws.client("acm-pca").describe_certificate_authority(
        CertificateAuthorityArn=deployment.authority
    )["CertificateAuthority"]
    end = answer.get("NotAfter")
    return {
        "arn": deployment.authority,
        "status": str(answer["Status"]),
        "notAfter": runtime("shared.timestamps").format_time(end) if end else None,
        "soon": bool(end and end - now < _CA_WARNING),
    }


def _crl(deployment: Deployment, now: datetime) -> dict[str, Any]:
    """The CRL that IAM Roles Anywhere enforces."""
    if deployment.function("CRLProcessor") is None:
        return {"summary": "this deployment distributes none", "nextUpdate": None, "expired": False}
    settings = deployment.settings("CRLProcessor")
    pages = deployment.aws.client("rolesanywhere").get_paginator("list_crls").paginate()
    ours = [
        crl for page in pages for crl in page.get("crls", [])
        if crl.get("trustAnchorArn") == settings["TRUST_ANCHOR_ARN"] and crl.get("name") == settings["CRL_NAME"]
    ]  # fmt: skip
    if not ours:
        return {
            "summary": "none yet: the CA writes the first after a certificate",
            "nextUpdate": None,
            "expired": False,
        }
    crl = ours[0]
    enabled = "enabled" if crl.get("enabled", True) else "DISABLED"
    # With load_pem_x509_crl and not the runtime's own check: a person wants to see a CRL that is not good, too.
    from cryptography.x509 import load_pem_x509_crl

    data = crl["crlData"]
    loaded = load_pem_x509_crl(data if isinstance(data, bytes) else str(data).encode())
    end, entries = loaded.next_update_utc, len(loaded)
    assert end is not None
    next_update = runtime("shared.timestamps").format_time(end)
    return {
        "summary": f"{enabled}, {counted(entries, 'entry', 'entries')}, next update {next_update}",
        "nextUpdate": next_update,
        "entries": entries,
        "expired": end <= now,
    }
