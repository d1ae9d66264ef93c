"""The rehearsal as data for a page: its phases, its hosts on their way, their certificates, and the CRL as it grew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pca_automator.cli.runtime import runtime
from pca_automator.pictures import data
from pca_automator.pictures.causes import causes_of
from pca_automator.pictures.reading import Ends, certificates, host_of, renewals_of
from pca_automator.rehearsal.report import Report
from pca_automator.rehearsal.scenario.observing import FAILED, RENEWED
from pca_automator.rehearsal.scenario.world import World
from pca_automator.rehearsal.stage.process import REGION

_WORDS = {
    "setup": "local AWS and bootstrap",
    "deploy": "cdk deploy",
    "a": "first certificates for the fleet",
    "unpaced": "the same without pacing",
    "b": "a second run, which finds nothing due",
    "c": "forced renewal of some",
    "d": "a run with four bad hosts",
    "e": "revocation",
    "f": "hooks, takeover and names on hosts",
    "g": "a host that joins by its item",
    "h": "CRLs that are exchanged",
    "i": "hosts that leave",
    "j": "machines that join by their tags",
    "k": "certificates for purposes",
}


class Sketch:
    """What only somebody who looks meanwhile can tell: how large the CRL in force was after each phase.

    Args:
        world: the rehearsal; its report calls :meth:`look` after each phase.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._measured: list[data.Measure] = []
        # Hosts leave during a rehearsal; whoever was there has a place on the page.
        self._members = dict.fromkeys(member.id for member in world.members)
        world.report.after_each = self.look

    def look(self) -> None:
        """Note the size of the CRL."""
        if crl := self._crl():
            self._measured.append(data.Measure(at=_now(), bytes=crl["bytes"]))

    def page(self) -> data.Report:
        """Everything, as it is at the end."""
        world, at = self._world, _now()
        report, client = world.report, world.aws.client("dynamodb")
        gate = runtime("inventory.gate").Gate()
        pages = client.get_paginator("scan").paginate(TableName=world.automation.table, ConsistentRead=True)
        found = [gate.admit(item) for page in pages for item in page["Items"]]
        hosts = [host_of(entry, due=_is_due(entry, at)) for entry in found]
        known = {host.host_id for host in hosts}
        hosts += [data.Host(host_id=name, status="REMOVED") for name in self._members if name not in known]
        ledger = list(certificates(client, world.automation.ledger))
        renewals = renewals_of({each.run_id for each in ledger if each.run_id}, hosts, ledger, self._ends())
        held = sum(each.held for each in report.expectations)
        return data.Report(
            kind="rehearsal",
            title=f"rehearsal of {report.numbers['hosts']} hosts",
            at=at,
            facts=[
                ("hosts", str(report.numbers["hosts"])),
                ("expectations held", f"{held} of {len(report.expectations)}"),
                ("renewals", str(sum(each.outcome == "renewed" for each in renewals))),
                ("failed, most of them on purpose", str(sum(each.outcome == "failed" for each in renewals))),
                ("took", f"{sum(report.seconds.values()):.0f} s"),
            ],
            causes=self._causes(renewals, at),
            hosts=hosts,
            runs=self._runs(),
            phases=phases_of(report),
            renewals=renewals,
            certificates=ledger,
            crl=self._crl_in_force(),
            notes=report.troubles,
        )

    def _ends(self) -> Ends:
        """What the automation told on the event bus."""
        found: Ends = {}
        for event in self._world.events.collect():
            detail, kind = event["detail"], event["detail-type"]
            if kind in (RENEWED, FAILED):
                words = {name: str(detail.get(name, "")) for name in ("phase", "code", "message")}
                trouble = data.Trouble(**words) if kind == FAILED else None
                found[str(detail["hostID"]), str(detail["runId"])] = (datetime.fromisoformat(event["time"]), trouble)
        return found

    def _causes(self, renewals: Sequence[data.Renewal], at: datetime) -> list[data.Cause]:
        """Why hosts failed, whenever that was: most are well again."""
        place, automation = runtime("errors.remedies").Place(region=REGION), self._world.automation
        catalogue = runtime("errors.catalogue")

        def remedy(host: data.Host) -> list[tuple[bool, str]]:
            trouble = host.trouble or data.Trouble(phase="", code="Unknown")
            values = {
                "id": host.host_id,
                "arn": automation.authority,
                "anchor": automation.trust_anchor.rpartition("/")[2],
                "profile": automation.profile.rpartition("/")[2],
            }
            return list(place.lines(catalogue.remedy_for(trouble.code, trouble.message), values))

        failed = {
            (each.host_id, each.trouble.code): data.Host(host_id=each.host_id, status="FAILED", trouble=each.trouble)
            for each in renewals
            if each.trouble is not None
        }
        return causes_of(failed.values(), at, place, remedy)

    def _runs(self) -> list[data.Run]:
        states = self._world.aws.client("stepfunctions")
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=self._world.automation.state_machine)
        return [
            data.Run(
                run_id=each["name"], status=each["status"], started_at=each["startDate"], ended_at=each.get("stopDate")
            )
            for page in pages
            for each in page["executions"]
        ]

    def _crl(self) -> dict[str, Any]:
        client = self._world.aws.client("rolesanywhere")
        anchored = runtime("revocation.anchored_crls").anchored_crls(client, self._world.automation.trust_anchor)
        return dict(runtime("monitoring.trust").facts(next(anchored, None)))

    def _crl_in_force(self) -> data.Crl | None:
        crl = self._crl()
        if not crl:
            return None
        return data.Crl(
            enabled=crl["enabled"],
            entries=crl["entries"],
            bytes=crl["bytes"],
            allowed_bytes=runtime("revocation.crl").PEM_MAX,
            next_update=crl["nextUpdate"],
            history=self._measured,
        )


def phases_of(report: Report) -> list[data.Phase]:
    """The phases in the order in which they were, each with what was expected in it."""
    return [
        data.Phase(
            name=name,
            what=_WORDS.get(name, name),
            started_at=begin,
            ended_at=end,
            expectations=[
                data.Expectation(what=each.what, expected=_plain(each.expected), seen=_plain(each.seen), held=each.held)
                for each in report.expectations
                if each.phase == name
            ],
        )
        for name, (begin, end) in report.moments.items()
    ]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _is_due(entry: Any, at: datetime) -> bool:
    if isinstance(entry, runtime("inventory.gate").Quarantined) or entry.status == "RETIRED":
        return False
    return bool(
        runtime("inventory.due").is_due(
            renewal_date=entry.renewal_date, expiry=entry.expiry, abandoned=False, now=at, next_run=timedelta()
        )
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
