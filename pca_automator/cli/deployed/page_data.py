"""The data of a page from a deployment: the fleet as it is, or one run of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed import runs as known
from pca_automator.cli.deployed.checklist import NOT_SEEN, look
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.deployed.health import Health
from pca_automator.cli.deployed.host_details import remedy_for
from pca_automator.cli.deployed.schedule import next_run
from pca_automator.cli.errors import trouble_of
from pca_automator.cli.runtime import runtime
from pca_automator.pictures import data
from pca_automator.pictures.causes import causes_of
from pca_automator.pictures.reading import certificates, host_of, renewals_of

_Found = TypeVar("_Found")

# Of each of them how it ended is asked with a call of its own.
_RUNS = 14
_MEASURED = timedelta(days=14)
_PERIOD = timedelta(hours=6)


class Looks:
    """What is looked at; a look that is refused or fails costs its own part of the page, and is told of on it.

    Args:
        deployment: the automation.
    """

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.view = fleet.View.of(deployment)
        self.notes: list[str] = []

    def look(self, what: str, look: Callable[[], _Found], otherwise: _Found) -> _Found:
        """What a look finds, or what stands for it."""
        try:
            return look()
        except Exception as error:
            found = trouble_of(error)
            if found is None:
                raise
            self.notes.append(f"{what}: {found}")
            return otherwise

    def certificates(self) -> list[data.Certificate]:
        """The ledger."""
        table = self.deployment.settings("CertDeploy")["LEDGER_TABLE"]
        client = self.deployment.aws.client("dynamodb")
        return self.look("certificates over time", lambda: list(certificates(client, table)), [])

    def runs(self) -> list[data.Run]:
        """The last runs, the newest first."""
        nothing: list[known.Run] = []
        listed = self.look("runs", self._listed, nothing)
        described = []
        for each in listed:
            described.append(self.look("a run", partial(known.described, self.deployment, each["runId"]), each))
        return [run_of(each) for each in described]

    def _listed(self) -> list[known.Run]:
        return [each for each in known.listed(self.deployment, _RUNS) if not known.is_test(each["runId"])]

    def history(self) -> list[data.Measure]:
        """The size of the CRL, as the processor measured it."""
        return self.look("size of the CRL over time", lambda: _history(self.deployment, self.view.now), [])

    def causes(self, hosts: list[data.Host]) -> list[data.Cause]:
        """Why hosts need attention."""

        def remedy(host: data.Host) -> list[tuple[bool, str]]:
            trouble = host.trouble or data.Trouble(phase="", code="Unknown")
            return remedy_for(self.deployment, host.host_id, trouble.code, trouble.message)

        asked = [host for host in hosts if host.status != "QUARANTINED"]
        return self.look("causes", lambda: causes_of(asked, self.view.now, self.deployment.place, remedy), [])

    def next_run(self) -> tuple[datetime | None, str]:
        """When the schedule starts the next run, and the same in words."""
        return self._moment(self.look("schedule", lambda: next_run(self.deployment, self.view.now), NOT_SEEN))

    def _moment(self, words: str) -> tuple[datetime | None, str]:
        return runtime("shared.timestamps").parse_time(words), words


def of_fleet(deployment: Deployment, title: str) -> data.Report:
    """The fleet as it is.

    Args:
        deployment: the automation.
        title: what it is called.

    Raises:
        Trouble: there is no deployment, the table cannot be read, or the inventory is empty.
    """
    looks = Looks(deployment)
    entries: list[Any] = []
    looked = look(deployment, fleet.LISTED, entries.append)
    if looked.refused is not None:
        raise looked.refused
    if not entries:
        raise fleet.empty()
    now, counts = looked.view.now, looked.fleet
    hosts = [host_of(entry, due=fleet.is_host(entry) and looks.view.is_due(entry)) for entry in entries]
    ledger, runs = looks.certificates(), looks.runs()
    following, words = looks.next_run()
    latest = next((run.run_id for run in runs if any(host.last_run_id == run.run_id for host in hosts)), None)
    causes = looks.causes(hosts)
    return data.Report(
        kind="fleet",
        title=title,
        at=now.replace(microsecond=0),
        next_run=following,
        next_run_text=words,
        threshold_seconds=_threshold(deployment),
        facts=_facts(counts, words),
        findings=[_finding(deployment, each) for each in looked.findings],
        causes=causes,
        hosts=hosts,
        runs=runs,
        renewals=renewals_of([latest] if latest else [], hosts, ledger, {}),
        certificates=ledger,
        crl=_crl(looked.parts, looks),
        notes=looks.notes,
    )


def of_run(deployment: Deployment, title: str, run_id: str) -> data.Report:
    """One run: its hosts, and what became of them.

    Raises:
        Trouble: there is no such run.
    """
    run = known.described(deployment, run_id)
    name, looks = str(run["runId"]), Looks(deployment)
    nothing: dict[str, Any] = {}
    report = looks.look("report of the run", lambda: known.report(deployment, name), nothing)
    failed = {str(each["hostID"]): each for each in report.get("hosts", [])}
    ledger = [each for each in looks.certificates() if each.run_id == name]
    mine = {each.host_id for each in ledger} | set(failed)
    hosts = [
        _as_the_run_left(host_of(entry, due=looks.view.is_due(entry)), name, failed)
        for entry in fleet.hosts(deployment, fleet.LISTED)
        if entry.last_run_id == name or entry.host_id in mine
    ]
    following, words = looks.next_run()
    return data.Report(
        kind="run",
        title=f"run {name} of {title}",
        at=looks.view.now.replace(microsecond=0),
        next_run=following,
        next_run_text=words,
        threshold_seconds=_threshold(deployment),
        facts=[(key, str(run[key])) for key in ("status", "startedAt", "endedAt") if run[key]]
        + [(key, f"{report[key]:,}") for key in ("due", *_OUTCOMES) if report.get(key)],
        causes=looks.causes(hosts),
        hosts=hosts,
        runs=[run_of(run)],
        renewals=renewals_of([name], hosts, ledger, {}),
        certificates=ledger,
        notes=looks.notes,
    )


_OUTCOMES = ("renewed", "failed", "skipped", "lost", "notAttempted", "rejected", "impaired")


def _as_the_run_left(host: data.Host, run_id: str, failed: dict[str, Any]) -> data.Host:
    """A later run may have had the host since: what this one says of it stands in its report."""
    if host.last_run_id == run_id:
        return host
    entry = failed.get(host.host_id)
    if entry is None:
        return host.model_copy(update={"trouble": None})
    words = {name: str(entry.get(name, "")) for name in ("phase", "code", "message")}
    trouble = data.Trouble(phase=words["phase"], code=words["code"] or str(entry["outcome"]), message=words["message"])
    return host.model_copy(update={"trouble": trouble})


def run_of(run: known.Run) -> data.Run:
    """A run as the page has it."""
    return data.Run(
        run_id=run["runId"],
        status=run["status"],
        started_at=run["startedAt"],
        ended_at=run["endedAt"],
        counts={name: run[name] for name in _OUTCOMES if name in run},
        cause=run.get("cause") or run.get("error") or "",
    )


def _facts(counts: Any, words: str) -> list[tuple[str, str]]:
    least, percentile = counts.least, counts.first_percentile
    return [
        ("hosts", f"{counts.hosts:,}"),
        ("due", f"{counts.due:,}"),
        ("certificates that ran out", f"{counts.overdue:,}"),
        ("failed", f"{counts.statuses['FAILED']:,}"),
        ("in quarantine", f"{counts.counts['quarantined']:,}"),
        ("least time left", fleet.left(least[0]) if least else "no certificate"),
        ("99 of 100 have at least", fleet.left(percentile)),
        ("next run", words),
    ]


def _finding(deployment: Deployment, found: Any) -> data.Finding:
    commands = [deployment.place.command(each) for each in found.commands]
    return data.Finding(part=found.part, text=found.text, state=found.state, commands=commands, who=found.who)


def _threshold(deployment: Deployment) -> int | None:
    text = str(deployment.settings("CertDeploy").get("RENEWAL_THRESHOLD_SECONDS", ""))
    return int(text) if text.isdigit() else None


def _crl(parts: Health, looks: Looks) -> data.Crl | None:
    if not parts.crl:
        return None
    at = looks.view.now.replace(microsecond=0)
    return data.Crl(
        enabled=parts.crl["enabled"],
        entries=parts.crl["entries"],
        bytes=parts.crl["bytes"],
        allowed_bytes=runtime("revocation.crl").PEM_MAX,
        next_update=parts.crl["nextUpdate"],
        history=[*looks.history(), data.Measure(at=at, bytes=parts.crl["bytes"])],
    )


def _history(deployment: Deployment, now: datetime) -> list[data.Measure]:
    """Of the last weeks; CloudWatch answers with the newest first, or as it likes."""
    namespace = deployment.settings("CertCheck").get("POWERTOOLS_METRICS_NAMESPACE", "PcaAutomator")
    metric = {
        "Namespace": namespace,
        "MetricName": "CrlBytes",
        "Dimensions": [{"Name": "Automation", "Value": deployment.name}],
    }
    stat = {"Metric": metric, "Period": int(_PERIOD.total_seconds()), "Stat": "Maximum"}
    answer = deployment.aws.client("cloudwatch").get_metric_data(
        StartTime=now - _MEASURED, EndTime=now, MetricDataQueries=[{"Id": "crl", "MetricStat": stat}]
    )
    found = [
        data.Measure(at=at, bytes=int(value))
        for result in answer.get("MetricDataResults", ())
        for at, value in zip(result.get("Timestamps", ()), result.get("Values", ()), strict=False)
    ]
    return sorted(found, key=lambda measure: measure.at)
